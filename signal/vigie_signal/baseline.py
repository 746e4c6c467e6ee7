"""A person's usual values: median and spread of four weeks, a week ago."""

from dataclasses import dataclass
from math import exp, isfinite, log
from statistics import median

WINDOW_DAYS = 28
LAG_DAYS = 7
"""A week is left out, so that a slow slide is not taken for usual."""
FEWEST_NIGHTS = 7
MISSES_DAYS = 56

_MAD_TO_SD = 1.4826
_PRIOR_NIGHTS = 14
"""How many nights the population's spread counts for against the person's own."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What is watched of a day.

    Attributes
    ----------
    name : str
        With its unit.
    kind : str
        Features of one kind are no independent witnesses of each other.
    sign : int
        1 where a rise is a warning, -1 where a fall is.
    weight : float
        Its part in the day's score.
    spread : float
        Population's spread within a person from day to day, in the unit, or of the logarithm.
    offset : float or None
        The logarithm of the value plus this is watched; None watches the value itself.
    """

    name: str
    kind: str
    sign: int
    weight: float
    spread: float
    offset: float | None = None

    def measured(self, value: float) -> bool:
        """Whether there is a value to compare."""
        return isfinite(value) and (self.offset is None or value + self.offset > 0)

    def scaled(self, value: float) -> float:
        """The value, or its logarithm where ratios are what matters."""
        return value if self.offset is None else log(value + self.offset)

    def unscaled(self, value: float) -> float:
        """The inverse of `scaled`."""
        return value if self.offset is None else exp(value) - self.offset


@dataclass(frozen=True, slots=True)
class Usual:
    """Centre and spread on the scale of the feature, and the nights they rest on."""

    centre: float
    spread: float
    nights: int


class Baseline:
    """What is usual for one feature of one person, as known on a given day."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self._nights: list[tuple[int, float]] = []
        self._off: list[tuple[int, float]] = []

    def add(self, day: int, value: float) -> None:
        """Remember a scaled value for the days to come; days must grow."""
        self._nights.append((day, value))
        while self._nights[0][0] < day - WINDOW_DAYS - LAG_DAYS:
            del self._nights[0]

    def missed_by(self, day: int, off: float) -> None:
        """Remember how far a scaled value was from what was usual then; days must grow."""
        self._off.append((day, abs(off)))
        while self._off[0][0] < day - MISSES_DAYS:
            del self._off[0]

    def nights(self, day: int) -> list[float]:
        """Values of the four weeks that ended a week before ``day``."""
        end = day - LAG_DAYS
        return [value for at, value in self._nights if end - WINDOW_DAYS <= at < end]

    def usual(self, day: int) -> Usual | None:
        """Centre and spread for ``day``, None where fewer than seven nights are known.

        The spread is the MAD of the nights, or how far the last eight weeks were off their own baselines where
        that is more: the rate of some persons wanders. Both lean on the population's spread while nights are few.
        """
        values = self.nights(day)
        if len(values) < FEWEST_NIGHTS:
            return None
        centre = median(values)
        spread = self._towards_population([abs(value - centre) for value in values])
        if len(self._off) >= FEWEST_NIGHTS:
            spread = max(spread, self._towards_population([off for _, off in self._off]))
        return Usual(centre, spread, len(values))

    def _towards_population(self, off: list[float]) -> float:
        own = _MAD_TO_SD * median(off)
        count = len(off)
        variance = (count * own**2 + _PRIOR_NIGHTS * self.feature.spread**2) / (count + _PRIOR_NIGHTS)
        return float(variance**0.5)
