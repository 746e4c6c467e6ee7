"""A simulated cohort for the early warning: a simulation, no patients, and no claim about any.

Where an effect has a published size, that is used; what has none is assumed, and marked so:

- heart failure, progressive over the 21 days before the event: mesor 70.6 to 73.6 bpm, amplitude 8.3 to 4.9 bpm
  (V. van Es et al., Predicting acute decompensated heart failure using circadian markers from heart rate time series,
  2025); steps -30 % assumed;
- exacerbation of COPD: heart rate +8.1 bpm in the 3 days before, in 9 of 11 (doi:10.1186/s12931-022-02018-5);
  steps -30 % assumed;
- resting rate 65.5 +- 7.7 bpm between persons, highest in January (doi:10.1371/journal.pone.0227709); from
  night to night 5 +- 3 % of 54 bpm, so 2.7 +- 1.6 bpm (doi:10.1177/20552076251367506);
- influenza: rate up and steps down (doi:10.2196/41050), sizes assumed; heat waves, travel, changes of beta-blockers,
  nights off the wrist: assumed.

Variability is never affected by an event here, and neither is the rate per step: no size is published.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

DAYS = 365
_QUIET_DAYS = 70
_STAY_DAYS = 7
_HEART_FAILURE = 0.75
_RECOVERY_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened to a patient: its kind, and its days from ``start`` to before ``stop``."""

    kind: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Patient:
    """A year of one simulated patient.

    Attributes
    ----------
    number : int
        Odd numbers are tuned on, even ones reported.
    day : int64 [days]
    features : dict of float64 [days]
        By the names that `vigie_signal.assess_days` takes, NaN where nothing was measured.
    event : Incident or None
        The decompensation: ``start`` is when its first sign can show, ``stop`` the day of the hospital.
    incidents : tuple of Incident
        What else happened and must not raise an alert.
    restart_on : tuple of int
        Changes of medication that the team told the watch.
    """

    number: int
    day: npt.NDArray[np.int64]
    features: dict[str, Float64]
    event: Incident | None
    incidents: tuple[Incident, ...]
    restart_on: tuple[int, ...]


@dataclass
class _Effects:
    """What is added to a patient's own days; effort and rhythm as factors."""

    resting_bpm: Float64 = field(default_factory=lambda: np.zeros(DAYS))
    mesor_bpm: Float64 = field(default_factory=lambda: np.zeros(DAYS))
    amplitude: Float64 = field(default_factory=lambda: np.ones(DAYS))
    steps: Float64 = field(default_factory=lambda: np.ones(DAYS))
    bpm_per_step: Float64 = field(default_factory=lambda: np.ones(DAYS))

    def apply(
        self, course: Float64, *, bpm: float, amplitude: float = 0.0, steps: float = 0.0, effort: float = 0.0
    ) -> None:
        """Add ``bpm``, and change the others by their part, each times the ``course`` from 0 to 1."""
        self.resting_bpm += bpm * course
        self.mesor_bpm += bpm * course
        self.amplitude *= np.maximum(1 + amplitude * course, 0.1)
        self.steps *= np.maximum(1 + steps * course, 0.1)
        self.bpm_per_step *= 1 + effort * course


def simulate(count: int, *, seed: int) -> list[Patient]:
    """``count`` patients, numbered from 1, each the same whatever the count."""
    return [_patient(number, np.random.default_rng((seed, number))) for number in range(1, count + 1)]


def _patient(number: int, rng: np.random.Generator) -> Patient:
    effects = _Effects()
    worn = rng.random(DAYS) > 0.12
    incidents: list[Incident] = []
    restart_on: list[int] = []
    event = _decompensation(rng, effects, worn) if rng.random() < 0.8 else None
    incidents += [_influenza(rng, effects) for _ in range(rng.poisson(0.5))]
    incidents.append(_heat(rng, effects))
    incidents += [_travel(rng, effects, worn) for _ in range(rng.poisson(0.8))]
    if rng.random() < 0.3:
        change = _beta_blocker(rng, effects)
        incidents.append(change)
        if rng.random() < 0.5:
            restart_on.append(change.start)
    for _ in range(rng.poisson(3)):
        start = int(rng.integers(0, DAYS))
        worn[start : start + int(rng.integers(2, 11))] = False
    return Patient(
        number=number,
        day=np.arange(DAYS, dtype=np.int64),
        features=_measured(rng, effects, worn),
        event=event,
        incidents=tuple(incidents),
        restart_on=tuple(restart_on),
    )


def _decompensation(rng: np.random.Generator, effects: _Effects, worn: npt.NDArray[np.bool_]) -> Incident:
    at = int(rng.integers(_QUIET_DAYS, DAYS - 21))
    day = np.arange(DAYS)
    recovery = np.exp(-np.maximum(day - at, 0) / _RECOVERY_DAYS)
    heart = rng.random() < _HEART_FAILURE
    if heart:
        kind, start = "heart failure", at - 21
        size = float(np.clip(rng.normal(1, 0.35), 0, 2))
        course = np.clip((day - start) / 21, 0, 1) * recovery
        effects.apply(course, bpm=3.0 * size, amplitude=(4.9 / 8.3 - 1) * size, steps=-0.3 * size)
    else:
        kind, start = "COPD", at - 3
        shows = rng.random() < 9 / 11
        effects.apply(np.where(day >= start, recovery, 0), bpm=rng.normal(8.1, 0.7) * shows, steps=-0.3)
    if rng.random() < 5 / 14:
        # in hospital, without the bracelet
        worn[at + 1 : at + 1 + _STAY_DAYS] = False
    return Incident(kind, start, at)


def _influenza(rng: np.random.Generator, effects: _Effects) -> Incident:
    start = int(rng.integers(0, DAYS - 10))
    course = _bell(start, 7)
    effects.apply(course, bpm=max(rng.normal(6, 2), 0), steps=-0.5)
    return Incident("influenza", start, start + 7)


def _heat(rng: np.random.Generator, effects: _Effects) -> Incident:
    start = int(rng.integers(165, 230))
    length = int(rng.integers(4, 9))
    course = np.zeros(DAYS)
    course[start : start + length] = 1
    effects.apply(course, bpm=max(rng.normal(3, 1), 0), amplitude=-0.1, steps=-0.2)
    return Incident("heat wave", start, start + length)


def _travel(rng: np.random.Generator, effects: _Effects, worn: npt.NDArray[np.bool_]) -> Incident:
    start = int(rng.integers(0, DAYS - 10))
    length = int(rng.integers(3, 10))
    course = np.zeros(DAYS)
    course[start : start + length] = 1
    effects.apply(course, bpm=max(rng.normal(2, 1), 0), amplitude=-0.2, steps=0.3)
    worn[start] = False
    return Incident("travel", start, start + length)


def _beta_blocker(rng: np.random.Generator, effects: _Effects) -> Incident:
    start = int(rng.integers(_QUIET_DAYS, DAYS - 21))
    course = np.clip((np.arange(DAYS) - start) / 3, 0, 1)
    began = rng.random() < 0.5
    size = max(rng.normal(8, 2), 0) * (-1 if began else 1)
    effects.apply(course, bpm=size, amplitude=0.02 * size, effort=0.015 * size)
    return Incident("beta-blocker begun" if began else "beta-blocker stopped", start, start + 28)


def _bell(start: int, length: int) -> Float64:
    course = np.zeros(DAYS)
    course[start : start + length] = np.sin(np.pi * (np.arange(length) + 1) / (length + 1))
    return course


def _wander(rng: np.random.Generator, memory: float) -> Float64:
    """Noise of unit spread whose days resemble each other."""
    steps = rng.standard_normal(DAYS)
    noise = np.empty(DAYS)
    noise[0] = steps[0]
    for day in range(1, DAYS):
        noise[day] = memory * noise[day - 1] + (1 - memory**2) ** 0.5 * steps[day]
    return noise


def _measured(rng: np.random.Generator, effects: _Effects, worn: npt.NDArray[np.bool_]) -> dict[str, Float64]:
    resting = float(np.clip(rng.normal(65.5, 7.7), 45, 95))
    night_spread = float(np.clip(rng.normal(2.7, 1.6), 1.0, 6.0))
    amplitude = float(np.clip(rng.normal(8.3, 2), 4, 14))
    usual_steps = 4500 * float(np.exp(rng.normal(0, 0.5)))
    season = np.cos(2 * np.pi * np.arange(DAYS) / 365)
    # the nights' own noise is half slow, half new each night
    nightly = night_spread * (_wander(rng, 0.8) + rng.standard_normal(DAYS)) / 2**0.5
    steps_noise = (0.6 * _wander(rng, 0.7) + 0.8 * rng.standard_normal(DAYS)) * 0.42
    features = {
        "resting_bpm": resting + season + nightly + effects.resting_bpm,
        "mesor_bpm": resting
        + 8
        + season
        + 0.7 * nightly
        + 1.5 * rng.standard_normal(DAYS)
        + effects.mesor_bpm,
        "amplitude_bpm": np.maximum(amplitude * effects.amplitude + 1.4 * _wander(rng, 0.5), 0.2),
        "rmssd_ms": 25 * np.exp(rng.normal(0, 0.4) + 0.2 * rng.standard_normal(DAYS) - 0.02 * nightly),
        "steps": usual_steps * np.exp(steps_noise) * effects.steps,
        "bpm_per_step": 0.3 * np.exp(0.2 * _wander(rng, 0.4) - 0.2 * steps_noise) * effects.bpm_per_step,
    }
    missing = {"amplitude_bpm": 0.1, "mesor_bpm": 0.1, "rmssd_ms": 0.25, "bpm_per_step": 0.2}
    for name, values in features.items():
        values[~worn | (rng.random(DAYS) < missing.get(name, 0.0))] = np.nan
    return features
