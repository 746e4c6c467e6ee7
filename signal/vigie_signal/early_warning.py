"""Early warning: a person's days against that person's usual ones, with the evidence for every grade."""

import datetime
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vigie_signal.assessment import ALGORITHM, Day, DayAssessment, Evidence, Grade, Sensitivity
from vigie_signal.baseline import FEWEST_NIGHTS, Baseline, Feature, Usual
from vigie_signal.cusum import Sums

FEATURES = (
    Feature("resting_bpm", "rate", +1, 1.0, 2.5),
    Feature("mesor_bpm", "rate", +1, 0.3, 2.5),
    Feature("amplitude_bpm", "rhythm", -1, 1.5, 1.4),
    Feature("rmssd_ms", "rhythm", -1, 0.3, 0.2, offset=0.0),
    Feature("steps", "effort", -1, 1.0, 0.45, offset=500.0),
    Feature("bpm_per_step", "effort", +1, 0.2, 0.22, offset=0.0),
)
"""What is watched; spreads from day to day within a person, from the half of the recordings that was tuned on."""

_LOWEST_Z, _HIGHEST_Z = -0.5, 3.5
_RAISED_Z = 1.5
_SUPPORT_NIGHTS = 4
_SUPPORT_RAISED = 3
_TOGETHER_NIGHTS = 3
_FORGET_DAYS = 7
_FROZEN_DAYS = 28
_CLOSED_AT = 0.5
_CALM, _CALM_NIGHTS = 0.75, 2


def assess_days(
    day: Sequence[Day] | npt.ArrayLike,
    resting_bpm: npt.ArrayLike,
    steps: npt.ArrayLike | None = None,
    *,
    mesor_bpm: npt.ArrayLike | None = None,
    amplitude_bpm: npt.ArrayLike | None = None,
    rmssd_ms: npt.ArrayLike | None = None,
    bpm_per_step: npt.ArrayLike | None = None,
    completeness: npt.ArrayLike | None = None,
    events: Mapping[Day, str] | None = None,
    restart_on: Collection[Day] = (),
    sensitivity: Sensitivity | None = None,
) -> list[DayAssessment]:
    """Grade every day of one person, each from that day and those before it alone.

    Each feature is compared with the median and the MAD of four weeks that ended a week ago, which stand still while
    an alert is open; the weighted sum of what is off enters a one-sided CUSUM [1]_; a state machine with hysteresis
    turns it into grades. From G2 on, features of two kinds must be off, or one on three of four nights. A night
    without a resting rate is silence (G0), never health: it moves no baseline and closes no alert; the first night
    after seven such nights starts anew. After four weeks of an open alert, the new level becomes the usual one.

    Simulations and recordings say how it does; it has not been tried on patients, and nothing here is a medical
    device.

    Parameters
    ----------
    day : sequence of int or datetime.date, or array_like of datetime64[D], [n]
        Days in order, each once. Days that are left out are silent.
    resting_bpm : array_like [n]
        Resting heart rate of the night in beats per minute, NaN where there is none.
    steps : array_like [n], optional
        Steps of the day. All further features are optional, and NaN where there is none.
    mesor_bpm, amplitude_bpm : array_like [n], optional
        Mean and half the swing of the circadian heart rate.
    rmssd_ms : array_like [n], optional
        Heart-rate variability of the night.
    bpm_per_step : array_like [n], optional
        What walking costs: rise of the heart rate per cadence, in any constant unit.
    completeness : array_like [n], optional
        Share of the day that was measured, 0 to 1: shown in the evidence.
    events : mapping from a day to str, optional
        What makes a day G4, in words.
    restart_on : collection of days, optional
        Days from which an earlier baseline no longer holds: a discharge, a change of medication.
    sensitivity : Sensitivity, optional
        How soon it speaks.

    Returns
    -------
    list of DayAssessment
        One for every day from the first to the last.

    Raises
    ------
    ValueError
        If shapes differ, days do not grow, or a value cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] E. S. Page, Continuous inspection schemes, Biometrika 41, 1954, doi:10.1093/biomet/41.1-2.100
    """
    numbers, as_passed = _as_days(day)
    columns = {
        name: _as_column(name, values, len(numbers))
        for name, values in (
            ("resting_bpm", resting_bpm),
            ("steps", steps),
            ("mesor_bpm", mesor_bpm),
            ("amplitude_bpm", amplitude_bpm),
            ("rmssd_ms", rmssd_ms),
            ("bpm_per_step", bpm_per_step),
            ("completeness", completeness),
        )
        if values is not None
    }
    row_of = {number: row for row, number in enumerate(numbers)}
    event_of = {_number(at): text for at, text in (events or {}).items()}
    unknown = [at for at in event_of if not numbers or not numbers[0] <= at <= numbers[-1]]
    if unknown:
        raise ValueError(
            f"events on days beyond those passed: pass day up to {max(unknown)}, NaN for its values"
        )
    restarts = {_number(at) for at in restart_on}
    watch = Watch(sensitivity or Sensitivity())
    found: list[DayAssessment] = []
    for number in range(numbers[0], numbers[-1] + 1) if numbers else ():
        row = row_of.get(number)
        values = {} if row is None else {name: column[row] for name, column in columns.items()}
        if number in restarts:
            watch.restart()
        found.append(watch.assess(as_passed(number), number, values, event_of.get(number, "")))
    return found


class Watch:
    """The watch over one person, a day at a time; `assess_days` feeds it."""

    def __init__(self, sensitivity: Sensitivity) -> None:
        self._sensitivity = sensitivity
        self.restart()

    def restart(self) -> None:
        """Forget everything: from here on another baseline holds."""
        self._baselines = {feature.name: Baseline(feature) for feature in FEATURES}
        self._last_measured: int | None = None
        self._start_anew()

    def _start_anew(self) -> None:
        self._sums = Sums(self._sensitivity)
        self._open = Grade.USUAL
        self._calm_nights = 0
        self._frozen_on: int | None = None
        self._frozen: dict[str, Usual] = {}
        self._held: list[tuple[int, dict[str, float]]] = []
        self._raised: deque[frozenset[str]] = deque(maxlen=_SUPPORT_NIGHTS)

    def assess(self, day: Day, number: int, values: Mapping[str, float], event: str = "") -> DayAssessment:
        """Grade the next day; ``number`` grows by one a day, ``values`` holds what was measured, by name."""
        measured = {
            feature.name: feature.scaled(values[feature.name])
            for feature in FEATURES
            if feature.measured(values.get(feature.name, np.nan))
        }
        evidence: tuple[Evidence, ...] = ()
        if "resting_bpm" not in measured:
            grade, reason = Grade.SILENCE, self._silent(number)
        else:
            if self._last_measured is not None and number - self._last_measured > _FORGET_DAYS:
                self._start_anew()
            self._last_measured = number
            usual = self._usual(number)
            if "resting_bpm" in usual:
                self._add_up(measured, usual)
                grade, reason = self._graded(number, usual), ""
                evidence = self._evidence(values, measured, usual)
            else:
                known = len(self._baselines["resting_bpm"].nights(number))
                grade = Grade.SILENCE
                reason = f"baseline: {known} of the {FEWEST_NIGHTS} nights that it needs"
            for name in measured.keys() & usual.keys():
                self._baselines[name].missed_by(number, measured[name] - usual[name].centre)
        self._remember(number, measured)
        if event:
            grade, reason = Grade.EVENT, event
        return DayAssessment(day, grade, evidence, self._sums.score, self._open, reason)

    def _silent(self, number: int) -> str:
        if self._last_measured is None:
            return "no resting heart rate yet"
        silent_days = number - self._last_measured
        return f"no resting heart rate, for {silent_days} day{'s' if silent_days > 1 else ''}"

    def _usual(self, number: int) -> dict[str, Usual]:
        if self._frozen_on is not None:
            return self._frozen
        found = {name: baseline.usual(number) for name, baseline in self._baselines.items()}
        return {name: usual for name, usual in found.items() if usual is not None}

    def _add_up(self, measured: Mapping[str, float], usual: Mapping[str, Usual]) -> None:
        z_of = {
            feature.name: _z(feature, measured[feature.name], usual[feature.name])
            for feature in FEATURES
            if feature.name in measured and feature.name in usual
        }
        sums, weights = dict[str, float](), dict[str, float]()
        for feature in FEATURES:
            if feature.name in z_of:
                part = feature.weight * min(max(z_of[feature.name], _LOWEST_Z), _HIGHEST_Z)
                sums[feature.kind] = sums.get(feature.kind, 0.0) + part
                weights[feature.kind] = weights.get(feature.kind, 0.0) + feature.weight
        # features of one kind move together, kinds by themselves
        tonight = sum(sums.values()) / sum(weight**2 for weight in weights.values()) ** 0.5
        self._sums.add(tonight, {kind: total / weights[kind] for kind, total in sums.items()})
        self._calm_nights = self._calm_nights + 1 if tonight < _CALM else 0
        self._raised.append(frozenset(name for name, z in z_of.items() if z >= _RAISED_Z))

    def _graded(self, number: int, usual: dict[str, Usual]) -> Grade:
        limits = self._sensitivity
        grade = Grade.USUAL
        if self._open >= Grade.VIGILANCE and self._calm_nights >= _CALM_NIGHTS:
            self._open = Grade.USUAL
            self._sums.start_anew()
        score = self._sums.score
        supported = self._open >= Grade.VIGILANCE or self._supported()
        for at, limit in (
            (Grade.TREND, limits.trend),
            (Grade.VIGILANCE, limits.vigilance),
            (Grade.DECOMPENSATION, limits.decompensation),
        ):
            held = self._open >= at and score >= _CLOSED_AT * limit
            if held or (score >= limit and (at == Grade.TREND or supported)):
                grade = at
        self._open = grade
        if grade >= Grade.VIGILANCE:
            if self._frozen_on is None:
                self._frozen_on, self._frozen = number, usual
        elif self._frozen_on is not None:
            self._frozen_on, self._frozen, self._held = None, {}, []
        return grade

    def _supported(self) -> bool:
        raised = frozenset[str]().union(*list(self._raised)[-_TOGETHER_NIGHTS:])
        kinds = {feature.kind for feature in FEATURES if feature.name in raised}
        often = any(self._raised_nights(feature.name) >= _SUPPORT_RAISED for feature in FEATURES)
        return len(kinds) >= 2 or often

    def _raised_nights(self, name: str) -> int:
        return sum(name in night for night in self._raised)

    def _remember(self, number: int, measured: Mapping[str, float]) -> None:
        if self._frozen_on is None:
            for name, value in measured.items():
                self._baselines[name].add(number, value)
            return
        self._held.append((number, dict(measured)))
        if "resting_bpm" in measured and number - self._frozen_on >= _FROZEN_DAYS:
            held = self._held
            self._start_anew()
            for at, values in held:
                for name, value in values.items():
                    self._baselines[name].add(at, value)

    def _evidence(
        self, values: Mapping[str, float], measured: Mapping[str, float], usual: Mapping[str, Usual]
    ) -> tuple[Evidence, ...]:
        found: list[Evidence] = []
        for feature in FEATURES:
            if feature.name not in measured or feature.name not in usual:
                continue
            its = usual[feature.name]
            baseline = feature.unscaled(its.centre)
            found.append(
                Evidence(
                    feature=feature.name,
                    baseline=baseline,
                    spread=abs(feature.unscaled(its.centre + feature.sign * its.spread) - baseline),
                    today=float(values[feature.name]),
                    z=_z(feature, measured[feature.name], its),
                    raised_nights=self._raised_nights(feature.name),
                    baseline_nights=its.nights,
                    completeness=float(values.get("completeness", np.nan)),
                    algorithm=ALGORITHM,
                )
            )
        return tuple(sorted(found, key=lambda one: -one.z))


def _z(feature: Feature, value: float, usual: Usual) -> float:
    return feature.sign * (value - usual.centre) / usual.spread


def _number(day: Day) -> int:
    return day.toordinal() if isinstance(day, datetime.date) else int(day)


def _as_days(day: Sequence[Day] | npt.ArrayLike) -> tuple[list[int], Callable[[int], Day]]:
    """Day numbers, and what gives a number back as the caller's kind of day."""
    array = np.asarray(day)
    if array.ndim != 1:
        raise ValueError(f"day has shape {array.shape}: pass [n]")
    as_passed: Callable[[int], Day] = int
    if array.dtype.kind == "M":
        array = array.astype("datetime64[D]").astype(object)
    if array.size and isinstance(array[0], datetime.date):
        as_passed = datetime.date.fromordinal
    elif array.size and (array.dtype.kind not in "iuf" or np.any(array != np.floor(array))):
        raise ValueError(f"day has dtype {array.dtype}: pass whole numbers, dates or datetime64[D]")
    numbers = [_number(at) for at in array.tolist()]
    if any(b <= a for a, b in pairwise(numbers)):
        raise ValueError("day does not grow: pass each day once, in order")
    return numbers, as_passed


def _as_column(name: str, values: npt.ArrayLike, count: int) -> list[float]:
    array = np.asarray(values)
    if array.shape != (count,) or array.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}: pass {count} numbers, one a day, NaN for none"
        )
    column = array.astype(np.float64)
    if np.any(column < 0):
        raise ValueError(f"{name} holds negative values: pass NaN where nothing was measured")
    if name == "completeness" and np.any(column > 1):
        raise ValueError("completeness above 1: pass the share of the day that was measured, 0 to 1")
    return [float(value) for value in column]
