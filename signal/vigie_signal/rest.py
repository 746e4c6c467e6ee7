"""Long rest, as in bed: spans in which the forearm hardly changes its direction."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vigie_signal._inputs import as_acc, as_rate_hz

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_EPOCH_S = 5
_SMOOTH_EPOCHS = 61
_FACTOR, _LOWEST_DEG, _HIGHEST_DEG = 15.0, 0.13, 0.5
_SHORTEST_EPOCHS = 30 * 60 // _EPOCH_S
_LONGEST_BREAK_EPOCHS = 60 * 60 // _EPOCH_S
_LEAST_PRESENT = 0.5


@dataclass(frozen=True, slots=True)
class Rest:
    """A span of rest, seconds from the first sample."""

    start_s: float
    stop_s: float


def rest_periods(acc: npt.ArrayLike, *, rate_hz: float) -> list[Rest]:
    """Find spans of rest of half an hour and more.

    The direction of gravity is taken every 5 s; where the median over 5 minutes of how much it turns stays under 15
    times its tenth percentile, within 0.13 to 0.5 degrees, the arm rests; breaks under an hour belong to the rest.
    This is the heuristic of van Hees for the sleep period [1]_, with the turn in space instead of about one axis,
    so that the orientation of the sensor does not matter. A bracelet on a table rests too: ask `worn`.

    Parameters
    ----------
    acc : array_like [3, n]
        Acceleration in g, axes in any orientation; NaN where samples are missing, which is no rest.
    rate_hz : float
        Sampling rate in Hz.

    Returns
    -------
    list of Rest
        In order of time.

    Raises
    ------
    ValueError
        If the shape or the rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] V. T. van Hees et al., Estimating sleep parameters using an accelerometer without sleep diary,
       Sci. Rep. 8, 12975, 2018, doi:10.1038/s41598-018-31266-z
    """
    turn_deg = _turns(as_acc(acc), as_rate_hz("rate_hz", rate_hz))
    known = np.isfinite(turn_deg)
    if known.sum() < _SHORTEST_EPOCHS:
        return []
    smooth = ndimage.median_filter(np.where(known, turn_deg, 180.0), _SMOOTH_EPOCHS, mode="nearest")
    limit = float(np.clip(_FACTOR * np.quantile(smooth[known], 0.1), _LOWEST_DEG, _HIGHEST_DEG))
    spans = [span for span in _runs((smooth < limit) & known) if span[1] - span[0] >= _SHORTEST_EPOCHS]
    joined: list[tuple[int, int]] = []
    for a, b in spans:
        if joined and a - joined[-1][1] < _LONGEST_BREAK_EPOCHS and known[joined[-1][1] : a].all():
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return [Rest(float(a * _EPOCH_S), float(b * _EPOCH_S)) for a, b in joined]


def _turns(axes: npt.NDArray[np.float32], rate_hz: float) -> Float64:
    """Degrees by which gravity's direction turns from each 5 s to the next, NaN where unknown."""
    count = int(axes.shape[1] / rate_hz / _EPOCH_S)
    edges = np.round(np.arange(count + 1, dtype=np.float64) * _EPOCH_S * rate_hz).astype(np.intp)
    axes = axes[:, : edges[-1]]
    if count == 0:
        return np.empty(0)
    there = np.logical_and.reduce(np.isfinite(axes), axis=0)
    samples = np.add.reduceat(there.astype(np.float64), edges[:-1])
    total = np.add.reduceat(np.where(there, axes, 0).astype(np.float64), edges[:-1], axis=1)
    length = np.sqrt((total**2).sum(axis=0))
    direction = total / np.where(length > 0, length, 1)
    direction[:, (samples < _LEAST_PRESENT * np.diff(edges)) | (length == 0)] = np.nan
    # the chord, because the arc cosine loses small angles
    chord = np.sqrt((np.diff(direction, axis=1) ** 2).sum(axis=0))
    turned = np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1)))
    return np.concatenate([turned, turned[-1:]]) if turned.size else np.full(count, np.nan)


def _runs(state: Bool) -> list[tuple[int, int]]:
    """Beginning and end of every run of True."""
    step = np.diff(np.concatenate([[0], state.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(step == 1).tolist(), np.flatnonzero(step == -1).tolist(), strict=True))
