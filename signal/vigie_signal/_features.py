"""What an 8 s window shows of every heart rate: spectra before and after motion is regressed out.

The regression of the PPG on lagged accelerometer axes is the linear form of motion cancellation. Fitted on
the window alone it follows the arm; fitted on 16 s it eats less of the pulse. Both are shown beside the
untouched PPG, with how much of it the motion explains, and what to believe is left to the model.
"""

from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import fft

from vigie_signal._grid import RATE_HZ
from vigie_signal._resample import Float32

WINDOW = 200
STEP = 50
HISTORY = 250
"""Grid samples needed before a window: a longer fit, and its lags."""

_TRANSFORM = 400
"""Length of the transform: zero-padding to twice the window keeps everything that its power holds."""

_BIN_BPM = 60 * RATE_HZ / _TRANSFORM
RATES_BPM: Float32 = (0.5 * _BIN_BPM * np.arange(19, 116)).astype(np.float32)
"""The heart rates considered, 36 to 216 bpm, two to a bin of the transform."""

COUNT = 19
"""Features of a rate in a window."""

_LAGS = (3, 6, 9, 12, 0)
_LAGGED = 3 * len(_LAGS)
_RIDGE = 0.03
_USABLE = 0.6
_FLOOR = 0.1
_RECENT = 120
"""Grid samples at the end of a window that one view shows alone."""


def features(grid: Float32, count: int) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Features ``[count, COUNT, rates]`` of ``count`` windows, and which windows have a usable PPG.

    ``grid`` is ``[2 * channels + 3, HISTORY + n]``: the channels of the PPG, where each of them is valid (1, else
    0), the axes of the acceleration, all on the grid, band-passed; the first window begins at ``HISTORY``. Per
    rate: log power at it, at twice and at half of it, in the PPG, in what the two fits leave of it, in the last
    5 s of that, and in the acceleration; per window: the shares that motion explains, log motion in g, log rate.
    """
    channels = (len(grid) - 3) // 2
    samples = HISTORY + WINDOW + (count - 1) * STEP
    ppg, acc = grid[:channels, STEP:samples], grid[2 * channels :, :samples]
    both = np.concatenate([*(acc[:, STEP - lag : samples - lag] for lag in _LAGS), ppg])
    seen = _windows(both, count, HISTORY - STEP)
    moved, arm, raw = seen[:, :_LAGGED], seen[:, _LAGGED - 3 : _LAGGED], seen[:, _LAGGED:]
    energy = np.einsum("ncs,ncs->nc", raw, raw)
    valid = _windows(grid[channels : 2 * channels], count, HISTORY).sum(axis=2)
    counts = (valid >= _USABLE * WINDOW) & (energy > 0)
    share = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)

    explained = _fits(both).reshape(count, 2 * channels, _LAGGED) @ moved
    left = np.subtract(raw[:, None], explained.reshape(count, 2, channels, WINDOW))
    remains = np.einsum("nfcs,nfcs->nfc", left, left)
    kept = (remains / np.where(counts, energy, 1)[:, None] * share[:, None]).sum(axis=2)
    motion_g = np.sqrt(np.einsum("ncs,ncs->n", arm, arm) / WINDOW)

    rows = np.empty((count, 3 + 4 * channels, WINDOW), np.float32)
    np.multiply(seen[:, _LAGGED - 3 :], _taper(WINDOW), out=rows[:, : 3 + channels])
    np.multiply(left.reshape(count, -1, WINDOW), _taper(WINDOW), out=rows[:, 3 + channels : 3 + 3 * channels])
    np.multiply(left[:, 1, :, -_RECENT:], _taper(_RECENT), out=rows[:, 3 + 3 * channels :, -_RECENT:])
    rows[:, 3 + 3 * channels :, :-_RECENT] = 0
    power = _power(rows, share) @ _at_rates()

    out = np.empty((count, COUNT, RATES_BPM.size), np.float32)
    out[:, :15] = (np.log(np.maximum(power, 0) + _FLOOR) / 1.5).reshape(count, 15, -1)
    context = np.column_stack([(0.5 - kept) / 0.25, (np.log10(motion_g + 1e-4) + 1.5) / 0.7])
    out[:, 15:18] = np.clip(context, -3, 3)[:, :, None]
    out[:, 18] = _log_rates()
    return out, counts.any(axis=1)


def _windows(signal: Float32, count: int, first: int) -> Float32:
    """View ``[count, rows, WINDOW]`` of ``signal [rows, n]``: from ``first``, one each ``STEP``."""
    row, sample = signal.strides
    return np.lib.stride_tricks.as_strided(
        signal[:, first:], (count, len(signal), WINDOW), (STEP * sample, row, sample), writeable=False
    )


def _fits(both: Float32) -> Float32:
    """Ridge weights ``[count, 2, channels, lagged axes]`` of the PPG on the motion, over 8 s and over 16 s.

    ``both`` holds the motion's ``_LAGGED`` rows and then the PPG's. Products are summed once a block of ``STEP``
    samples and shared by all the windows and fits over it.
    """
    blocks = both.reshape(len(both), -1, STEP).transpose(1, 0, 2)
    products = blocks @ blocks.transpose(0, 2, 1)
    pairs = products[1:] + products[:-1]
    short = pairs[2:] + pairs[:-2]
    total = np.stack([short[4:], short[4:] + short[:-4]], axis=1)
    gram = total[..., :_LAGGED, :_LAGGED].copy()
    diagonal = np.einsum("nfll->nfl", gram)
    diagonal += (_RIDGE / _LAGGED) * np.add.reduce(diagonal, axis=2, keepdims=True) + np.float32(1e-7)
    solved = cast(Float32, np.linalg.solve(gram, total[..., :_LAGGED, _LAGGED:]))
    return solved.transpose(0, 1, 3, 2)


def _power(rows: Float32, share: Float32) -> Float32:
    """Power ``[count, 5, bins]`` of the four views of the PPG and of the arm, 1 on average over the rates considered.

    ``rows`` are the three axes of the arm and each view's channels, tapered. In a view each channel counts by its
    share whatever its amplitude; the axes of the arm are added as they are.
    """
    spectrum = fft.rfft(rows, _TRANSFORM, axis=2)[..., : _bins()]
    power = spectrum.real**2 + spectrum.imag**2
    first, last = round(RATES_BPM[0] / _BIN_BPM), round(RATES_BPM[-1] / _BIN_BPM)
    band = power[..., first : last + 1]
    mean = np.maximum(np.add.reduce(band, axis=2) / np.float32(band.shape[2]), np.float32(1e-20))
    views = power[:, 3:].reshape(len(rows), 4, -1, _bins())
    out = np.empty((len(rows), 5, _bins()), np.float32)
    np.einsum("nvcb,nvc->nvb", views, share[:, None] / mean[:, 3:].reshape(len(rows), 4, -1), out=out[:, :4])
    np.divide(power[:, :3].sum(axis=1), mean[:, :3].sum(axis=1)[:, None], out=out[:, 4])
    return out


def _bins() -> int:
    return int(2 * RATES_BPM[-1] / _BIN_BPM) + 3


@cache
def _taper(samples: int) -> Float32:
    return np.asarray(np.hanning(samples + 2)[1:-1], dtype=np.float32)


@cache
def _log_rates() -> Float32:
    return np.asarray(np.log(RATES_BPM / 90) / 0.5, dtype=np.float32)


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
