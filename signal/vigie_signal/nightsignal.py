"""NightSignal's published rule, the baseline that the early warning is measured against."""

from dataclasses import dataclass
from enum import IntEnum
from statistics import median

import numpy as np
import numpy.typing as npt


class Alert(IntEnum):
    """What the wearer is shown; ``UNKNOWN`` on a night without a measurement."""

    UNKNOWN = -1
    GREEN = 0
    YELLOW = 1
    RED = 2


class State(IntEnum):
    """The six states: how high the last night was, and the alert shown for it."""

    LOW = 0
    FIRST_YELLOW = 1
    FIRST_RED = 2
    YELLOW_AFTER_HIGH = 3
    RED_AFTER_YELLOW = 4
    RED_AFTER_RED = 5


_NEXT = {
    State.LOW: (State.LOW, State.FIRST_YELLOW, State.FIRST_RED),
    State.FIRST_YELLOW: (State.LOW, State.YELLOW_AFTER_HIGH, State.RED_AFTER_YELLOW),
    State.FIRST_RED: (State.LOW, State.YELLOW_AFTER_HIGH, State.RED_AFTER_RED),
    State.YELLOW_AFTER_HIGH: (State.LOW, State.YELLOW_AFTER_HIGH, State.RED_AFTER_YELLOW),
    State.RED_AFTER_YELLOW: (State.LOW, State.YELLOW_AFTER_HIGH, State.RED_AFTER_RED),
    State.RED_AFTER_RED: (State.LOW, State.YELLOW_AFTER_HIGH, State.RED_AFTER_RED),
}
_SHOWN = {
    State.LOW: Alert.GREEN,
    State.FIRST_YELLOW: Alert.GREEN,
    State.FIRST_RED: Alert.GREEN,
    State.YELLOW_AFTER_HIGH: Alert.YELLOW,
    State.RED_AFTER_YELLOW: Alert.YELLOW,
    State.RED_AFTER_RED: Alert.RED,
}


@dataclass(frozen=True, slots=True)
class NightSignalDay:
    """One night: the alert, the state behind it and the baseline in bpm (NaN before the first night)."""

    day: int
    alert: Alert
    state: State
    baseline_bpm: float


def night_signal(
    day: npt.ArrayLike, resting_bpm: npt.ArrayLike, *, yellow_bpm: float = 3.0, red_bpm: float = 4.0
) -> list[NightSignalDay]:
    """Apply NightSignal [1]_: red when two nights in a row are at least 4 bpm above the baseline.

    The baseline is the median of all nights so far, tonight's among them. A single missing night is taken as the
    mean of its neighbours once the second is known, a longer gap starts the rule anew. Averages are not cut to whole
    beats, as the authors' program does.

    Parameters
    ----------
    day : array_like [n]
        Whole day numbers, growing; days that are left out are missing nights.
    resting_bpm : array_like [n]
        Mean resting heart rate of each night in beats per minute, NaN where there is none.
    yellow_bpm, red_bpm : float
        How far above the baseline a night counts as yellow or red; the defaults are the published ones.

    Returns
    -------
    list of NightSignalDay
        One for every day from the first to the last.

    Raises
    ------
    ValueError
        If the shapes differ, the days do not grow, or yellow is above red.

    References
    ----------
    .. [1] A. Alavi et al., Real-time alerting system for COVID-19 and other stress events using wearable data,
       Nat. Med. 28, 175-184, 2022, doi:10.1038/s41591-021-01593-2
    """
    days = np.asarray(day, dtype=np.int64)
    values = np.asarray(resting_bpm, dtype=np.float64)
    if days.ndim != 1 or days.shape != values.shape:
        raise ValueError(f"day {days.shape} and resting_bpm {values.shape}: pass two arrays [n]")
    if np.any(np.diff(days) <= 0):
        raise ValueError("day does not grow: pass each day once, in order")
    if not yellow_bpm <= red_bpm:
        raise ValueError(
            f"yellow_bpm={yellow_bpm!r} above red_bpm={red_bpm!r}: pass them the other way round"
        )

    def height(above_bpm: float) -> int:
        return (above_bpm >= yellow_bpm) + (above_bpm >= red_bpm)

    rates = dict(zip(days.tolist(), values.tolist(), strict=True))
    nights: list[float] = []
    found: list[NightSignalDay] = []
    state, baseline_bpm = State.LOW, float("nan")
    missing = 0
    for number in range(int(days[0]), int(days[-1]) + 1) if days.size else ():
        bpm = rates.get(number, float("nan"))
        if not np.isfinite(bpm):
            missing += 1
            found.append(NightSignalDay(number, Alert.UNKNOWN, state, baseline_bpm))
            continue
        if missing == 1 and nights:
            between = (nights[-1] + bpm) / 2
            nights.append(between)
            state = _NEXT[state][height(between - median(nights))]
        elif missing > 1:
            state = State.LOW
        missing = 0
        nights.append(bpm)
        baseline_bpm = median(nights)
        state = _NEXT[state][height(bpm - baseline_bpm)]
        found.append(NightSignalDay(number, _SHOWN[state], state, baseline_bpm))
    return found
