"""A board that stays: on the real clock, behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vigie_rig.boards import OpenBoard
from vigie_rig.faults import FaultPlan
from vigie_rig.pty_door import PtyDoor
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace

_LOOK_S: Final = 0.5


async def serve(open_board: OpenBoard, folder: Path, trace: Trace, say: Callable[[str], None]) -> None:
    """Run a board until it is cancelled or crashes.

    Raises
    ------
    FirmwareFault
        The board crashed.
    """
    sensors = [Max30101(trace), Lsm6dso(trace)]
    async with open_board(folder, sensors=sensors, faults=FaultPlan(), heap_bytes=None, seed=0) as board:
        async with PtyDoor(board.line) as door:
            say(door.path)
            while board.fault is None:
                await asyncio.sleep(_LOOK_S)
        raise board.fault
