"""When the bracelet was on a wrist: a pulse says yes, stillness without one says no."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vigie_signal._inputs import Float32, as_acc, as_ppg, as_rate_hz
from vigie_signal.heart_rate import track_heart_rate

Bool = npt.NDArray[np.bool_]

_EPOCH_S = 30
_STILL_G = 0.013
_SURE = 0.9
_PULSE_SHARE = 0.6
_SHORTEST_EPOCHS = 4
_LOOK_AHEAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Wear:
    """A span on or off the wrist, seconds from the first sample."""

    start_s: float
    stop_s: float
    on_wrist: bool


def worn(ppg: npt.ArrayLike, acc: npt.ArrayLike, *, ppg_rate_hz: float, acc_rate_hz: float) -> list[Wear]:
    """Spans on and off the wrist, one after the other over the whole recording.

    Half a minute with a heart rate that the tracker is sure of is worn; one without, in which the axes move by
    less than 13 mg each [1]_ or nothing was measured, is not; what is between (motion without a sure pulse) goes with
    the last known half-minute before it, or the first after. Spans shorter than two minutes go with what surrounds
    them.

    Parameters
    ----------
    ppg : array_like [n] or [channels, n]
        One or more PPG channels in any unit and of either polarity; NaN where samples are missing.
    acc : array_like [3, m]
        Acceleration in g, axes in any orientation, starting with the PPG; NaN where samples are missing.
    ppg_rate_hz, acc_rate_hz : float
        Sampling rates in Hz.

    Returns
    -------
    list of Wear

    Raises
    ------
    ValueError
        If a shape or a rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] V. T. van Hees et al., PLoS ONE 8(4), 2013, doi:10.1371/journal.pone.0061691
    """
    channels, axes = as_ppg(ppg), as_acc(acc)
    duration_s = channels.shape[1] / as_rate_hz("ppg_rate_hz", ppg_rate_hz)
    track = track_heart_rate(
        channels, axes, ppg_rate_hz=ppg_rate_hz, acc_rate_hz=acc_rate_hz, lag_s=_LOOK_AHEAD_S
    )
    count = max(int(duration_s / _EPOCH_S), 1)
    epoch = np.minimum((track.time_s / _EPOCH_S).astype(np.intp), count - 1)
    windows = np.maximum(np.bincount(epoch, minlength=count), 1)
    pulse = np.bincount(epoch, weights=track.confidence >= _SURE, minlength=count) / windows >= _PULSE_SHARE
    edges_s: npt.NDArray[np.float64] = np.linspace(0, duration_s, count + 1, dtype=np.float64)
    still = np.array([_still(part) for part in _split(axes, edges_s * acc_rate_hz)])
    missing = np.array([not np.isfinite(part).any() for part in _split(channels, edges_s * ppg_rate_hz)])
    state = _settled(_decided(pulse, ~pulse & (still | missing)))
    return [Wear(float(edges_s[a]), float(edges_s[b]), bool(state[a])) for a, b in _spans(state)]


def _split(signal: Float32, edges: npt.NDArray[np.float64]) -> list[Float32]:
    at = np.round(edges).astype(int).tolist()
    return [signal[:, a:b] for a, b in pairwise(at)]


def _still(axes: Float32) -> bool:
    there = axes[:, np.isfinite(axes).all(axis=0)]
    return there.shape[1] == 0 or bool(np.sqrt(there.var(axis=1).sum()) < _STILL_G * np.sqrt(3))


def _decided(on: Bool, off: Bool) -> Bool:
    """Each half-minute as the last known one says, or the first known where there is none before; else on."""
    known = np.flatnonzero(on | off)
    if known.size == 0:
        return np.ones(on.size, np.bool_)
    last = np.searchsorted(known, np.arange(on.size, dtype=np.intp), side="right") - 1
    return on[known[np.maximum(last, 0)]]


def _settled(state: Bool) -> Bool:
    """``state`` without spans that are too short, the shortest first."""
    state = state.copy()
    while True:
        spans = _spans(state)
        a, b = min(spans, key=lambda span: span[1] - span[0])
        if len(spans) == 1 or b - a >= _SHORTEST_EPOCHS:
            return state
        state[a:b] = not state[a]


def _spans(state: Bool) -> list[tuple[int, int]]:
    """Beginning and end of every run of equal values."""
    cuts = [0, *(np.flatnonzero(state[1:] != state[:-1]) + 1).tolist(), state.size]
    return list(pairwise(cuts))
