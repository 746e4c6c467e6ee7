"""Whenever the power goes, what `append` had promised is there, and what is there was written so."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from log_harness import LANES, Clock, Firmware, Life, Read, lead, read_all

from vigie_protocol.enums import Lane
from vigie_rig.errors import PowerCut
from vigie_rig.flash import NorFlash

SECTORS, SECTOR_BYTES = 48, 512


@pytest.fixture(scope="module")
def firmware(on_cpython: Callable[[str], Any]) -> Firmware:
    return Firmware(on_cpython)


def new_flash(*, journal: bool = False) -> NorFlash:
    return NorFlash(SECTORS * SECTOR_BYTES, sector_bytes=SECTOR_BYTES, journal=journal)


def check(life: Life, steps: int, log: Any, later: dict[tuple[Lane, int], Read] | None = None) -> None:
    """`later`: what may be there beside what the life wrote."""
    written = life.written() | (later or {})
    found = {lane: read_all(log, lane) for lane in LANES}
    for lane, number, record in life.durable(steps):
        assert found[lane].get(number) == record, f"{lane.name} {number} is lost after {steps} steps"
    for lane in LANES:
        for number, record in found[lane].items():
            assert record == written[lane, number], f"{lane.name} {number} is wrong after {steps} steps"
        assert log.next[lane] >= max(found[lane], default=-1) + 1
    log.append(Lane.MINUTE, 0x80, b"goes on")
    assert list(read_all(log, Lane.MINUTE).values())[-1].body == b"goes on"


def cut_every(firmware: Firmware, *, records: int, stride: int, seed: int) -> int:
    chip = new_flash(journal=True)
    life = lead(firmware, chip, records, seed=seed)
    assert chip.journal is not None
    cuts = 0
    for steps, flash in chip.journal.cuts(step=stride):
        check(life, steps, firmware.mount(flash, Clock(), boot_id=999))
        assert flash.violations == 0, "programmed where it was not blank"
        cuts += 1
    return cuts


def test_no_cut_loses_a_record(firmware: Firmware) -> None:
    assert cut_every(firmware, records=2000, stride=97, seed=1) > 300


@pytest.mark.soak
def test_no_cut_at_any_byte_of_2000_records_loses_one(firmware: Firmware) -> None:
    assert cut_every(firmware, records=2000, stride=1, seed=1) > 30_000


def cut_twice(firmware: Firmware, times: int, *, seed: int) -> None:
    dice = random.Random(seed)
    chip = new_flash(journal=True)
    life = lead(firmware, chip, 600, seed=seed)
    assert chip.journal is not None
    firsts = sorted(dice.randrange(chip.journal.steps) for _ in range(times))
    for first in firsts:
        flash = chip.journal.flash_at(first, seed=dice.getrandbits(30))
        later: dict[tuple[Lane, int], Read] = {}
        doomed: tuple[Lane, int] | None = None
        flash.cut_after(dice.randrange(3000))
        clock = Clock()
        try:
            log = firmware.mount(flash, clock, boot_id=998)
            while True:
                clock.us += 60_000_000
                lane = Lane(dice.choices([0, 1, 2, 3], [2, 1, 12, 2])[0])
                body = dice.randbytes(7)
                # Written before it is promised: what is cut off may be there, whole.
                doomed = (lane, log.next[lane])
                later[doomed] = Read(0x80, body, 998)
                promised = (lane, log.append(lane, 0x80, body))
                assert promised == doomed
                log.tend()
        except PowerCut:
            flash.power_on()
        again = firmware.mount(flash, Clock(), boot_id=999)
        kept = {key for key in later if key != doomed}
        for lane, number in kept:
            if number >= again.oldest(lane):
                assert read_all(again, lane).get(number) == later[lane, number]
        check(life, first, again, later)


def test_no_second_cut_loses_a_record(firmware: Firmware) -> None:
    cut_twice(firmware, 60, seed=2)


@pytest.mark.soak
def test_none_of_10000_second_cuts_loses_a_record(firmware: Firmware) -> None:
    for seed in range(10):
        cut_twice(firmware, 1000, seed=seed)
