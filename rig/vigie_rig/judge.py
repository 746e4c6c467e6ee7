"""What came out, held against what went in: received blocks against the ledgers of the sensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie.samples import SampleBlock
from vigie_rig.sensors import Ledger, Run
from vigie_signal import HeartRateTrack

_SEARCH: Final = 64
"""How far an inferred gap may be off, in samples, before what follows counts as wrong."""


@dataclasses.dataclass(frozen=True, slots=True)
class StreamVerdict:
    """One stream of one session against its ledger."""

    expected: int
    """Samples that the sensor made, up to the last one that it handed out or lost."""
    received: int
    lost: int
    """Of the expected ones, those that did not arrive."""
    wrong: int
    """Received ones that are not what the sensor handed out, or that came before."""
    announced: int
    """Samples that the numbering says are missing."""
    misnumbered: int
    """By how many samples announced gaps differ from the true ones, over all gaps."""
    unannounced: int = 0
    """Lost ones before the last that arrived that no number tells of, beyond what a full counter cannot tell exactly:
    one sample, and a hundredth of the gap, for each gap that the sensor's overflow made."""

    def __add__(self, other: StreamVerdict) -> StreamVerdict:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return StreamVerdict(*(mine + theirs for mine, theirs in pairs))


NOTHING: Final = StreamVerdict(0, 0, 0, 0, 0, 0)


def runs_read(ledger: Ledger) -> list[Run]:
    """The runs of which the firmware read anything: one for each time that the stream was started."""
    return [run for run in ledger.runs if run.handed_out.any()]


def judge_stream(runs: Sequence[Run], blocks: Sequence[SampleBlock]) -> StreamVerdict:
    """Compare the blocks of one session with what the sensor made, bit by bit.

    Parameters
    ----------
    runs
        Those of the session, in order: one, or more where the sensor fell silent and began anew.
    blocks
        All blocks of one stream of that session, as received.
    """
    received = sum(len(block.samples) for block in blocks)
    if not runs:
        return StreamVerdict(0, received, 0, received, 0, 0)
    truth = np.concatenate([run.values for run in runs])
    gone = np.flatnonzero(np.concatenate([run.handed_out | run.lost for run in runs]))
    expected = int(gone[-1]) + 1 if len(gone) else 0
    arrived = np.zeros(len(truth), bool)
    altered = repeated = announced = misnumbered = shift = 0
    tolerated = 0.0
    for block in blocks:
        samples = block.samples.astype(np.int32)
        announced += block.gap
        if block.overflow:
            tolerated += 1 + block.overflow / 100
        at = block.first_sample
        found = shift if _matches(truth, samples, at + shift) else _find(truth, samples, at, shift)
        if found is None:
            begin, same = _same(truth, samples, at + shift)
            altered += len(samples) - int(np.count_nonzero(same))
            arrived[begin : begin + len(same)] |= same
            continue
        misnumbered += abs(found - shift)
        shift = found
        there = arrived[at + shift : at + shift + len(samples)]
        repeated += int(np.count_nonzero(there))
        there[:] = True
    intact = int(np.count_nonzero(arrived))
    # What arrived altered is wrong, not lost.
    lost = max(0, expected - intact - altered)
    inside = (int(np.flatnonzero(arrived)[-1]) + 1 if intact else 0) - intact - altered
    unannounced = max(0, inside - announced - int(tolerated))
    return StreamVerdict(expected, received, lost, altered + repeated, announced, misnumbered, unannounced)


def _matches(truth: NDArray[np.int32], samples: NDArray[Any], at: int) -> bool:
    return (
        at >= 0 and at + len(samples) <= len(truth) and bool((truth[at : at + len(samples)] == samples).all())
    )


def _find(truth: NDArray[np.int32], samples: NDArray[Any], at: int, shift: int) -> int | None:
    """A shift near the last one by which the samples stand in the truth."""
    for far in range(1, _SEARCH):
        for candidate in (shift + far, shift - far):
            if _matches(truth, samples, at + candidate):
                return candidate
    return None


def _same(truth: NDArray[np.int32], samples: NDArray[Any], at: int) -> tuple[int, NDArray[np.bool_]]:
    """Where in the truth the samples begin that could be there, and which of those are the truth's."""
    begin = max(0, at)
    there = truth[begin : at + len(samples)] if at + len(samples) > 0 else truth[:0]
    return begin, (there == samples[begin - at : begin - at + len(there)]).all(axis=1)


@dataclasses.dataclass(frozen=True, slots=True)
class HeartRateVerdict:
    """An estimate against the reference."""

    mae_bpm: float | None
    """Mean absolute error over the windows that were answered; None if none was."""
    coverage: float
    """Share of the reference's windows that were answered."""


def judge_heart_rate(
    track: HeartRateTrack, reference_time_s: NDArray[np.float64], reference_bpm: NDArray[np.float64]
) -> HeartRateVerdict:
    """Compare an estimate with the reference; a window is answered by an estimate within a second of its centre."""
    if not len(track.time_s) or not len(reference_time_s):
        return HeartRateVerdict(None, 0.0)
    right = np.clip(np.searchsorted(track.time_s, reference_time_s), 1, len(track.time_s) - 1)
    nearest = np.where(
        np.abs(track.time_s[right] - reference_time_s) < np.abs(track.time_s[right - 1] - reference_time_s),
        right,
        right - 1,
    )
    error = np.abs(track.bpm[nearest] - reference_bpm)
    answered = np.isfinite(error) & (np.abs(track.time_s[nearest] - reference_time_s) <= 1.001)
    if not answered.any():
        return HeartRateVerdict(None, 0.0)
    return HeartRateVerdict(float(error[answered].mean()), float(answered.mean()))
