"""How fast the real firmware's log comes home over 115,200 baud, in the virtual board's time."""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from log_harness import KINDS, Clock, Firmware

import vigie
from vigie.firmware import load_bundle
from vigie.micropython import MicroPythonMissing, find
from vigie.store import Store
from vigie_protocol.enums import EventCode, Lane
from vigie_protocol.messages import EventRecord, MinuteRecord, QuarterRecord, RawPpgRecord
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.flash import NorFlash
from vigie_rig.links import LINKS, LinkProfile

BAUD_115200 = dataclasses.replace(LINKS["usb"], jitter_s=0, up_s=0, pause_every_s=0)
MINUTE = MinuteRecord(bpm=61, confidence=90, rmssd=20, steps=9, activity=7, state=8, battery=77).to_bytes()
QUARTER = QuarterRecord(bpm=60, minutes=3, rmssd=9, steps=250, activity=9, battery=77).to_bytes()


@dataclasses.dataclass(frozen=True)
class Visit:
    records: int
    seconds: float
    """From the first byte of the sync to its end, the session open."""
    bytes_to_host: int


def visit(folder: Path, flash: NorFlash, link: LinkProfile) -> Visit:
    """One gateway comes to a bracelet with this flash, and syncs."""
    try:
        micropython = find(None)
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    for path, content in load_bundle().files.items():
        (folder / "board" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "board" / path).write_bytes(content)

    async def run() -> Visit:
        loop = asyncio.get_running_loop()
        async with UnixBoard(micropython, folder / "board", flash=flash, link=link) as board:
            board.begin_link()
            with Store(folder / "store") as store:
                async with vigie.connect(board.link()) as bracelet:
                    began_s, before = loop.time(), board.line.bytes_to_host
                    records = [record async for record in bracelet.sync(store)]
                    return Visit(len(records), loop.time() - began_s, board.line.bytes_to_host - before)

    return virtual_clock.run(run())


@pytest.fixture(scope="module")
def firmware(on_cpython: Callable[[str], Any]) -> Firmware:
    return Firmware(on_cpython)


def days(firmware: Firmware, count: int, *, raw: int = 0) -> tuple[NorFlash, int]:
    """A flash with so many days in it, and how many records."""
    chip, clock = NorFlash(5 << 20), Clock()
    log = firmware.mount(chip, clock, boot_id=77)
    for minute in range(1440 * count):
        clock.us += 60_000_000
        log.append(Lane.MINUTE, MinuteRecord.KIND, MINUTE)
        if minute % 15 == 14:
            log.append(Lane.TREND, QuarterRecord.KIND, QUARTER)
        if minute % 72 == 71:
            event = EventRecord(code=EventCode.BUTTON, value=minute)
            log.append(Lane.EVENT, KINDS[Lane.EVENT], event.to_bytes())
        log.tend()
    for _ in range(raw):
        log.append(Lane.RAW, RawPpgRecord.KIND, bytes(range(199)))
        log.tend()
    return chip, sum(log.next)


def test_a_day_comes_home_in_two_and_a_half_seconds(firmware: Firmware, tmp_path: Path) -> None:
    """1440 minutes, 96 quarter-hours and 20 events, the handshake about UTC included."""
    chip, records = days(firmware, 1)
    seen = visit(tmp_path, chip, BAUD_115200)
    assert seen.records == records + 2  # this boot, and the anchor that the sync itself left
    assert seen.seconds <= 2.5


def test_a_sync_uses_85_percent_of_the_link(firmware: Firmware, tmp_path: Path) -> None:
    chip, records = days(firmware, 7, raw=400)
    seen = visit(tmp_path, chip, BAUD_115200)
    assert seen.records == records + 2
    assert seen.bytes_to_host >= 0.85 * seen.seconds * BAUD_115200.bytes_per_s
