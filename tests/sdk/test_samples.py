"""Samples keep their numbers, their times and their gaps, across every wrap."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
from fake_bracelet import CONFIGURATION, acc, ppg
from hypothesis import given
from hypothesis import strategies as st

from vigie import SampleBlock, Stream, fit_sample_clock
from vigie.samples import BlockReader
from vigie_protocol.enums import BlockFlag
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import PpgBlock

WRAP = 1 << 30


def reader_at(first_sample: int) -> BlockReader:
    """A reader that has read all samples before this one."""
    reader = BlockReader(Stream.PPG, CONFIGURATION)
    for at in [*range(WRAP // 4, first_sample, WRAP // 4), first_sample]:
        reader.read(ppg(at, 0).to_bytes())
    return reader


@given(
    start=st.integers(0, 3 * WRAP),
    steps=st.lists(st.tuples(st.integers(0, 36), st.integers(0, WRAP // 2 - 40)), max_size=20),
)
def test_numbers_grow_and_gaps_add_up_whatever_is_lost(start: int, steps: list[tuple[int, int]]) -> None:
    reader = reader_at(start)
    number, samples, gaps = start, 0, 0
    for count, lost in steps:
        number += lost
        block = reader.read(ppg(number, count).to_bytes())
        assert (block.first_sample, block.gap, len(block.samples)) == (number, lost, count)
        number += count
        samples += count
        gaps += lost
    assert number - start == samples + gaps


def test_numbers_go_on_across_the_wrap_of_the_wire() -> None:
    reader = reader_at(WRAP - 6)
    blocks = [reader.read(ppg(WRAP - 6 + 12 * number).to_bytes()) for number in range(3)]
    assert [block.first_sample for block in blocks] == [WRAP - 6, WRAP + 6, WRAP + 18]
    assert [block.gap for block in blocks] == [0, 0, 0]


@given(ticks_us=st.integers(0, 0xFFFF * WRAP + WRAP - 1))
def test_times_go_on_across_epochs(ticks_us: int) -> None:
    body = ppg(0, ticks_us=ticks_us % WRAP, epoch=ticks_us // WRAP).to_bytes()
    assert BlockReader(Stream.PPG, CONFIGURATION).read(body).ticks_us == ticks_us


def test_ppg_samples_are_counts_and_nanoamperes() -> None:
    block = BlockReader(Stream.PPG, dataclasses.replace(CONFIGURATION, configuration=9)).read(
        ppg(0, 2, samples=(0, 1 << 17, (1 << 18) - 1, 1), overflow=31, configuration=9).to_bytes()
    )
    assert (block.stream, block.channels, block.rate_hz) == (Stream.PPG, ("green", "infrared"), 100.0)
    assert (block.overflow, block.inferred, block.configuration) == (31, False, 9)
    assert block.samples.tolist() == [[0, 1 << 17], [(1 << 18) - 1, 1]]
    np.testing.assert_allclose(block.values, [[0, 2048], [4096, 0]], atol=0.02)


def test_accelerometer_samples_are_counts_and_g() -> None:
    block = BlockReader(Stream.ACCELEROMETER, CONFIGURATION).read(
        acc(0, 1, samples=((4098, -4098, 32767),), flags=BlockFlag.OVERFLOW_INFERRED).to_bytes()
    )
    assert (block.stream, block.channels, block.rate_hz) == (Stream.ACCELEROMETER, ("x", "y", "z"), 104.0)
    assert block.inferred
    # 0.244 mg a count at 8 g, as the LSM6DSO's datasheet has it.
    np.testing.assert_allclose(block.values, [[1.0, -1.0, 7.995]], atol=1e-3)


def test_the_rate_is_that_after_the_sensors_averaging() -> None:
    averaging = dataclasses.replace(CONFIGURATION, ppg_rate_hz=400, ppg_average=4)
    assert BlockReader(Stream.PPG, averaging).read(ppg(0).to_bytes()).rate_hz == 100.0


@pytest.mark.parametrize(
    "body", [b"", ppg(0).to_bytes()[:-1], ppg(0, channels=3).to_bytes(), acc(0).to_bytes()]
)
def test_what_is_no_block_of_the_stream_is_refused_and_moves_nothing(body: bytes) -> None:
    reader = BlockReader(Stream.PPG, CONFIGURATION)
    with pytest.raises(MessageError, match=PpgBlock.__name__):
        reader.read(body)
    assert reader.read(ppg(0).to_bytes()).gap == 0


@pytest.mark.parametrize(
    ("stream", "body", "what"),
    [
        (Stream.PPG, ppg(12, configuration=2).to_bytes(), "configuration is 2, in force is 1"),
        (Stream.PPG, ppg(12, channels=3).to_bytes(), "channels is 3, in force is 2"),
        (Stream.ACCELEROMETER, acc(12, configuration=0).to_bytes(), "configuration is 0, in force is 1"),
        (Stream.ACCELEROMETER, acc(12, range_g=4).to_bytes(), "range_g is 4, in force is 8"),
    ],
)
def test_a_block_of_other_settings_is_refused_and_is_a_gap(stream: Stream, body: bytes, what: str) -> None:
    reader = BlockReader(stream, CONFIGURATION)
    make = ppg if stream is Stream.PPG else acc
    reader.read(make(0, 12).to_bytes())
    with pytest.raises(MessageError, match=what):
        reader.read(body)
    assert reader.read(make(24).to_bytes()).gap == 12


# When samples were taken


def watched(
    true_rate_hz: float, seconds: float, *, seed: int = 0, lose: float = 0.0, late_us: int = 2000
) -> list[SampleBlock]:
    """Blocks of a sensor with this rate, read whenever 12 samples are there, up to `late_us` late."""
    dice = random.Random(seed)
    reader = BlockReader(Stream.PPG, CONFIGURATION)
    blocks: list[SampleBlock] = []
    for first in range(0, int(seconds * true_rate_hz), 12):
        taken_us = 1_000_000 + (first + 11) * 1e6 / true_rate_hz
        read_us = int(taken_us + dice.uniform(0, late_us))
        if dice.random() >= lose:
            blocks.append(reader.read(ppg(first, ticks_us=read_us % WRAP, epoch=read_us // WRAP).to_bytes()))
    return blocks


@pytest.mark.parametrize("error", [-0.03, -0.001, 0.0, 0.004, 0.03])
@pytest.mark.parametrize("lose", [0.0, 0.3])
def test_a_sensor_off_by_up_to_three_percent_is_found(error: float, lose: float) -> None:
    true_rate_hz = 100 * (1 + error)
    clock = fit_sample_clock(watched(true_rate_hz, 120, lose=lose))
    assert clock.rate_measured
    assert clock.rate_hz == pytest.approx(true_rate_hz, rel=1e-5)
    for sample in (0, 6000, 11000):
        assert clock.time_us(sample) == pytest.approx(1_000_000 + sample * 1e6 / true_rate_hz, abs=1000)


def test_every_sample_of_a_block_has_its_time() -> None:
    blocks = watched(98.0, 60, late_us=0)
    clock = fit_sample_clock(blocks)
    times_us = np.concatenate([clock.times_us(block) for block in blocks])
    truth_us = 1_000_000 + np.arange(len(times_us)) * 1e6 / 98.0
    np.testing.assert_allclose(times_us, truth_us, atol=1.5)
    assert clock.times_us(blocks[3])[0] == pytest.approx(clock.time_us(36))


def test_no_sample_is_later_than_its_reading() -> None:
    blocks = watched(99.0, 60, seed=4)
    clock = fit_sample_clock(blocks)
    ends = [(clock.time_us(block.first_sample + len(block.samples) - 1), block.ticks_us) for block in blocks]
    assert all(newest_us <= read_us + 0.01 for newest_us, read_us in ends)


def test_a_stream_across_an_epoch_has_one_clock() -> None:
    # 25 minutes: the ticks wrap after 18.
    clock = fit_sample_clock(watched(101.5, 1500))
    assert clock.rate_hz == pytest.approx(101.5, rel=1e-6)


def test_too_short_a_stream_has_the_nominal_rate() -> None:
    clock = fit_sample_clock(watched(103.0, 4))
    assert (clock.rate_hz, clock.rate_measured) == (100.0, False)


def test_several_blocks_of_one_reading_count_once() -> None:
    single = watched(97.0, 60, late_us=0)
    # Read three at a time: all carry the ticks of the reading.
    together = [
        dataclasses.replace(block, ticks_us=single[min(3 * (number // 3) + 2, len(single) - 1)].ticks_us)
        for number, block in enumerate(single)
    ]
    assert fit_sample_clock(together).rate_hz == pytest.approx(97.0, rel=1e-5)


def test_no_blocks_have_no_clock() -> None:
    with pytest.raises(ValueError, match="no blocks"):
        fit_sample_clock([])
