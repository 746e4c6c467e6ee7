"""A bracelet made of the shipped FakeTransport: it answers as the firmware does, and sends blocks when told."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import vigie
from vigie.records import Record
from vigie.transports.fake import HELLO, FakeTransport
from vigie.transports.inbox import Inbox
from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_protocol.enums import Capability, ErrorCode, GapReason, Lane, MinuteState
from vigie_protocol.messages import (
    AccelerometerBlock,
    AnchorRecord,
    BootRecord,
    Configuration,
    ConfigurationRequest,
    Configure,
    Cursor,
    Done,
    DroppedRecord,
    Error,
    Fetch,
    Fetched,
    Hello,
    LaneRequest,
    LaneStatus,
    LogRequest,
    LogStatus,
    MinuteRecord,
    PpgBlock,
    Records,
    SetAnchor,
    Status,
    StatusRequest,
    Time,
    TimeRequest,
)
from vigie_protocol.schema import SCHEMA_CRC

CONFIGURATION = Configuration(
    request=0,
    configuration=1,
    ppg_rate_hz=100,
    ppg_channels=2,
    ppg_pulse_width_us=411,
    ppg_range_na=4096,
    ppg_average=1,
    ppg_led_ua=6400,
    acc_rate_decihz=1040,
    acc_range_g=8,
)
STATUS = Status(
    request=0,
    ticks_us=5,
    epoch=0,
    streams=0,
    reset_reason=1,
    battery_mv=3900,
    heap_live_bytes=30000,
    heap_free_bytes=98000,
    frames_bad=0,
    frames_sent=1,
    ppg_lost=0,
    acc_lost=0,
    sensor_faults=0,
)
WANTED = Configure(
    ppg_rate_hz=77,
    ppg_channels=2,
    ppg_pulse_width_us=411,
    ppg_range_na=4096,
    ppg_average=1,
    ppg_led_ua=6400,
    acc_rate_decihz=1040,
    acc_range_g=8,
)


def replaced(message: Message, **values: object) -> Message:
    """The message with other values."""
    return type(message)(**{field.name: getattr(message, field.name) for field in message.FIELDS} | values)


def ppg(first_sample: int, count: int = 12, **values: object) -> Message:
    """A block whose samples are their own numbers."""
    block = PpgBlock(
        first_sample=first_sample % (1 << 30),
        ticks_us=0,
        epoch=0,
        overflow=0,
        flags=0,
        configuration=1,
        channels=2,
        samples=tuple(
            number % (1 << 18) for number in range(first_sample, first_sample + count) for _ in (0, 1)
        ),
    )
    return replaced(block, **values)


def acc(first_sample: int, count: int = 13, **values: object) -> Message:
    """A block that lies still."""
    block = AccelerometerBlock(
        first_sample=first_sample % (1 << 30),
        ticks_us=0,
        epoch=0,
        overflow=0,
        flags=0,
        configuration=1,
        range_g=8,
        sensor_ticks=0,
        samples=((0, 0, 4096),) * count,
    )
    return replaced(block, **values)


class FakeBracelet(FakeTransport):
    """Answers what the firmware answers; `special` goes first, and returns None where it has nothing special."""

    def __init__(
        self,
        special: Callable[[Message, int], Iterable[Message] | None] = lambda _message, _sequence: None,
        *,
        hello: Hello = HELLO,
    ) -> None:
        def answer(message: Message, sequence: int) -> Iterable[Message] | None:
            if (answers := special(message, sequence)) is not None:
                return answers
            if isinstance(message, ConfigurationRequest):
                return [replaced(CONFIGURATION, request=sequence)]
            if isinstance(message, StatusRequest):
                return [replaced(STATUS, request=sequence)]
            return None

        super().__init__(answer, hello=hello)

    async def send_ppg(self, blocks: int, *, every_s: float = 0.12, first: int = 0) -> None:
        """Send blocks one after the other."""
        for number in range(first, first + blocks):
            self.send(ppg(12 * number))
            await asyncio.sleep(every_s)


def quick_folder() -> TemporaryDirectory[str]:
    """A folder in memory where there is one: these tests commit a thousand times."""
    memory = Path("/dev/shm")
    return TemporaryDirectory(dir=memory if memory.is_dir() else None)


class FakeLog:
    """A flash log in memory, honest as the firmware's: it forgets only what it is told to, and tells what it has not.

    ``boot()`` begins a boot, ``append()`` adds a record at the ticks of `now_us`. It outlives the transports that
    serve it.
    """

    def __init__(self, *, device_id: bytes = b"fake\0\0\0\0", log_id: int = 7, seed: int = 1) -> None:
        self.device_id = device_id
        self.log_id = log_id
        self.records: dict[Lane, dict[int, Record]] = {lane: {} for lane in Lane}
        self.next = dict.fromkeys(Lane, 0)
        self.held = dict.fromkeys(Lane, 0)
        self.delivered = dict.fromkeys(Lane, 0)
        self.boot_id = 0
        self.now_us: Callable[[], int] = lambda: 0
        self._dice = random.Random(seed)
        self.window_most = 1024

    def boot(self, now_us: Callable[[], int]) -> None:
        """Start anew, with a clock of its own."""
        self.boot_id = self._dice.getrandbits(32)
        self.now_us = now_us
        self.append(
            Lane.EVENT,
            BootRecord(reason=1, firmware_major=0, firmware_minor=1, firmware_patch=0, schema_crc=SCHEMA_CRC),
        )

    def append(self, lane: Lane, message: Message, ticks_us: int | None = None) -> Record:
        """Add a record."""
        number = self.next[lane]
        ticks_us = (self.now_us() if ticks_us is None else ticks_us) // 10_000 * 10_000
        record = Record(lane, number, self.boot_id, ticks_us, message.KIND, message.to_bytes())
        self.records[lane][number] = record
        self.next[lane] = number + 1
        return record

    def minutes(self, count: int, *, first_us: int = 60_000_000) -> None:
        """Add minutes, one after the other, whose body tells their number."""
        for number in range(self.next[Lane.MINUTE], self.next[Lane.MINUTE] + count):
            self.append(Lane.MINUTE, minute(number), first_us)
            first_us += 60_000_000

    def oldest(self, lane: Lane) -> int:
        """Number of the oldest record."""
        return min(self.records[lane], default=self.next[lane])

    def drop(self, lane: Lane, first: int, past: int) -> None:
        """Reclaim records; what nobody confirmed leaves a record of it."""
        first = max(first, self.oldest(lane))
        told = max(first, self.delivered[lane])
        if past > told:
            self.append(
                Lane.EVENT,
                DroppedRecord(lane=lane, first=told, count=past - told, reason=GapReason.LOG_FULL),
            )
        for number in range(first, past):
            self.records[lane].pop(number, None)

    def answer(self, message: Message, sequence: int) -> Iterable[Message] | None:
        """Answer what is about the log."""
        if isinstance(message, Fetch):
            return self._fetch(message, sequence)
        if isinstance(message, Cursor):
            lane = Lane(message.lane)
            self.delivered[lane] = max(self.delivered[lane], min(message.delivered, self.next[lane]))
            self.held[lane] = max(self.held[lane], min(message.held, self.next[lane]), self.delivered[lane])
            return [Done(request=sequence)]
        if isinstance(message, LogRequest):
            return [
                LogStatus(
                    request=sequence,
                    log_id=self.log_id,
                    version=1,
                    sector_bytes=4096,
                    sectors=1024,
                    sectors_free=1000,
                    erases=3,
                    damaged=0,
                    dropped=0,
                    dropped_held=0,
                )
            ]
        if isinstance(message, LaneRequest):
            lane = Lane(message.lane)
            return [
                LaneStatus(
                    request=sequence,
                    lane=lane,
                    oldest=self.oldest(lane),
                    next=self.next[lane],
                    held=self.held[lane],
                    delivered=self.delivered[lane],
                    sectors=1,
                )
            ]
        if isinstance(message, TimeRequest):
            epoch, ticks_us = divmod(self.now_us(), 1 << 30)
            return [Time(request=sequence, boot_id=self.boot_id, ticks_us=ticks_us, epoch=epoch)]
        if isinstance(message, SetAnchor):
            if message.boot_id != self.boot_id:
                return [Error(request=sequence, code=ErrorCode.OTHER_BOOT, text=b"it started anew")]
            values = {field.name: getattr(message, field.name) for field in message.FIELDS}
            self.append(Lane.EVENT, AnchorRecord(**values))
            return [Done(request=sequence)]
        return None

    def _fetch(self, message: Fetch, sequence: int) -> Iterable[Message]:
        lane = Lane(message.lane)
        past = min(message.first + min(message.count, self.window_most), self.next[lane])
        wanted = [
            self.records[lane][number]
            for number in range(message.first, past)
            if number in self.records[lane]
        ]
        frame: list[Record] = []
        for record in wanted:
            if frame and (
                record.number != frame[-1].number + 1
                or record.boot_id != frame[0].boot_id
                or record.ticks_us - frame[0].ticks_us >= (1 << 24) * 10_000
                or record.ticks_us < frame[0].ticks_us
                or 17 + sum(5 + len(each.body) for each in (*frame, record)) > framing.MAX_BODY_BYTES
            ):
                yield records_frame(frame, sequence)
                frame = []
            frame.append(record)
        if frame:
            yield records_frame(frame, sequence)
        yield Fetched(request=sequence, lane=lane, next=max(past, message.first), count=len(wanted))


def records_frame(records: list[Record], sequence: int) -> Records:
    """Records whose numbers follow each other, in a frame."""
    epoch, ticks_us = divmod(records[0].ticks_us, 1 << 30)
    return Records(
        request=sequence,
        lane=records[0].lane,
        first=records[0].number,
        boot_id=records[0].boot_id,
        ticks_us=ticks_us,
        epoch=epoch,
        records=b"".join(
            bytes((each.kind, len(each.body)))
            + ((each.ticks_us - records[0].ticks_us) // 10_000).to_bytes(3, "little")
            + each.body
            for each in records
        ),
    )


def minute(number: int, **values: int) -> MinuteRecord:
    """A minute that tells its number, modulo 2^24."""
    made = MinuteRecord(
        bpm=40 + number % 100,
        confidence=90,
        rmssd=number % 256,
        steps=number >> 8 & 255,
        activity=number >> 16 & 255,
        state=MinuteState.WORN,
        battery=77,
    )
    return dataclasses.replace(made, **values)


class LogBracelet(FakeBracelet):
    """A bracelet with a flash log."""

    def __init__(
        self,
        log: FakeLog,
        special: Callable[[Message, int], Iterable[Message] | None] = lambda _message, _sequence: None,
    ) -> None:
        def answer(message: Message, sequence: int) -> Iterable[Message] | None:
            if (answers := special(message, sequence)) is not None:
                return answers
            return log.answer(message, sequence)

        hello = replaced(
            HELLO, device_id=log.device_id, boot_id=log.boot_id, capabilities=Capability.FLASH_LOG
        )
        assert isinstance(hello, Hello)
        super().__init__(answer, hello=hello)

    def restart(self) -> None:
        """Begin to count its frames anew."""
        self._sequence = 0


class BadLine:
    """A transport with a speed and faults of its own around another one, on the loop's clock.

    Parameters
    ----------
    inner
        The transport.
    bytes_per_s
        In each direction.
    latency_s
        One way.
    loss
        Chance of each frame, either way, to be lost.
    cut_after
        Bytes towards the host after which the plug is pulled.
    """

    def __init__(
        self,
        inner: FakeTransport,
        *,
        bytes_per_s: float = 1e6,
        latency_s: float = 0.001,
        loss: float = 0.0,
        cut_after: int | None = None,
        seed: int = 1,
    ) -> None:
        self._inner = inner
        self._bytes_per_s = bytes_per_s
        self._latency_s = latency_s
        self._loss = loss
        self._left = cut_after
        self._dice = random.Random(seed)
        self._free_s = [0.0, 0.0]
        self._inbox = Inbox(self.address)
        self._tasks: set[asyncio.Task[None]] = set()
        self.bytes_to_host = 0

    @property
    def address(self) -> str:
        return self._inner.address

    async def open(self) -> None:
        await self._inner.open()
        self._inbox.open()
        self._start(self._pump())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _due_s(self, data: bytes, way: int) -> float:
        now_s = asyncio.get_running_loop().time()
        self._free_s[way] = max(now_s, self._free_s[way]) + len(data) / self._bytes_per_s
        return self._free_s[way] + self._latency_s

    def _kept(self, data: bytes) -> bytes:
        frames = [each + b"\0" for each in data.split(b"\0")[:-1]]
        return b"".join(each for each in frames if self._dice.random() >= self._loss)

    async def _pump(self) -> None:
        with suppress(vigie.LinkError):
            while True:
                data = await self._inner.read()
                for frame in [each + b"\0" for each in data.split(b"\0")[:-1]]:
                    asyncio.get_running_loop().call_at(self._due_s(frame, 0), self._arrive, self._kept(frame))

    def _arrive(self, data: bytes) -> None:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self.bytes_to_host += len(data)
        if data:
            self._inbox.put(data)
        if self._left == 0:
            self._inbox.fail("cut")

    async def read(self) -> bytes:
        return await self._inbox.take()

    async def write(self, data: bytes) -> None:
        self._inbox.check()
        self._start(self._later(self._kept(data), self._due_s(data, 1)))

    async def _later(self, data: bytes, due_s: float) -> None:
        await asyncio.sleep(due_s - asyncio.get_running_loop().time())
        with suppress(vigie.LinkError):
            await self._inner.write(data)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self._inner.close()
        self._inbox.close()
