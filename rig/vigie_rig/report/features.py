"""What the received samples say about their wearer, by ``vigie_signal``: steps, falls, activity, rest, wear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie_rig.report.recording import Span
from vigie_rig.results import Measurement
from vigie_signal import (
    Activity,
    Beats,
    BreathingRate,
    Fall,
    HeartRateVariability,
    Intensity,
    Steps,
    Wear,
    activity,
    breathing_rate,
    count_steps,
    detect_falls,
    find_beats,
    heart_rate_variability,
    track_heart_rate,
    worn,
)

__all__ = ["FEATURE_MEASUREMENTS", "Features", "extract_features"]

FEATURE_MEASUREMENTS: Final = ("steps", "falls", "rmssd_ms", "breathing_per_minute", "worn_s")
"""Names of what :meth:`Features.measurements` gives."""

_LEAST_S: Final = 8.0
"""Shorter recordings say nothing: the heart rate and the steps are read from windows of 5 to 8 s."""
_LEAST_WORN_S: Final = 30.0
"""From how long a recording on wear, and so rest, are told."""
_LONGEST_S: Final = 25 * 3600.0
_RATES_HZ: Final = (10.0, 2000.0)
_STILL_G: Final = 0.02
"""Deviation of each axis within a second at rest; the noise of the sensor is a fifth of it."""
_PULSE: Final = 0.5
"""Confidence of the heart rate at rest; without a pulse it is far lower."""
_LOOK_AHEAD_S: Final = 30.0
_SHORTEST_REST_S: Final = 30
_BREATHING_WINDOW_S: Final = 48
_BREATHING_AT_REST: Final = 0.9
_BREATHING_CLEAR: Final = 0.5

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Features:
    """What the samples say; None where a stream is missing or too short. Times in seconds of the trace.

    Attributes:
        duration_s: up to the last sample.
        steps: steps and cadence by the second.
        falls: in order of time.
        activity: ENMO and intensity by the minute.
        wear: spans on and off the wrist.
        rest: spans of half a minute and more with a pulse, in which the wrist is still.
        variability: of the beats at rest.
        breathing: windows at rest alone, where it is clear.
    """

    duration_s: float
    steps: Steps | None = None
    falls: tuple[Fall, ...] | None = None
    activity: Activity | None = None
    wear: tuple[Wear, ...] | None = None
    rest: tuple[Span, ...] = ()
    variability: HeartRateVariability | None = None
    breathing: BreathingRate | None = None

    @property
    def walking(self) -> tuple[Span, ...]:
        """Spans of walking or running."""
        return () if self.steps is None else _spans(self.steps.cadence > 0, "steps")

    @property
    def cadence(self) -> float | None:
        """Median steps per minute while walking."""
        return None if self.steps is None else _median(self.steps.cadence[self.steps.cadence > 0])

    @property
    def enmo_mg(self) -> float | None:
        """Mean ENMO over the known minutes, in milli-g."""
        known = np.empty(0) if self.activity is None else self.activity.enmo_mg
        known = known[np.isfinite(known)]
        return float(known.mean()) if len(known) else None

    @property
    def minutes_by_intensity(self) -> dict[str, int]:
        """Minutes of each intensity that occurs."""
        if self.activity is None:
            return {}
        counts = {each.name.lower(): int((self.activity.intensity == each).sum()) for each in Intensity}
        return {name: count for name, count in counts.items() if count}

    @property
    def rmssd_ms(self) -> float | None:
        """RMSSD at rest."""
        found = np.nan if self.variability is None else self.variability.rmssd_ms
        return float(found) if np.isfinite(found) else None

    @property
    def breathing_per_minute(self) -> float | None:
        """Median breathing rate at rest."""
        return None if self.breathing is None else _median(self.breathing.per_minute)

    @property
    def worn_s(self) -> float | None:
        """Seconds on the wrist."""
        if self.wear is None:
            return None
        return sum(span.stop_s - span.start_s for span in self.wear if span.on_wrist)

    def measurements(self) -> list[Measurement]:
        """What goes into the results, without limits."""
        return [
            Measurement("steps", None if self.steps is None else self.steps.total, "steps"),
            Measurement("falls", None if self.falls is None else len(self.falls), "falls"),
            Measurement("rmssd_ms", self.rmssd_ms, "ms"),
            Measurement("breathing_per_minute", self.breathing_per_minute, "per minute"),
            Measurement("worn_s", self.worn_s, "s"),
        ]


def extract_features(
    ppg_time_s: NDArray[Any], ppg: NDArray[Any], acc_time_s: NDArray[Any], acc_g: NDArray[Any]
) -> Features:
    """All that ``vigie_signal`` says beside the heart rate.

    Parameters
    ----------
    ppg_time_s, acc_time_s
        Seconds of the trace [n] and [m], rising; what is missing is absent.
    ppg
        Counts [channels, n].
    acc_g
        Acceleration [3, m] in g.
    """
    light, motion = _even(ppg_time_s, ppg), _even(acc_time_s, acc_g)
    ends_s = [float(times[-1]) for times in (ppg_time_s, acc_time_s) if len(times)]
    duration_s = max(ends_s, default=0.0)
    if motion is None:
        return Features(duration_s)
    acc, acc_hz = motion
    steps = count_steps(acc, rate_hz=acc_hz)
    falls = tuple(detect_falls(acc, rate_hz=acc_hz))
    moved = activity(acc, rate_hz=acc_hz)
    if light is None or light[0].shape[1] < _LEAST_WORN_S * light[1]:
        return Features(duration_s, steps, falls, moved)
    channels, ppg_hz = light
    wear = tuple(worn(channels, acc, ppg_rate_hz=ppg_hz, acc_rate_hz=acc_hz))
    # Wear is told in spans of two minutes and more: a pulse says second by second that it is a wrist that rests.
    track = track_heart_rate(channels, acc, ppg_rate_hz=ppg_hz, acc_rate_hz=acc_hz, lag_s=_LOOK_AHEAD_S)
    still = _still(acc, acc_hz)
    still &= np.interp(np.arange(len(still)) + 0.5, track.time_s, track.confidence) >= _PULSE
    rest = tuple(span for span in _spans(still, "rest") if span.duration_s >= _SHORTEST_REST_S)
    variability: HeartRateVariability | None = None
    breathing: BreathingRate | None = None
    if rest:
        resting = np.zeros(len(still), np.bool_)
        for span in rest:
            resting[int(span.start_s) : int(span.start_s + span.duration_s)] = True
        variability = heart_rate_variability(_beats_at(resting, find_beats(channels, rate_hz=ppg_hz)))
        breathing = _breathing_at(resting, breathing_rate(channels, rate_hz=ppg_hz))
    return Features(duration_s, steps, falls, moved, wear, rest, variability, breathing)


def _even(time_s: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[np.float32], float] | None:
    """Samples on an even grid from time 0, NaN where there are none, and its rate; None where too few."""
    if len(time_s) < 2 or time_s[-1] - time_s[0] < _LEAST_S:
        return None
    rate_hz = round(1 / float(np.median(np.diff(time_s))), 6)
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        return None
    at = np.rint(np.asarray(time_s, np.float64) * rate_hz).astype(np.int64)
    kept = (at >= 0) & (at < _LONGEST_S * rate_hz)
    even = np.full((len(values), int(at[kept].max(initial=-1)) + 1), np.nan, np.float32)
    even[:, at[kept]] = values[:, kept]
    return even, rate_hz


def _still(acc: NDArray[np.float32], rate_hz: float) -> Bools:
    """Each whole second: measured for more than half, and hardly moving."""
    seconds = int(acc.shape[1] / rate_hz)
    still = np.zeros(seconds, np.bool_)
    for second in range(seconds):
        part = acc[:, round(second * rate_hz) : round((second + 1) * rate_hz)]
        there = part[:, np.isfinite(part[0])]
        still[second] = 2 * there.shape[1] > part.shape[1] and bool((there.std(axis=1) < _STILL_G).all())
    return still


def _beats_at(resting: Bools, beats: Beats) -> Beats:
    second = np.minimum(beats.time_s.astype(np.intp), len(resting) - 1)
    return Beats(beats.time_s[resting[second]], beats.quality[resting[second]])


def _breathing_at(resting: Bools, found: BreathingRate) -> BreathingRate:
    first = np.rint(found.time_s).astype(np.intp) - _BREATHING_WINDOW_S // 2
    share = np.array([resting[at : at + _BREATHING_WINDOW_S].sum() / _BREATHING_WINDOW_S for at in first])
    kept = (share >= _BREATHING_AT_REST) & (found.confidence > _BREATHING_CLEAR)
    return BreathingRate(found.time_s[kept], found.per_minute[kept], found.confidence[kept])


def _spans(state: Bools, label: str) -> tuple[Span, ...]:
    """Runs of True, in whole seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], state, [False])).astype(np.int8)))
    return tuple(Span(float(a), float(b - a), label) for a, b in zip(edges[::2], edges[1::2], strict=True))


def _median(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
