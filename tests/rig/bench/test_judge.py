"""The judge counts exactly what was done to the blocks, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_rig.judge import NOTHING, StreamVerdict, judge_heart_rate, judge_stream, runs_read
from vigie_rig.sensors import Ledger
from vigie_signal import HeartRateTrack


@dataclasses.dataclass
class Played:
    """A ledger's truth, and the blocks in which it was received whole."""

    ledger: Ledger
    truth: NDArray[np.int32]
    blocks: list[SampleBlock]

    @property
    def verdict(self) -> StreamVerdict:
        return judge_stream(runs_read(self.ledger), self.blocks)

    @property
    def size(self) -> int:
        return len(self.truth)


def _ledger(truth: NDArray[np.int32], run_lengths: list[int]) -> Ledger:
    ledger = Ledger()
    for length, values in zip(run_lengths, np.split(truth, np.cumsum(run_lengths)[:-1]), strict=True):
        run = ledger.open_run(ledger.produced * 1e4, 100.0, truth.shape[1])
        run.add_chunk(np.arange(length, dtype=np.float64) * 1e4, values)
        ledger.grow(length)
        ledger.mark_handed_out(np.arange(run.first, run.first + length))
    ledger.end_run()
    return ledger


def _block(first: int, samples: NDArray[np.int32], gap: int) -> SampleBlock:
    return SampleBlock(
        stream=Stream.PPG, first_sample=first, ticks_us=0, samples=samples, gap=gap, overflow=0, inferred=False,
        rate_hz=100.0, scale=1.0, channels=("green", "infrared"), configuration=1,
    )  # fmt: skip


def _renumbered(blocks: list[SampleBlock]) -> list[SampleBlock]:
    """The same blocks, each with the gap to the one before that its number tells."""
    expected, out = 0, list[SampleBlock]()
    for block in blocks:
        gap = max(0, block.first_sample - expected)
        out.append(dataclasses.replace(block, gap=gap))
        expected = block.first_sample + len(block.samples)
    return out


@st.composite
def playings(draw: st.DrawFn, least_blocks: int = 1) -> Played:
    lengths = draw(st.lists(st.integers(1, 40), min_size=least_blocks, max_size=12))
    count = sum(lengths)
    seed = draw(st.integers(0, 2**32 - 1))
    truth = np.random.default_rng(seed).integers(0, 1 << 18, (count, 2)).astype(np.int32)
    cut = draw(st.integers(0, count))
    ledger = _ledger(truth, [length for length in (cut, count - cut) if length])
    ends = np.cumsum(lengths)
    blocks = [
        _block(int(end - length), truth[end - length : end].copy(), 0)
        for length, end in zip(lengths, ends, strict=True)
    ]
    return Played(ledger, truth, blocks)


@given(played=playings())
def test_all_that_was_made_and_nothing_else(played: Played) -> None:
    assert played.verdict == StreamVerdict(played.size, played.size, 0, 0, 0, 0)


@given(played=playings(), data=st.data())
def test_blocks_that_went_missing_are_lost(played: Played, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(played.blocks), max_size=len(played.blocks)))
    blocks = [block for block, stays in zip(played.blocks, kept, strict=True) if stays]
    gone = played.size - sum(len(block.samples) for block in blocks)
    # What is missing at the end no later number tells.
    tail = played.size - (blocks[-1].first_sample + len(blocks[-1].samples) if blocks else 0)
    played.blocks = _renumbered(blocks)
    assert played.verdict == StreamVerdict(played.size, played.size - gone, gone, 0, gone - tail, 0)


@given(played=playings(), data=st.data())
def test_altered_samples_are_wrong_one_by_one(played: Played, data: st.DataObject) -> None:
    altered = data.draw(st.sets(st.integers(0, played.size - 1), max_size=20))
    for block in played.blocks:
        for row in range(len(block.samples)):
            if block.first_sample + row in altered:
                block.samples[row, data.draw(st.integers(0, 1))] ^= 1 << data.draw(st.integers(0, 17))
    assert played.verdict == StreamVerdict(played.size, played.size, 0, len(altered), 0, 0)


@given(played=playings(least_blocks=2), off=st.integers(-60, 60), data=st.data())
def test_blocks_numbered_off_are_misnumbered_by_that_much(
    played: Played, off: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(played.blocks) - 1))
    played.blocks[at:] = [
        dataclasses.replace(block, first_sample=block.first_sample + off) for block in played.blocks[at:]
    ]
    verdict = played.verdict
    assert verdict.misnumbered == abs(off)
    assert (verdict.lost, verdict.wrong, verdict.received) == (0, 0, played.size)


@given(played=playings(least_blocks=3), off=st.integers(-20, 20), data=st.data())
def test_a_gap_announced_with_another_size(played: Played, off: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(played.blocks) - 2))
    gap = len(played.blocks[at].samples)
    off = max(off, -gap)
    del played.blocks[at]
    played.blocks[at:] = [
        dataclasses.replace(block, first_sample=block.first_sample + off) for block in played.blocks[at:]
    ]
    played.blocks[at] = dataclasses.replace(played.blocks[at], gap=gap + off)
    assert played.verdict == StreamVerdict(
        played.size, played.size - gap, gap, 0, gap + off, abs(off), max(0, -off)
    )


@given(played=playings(), data=st.data())
def test_a_block_that_comes_twice_is_wrong_the_second_time(played: Played, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(played.blocks) - 1))
    played.blocks.insert(at, played.blocks[at])
    again = len(played.blocks[at].samples)
    assert played.verdict == StreamVerdict(played.size, played.size + again, 0, again, 0, 0)


@given(played=playings(), seed=st.integers(0, 1000), count=st.integers(1, 40))
def test_samples_out_of_nowhere_are_wrong(played: Played, seed: int, count: int) -> None:
    made_up = -1 - np.random.default_rng(seed).integers(0, 1000, (count, 2)).astype(np.int32)
    played.blocks.append(_block(played.size, made_up, 0))
    assert played.verdict == StreamVerdict(played.size, played.size + count, 0, count, 0, 0)


@given(played=playings())
def test_samples_of_a_sensor_that_made_none_are_wrong(played: Played) -> None:
    assert judge_stream([], played.blocks) == StreamVerdict(0, played.size, 0, played.size, 0, 0)
    assert judge_stream([], []) == NOTHING


@given(played=playings(), lost=st.integers(1, 100))
def test_samples_lost_in_the_sensor_are_expected_and_lost(played: Played, lost: int) -> None:
    run = played.ledger.open_run(1e9, 100.0, 2)
    run.add_chunk(np.arange(lost + 1, dtype=np.float64) * 1e4, np.full((lost + 1, 2), 1 << 20, np.int32))
    played.ledger.grow(lost + 1)
    played.ledger.mark_lost(np.arange(run.first, run.first + lost))
    played.ledger.mark_handed_out(np.array([run.first + lost]))
    played.blocks.append(_block(played.size + lost, np.full((1, 2), 1 << 20, np.int32), lost))
    size = played.size + lost + 1
    # Equal values stand in the truth where these were lost: by its number the last one is the last one.
    assert played.verdict == StreamVerdict(size, played.size + 1, lost, 0, lost, 0)


def test_a_run_of_which_nothing_was_read_is_of_no_session() -> None:
    ledger = _ledger(np.zeros((5, 2), np.int32), [5])
    ledger.open_run(1e6, 100.0, 2).add_chunk(np.zeros(3), np.zeros((3, 2), np.int32))
    ledger.grow(3)
    assert [len(run) for run in runs_read(ledger)] == [5]


def _track(time_s: list[float], bpm: list[float]) -> HeartRateTrack:
    return HeartRateTrack(np.array(time_s), np.array(bpm), np.ones(len(time_s)))


@given(
    errors=st.lists(st.floats(-80, 80) | st.just(float("nan")), min_size=1, max_size=50),
    early_s=st.floats(-1, 1),
)
def test_heart_rate_error_is_the_mean_over_the_windows_that_were_answered(
    errors: list[float], early_s: float
) -> None:
    reference_s = np.arange(len(errors), dtype=np.float64) * 2.5
    track = HeartRateTrack(reference_s - early_s, 100 + np.array(errors), np.ones(len(errors)))
    verdict = judge_heart_rate(track, reference_s, np.full(len(errors), 100.0))
    answered = [abs(error) for error in errors if error == error]
    assert verdict.coverage == pytest.approx(len(answered) / len(errors))
    if answered:
        assert verdict.mae_bpm == pytest.approx(np.mean(answered))
    else:
        assert verdict.mae_bpm is None


def test_an_estimate_more_than_a_second_away_answers_nothing() -> None:
    verdict = judge_heart_rate(_track([1.0, 9.0], [60, 60]), np.array([5.0]), np.array([60.0]))
    assert (verdict.mae_bpm, verdict.coverage) == (None, 0.0)


@pytest.mark.parametrize(
    ("track", "reference_s"), [(_track([], []), [4.0, 6.0]), (_track([4.0, 6.0], [60, 60]), [])]
)
def test_without_estimates_or_reference_there_is_no_error(
    track: HeartRateTrack, reference_s: list[float]
) -> None:
    verdict = judge_heart_rate(track, np.array(reference_s), np.full(len(reference_s), 60.0))
    assert (verdict.mae_bpm, verdict.coverage) == (None, 0.0)


def test_one_estimate_answers_its_window() -> None:
    verdict = judge_heart_rate(_track([4.5], [63]), np.array([4.0, 20.0]), np.array([60.0, 60.0]))
    assert (verdict.mae_bpm, verdict.coverage) == (3.0, 0.5)
