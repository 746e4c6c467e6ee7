"""Minutes: what a bracelet delivers, and what a recording is brought to before its days are measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vigie_signal.beats import Beats
from vigie_signal.heart_rate import HeartRateTrack
from vigie_signal.steps import Steps
from vigie_signal.variability import heart_rate_variability
from vigie_signal.wear import Wear

Float64 = npt.NDArray[np.float64]

MINUTE_S = 60.0
_SURE = 0.8
_BLOCK_MINUTES = 5
_LEAST_COVERAGE = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """Measurements by the minute, in order of time; minutes may be missing.

    Attributes
    ----------
    time_s : float64 [minutes]
        Start of each minute, in seconds on any clock without jumps.
    bpm : float64 [minutes]
        Heart rate in beats per minute, NaN where unknown.
    quality : float64 [minutes]
        How far ``bpm`` can be trusted, 0 to 1: the share of the minute in which it was sure.
    steps : float64 [minutes]
        Steps taken, NaN where unknown.
    worn : bool [minutes]
        Whether the bracelet was on the wrist.
    rmssd_ms : float64 [minutes]
        Heart-rate variability around the minute, NaN where unknown.

    Raises
    ------
    ValueError
        If shapes differ or time does not grow.
    """

    time_s: Float64
    bpm: Float64
    quality: Float64
    steps: Float64
    worn: npt.NDArray[np.bool_]
    rmssd_ms: Float64

    def __post_init__(self) -> None:
        shapes = {name: getattr(self, name).shape for name in self.__slots__}
        if len(set(shapes.values())) != 1 or self.time_s.ndim != 1:
            raise ValueError(f"columns have shapes {shapes}: pass each as [minutes]")
        if not np.all(np.diff(self.time_s) > 0):
            raise ValueError("time_s does not grow: pass each minute once, in order")


def per_minute(
    track: HeartRateTrack,
    steps: Steps,
    wear: Sequence[Wear],
    beats: Beats | None = None,
    *,
    start_s: float = 0.0,
) -> Minutes:
    """Bring the results of a recording to minutes.

    The rate of a minute is the median of its windows with a confidence of 0.8 and more, its quality their share. The
    variability is that of five minutes around it in which at least 80 % of the intervals can be trusted.

    Parameters
    ----------
    track : HeartRateTrack
        Result of `track_heart_rate` on a recording.
    steps : Steps
        Result of `count_steps` on it.
    wear : sequence of Wear
        Result of `worn` on it.
    beats : Beats, optional
        Result of `find_beats` on it; without, there is no variability.
    start_s : float
        Time of the first sample on the clock of the days.

    Returns
    -------
    Minutes
    """
    lengths_s = [steps.time_s[-1] + 1 if steps.time_s.size else 0.0, wear[-1].stop_s if wear else 0.0]
    count = int(max(lengths_s) / MINUTE_S)
    begin_s = MINUTE_S * np.arange(count, dtype=np.float64)
    bpm, quality = np.full(count, np.nan), np.zeros(count)
    sure = np.isfinite(track.bpm) & (track.confidence >= _SURE)
    for minute, windows in enumerate(_within(track.time_s, begin_s)):
        if sure[windows].any():
            bpm[minute] = np.median(track.bpm[windows][sure[windows]])
            quality[minute] = sure[windows].mean()
    taken = np.array([steps.cadence[seconds].sum() / MINUTE_S for seconds in _within(steps.time_s, begin_s)])
    on_s = sum(
        (
            np.clip(np.minimum(begin_s + MINUTE_S, span.stop_s) - np.maximum(begin_s, span.start_s), 0, None)
            for span in wear
            if span.on_wrist
        ),
        start=np.zeros(count),
    )
    return Minutes(
        time_s=start_s + begin_s,
        bpm=bpm,
        quality=quality,
        steps=taken.reshape(count),
        worn=np.asarray(on_s >= MINUTE_S / 2),
        rmssd_ms=_variability(beats, count),
    )


def _within(time_s: Float64, begin_s: Float64) -> list[slice]:
    """For each minute, where the times within it are."""
    edges = np.searchsorted(time_s, np.append(begin_s, begin_s[-1:] + MINUTE_S)).tolist()
    return [slice(a, b) for a, b in pairwise(edges)]


def _variability(beats: Beats | None, count: int) -> Float64:
    rmssd_ms = np.full(count, np.nan)
    if beats is None:
        return rmssd_ms
    for first in range(0, count, _BLOCK_MINUTES):
        a, b = np.searchsorted(beats.time_s, [first * MINUTE_S, (first + _BLOCK_MINUTES) * MINUTE_S]).tolist()
        found = heart_rate_variability(Beats(beats.time_s[a:b], beats.quality[a:b]))
        if found.coverage >= _LEAST_COVERAGE:
            rmssd_ms[first : first + _BLOCK_MINUTES] = found.rmssd_ms
    return rmssd_ms
