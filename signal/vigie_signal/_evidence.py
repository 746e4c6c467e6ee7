"""What an 8 s window says about the heart rate: motion out, spectra, one likelihood a rate.

The regression of the PPG on lagged accelerometer axes is the linear form of motion cancellation; it is
trusted only as far as motion explains the PPG, because with little motion it removes the pulse instead.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vigie_signal._grid import RATE_HZ
from vigie_signal._resample import Float32

_Sample = TypeVar("_Sample", np.float32, np.bool_)

WINDOW = 200
STEP = 50
HISTORY = 12
"""Grid samples of acceleration needed before a window."""

RATES_BPM: Float32 = np.arange(40, 216, dtype=np.float32)
"""The heart rates considered."""

_SHORT_LAGS = range(0, 5)
_LONG_LAGS = range(0, 13, 2)
_RIDGE = 0.03
_MOTION_EXPLAINS = 0.3
_MOTION_WIDTH = 0.05
_USABLE = 0.6
_FLOOR = 0.3


def _transform() -> Float32:
    phase = 2 * np.pi * np.outer(np.arange(WINDOW) / RATE_HZ, RATES_BPM / 60)
    taper = np.hanning(WINDOW + 2)[1:-1, None]
    return np.asarray(np.concatenate([np.cos(phase), np.sin(phase)], axis=1) * taper, dtype=np.float32)


_TRANSFORM = _transform()


def windows(signal: npt.NDArray[_Sample], count: int, delay: int = 0) -> npt.NDArray[_Sample]:
    """``[channels, HISTORY + n]`` as ``[count, channels, WINDOW]`` each ``STEP``, ``delay`` samples back."""
    view = np.lib.stride_tricks.sliding_window_view(signal, WINDOW, axis=1)
    return view[:, HISTORY - delay :: STEP][:, :count].transpose(1, 0, 2)


def likelihood(
    ppg: Float32, valid: npt.NDArray[np.bool_], acc: Float32, count: int
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Likelihood of each of ``RATES_BPM`` in ``count`` windows, and which windows have a usable PPG.

    ``ppg`` and ``valid`` are ``[channels, HISTORY + n]``, ``acc`` is ``[3, HISTORY + n]``, band-passed.
    """
    raw = np.ascontiguousarray(windows(ppg, count))
    seen = windows(valid, count).mean(axis=2) >= _USABLE
    energy = (raw * raw).sum(axis=2)
    seen &= energy > 0
    lags = {lag: windows(acc, count, lag) for lag in sorted({*_SHORT_LAGS, *_LONG_LAGS})}
    short = _without_motion(raw, np.concatenate([lags[lag] for lag in _SHORT_LAGS], axis=1))
    long = _without_motion(raw, np.concatenate([lags[lag] for lag in _LONG_LAGS], axis=1))
    channels = np.maximum(seen.sum(axis=1), 1)
    left = (short * short).sum(axis=2) / np.where(seen, energy, 1)
    explained = 1 - np.where(seen, left, 0).sum(axis=1) / channels
    motion = 1 / (1 + np.exp(-(explained - _MOTION_EXPLAINS) / _MOTION_WIDTH))
    shares = [1 - motion, 0.3 + 0.2 * motion, 0.1 + 0.4 * motion]
    power = [
        (_spectrum(view) * seen[:, :, None]).sum(axis=1) * (share / channels)[:, None]
        for view, share in zip((raw, short, long), shares, strict=True)
    ]
    total = sum(power[1:], power[0]) * (RATES_BPM.size / (shares[0] + shares[1] + shares[2]))[:, None]
    usable = seen.any(axis=1)
    return np.where(usable[:, None], total + _FLOOR, 1).astype(np.float32), usable


def _without_motion(ppg: Float32, motion: Float32) -> Float32:
    """Residual of ``ppg [count, channels, WINDOW]`` on ``motion [count, p, WINDOW]`` leaves."""
    gram = motion @ motion.transpose(0, 2, 1)
    size = gram.shape[1]
    ridge = _RIDGE * np.trace(gram, axis1=1, axis2=2) / size
    gram += np.where(ridge > 0, ridge, 1).astype(np.float32)[:, None, None] * np.eye(size, dtype=np.float32)
    weights = np.linalg.solve(gram, motion @ ppg.transpose(0, 2, 1))
    return np.asarray(ppg - weights.transpose(0, 2, 1) @ motion, dtype=np.float32)


def _spectrum(view: Float32) -> Float32:
    """Power at ``RATES_BPM`` of each window and channel, as shares of their sum."""
    parts = view @ _TRANSFORM
    power = parts[..., : RATES_BPM.size] ** 2 + parts[..., RATES_BPM.size :] ** 2
    return np.asarray(power / np.maximum(power.sum(axis=2, keepdims=True), 1e-30), dtype=np.float32)
