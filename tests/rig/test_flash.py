"""The flash model obeys the rules of NOR, takes its datasheet's time, wears, and leaves what a power cut leaves."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_rig.errors import PowerCut, UsageError
from vigie_rig.flash import ERASE_STEPS, TYPICAL, WORST, NorFlash, Operation

_SIZE = 4 * 4096


@pytest.fixture
def flash() -> NorFlash:
    return NorFlash(_SIZE)


def test_it_comes_erased(flash: NorFlash) -> None:
    assert flash.read(0, _SIZE) == b"\xff" * _SIZE


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 8192 - 600), st.binary(min_size=1, max_size=600)),
            st.tuples(st.sampled_from((0, 4096)), st.none()),
        ),
        max_size=30,
    )
)
def test_a_program_only_clears_bits_and_an_erase_sets_those_of_its_sector(
    operations: list[tuple[int, bytes | None]],
) -> None:
    flash, bytes_by_rule = NorFlash(8192), [0xFF] * 8192
    violations = 0
    for at, data in operations:
        flash.apply(Operation(at, data))
        if data is None:
            bytes_by_rule[at : at + 4096] = [0xFF] * 4096
            continue
        for index, byte in enumerate(data, at):
            violations += byte != 0xFF and byte & ~bytes_by_rule[index] != 0
            bytes_by_rule[index] &= byte
    assert flash.read(0, 8192) == bytes(bytes_by_rule)
    assert flash.violations == violations


def test_a_one_over_a_zero_stays_zero_and_is_told(flash: NorFlash) -> None:
    flash.program(100, b"\x0f\xf0")
    assert flash.violations == 0
    flash.program(99, b"\xff\xff\x0f")
    assert flash.read(99, 3) == b"\xff\x0f\x00"
    assert (flash.violations, flash.first_violation) == (1, 101)


def test_wear_is_counted_a_sector(flash: NorFlash) -> None:
    for at in (0, 4096, 4096):
        flash.erase(at)
    assert flash.erases.tolist() == [1, 2, 0, 0]


@pytest.mark.parametrize(("at", "count"), [(-1, 1), (_SIZE, 1), (_SIZE - 1, 2)])
def test_beyond_its_ends_is_nothing(flash: NorFlash, at: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"ends at {_SIZE}"):
        flash.read(at, count)
    with pytest.raises(ValueError, match=f"ends at {_SIZE}"):
        flash.program(at, bytes(count))


def test_only_whole_sectors_are_erased(flash: NorFlash) -> None:
    with pytest.raises(ValueError, match="multiple of 4096"):
        flash.erase(256)
    with pytest.raises(UsageError, match="whole sectors"):
        NorFlash(5000)


@pytest.mark.parametrize(
    ("operation", "typical_us", "worst_us"),
    [
        (Operation(0, None), 45_000, 400_000),
        (Operation(0, bytes(256)), 400, 3_000),
        (Operation(0, bytes(16)), 67.5, 230),
        (Operation(248, bytes(16)), 2 * 47.5, 2 * 134),
        (Operation(1, bytes(512)), 400 + 400 + 30, 3_000 + 3_000 + 50),
    ],
    ids=["sector", "page", "slot", "slot across pages", "three pages"],
)
def test_it_takes_the_time_of_its_datasheet(operation: Operation, typical_us: float, worst_us: float) -> None:
    for timing, expected_us in ((TYPICAL, typical_us), (WORST, worst_us)):
        took_us = NorFlash(_SIZE, timing=timing).operation_us(operation)
        assert expected_us <= took_us <= expected_us + 4 * timing.command_us


def test_the_content_outlives_the_program_in_a_file(tmp_path: Path) -> None:
    first = NorFlash(_SIZE, path=tmp_path / "flash.bin")
    first.program(300, b"kept")
    first.program(4096, b"gone")
    first.erase(4096)
    again = NorFlash(_SIZE, path=tmp_path / "flash.bin")
    assert again.read(0, _SIZE) == first.read(0, _SIZE)
    assert again.read(300, 4) == b"kept"
    with pytest.raises(UsageError, match="needs a new file"):
        NorFlash(2 * _SIZE, path=tmp_path / "flash.bin")


# Power cuts


@given(st.binary(min_size=1, max_size=40), st.integers(0, 39), st.integers(0, 1000))
def test_a_cut_program_is_whole_up_to_its_torn_byte(data: bytes, after: int, seed: int) -> None:
    flash = NorFlash(4096, seed=seed)
    flash.program(0, bytes([0xF7]) * 64)
    flash.cut_after(after)
    if after >= len(data):
        flash.program(0, data)
        return
    with pytest.raises(PowerCut):
        flash.program(0, data)
    flash.power_on()
    assert flash.read(0, after) == bytes(byte & 0xF7 for byte in data[:after])
    assert flash.read(after + 1, 63 - after) == bytes([0xF7]) * (63 - after)
    torn, whole = flash.read(after, 1)[0], data[after] & 0xF7
    assert torn & whole == whole
    assert torn & ~0xF7 == 0


def test_every_part_of_a_torn_byte_s_bits_comes_about() -> None:
    left: set[int] = set()
    for seed in range(500):
        flash = NorFlash(4096, seed=seed)
        flash.cut_after(0)
        with pytest.raises(PowerCut):
            flash.program(0, b"\xf8")
        flash.power_on()
        left.add(flash.read(0, 1)[0])
    assert left == {0xF8 | low for low in range(8)}


@pytest.mark.parametrize("after", range(ERASE_STEPS))
def test_a_cut_erase_leaves_anything_where_it_had_not_come(after: int) -> None:
    flash = NorFlash(8192)
    flash.program(0, bytes(8192))
    flash.cut_after(after)
    with pytest.raises(PowerCut):
        flash.erase(0)
    flash.power_on()
    erased = 4096 * after // ERASE_STEPS
    assert flash.read(0, erased) == b"\xff" * erased
    assert 100 < len(set(flash.read(erased, 4096 - erased))) <= 256
    assert flash.read(4096, 4096) == bytes(4096)


def test_without_power_it_says_nothing(flash: NorFlash) -> None:
    flash.cut_after(3)
    with pytest.raises(PowerCut):
        flash.program(0, b"four")
    assert not flash.powered
    with pytest.raises(PowerCut):
        flash.read(0, 1)
    flash.power_on()
    assert flash.read(0, 3) == b"fou"


def test_an_operation_is_torn_at_the_share_that_was_over(flash: NorFlash) -> None:
    flash.program(0, bytes(4096))
    flash.tear(Operation(0, None), 0.5)
    assert flash.read(0, 2048) == b"\xff" * 2048
    assert flash.read(2048, 2048) != b"\xff" * 2048
    assert flash.powered


# The journal


def _journaled(seed: int) -> NorFlash:
    dice = random.Random(seed)
    flash = NorFlash(8192, journal=True)
    for _ in range(30):
        if dice.random() < 0.2:
            flash.erase(dice.choice((0, 4096)))
        else:
            flash.program(dice.randrange(8000), dice.randbytes(dice.randrange(1, 60)))
    return flash


def _apply_all(flash: NorFlash, operations: list[Operation]) -> None:
    for operation in operations:
        flash.apply(operation)


def test_every_step_of_a_run_can_be_made_again() -> None:
    flash = _journaled(1)
    assert flash.journal is not None
    live = NorFlash(8192)
    done = 0
    for operation in flash.journal.operations:
        assert flash.journal.flash_at(done, torn=False).content == live.content
        live.apply(operation)
        done += operation.steps
    assert done == flash.journal.steps == flash.steps
    assert flash.journal.flash_at(done).content == flash.content


def test_a_cut_of_the_journal_is_the_cut_that_happened() -> None:
    flash = _journaled(2)
    assert flash.journal is not None
    for steps in range(0, flash.journal.steps, 7):
        cut = NorFlash(8192)
        cut._dice = random.Random(steps)  # pyright: ignore[reportPrivateUsage]
        cut.cut_after(steps)
        with pytest.raises(PowerCut):
            _apply_all(cut, flash.journal.operations)
        assert flash.journal.flash_at(steps, seed=steps).content == cut.content


def test_a_flash_of_the_journal_is_powered_and_independent() -> None:
    flash = _journaled(3)
    assert flash.journal is not None
    before = bytes(flash.content)
    for steps, cut in flash.journal.cuts(step=11):
        cut.erase(0)
        cut.program(0, bytes(16))
        assert (cut.steps, steps % 11) == (ERASE_STEPS + 16, 0)
    assert flash.content == before


def test_a_second_cut_follows_on_a_journal_of_the_first() -> None:
    first = _journaled(4)
    assert first.journal is not None
    again = first.journal.flash_at(100).copy(journal=True)
    again.program(0, b"second")
    assert again.journal is not None
    assert again.journal.steps == 6
    with pytest.raises(UsageError, match="flash_at"):
        again.cut_after(1)
