"""The host's end of a virtual serial line, as a transport of the SDK: no operating system in between."""

from __future__ import annotations

import asyncio
from typing import Final

from vigie.errors import ConnectFailed, Disconnected
from vigie_rig.serial_line import SerialLine

_HOST_BUFFER_BYTES: Final = 65536
_PIECE_BYTES: Final = 512


class LineTransport:
    """Reads and writes a :class:`SerialLine` in this process."""

    def __init__(self, line: SerialLine, address: str = "virtual:") -> None:
        self._line = line
        self._address = address
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failure: Disconnected | None = None
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
        self._received.clear()
        self._failure = None
        self._open = True
        self._line.to_host = self._take
        self._line.on_unplugged = self._unplugged
        self._line.host_ready()

    def _take(self, data: bytes) -> bool:
        if len(self._received) >= _HOST_BUFFER_BYTES:
            return False
        self._received += data
        self._arrived.set()
        return True

    def _unplugged(self) -> None:
        self._fail("unplugged")

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = Disconnected(self._address, reason)
        self._arrived.set()

    async def read(self) -> bytes:
        """Wait for bytes."""
        while not self._received:
            if self._failure is not None:
                raise self._failure
            if not self._open:
                raise Disconnected(self._address, "not open")
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        self._line.host_ready()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes, as the board has room for them; one writer after the other."""
        async with self._writing:
            if self._failure is None and not self._open:
                raise Disconnected(self._address, "not open")
            at = 0
            while at < len(data):
                if self._failure is not None:
                    raise self._failure
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
            self._fail("closed")
