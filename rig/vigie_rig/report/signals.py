"""What the report computes from a recording before it draws: pulse band, spectra, errors, envelopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from vigie_rig.report.recording import HeartRate

__all__ = [
    "Errors",
    "Spectrum",
    "break_at_gaps",
    "envelope",
    "errors_of",
    "gaps_in",
    "pulse_band",
    "spectrum",
]

Floats = NDArray[np.floating[Any]]

GRID_HZ: Final = 50.0
"""Enough for the pulse's shape, and half of what sensors deliver."""

SPECTRUM_HZ: Final = 25.0
SPECTRUM_WINDOW_S: Final = 8.0
SPECTRUM_BPM: Final = (30.0, 230.0)
SPECTRUM_FLOOR_DB: Final = -24.0
_MAX_COLUMNS: Final = 1500


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power of each window relative to its strongest line, as bytes: 0 is the floor, 255 the strongest.

    `level` is [bpm, time], `time_s` the window centres, evenly spaced.
    """

    time_s: Floats
    bpm: Floats
    level: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Errors:
    """Estimate minus reference at the reference's times, where both exist; shape [k] each."""

    time_s: Floats
    error_bpm: Floats
    confidence: Floats


def gaps_in(time_s: NDArray[Any]) -> NDArray[np.intp]:
    """The indices of the samples before which others are missing: a step of more than 2.5 usual steps."""
    if len(time_s) < 3:
        return np.empty(0, dtype=np.intp)
    steps = np.diff(np.asarray(time_s, dtype=np.float64))
    return np.flatnonzero(steps > 2.5 * np.median(steps)) + 1


def break_at_gaps(time_s: NDArray[Any], values: NDArray[Any]) -> tuple[Floats, Floats]:
    """Insert a NaN where samples are missing, so that no line is drawn over a gap.

    Returns time [k] and values [channels, k] in float32, exact for 24-bit counts.
    """
    time = np.asarray(time_s, dtype=np.float64)
    table = np.asarray(values, dtype=np.float32)
    gaps = gaps_in(time)
    broken = np.insert(table, gaps, np.nan, axis=1)
    return np.insert(time, gaps, (time[gaps - 1] + time[gaps]) / 2).astype(np.float32), broken


def envelope(time_s: Floats, values: Floats, *, bins: int) -> tuple[Floats, Floats]:
    """The minimum and the maximum of each of `bins` stretches of equal time, in turn.

    Whatever sticks out of a long recording still sticks out of its picture; an empty stretch is NaN. Shorter
    input is returned as it is. Returns time [2 * bins] and values [channels, 2 * bins].
    """
    if len(time_s) <= 2 * bins:
        return time_s, values
    start, stop = float(time_s[0]), float(time_s[-1])
    edges = np.linspace(start, stop, bins + 1)
    first = np.searchsorted(time_s, edges[:-1])
    filled = np.diff(np.append(first, len(time_s))) > 0
    out = np.full((len(values), bins, 2), np.nan, dtype=np.float32)
    low = np.where(np.isnan(values), np.inf, values)
    high = np.where(np.isnan(values), -np.inf, values)
    out[:, filled, 0] = np.minimum.reduceat(low, first[filled], axis=1)
    out[:, filled, 1] = np.maximum.reduceat(high, first[filled], axis=1)
    out[~np.isfinite(out)] = np.nan
    width = (stop - start) / bins
    time = np.stack([edges[:-1] + width / 4, edges[:-1] + 3 * width / 4], axis=1)
    return time.ravel().astype(np.float32), out.reshape(len(values), -1)


def pulse_band(time_s: NDArray[Any], ppg: NDArray[Any]) -> tuple[Floats, Floats] | None:
    """The PPG between 0.5 and 5 Hz in per cent of its own level, on an even grid of 50 Hz.

    The level is the running median of 3 s, smoothed. NaN where it is below 1 count (dark sensor), around
    jumps by more than a fifth within 1 s (put on, taken off), and in gaps. Zero-phase Butterworth, second
    order each way. None where there are less than 4 s. Returns time [k] and percent [channels, k].
    """
    even = _even(time_s, ppg, rate_hz=GRID_HZ)
    if even is None:
        return None
    time, table, missing = even
    hidden = np.broadcast_to(missing, table.shape).copy()
    relative = np.empty_like(table)
    sos = np.asarray(signal.butter(2, (0.5, 5.0), btype="bandpass", fs=GRID_HZ, output="sos"))
    second = round(GRID_HZ)
    for channel, values in enumerate(table):
        middle = np.asarray(ndimage.median_filter(values, size=3 * second, mode="nearest"))
        change = np.zeros(len(middle))
        size = np.log(np.maximum(middle, 1))
        change[second:] = np.abs(size[second:] - size[:-second])
        near_jump = np.convolve(change > np.log(1.2), np.ones(4 * second + 1), mode="same") > 0.5
        level = np.asarray(ndimage.uniform_filter1d(middle, size=3 * second, mode="nearest"))
        hidden[channel] |= (middle < 1) | near_jump
        relative[channel] = np.where(near_jump, 0, values / np.maximum(level, 1) - 1)
    percent = 100 * np.asarray(signal.sosfiltfilt(sos, relative, axis=1))
    percent[hidden] = np.nan
    return time, percent


def spectrum(time_s: NDArray[Any], values: NDArray[Any], *, silence: float) -> Spectrum | None:
    """Power spectra of 8 s Hann windows, summed over channels, each relative to its strongest line.

    A window whose strongest line is weaker than a sine of amplitude `silence` is drawn relative to that, so
    that mere noise stays pale; one with a gap is left at the floor. None where there is less than one window.
    """
    even = _even(time_s, values, rate_hz=SPECTRUM_HZ)
    if even is None:
        return None
    time, table, missing = even
    size = round(SPECTRUM_WINDOW_S * SPECTRUM_HZ)
    if len(time) < size:
        return None
    missing = missing | np.isnan(table).any(axis=0)
    sos = np.asarray(signal.butter(2, 0.4, btype="highpass", fs=SPECTRUM_HZ, output="sos"))
    moving = np.asarray(signal.sosfiltfilt(sos, np.nan_to_num(table), axis=1))
    hop = max(round(SPECTRUM_HZ / 2), -(-len(time) // _MAX_COLUMNS))
    starts = np.arange(0, len(time) - size + 1, hop)
    rows = starts[:, None] + np.arange(size)
    window = np.hanning(size)
    bins = 1024
    bpm = np.fft.rfftfreq(bins, 1 / SPECTRUM_HZ) * 60
    shown = (bpm >= SPECTRUM_BPM[0]) & (bpm <= SPECTRUM_BPM[1])
    power = np.zeros((len(starts), int(shown.sum())))
    for channel in moving:
        power += np.abs(np.fft.rfft(channel[rows] * window, bins, axis=1))[:, shown] ** 2
    power[missing[rows].any(axis=1)] = 0
    quiet = (silence * window.sum() / 2) ** 2
    relative: Floats = power / np.maximum(power.max(axis=1, keepdims=True), quiet)
    decibel: Floats = 10 * np.log10(np.maximum(relative, 10 ** (SPECTRUM_FLOOR_DB / 10)))
    level = np.round(255 * (1 - decibel / SPECTRUM_FLOOR_DB)).astype(np.uint8)
    return Spectrum(time[starts] + SPECTRUM_WINDOW_S / 2, bpm[shown], np.ascontiguousarray(level.T))


def errors_of(estimate: HeartRate, reference: HeartRate) -> Errors:
    """The estimate's error at each time of the reference, between estimates at most 4 s apart."""
    answered = np.isfinite(estimate.bpm)
    time = np.asarray(estimate.time_s, dtype=np.float64)[answered]
    wanted = np.asarray(reference.time_s, dtype=np.float64)
    wanted = wanted[np.isfinite(reference.bpm)]
    truth = np.asarray(reference.bpm, dtype=np.float64)[np.isfinite(reference.bpm)]
    if not len(time) or not len(wanted):
        nothing = np.empty(0)
        return Errors(nothing, nothing, nothing)
    confidence = np.ones(len(time)) if estimate.confidence is None else estimate.confidence[answered]
    after = np.clip(np.searchsorted(time, wanted), 0, len(time) - 1)
    before = np.where(time[after] > wanted, np.maximum(after - 1, 0), after)
    near = (time[after] - time[before] <= 4.0) & (wanted >= time[0] - 0.5) & (wanted <= time[-1] + 0.5)
    bpm = np.interp(wanted, time, np.asarray(estimate.bpm, dtype=np.float64)[answered])
    return Errors(wanted[near], (bpm - truth)[near], np.interp(wanted, time, confidence)[near])


def _even(
    time_s: NDArray[Any], values: NDArray[Any], *, rate_hz: float
) -> tuple[Floats, Floats, NDArray[np.bool_]] | None:
    """Interpolate to an even grid, averaged down first; True in the mask where samples are missing."""
    time = np.asarray(time_s, dtype=np.float64)
    if len(time) < 8 or time[-1] - time[0] < 4:
        return None
    table = np.asarray(values, dtype=np.float64)
    usual_s = float(np.median(np.diff(time)))
    smooth = max(1, int(1 / (rate_hz * usual_s)))
    if smooth > 1:
        kernel = np.ones(smooth) / smooth
        table = np.asarray(ndimage.convolve1d(table, kernel, axis=1, mode="nearest"))
    grid = np.arange(time[0], time[-1], 1 / rate_hz)
    even = np.empty((len(table), len(grid)))
    for row, channel in zip(even, table, strict=True):
        row[:] = np.interp(grid, time, channel)
    after = np.clip(np.searchsorted(time, grid), 1, len(time) - 1)
    missing = time[after] - time[after - 1] > max(0.5, 2.5 * usual_s)
    return grid, even, missing
