"""What an 8 s window shows of every heart rate: spectra before and after motion is regressed out.

The regression of the PPG on lagged accelerometer axes is the linear form of motion cancellation. Fitted on
the window alone it follows the arm; fitted on 16 s it eats less of the pulse. Both are shown beside the
untouched PPG, with how much of it the motion explains, and what to believe is left to the model.
"""

from functools import cache
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
from scipy import fft

from vigie_signal._grid import RATE_HZ
from vigie_signal._resample import Float32

_Sample = TypeVar("_Sample", np.float32, np.bool_)

WINDOW = 200
STEP = 50
HISTORY = 250
"""Grid samples needed before a window: a longer fit, and its lags."""

_TRANSFORM = 400
"""Length of the transform: zero-padding to twice the window keeps everything that its power holds."""

_BIN_BPM = 60 * RATE_HZ / _TRANSFORM
RATES_BPM: Float32 = (0.5 * _BIN_BPM * np.arange(19, 116)).astype(np.float32)
"""The heart rates considered, 36 to 216 bpm, two to a bin of the transform."""

_LAGS = range(0, 13, 3)
_RIDGE = 0.03
_FIT_BLOCKS = (4, 8)
_USABLE = 0.6
_FLOOR = 0.1


def features(
    ppg: Float32, valid: npt.NDArray[np.bool_], acc: Float32, count: int
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Features ``[count, rates, 19]`` of ``count`` windows, and which windows have a usable PPG.

    ``ppg`` and ``valid`` are ``[channels, HISTORY + n]``, ``acc`` is ``[3, HISTORY + n]``, band-passed, and
    the first window begins at ``HISTORY``. Per rate: log power at it, at twice and at half of it, in the PPG,
    in what the two fits leave of it, in the last 5 s of that, and in the acceleration; per window: the shares
    that motion explains, log motion in g, log rate.
    """
    samples = HISTORY + WINDOW + (count - 1) * STEP
    ppg, valid, acc = ppg[:, :samples], valid[:, :samples], acc[:, :samples]
    raw = _windows(ppg, count)
    energy = np.einsum("ncs,ncs->nc", raw, raw)
    seen = (_windows(valid, count).mean(axis=2) >= _USABLE) & (energy > 0)
    share = (seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    motion = np.concatenate([acc[:, STEP - lag : samples - lag] for lag in _LAGS])
    moved = _windows(motion, count, HISTORY - STEP)
    left = [
        np.subtract(raw, weight @ moved, dtype=np.float32) for weight in _fits(motion, ppg[:, STEP:], count)
    ]
    explained = [
        1 - (np.einsum("ncs,ncs->nc", part, part) / np.where(seen, energy, 1) * share).sum(axis=1)
        for part in left
    ]
    arm = moved[:, :3]
    power = _power([raw, *left, left[-1]], arm, share) @ _at_rates()
    size = RATES_BPM.size
    out = np.empty((count, 19, size), np.float32)
    out[:, :15] = (np.log(np.maximum(power, 0) + _FLOOR) / 1.5).reshape(count, 15, size)
    motion_g = np.sqrt(np.einsum("ncs,ncs->n", arm, arm) / WINDOW)
    context = [*((part - 0.5) / 0.25 for part in explained), (np.log10(motion_g + 1e-4) + 1.5) / 0.7]
    out[:, 15:18] = np.clip(np.stack(context, axis=1), -3, 3)[:, :, None]
    out[:, 18] = np.log(RATES_BPM / 90) / 0.5
    return out.transpose(0, 2, 1), seen.any(axis=1)


def _windows(signal: npt.NDArray[_Sample], count: int, history: int = HISTORY) -> npt.NDArray[_Sample]:
    """``[channels, history + n]`` as ``[count, channels, WINDOW]``, one each ``STEP``."""
    view = np.lib.stride_tricks.sliding_window_view(signal[:, history:], WINDOW, axis=1)
    return np.ascontiguousarray(view[:, ::STEP][:, :count].transpose(1, 0, 2))


def _fits(motion: Float32, ppg: Float32, count: int) -> Float32:
    """Ridge weights ``[fits, count, channels, lags]`` of ``ppg`` on ``motion``, for each of ``_FIT_BLOCKS``.

    Products are summed once a block of ``STEP`` samples and shared by all the windows and fits over it.
    """
    both = np.concatenate([motion, ppg])
    blocks = np.ascontiguousarray(both.reshape(len(both), -1, STEP).transpose(1, 0, 2))
    products = blocks @ blocks.transpose(0, 2, 1)
    size = len(motion)
    last = len(products) - count
    sums = [
        sum(
            (products[last - back : last - back + count] for back in range(1, width)),
            products[last : last + count],
        )
        for width in _FIT_BLOCKS
    ]
    total = np.stack(sums)
    gram = total[..., :size, :size].copy()
    diagonal = np.arange(size, dtype=np.intp)
    mean = gram[..., diagonal, diagonal].mean(axis=2, keepdims=True)
    gram[..., diagonal, diagonal] += _RIDGE * mean + np.float32(1e-7)
    solved = cast(Float32, np.linalg.solve(gram, total[..., :size, size:]))
    return np.ascontiguousarray(solved.transpose(0, 1, 3, 2))


def _power(views: list[Float32], arm: Float32, share: Float32) -> Float32:
    """Power ``[count, views + 1, bins]`` of each view and of the arm, 1 on average over the rates considered.

    In a view ``[count, channels, WINDOW]`` each channel counts by its share whatever its amplitude; the axes of
    the arm are added as they are. The last view is seen through the short taper, the others through the long.
    """
    tapered = [view * _long_taper() for view in (arm, *views[:-1])]
    rows = np.concatenate([*tapered, views[-1] * _short_taper()], axis=1)
    spectrum = fft.rfft(rows, _TRANSFORM, axis=2)[..., : _bins()]
    power = spectrum.real**2 + spectrum.imag**2
    first, last = round(RATES_BPM[0] / _BIN_BPM), round(RATES_BPM[-1] / _BIN_BPM)
    mean = power[:, 3:, first : last + 1].mean(axis=2).reshape(len(rows), len(views), -1)
    seen = power[:, 3:].reshape(*mean.shape, -1)
    pulse = np.einsum("nvcb,nvc->nvb", seen, share[:, None] / np.maximum(mean, 1e-20))
    added = power[:, :3].sum(axis=1, keepdims=True)
    added /= np.maximum(added[..., first : last + 1].mean(axis=2, keepdims=True), 1e-20)
    return np.asarray(np.concatenate([pulse, added], axis=1), dtype=np.float32)


def _bins() -> int:
    return int(2 * RATES_BPM[-1] / _BIN_BPM) + 3


@cache
def _long_taper() -> Float32:
    return np.asarray(np.hanning(WINDOW + 2)[1:-1], dtype=np.float32)


@cache
def _short_taper() -> Float32:
    return np.concatenate([np.zeros(80), np.hanning(122)[1:-1]]).astype(np.float32)


@cache
def _at_rates() -> Float32:
    """Cubic interpolation ``[bins, 3 * rates]`` from bins to the rates, their doubles and their halves."""
    wanted = np.concatenate([RATES_BPM, 2 * RATES_BPM, 0.5 * RATES_BPM]) / _BIN_BPM
    below = np.floor(wanted).astype(int)
    u = wanted - below
    taps = [
        -u * (1 - u) * (2 - u) / 6,
        (1 + u) * (1 - u) * (2 - u) / 2,
        u * (1 + u) * (2 - u) / 2,
        -u * (1 + u) * (1 - u) / 6,
    ]
    out = np.zeros((_bins(), wanted.size), np.float32)
    for offset, tap in zip(range(-1, 3), taps, strict=True):
        out[below + offset, np.arange(wanted.size)] += tap
    return out
