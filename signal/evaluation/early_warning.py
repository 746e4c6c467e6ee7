"""Early warning beside NightSignal: daily recordings around an infection, and a simulated cohort."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.cohort import Patient
from vigie_signal.assessment import Grade, Sensitivity
from vigie_signal.early_warning import assess_days
from vigie_signal.nightsignal import Alert, night_signal

Float64 = npt.NDArray[np.float64]

DAILY_SETS = ("mayer_daily", "welltory_daily")
FIRST_DAY, LAST_DAY = -14, 7
"""An episode that begins in this window around the first symptoms has found them."""
WARM_UP_DAYS = 35
COHORT, SEED = 240, 2026
FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5)
_JOINED_DAYS = 3
_FEWEST_NIGHTS_BEFORE, _FEWEST_NIGHTS_IN = 20, 7
_DAYS_A_MONTH, _DAYS_A_YEAR = 30.44, 365.25
_AFTER_EVENT_DAYS = 21


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one person, and those on which a method alerts is asked of."""

    day: npt.NDArray[np.int64]
    features: dict[str, Float64]
    restart_on: tuple[int, ...] = ()


Method = Callable[[Days], set[int]]
"""Days on which an alert is shown."""


@dataclass
class Tally:
    """Onsets and false episodes, counted."""

    onsets: int = 0
    lead_days: list[int] = field(default_factory=lambda: [])
    false_episodes: int = 0
    false_days: int = 0
    watched_days: int = 0

    @property
    def found(self) -> int:
        """Onsets at which an episode began in the window."""
        return len(self.lead_days)

    @property
    def found_share(self) -> float:
        """Part of the onsets that were found."""
        return self.found / self.onsets

    @property
    def median_lead_days(self) -> float:
        """Median of the days from the alert to the onset, of those found."""
        return float(np.median(self.lead_days)) if self.lead_days else float("nan")

    @property
    def false_a_month(self) -> float:
        """False episodes per person-month of measured nights."""
        return self.false_episodes / (self.watched_days / _DAYS_A_MONTH)

    @property
    def false_a_year(self) -> float:
        """False episodes per patient-year."""
        return self.false_episodes / (self.watched_days / _DAYS_A_YEAR)


def by_night_signal(days: Days) -> set[int]:
    """Red alerts of NightSignal."""
    nights = night_signal(days.day, days.features["resting_bpm"])
    return {night.day for night in nights if night.alert == Alert.RED}


def by_vigie(grade: Grade, sensitivity: Sensitivity | None = None) -> Method:
    """Days on which an alert of at least ``grade`` is open."""

    def method(days: Days) -> set[int]:
        features: dict[str, Any] = dict(days.features)
        found = assess_days(days.day, **features, restart_on=days.restart_on, sensitivity=sensitivity)
        return {days.day[0].item() + row for row, one in enumerate(found) if one.open_grade >= grade}

    return method


def scaled(factor: float) -> Sensitivity:
    """Thresholds times ``factor``: the curve of a watch that speaks sooner or later."""
    usual = Sensitivity()
    return replace(usual, slide_limit=factor * usual.slide_limit, leap_limit=factor * usual.leap_limit)


def episodes(alert_days: Iterable[int]) -> list[int]:
    """First days of episodes; alerts less than four days apart are one."""
    days = sorted(alert_days)
    return [day for i, day in enumerate(days) if i == 0 or day - days[i - 1] > _JOINED_DAYS]


def person(r: dict[str, npt.NDArray[np.float64]]) -> tuple[Days, bool] | None:
    """Days of a recording, and whether they are counted from the first symptoms; None if too few to say anything."""
    resting = r["resting_bpm"]
    if np.isfinite(resting).sum() < 21:
        return None
    from_onset = bool(np.isfinite(r["day_from_onset"]).all())
    if from_onset:
        number = r["day_from_onset"].astype(np.int64)
    else:
        number = np.array([np.datetime64(day) for day in r["day"]]).astype("datetime64[D]").astype(np.int64)
    features = {"resting_bpm": resting, "steps": r["steps"], "bpm_per_step": r["bpm_per_step"]}
    return Days(number, {name: _positive(values) for name, values in features.items()}), from_onset


def _positive(values: Float64) -> Float64:
    return np.where(values > 0, values, np.nan)


def score_recordings(traces: ModuleType, half: str, method: Method) -> Tally:
    """Score a method on the daily recordings of one half."""
    tally = Tally()
    for name in DAILY_SETS:
        for r in traces.recordings(name, half):
            found = person(r)
            if found is not None:
                _add(tally, *found, method)
    return tally


def _add(tally: Tally, days: Days, from_onset: bool, method: Method) -> None:
    alerts = method(days)
    measured = days.day[np.isfinite(days.features["resting_bpm"])].tolist()

    def near(day: int) -> bool:
        return from_onset and FIRST_DAY <= day <= LAST_DAY

    counted = [day for day in measured if day >= measured[0] + WARM_UP_DAYS and not near(day)]
    tally.watched_days += len(counted)
    tally.false_days += len(alerts.intersection(counted))
    begins = episodes(alerts)
    tally.false_episodes += sum(day >= measured[0] + WARM_UP_DAYS and not near(day) for day in begins)
    before = sum(day < FIRST_DAY for day in measured)
    within = sum(near(day) for day in measured)
    if measured[0] <= -WARM_UP_DAYS and before >= _FEWEST_NIGHTS_BEFORE and within >= _FEWEST_NIGHTS_IN:
        tally.onsets += 1
        tally.lead_days += [-day for day in begins if near(day)][:1]


def score_cohort(patients: Iterable[Patient], method: Method, kind: str | None = None) -> Tally:
    """Score a method on simulated patients; ``kind`` counts the events of that kind alone."""
    tally = Tally()
    for patient in patients:
        days = Days(patient.day, patient.features, patient.restart_on)
        alerts, event = method(days), patient.event
        begins = episodes(alerts)
        around = range(event.start, event.stop + _AFTER_EVENT_DAYS + 1) if event else range(0)
        watched = [day for day in patient.day.tolist() if day >= WARM_UP_DAYS and day not in around]
        tally.watched_days += len(watched)
        tally.false_days += len(alerts.intersection(watched))
        tally.false_episodes += len(set(begins).intersection(watched))
        if event is not None and kind in (None, event.kind):
            tally.onsets += 1
            tally.lead_days += [event.stop - day for day in begins if event.start <= day <= event.stop][:1]
    return tally


def even(patients: Sequence[Patient]) -> list[Patient]:
    """Those reported; the odd ones were tuned on."""
    return [patient for patient in patients if patient.number % 2 == 0]
