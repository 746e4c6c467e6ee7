"""From a recording to what is known of each of its minutes, and to the events in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from vigie_signal import (
    Activity,
    Beats,
    BreathingRate,
    Fall,
    HeartRateTrack,
    Intensity,
    activity,
    breathing_rate,
    count_steps,
    detect_falls,
    find_beats,
    heart_rate_variability,
    track_heart_rate,
    worn,
)

from ._rest import RestSpans
from .errors import BadRecordingError
from .recording import Recording

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

BLOCK_MIN: Final = 120
"""Minutes that are analysed at once; longer recordings go block by block, so that memory does not grow."""

MARGIN_MIN: Final = 10
"""Minutes before and after a block that are looked at with it."""

SURE: Final = 0.9
"""Least confidence of the heart rates that make the rate of a minute."""

STILL_MG: Final = 13.0
"""Most mean absolute deviation of the acceleration in a minute at rest."""

LAG_S: Final = 6.0
"""How far beyond its window a heart rate looks."""

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: ``fall``, ``rest`` (half an hour and more) or ``off_wrist``.

    ``score`` and ``still_after_s`` are those of a fall (see `vigie_signal.Fall`), which has no ``stop_s``.
    """

    kind: str
    start_s: float
    stop_s: float | None = None
    score: float | None = None
    still_after_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is known of a recording.

    Attributes
    ----------
    minutes
        One array a column, one value a minute; NaN where nothing is known. The columns are described in
        `vigie_analysis.tables.MINUTES`.
    intensity
        Of each minute, None where unknown.
    events
        In the order of their start.
    """

    minutes: dict[str, Float64]
    intensity: list[str | None]
    events: list[Event]


def analyze_recording(recording: Recording) -> Features:
    """Compute the features of a recording.

    Up to `BLOCK_MIN` + `MARGIN_MIN` minutes are analysed at once, so that the values are those of the functions
    of `vigie_signal` on the whole recording. Longer ones are analysed in blocks of `BLOCK_MIN` minutes, each with
    `MARGIN_MIN` minutes of what surrounds it.

    Raises
    ------
    BadRecordingError
        No signal holds a single number, or a part of the file is damaged.
    """
    total = int(np.ceil(recording.duration_s / _MINUTE_S - 1e-9))
    rest = RestSpans()
    columns: dict[str, list[Float64]] = {}
    intensity: list[str | None] = []
    events: list[Event] = []
    wear: list[tuple[float, float, bool]] = []
    for start, stop in _blocks(total):
        block = _Block(recording, start, stop)
        for name, values in block.columns().items():
            columns.setdefault(name, []).append(values)
        intensity += block.intensity()
        events += [
            Event("fall", fall.time_s, score=round(fall.score, 3), still_after_s=round(fall.still_after_s, 2))
            for fall in block.falls
        ]
        wear += block.wear
        rest.add(recording, start, stop)
    minutes = {name: np.concatenate(parts) for name, parts in columns.items()}
    if not (minutes["ppg_present"].any() or minutes["acc_present"].any()):
        raise BadRecordingError(
            "holds no numbers, only missing samples", path=recording.path, remedy="check how it was recorded"
        )
    resting = rest.spans()
    edges_s = np.append(minutes["start_s"], recording.duration_s)
    minutes["rest_share"] = _shares(resting, edges_s) if recording.acc is not None else np.full(total, np.nan)
    events += [Event("rest", a, b) for a, b in resting]
    events += [Event("off_wrist", round(a, 3), round(b, 3)) for a, b, on in _joined(wear) if not on]
    return Features(minutes, intensity, sorted(events, key=lambda event: (event.start_s, event.kind)))


def _blocks(total: int) -> Iterator[tuple[int, int]]:
    """First and last minute of each block; a short tail goes with the block before it."""
    start = 0
    while start < total:
        stop = start + BLOCK_MIN if total - start > BLOCK_MIN + MARGIN_MIN else total
        yield start, stop
        start = stop


class _Block:
    """The features of the minutes ``start`` to ``stop`` of a recording."""

    def __init__(self, recording: Recording, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self._edges_s = np.minimum(
            np.arange(start, stop + 1, dtype=np.float64) * _MINUTE_S, recording.duration_s
        )
        self._origin_s = max(start - MARGIN_MIN, 0) * _MINUTE_S
        end_s = min((stop + MARGIN_MIN) * _MINUTE_S, recording.duration_s)
        ppg, acc = recording.ppg, recording.acc
        self._ppg = None if ppg is None else ppg.between(self._origin_s, end_s)
        self._acc = None if acc is None else acc.between(self._origin_s, end_s)
        self._ppg_hz = 0.0 if ppg is None else ppg.rate_hz
        self._acc_hz = None if acc is None else acc.rate_hz
        self._moved = (
            None if self._acc is None or self._acc_hz is None else activity(self._acc, rate_hz=self._acc_hz)
        )
        self.falls = self._falls()
        self.wear = self._wear()

    def columns(self) -> dict[str, Float64]:
        """Values of every minute of the block."""
        steps = self._steps()
        mad_mg = self._of_activity("mad_mg", 2)
        # without an accelerometer nobody knows; such recordings are made at rest
        at_rest = np.ones(mad_mg.size, np.bool_) if self._acc is None else (mad_mg < STILL_MG) & (steps == 0)
        fallen_s = np.array([fall.time_s for fall in self.falls])
        columns = {
            "start_s": self._edges_s[:-1],
            "duration_s": np.diff(self._edges_s),
            "ppg_present": self._present(self._ppg, self._ppg_hz),
            "acc_present": self._present(self._acc, self._acc_hz or 0.0),
            "worn_share": _shares([(a, b) for a, b, on in self.wear if on], self._edges_s)
            if self.wear
            else np.full(mad_mg.size, np.nan),
            "steps": steps,
            "falls": np.diff(np.searchsorted(fallen_s, self._edges_s)).astype(np.float64)
            if self._acc is not None
            else np.full(mad_mg.size, np.nan),
            "enmo_mg": self._of_activity("enmo_mg", 2),
            "mad_mg": mad_mg,
            "at_rest": at_rest.astype(np.float64),
        }
        gravity = None if self._moved is None else self._moved.gravity
        for axis, name in enumerate(("gravity_x", "gravity_y", "gravity_z")):
            columns[name] = np.round(self._inside(None if gravity is None else gravity[axis]), 3)
        return columns | self._heart_rate() | self._at_rest(at_rest)

    def intensity(self) -> list[str | None]:
        """The intensity of every minute."""
        values = self._inside(None if self._moved is None else self._moved.intensity.astype(np.float64))
        known = np.where(np.isnan(values), int(Intensity.UNKNOWN), values).astype(int).tolist()
        return [None if value == Intensity.UNKNOWN else Intensity(value).name.lower() for value in known]

    def _inside(self, values: Float64 | None) -> Float64:
        """The minutes of the block out of those of the span that was looked at."""
        first = self.start - int(self._origin_s // _MINUTE_S)
        count = self.stop - self.start
        if values is None:
            return np.full(count, np.nan)
        part = values[first : first + count]
        return np.pad(part, (0, count - part.size), constant_values=np.nan)

    def _of_activity(self, name: str, digits: int) -> Float64:
        moved: Activity | None = self._moved
        return np.round(self._inside(None if moved is None else getattr(moved, name)), digits)

    def _present(self, samples: npt.NDArray[np.float32] | None, rate_hz: float) -> Float64:
        """Share of each minute for which any channel, or all axes, have numbers."""
        if samples is None:
            return np.zeros(self.stop - self.start)
        finite = np.isfinite(samples)
        there = (
            np.logical_and.reduce(finite, axis=0)
            if samples is self._acc
            else np.logical_or.reduce(finite, axis=0)
        )
        at = np.round((self._edges_s - self._origin_s) * rate_hz).astype(int).tolist()
        return np.round([float(there[a:b].mean()) if b > a else 0.0 for a, b in pairwise(at)], 3)

    def _falls(self) -> list[Fall]:
        if self._acc is None or self._acc_hz is None:
            return []
        found = detect_falls(self._acc, rate_hz=self._acc_hz)
        moved = [Fall(round(f.time_s + self._origin_s, 2), f.score, f.still_after_s) for f in found]
        return [fall for fall in moved if self._edges_s[0] <= fall.time_s < self._end_s]

    @property
    def _end_s(self) -> float:
        return float(self._edges_s[-1])

    def _wear(self) -> list[tuple[float, float, bool]]:
        if self._ppg is None or self._acc is None or self._acc_hz is None:
            return []
        spans = worn(self._ppg, self._acc, ppg_rate_hz=self._ppg_hz, acc_rate_hz=self._acc_hz)
        begin_s = float(self._edges_s[0])
        cut = [
            (
                max(span.start_s + self._origin_s, begin_s),
                min(span.stop_s + self._origin_s, self._end_s),
                span.on_wrist,
            )
            for span in spans
        ]
        return [(a, b, on) for a, b, on in cut if b > a]

    def _steps(self) -> Float64:
        if self._acc is None or self._acc_hz is None:
            return np.full(self.stop - self.start, np.nan)
        steps = count_steps(self._acc, rate_hz=self._acc_hz)
        each = [float(steps.cadence[inside].sum()) / 60 for inside in self._by_minute(steps.time_s)]
        return np.asarray(np.round(each, 2), dtype=np.float64)

    def _heart_rate(self) -> dict[str, Float64]:
        names = ("heart_rate_bpm", "heart_rate_lowest_bpm", "heart_rate_highest_bpm")
        shares = ("heart_rate_coverage", "heart_rate_confidence")
        out = {name: np.full(self.stop - self.start, np.nan) for name in names + shares}
        if self._ppg is None:
            return out
        track: HeartRateTrack = track_heart_rate(
            self._ppg, self._acc, ppg_rate_hz=self._ppg_hz, acc_rate_hz=self._acc_hz, lag_s=LAG_S
        )
        for k, inside in enumerate(self._by_minute(track.time_s)):
            bpm, confidence = track.bpm[inside], track.confidence[inside]
            sure = confidence >= SURE
            if bpm.size:
                out["heart_rate_coverage"][k] = round(float(sure.mean()), 3)
                out["heart_rate_confidence"][k] = round(float(confidence.mean()), 3)
            if sure.any():
                found = (bpm[sure].mean(), bpm[sure].min(), bpm[sure].max())
                for name, value in zip(names, found, strict=True):
                    out[name][k] = round(float(value), 2)
        return out

    def _by_minute(self, time_s: Float64) -> list[slice]:
        """For each minute, which of the times (ascending, from the start of the span) lie in it."""
        at = np.searchsorted(time_s + self._origin_s, self._edges_s).tolist()
        return [slice(a, b) for a, b in pairwise(at)]

    def _at_rest(self, at_rest: Bool) -> dict[str, Float64]:
        """Beats, variability and breathing, of the minutes at rest alone."""
        names = (
            "beats",
            "rmssd_ms",
            "mean_nn_ms",
            "hrv_coverage",
            "breaths_per_minute",
            "breathing_confidence",
        )
        out = {name: np.full(at_rest.size, np.nan) for name in names}
        if self._ppg is None or not at_rest.any() or not np.isfinite(self._ppg).any():
            return out
        beats: Beats = find_beats(self._ppg, self._acc, rate_hz=self._ppg_hz, acc_rate_hz=self._acc_hz)
        breathing: BreathingRate = breathing_rate(self._ppg, rate_hz=self._ppg_hz)
        by_minute = zip(
            at_rest, self._by_minute(beats.time_s), self._by_minute(breathing.time_s), strict=True
        )
        for k, (resting, of_beats, of_breathing) in enumerate(by_minute):
            if not resting:
                continue
            those = Beats(beats.time_s[of_beats], beats.quality[of_beats])
            hrv = heart_rate_variability(those)
            confidence = breathing.confidence[of_breathing]
            known = confidence > 0
            rates, weights = breathing.per_minute[of_breathing][known], confidence[known]
            values = (
                those.time_s.size,
                hrv.rmssd_ms,
                hrv.mean_nn_ms,
                hrv.coverage,
                np.average(rates, weights=weights) if rates.size else np.nan,
                confidence.mean() if confidence.size else np.nan,
            )
            for name, value in zip(names, values, strict=True):
                out[name][k] = round(float(value), 3 if name.endswith(("coverage", "confidence")) else 2)
        return out


def _shares(spans: list[tuple[float, float]], edges_s: Float64) -> Float64:
    """Share of the time between each edge and the next that the spans cover."""
    covered_s = np.zeros(edges_s.size - 1)
    for start_s, stop_s in spans:
        covered_s += np.maximum(np.minimum(stop_s, edges_s[1:]) - np.maximum(start_s, edges_s[:-1]), 0)
    return np.round(covered_s / np.maximum(np.diff(edges_s), 1e-9), 3)


def _joined(spans: list[tuple[float, float, bool]]) -> list[tuple[float, float, bool]]:
    """Spans without the seams between blocks."""
    out: list[tuple[float, float, bool]] = []
    for start_s, stop_s, state in spans:
        if out and out[-1][2] == state:
            out[-1] = (out[-1][0], stop_s, state)
        else:
            out.append((start_s, stop_s, state))
    return out
