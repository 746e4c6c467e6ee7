"""What the early warning says of a day: the grade, and the evidence for it."""

import datetime
from dataclasses import dataclass
from enum import IntEnum

ALGORITHM = "vigie-watch 1"
"""Name and version of the method; whatever changes a grade changes this."""

Day = int | datetime.date


class Grade(IntEnum):
    """How much a day asks for; the numbers are those of G0 to G4."""

    USUAL = -1
    """Measured, and like other days of this person: nothing to report."""
    SILENCE = 0
    """G0: too little was measured to say anything."""
    TREND = 1
    """G1: shown, not sent."""
    VIGILANCE = 2
    """G2: somebody should make contact."""
    DECOMPENSATION = 3
    """G3: possible decompensation, a consultation should be proposed."""
    EVENT = 4
    """G4: a fall without movement after it, or a resting rate out of its limits for long."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How soon the watch speaks; the defaults are those whose figures are published.

    Three sums run side by side: of all features for what slides, of all or of the heart rate alone for what leaps, and
    of effort alone, which never gives more than G2. The score is the largest, each in parts of its own limit.

    Attributes
    ----------
    slide_drift, leap_drift, effort_drift : float
        What is taken off each night, in standard deviations: less than that never adds up.
    slide_limit, leap_limit, effort_limit : float
        Sums at which the score is 1.
    trend, vigilance, decompensation : float
        Scores from which G1, G2 and G3 are given.
    """

    slide_drift: float = 0.75
    slide_limit: float = 5.5
    leap_drift: float = 2.5
    leap_limit: float = 1.5
    effort_drift: float = 1.0
    effort_limit: float = 4.25
    trend: float = 0.3
    vigilance: float = 0.5
    decompensation: float = 1.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One feature of one day beside what is usual.

    Attributes
    ----------
    feature : str
        Its name, with the unit.
    baseline, spread, today : float
        Usual value, what one standard deviation above or below it is away from it, and today's value, in the unit.
    z : float
        How many standard deviations today is off, positive towards a warning.
    raised_nights : int
        Of the last four measured nights, how many were off by 1.5 and more.
    baseline_nights : int
        How many nights the baseline rests on, of 28.
    completeness : float
        Share of the day that was measured, NaN where the caller did not say.
    algorithm : str
        What computed this, with its version.
    """

    feature: str
    baseline: float
    spread: float
    today: float
    z: float
    raised_nights: int
    baseline_nights: int
    completeness: float
    algorithm: str


@dataclass(frozen=True, slots=True)
class DayAssessment:
    """The grade of a day and why.

    Attributes
    ----------
    day : int or datetime.date
        As it was passed.
    grade : Grade
    evidence : tuple of Evidence
        Every feature that could be compared, the furthest off first.
    score : float
        The sum that the grade rests on, see `Sensitivity`.
    open_grade : Grade
        What is still open when today is silent: an alert does not end because nobody measures.
    reason : str
        Why there is silence, or which event; empty otherwise.
    algorithm : str
        What computed this, with its version.
    """

    day: Day
    grade: Grade
    evidence: tuple[Evidence, ...]
    score: float
    open_grade: Grade
    reason: str
    algorithm: str = ALGORITHM
