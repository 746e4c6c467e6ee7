"""The flash log: its format, its lanes, and what goes when it is full."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from log_harness import KINDS, LANES, Clock, Firmware, FlashRole, dropped, read_all

from vigie_protocol.enums import Lane
from vigie_protocol.messages import DroppedRecord, MinuteRecord, RawPpgRecord
from vigie_rig.flash import NorFlash

MINUTE_US = 60_000_000
BODY = bytes(range(7))


@pytest.fixture(scope="module")
def firmware(on_cpython: Callable[[str], Any]) -> Firmware:
    return Firmware(on_cpython)


def small_flash(sectors: int = 24) -> NorFlash:
    return NorFlash(sectors * 512, sector_bytes=512)


# Format


def test_a_record_stands_in_flash_as_the_format_says(firmware: Firmware) -> None:
    """With docs/flash-log.md alone one can read it: here by another hand."""
    chip, clock = NorFlash(64 << 10), Clock(us=100_000_000)
    log = firmware.mount(chip, clock, boot_id=0xB001)
    log.append(Lane.MINUTE, MinuteRecord.KIND, b"before.")
    clock.us += 1_230_000
    number = log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
    sector = chip.content.index(b"VL") // 4096
    raw = bytes(chip.content[sector * 4096 : sector * 4096 + 4096])
    head = struct.unpack_from("<2sBB5IHH12II", raw)
    magic, version, lane, sequence, _, log_id, boot_id, base_us, epoch = head[:9]
    assert (magic, version, lane, sequence) == (b"VL", 1, Lane.MINUTE, 1)
    assert (log_id, boot_id, epoch) == (log.log_id, 0xB001, 0)
    assert head[-1] == zlib.crc32(raw[:76])
    kind, length, low, high = struct.unpack_from("<BBHB", raw, 80 + 16)
    assert (kind, length) == (MinuteRecord.KIND, 7)
    assert base_us + ((high << 16) + low) * 10_000 == clock.us
    assert raw[96 + 5 : 96 + 12] == BODY
    covered = struct.pack("<II", number, log_id) + raw[96 : 96 + 12]
    assert raw[96 + 12 : 112] == struct.pack("<I", zlib.crc32(covered))
    assert raw[112:] == b"\xff" * (4096 - 112)


def test_a_minute_takes_16_bytes_with_its_number_and_crc(firmware: Firmware) -> None:
    chip = NorFlash(64 << 10)
    log = firmware.mount(chip)
    log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
    before = chip.steps
    for _ in range(100):
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
    assert chip.steps - before == 100 * 16


def test_a_flipped_bit_costs_the_record_that_it_hits_and_is_never_read_as_good(firmware: Firmware) -> None:
    dice = random.Random(3)
    chip = NorFlash(64 << 10)
    log = firmware.mount(chip)
    bodies = [dice.randbytes(7) for _ in range(200)]
    for body in bodies:
        log.append(Lane.MINUTE, MinuteRecord.KIND, body)
    at = chip.content.index(b"VL")
    for _ in range(300):
        flash = chip.copy()
        bit = dice.randrange(80 * 8, (80 + 200 * 16) * 8)
        flash.content[at + bit // 8] ^= 1 << bit % 8
        found = read_all(firmware.mount(flash), Lane.MINUTE)
        hit = bit // 8 // 16 - 5
        expected = {number: body for number, body in enumerate(bodies) if number != hit}
        # The last record is not missed by what comes after it: its number goes to the next one.
        assert {number: read.body for number, read in found.items()} == expected


def test_mounting_reads_a_bounded_number_of_bytes(firmware: Firmware) -> None:
    chip = NorFlash(512 << 10)
    log = firmware.mount(chip)
    for _ in range(20_000):
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        log.tend()
    read = 0
    through = chip.read

    def counted(at: int, count: int) -> bytes:
        nonlocal read
        read += count
        return through(at, count)

    chip.read = counted  # type: ignore[method-assign]
    firmware.mount(chip)
    assert read <= 128 * 80 + 80 + 4 * 4096


# Room


def fill(log: Any, clock: Clock, days: float, *, raw_every_day: int = 0, events_a_day: int = 20) -> None:
    for minute in range(round(days * 1440)):
        clock.us += MINUTE_US
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        if minute % 15 == 14:
            log.append(Lane.TREND, KINDS[Lane.TREND], BODY)
        if minute % (1440 // events_a_day) == 0:
            log.append(Lane.EVENT, KINDS[Lane.EVENT], bytes(5))
        if minute % 1440 == 120:
            for _ in range(raw_every_day // 199):
                log.append(Lane.RAW, RawPpgRecord.KIND, bytes(199))
                log.tend()
        log.tend()


def test_5_mb_hold_90_days_of_minutes_events_and_a_raw_window_each_night(firmware: Firmware) -> None:
    """Of 3 minutes: 26 kB as packed from a still wrist, see docs/blocks.md."""
    clock = Clock()
    log = firmware.mount(NorFlash(5 << 20), clock)
    fill(log, clock, 90, raw_every_day=26_000)
    assert log.dropped == 0
    assert log.oldest(Lane.MINUTE) == log.oldest(Lane.RAW) == 0


def test_512_kb_hold_7_days_of_minutes_and_90_days_of_quarter_hours(firmware: Firmware) -> None:
    clock = Clock()
    log = firmware.mount(NorFlash(512 << 10), clock)
    fill(log, clock, 90)
    assert log.next[Lane.MINUTE] - log.oldest(Lane.MINUTE) >= 7 * 1440
    assert log.oldest(Lane.TREND) == log.oldest(Lane.EVENT) == 0


def test_when_full_raw_goes_first_then_minutes_and_events_stay(firmware: Firmware) -> None:
    chip, clock = small_flash(40), Clock()
    log = firmware.mount(chip, clock)
    gone: list[Lane] = []
    for _ in range(4000):
        clock.us += MINUTE_US
        oldest = [log.oldest(lane) for lane in LANES]
        lane = Lane(random.Random(clock.us).choices([0, 1, 2, 3], [1, 2, 15, 3])[0])
        log.append(lane, KINDS[lane], bytes(150) if lane is Lane.RAW else BODY)
        gone += [lane for lane, before in zip(LANES, oldest, strict=True) if log.oldest(lane) > before]
        if gone.count(Lane.MINUTE) > 20:
            break
    assert gone[0] is Lane.RAW
    assert Lane.EVENT not in gone
    assert Lane.TREND not in gone
    log.tell_dropped()
    said = dropped(log).named
    for lane in LANES:
        here = set(read_all(log, lane))
        assert here.isdisjoint(said[lane])
        assert here | said[lane] == set(range(log.next[lane])), (
            "a number is neither there nor named as dropped"
        )


def test_what_is_delivered_goes_before_anything_else(firmware: Firmware) -> None:
    clock = Clock()
    log = firmware.mount(small_flash(), clock)
    for _ in range(3000):
        clock.us += MINUTE_US
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        if log.next[Lane.MINUTE] % 100 == 0:
            log.set_cursor(Lane.MINUTE, log.next[Lane.MINUTE], log.next[Lane.MINUTE] - 1)
        log.tend()
    assert log.dropped == log.dropped_held == 0
    assert not any(read.kind == DroppedRecord.KIND for read in read_all(log, Lane.EVENT).values())


def test_what_goes_while_merely_held_is_counted_apart(firmware: Firmware) -> None:
    clock = Clock()
    log = firmware.mount(small_flash(), clock)
    for number in range(1500):
        clock.us += MINUTE_US
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        if number == 99:
            log.set_cursor(Lane.MINUTE, 100, 0)
    assert log.dropped_held == 100
    assert log.dropped + 100 == log.oldest(Lane.MINUTE)


def test_cursors_only_grow_and_never_pass_the_end(firmware: Firmware) -> None:
    log = firmware.mount(small_flash())
    for _ in range(10):
        log.append(Lane.EVENT, KINDS[Lane.EVENT], BODY)
    for held, delivered, expected in ((5, 2, (5, 2)), (3, 1, (5, 2)), (99, 8, (10, 8)), (0, 77, (10, 10))):
        log.set_cursor(Lane.EVENT, held, delivered)
        assert (log.held[0], log.delivered[0]) == expected


def test_sectors_wear_alike(firmware: Firmware) -> None:
    chip, clock = small_flash(), Clock()
    log = firmware.mount(chip, clock)
    for _ in range(20_000):
        clock.us += MINUTE_US
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        log.tend()
    worn = sorted(chip.erases)[4:]  # some hold what never goes: what was dropped
    assert worn[-1] <= 1.2 * worn[0]


def test_a_thousand_resets_cost_no_sectors(firmware: Firmware) -> None:
    chip = NorFlash(512 << 10)
    log: Any = None
    for boot in range(1, 1001):
        log = firmware.mount(chip, Clock(), boot_id=boot)
        log.append(Lane.EVENT, KINDS[Lane.EVENT], BODY)
    assert log.sectors_of(Lane.EVENT) <= 1000 * 48 // 4096 + 2
    assert [read.boot_id for read in read_all(log, Lane.EVENT).values()] == list(range(1, 1001))


# What is written while it is read


def test_records_written_after_a_read_are_found_by_the_next(firmware: Firmware) -> None:
    clock = Clock()
    log = firmware.mount(small_flash(), clock)
    for number in range(200):
        assert not log.seek(Lane.MINUTE, number)
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
        assert log.seek(Lane.MINUTE, number)
        assert log.walk.number == number
        log.tend()


# The classic mistakes


class Mutant(Firmware):
    """The log with a mistake in it."""

    def __init__(self, on_cpython: Callable[[str], Any], right: str, wrong: str) -> None:
        super().__init__(on_cpython)
        path = on_cpython("bracelet.log").__file__
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.count(right) == 1, f"{right!r} is not in the log any more: choose the mistake anew"
        space: dict[str, Any] = {"__name__": "bracelet.log"}
        exec(compile(text.replace(right, wrong), path, "exec"), space)
        self._flash_log = space["FlashLog"]

    def mount(self, chip: NorFlash, clock: Clock | None = None, boot_id: int = 1) -> Any:
        return self._flash_log(FlashRole(chip), clock or Clock(), boot_id, self._crc_into)


def reset_keeps_numbers(firmware: Firmware) -> None:
    chip = small_flash()
    for boot in (1, 2):
        log = firmware.mount(chip, Clock(), boot)
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
    assert log.next[Lane.MINUTE] == 2


def nothing_undelivered_goes_unnamed(firmware: Firmware) -> None:
    clock = Clock()
    log = firmware.mount(small_flash(), clock)
    for _ in range(1200):
        clock.us += MINUTE_US
        log.append(Lane.MINUTE, MinuteRecord.KIND, BODY)
    log.tell_dropped()
    here = set(read_all(log, Lane.MINUTE))
    assert here | dropped(log).named[Lane.MINUTE] == set(range(1200))


MISTAKES = {
    "counter reset on boot": (
        "self.next[lane] = max(self.next[lane], walk.next)",
        "self.next[lane] = 0",
        reset_keeps_numbers,
    ),
    "cursor taken for the last number delivered": (
        "first = max(self._firsts[sector], self.delivered[lane])",
        "first = max(self._firsts[sector], self.delivered[lane] + 1)",
        nothing_undelivered_goes_unnamed,
    ),
    "what goes is not told": (
        "            if end > first:\n",
        "            if False:\n",
        nothing_undelivered_goes_unnamed,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_classic_mistake_is_caught(
    on_cpython: Callable[[str], Any], firmware: Firmware, mistake: str
) -> None:
    right, wrong, promise = MISTAKES[mistake]
    promise(firmware)
    with pytest.raises(AssertionError):
        promise(Mutant(on_cpython, right, wrong))


def test_a_crc_that_left_out_the_length_would_be_seen(on_cpython: Callable[[str], Any]) -> None:
    mutant = Mutant(
        on_cpython,
        "self._crc_into(self._view[:end], scratch, end)",
        "scratch[9] = 0; self._crc_into(self._view[:end], scratch, end); scratch[9] = len(body)",
    )
    with pytest.raises(AssertionError):
        test_a_record_stands_in_flash_as_the_format_says(mutant)
