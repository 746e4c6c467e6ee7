"""Steps at the wrist: a cadence followed second by second, and the steps it adds up to."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from vigie_signal._hmm import FixedLag
from vigie_signal._inputs import as_acc_or_length, as_rate_hz
from vigie_signal._resample import DELAY_S, Float32, Resampler

Float64 = npt.NDArray[np.float64]

_RATE_HZ = 25
_WINDOW = 128
_TRANSFORM = 512
_CADENCES: Float32 = np.arange(60, 215, 2.5, dtype=np.float32)
_LOOK_AHEAD = 30
_LEAST_PRESENT = 0.5
_SHORTEST_S = 5
_CHUNK = 4096
_STOP, _START, _JUMP = 0.005, 0.01, 0.01
"""Probability a second that a walk ends, that one begins, and that a walker changes to any other cadence.

Set by hand: the recordings learned from begin and end walking.
"""
_SWAY, _BEAT = 50, 38
"""Samples over which the slow part of the length is averaged, and over which the power of the rest is."""
_LEAST_OF_BOUT = 0.5
_LONG_WINDOW = 256
_STRIKE_G = 0.25
_REGULAR, _LEAST_REGULAR = 0.9, 0.4
"""A bout is a walk if in its most regular tenth two fifths of its power repeat after two steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps taken.

    Attributes
    ----------
    total : int
        Steps in all.
    time_s : float64 [seconds]
        Start of each second, from the first sample.
    cadence : float64 [seconds]
        Steps per minute in that second, 0 where there is no walking of 5 s and more, less where only a part
        of the second is walked; their sum is 60 times ``total``, but for rounding.
    """

    total: int
    time_s: Float64
    cadence: Float64


def count_steps(acc: npt.ArrayLike, *, rate_hz: float) -> Steps:
    """Count steps.

    Each second is seen in a 5 s spectrum of the acceleration's length and of its axes. A small perceptron, the
    same for every cadence, says how much each cadence from 60 to 212 a minute looks like walking; a hidden Markov
    model follows it and tells walking from rest. It was trained on counted totals alone. Walking is recognised by
    its harmonics as in [1]_. A bout that never repeats itself over two steps is housework, not a walk; its standing
    beginning, end and stops are left out. Shuffling below 60 steps a minute is not counted: at the wrist it is too
    much like housework.

    Parameters
    ----------
    acc : array_like [3, n] or [n]
        Acceleration in g, axes in any orientation, or only its length; NaN where samples are missing.
    rate_hz : float
        Sampling rate in Hz.

    Returns
    -------
    Steps

    Raises
    ------
    ValueError
        If the shape or the rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] M. Straczkiewicz, E. J. Huang, J.-P. Onnela, A "one-size-fits-most" walking recognition method for
       smartphones, smartwatches, and wearable accelerometers, npj Digit. Med. 6, 29, 2023,
       doi:10.1038/s41746-022-00745-z
    """
    raw = as_acc_or_length(acc)
    duration_s = raw.shape[1] / as_rate_hz("rate_hz", rate_hz)
    seconds = int(duration_s)
    if seconds == 0:
        return Steps(0, np.empty(0), np.empty(0))
    grid = even(raw, rate_hz)
    present = np.logical_and.reduce(np.isfinite(grid), axis=0)
    usable = present[: seconds * _RATE_HZ].reshape(seconds, _RATE_HZ).mean(axis=1) > _LEAST_PRESENT
    follower = FixedLag(_transition(), _LOOK_AHEAD)
    parts = [
        follower.push(_likelihood(features(grid, first, min(_CHUNK, seconds - first))), known)[0]
        for first in range(0, seconds, _CHUNK)
        for known in (usable[first : first + _CHUNK],)
    ]
    posterior = np.concatenate([*parts, follower.finish()[0]])
    walking = 1 - posterior[:, 0]
    mean: Float64 = (posterior[:, 1:] @ _CADENCES).astype(np.float64) / np.maximum(walking, 1e-9)
    quick = _quick(grid)
    walked = _regular(_bouts(usable & (walking > 0.5)), mean, quick)
    cadence = np.where(walked, mean * _share(walked, quick), 0)
    # the last second stands for what is cut off of it
    total = float(cadence.sum()) / 60 + float(cadence[-1]) / 60 * (duration_s - seconds)
    return Steps(round(total), np.arange(seconds, dtype=np.float64), cadence)


def _bouts(walking: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """``walking`` without bouts too short to be a walk."""
    return np.asarray(ndimage.binary_opening(walking, np.ones(_SHORTEST_S, np.bool_)), dtype=np.bool_)


def _regular(walked: npt.NDArray[np.bool_], cadence: Float64, quick: Float32) -> npt.NDArray[np.bool_]:
    """``walked`` without the bouts that never repeat themselves from one pair of steps to the next."""
    walked = walked.copy()
    for (seconds,) in ndimage.find_objects(ndimage.label(walked)[0]):
        firsts = range(seconds.start, seconds.stop, _CHUNK)
        alike = [_alike(quick, first, cadence[first : min(first + _CHUNK, seconds.stop)]) for first in firsts]
        if np.quantile(np.concatenate(alike), _REGULAR) < _LEAST_REGULAR:
            walked[seconds] = False
    return walked


def _alike(quick: Float32, first: int, cadence: Float64) -> Float64:
    """Autocorrelation of 10 s about each second from ``first`` on at two steps of its ``cadence``.

    Large swings are bounded, as one of them would hide the steps of 10 s.
    """
    begin = first * _RATE_HZ + _RATE_HZ // 2 - _LONG_WINDOW // 2
    end = begin + (len(cadence) - 1) * _RATE_HZ + _LONG_WINDOW
    span = _mirrored(quick[None], begin, end)[0]
    bounded = span / np.sqrt(1 + (span / _STRIKE_G) ** 2)
    seen = np.lib.stride_tricks.sliding_window_view(bounded, _LONG_WINDOW)[::_RATE_HZ]
    view = seen - seen.mean(axis=1, keepdims=True)
    taper = np.hanning(_LONG_WINDOW + 2)[1:-1].astype(np.float32)
    spectrum = fft.rfft(np.concatenate([view, np.ones_like(view[:1])]) * taper, _TRANSFORM, axis=1)
    power: Float64 = np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float64)
    power[:, 1:-1] *= 2
    turn: Float64 = np.arange(_TRANSFORM // 2 + 1, dtype=np.float64) * (2 * np.pi / _TRANSFORM)
    cosine = np.cos(2 * 60 * _RATE_HZ / cadence[:, None] * turn)
    of_taper = cosine @ power[-1] / power[-1].sum()
    alike = (power[:-1] * cosine).sum(axis=1) / (power[:-1].sum(axis=1) + 1e-2) / of_taper
    return np.asarray(alike, dtype=np.float64)


def _share(walked: npt.NDArray[np.bool_], quick: Float32) -> Float64:
    """Share of each second of a bout in which it is at least half as strong as in the bout's median.

    A spectrum of 5 s reaches beyond the first and the last step of a bout, and over short stops.
    """
    power = np.maximum(ndimage.uniform_filter1d(quick**2, _BEAT, mode="nearest"), 0)
    share = np.zeros(walked.size)
    for (seconds,) in ndimage.find_objects(ndimage.label(walked)[0]):
        part = power[seconds.start * _RATE_HZ : seconds.stop * _RATE_HZ]
        strong = part > _LEAST_OF_BOUT**2 * np.median(part)
        share[seconds] = strong.reshape(-1, _RATE_HZ).mean(axis=1)
    return share


def _quick(grid: Float32) -> Float32:
    """The acceleration's length without its slow part: ``[n]`` in g."""
    length = _length(grid)[0]
    slow = ndimage.uniform_filter1d(length, _SWAY, mode="nearest")
    return np.asarray(length - slow, dtype=np.float32)


def _length(grid: Float32) -> Float32:
    """Length ``[1, n]`` of the acceleration in g, less 1; 0 where it is missing."""
    known = np.nan_to_num(grid, nan=0.0)
    length = np.sqrt((known**2).sum(axis=0, keepdims=True)) if len(grid) == 3 else known
    missing = ~np.logical_and.reduce(np.isfinite(grid), axis=0)
    return np.asarray(np.where(missing, 0, np.clip(length - 1, -3, 3)), dtype=np.float32)


def even(raw: Float32, rate_hz: float) -> Float32:
    """``raw [axes, n]`` on the grid without delay, its last value held to the end."""
    held = np.repeat(raw[:, -1:], int(2 * DELAY_S * rate_hz) + 2, axis=1)
    grid = Resampler(len(raw), rate_hz, _RATE_HZ).push(np.concatenate([raw, held], axis=1))
    begin = round(DELAY_S * _RATE_HZ)
    return grid[:, begin : begin + round(raw.shape[1] / rate_hz * _RATE_HZ)]


def features(grid: Float32, first: int, count: int) -> Float32:
    """``[count, cadences, 14]`` of the seconds from ``first`` on of ``grid [3 or 1, n]`` in g at 25 Hz.

    Log power at each cadence and its multiples in the acceleration's length, the same in its axes, the same as
    shares of the length's variance, its standard deviation and the cadence.
    """
    begin = first * _RATE_HZ + _RATE_HZ // 2 - _WINDOW // 2
    end = begin + (count - 1) * _RATE_HZ + _WINDOW
    span = _mirrored(grid, begin, end)
    power, variance = _power(_length(span))
    axes, _ = _power(np.nan_to_num(span, nan=0.0)) if len(grid) == 3 else (power, variance)
    share = power / (variance[:, None] * _WINDOW + 1e-3)
    single, double, half, more, triple = _multiples()
    columns = [np.log10(power @ at / _WINDOW + 1e-5) + 3 for at in (single, double, half, more, triple)]
    columns += [np.log10(axes @ at / _WINDOW + 1e-5) + 3 for at in (single, double, half, more)]
    columns += [np.log10(share @ at + 0.01) for at in (single, double, half)]
    moving = np.log10(np.sqrt(variance) + 0.003) + 1.2
    columns.append(np.broadcast_to(moving[:, None], columns[0].shape))
    columns.append(np.broadcast_to(2 * np.log(_CADENCES / 110), columns[0].shape))
    return np.stack(columns, axis=2).astype(np.float32)


def _mirrored(signal: Float32, begin: int, end: int) -> Float32:
    """``signal[:, begin:end]``, mirrored beyond its ends."""
    n = signal.shape[1]
    index = np.abs(np.arange(begin, end, dtype=np.intp))
    index = np.where(index > n - 1, 2 * (n - 1) - index, index)
    return signal[:, np.clip(index, 0, n - 1)]


def _power(span: Float32) -> tuple[Float32, Float32]:
    """Power spectra ``[seconds, bins]`` of windows of ``span [axes, n]``, and their variance, axes added."""
    seen = np.lib.stride_tricks.sliding_window_view(span, _WINDOW, axis=1)[:, ::_RATE_HZ]
    view = np.subtract(seen, seen.mean(axis=2, keepdims=True), dtype=np.float32)
    taper = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
    spectrum = fft.rfft(view * taper, _TRANSFORM, axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=0) / float((taper**2).sum())
    return power.astype(np.float32), (view**2).mean(axis=2).sum(axis=0).astype(np.float32)


@cache
def _multiples() -> tuple[Float32, ...]:
    """Linear interpolation from bins to 1, 2, 1/2, 3/2 and 3 times the cadences."""
    bin_per_minute = 60 * _RATE_HZ / _TRANSFORM
    out: list[Float32] = []
    for factor in (1, 2, 0.5, 1.5, 3):
        wanted = factor * _CADENCES / bin_per_minute
        below = np.floor(wanted).astype(int)
        matrix = np.zeros((_TRANSFORM // 2 + 1, wanted.size), np.float32)
        matrix[below, np.arange(wanted.size)] = 1 - (wanted - below)
        matrix[below + 1, np.arange(wanted.size)] = wanted - below
        out.append(matrix)
    return tuple(out)


@cache
def _weights() -> dict[str, npt.NDArray[np.float32]]:
    with as_file(files("vigie_signal") / "steps.npz") as path, np.load(path) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def _likelihood(found: Float32) -> Float32:
    """Likelihood ``[seconds, 1 + cadences]`` of no walking and of each cadence, 1 at the best."""
    w = _weights()
    score = found @ w["w0"] + np.tanh(found @ w["W1"] + w["b1"]) @ w["W2"] + w["b0"]
    score = np.concatenate([np.zeros((len(score), 1), np.float32), score], axis=1)
    return np.asarray(np.exp(score - score.max(axis=1, keepdims=True)), dtype=np.float32)


@cache
def _transition() -> Float32:
    log_drift = float(_weights()["tr"][0])
    drift = np.exp(-np.abs(_CADENCES[None, :] - _CADENCES[:, None]) / np.exp(log_drift))
    drift = (1 - _JUMP) * drift / drift.sum(axis=1, keepdims=True) + _JUMP / _CADENCES.size
    out = np.empty((_CADENCES.size + 1, _CADENCES.size + 1))
    out[0, 0], out[0, 1:] = 1 - _START, _START / _CADENCES.size
    out[1:, 0], out[1:, 1:] = _STOP, (1 - _STOP) * drift
    return out.astype(np.float32)
