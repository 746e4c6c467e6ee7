"""Boards that a bench can run on: a folder each, and a row in :data:`BOARDS`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from vigie.micropython import MicroPython, MicroPythonMissing, find, obtain
from vigie.transports import Transport
from vigie_rig.energy import Use
from vigie_rig.errors import BoardMissing, FirmwareFault
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import NorFlash
from vigie_rig.links import PERFECT, LinkProfile

HEAP_BYTES: Final = {"unix": 220 * 1024, "unix32": 128 * 1024}
"""Heap of each board: that of a real one, 128 KB, and what it becomes with pointers of twice the size."""


class Board(Protocol):
    """What a bench needs of a board that is on; it need not know what it is made of."""

    fault: FirmwareFault | None
    """Set when the board crashed or hung."""

    def link(self) -> Transport:
        """A new transport to its serial line, not open yet."""
        ...

    @property
    def transcript_sha256(self) -> str:
        """Hash over all that the board exchanged with the rig."""
        ...

    @property
    def stalled_s(self) -> float:
        """Real time for which board and sensors stood still, because the machine was busy; 0 on the virtual clock."""
        ...

    def now_us(self) -> int:
        """Board time."""
        ...

    def use(self) -> Use | None:
        """What it did so far that takes energy; None for a board of which that cannot be told."""
        ...

    def begin_link(self) -> None:
        """Let the link be what its profile says, from now on; before, it is a perfect one."""
        ...

    def reset(self) -> None:
        """Press the reset button."""
        ...

    def power_cut(self, off_s: float) -> None:
        """Cut its power now, and give it again so many seconds later."""
        ...


OpenBoard = Callable[..., AbstractAsyncContextManager[Any]]


def _open_unix(
    architecture: str | None,
    folder: Path,
    *,
    sensors: Any,
    faults: FaultPlan,
    heap_bytes: int | None,
    seed: int,
    on_pty: bool = False,
    link: LinkProfile = PERFECT,
    flash: NorFlash | None = None,
) -> Any:
    """A unix board whose file system is ``folder``.

    Raises
    ------
    BoardMissing
        There is no MicroPython on this machine.
    """
    from vigie_rig.boards.unix import UnixBoard

    micropython = _micropython(architecture)
    return UnixBoard(
        micropython,
        folder,
        sensors=sensors,
        faults=faults,
        heap_bytes=heap_bytes,
        seed=seed,
        on_pty=on_pty,
        link=link,
        flash=flash,
    )


def _micropython(architecture: str | None) -> MicroPython:
    try:
        return find(architecture)
    except MicroPythonMissing as error:
        raise BoardMissing(str(error)) from error


_ARCHITECTURES: Final = {"unix": None, "unix32": "i386"}


def fetch(name: str) -> None:
    """Get what a board needs, where the system's packages have it.

    Raises
    ------
    BoardMissing
        It cannot be had; the text says what to do.
    """
    try:
        obtain(_ARCHITECTURES[name])
    except MicroPythonMissing as error:
        raise BoardMissing(str(error)) from error


def require(name: str) -> None:
    """Check that a board can be had on this machine, without fetching anything.

    Raises
    ------
    BoardMissing
        It cannot; the text says what to do.
    """
    _micropython(_ARCHITECTURES[name])


BOARDS: Final[dict[str, OpenBoard]] = {
    name: partial(_open_unix, architecture) for name, architecture in _ARCHITECTURES.items()
}
"""Name to what opens it: called with the board's folder, its sensors, the fault plan, heap size and seed, whether its
link is to be a pseudo-terminal, and the link's profile."""
