"""Breathing rate at rest, from what breathing does to the pulse."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vigie_signal._inputs import as_ppg, as_rate_hz
from vigie_signal._resample import DELAY_S, Float32, Resampler
from vigie_signal.beats import Beats, find_beats

Float64 = npt.NDArray[np.float64]

_RATE_HZ = 25.0
_EVEN_HZ = 4.0
_WINDOW_S = 48.0
_STEP_S = 4.0
_PER_MINUTE: Float64 = np.arange(5, 40.25, 0.25)
_NEAR_PER_MINUTE = 2.0
_LEAST_BEATS = 0.8
_FLOOR = 0.5
_SLOPE, _SLOW_PER_MINUTE = 4.0, 9.0


@dataclass(frozen=True, slots=True, eq=False)
class BreathingRate:
    """Breathing rate every 4 s.

    Attributes
    ----------
    time_s : float64 [windows]
        Centre of each 48 s window, seconds from the first sample.
    per_minute : float64 [windows]
        Breaths per minute, NaN where too few beats were found.
    confidence : float64 [windows]
        Share of the modulation from 5 to 40 a minute that lies within 2 of the estimate, 0 to 1. A measure of how
        clear the breathing is, not a probability; above 0.5 it is clear.
    """

    time_s: Float64
    per_minute: Float64
    confidence: Float64


def breathing_rate(ppg: npt.ArrayLike, *, rate_hz: float) -> BreathingRate:
    """Estimate the breathing rate at rest.

    Breathing modulates the height of the pulse, its baseline and its interval; the spectra of the three over 48 s
    are joined, each by its share, as the smart fusion [1]_ joins their rates. Motion hides all three: use it where
    the wrist is still.

    Parameters
    ----------
    ppg : array_like [n] or [channels, n]
        One or more PPG channels in any unit and of either polarity; NaN where samples are missing.
    rate_hz : float
        Sampling rate in Hz.

    Returns
    -------
    BreathingRate

    Raises
    ------
    ValueError
        If the shape or the rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] W. Karlen, S. Raman, J. M. Ansermino, G. A. Dumont, IEEE Trans. Biomed. Eng. 60(7), 2013,
       doi:10.1109/TBME.2013.2246160
    """
    channels = as_ppg(ppg)
    duration_s = channels.shape[1] / as_rate_hz("rate_hz", rate_hz)
    count = max(int((duration_s - _WINDOW_S) / _STEP_S) + 1, 0)
    time_s = _WINDOW_S / 2 + _STEP_S * np.arange(count, dtype=np.float64)
    per_minute, confidence = np.full(count, np.nan), np.zeros(count)
    beats = find_beats(channels, rate_hz=rate_hz)
    if count == 0 or beats.time_s.size < 8:
        return BreathingRate(time_s, per_minute, confidence)
    modulations = _modulations(channels, rate_hz, beats)
    transform, taper = _transform()
    for k, centre_s in enumerate(time_s):
        begin_s, end_s = centre_s - _WINDOW_S / 2, centre_s + _WINDOW_S / 2
        inside = (beats.time_s >= begin_s) & (beats.time_s <= end_s)
        interval_s = np.diff(beats.time_s[inside])
        if interval_s.size < 8 or interval_s[interval_s < 2].sum() < _LEAST_BEATS * _WINDOW_S:
            continue
        even_s = begin_s + np.arange(taper.size, dtype=np.float64) / _EVEN_HZ
        rows = _even(even_s, beats.time_s[inside], modulations[:, inside])
        spectrum = _joined(_spectra(rows, transform, taper))
        best = int(spectrum.argmax())
        near = np.abs(_PER_MINUTE - _PER_MINUTE[best]) <= _NEAR_PER_MINUTE
        per_minute[k] = float((spectrum * near) @ _PER_MINUTE / (spectrum * near).sum())
        confidence[k] = float(spectrum[near].sum() / spectrum.sum())
    return BreathingRate(time_s, per_minute, confidence)


def _even(even_s: Float64, time_s: Float64, rows: Float64) -> Float64:
    """Each row, known at the beats, at even times."""
    return np.stack([cast(Float64, np.interp(even_s, time_s, row)) for row in rows])


def _modulations(channels: Float32, rate_hz: float, beats: Beats) -> Float64:
    """Height and baseline of every pulse in every channel, and its interval: ``[rows, beats]``."""
    grid = Resampler(len(channels), rate_hz, _RATE_HZ).push(channels).astype(np.float64)
    index = np.arange(grid.shape[1], dtype=np.float64)
    at = np.clip(((beats.time_s + DELAY_S) * _RATE_HZ).astype(np.intp), 0, grid.shape[1] - 1)
    interval_s = np.clip(np.gradient(beats.time_s), 0.3, 2)
    rows: list[Float64] = []
    width = max(int(float(np.median(interval_s)) * _RATE_HZ), 3)
    for row in grid:
        known = np.isfinite(row)
        if not known.any() or row[known].std() == 0:
            continue
        filled = cast(Float64, np.interp(index, index[known], row[known]))
        high = ndimage.maximum_filter1d(filled, width)
        low = ndimage.minimum_filter1d(filled, width)
        rows += [ndimage.uniform_filter1d(part, width)[at] for part in (high - low, high + low)]
    return np.stack([*rows, interval_s])


def _joined(spectra: Float64) -> Float64:
    """One spectrum of all rows: what they agree on, less the slow waves of blood pressure near 6 a minute."""
    agreed = np.exp(np.log(spectra * _PER_MINUTE.size + _FLOOR).mean(axis=0)) - _FLOOR
    rising = _PER_MINUTE**_SLOPE / (_PER_MINUTE**_SLOPE + _SLOW_PER_MINUTE**_SLOPE)
    return np.asarray(np.maximum(agreed, 0) * rising, dtype=np.float64)


def _transform() -> tuple[Float64, Float64]:
    """Cosines and sines ``[samples, 2 * rates]`` of a window, and its taper."""
    samples = int(_WINDOW_S * _EVEN_HZ)
    phase = 2 * np.pi * np.outer(np.arange(samples) / _EVEN_HZ, _PER_MINUTE / 60)
    return np.concatenate([np.cos(phase), np.sin(phase)], axis=1), np.hanning(samples + 2)[1:-1]


def _spectra(rows: Float64, transform: Float64, taper: Float64) -> Float64:
    """Share of each row's power at each rate, its trend removed."""
    position = np.linspace(-1, 1, rows.shape[1])
    basis = np.stack([np.ones_like(position), position, position**2], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, rows.T, rcond=None)[0]
    parts = ((rows - fitted.T) * taper) @ transform
    power = parts[:, : _PER_MINUTE.size] ** 2 + parts[:, _PER_MINUTE.size :] ** 2
    return np.asarray(power / np.maximum(power.sum(axis=1, keepdims=True), 1e-30), dtype=np.float64)
