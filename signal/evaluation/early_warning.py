"""Early warning beside NightSignal: daily recordings around an infection, and a simulated cohort."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.cohort import Patient
from vigie_signal.assessment import DayAssessment, Grade, Sensitivity
from vigie_signal.early_warning import assess_days
from vigie_signal.nightsignal import Alert, night_signal

Float64 = npt.NDArray[np.float64]

DAILY_SETS = ("mayer_daily", "welltory_daily")
FIRST_DAY, LAST_DAY = -14, 7
"""An episode that begins in this window around the first symptoms has found them."""
WARM_UP_DAYS = 35
INJECTED_DAYS = 7

_JOINED_DAYS = 3
_FEWEST_NIGHTS, _FEWEST_NIGHTS_BEFORE, _FEWEST_NIGHTS_WITHIN = 21, 20, 7
_DAYS_A_MONTH, _DAYS_A_YEAR = 30.44, 365.25
_AFTER_EVENT_DAYS = 21


@dataclass(frozen=True, slots=True)
class Days:
    """What was measured of one person; ``from_onset`` says that days are counted from the first symptoms."""

    day: npt.NDArray[np.int64]
    features: dict[str, Float64]
    restart_on: tuple[int, ...] = ()
    from_onset: bool = False


@dataclass
class Tally:
    """Onsets and false episodes, counted; ``covered`` are simulated events in whose window any alert is open."""

    onsets: int = 0
    covered: int = 0
    lead_days: list[int] = field(default_factory=lambda: [])
    false_begins: list[int] = field(default_factory=lambda: [])
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
        return len(self.false_begins) / (self.watched_days / _DAYS_A_MONTH)

    @property
    def false_days_a_month(self) -> float:
        """Days with a false alert per person-month of measured nights."""
        return self.false_days / (self.watched_days / _DAYS_A_MONTH)

    @property
    def false_a_year(self) -> float:
        """False episodes per patient-year."""
        return len(self.false_begins) / (self.watched_days / _DAYS_A_YEAR)


def by_night_signal(people: Iterable[Days], red_bpm: float = 4.0) -> list[set[int]]:
    """Days with a red alert of NightSignal, of each."""
    found: list[set[int]] = []
    for days in people:
        nights = night_signal(
            days.day, days.features["resting_bpm"], yellow_bpm=min(3.0, red_bpm), red_bpm=red_bpm
        )
        found.append({night.day for night in nights if night.alert == Alert.RED})
    return found


def assessed(people: Iterable[Days], sensitivity: Sensitivity | None = None) -> list[list[DayAssessment]]:
    """Assess each."""
    found: list[list[DayAssessment]] = []
    for days in people:
        features: dict[str, Any] = dict(days.features)
        found.append(assess_days(days.day, **features, restart_on=days.restart_on, sensitivity=sensitivity))
    return found


def alerts(people: Iterable[Days], found: Iterable[list[DayAssessment]], grade: Grade) -> list[set[int]]:
    """Days on which an alert of at least ``grade`` is open, of each."""
    return [
        {int(days.day[0]) + row for row, one in enumerate(of_days) if one.open_grade >= grade}
        for days, of_days in zip(people, found, strict=True)
    ]


def scaled(factor: float) -> Sensitivity:
    """Limits times ``factor``: a watch that speaks sooner or later."""
    usual = Sensitivity()
    return replace(
        usual,
        slide_limit=factor * usual.slide_limit,
        leap_limit=factor * usual.leap_limit,
        effort_limit=factor * usual.effort_limit,
    )


def episodes(alert_days: Iterable[int]) -> list[int]:
    """First days of episodes; alerts less than four days apart are one."""
    days = sorted(alert_days)
    return [day for i, day in enumerate(days) if i == 0 or day - days[i - 1] > _JOINED_DAYS]


def recorded(traces: ModuleType, half: str) -> list[Days]:
    """People of the daily recordings with three weeks of nights and more, in days from the first symptoms if known."""
    people: list[Days] = []
    for name in DAILY_SETS:
        for r in traces.recordings(name, half):
            from_onset = bool(np.isfinite(r["day_from_onset"]).all())
            number = r["day_from_onset"] if from_onset else np.array(r["day"], "datetime64[D]")
            used = {column: _positive(r[column]) for column in ("resting_bpm", "steps", "bpm_per_step")}
            if np.isfinite(used["resting_bpm"]).sum() >= _FEWEST_NIGHTS:
                people.append(Days(number.astype(np.int64), used, from_onset=from_onset))
    return people


def _positive(values: Float64) -> Float64:
    return np.where(values > 0, values, np.nan)


def score_recorded(people: Sequence[Days], alerted: Sequence[set[int]]) -> Tally:
    """Count onsets and false episodes of people recorded around an infection."""
    tally = Tally()
    for days, alert_days in zip(people, alerted, strict=True):
        measured = days.day[np.isfinite(days.features["resting_bpm"])].tolist()
        window = range(FIRST_DAY, LAST_DAY + 1) if days.from_onset else range(0)
        begins = episodes(alert_days)
        _count(
            tally, alert_days, begins, {day for day in measured if day >= measured[0] + WARM_UP_DAYS}, window
        )
        before = sum(day < FIRST_DAY for day in measured)
        within = sum(day in window for day in measured)
        enough = before >= _FEWEST_NIGHTS_BEFORE and within >= _FEWEST_NIGHTS_WITHIN
        if enough and measured[0] <= -WARM_UP_DAYS:
            tally.onsets += 1
            tally.lead_days += [-day for day in begins if day in window][:1]
    return tally


def score_simulated(
    patients: Sequence[Patient], alerted: Sequence[set[int]], kind: str | None = None
) -> Tally:
    """Count events and false episodes of simulated patients; ``kind`` counts the events of that kind alone."""
    tally = Tally()
    for patient, alert_days in zip(patients, alerted, strict=True):
        event = patient.event
        begins = episodes(alert_days)
        around = range(event.start, event.stop + _AFTER_EVENT_DAYS + 1) if event else range(0)
        _count(tally, alert_days, begins, set(range(WARM_UP_DAYS, len(patient.day))), around)
        if event is not None and kind in (None, event.kind):
            tally.onsets += 1
            tally.covered += not alert_days.isdisjoint(range(event.start, event.stop + 1))
            tally.lead_days += [event.stop - day for day in begins if event.start <= day <= event.stop][:1]
    return tally


def _count(tally: Tally, alert_days: set[int], begins: list[int], watched: set[int], around: range) -> None:
    quiet = watched.difference(around)
    tally.watched_days += len(quiet)
    tally.false_days += len(alert_days & quiet)
    tally.false_begins += sorted(quiet.intersection(begins))


def as_days(patients: Iterable[Patient]) -> list[Days]:
    """What was measured of simulated patients."""
    return [Days(patient.day, patient.features, patient.restart_on) for patient in patients]


def even(patients: Sequence[Patient]) -> list[Patient]:
    """Those reported; the odd ones were tuned on."""
    return [patient for patient in patients if patient.number % 2 == 0]


def by_chance(tally: Tally) -> float:
    """Onsets that episodes at the false rate would have met, had they come without regard to them."""
    window_months = (LAST_DAY - FIRST_DAY + 1) / _DAYS_A_MONTH
    return tally.onsets * (1 - float(np.exp(-tally.false_a_month * window_months)))


def injected(days: Days, rise_bpm: float) -> list[Days]:
    """Copies of recorded days into which a rise is put, one every four weeks: a simulation on real days.

    The rate grows over three days to ``rise_bpm`` and stays, with 30 % fewer steps; 0 changes nothing. Days are counted
    from its first, and what came later is cut off. None is put near an infection, nor where fewer than five of its
    seven nights or twenty of the five weeks before it were measured.
    """
    measured = days.day[np.isfinite(days.features["resting_bpm"])]
    copies: list[Days] = []
    for first in range(int(measured[0]) + WARM_UP_DAYS, int(measured[-1]) - INJECTED_DAYS, 28):
        near = days.from_onset and FIRST_DAY - WARM_UP_DAYS < first <= LAST_DAY + WARM_UP_DAYS
        before = ((measured >= first - WARM_UP_DAYS) & (measured < first)).sum()
        within = ((measured >= first) & (measured < first + INJECTED_DAYS)).sum()
        if near or before < _FEWEST_NIGHTS_BEFORE or within < INJECTED_DAYS - 2:
            continue
        kept = days.day < first + INJECTED_DAYS
        day = days.day[kept] - first
        course = np.clip((day + 1) / 3, 0, 1) * (rise_bpm > 0)
        features = {name: values[kept] for name, values in days.features.items()}
        features["resting_bpm"] = features["resting_bpm"] + rise_bpm * course
        features["steps"] = features["steps"] * (1 - 0.3 * course)
        copies.append(Days(day, features))
    return copies
