"""Running streams, as something to iterate over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

from vigie.errors import LinkError, StreamStalled
from vigie.samples import BlockReader, SampleBlock
from vigie_protocol.enums import Stream
from vigie_protocol.messages import AccelerometerBlock, Configuration, PpgBlock

if TYPE_CHECKING:
    from vigie.bracelet import Bracelet

_BLOCKS_HELD: Final = 256
"""Blocks kept for a slow consumer; beyond that the link is not read, and the bracelet's sensors overflow visibly."""


class SampleStream:
    """The running streams of a session: iterate over it; use it with ``async with`` to stop it at a place.

    The streams start at the first block that is asked for.
    """

    def __init__(self, bracelet: Bracelet, streams: Stream, stall_timeout_s: float) -> None:
        self.streams = streams
        self._bracelet = bracelet
        self._stall_timeout_s = stall_timeout_s
        self._started = False
        self._stopped = False
        self._closed = False
        self._blocks: deque[SampleBlock] = deque()
        self._changed = asyncio.Event()
        self._failure: LinkError | None = None

    def prepare(self, configuration: Configuration) -> None:
        """Know how to read the blocks."""
        self._readers = {
            PpgBlock.KIND: BlockReader(Stream.PPG, configuration),
            AccelerometerBlock.KIND: BlockReader(Stream.ACCELEROMETER, configuration),
        }

    async def take(self, kind: int, body: bytes) -> None:
        """Take a block from the link; wait while the consumer is behind, unless an answer is under way."""
        self._blocks.append(self._readers[kind].read(body))
        self._changed.set()
        while len(self._blocks) >= _BLOCKS_HELD and not self._closed and not self._bracelet.waits_for_answer:
            self._changed.clear()
            await self._changed.wait()

    def make_room(self) -> None:
        """Let the link be read although the consumer is behind: an answer is wanted."""
        self._changed.set()

    def fail(self, failure: LinkError) -> None:
        """End the iteration once the blocks at hand are gone."""
        self._failure = failure
        self._changed.set()

    def __aiter__(self) -> AsyncIterator[SampleBlock]:
        """Iterate over the blocks."""
        return self

    async def __anext__(self) -> SampleBlock:
        """The next block."""
        if self._closed or (self._stopped and not self._blocks):
            raise StopAsyncIteration
        if not self._started:
            self._started = True
            await self._bracelet.start_stream(self)
        try:
            async with asyncio.timeout(self._stall_timeout_s):
                while not self._blocks:
                    if self._failure is not None:
                        raise self._failure
                    if self._stopped:
                        raise StopAsyncIteration
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            if isinstance(error, LinkError):
                raise
            raise StreamStalled(self._stall_timeout_s) from None
        block = self._blocks.popleft()
        self._changed.set()
        return block

    def end(self) -> None:
        """Let the iteration go on over the blocks at hand only, then end."""
        self._stopped = True
        self._changed.set()

    async def stop(self) -> None:
        """Stop the streams; the iteration goes on over the blocks at hand, then ends."""
        try:
            await self._bracelet.stop_stream(self)
        finally:
            self.end()

    async def aclose(self) -> None:
        """Stop the streams and leave what is at hand; may be called twice."""
        self._closed = True
        self._changed.set()
        await self.stop()

    async def __aenter__(self) -> SampleStream:
        """Use it until the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the streams."""
        await self.aclose()
