"""What long lives found, each as a short test."""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from log_harness import Clock, Firmware, read_all

from vigie_protocol.enums import Lane
from vigie_rig.errors import PowerCut
from vigie_rig.flash import NorFlash

RAW = bytes(208)


@pytest.fixture(scope="module")
def firmware(on_cpython: Callable[[str], Any]) -> Firmware:
    return Firmware(on_cpython)


def test_a_record_whose_crc_ends_in_0xff_outlives_a_reset(firmware: Firmware) -> None:
    """Its last byte begins a slot, which looked blank: one in 256 such records was written over after a boot."""
    chip = NorFlash(18 * 512, sector_bytes=512)
    for boot in range(1, 61):
        firmware.mount(chip, Clock(), boot).append(Lane.EVENT, 0x86, b"\x01\x00\x01\x00\xc9\xbe\xa0r")
    found = read_all(firmware.mount(chip), Lane.EVENT)
    assert [found[number].boot_id for number in range(60)] == list(range(1, 61))


def test_a_record_that_comes_before_the_next_sector_is_begun_is_read(firmware: Firmware) -> None:
    """It was passed over, and taken for gone, by a reader that stood at the end of the sector."""
    log = firmware.mount(NorFlash(24 * 512, sector_bytes=512), Clock())
    log.append(Lane.RAW, 0x86, RAW)
    assert log.seek(Lane.RAW, 0)
    assert not log.seek(Lane.RAW, 1)
    log.append(Lane.RAW, 0x86, bytes(60))
    log.append(Lane.RAW, 0x86, RAW)
    assert log.seek(Lane.RAW, 1)
    assert log.walk.number == 1


def test_no_two_sectors_of_a_lane_begin_with_one_number(firmware: Firmware) -> None:
    """A cut at a sector's first record left it empty, and no room for a long one: their order was lost."""
    for cut_after in range(0, 900, 3):
        chip = NorFlash(18 * 512, sector_bytes=512)
        log = firmware.mount(chip, Clock(), 1)
        chip.cut_after(cut_after)
        with pytest.raises(PowerCut):  # noqa: PT012
            for _ in range(40):
                log.append(Lane.RAW, 0x86, RAW)
        chip.power_on()
        log = firmware.mount(chip, Clock(), 2)
        log.append(Lane.RAW, 0x86, RAW)
        begins = Counter(
            first for lane, first in zip(log._lane_of, log._firsts, strict=True) if lane == Lane.RAW
        )
        assert max(begins.values()) == 1, f"cut after {cut_after} steps"


def test_the_last_record_of_a_boot_keeps_its_boot_when_the_next_one_got_no_further(
    firmware: Firmware,
) -> None:
    """Found at the end of a mount, it stood at hand with the time base of the boot that came after it."""
    chip = NorFlash(18 * 512, sector_bytes=512)
    firmware.mount(chip, Clock(), 1).append(Lane.EVENT, 0x86, bytes(8))
    log = firmware.mount(chip, Clock(), 2)
    chip.cut_after(19)  # the time base is there, the record after it is not
    with pytest.raises(PowerCut):
        log.append(Lane.EVENT, 0x86, bytes(8))
    chip.power_on()
    log = firmware.mount(chip, Clock(), 3)
    assert log.seek(Lane.EVENT, 0)
    assert log.walk.boot_id == 1
