"""A window of records on its way: asked for, coming in frames, ended by ``Fetched``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vigie.errors import LinkError
from vigie.records import Record, read_records
from vigie_protocol.enums import Lane
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import Error, Fetched


class PendingFetch:
    """One ``Fetch`` under way; a session has several, and their answers come in the order of asking."""

    def __init__(self, lane: Lane, first: int, count: int, forget: Callable[[], None]) -> None:
        self.lane = lane
        self.first = first
        self.count = count
        self.records: dict[int, Record] = {}
        """What has come, by number."""
        self.answer: Fetched | Error | None = None
        """What ended it; None while it comes, or where that was lost."""
        self.bytes_received = 0
        self._forget = forget
        self._over = False
        self._failure: LinkError | None = None
        self._changed = asyncio.Event()

    @property
    def whole(self) -> bool:
        """Whether all that the bracelet sent for it has come."""
        return isinstance(self.answer, Fetched) and self.answer.count == len(self.records)

    @property
    def failure(self) -> LinkError | None:
        """What became of the link, if that ended it."""
        return self._failure

    def take_records(self, body: bytes) -> None:
        """Take a frame of records.

        Raises
        ------
        MessageError
            The frame is not of this window, or not whole.
        """
        records = read_records(body)
        for record in records:
            if record.lane is not self.lane or not 0 <= record.number - self.first < self.count:
                raise MessageError("Records", f"number {record.number} was not asked for")
        self.records.update((record.number, record) for record in records)
        self.bytes_received += len(body)
        self._changed.set()

    def end(self, answer: Fetched | Error | None = None, failure: LinkError | None = None) -> None:
        """Nothing more comes: it was answered, overtaken by the next answer, or the link is gone."""
        if not self._over:
            self._over = True
            self.answer = answer
            self._failure = failure
        self._changed.set()

    async def wait(self, silence_s: float) -> bool:
        """Wait until it is over, as long as something comes; return False if nothing did for ``silence_s``."""
        while not self._over:
            self._changed.clear()
            try:
                async with asyncio.timeout(silence_s):
                    await self._changed.wait()
            except TimeoutError:
                self.drop()
                return False
        return True

    def drop(self) -> None:
        """Forget it: what still comes of it is ignored."""
        self.end()
        self._forget()
