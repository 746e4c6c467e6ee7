"""Sums that grow while days are off towards a warning, and forget while they are not."""

from collections.abc import Mapping

from vigie_signal.assessment import Sensitivity

_CEILING = 1.25
"""How far a sum grows beyond its limit, so that it comes down again in time."""
_EFFORT_AT_MOST = 0.99


class Sums:
    """The three one-sided sums of `Sensitivity`."""

    def __init__(self, sensitivity: Sensitivity) -> None:
        self._sensitivity = sensitivity
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what was added."""
        self._slide = self._leap = self._effort = 0.0

    def add(self, tonight: float, kinds: Mapping[str, float]) -> None:
        """Add a day: how far it is off in all, and how far each kind of feature is, in standard deviations."""
        limits = self._sensitivity
        leap = max(tonight, kinds["rate"])
        self._slide = self._grown(self._slide + tonight - limits.slide_drift, limits.slide_limit)
        self._leap = self._grown(self._leap + leap - limits.leap_drift, limits.leap_limit)
        if "effort" in kinds:
            self._effort = self._grown(
                self._effort + kinds["effort"] - limits.effort_drift, limits.effort_limit
            )

    def _grown(self, total: float, limit: float) -> float:
        return min(max(total, 0.0), _CEILING * self._sensitivity.decompensation * limit)

    @property
    def score(self) -> float:
        """The largest sum, in parts of its limit."""
        limits = self._sensitivity
        # few steps are a reason to ask, never a decompensation by themselves
        effort = min(self._effort / limits.effort_limit, _EFFORT_AT_MOST * limits.decompensation)
        return max(self._slide / limits.slide_limit, self._leap / limits.leap_limit, effort)
