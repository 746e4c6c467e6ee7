"""A bracelet in this process: the firmware's own flash log and its answers on CPython, at the end of a virtual line.

No MicroPython and no sensors; what crosses the line is what the board would send, so the unchanged SDK syncs it.
"""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from log_harness import FlashRole

from vigie.transports.fake import HELLO
from vigie_protocol.enums import Capability, ResetReason
from vigie_protocol.messages import BootRecord, Hello
from vigie_rig.errors import PowerCut
from vigie_rig.flash import NorFlash
from vigie_rig.serial_line import SerialLine

_REQUESTS_MOST = 8
_DEVICE_ID = b"memory\0\0"


class FirmwareParts:
    """The firmware's modules that a log and its answers are made of.

    `mistake`: a module (``log`` or ``log_walk``), what is right in its source, and what to make of it.
    """

    def __init__(self, on_cpython: Callable[[str], Any], mistake: tuple[str, str, str] | None = None) -> None:
        self.codec = on_cpython("bracelet.codec")
        self.crc_into = on_cpython("bracelet.crc_ints").crc_into
        self.Deframer = on_cpython("bracelet.framing").Deframer
        self.Link = on_cpython("bracelet.link").Link
        self.Unsupported = on_cpython("bracelet.drivers.unsupported").Unsupported
        self.handlers: dict[int, Any] = on_cpython("bracelet.log_requests").HANDLERS
        log = on_cpython("bracelet.log")
        self.FlashLog = log.FlashLog
        if mistake is not None:
            module, right, wrong = mistake
            walk = on_cpython("bracelet.log_walk")
            space = mutated(log, right, wrong) if module == "log" else mutated(log)
            space["Walk"] = (mutated(walk, right, wrong) if module == "log_walk" else mutated(walk))["Walk"]
            self.FlashLog = space["FlashLog"]

    def mount(self, chip: NorFlash, clock: Any, boot_id: int) -> Any:
        """The log of a flash."""
        return self.FlashLog(FlashRole(chip), clock, boot_id, self.crc_into)


def mutated(module: Any, right: str = "", wrong: str = "") -> dict[str, Any]:
    """What a module defines, made anew, with a mistake in its source."""
    with open(module.__file__, encoding="utf-8") as file:
        text = file.read()
    if right:
        assert text.count(right) == 1, f"{right!r} is not there any more: choose the mistake anew"
        text = text.replace(right, wrong)
    space: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(text, module.__file__, "exec", dont_inherit=True), space)
    return space


class BoardClock:
    """The board's ticks, which begin at 0 with its boot and go as the loop's clock, and jump when a test says so."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._origin_us = now_us()

    @property
    def us(self) -> int:
        """Microseconds since boot."""
        return self._now_us() - self._origin_us

    @property
    def epoch(self) -> int:
        return self.us >> 30 & 0xFFFF

    def now_us(self) -> int:
        return self.us & 0x3FFFFFFF


class MemoryBracelet:
    """One boot of a bracelet on a line: it answers for as long as it has power.

    Parameters
    ----------
    watch_log
        Called with the log before its first record of this boot is written: whoever keeps a ledger looks in.
    """

    def __init__(
        self,
        parts: FirmwareParts,
        chip: NorFlash,
        line: SerialLine,
        now_us: Callable[[], int],
        *,
        boot_id: int,
        watch_log: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.boot_id = boot_id
        self.clock = BoardClock(now_us)
        self.log = parts.mount(chip, self.clock, boot_id)
        self.crc_into = parts.crc_into
        self.watch = SimpleNamespace(anchor=lambda *_: None)
        self.link = parts.Link(self, parts.crc_into)
        self.fault: Exception | None = None
        """What ended it, other than a power cut."""
        self._parts = parts
        self._line = line
        self._deframer = parts.Deframer(parts.crc_into, False)
        self._requests: list[tuple[int, int, bytes]] = []
        self._came = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._hello = dataclasses.replace(
            HELLO, device_id=_DEVICE_ID, boot_id=boot_id, capabilities=Capability.FLASH_LOG
        )
        watch_log(self.log)
        boot = BootRecord(
            reason=ResetReason.POWER_ON,
            firmware_major=0,
            firmware_minor=1,
            firmware_patch=0,
            schema_crc=HELLO.schema_crc,
        )
        self.log.append(parts.codec.LANE_EVENT, BootRecord.KIND, boot.to_bytes())

    def start(self) -> None:
        """Listen to the line, inside a running loop."""
        self._line.on_input = self._read
        self._line.plug("power")
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Listen no longer: the task ends, the log stays."""
        self._line.on_input = None
        self._line.reset_board()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def power_off(self) -> None:
        """The line goes with the power."""
        self._line.on_input = None
        self._line.unplug("power")

    # What the firmware's Link writes to

    def write(self, buffer: bytearray, at: int, count: int) -> int:
        """As MicroPython's streams."""
        return self._line.write(bytes(buffer[at : at + count]), asyncio.get_running_loop().time())

    # What the firmware's Application is to its handlers

    def flash_log(self) -> Any:
        """The log."""
        return self.log

    async def drain(self) -> None:
        """Wait until the link takes a frame."""
        while not self.link.pump():
            await asyncio.sleep(0.005)

    async def send(self, kind: int, pack: Any, *fields: Any, tail: bytes = b"") -> None:
        """Send a message once the link takes it."""
        await self.drain()
        self.link.send_message(kind, pack, *fields, tail=tail)

    # Inside

    def _read(self) -> None:
        data = self._line.read(1 << 16)
        self._deframer.feed(data, len(data), self._take)
        self._came.set()

    def _take(self, kind: int, sequence: int, buffer: bytearray, at: int, end: int) -> None:
        if len(self._requests) < _REQUESTS_MOST:
            self._requests.append((kind, sequence, bytes(buffer[at:end])))

    async def _serve(self) -> None:
        codec, unsupported = self._parts.codec, self._parts.Unsupported
        try:
            while True:
                self._came.clear()
                while self._requests:
                    kind, sequence, body = self._requests.pop(0)
                    if kind == codec.HELLO_REQUEST:
                        await self._say_hello(sequence)
                        continue
                    try:
                        await self._parts.handlers[kind](self, sequence, body)
                    except unsupported as error:
                        await self.send(
                            codec.ERROR, codec.pack_error, sequence, error.code, tail=error.text.encode()
                        )
                await self._came.wait()
        except PowerCut:
            self.power_off()
        except Exception as fault:  # for the test, which sees it at the next step
            self.fault = fault
            self.power_off()

    async def _say_hello(self, sequence: int) -> None:
        hello = dataclasses.replace(self._hello, request=sequence)

        def pack(buffer: bytearray, at: int) -> int:
            body = hello.to_bytes()
            buffer[at : at + len(body)] = body
            return at + len(body)

        await self.send(Hello.KIND, pack)
