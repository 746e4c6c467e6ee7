"""The client: one session with one bracelet over any transport."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

from vigie.errors import (
    ConnectFailed,
    Disconnected,
    LinkError,
    RequestRefused,
    RequestTimeout,
    SchemaMismatch,
)
from vigie.fetch import PendingFetch
from vigie.stream import SampleStream
from vigie.sync import Sync, SyncProgress
from vigie.transports import Transport, open_transport
from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_protocol.enums import ErrorCode, Lane, Stream
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import (
    BY_KIND,
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    AccelerometerBlock,
    Configuration,
    ConfigurationRequest,
    Configure,
    Done,
    Error,
    Fetch,
    Fetched,
    Hello,
    HelloRequest,
    PpgBlock,
    Records,
    Restart,
    StartStream,
    Status,
    StatusRequest,
    StopStream,
)
from vigie_protocol.schema import SCHEMA_CRC

if TYPE_CHECKING:
    from vigie.store import Store

DEADLINE_S: Final = 5.0
"""How long a request may take unless the caller says otherwise."""
_HELLO_AGAIN_S: Final = 0.5
_NOTICES_HELD: Final = 1000
_RESTARTED: Final = 0x8000
_FIRST_NUMBERS: Final = 256

_M = TypeVar("_M", bound=Message)


@dataclasses.dataclass
class LinkStatistics:
    """What the link did since the session began."""

    bytes_received: int = 0
    frames_received: int = 0
    frames_bad: int = 0
    """Pieces of the stream that were not a frame."""
    frames_lost: int = 0
    """Frames that the bracelet numbered and that never came."""
    numbers_began_anew: int = 0
    """How often frame numbers went back to the first ones: the bracelet restarted, or lost frames as they wrapped."""
    messages_unknown: int = 0
    """Whole frames with a message that this host does not know, or that breaks its definition."""


class Bracelet:
    """A session that :func:`connect` opened. All waits have deadlines; a lost link ends them at once."""

    def __init__(self, transport: Transport, deadline_s: float) -> None:
        self.link = LinkStatistics()
        self.notices: deque[Message] = deque(maxlen=_NOTICES_HELD)
        """The latest messages that answer no request and are no samples: ``Event``, ``Log``; oldest first."""
        self._untold: deque[Message] = deque(maxlen=_NOTICES_HELD)
        self._noticed = asyncio.Event()
        self._transport = transport
        self._deadline_s = deadline_s
        self._deframer = framing.Deframer()
        self._sequence = 0
        self._expected: int | None = None
        self._pending: dict[int, tuple[type[Message], asyncio.Future[Message]]] = {}
        self._fetches: dict[int, PendingFetch] = {}
        self._stream: SampleStream | None = None
        self._switching = asyncio.Lock()
        self._failure: LinkError | None = None
        self._reader: asyncio.Task[None] | None = None
        self._hello: Hello | None = None

    @property
    def address(self) -> str:
        """Where the bracelet is."""
        return self._transport.address

    @property
    def hello(self) -> Hello:
        """What the bracelet said of itself when the session began."""
        assert self._hello is not None
        return self._hello

    @property
    def firmware_version(self) -> str:
        """Version of the firmware, as people write it."""
        hello = self.hello
        return f"{hello.firmware_major}.{hello.firmware_minor}.{hello.firmware_patch}"

    @property
    def micropython_version(self) -> str:
        """Version of the interpreter, as people write it."""
        hello = self.hello
        return f"{hello.micropython_major}.{hello.micropython_minor}.{hello.micropython_patch}"

    # Requests

    async def request(
        self, message: Message, answer: type[_M], *, timeout_s: float | None = None
    ) -> _M | Error:
        """Send a request and wait for its answer: the message asked for, or the bracelet's ``Error``.

        Raises
        ------
        RequestTimeout
            No answer came in time.
        Disconnected
            The link went away.
        """
        timeout_s = self._deadline_s if timeout_s is None else timeout_s
        sequence = self._next_sequence()
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[sequence] = (answer, reply)
        if self._stream is not None:
            self._stream.make_room()
        try:
            async with asyncio.timeout(timeout_s):
                if self._failure is not None:
                    raise self._failure
                await self._transport.write(framing.encode_frame(message.KIND, sequence, message.to_bytes()))
                # Only what was asked for is put there.
                return cast("_M | Error", await reply)
        except TimeoutError as error:
            if isinstance(error, LinkError):
                raise
            raise RequestTimeout(type(message).__name__, timeout_s) from None
        finally:
            del self._pending[sequence]
            if reply.done() and not reply.cancelled():
                reply.exception()  # told already, where the link went while this was written

    def _next_sequence(self) -> int:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        return sequence

    async def demand(self, message: Message, answer: type[_M], timeout_s: float | None = None) -> _M:
        """Send a request and wait for its answer; what the bracelet refuses is raised as ``RequestRefused``."""
        return self._accepted(message, await self.request(message, answer, timeout_s=timeout_s))

    @staticmethod
    def _accepted(message: Message, got: _M | Error) -> _M:
        if isinstance(got, Error):
            raise RequestRefused(type(message).__name__, got.code, got.text.decode(errors="replace"))
        return got

    async def status(self, *, collect: bool = False, timeout_s: float | None = None) -> Status:
        """Ask how the bracelet is; ``collect`` lets it collect garbage first, so that the heap shows what is live."""
        return await self.demand(StatusRequest(collect=int(collect)), Status, timeout_s)

    async def configuration(self, *, timeout_s: float | None = None) -> Configuration:
        """Ask for the configuration in force."""
        return await self.demand(ConfigurationRequest(), Configuration, timeout_s)

    async def configure(self, wanted: Configure, *, timeout_s: float | None = None) -> Configuration | Error:
        """Set the sensors up; what the chips lack comes back as ``Error``, with nothing changed."""
        return await self.request(wanted, Configuration, timeout_s=timeout_s)

    async def restart(self, mode: int, *, timeout_s: float | None = None) -> None:
        """Restart the application, or leave it for the MicroPython prompt; the session is over then."""
        await self.demand(Restart(mode=mode), Done, timeout_s)

    def stream(
        self, streams: Stream = Stream.PPG | Stream.ACCELEROMETER, *, stall_timeout_s: float = DEADLINE_S
    ) -> SampleStream:
        """Start streams and iterate over their blocks: ``async for block in bracelet.stream(): ...``.

        They run until the session or the stream ends: leaving the loop alone does not stop them. Use ``async with`` to
        stop them at a place, or :meth:`SampleStream.stop`. There is one stream a session: a new one, as it starts,
        ends the one before.

        Raises (while iterating)
        ------------------------
        RequestRefused
            The bracelet lacks such a stream.
        StreamStalled
            No block came for ``stall_timeout_s``.
        Disconnected
            The link went away.
        """
        return SampleStream(self, streams, stall_timeout_s)

    def sync(
        self,
        store: Store,
        *,
        everything: bool = False,
        only: Mapping[Lane, tuple[int, int]] | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        utc_s: Callable[[], float] = time.time,
    ) -> Sync:
        """Bring home what is new, and iterate over it: ``async for record in bracelet.sync(store): ...``.

        A record comes when the store has it on the disk; only then is it acknowledged. Left or interrupted anywhere,
        the next sync goes on, by this gateway or another.

        Parameters
        ----------
        store
            Where the records are kept.
        everything
            Also what a receiver confirmed already and the bracelet still has: for a store of one's own.
        only
            Of each lane that is named, the numbers (first, past); of the others nothing.
        progress
            Called after each commit.
        utc_s
            The host's clock, in seconds since 1970.

        Raises (while iterating)
        ------------------------
        LinkError
            The link went away, or the bracelet does not answer. Sync again later.
        RequestRefused
            The bracelet keeps no log.
        StoreError
            Nothing can be committed; nothing is acknowledged.
        RecordConflict
            At the end: some records have the numbers of others.
        """
        return Sync(self, store, everything=everything, only=only, progress=progress, utc_s=utc_s)

    async def fetch(self, lane: Lane, first: int, count: int) -> PendingFetch:
        """Ask for records of the flash log; several may be under way, and their answers come in the order of asking.

        Raises
        ------
        Disconnected
            The link went away.
        """
        sequence = self._next_sequence()
        pending = PendingFetch(lane, first, count, lambda: self._drop_fetch(sequence))
        message = Fetch(lane=lane, first=first, count=count)
        if self._failure is not None:
            raise self._failure
        self._fetches[sequence] = pending
        if self._stream is not None:
            self._stream.make_room()
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._transport.write(framing.encode_frame(message.KIND, sequence, message.to_bytes()))
        except BaseException as error:
            pending.drop()
            if isinstance(error, TimeoutError) and not isinstance(error, LinkError):
                raise RequestTimeout(Fetch.__name__, self._deadline_s) from None
            raise
        return pending

    def _drop_fetch(self, sequence: int) -> None:
        self._fetches.pop(sequence, None)

    async def next_notice(self, *, timeout_s: float | None = None) -> Message:
        """Return the oldest notice that was not returned here yet, waiting for one: ``Event``, ``Log``.

        It stays in :attr:`notices` too. Notices keep their place among the blocks: a stream that nobody reads holds up
        those behind it.

        Parameters
        ----------
        timeout_s
            How long to wait; None waits for as long as the link lasts.

        Raises
        ------
        TimeoutError
            None came in time; nothing is wrong with the link.
        Disconnected
            The link went away, and all notices were returned.
        """
        async with asyncio.timeout(timeout_s):
            while not self._untold:
                if self._failure is not None:
                    raise self._failure
                self._noticed.clear()
                await self._noticed.wait()
        return self._untold.popleft()

    # The session

    async def open(self) -> None:
        """Open the transport and introduce each other."""
        await self._transport.open()
        try:
            self._reader = asyncio.create_task(self._read())
            self._hello = await self._introduce()
            hello = self._hello
            ours = (PROTOCOL_MAJOR, PROTOCOL_MINOR, SCHEMA_CRC)
            theirs = (hello.protocol_major, hello.protocol_minor, hello.schema_crc)
            if ours[0] != theirs[0] or (ours[1] == theirs[1] and ours[2] != theirs[2]):
                raise SchemaMismatch(ours, theirs)
        except BaseException:
            await self.close()
            raise

    async def _introduce(self) -> Hello:
        """Say hello until it is answered: the first may drown in what the line held before."""
        request = HelloRequest(
            protocol_major=PROTOCOL_MAJOR, protocol_minor=PROTOCOL_MINOR, schema_crc=SCHEMA_CRC
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                # A zero ends whatever half a frame the line may hold.
                await self._transport.write(b"\0")
                while True:
                    try:
                        return await self.demand(request, Hello, _HELLO_AGAIN_S)
                    except RequestTimeout:
                        continue
        except TimeoutError:
            if self.link.bytes_received:
                reason = (
                    "something answers, but not the bracelet's application: it may stand at the MicroPython prompt "
                    "(`mpremote reset` starts it), or needs `vigie flash`"
                )
            else:
                reason = "nothing answers; if this is the right port, try `vigie flash`"
            raise ConnectFailed(self.address, f"{reason} (waited {self._deadline_s:g} s)") from None
        except Disconnected as error:
            raise ConnectFailed(self.address, error.reason) from error

    async def close(self) -> None:
        """Stop what runs and close the transport; may be called twice."""
        try:
            if self._stream is not None:
                await self._stream.aclose()
        finally:
            if self._reader is not None:
                self._reader.cancel()
                with suppress(asyncio.CancelledError):
                    await self._reader
                self._reader = None
            await self._transport.close()
            self._fail(Disconnected(self.address, "closed"))

    def _fail(self, failure: LinkError) -> None:
        if self._failure is None:
            self._failure = failure
        for _, reply in self._pending.values():
            if not reply.done():
                reply.set_exception(failure)
        for pending in tuple(self._fetches.values()):
            pending.end(failure=failure)
        self._fetches.clear()
        self._noticed.set()
        if self._stream is not None:
            self._stream.fail(failure)

    async def _read(self) -> None:
        """Read the link for as long as it lasts."""
        try:
            while True:
                data = await self._transport.read()
                self.link.bytes_received += len(data)
                for frame in self._deframer.feed(data):
                    await self._take(frame)
                self.link.frames_bad = self._deframer.frames_bad
        except LinkError as failure:
            self._fail(failure)

    async def _take(self, frame: framing.Frame) -> None:
        self.link.frames_received += 1
        missing = 0 if self._expected is None else (frame.sequence - self._expected) & 0xFFFF
        # Numbers that go back are those of a bracelet that restarted.
        if missing < _RESTARTED:
            self.link.frames_lost += missing
        if self._expected is not None and frame.sequence < min(self._expected, _FIRST_NUMBERS):
            self.link.numbers_began_anew += 1
        self._expected = (frame.sequence + 1) & 0xFFFF
        try:
            if frame.kind in (PpgBlock.KIND, AccelerometerBlock.KIND):
                if self._stream is not None:
                    await self._stream.take(frame.kind, frame.body)
                return
            if frame.kind == Records.KIND:
                if (pending := self._fetches.get(int.from_bytes(frame.body[:2], "little"))) is not None:
                    self._overtake(pending)
                    pending.take_records(frame.body)
                return
            known = BY_KIND.get(frame.kind)
            if known is None:
                self.link.messages_unknown += 1
                return
            message = known.from_bytes(frame.body)
        except MessageError:
            self.link.messages_unknown += 1
            return
        if isinstance(message, Fetched | Error) and message.request in self._fetches:
            self._overtake(self._fetches[message.request])
            self._fetches.pop(message.request).end(message)
            return
        if isinstance(message, Fetched):
            return
        answer, reply = self._pending.get(getattr(message, "request", -1), (Message, None))
        # What the line still held for an earlier session may carry the number of a request of ours.
        if reply is None or not isinstance(message, answer | Error):
            self._notice(message)
        elif not reply.done():
            reply.set_result(message)

    def _overtake(self, pending: PendingFetch) -> None:
        """The bracelet answers in the order of asking: of those before nothing more comes."""
        for sequence, each in tuple(self._fetches.items()):
            if each is pending:
                return
            each.end()
            del self._fetches[sequence]

    def _notice(self, message: Message) -> None:
        self.notices.append(message)
        self._untold.append(message)
        self._noticed.set()

    # For SampleStream

    async def start_stream(self, stream: SampleStream) -> None:
        """Begin to hand blocks to a stream object; there is one at a time, and the one before ends."""
        async with self._switching:
            if self._stream is not None:
                await self._halt(self._stream)
            # Asked for each time: a refused Configure or a restart may have changed what is in force.
            stream.prepare(await self.configuration())
            self._stream = stream
            start = StartStream(streams=stream.streams)
            try:
                got = await self.request(start, Done)
                if isinstance(got, Error) and got.code == ErrorCode.BUSY_STREAMING:
                    # Of a stop whose answer did not come, or was not waited for.
                    await self.demand(StopStream(), Done)
                    got = await self.request(start, Done)
                self._accepted(start, got)
            except BaseException:
                self._stream = None
                raise

    async def stop_stream(self, stream: SampleStream) -> None:
        """Stop handing blocks to a stream object."""
        async with self._switching:
            if self._stream is stream:
                await self._halt(stream)

    async def _halt(self, stream: SampleStream) -> None:
        """Stop the streams, as far as the link lets."""
        try:
            with suppress(LinkError, RequestRefused):
                await self.demand(StopStream(), Done)
        finally:
            self._stream = None
            stream.end()

    @property
    def waits_for_answer(self) -> bool:
        """Whether a request is under way."""
        return bool(self._pending or self._fetches)


@asynccontextmanager
async def connect(address: str | Transport, *, deadline_s: float = DEADLINE_S) -> AsyncGenerator[Bracelet]:
    """Open a session: ``async with vigie.connect("serial:/dev/ttyACM0") as bracelet: ...``.

    Parameters
    ----------
    address
        As :func:`vigie.transports.open_transport` takes it, or a transport.
    deadline_s
        How long the bracelet has to answer, at the start and for each request.

    Raises
    ------
    ConnectFailed
        Nothing can be opened there, or no bracelet answers.
    SchemaMismatch
        It speaks another protocol.
    AddressError
        The address is not one.
    """
    bracelet = Bracelet(open_transport(address) if isinstance(address, str) else address, deadline_s)
    await bracelet.open()
    try:
        yield bracelet
    finally:
        await bracelet.close()
