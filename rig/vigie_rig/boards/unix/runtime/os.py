"""`os` of the virtual board: the same module, whose listings tell sizes as those of a board with flash do."""

from uos import *  # noqa: F403

from uos import ilistdir as _ilistdir
from uos import stat as _stat


def ilistdir(path="."):
    for name, kind, inode in _ilistdir(path):
        yield name, kind, inode, 0 if kind == 0x4000 else _stat((path or ".") + "/" + name)[6]
