"""TCP sockets: a serial port behind a terminal server, or a virtual board on another machine."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from vigie.errors import AddressError, ConnectFailed, Disconnected

_OPEN_TIMEOUT_S: Final = 5.0
_CLOSE_TIMEOUT_S: Final = 1.0
"""How long what was written may take to leave."""
_PIECE_BYTES: Final = 1 << 16
_BUFFER_BYTES: Final = 1 << 19
"""Half of what is held for a slow reader; beyond that the socket is not read, and the sender feels it."""


class SocketTransport:
    """``socket://host:port``."""

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            parts = urlsplit(address)
            self._host, self._port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressError(address, str(error)) from error
        if not self._host or not self._port or parts.path or parts.query:
            raise AddressError(address, "a socket has a host and a port, and nothing else")
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._failure = Disconnected(address, "not open")

    @property
    def address(self) -> str:
        """Where it leads."""
        return self._address

    async def open(self) -> None:
        """Connect; see :meth:`Transport.open`."""
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                self._ends = await asyncio.open_connection(self._host, self._port, limit=_BUFFER_BYTES)
        except OSError as error:
            raise ConnectFailed(self._address, str(error) or "does not answer") from error

    async def read(self) -> bytes:
        """Wait for bytes; see :meth:`Transport.read`."""
        if self._ends is None:
            raise self._failure
        try:
            data = await self._ends[0].read(_PIECE_BYTES)
        except OSError as error:
            raise self._lost(str(error)) from error
        if not data:
            raise self._lost("the other end closed the connection")
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes; see :meth:`Transport.write`."""
        if self._ends is None:
            raise self._failure
        try:
            self._ends[1].write(data)
            await self._ends[1].drain()
        except OSError as error:
            raise self._lost(str(error)) from error

    def _lost(self, reason: str) -> Disconnected:
        """What to raise: that it was closed here, where it was."""
        if self._ends is not None:
            self._failure = Disconnected(self._address, reason)
            self._ends[1].transport.abort()
        return self._failure

    async def close(self) -> None:
        """Close the connection; see :meth:`Transport.close`."""
        ends, self._ends = self._ends, None
        if ends is None:
            return
        self._failure = Disconnected(self._address, "closed")
        ends[1].close()
        with suppress(OSError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await ends[1].wait_closed()
        ends[1].transport.abort()
