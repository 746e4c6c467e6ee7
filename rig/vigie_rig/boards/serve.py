"""A board that stays: on the real clock, behind a pseudo-terminal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Final

from vigie.flash import flash
from vigie.transports import open_transport
from vigie_rig.boards import BOARDS, OpenBoard
from vigie_rig.faults import FaultPlan
from vigie_rig.sensors import bracelet_sensors
from vigie_rig.traces import Trace

_LOOK_S: Final = 0.5
_START_S: Final = 60.0


async def serve(open_board: OpenBoard, folder: Path, trace: Trace, say: Callable[[str], None]) -> None:
    """Run a board until it is cancelled or crashes; ``say`` is told the path of its serial port.

    Raises
    ------
    FirmwareFault
        The board crashed.
    """
    opened = open_board(
        folder, sensors=bracelet_sensors(trace), faults=FaultPlan(), heap_bytes=None, seed=0, on_pty=True
    )
    async with opened as board:
        say(board.link().address.removeprefix("serial:"))
        while board.fault is None:
            await asyncio.sleep(_LOOK_S)
        raise board.fault


class BoardThread:
    """A board with the package's firmware, in a thread of its own; use it with ``with``."""

    def __init__(self, name: str, folder: Path, trace: Trace) -> None:
        self._name = name
        self._folder = folder
        self._trace = trace
        self._path: Future[str] = Future()
        self._crash: Exception | None = None

    def __enter__(self) -> BoardThread:
        """Start it and deploy the firmware."""
        self._thread = threading.Thread(target=self._run, name=f"vigie-board-{self._name}")
        self._thread.start()
        try:
            self.address = f"serial:{self._path.result(_START_S)}"
            asyncio.run(self._deploy())
        except BaseException:
            self._stop()
            raise
        return self

    async def _deploy(self) -> None:
        await flash(open_transport(self.address))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; no thread and no process is left. A crash meanwhile is raised, unless something else is."""
        self._stop()
        if self._crash is not None and error is None:
            raise self._crash

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self._crash = error
            if not self._path.done():
                self._path.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        await serve(BOARDS[self._name], self._folder, self._trace, self._path.set_result)
