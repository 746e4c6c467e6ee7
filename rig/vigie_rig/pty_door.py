"""The outer door of a virtual board: a pseudo-terminal that any serial program can open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from types import TracebackType
from typing import Final

from vigie_rig.serial_line import SerialLine

_READ_BYTES: Final = 1024


class PtyDoor:
    """Joins a :class:`SerialLine` to a pseudo-terminal; use it with ``async with``, on the real clock."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._waiting = bytearray()

    async def __aenter__(self) -> PtyDoor:
        """Open the terminal."""
        self._loop = asyncio.get_running_loop()
        self._master, self._slave = pty.openpty()
        # Held open by us too, so that it keeps its raw mode while nobody else has it open.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._line.to_host = self._to_host
        self._line.on_unplugged = self._unplugged
        self._loop.add_reader(self._master, self._from_host)
        self._line.host_ready()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it: whoever has it open is disconnected."""
        self._close()
        self._line.to_host = None
        self._line.on_unplugged = None

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
            os.close(self._slave)
            os.close(self._master)

    def _unplugged(self) -> None:
        self._close()

    def _to_host(self, data: bytes) -> bool:
        if not self._open or self._waiting:
            return False
        sent = self._write(data)
        if sent < len(data):
            self._waiting += data[sent:]
            self._loop.add_writer(self._master, self._more_to_host)
        return True

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def _more_to_host(self) -> None:
        del self._waiting[: self._write(bytes(self._waiting))]
        if not self._waiting:
            self._loop.remove_writer(self._master)
            self._line.host_ready()

    def _from_host(self) -> None:
        room = self._line.board_room
        if room <= 0:
            # The board is behind: look again soon, and let the terminal's buffer hold the host back.
            self._loop.remove_reader(self._master)
            self._loop.call_later(0.002, self._resume)
            return
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self._master, min(room, _READ_BYTES))
            if data:
                self._line.host_write(data, self._loop.time())

    def _resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._master, self._from_host)
