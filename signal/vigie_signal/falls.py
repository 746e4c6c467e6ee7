"""Falls, from the acceleration of the wrist before, at and after every impact."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt
from scipy import signal

from vigie_signal._inputs import as_acc, as_rate_hz
from vigie_signal._resample import DELAY_S, Float32, Resampler

Float64 = npt.NDArray[np.float64]

_RATE_HZ = 25.0
_IMPACT_G = 1.5
_APART_S = 1.0
_AROUND_S = 2.5
_LEAST_PRESENT = 0.8
_REPORT = 0.5
_MERGE_S = 5.0
_STILL_G = 0.05


@dataclass(frozen=True, slots=True)
class Fall:
    """One fall.

    Attributes
    ----------
    time_s : float
        Impact, seconds from the first sample.
    score : float
        0.5 to 1: how likely a fall, had falls and daily activities been equally frequent.
    still_after_s : float
        How long the wrist lay still from one second after the impact, up to the end of the recording.
    """

    time_s: float
    score: float
    still_after_s: float


def detect_falls(acc: npt.ArrayLike, *, rate_hz: float) -> list[Fall]:
    """Detect falls.

    Each impact above 1.5 g is described by free fall before it, its size, turning and path of the wrist, and how
    still it was before and is after; a quadratic logistic regression, trained on part of the persons of
    WEDA-FALL [1]_ and on daily recordings, says how much of a fall that is. All is measured on one 25 Hz grid, so
    the sampling rate tells nothing. The falls learned from are those of young volunteers onto a mattress.

    Parameters
    ----------
    acc : array_like [3, n]
        Acceleration in g, axes in any orientation; NaN where samples are missing.
    rate_hz : float
        Sampling rate in Hz.

    Returns
    -------
    list of Fall
        In order of time; impacts within 5 s of a stronger score are part of it.

    Raises
    ------
    ValueError
        If the shape or the rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] J. Marques, P. Moreno, Online fall detection using wrist devices, Sensors 23(3), 1146, 2023,
       doi:10.3390/s23031146
    """
    grid, present = _grid(as_acc(acc), as_rate_hz("rate_hz", rate_hz))
    length = np.sqrt((grid**2).sum(axis=0))
    impacts = _impacts(length)
    reach = int(_AROUND_S * _RATE_HZ)
    impacts = impacts[[present[max(k - reach, 0) : k + reach].mean() >= _LEAST_PRESENT for k in impacts]]
    score = _score(features(grid, impacts))
    found: list[Fall] = []
    for k in np.argsort(-score, kind="stable"):
        time_s = float(impacts[k] / _RATE_HZ)
        if score[k] >= _REPORT and all(abs(time_s - fall.time_s) > _MERGE_S for fall in found):
            found.append(Fall(time_s, float(score[k]), _still_after_s(length, int(impacts[k]))))
    return sorted(found, key=lambda fall: fall.time_s)


def _grid(block: Float32, rate_hz: float) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """The acceleration on the grid without delay, gaps bridged, and where there were samples."""
    delay = round(DELAY_S * _RATE_HZ)
    grid = Resampler(3, rate_hz, _RATE_HZ).push(block)[:, delay:].astype(np.float64)
    present = np.logical_and.reduce(np.isfinite(grid), axis=0)
    if present.any():
        index = np.arange(present.size, dtype=np.float64)
        for row in grid:
            row[:] = np.interp(index, index[present], row[present])
    return grid, present


def _impacts(length: Float64) -> npt.NDArray[np.intp]:
    padded = np.pad(np.nan_to_num(length), 1)
    return signal.find_peaks(padded, height=_IMPACT_G, distance=int(_APART_S * _RATE_HZ))[0] - 1


def features(grid: Float64, impacts: npt.NDArray[np.intp]) -> Float64:
    """``[impacts, 16]`` of ``grid [3, n]`` in g at 25 Hz."""
    length = np.sqrt((grid**2).sum(axis=0))
    path = np.sqrt((np.diff(grid, axis=1, prepend=grid[:, :1]) ** 2).sum(axis=0))
    out = np.empty((impacts.size, 16))
    for row, impact in zip(out, impacts.tolist(), strict=True):

        def around(begin_s: float, end_s: float, at: int = impact) -> slice:
            begin = min(max(at + round(begin_s * _RATE_HZ), 0), length.size - 1)
            return slice(begin, max(min(at + round(end_s * _RATE_HZ), length.size), begin + 1))

        before, after = around(-2.5, -1), around(1, 2.5)
        down, up = grid[:, before].mean(axis=1), grid[:, after].mean(axis=1)
        size = float(np.sqrt((down**2).sum() * (up**2).sum())) + 1e-9
        near = length[around(-2, 2)]
        hit = length[around(-0.5, 0.5)]
        row[:] = (
            np.log(length[impact]),
            length[around(-1, 0)].min(),
            (length[around(-1, 0.1)] < 0.7).mean(),
            np.log(hit.max() - hit.min() + 0.01),
            np.log(length[after].std() + 0.005),
            np.log(length[around(2, 4)].std() + 0.005),
            np.arccos(np.clip((down * up).sum() / size, -1, 1)) / (np.pi / 2),
            np.log(length[before].std() + 0.005),
            np.log(path[around(-1, 0.5)].sum() + 0.01),
            np.log(path[after].sum() + 0.05),
            signal.find_peaks(near, height=1.3, distance=5)[0].size,
            0.5 * np.log(grid[:, after].var(axis=1).sum() + 1e-4),
            0.5 * np.log(grid[:, before].var(axis=1).sum() + 1e-4),
            np.abs(length[around(-1, 1)] - 1).mean(),
            np.log(path[around(-2.5, -0.8)].sum() + 0.05),
            np.log(np.sort(near)[-3:].mean()),
        )
    return out


def design(found: Float64, mean: Float64, spread: Float64) -> Float64:
    """Features in units of their spread, their squares and products, and a constant."""
    z = np.clip((found - mean) / spread, -4, 4)
    i, j = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, i] * z[:, j] / 2], axis=1)


@cache
def _weights() -> dict[str, Float64]:
    with as_file(files("vigie_signal") / "falls.npz") as path, np.load(path) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def _score(found: Float64) -> Float64:
    w = _weights()
    if len(found) == 0:
        return np.empty(0)
    return np.asarray(
        1 / (1 + np.exp(-design(found, w["mean"], w["spread"]) @ w["weight"])), dtype=np.float64
    )


def _still_after_s(length: Float64, impact: int) -> float:
    begin = impact + int(_RATE_HZ)
    if begin >= length.size:
        return 0.0
    moved = np.abs(length[begin:] - np.median(length[begin:])) > _STILL_G
    return float((moved.argmax() if moved.any() else moved.size) / _RATE_HZ)
