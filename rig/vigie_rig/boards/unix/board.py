"""The unix board: a MicroPython process whose every contact with the world is an exchange with the rig.

On the virtual clock the loop's thread serves the board until it sleeps, so board and host take turns and the same
seed gives the same transcript; on the real clock it serves requests as they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vigie.micropython import MicroPython
from vigie.transports import Transport, open_transport
from vigie_rig.boards import HEAP_BYTES
from vigie_rig.boards.unix.clock import BoardClock
from vigie_rig.channel import Kind, Request, RequestParser, Transcript, Wake, encode_answer
from vigie_rig.errors import FirmwareFault
from vigie_rig.faults import FaultPlan
from vigie_rig.line_transport import LineTransport
from vigie_rig.pty_door import PtyDoor
from vigie_rig.sensor_bus import SensorBus, SensorModel
from vigie_rig.serial_line import SerialLine

_RUNTIME: Final = Path(__file__).parent / "runtime"
_EXCHANGE_US: Final = 20
"""Board time that an exchange costs beside its bus bits: code is otherwise free on the virtual clock."""
_AHEAD_US: Final = 5_000
"""How far a board that does not sleep may run ahead of the loop."""
_EARLY_US: Final = 500
_HANG_S: Final = 20.0
"""Wall seconds without a request after which a virtual board is held to hang."""
_RESTART_RAW, _RESTART_SOFT, _RESTART_HARD = 75, 76, 77
_PWRON, _HARD, _SOFT = 1, 2, 5
_CONSOLE_BYTES: Final = 4000
_STEADY: Final = ("setarch", "--addr-no-randomize") if shutil.which("setarch") else ()
"""The collector is conservative: only the same addresses make the heap the same in every run."""


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
    ) -> None:
        self.faults = faults or FaultPlan()
        self.line = SerialLine(self.faults)
        self.bus = SensorBus(sensors, self.faults)
        self.transcript = Transcript()
        self.files = files
        self.fault: FirmwareFault | None = None
        """Set when the board crashed or hung; its line is unplugged then."""
        self.restarts = 0
        self._micropython = micropython
        self._heap_bytes = heap_bytes or HEAP_BYTES["unix" if micropython.word_bits == 64 else "unix32"]
        self._device_id = device_id
        self._door = PtyDoor(self.line) if on_pty else None
        self._boots = random.Random(f"boots {seed}")
        self._start_us = start_us
        self._reset_cause = _PWRON
        self._console = bytearray()
        self._printed = bytearray()
        self._interrupts = False
        self._waiting: tuple[Request, asyncio.TimerHandle | None] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> UnixBoard:
        """Switch the board on."""
        self._loop = asyncio.get_running_loop()
        self._clock = BoardClock(self._start_us)
        self._virtual = self._clock.virtual
        self.files.mkdir(parents=True, exist_ok=True)
        self.line.on_input = self._on_input
        if self._door is not None:
            await self._door.__aenter__()
        self._spawn(raw=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Switch it off; no process is left."""
        self._end_process()
        self._clock.close()
        if self._door is not None:
            await self._door.__aexit__(None, None, None)
        if self.line.plugged:
            self.line.unplug()

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

    def reset(self) -> None:
        """Press the reset button: the application starts anew, the plug stays in."""
        self._restart(raw=False, cause=_HARD)

    # The process

    def _spawn(self, *, raw: bool) -> None:
        ours, theirs = socket.socketpair()
        console_read, console_write = os.pipe()
        os.set_blocking(console_read, False)
        ours.setblocking(False)
        self._parser = RequestParser()
        self._waiting = None
        self._interrupts = False
        self.line.reset_board()
        command = [
            *self._micropython.command,
            "-X",
            f"heapsize={self._heap_bytes}",
            str(_RUNTIME / "_repl.py"),
        ]
        self._process = subprocess.Popen(
            [*_STEADY, *command, *(["-r"] if raw else [])],
            cwd=self.files,
            stdin=subprocess.DEVNULL,
            stdout=console_write,
            stderr=console_write,
            env={"MICROPYPATH": f"{_RUNTIME}:.:lib:.frozen", "VIGIE_CHANNEL": str(theirs.fileno())},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        os.close(console_write)
        self._socket, self._console_read = ours, console_read
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        self._poll.register(console_read, select.POLLIN)
        if self._virtual:
            self._loop.call_soon(self._serve_until_asleep)
        else:
            self._loop.add_reader(ours, self._on_socket)
            self._loop.add_reader(console_read, self._drain_console)

    def _end_process(self) -> None:
        if self._process is None:
            return
        if self._waiting is not None and self._waiting[1] is not None:
            self._waiting[1].cancel()
        self._waiting = None
        if not self._virtual:
            self._loop.remove_reader(self._socket)
            self._loop.remove_reader(self._console_read)
        self._process.kill()
        self._process.wait()
        self._drain_console()
        self._socket.close()
        os.close(self._console_read)
        self._process = None

    def _restart(self, *, raw: bool, cause: int) -> None:
        self._end_process()
        self._reset_cause = cause
        self.restarts += 1
        self._spawn(raw=raw)

    def _ended(self) -> None:
        """The process closed its end: a reset that it asked for, or a crash."""
        assert self._process is not None
        try:
            status = self._process.wait(timeout=_HANG_S)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        if status == _RESTART_RAW:
            self._restart(raw=True, cause=_SOFT)
        elif status == _RESTART_SOFT:
            self._restart(raw=False, cause=_SOFT)
        elif status == _RESTART_HARD:
            self._restart(raw=False, cause=_HARD)
        else:
            self._fail(f"the interpreter ended with status {status}")

    def _fail(self, reason: str) -> None:
        self._end_process()
        self.fault = FirmwareFault(reason, self._console.decode(errors="replace"))
        self.line.unplug()

    # Serving

    def _serve_until_asleep(self) -> None:
        """Virtual clock: answer everything until the board waits for something that is not there yet."""
        process = self._process
        while process is not None and self._process is process and self._waiting is None:
            request = self._parser.next()
            if request is not None:
                self._handle(request)
                continue
            if not self._poll.poll(_HANG_S * 1000):
                self._fail(f"the board computed for {_HANG_S:g} s without an exchange: it hangs")
                return
            self._read_console()
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                self._ended()
                return
            self._parser.feed(data)

    def _on_socket(self) -> None:
        """Real clock: answer what has come."""
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self._drain_console()
            self._ended()
            return
        self._parser.feed(data)
        process = self._process
        while self._process is process and (request := self._parser.next()) is not None:
            if self._waiting is not None:  # given up by the board: ctrl-C cut it off
                self._cancel_waiting()
            self._handle(request)

    def _read_console(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(self._console_read, 65536):
                self._printed += data

    def _drain_console(self) -> None:
        self._read_console()
        if self._printed:
            data = bytes(self._printed)
            self._printed.clear()
            self._console += data
            del self._console[:-_CONSOLE_BYTES]
            self.line.print(data, self._loop.time())

    def _handle(self, request: Request) -> None:
        if self._virtual:
            # What was printed before a request is one piece, however the pipe cut it: same seed, same times.
            self._drain_console()
        if self._virtual and request.time_us - self.now_us() > _AHEAD_US:
            timer = self._loop.call_at(self._clock.loop_time_s(request.time_us), self._catch_up, request)
            self._waiting = (request, timer)
            return
        now_us = self._clock.reach(request.time_us)
        now_s = self._clock.loop_time_s(now_us)
        payload = request.payload
        match request.kind:
            case Kind.SLEEP:
                self._sleep(request, now_us)
            case Kind.BUS_READ:
                register, count = payload[0], payload[1] | payload[2] << 8
                data = self.bus.read(request.argument, register, count, now_us, now_s)
                cost_us = self.bus.transfer_us(count)
                self._answer(request, now_us + cost_us, 1 if data is None else 0, data or b"")
            case Kind.BUS_WRITE:
                taken = self.bus.write(request.argument, payload[0], payload[1:], now_us, now_s)
                self._answer(request, now_us + self.bus.transfer_us(len(payload) - 1), 0 if taken else 1)
            case Kind.SERIAL_READ:
                self._answer(request, now_us, 0, self.line.read(payload[0] | payload[1] << 8))
            case Kind.SERIAL_WRITE:
                taken_bytes = self.line.write(payload, now_s)
                self._answer(request, now_us, 0, struct.pack("<H", taken_bytes))
            case Kind.INTERRUPTS:
                self._interrupts = bool(request.argument)
                self._answer(request, now_us, 0)
            case Kind.HELLO:
                info = struct.pack("<8sIB", self._device_id, self._boots.getrandbits(32), self._reset_cause)
                self._answer(request, now_us, 1 if self._virtual else 0, info)
            case _:
                self._fail(f"request {request.kind} on the side channel is unknown")

    def _sleep(self, request: Request, now_us: int) -> None:
        until_us = min(struct.unpack("<Q", request.payload)[0], 1 << 61)
        if request.argument and self.line.has_input:
            self._answer(request, now_us, Wake.INPUT)
        elif until_us <= now_us:
            self._answer(request, now_us, Wake.TIME)
        else:
            timer = None
            if until_us < 1 << 60:
                timer = self._loop.call_at(
                    self._clock.loop_time_s(until_us), self._wake, request, until_us, Wake.TIME
                )
            self._waiting = (request, timer)

    def _catch_up(self, request: Request) -> None:
        """The loop has reached the time of a board that ran ahead without sleeping."""
        self._waiting = None
        self._handle(request)
        self._serve_until_asleep()

    def _cancel_waiting(self) -> None:
        if self._waiting is not None and self._waiting[1] is not None:
            self._waiting[1].cancel()
        self._waiting = None

    def _wake(self, request: Request, time_us: int, why: Wake) -> None:
        if self._waiting is None or self._waiting[0] is not request:
            return
        self._cancel_waiting()
        if why is Wake.TIME and self.now_us() < time_us - _EARLY_US:
            # The board's clock stood still while the machine was busy: the time has not come yet.
            self._sleep(request, self.now_us())
            return
        # A board that ran ahead of the loop is not put back in time by input that comes meanwhile.
        self._answer(request, max(time_us, request.time_us, self.now_us()), why)
        if self._virtual:
            self._serve_until_asleep()

    def _answer(self, request: Request, time_us: int, argument: int, payload: bytes = b"") -> None:
        if self._virtual:
            time_us += _EXCHANGE_US
        else:
            time_us = self.now_us()
        answer = encode_answer(request, time_us, argument, payload)
        self.transcript.add(request, answer)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(answer)

    def _on_input(self) -> None:
        """Bytes for the board arrived: wake it, or interrupt it if one is ctrl-C and it is to be heard."""
        asleep = self._waiting is not None and self._waiting[0].kind == Kind.SLEEP
        if self._interrupts and self.line.take_interrupt():
            if asleep and self._waiting is not None:
                self._wake(self._waiting[0], self.now_us(), Wake.INTERRUPT)
            elif self._process is not None:
                self._process.send_signal(signal.SIGINT)
        elif asleep and self._waiting is not None and self._waiting[0].argument:
            self._wake(self._waiting[0], self.now_us(), Wake.INPUT)
