"""The host's end of a virtual serial line, as a transport of the SDK: no operating system in between."""

from __future__ import annotations

import asyncio
from typing import Final

from vigie.errors import ConnectFailed
from vigie.transports.inbox import Inbox
from vigie_rig.serial_line import SerialLine

_HOST_BUFFER_BYTES: Final = 65536
_PIECE_BYTES: Final = 512


class LineTransport:
    """Reads and writes a :class:`SerialLine` in this process."""

    def __init__(self, line: SerialLine, address: str = "virtual:") -> None:
        self._line = line
        self._address = address
        self._inbox = Inbox(address, bound_bytes=_HOST_BUFFER_BYTES)
        self._writing = asyncio.Lock()
        self._open = False

    @property
    def address(self) -> str:
        """Its name."""
        return self._address

    async def open(self) -> None:
        """Take the line's end; one host at a time."""
        if not self._line.plugged:
            raise ConnectFailed(self._address, "the line is unplugged")
        if self._line.to_host is not None:
            raise ConnectFailed(self._address, "another host has the line")
        self._inbox.open()
        self._open = True
        self._line.to_host = self._take
        self._line.on_unplugged = self._unplugged
        self._line.host_ready()

    def _take(self, data: bytes) -> bool:
        if self._inbox.full:
            return False
        self._inbox.put(data)
        return True

    def _unplugged(self) -> None:
        self._inbox.fail("unplugged")

    async def read(self) -> bytes:
        """Wait for bytes."""
        data = await self._inbox.take()
        self._line.host_ready()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes, as the board has room for them; one writer after the other."""
        async with self._writing:
            self._inbox.check()
            at = 0
            while at < len(data):
                self._inbox.check()
                piece = data[at : at + min(_PIECE_BYTES, self._line.board_room)]
                if piece:
                    self._line.host_write(piece, asyncio.get_running_loop().time())
                    at += len(piece)
                # Give the bytes time to pass before asking for room again.
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        """Let the line go."""
        if self._open:
            self._open = False
            self._line.to_host = None
            self._line.on_unplugged = None
            self._inbox.close()
