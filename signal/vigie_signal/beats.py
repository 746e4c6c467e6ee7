"""Single heart beats in a PPG, at rest to the millisecond, in motion as far as the acceleration allows."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal, special

from vigie_signal._inputs import as_acc, as_ppg, as_rate_hz
from vigie_signal._resample import DELAY_S, Float32, Resampler
from vigie_signal.heart_rate import track_heart_rate

Float64 = npt.NDArray[np.float64]

_RATE_HZ = 50.0
_BAND_HZ = (0.5, 8.0)
_LOOK_AHEAD_S = 30.0
_LAGS = range(-6, 19, 6)
_FIT = 800
_HOP = 200
_RIDGE = 0.03
_MOTION_EXPLAINS = 0.3
_IRREGULARITY = 4.0
_BRIDGE = 12
_SHAPE = 0.2
_ALIKE = 11
_SHORTEST, _LONGEST = 0.45, 2.2


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Heart beats.

    Attributes
    ----------
    time_s : float64 [beats]
        Steepest rise of each pulse, seconds from the first sample.
    quality : float64 [beats]
        Correlation of each pulse with the mean of those around it, 0 to 1; above 0.9 the shape repeats well.
    """

    time_s: Float64
    quality: Float64


def find_beats(
    ppg: npt.ArrayLike,
    acc: npt.ArrayLike | None = None,
    *,
    rate_hz: float,
    acc_rate_hz: float | None = None,
) -> Beats:
    """Find every heart beat of a recording.

    The tracked heart rate says how far apart beats should be; dynamic programming picks, among all upstrokes, the
    chain that is both steep and evenly spaced [1]_. Polarity is found from the upstroke being the fastest part of
    a pulse. The whole recording is looked at, so this is for recordings, not for streams.

    Parameters
    ----------
    ppg : array_like [n] or [channels, n]
        One or more PPG channels in any unit and of either polarity; NaN where samples are missing.
    acc : array_like [3, m], optional
        Acceleration in g, starting with the PPG: with it beats are found in motion too.
    rate_hz, acc_rate_hz : float
        Sampling rates of PPG and acceleration in Hz.

    Returns
    -------
    Beats

    Raises
    ------
    ValueError
        If a shape or a rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] D. P. W. Ellis, Beat tracking by dynamic programming, J. New Music Res. 36(1), 2007,
       doi:10.1080/09298210701653344
    """
    channels = as_ppg(ppg)
    track = track_heart_rate(channels, acc, ppg_rate_hz=rate_hz, acc_rate_hz=acc_rate_hz, lag_s=_LOOK_AHEAD_S)
    known = np.isfinite(track.bpm)
    if not known.any():
        return Beats(np.empty(0), np.empty(0))
    grid, present = _grid(channels, as_rate_hz("rate_hz", rate_hz))
    if acc is not None and acc_rate_hz is not None:
        motion, _ = _grid(as_acc(acc), acc_rate_hz)
        grid = np.stack([_without_motion(row, motion) for row in grid])
    time_s = np.arange(grid.shape[1], dtype=np.float64) / _RATE_HZ - DELAY_S
    bpm = np.interp(time_s, track.time_s[known], track.bpm[known])
    wave, period_s = _upright(_combined(grid, bpm / 60)), 60 / bpm
    slope = np.gradient(wave) * _RATE_HZ
    rises, height = _rises(slope, period_s, np.logical_or.reduce(present, axis=0))
    chosen = _chain(rises / _RATE_HZ, height, period_s[rises])
    picked = rises[chosen]
    position, quality = _aligned(slope, picked, period_s)
    return Beats(position / _RATE_HZ - DELAY_S, quality)


def _grid(block: Float32, rate_hz: float) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Band-passed without delay on an even grid, gaps bridged, and where there were samples."""
    grid = Resampler(len(block), rate_hz, _RATE_HZ).push(block).astype(np.float64)
    present = np.isfinite(grid)
    index = np.arange(grid.shape[1], dtype=np.float64)
    for row, there in zip(grid, present, strict=True):
        row[:] = np.interp(index, index[there], row[there]) if there.any() else 0
    sos = signal.butter(2, _BAND_HZ, "bandpass", fs=_RATE_HZ, output="sos")
    pad = min(int(3 * _RATE_HZ), grid.shape[1] - 1)
    return np.asarray(signal.sosfiltfilt(sos, grid, axis=1, padlen=pad), dtype=np.float64), present


def _without_motion(ppg: Float64, motion: Float64) -> Float64:
    """``ppg`` less what 16 s fits of lagged acceleration explain, where that is much."""
    n = min(ppg.size, motion.shape[1])
    lagged = np.concatenate([np.roll(motion[:, :n], lag, axis=1) for lag in _LAGS])
    out, weight = np.zeros(ppg.size), np.full(ppg.size, 1e-9)
    taper = np.hanning(2 * _HOP + 2)[1:-1]
    for start in range(-_HOP, n, _HOP):
        fit = slice(max(start + _HOP - _FIT // 2, 0), min(start + _HOP + _FIT // 2, n))
        apply = slice(max(start, 0), min(start + 2 * _HOP, n))
        if apply.stop <= apply.start:
            continue
        x = lagged[:, fit]
        gram = x @ x.T
        gram += (_RIDGE * np.trace(gram) / len(gram) + 1e-9) * np.eye(len(gram))
        weights = cast(Float64, np.linalg.solve(gram, x @ ppg[fit]))
        left = ppg[apply] - weights @ lagged[:, apply]
        explained = 1 - np.sum(left**2) / (np.sum(ppg[apply] ** 2) + 1e-30)
        trust = float(special.expit((explained - _MOTION_EXPLAINS) / 0.05))
        part = taper[apply.start - start : apply.stop - start]
        out[apply] += part * (trust * left + (1 - trust) * ppg[apply])
        weight[apply] += part
    out /= weight
    out[n:] = ppg[n:]
    return out


def _combined(channels: Float64, rate_hz: Float64) -> Float64:
    """First principal component of the channels, each scaled by how much of it follows the heart rate."""
    turn = np.exp(-2j * np.pi * np.cumsum(rate_hz) / _RATE_HZ)
    width = int(3 * _RATE_HZ)
    slow = ndimage.uniform_filter1d(channels * turn, width, axis=1)
    follows = np.mean(np.abs(slow) ** 2, axis=1) / np.maximum(np.mean(channels**2, axis=1), 1e-30)
    level = np.sqrt(np.maximum(ndimage.uniform_filter1d(channels**2, int(10 * _RATE_HZ), axis=1), 0))
    even = channels / np.maximum(level, 1e-3 * level.max(axis=1, keepdims=True) + 1e-30)
    even *= follows[:, None]
    _, vectors = np.linalg.eigh(even @ even.T)
    return np.asarray(vectors[:, -1] @ even, dtype=np.float64)


def _upright(wave: Float64) -> Float64:
    """The polarity in which the fastest change is a rise."""
    slope = np.gradient(wave)
    clipped = np.clip(slope, *np.quantile(slope, [0.005, 0.995]))
    return wave if np.mean(clipped**3) >= 0 else -wave


def _rises(
    slope: Float64, period_s: Float64, usable: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], Float64]:
    """Candidate upstrokes and their steepness, about 1 for a true one."""
    found, _ = signal.find_peaks(slope, height=0)
    found = found[usable[found]]
    if found.size == 0:
        return found, np.empty(0)
    width = int(2.5 * float(np.median(period_s)) * _RATE_HZ)
    steepest = ndimage.maximum_filter1d(slope, width)
    typical = ndimage.uniform_filter1d(steepest, 2 * width)
    return found, np.minimum(slope[found] / np.maximum(typical[found], 1e-30), 1.5)


def _chain(time_s: Float64, height: Float64, period_s: Float64) -> npt.NDArray[np.intp]:
    """Indices of the chain with the greatest sum of heights less the cost of uneven spacing."""
    total, before = height.copy(), np.full(time_s.size, -1)
    first = np.searchsorted(time_s, time_s - _LONGEST * period_s)
    last = np.searchsorted(time_s, time_s - _SHORTEST * period_s, side="right")
    for k in range(time_s.size):
        a, b = first[k], last[k]
        if a == b:
            if a > 0:  # across a gap the chain goes on, whatever the spacing
                earlier = max(a - _BRIDGE, 0)
                before[k] = earlier + int(total[earlier:a].argmax())
                total[k] += total[before[k]]
            continue
        uneven = np.log((time_s[k] - time_s[a:b]) / period_s[k])
        gain = total[a:b] - _IRREGULARITY * uneven**2
        best = int(gain.argmax())
        total[k], before[k] = height[k] + gain[best], a + best
    return _back(total, before)


def _back(total: Float64, before: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    if total.size == 0:
        return np.empty(0, np.intp)
    last = max(total.size - _BRIDGE, 0)
    chain = [last + int(total[last:].argmax())]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], np.intp)


def _aligned(slope: Float64, picked: npt.NDArray[np.intp], period_s: Float64) -> tuple[Float64, Float64]:
    """Positions of the beats, each shifted to where it fits the mean of those around it, and how well it fits."""
    if picked.size == 0:
        return np.empty(0), np.empty(0)
    position = picked.astype(np.float64)
    half = int(_SHAPE * float(np.median(period_s[picked])) * _RATE_HZ)
    fit = np.empty(0)
    for reach in (3, 2, 1):
        wide = _cut(slope, position, half + reach)
        template = ndimage.uniform_filter1d(_normal(wide[:, reach:-reach]), _ALIKE, axis=0, mode="nearest")
        template = _normal(template)
        match = np.stack(
            [
                (_normal(wide[:, shift : shift + 2 * half + 1]) * template).sum(axis=1)
                for shift in range(2 * reach + 1)
            ]
        )
        best = np.clip(match.argmax(axis=0), 1, 2 * reach - 1)
        row = np.arange(best.size, dtype=np.intp)
        left, mid, right = match[best - 1, row], match[best, row], match[best + 1, row]
        bend = left - 2 * mid + right
        vertex = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
        position += best - reach + np.clip(vertex, -1, 1)
        fit = mid
    return position, np.clip(fit, 0, 1)


def _cut(slope: Float64, position: Float64, half: int) -> Float64:
    """``slope`` around each position, ``[beats, 2 * half + 1]``."""
    at = position + np.arange(-half, half + 1)[:, None]
    return np.asarray(ndimage.map_coordinates(slope, [at.T], order=3, mode="nearest"), dtype=np.float64)


def _normal(shape: Float64) -> Float64:
    """Each row without its mean and of unit length."""
    centred = shape - shape.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(centred / np.maximum(length, 1e-30), dtype=np.float64)
