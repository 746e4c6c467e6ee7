"""The unix board: a MicroPython process whose every contact with the world is an exchange with the rig.

On the virtual clock the loop's thread serves the board until it sleeps, so board and host take turns and the same
seed gives the same transcript; on the real clock it serves requests as they come.
"""

from __future__ import annotations

import asyncio
import random
import signal
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from vigie.micropython import MicroPython
from vigie.transports import Transport, open_transport
from vigie_rig.boards import HEAP_BYTES
from vigie_rig.boards.unix.clock import BoardClock
from vigie_rig.boards.unix.process import Interpreter
from vigie_rig.boards.unix.roles import Roles
from vigie_rig.channel import Kind, Request, RequestParser, Transcript, Wake, encode_answer
from vigie_rig.energy import Use
from vigie_rig.errors import FirmwareFault
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import NorFlash, Operation
from vigie_rig.line_transport import LineTransport
from vigie_rig.links import PERFECT, LinkProfile
from vigie_rig.pins import Pins
from vigie_rig.pty_door import PtyDoor
from vigie_rig.sensor_bus import SensorBus, SensorModel
from vigie_rig.serial_line import SerialLine

_EXCHANGE_US: Final = 20
"""Board time that an exchange costs beside its bus bits: code is otherwise free on the virtual clock."""
_AHEAD_US: Final = 5_000
"""How far a board that does not sleep may run ahead of the loop."""
_EARLY_US: Final = 500
_FOREVER_US: Final = 1 << 60
_HANG_S: Final = 20.0
"""Wall seconds without a request after which a virtual board is held to hang."""
_RESTART_RAW, _RESTART_SOFT, _RESTART_HARD = 75, 76, 77
_PWRON, _HARD, _SOFT = 1, 2, 5
_CONSOLE_BYTES: Final = 4000
FLASH_BYTES: Final = {"unix": 5 << 20, "unix32": 512 << 10}
"""Flash for the log: a partition of an ESP32 with much memory, and what a Pico W leaves."""
"""Flash of a board that is given none: the partition of a bracelet with an ESP32."""
_TIME: Final = struct.Struct("<Q")
_HELLO: Final = struct.Struct("<8sIBQ")
_SLEEP: Final = int(Kind.SLEEP)


class _Working(NamedTuple):
    """The flash at work, and when in board time."""

    operation: Operation
    begin_us: int
    end_us: int


class UnixBoard:
    """One virtual bracelet; use it with ``async with`` inside a running event loop.

    Args:
        micropython: Interpreter to run (``vigie.micropython.find``).
        files: Folder that is the board's file system; made if missing.
        sensors: Models on the bus.
        faults: What goes wrong, and when.
        heap_bytes: Heap of the interpreter; None is :data:`HEAP_BYTES` for its word size.
        seed: Seeds boot ids.
        on_pty: Whether :meth:`link` leads over a pseudo-terminal, as any program would come; on the real clock.
        start_us: Board time at power-on, to test wraps.
        flash: Its flash, which outlives the board; None is an erased one of :data:`FLASH_BYTES`.
        link: What its line is like, from :meth:`begin_link` on.
        ticks_restart: Whether the board's ticks begin at 0 with every boot, as those of silicon do; without it they
            go on with the board's time, so that blocks of all boots stand on one axis.
    """

    def __init__(
        self,
        micropython: MicroPython,
        files: Path,
        *,
        sensors: Sequence[SensorModel] = (),
        faults: FaultPlan | None = None,
        heap_bytes: int | None = None,
        seed: int = 0,
        start_us: int = 0,
        device_id: bytes = b"virtual\0",
        on_pty: bool = False,
        flash: NorFlash | None = None,
        link: LinkProfile = PERFECT,
        ticks_restart: bool = False,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.line = SerialLine(self.faults, profile=link, seed=seed)
        self.bus = SensorBus(sensors, self.faults)
        name = "unix" if micropython.word_bits == 64 else "unix32"
        self.flash = flash or NorFlash(FLASH_BYTES[name])
        self.pins = Pins()
        self.transcript = Transcript()
        self.files = files
        self.fault: FirmwareFault | None = None
        """Set when the board crashed or hung; its line is unplugged then."""
        self.restarts = 0
        self._roles = Roles(self.bus, self.line, self.flash, self.pins)
        self._micropython = micropython
        self._heap_bytes = heap_bytes or HEAP_BYTES[name]
        self._device_id = device_id
        self._door = PtyDoor(self.line) if on_pty else None
        self._boots = random.Random(f"boots {seed}")
        self._start_us = start_us
        self._ticks_restart = ticks_restart
        self._reset_cause = _PWRON
        self._console = bytearray()
        self._printed = bytearray()
        self._interrupts = False
        self._waiting: tuple[Request, asyncio.TimerHandle | None] | None = None
        self._working: _Working | None = None
        self._process: Interpreter | None = None
        self._coming_back: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> UnixBoard:
        """Switch the board on."""
        self._loop = asyncio.get_running_loop()
        self._clock = BoardClock(self._start_us)
        self._virtual = self._clock.virtual
        self.files.mkdir(parents=True, exist_ok=True)
        self.line.on_input = self._on_input
        self.pins.on_edge = self._on_edge
        if self._door is not None:
            await self._door.__aenter__()
        self._roles.meter.look(self.now_us())
        self._spawn(raw=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Switch it off; no process is left."""
        if self._coming_back is not None:
            self._coming_back.cancel()
        self._end_process()
        self._clock.close()
        if self._door is not None:
            await self._door.__aexit__(None, None, None)
        self.line.close()

    def now_us(self) -> int:
        """Board time of the loop's now."""
        return self._clock.now_us()

    def link(self) -> Transport:
        """A new transport to the board, not open yet."""
        return LineTransport(self.line) if self._door is None else open_transport(f"serial:{self._door.path}")

    @property
    def transcript_sha256(self) -> str:
        """Hash over every exchange so far."""
        return self.transcript.sha256

    @property
    def stalled_s(self) -> float:
        """Real time that was taken out of the board's, because the rig was not run meanwhile."""
        return self._clock.stalled_s

    def use(self) -> Use:
        """What it did so far that takes energy, deploying included."""
        return self._roles.meter.use(self.now_us())

    def begin_link(self) -> None:
        """Let the link be what its profile says, from now on; before, it is a perfect one."""
        self.line.begin()

    def reset(self) -> None:
        """Press the reset button: the application starts anew, the plug stays in."""
        self._restart(raw=False, cause=_HARD)

    def power_cut(self, off_s: float) -> None:
        """Cut the board's power now, and give it again ``off_s`` later.

        Its memory and what is on its line are gone, a flash operation that is under way is torn, the sensors forget
        their registers. It comes back as another boot, by power-on. Not over a pseudo-terminal, which would be gone
        for good.
        """
        if self._process is None or self.fault is not None:
            return
        now_us = self.now_us()
        if self._working is not None:
            operation, begin_us, end_us = self._working
            self._working = None
            if now_us > begin_us:
                self.flash.tear(operation, (now_us - begin_us) / (end_us - begin_us))
        self._end_process()
        self.line.unplug("power")
        for sensor in self.bus.sensors.values():
            sensor.power_cycle(now_us)
        self._roles.meter.power(False, now_us)
        self._coming_back = self._loop.call_later(off_s, self._power_on)

    def _power_on(self) -> None:
        self._coming_back = None
        self._roles.meter.power(True, self.now_us())
        self.line.plug("power")
        self._restart(raw=False, cause=_PWRON)

    # The process

    def _spawn(self, *, raw: bool) -> None:
        self._parser = RequestParser()
        self._waiting = None
        self._interrupts = False
        self.line.reset_board()
        self.pins.reset_board(self.now_us())
        self._process = Interpreter(self._micropython, self.files, heap_bytes=self._heap_bytes, raw=raw)
        if self._virtual:
            self._loop.call_soon(self._serve_until_asleep)
        else:
            self._loop.add_reader(self._process.requests, self._on_request)
            self._loop.add_reader(self._process.console, self._drain_console)

    def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        if self._working is not None:  # the chip needs no processor to end what it has begun
            self.flash.apply(self._working.operation)
            self._working = None
        self._cancel_waiting()
        if not self._virtual:
            self._loop.remove_reader(process.requests)
            self._loop.remove_reader(process.console)
        self._printed += process.close()
        self._process = None
        self._pass_printed()

    def _restart(self, *, raw: bool, cause: int) -> None:
        self._end_process()
        self._reset_cause = cause
        self.restarts += 1
        self._spawn(raw=raw)

    def _ended(self, process: Interpreter) -> None:
        """The process closed its end: a reset that it asked for, or a crash."""
        status = process.status(_HANG_S)
        if status == _RESTART_RAW:
            self._restart(raw=True, cause=_SOFT)
        elif status == _RESTART_SOFT:
            self._restart(raw=False, cause=_SOFT)
        elif status == _RESTART_HARD:
            self._restart(raw=False, cause=_HARD)
        else:
            self._fail(f"the interpreter ended with status {-signal.SIGKILL if status is None else status}")

    def _fail(self, reason: str) -> None:
        self._end_process()
        self.fault = FirmwareFault(reason, self._console.decode(errors="replace"))
        self.line.unplug()

    # Serving

    def _serve_until_asleep(self) -> None:
        """Virtual clock: answer everything until the board waits for something that is not there yet."""
        process, parser = self._process, self._parser
        while process is not None and self._process is process and self._waiting is None:
            request = parser.next()
            if request is not None:
                self._handle(request)
                continue
            ready = process.wait(_HANG_S)
            if not ready:
                self._fail(f"the board computed for {_HANG_S:g} s without an exchange: it hangs")
                return
            if ready != process.only_requests:
                self._printed += process.read_console()
            data = process.receive()
            if data:
                parser.feed(data)
            elif data is not None:
                self._ended(process)
                return

    def _on_request(self) -> None:
        """Real clock: answer what has come."""
        process = self._process
        assert process is not None
        data = process.receive()
        if data is None:
            return
        if not data:
            self._drain_console()
            self._ended(process)
            return
        self._parser.feed(data)
        while self._process is process and (request := self._parser.next()) is not None:
            if self._waiting is not None:  # given up by the board: ctrl-C cut it off
                self._give_up()
            self._handle(request)

    def _give_up(self) -> None:
        if self._working is not None:
            self.flash.apply(self._working.operation)
            self._working = None
        self._cancel_waiting()

    def _drain_console(self) -> None:
        assert self._process is not None
        self._printed += self._process.read_console()
        self._pass_printed()

    def _pass_printed(self) -> None:
        if self._printed:
            data = bytes(self._printed)
            self._printed.clear()
            self._console += data
            del self._console[:-_CONSOLE_BYTES]
            self.line.print(data, self._loop.time())

    def _handle(self, request: Request) -> None:
        now_us, time_us = self._clock.now_us(), request.time_us
        if self._virtual:
            if self._printed:
                # What was printed before a request is one piece, however the pipe cut it: same seed, same times.
                self._pass_printed()
            if time_us > now_us:
                if time_us - now_us > _AHEAD_US and not self._clock.jump(time_us):
                    timer = self._loop.call_at(self._clock.loop_time_s(time_us), self._catch_up, request)
                    self._waiting = (request, timer)
                    return
                now_us = time_us
        elif time_us > now_us:
            now_us = self._clock.reach(time_us)
        if request.kind == _SLEEP:
            self._sleep(request, now_us)
            return
        verb = self._roles.verbs.get(request.kind)
        if verb is not None:
            cost_us, argument, payload = verb(request, now_us, self._clock)
            self._answer(request, now_us + cost_us, argument, payload)
        elif request.kind in (Kind.FLASH_PROGRAM, Kind.FLASH_ERASE):
            self._work(request, now_us)
        elif request.kind == Kind.INTERRUPTS:
            self._interrupts = bool(request.argument)
            self._answer(request, now_us, 0)
        elif request.kind == Kind.HELLO:
            ticks_from_us = now_us if self._ticks_restart else 0
            boot = self._boots.getrandbits(32)
            info = _HELLO.pack(self._device_id, boot, self._reset_cause, ticks_from_us)
            self._answer(request, now_us, 1 if self._virtual else 0, info)
        else:
            self._fail(f"request {request.kind} on the side channel is unknown")

    def _sleep(self, request: Request, now_us: int) -> None:
        until_us = min(_TIME.unpack(request.payload)[0], 2 * _FOREVER_US)
        edges = self.pins.take_edges()
        if edges:
            self._answer(request, now_us, Wake.PIN, edges)
        elif request.argument and self.line.has_input:
            self._answer(request, now_us, Wake.INPUT)
        elif until_us <= now_us:
            self._answer(request, now_us, 0)
        else:
            self._roles.meter.wakes += 1
            self._rest(request, until_us)

    def _rest(self, request: Request, until_us: int) -> None:
        if until_us >= _FOREVER_US:
            self._waiting = (request, None)
        elif self._clock.jump(until_us):
            self._answer(request, until_us, 0)
        else:
            due_s = self._clock.loop_time_s(until_us)
            timer = self._loop.call_at(due_s, self._wake, request, until_us, Wake.TIME)
            self._waiting = (request, timer)

    def _work(self, request: Request, now_us: int) -> None:
        """Let the flash work; the processor stands still meanwhile, and power may go."""
        found = self._roles.operation(request)
        if found is None:
            self._answer(request, now_us, 1)
            return
        operation, cost_us = found
        end_us = now_us + cost_us
        if self._clock.jump(end_us):
            self.flash.apply(operation)
            self._answer(request, end_us, 0)
            return
        self._working = _Working(operation, now_us, end_us)
        timer = self._loop.call_at(self._clock.loop_time_s(end_us), self._work_done, request, end_us)
        self._waiting = (request, timer)

    def _work_done(self, request: Request, end_us: int) -> None:
        assert self._working is not None
        self.flash.apply(self._working.operation)
        self._working = None
        self._waiting = None
        self._answer(request, max(end_us, self.now_us()), 0)
        if self._virtual:
            self._serve_until_asleep()

    def _catch_up(self, request: Request) -> None:
        """The loop has reached the time of a board that ran ahead without sleeping."""
        self._waiting = None
        self._handle(request)
        self._serve_until_asleep()

    def _cancel_waiting(self) -> None:
        if self._waiting is not None and self._waiting[1] is not None:
            self._waiting[1].cancel()
        self._waiting = None

    def _wake(self, request: Request, time_us: int, why: Wake, payload: bytes = b"") -> None:
        if self._waiting is None or self._waiting[0] is not request:
            return
        self._cancel_waiting()
        if why is Wake.TIME and self.now_us() < time_us - _EARLY_US:
            # The board's clock stood still while the machine was busy: the time has not come yet.
            self._sleep(request, self.now_us())
            return
        # A board that ran ahead of the loop is not put back in time by input that comes meanwhile.
        self._answer(request, max(time_us, request.time_us, self.now_us()), why, payload)
        if not self._virtual:
            return
        if why is Wake.PIN:
            # Whoever drives a pin has more to do before time may pass; the loop's own callbacks end with this.
            self._loop.call_soon(self._serve_until_asleep)
        else:
            self._serve_until_asleep()

    def _answer(self, request: Request, time_us: int, argument: int, payload: bytes = b"") -> None:
        assert self._process is not None
        time_us = time_us + _EXCHANGE_US if self._virtual else self.now_us()
        answer = encode_answer(request, time_us, argument, payload)
        self.transcript.add(request, answer)
        self._process.send(answer)

    def _asleep(self) -> Request | None:
        """The sleep in which the board is."""
        waiting = self._waiting
        return waiting[0] if waiting is not None and waiting[0].kind == _SLEEP else None

    def _on_input(self) -> None:
        """Bytes for the board arrived: wake it, or interrupt it if one is ctrl-C and it is to be heard."""
        asleep = self._asleep()
        if self._interrupts and self.line.take_interrupt():
            if asleep is not None:
                self._wake(asleep, self.now_us(), Wake.INTERRUPT)
            elif self._process is not None:
                self._process.signal(signal.SIGINT)
        elif asleep is not None and asleep.argument:
            self._wake(asleep, self.now_us(), Wake.INPUT)

    def _on_edge(self) -> None:
        """A pin that the board watches changed: wake it; one that does not sleep hears of it when it would."""
        asleep = self._asleep()
        if asleep is not None:
            self._wake(asleep, self.now_us(), Wake.PIN, self.pins.take_edges())
