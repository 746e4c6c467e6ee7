"""What there is to say about a trace in a few lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ._trace import Trace


@dataclass(frozen=True)
class TraceSummary:
    """The figures of one trace.

    ``ppg_dc_na_per_ma`` and ``ppg_ac_percent`` have one value a channel; the latter is how far the signal
    swings within a typical 8 s (median peak to peak) in per cent of the median. ``heart_rate_bpm`` is the
    lowest and highest of the reference, where there is one. ``marks`` counts them by label,
    ``mark_seconds`` adds up how long they are.
    """

    name: str
    sha256: str
    duration_s: float
    ppg_channels: tuple[str, ...]
    ppg_rate_hz: float
    ppg_dc_na_per_ma: tuple[float, ...]
    ppg_ac_percent: tuple[float, ...]
    acc_rate_hz: float
    acc_max_g: float
    heart_rate_bpm: tuple[float, float] | None
    reference_windows: int
    marks: dict[str, int]
    mark_seconds: dict[str, float]


def summary(trace: Trace) -> TraceSummary:
    """Sum a trace up."""
    dc = np.median(trace.ppg, axis=1)
    block = min(round(8 * trace.ppg_rate_hz), trace.ppg.shape[1])
    whole = trace.ppg.shape[1] // block * block
    swing = np.median(np.ptp(trace.ppg[:, :whole].reshape(len(dc), -1, block), axis=2), axis=1)
    reference = trace.reference
    seconds: dict[str, float] = {}
    for mark in trace.marks:
        seconds[mark.label] = seconds.get(mark.label, 0.0) + mark.duration_s
    rates = reference.bpm if reference is not None else np.zeros(0)
    return TraceSummary(
        name=trace.name,
        sha256=trace.sha256,
        duration_s=trace.duration_s,
        ppg_channels=trace.ppg_channels,
        ppg_rate_hz=trace.ppg_rate_hz,
        ppg_dc_na_per_ma=tuple(float(value) for value in dc),
        ppg_ac_percent=tuple(float(value) for value in 100 * swing / np.maximum(dc, 1e-9)),
        acc_rate_hz=trace.acc_rate_hz,
        acc_max_g=float(np.linalg.norm(trace.acc_g, axis=0).max()),
        heart_rate_bpm=(float(rates.min()), float(rates.max())) if len(rates) else None,
        reference_windows=len(rates),
        marks=dict(Counter(mark.label for mark in trace.marks)),
        mark_seconds=seconds,
    )
