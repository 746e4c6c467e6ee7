import gc

# Often, while modules come: what stays lies together then, and leaves room for buffers in one piece.
gc.threshold(4096)

import board  # noqa: E402

from bracelet.app import main  # noqa: E402

gc.threshold(-1)
main(board)
