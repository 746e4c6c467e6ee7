"""A day in a few numbers: the night's resting rate, the circadian rhythm, steps and what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from vigie_signal.assessment import Day
from vigie_signal.minutes import MINUTE_S, Minutes

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_LEAST_QUALITY = 0.5
_NIGHT_WORN = 0.7
_NIGHT_MINUTES = 60
_RMSSD_MINUTES = 15
_RHYTHM_HOURS = 16
_HOUR_MINUTES = 10
_AWAKE_WORN_HOURS = 10.0
_WALK_STEPS, _WALK_MINUTES = 60.0, 3
_HOUR_S = 3600.0
_NAN = float("nan")

LIMITS_BPM = (40.0, 131.0)
"""At and beyond these a resting rate has the highest score of NEWS2, of which this is one seventh and no more."""


@dataclass(frozen=True, slots=True)
class DayWindow:
    """When a day and its night are, on the clock of the minutes: the caller knows time zones, this does not.

    Attributes
    ----------
    day : int or datetime.date
        What the day is called.
    start_s, stop_s : float
        From midnight to midnight as a rule; 23 or 25 hours where the clocks change.
    night_start_s, night_stop_s : float
        When resting is measured: 02 to 05 h is usual, a rest period found otherwise serves as well.

    Raises
    ------
    ValueError
        If a window is empty.
    """

    day: Day
    start_s: float
    stop_s: float
    night_start_s: float
    night_stop_s: float

    def __post_init__(self) -> None:
        if not (self.start_s < self.stop_s and self.night_start_s < self.night_stop_s):
            raise ValueError(f"day {self.day} has an empty window: pass start before stop, in seconds")


@dataclass(frozen=True, slots=True)
class DailyFeatures:
    """One day; NaN where there is no value, with the reason under its name in ``missing``.

    Attributes
    ----------
    day : int or datetime.date
        As it was passed.
    resting_bpm : float
        Median rate of the night's minutes without steps.
    rmssd_ms : float
        Median variability of these minutes.
    mesor_bpm, amplitude_bpm : float
        Mean of the fitted daily cosine, and half its swing.
    acrophase_h : float
        Its peak, in hours after ``start_s``.
    steps : float
        Steps of the day.
    bpm_per_step : float
        Rise of the rate above resting for each step a minute, in walks of three minutes and more: beats per step.
    worn_share, completeness : float
        Share of the day on the wrist, and with a heart rate that can be trusted.
    night_minutes : int
        Minutes that ``resting_bpm`` rests on.
    longest_out_of_limits_min : int
        Longest run of minutes at rest with a rate of at most 40 or at least 131 bpm.
    missing : mapping from str to str
        Why a value is not there.
    """

    day: Day
    resting_bpm: float
    rmssd_ms: float
    mesor_bpm: float
    amplitude_bpm: float
    acrophase_h: float
    steps: float
    bpm_per_step: float
    worn_share: float
    completeness: float
    night_minutes: int
    longest_out_of_limits_min: int
    missing: Mapping[str, str]


class Columns(TypedDict):
    """Arguments of `assess_days`."""

    day: list[Day]
    resting_bpm: list[float]
    steps: list[float]
    mesor_bpm: list[float]
    amplitude_bpm: list[float]
    rmssd_ms: list[float]
    bpm_per_step: list[float]
    completeness: list[float]


def daily_features(minutes: Minutes, days: Sequence[DayWindow]) -> list[DailyFeatures]:
    """Measure days, each from its own minutes and those of its night.

    A minute is valid if it was worn and half of it had a sure rate; it is at rest if in addition neither it nor the
    two before it hold steps. Each value has a gate, and a reason where it does not pass: nights worn for 70 % and 60
    minutes at rest; 15 minutes with variability; 16 hours for the cosinor [1]_, which is fitted to the medians of hours
    so that a well-measured night does not outweigh the day; 10 hours of wear by day for the steps [2]_, because steps
    that were not worn were not omitted.

    Parameters
    ----------
    minutes : Minutes
        From the bracelet, or from `per_minute`.
    days : sequence of DayWindow
        The days to measure, in any order.

    Returns
    -------
    list of DailyFeatures
        One for each of ``days``.

    References
    ----------
    .. [1] G. Cornelissen, Cosinor-based rhythmometry, Theor. Biol. Med. Model. 11, 16, 2014,
       doi:10.1186/1742-4682-11-16
    .. [2] R. P. Troiano et al., Physical activity in the United States measured by accelerometer, Med. Sci. Sports
       Exerc. 40(1), 2008, doi:10.1249/mss.0b013e31815a51b3
    """
    valid = minutes.worn & np.isfinite(minutes.bpm) & (minutes.quality >= _LEAST_QUALITY)
    resting = valid & _quiet(minutes)
    return [_measured(minutes, valid, resting, window) for window in days]


def as_columns(days: Sequence[DailyFeatures]) -> Columns:
    """The days as `assess_days` takes them: ``assess_days(**as_columns(days))``."""
    return Columns(
        day=[day.day for day in days],
        resting_bpm=[day.resting_bpm for day in days],
        steps=[day.steps for day in days],
        mesor_bpm=[day.mesor_bpm for day in days],
        amplitude_bpm=[day.amplitude_bpm for day in days],
        rmssd_ms=[day.rmssd_ms for day in days],
        bpm_per_step=[day.bpm_per_step for day in days],
        completeness=[day.completeness for day in days],
    )


def _measured(minutes: Minutes, valid: Bool, resting: Bool, window: DayWindow) -> DailyFeatures:
    missing: dict[str, str] = {}
    today = _span(minutes, window.start_s, window.stop_s)
    resting_bpm, rmssd_ms, night_minutes = _night(minutes, resting, window, missing)
    mesor_bpm, amplitude_bpm, acrophase_h = _cosinor(
        (minutes.time_s[today] - window.start_s)[valid[today]], minutes.bpm[today][valid[today]], missing
    )
    length = (window.stop_s - window.start_s) / MINUTE_S
    low_bpm, high_bpm = LIMITS_BPM
    beyond = resting[today] & ((minutes.bpm[today] <= low_bpm) | (minutes.bpm[today] >= high_bpm))
    return DailyFeatures(
        day=window.day,
        resting_bpm=resting_bpm,
        rmssd_ms=rmssd_ms,
        mesor_bpm=mesor_bpm,
        amplitude_bpm=amplitude_bpm,
        acrophase_h=acrophase_h,
        steps=_steps(minutes, today, window, missing),
        bpm_per_step=_effort(minutes, valid, today, resting_bpm, missing),
        worn_share=float(minutes.worn[today].sum() / length),
        completeness=float(valid[today].sum() / length),
        night_minutes=night_minutes,
        longest_out_of_limits_min=int(_run_lengths(minutes.time_s[today], beyond).max(initial=0)),
        missing=missing,
    )


def _span(minutes: Minutes, start_s: float, stop_s: float) -> slice:
    a, b = np.searchsorted(minutes.time_s, [start_s, stop_s]).tolist()
    return slice(a, b)


def _quiet(minutes: Minutes) -> Bool:
    """Minutes that hold no steps and that none precede: the heart takes a while to calm down."""
    still: Bool = np.concatenate([[True, True], minutes.steps == 0])
    return still[2:] & still[1:-1] & still[:-2]


def _run_lengths(time_s: Float64, state: Bool) -> npt.NDArray[np.int64]:
    """For each minute of ``state``, the how-many-eth in a row it is; 0 elsewhere."""
    lengths = np.zeros(state.size, np.int64)
    follows = np.concatenate([[False], np.diff(time_s) < 1.5 * MINUTE_S])
    run = 0
    for minute in np.flatnonzero(state).tolist():
        run = run + 1 if minute and follows[minute] and lengths[minute - 1] else 1
        lengths[minute] = run
    return lengths


def _night(
    minutes: Minutes, resting: Bool, window: DayWindow, missing: dict[str, str]
) -> tuple[float, float, int]:
    """Resting rate, variability, and the minutes they rest on."""
    night = _span(minutes, window.night_start_s, window.night_stop_s)
    at_rest = resting[night]
    count = int(at_rest.sum())
    worn = minutes.worn[night].sum() / ((window.night_stop_s - window.night_start_s) / MINUTE_S)
    if worn < _NIGHT_WORN:
        reason = f"worn for {worn:.0%} of the night, {_NIGHT_WORN:.0%} needed"
    elif count < _NIGHT_MINUTES:
        reason = f"{count} valid minutes at rest by night, {_NIGHT_MINUTES} needed"
    else:
        resting_bpm = float(np.median(minutes.bpm[night][at_rest]))
        variability = minutes.rmssd_ms[night][at_rest]
        variability = variability[np.isfinite(variability)]
        if variability.size >= _RMSSD_MINUTES:
            return resting_bpm, float(np.median(variability)), count
        missing["rmssd_ms"] = f"{variability.size} minutes with variability by night, {_RMSSD_MINUTES} needed"
        return resting_bpm, _NAN, count
    missing["resting_bpm"] = missing["rmssd_ms"] = reason
    return _NAN, _NAN, count


def _cosinor(time_s: Float64, bpm: Float64, missing: dict[str, str]) -> tuple[float, float, float]:
    """Mesor, amplitude and acrophase of valid minutes, ``time_s`` from the beginning of the day."""
    hour = (time_s // _HOUR_S).astype(np.intp)
    hours = [h for h in range(hour.max(initial=-1) + 1) if (hour == h).sum() >= _HOUR_MINUTES]
    if len(hours) < _RHYTHM_HOURS:
        missing["mesor_bpm"] = missing["amplitude_bpm"] = missing["acrophase_h"] = (
            f"{len(hours)} hours with {_HOUR_MINUTES} valid minutes, {_RHYTHM_HOURS} needed"
        )
        return _NAN, _NAN, _NAN
    level = np.array([np.median(bpm[hour == h]) for h in hours])
    angle = 2 * np.pi * (np.array(hours) + 0.5) / 24
    design = np.stack([np.ones(len(hours)), np.cos(angle), np.sin(angle)], axis=1)
    mesor, cosine, sine = np.linalg.lstsq(design, level, rcond=None)[0].tolist()
    return mesor, float(np.hypot(cosine, sine)), float(np.arctan2(sine, cosine) / (2 * np.pi) * 24 % 24)


def _steps(minutes: Minutes, today: slice, window: DayWindow, missing: dict[str, str]) -> float:
    time_s = minutes.time_s[today]
    by_day = (time_s < window.night_start_s) | (time_s >= window.night_stop_s)
    worn_h = float((by_day & minutes.worn[today]).sum()) * MINUTE_S / _HOUR_S
    if worn_h < _AWAKE_WORN_HOURS:
        missing["steps"] = f"worn for {worn_h:.1f} hours outside the night, {_AWAKE_WORN_HOURS:g} needed"
        return _NAN
    return float(np.nansum(minutes.steps[today]))


def _effort(
    minutes: Minutes, valid: Bool, today: slice, resting_bpm: float, missing: dict[str, str]
) -> float:
    if np.isnan(resting_bpm):
        missing["bpm_per_step"] = "no resting rate to compare with"
        return _NAN
    steps, bpm = minutes.steps[today], minutes.bpm[today]
    walking = valid[today] & (steps >= _WALK_STEPS)
    # the rate lags the legs: the first two minutes of a walk are left out
    steady = _run_lengths(minutes.time_s[today], walking) >= _WALK_MINUTES
    if steady.sum() < _WALK_MINUTES:
        missing["bpm_per_step"] = f"{steady.sum()} steady minutes of walking, {_WALK_MINUTES} needed"
        return _NAN
    return float(np.median((bpm[steady] - resting_bpm) / steps[steady]))
