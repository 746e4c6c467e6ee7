"""Samples that a sensor lost while nobody looked: announced, the rest numbered as it was taken, none of it wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_rig.bench import STANDARD
from vigie_rig.judge import StreamVerdict, judge_stream, runs_read
from vigie_rig.sensors import Ledger, Lsm6dso, Max30101

Blocks = dict[Stream, list[SampleBlock]]

_LOOKS = 12


def _program(absences_ms: list[int], looks: int = _LOOKS) -> str:
    return f"""
def look(times):
    for _ in range(times):
        time.sleep_ms(sampler.period_ms)
        sampler.step()
for absence_ms in {absences_ms}:
    look({looks})
    time.sleep_ms(absence_ms)
look({_LOOKS})
sampler.stop()
print((line.all(), [stream.lost for stream in sampler.streams]))
"""


def _verdict(ledger: Ledger, blocks: list[SampleBlock]) -> StreamVerdict:
    runs = runs_read(ledger)
    return judge_stream(runs, blocks)


@pytest.mark.parametrize("absence_ms", [60, 160, 230, 300, 370])
def test_the_ppg_counter_tells_all_but_one(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    ppg: Max30101,
    absence_ms: int,
) -> None:
    wire, (lost, _) = on_board(build_sampler() + _program([absence_ms] * 3))
    blocks = read_blocks(wire)[Stream.PPG]
    verdict = _verdict(ppg.ledger, blocks)
    gaps = sum(block.gap > 0 for block in blocks)
    assert verdict.wrong == 0
    assert verdict.lost == ppg.ledger.lost
    assert verdict.announced == lost
    # The read that clears the counter comes 0.3 ms after the look at it: one sample may be lost in between.
    assert verdict.misnumbered <= gaps
    assert all(block.gap == block.overflow and not block.inferred for block in blocks)
    assert (lost > 0) == (absence_ms > 120)


@pytest.mark.parametrize("absence_ms", [600, 2_000, 20_000])
def test_beyond_the_ppg_counter_time_tells_as_well_as_it_was_measured(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    ppg: Max30101,
    absence_ms: int,
) -> None:
    looks = 120
    wire, _ = on_board(build_sampler() + _program([absence_ms], looks))
    blocks = read_blocks(wire)[Stream.PPG]
    verdict = _verdict(ppg.ledger, blocks)
    (gap,) = (block for block in blocks if block.gap)
    assert verdict.wrong == 0
    assert verdict.lost == ppg.ledger.lost > 31
    assert gap.inferred
    assert gap.overflow == gap.gap
    # A sample more or less at either end of what was measured, and of what was missed.
    observed_ms = looks * 120
    assert verdict.misnumbered <= 1 + 2 * absence_ms / observed_ms


@pytest.mark.parametrize(
    "absences_ms", [[4_000], [4_750, 4_800, 4_850, 4_900], [5_000] * 4, [60_000, 600_000]]
)
def test_acc_losses_are_exact_however_long_nobody_looked(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    acc: Lsm6dso,
    absences_ms: list[int],
) -> None:
    wire, (_, lost) = on_board(build_sampler(streams=2) + _program(absences_ms))
    blocks = read_blocks(wire)[Stream.ACCELEROMETER]
    verdict = _verdict(acc.ledger, blocks)
    assert (verdict.wrong, verdict.misnumbered) == (0, 0)
    assert verdict.lost == verdict.announced == lost == acc.ledger.lost
    assert all(block.inferred == (block.gap > 0) for block in blocks)
    assert (lost > 0) == (max(absences_ms) > 4_750)


def test_what_was_lost_before_the_first_look_is_announced(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    ppg: Max30101,
    acc: Lsm6dso,
) -> None:
    blocks = read_blocks(on_board(build_sampler() + _program([10_000], looks=0))[0])
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        verdict = _verdict(sensor.ledger, blocks[stream])
        assert verdict.wrong == 0
        # The sensors' clocks are not known yet, and are off by 1 %.
        assert verdict.announced == pytest.approx(sensor.ledger.lost, rel=0.02)


def test_an_absence_longer_than_the_ticks_wrap(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    ppg: Max30101,
) -> None:
    # The application looks at its clock at least once in 18 minutes, also while the line is full.
    program = f"""
for _ in range({_LOOKS} * 40):
    time.sleep_ms(sampler.period_ms)
    sampler.step()
for _ in range(3):
    time.sleep(600)
    clock.now_us()
sampler.step()
time.sleep_ms(200)
sampler.step()
print(line.all())
"""
    blocks = read_blocks(on_board(build_sampler(streams=1) + program))[Stream.PPG]
    announced = sum(block.gap for block in blocks)
    assert announced == pytest.approx(ppg.ledger.lost, rel=1e-3)
    assert ppg.ledger.lost > 180_000


@pytest.mark.parametrize("flips", [0x78, 0x01, 0x02], ids=hex)
@pytest.mark.parametrize("room", [60_000, 0], ids=["free line", "full line"])
@pytest.mark.parametrize(
    "words", [[1], [5], [2, 6], [3, 4, 5, 6, 7, 8, 9], [12], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
)
def test_words_with_a_damaged_tag_are_a_gap(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    acc: Lsm6dso,
    words: list[int],
    flips: int,
    room: int,
) -> None:
    program = f"""
def look(times):
    for _ in range(times):
        time.sleep_ms(sampler.period_ms)
        sampler.step()
samples = 0
read_into = acc.chip.read_into
def damaged(view):
    global samples
    read_into(view)
    for word in {words}:
        samples += view[7 * word] >> 3 == 2
        view[7 * word] ^= {flips}
look(6)
for _ in range(7):
    acc.chip.read_into = damaged
    look(1)
    acc.chip.read_into = read_into
    line.room = {room}
    look(3)
    line.room = 60000 - line.end
    look(5)
sampler.stop()
print((line.all(), acc.bad_tags, acc.lost, samples))
"""
    wire, bad_tags, lost, samples = on_board(build_sampler(streams=2) + program)
    verdict = _verdict(acc.ledger, read_blocks(wire)[Stream.ACCELEROMETER])
    assert bad_tags >= max(samples, 7 * len(words))
    assert samples > 0
    assert verdict.announced == verdict.lost == lost == samples
    assert (verdict.wrong, verdict.misnumbered) == (0, 0)


@pytest.mark.parametrize(("grant_bytes", "pause_ms"), [(60, 200), (60, 700), (130, 700), (250, 6000)])
def test_overflow_upon_overflow_on_a_line_that_takes_little(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., Blocks],
    ppg: Max30101,
    acc: Lsm6dso,
    grant_bytes: int,
    pause_ms: int,
) -> None:
    program = f"""
for _ in range(400):
    time.sleep_ms(sampler.period_ms)
    sampler.step()
line.room = 0
for _ in range(40):
    line.room = {grant_bytes}
    sampler.step()
    time.sleep_ms({pause_ms})
line.room = 10000
for _ in range(12):
    sampler.step()
    time.sleep_ms(sampler.period_ms)
sampler.stop()
print(line.all())
"""
    # A quarter of the usual rates, so that the beginning fits into what is kept.
    configure = dataclasses.replace(STANDARD, ppg_rate_hz=100, ppg_average=4, acc_rate_decihz=260)
    blocks = read_blocks(on_board(build_sampler(configure) + program), configure)
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        verdict = _verdict(sensor.ledger, blocks[stream])
        assert verdict.wrong == 0
        # What was read only to be thrown away, for want of a place to put its gap, is announced too.
        assert verdict.lost >= sensor.ledger.lost
        gaps = sum(block.gap > 0 for block in blocks[stream])
        assert verdict.misnumbered <= (gaps if stream is Stream.PPG else 0)
        assert abs(verdict.announced - verdict.lost) <= verdict.misnumbered
