"""Accuracy of every function of ``vigie_signal`` on a folder of recordings, as Markdown tables.

    python tests/benchmarks/signal_accuracy.py [FOLDER] [--only PAGE]

The same as ``python -m evaluation``, which with ``--write`` brings the pages of the documentation up to date.
Parameters were tuned on the rows *tuned on* alone; quote the others.
"""

import os
import sys

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from evaluation.__main__ import main  # noqa: E402 - NumPy reads the variables when it is imported

if __name__ == "__main__":
    sys.exit(main())
