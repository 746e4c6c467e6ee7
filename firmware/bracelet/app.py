"""The application: one session with the host over the link, and the sampler beside it."""

import asyncio
import gc
import sys

from micropython import const

from bracelet import VERSION, codec, log_requests, plan
from bracelet.clock import Clock, elapsed_us
from bracelet.drivers.unsupported import Unsupported
from bracelet.framing import Deframer, Interrupt
from bracelet.link import Link
from bracelet.log import FlashLog
from bracelet.sampler import Sampler, attempt
from bracelet.watch import Watch

_FLUSH_MS = const(5)
_MOST_REQUESTS = const(8)
_SILENCE_US = const(250000)
_IDLE_MS = const(60000)
_REST_MS = const(1000)
_PROBES = const(5)
_FORSAKEN_US = const(30000000)

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import TypeVarTuple, Unpack

    from roles import Board, Configuration, Stream

    Fields = TypeVarTuple("Fields")
STANDARD = (100, 2, 411, 4096, 1, 6400, 1040, 8)
"""Configuration after boot, as the fields of Configure."""


class Application:
    """Answers requests, streams, and ends when the host asks for the prompt or a restart."""

    def __init__(self, board: "Board") -> None:
        self._board = board
        self.clock = Clock()
        # The stubs' UART has write(buffer) alone; MicroPython's streams also take offset and count.
        self.link = Link(board.serial(), board.crc_into)  # pyright: ignore[reportArgumentType]
        self.sampler = Sampler(list(board.streams()), self.clock, self.link)
        self._deframer = Deframer(board.crc_into, board.capabilities() & codec.CAPABILITY_REPL != 0)
        self.crc_into = board.crc_into
        self._gauge = board.gauge()
        self.boot_id = board.boot_id()
        self._flash_log: "FlashLog | None" = None
        self._watch: "Watch | None" = None
        self._requests: list[tuple[int, int, bytes]] = []
        self._there = 0
        self._configuration: "Configuration" = STANDARD
        self._number = 1
        self._restart: int | None = None
        self._wanted = asyncio.Event()
        self._serving = False
        self._watching = None
        self._find()
        self._live = self._working()
        fields = plan.load(board.crc_into)
        if fields != plan.OFF:
            try:
                self.watch.set_plan(fields)
            except OSError:  # a flash that fails must not keep a host from asking
                pass

    def flash_log(self) -> FlashLog:
        """The flash log, which is looked for when it is first needed; raise Unsupported on a board without flash."""
        if self._flash_log is None:
            flash = self._board.flash()
            if flash is None:
                raise Unsupported(codec.ERROR_CODE_NO_LOG, "this board has no flash for it")
            gc.collect()
            log = FlashLog(flash, self.clock, self.boot_id, self.crc_into)
            body = bytearray(8)
            codec.pack_boot_record(body, 0, self._board.reset_reason(), *VERSION, codec.SCHEMA_CRC)
            self._flash_log = log
            log.append(codec.LANE_EVENT, codec.BOOT_RECORD, body)
        return self._flash_log

    @property
    def watch(self) -> Watch:
        """What samples by the plan."""
        if self._watch is None:
            self._watch = Watch(self._board, self.sampler.streams, self.clock, self.flash_log())
            if self._serving:
                self._watching = asyncio.create_task(self._watch.run())  # pyright: ignore[reportUnknownMemberType]
        return self._watch

    def _find(self) -> None:
        """Look for the sensors that are off, and set up those that answer; no bus, however bad, stops this."""
        working = self._working()
        for stream in self.sampler.streams:
            if stream.STREAM & working:
                continue
            self._there &= ~stream.STREAM
            for _ in range(_PROBES):
                if stream.chip.probe():
                    self._there |= stream.STREAM
                    try:
                        self._set_up(stream, self._configuration, self._number)
                    except OSError:
                        pass
                    break

    def _working(self) -> int:
        """The streams whose chip is there and set up; those for a host, while the plan has them."""
        if self._watch is not None and self._watch.active:
            return self._live & self._there
        working = 0
        for stream in self.sampler.streams:
            if stream.on:
                working |= stream.STREAM
        return working & self._there

    def _set_up(self, stream: "Stream", fields: "Configuration", number: int) -> None:
        try:
            attempt(self.sampler, stream.configure, fields, number)
        except OSError:
            self.sampler.awake |= stream.STREAM  # who knows what it does now
            raise

    async def run(self) -> int | None:
        """Serve until told to end; return the restart mode, or None for the prompt."""
        # The stubs of asyncio name types that they do not bring; so too below.
        sampling = asyncio.create_task(self._sample())  # pyright: ignore[reportUnknownMemberType]
        self._serving = True
        if self._watch is not None:
            self._watching = asyncio.create_task(self._watch.run())  # pyright: ignore[reportUnknownMemberType]
        try:
            await self._receive()
        except Interrupt:
            pass
        finally:
            sampling.cancel()
            if self._watching is not None:
                self._watching.cancel()
            self.sampler.stop()
            if self._watch is not None:
                self._watch.suspend()
            self.link.serial.deinit()
        return self._restart

    async def _sample(self) -> None:
        taken_us = self.clock.now_us()
        while True:
            if not self.link.busy or not self.sampler.running:
                taken_us = self.clock.now_us()
            elif self._watch is not None and elapsed_us(taken_us, self.clock.now_us()) > _FORSAKEN_US:
                self._release()  # nobody reads: the plan goes on
            if self.sampler.running:
                try:
                    self.sampler.step()
                except Exception as error:  # whatever it is, the host hears of it and the session goes on
                    self._release()
                    await self._log(codec.LOG_LEVEL_ERROR, "sampling stopped: %r" % error)
                while self.sampler.events and not self.link.busy:
                    self.link.send_message(codec.EVENT, codec.pack_event, *self.sampler.events.pop(0))
                # A line that was full is tried again soon: the FIFO has room for a sixth of a second more.
                soon = self.link.busy or self.sampler.again
                await asyncio.sleep_ms(_FLUSH_MS if soon else self.sampler.period_ms)
            else:
                self.clock.now_us()
                self.sampler.rest()
                self._wanted.clear()
                try:
                    idle_ms = _REST_MS if self.sampler.awake else _IDLE_MS
                    await asyncio.wait_for_ms(self._wanted.wait(), idle_ms)  # pyright: ignore[reportUnknownMemberType]
                except asyncio.TimeoutError:
                    pass

    async def _receive(self) -> None:
        serial = self.link.serial
        stream = asyncio.StreamReader(serial)
        # Byte by byte: what follows ctrl-C belongs to the prompt and must not be read here.
        byte = bytearray(1)
        heard_us = self.clock.now_us()
        while self._restart is None:
            count = await stream.readinto(byte)
            now_us = self.clock.now_us()
            if elapsed_us(heard_us, now_us) > _SILENCE_US:
                self._deframer.forget()
            heard_us = now_us
            while count:
                self._deframer.feed(byte, 1, self._take)
                count = serial.readinto(byte)
            while self._requests:
                await self._handle(*self._requests.pop(0))

    def _take(self, kind: int, sequence: int, buffer: bytearray, at: int, end: int) -> None:
        if len(self._requests) < _MOST_REQUESTS:
            self._requests.append((kind, sequence, bytes(buffer[at:end])))

    async def drain(self) -> None:
        """Wait until the link takes a frame."""
        while not self.link.pump():
            await asyncio.sleep_ms(_FLUSH_MS)

    async def send(
        self,
        kind: int,
        pack: "Callable[[bytearray, int, Unpack[Fields]], int]",
        *fields: "Unpack[Fields]",
        tail: bytes = b"",
    ) -> None:
        """Send a message once the link takes it."""
        await self.drain()
        self.link.send_message(kind, pack, *fields, tail=tail)

    async def _handle(self, kind: int, sequence: int, body: bytes) -> None:
        try:
            handler = self._HANDLERS.get(kind) or log_requests.HANDLERS.get(kind)
            if handler is None:
                raise Unsupported(codec.ERROR_CODE_UNKNOWN_MESSAGE, "message 0x%02x" % kind)
            await handler(self, sequence, body)
        except Unsupported as error:
            await self._refuse(sequence, error.code, error.text)
        except ValueError:
            await self._refuse(sequence, codec.ERROR_CODE_MALFORMED, "%d bytes" % len(body))
        except OSError:
            await self._refuse(
                sequence, codec.ERROR_CODE_SENSOR_ABSENT, "a sensor or the flash does not answer"
            )

    async def _log(self, level: int, text: str) -> None:
        now_us = self.clock.now_us()
        await self.send(codec.LOG, codec.pack_log, now_us, self.clock.epoch, level, tail=text.encode())

    async def _refuse(self, sequence: int, code: int, text: str) -> None:
        await self.send(codec.ERROR, codec.pack_error, sequence, code, tail=text.encode())

    async def _hello(self, sequence: int, body: bytes) -> None:
        codec.unpack_hello_request(body, 0, len(body))
        self._release()  # a new session: the last host's stream is over
        if self._watch is None or not self._watch.active:
            self._find()
        await self.send(
            codec.HELLO,
            codec.pack_hello,
            sequence,
            codec.PROTOCOL_MAJOR,
            codec.PROTOCOL_MINOR,
            codec.SCHEMA_CRC,
            self._board.device_id(),
            self.boot_id,
            *VERSION,
            *sys.implementation.version[:3],
            codec.MAX_FRAME_BYTES,
            self._there,
            self._board.capabilities(),
        )
        await self._log(codec.LOG_LEVEL_INFO, "session opened, %d bytes of heap free" % gc.mem_free())
        if self._watch is not None and self._watch.faults:
            text = "on its own: %d errors, the last %s" % (self._watch.faults, self._watch.fault)
            await self._log(codec.LOG_LEVEL_ERROR, text)

    def _battery_mv(self) -> int:
        try:
            return self._gauge.millivolts()
        except OSError:
            return 0

    async def _status(self, sequence: int, body: bytes) -> None:
        if codec.unpack_status_request(body, 0, len(body))[0]:
            gc.collect()
        lost = {codec.STREAM_PPG: 0, codec.STREAM_ACCELEROMETER: 0}
        for stream in self.sampler.streams:
            if stream.STREAM in lost:
                lost[stream.STREAM] = stream.lost
        await self.send(
            codec.STATUS,
            codec.pack_status,
            sequence,
            self.clock.now_us(),
            self.clock.epoch,
            self.sampler.running,
            self._board.reset_reason(),
            self._battery_mv(),
            gc.mem_alloc(),
            gc.mem_free(),
            self._deframer.frames_bad,
            self.link.frames_sent,
            lost[codec.STREAM_PPG],
            lost[codec.STREAM_ACCELEROMETER],
            self.sampler.sensor_faults & 0xFFFF,
        )

    def _claim(self) -> None:
        """Take the streams from the plan, set up as the host wants them."""
        if self._watch is None or not self._watch.active:
            return
        self._watch.suspend()
        for stream in self.sampler.streams:
            if stream.STREAM & self._there:
                try:
                    self._set_up(stream, self._configuration, self._number)
                except OSError:  # it is off then
                    pass

    def _release(self) -> None:
        """End the live stream, and give the streams back to the plan."""
        self.sampler.stop()
        if self._watch is not None and not self._watch.active:
            self._live = self._working()
            self._watch.resume()

    def _configure(self, fields: "Configuration") -> None:
        number = (self._number + 1) & 0xFF
        for stream in self.sampler.streams:
            if stream.STREAM & self._there:
                self._set_up(stream, fields, number)
        self._configuration = fields
        self._number = number

    async def _reconfigure(self, sequence: int, body: bytes) -> None:
        fields = codec.unpack_configure(body, 0, len(body))
        if self.sampler.running:
            raise Unsupported(codec.ERROR_CODE_BUSY_STREAMING, "stop the stream first")
        self._claim()
        try:
            self._configure(fields)
        except (Unsupported, OSError):
            for stream in self.sampler.streams:
                if stream.STREAM & self._there:
                    try:
                        self._set_up(stream, self._configuration, self._number)
                    except OSError:  # it is off then, as Configuration tells; the next session looks for it
                        pass
            raise
        finally:
            self._release()
        gc.collect()
        await self._report_configuration(sequence, b"")

    async def _report_configuration(self, sequence: int, _body: bytes) -> None:
        working = self._working()
        fields = self._configuration
        await self.send(
            codec.CONFIGURATION,
            codec.pack_configuration,
            sequence,
            self._number,
            fields[0] if working & codec.STREAM_PPG else 0,
            *fields[1:6],
            fields[6] if working & codec.STREAM_ACCELEROMETER else 0,
            fields[7],
        )

    async def _start(self, sequence: int, body: bytes) -> None:
        (wanted,) = codec.unpack_start_stream(body, 0, len(body))
        there = self._working()
        if not wanted or wanted & ~there:
            raise Unsupported(
                codec.ERROR_CODE_UNSUPPORTED_STREAM, "streams 0x%02x: has 0x%02x" % (wanted, there)
            )
        if self.sampler.running:
            raise Unsupported(codec.ERROR_CODE_BUSY_STREAMING, "stop the stream first")
        await self.drain()  # from here to Done nothing waits: no block comes before it
        self._claim()
        try:
            self.sampler.start(wanted)
        except OSError:
            self._release()
            raise
        finally:
            self._wanted.set()
        await self.send(codec.DONE, codec.pack_done, sequence)

    async def _stop(self, sequence: int, _body: bytes) -> None:
        self._release()
        await self.send(codec.DONE, codec.pack_done, sequence)

    async def _end(self, sequence: int, body: bytes) -> None:
        (mode,) = codec.unpack_restart(body, 0, len(body))
        await self.send(codec.DONE, codec.pack_done, sequence)
        await self.drain()
        self._restart = mode

    _HANDLERS = {
        codec.HELLO_REQUEST: _hello,
        codec.STATUS_REQUEST: _status,
        codec.CONFIGURE: _reconfigure,
        codec.CONFIGURATION_REQUEST: _report_configuration,
        codec.START_STREAM: _start,
        codec.STOP_STREAM: _stop,
        codec.RESTART: _end,
    }


def main(board: "Board") -> None:
    """Run the application on a board's wiring; comes back when the host wants the prompt."""
    application = Application(board)
    gc.collect()
    mode = asyncio.run(application.run())
    if mode == codec.RESTART_MODE_APPLICATION:
        board.restart()
