"""A few seconds of the recording as a still picture: what the bracelet saw, at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie_rig.report.recording import BenchRecording
from vigie_rig.report.signals import pulse_band

__all__ = ["Moment", "choose_moment"]

LENGTH_S: Final = 6.0
WIDTH: Final = 360
HEIGHT: Final = 120
STILL_G: Final = 0.05


@dataclass(frozen=True)
class Moment:
    """The clearest stretch of pulse; `lines` are SVG points by channel in a box of `WIDTH` by `HEIGHT`."""

    start_s: float
    stop_s: float
    lines: dict[str, str]
    bpm: float | None


def choose_moment(recording: BenchRecording) -> Moment | None:
    """Choose the stretch with the steadiest pulse, without faults and gaps; None where there is none.

    Steady is the height of the autocorrelation's peak between 40 and 220 beats per minute; steps are steady
    too, so motion counts against a stretch.
    """
    band = pulse_band(recording.ppg_time_s, recording.ppg)
    if band is None:
        return None
    time, percent = band
    rate_hz = 1 / (time[1] - time[0])
    size = round(LENGTH_S * rate_hz)
    best: tuple[float, int] | None = None
    for start in range(0, len(time) - size, size // 2):
        piece = percent[:, start : start + size]
        touched = any(
            fault.start_s < time[start] + LENGTH_S and fault.start_s + fault.duration_s > time[start]
            for fault in recording.faults
        )
        if touched or np.isnan(piece).any():
            continue
        moved = _motion_g(recording, float(time[start])) / STILL_G
        candidate = (_steadiness(piece, rate_hz) / (1 + moved**2), -start)
        best = candidate if best is None else max(best, candidate)
    if best is None:
        return None
    start = -best[1]
    piece = percent[:, start : start + size]
    start_s = float(time[start])
    estimate = recording.estimate
    bpm: float | None = None
    if estimate is not None and len(estimate.time_s):
        inside = (estimate.time_s >= start_s) & (estimate.time_s <= start_s + LENGTH_S)
        known = estimate.bpm[inside & np.isfinite(estimate.bpm)]
        bpm = float(np.median(known)) if len(known) else None
    lines = {name: _points(channel) for name, channel in zip(recording.ppg_channels, piece, strict=True)}
    return Moment(start_s, start_s + LENGTH_S, lines, bpm)


def _motion_g(recording: BenchRecording, start_s: float) -> float:
    first, last = np.searchsorted(recording.acc_time_s, (start_s, start_s + LENGTH_S))
    piece = recording.acc_g[:, first:last]
    return float(piece.std(axis=1).max()) if piece.shape[1] else 0.0


def _steadiness(piece: NDArray[Any], rate_hz: float) -> float:
    centred = piece - piece.mean(axis=1, keepdims=True)
    spectra = np.abs(np.fft.rfft(centred, 2 * piece.shape[1], axis=1)) ** 2
    # Fewer products at longer lags: without this, fast would look steadier than slow.
    products = np.fft.irfft(spectra, axis=1)[:, : piece.shape[1]]
    lags = products / np.linspace(1, 0, piece.shape[1], endpoint=False)
    first, last = round(rate_hz * 60 / 220), round(rate_hz * 60 / 40)
    heights = np.divide(
        lags[:, first:last].max(axis=1), lags[:, 0], out=np.zeros(len(lags)), where=lags[:, 0] > 0
    )
    return float(heights.max())


def _points(channel: NDArray[Any]) -> str:
    """Each channel fills the height by itself: the picture is about shape."""
    low, high = float(channel.min()), float(channel.max())
    y = HEIGHT - 6 - (HEIGHT - 12) * (channel - low) / max(high - low, 1e-12)
    x = np.linspace(0, WIDTH, len(channel))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
