"""Bytes on their way from a link to whoever reads it: what every transport that is called back keeps them in."""

from __future__ import annotations

import asyncio
from typing import Final

from vigie.errors import Disconnected

BOUND_BYTES: Final = 1 << 20
"""Bytes held for a slow reader; beyond that a link is not read, and the sender feels it."""


class Inbox:
    """What has arrived for one reader, and why nothing more will; used in the event loop's thread alone.

    Parameters
    ----------
    address
        Of the transport, for its errors.
    bound_bytes
        From how many bytes on it is :attr:`full`; to heed that is up to whoever puts.
    """

    def __init__(self, address: str, *, bound_bytes: int = BOUND_BYTES) -> None:
        self._address = address
        self._bound_bytes = bound_bytes
        self._bytes = bytearray()
        self._changed = asyncio.Event()
        self._failure: Disconnected | None = Disconnected(address, "not open")

    @property
    def full(self) -> bool:
        """Whether no more should be put until something is taken."""
        return len(self._bytes) >= self._bound_bytes

    def open(self) -> None:
        """The link is there."""
        self._failure = None

    def put(self, data: bytes) -> None:
        """Bytes arrived."""
        self._bytes += data
        self._changed.set()

    def fail(self, reason: str) -> None:
        """The link is gone; what arrived can still be taken. The first reason stands."""
        if self._failure is None:
            self._failure = Disconnected(self._address, reason)
        self._changed.set()

    def close(self) -> None:
        """The link was closed here: what nobody took is dropped."""
        self._bytes.clear()
        self.fail("closed")

    def check(self) -> None:
        """Raise ``Disconnected`` if the link is not there."""
        if self._failure is not None:
            raise self._failure

    async def take(self) -> bytes:
        """Wait for bytes and return all there are, at least one.

        Raises
        ------
        Disconnected
            There are none, and the link is not there.
        """
        while not self._bytes:
            self.check()
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._bytes)
        self._bytes.clear()
        return data
