"""Every implementation of the flash role, so that one suite can hold them all to the same promises."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from vigie.firmware import load_bundle
from vigie.micropython import MicroPythonMissing, find
from vigie.prompt import Prompt
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.flash import NorFlash
from vigie_rig.line_transport import LineTransport

Verb: TypeAlias = tuple[str, int, int | bytes | None]
"""("read", at, count), ("program", at, data), ("erase", at, None)."""

Result: TypeAlias = bytes | str | None
"""What a read gave; "refused" for what raised; None."""

SECTORS, SECTOR_BYTES = 4, 4096
SIZE_BYTES = SECTORS * SECTOR_BYTES

_ESP32 = """
class Partition:
    "esp32.Partition over a flash: what esp_partition_read, _write and _erase_range do, which look at the bounds."
    def readblocks(self, block, buf, offset=0):
        self._look(block * 4096 + offset, len(buf))
        chip.read_into(block * 4096 + offset, buf)
    def writeblocks(self, block, buf, offset=None):
        at = block * 4096
        if offset is None:
            self._look(at, len(buf))
            for sector in range(at, at + len(buf), 4096):
                chip.erase(sector)
        else:
            at += offset
        self._look(at, len(buf))
        chip.program(at, buf)
    def ioctl(self, cmd, arg):
        if cmd in (1, 2, 3):
            return 0
        if cmd == 4:
            return chip.size_bytes // 4096
        if cmd == 5:
            return 4096
        if cmd == 6:
            self._look(arg * 4096, 4096)
            chip.erase(arg * 4096)
            return 0
    def _look(self, at, count):
        if at + count > chip.size_bytes:
            raise OSError(-0x104)
"""

_RP2 = """
_beyond = bytearray(1)
class Flash:
    "rp2.Flash over a flash: flash_range_program takes pages, on their boundaries, and whatever lies behind the buffer."
    def readblocks(self, block, buf, offset=0):
        chip.read_into(block * 4096 + offset, buf)
    def writeblocks(self, block, buf, offset=None):
        at = block * 4096
        if offset is None:
            for sector in range(at, at + len(buf), 4096):
                chip.erase(sector)
        else:
            at += offset
        count = len(buf)
        if at % 256 == 0 and count == 256:
            chip.program(at, buf)
            return
        for page in range(0, count, 256):
            for step in range(page, page + 256):
                _beyond[0] = buf[step] if step < count else 0x5A
                # A chip's page program goes on at the beginning of the page when it comes to its end.
                chip.program((at + page) // 256 * 256 + (at + step) % 256, _beyond)
    def ioctl(self, cmd, arg):
        if cmd in (1, 2, 3):
            return 0
        if cmd == 4:
            return chip.size_bytes // 4096
        if cmd == 5:
            return 4096
        if cmd == 6:
            chip.erase(arg * 4096)
            return 0
"""

_ON_BOARD = """
import gc, machine, micropython
chip = flash = machine.Flash(0)
{device}
verbs = {verbs}

def play(name, at, buffer):
    if name == "read":
        flash.read_into(at, buffer)
    elif name == "program":
        flash.program(at, buffer)
    else:
        flash.erase(at)

def locked(name, at, buffer):
    micropython.heap_lock()
    try:
        play(name, at, buffer)
    finally:
        micropython.heap_unlock()

done = []
for name, at, what in verbs:
    buffer = bytearray(what) if name == "read" else what
    gc.collect()
    try:
        locked(name, at, buffer)
        done.append(bytes(buffer) if name == "read" else None)
    except OSError:
        done.append("refused")
print((flash.size_bytes, flash.sector_bytes, done))
"""


@dataclass(frozen=True)
class FlashKind:
    """An implementation: its name, and what makes one play verbs and tell what came of each."""

    name: str
    make: Callable[[Path], Callable[[Sequence[Verb]], list[Result]]]


def _model(_: Path) -> Callable[[Sequence[Verb]], list[Result]]:
    flash = NorFlash(SIZE_BYTES)

    def one(name: str, at: int, what: int | bytes | None) -> Result:
        try:
            if isinstance(what, int):
                return flash.read(at, what)
            if what is not None:
                flash.program(at, what)
            else:
                flash.erase(at)
        except ValueError:
            return "refused"
        return None

    return lambda verbs: [one(*verb) for verb in verbs]


def _on_board(
    architecture: str | None, device: str
) -> Callable[[Path], Callable[[Sequence[Verb]], list[Result]]]:
    def make(folder: Path) -> Callable[[Sequence[Verb]], list[Result]]:
        try:
            micropython = find(architecture)
        except MicroPythonMissing as missing:
            pytest.skip(str(missing))
        for path, content in load_bundle().files.items():
            if path != "main.py":
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        flash = NorFlash(SIZE_BYTES)

        async def run(program: str) -> str:
            board = UnixBoard(micropython, folder, flash=flash, heap_bytes=1 << 20)
            async with board, Prompt(LineTransport(board.line), deadline_s=36000) as prompt:
                return await prompt.run(program)

        def play(verbs: Sequence[Verb]) -> list[Result]:
            said = virtual_clock.run(run(_ON_BOARD.format(device=device, verbs=repr(list(verbs)))))
            size_bytes, sector_bytes, results = ast.literal_eval(said)
            assert (size_bytes, sector_bytes) == (SIZE_BYTES, SECTOR_BYTES)
            return list(results)

        return play

    return make


_ADAPTED = "from bracelet.flash import BlockFlash\nflash = BlockFlash({}())\n"
FLASH_KINDS = (
    FlashKind("model", _model),
    FlashKind("unix board", _on_board(None, "")),
    FlashKind("unix32 board", _on_board("i386", "")),
    FlashKind("esp32.Partition", _on_board(None, _ESP32 + _ADAPTED.format("Partition"))),
    FlashKind("rp2.Flash", _on_board(None, _RP2 + _ADAPTED.format("Flash"))),
)
