"""Boards that a bench can run on: a folder each, and a row in :data:`BOARDS`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, Protocol

from vigie.micropython import MicroPython, MicroPythonMissing, find
from vigie_rig.channel import Transcript
from vigie_rig.errors import BoardMissing, FirmwareFault
from vigie_rig.faults import FaultPlan
from vigie_rig.sensor_bus import SensorBus
from vigie_rig.serial_line import SerialLine

HEAP_BYTES: Final = 220 * 1024
"""Heap of a virtual 64-bit board: what 128 KB on a 32-bit one become with pointers of twice the size."""


class Board(Protocol):
    """What a bench needs of a board."""

    line: SerialLine
    bus: SensorBus
    transcript: Transcript
    fault: FirmwareFault | None

    @property
    def stalled_s(self) -> float:
        """Real time for which board and sensors stood still, because the machine was busy; 0 on the virtual clock."""
        ...

    def now_us(self) -> int:
        """Board time."""
        ...

    def reset(self) -> None:
        """Press the reset button."""
        ...


OpenBoard = Callable[..., AbstractAsyncContextManager[Any]]


def open_unix(folder: Path, *, sensors: Any, faults: FaultPlan, heap_bytes: int | None, seed: int) -> Any:
    """A unix board whose file system is ``folder``.

    Raises
    ------
    BoardMissing
        There is no MicroPython on this machine.
    """
    from vigie_rig.boards.unix import UnixBoard

    return UnixBoard(
        _unix_micropython(),
        folder,
        sensors=sensors,
        faults=faults,
        heap_bytes=heap_bytes or HEAP_BYTES,
        seed=seed,
    )


def _unix_micropython() -> MicroPython:
    try:
        return find()
    except MicroPythonMissing as error:
        raise BoardMissing(str(error)) from error


_NEEDS: Final[dict[str, Callable[[], object]]] = {"unix": _unix_micropython}


def require(name: str) -> None:
    """Check that a board can be had on this machine.

    Raises
    ------
    BoardMissing
        It cannot; the text says what to do.
    """
    _NEEDS[name]()


BOARDS: Final[dict[str, OpenBoard]] = {"unix": open_unix}
"""Name to what opens it: called with the board's folder, its sensors, the fault plan, heap size and seed."""
