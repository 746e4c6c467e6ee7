"""Wrists to wear a bracelet for weeks: an hour that repeats."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigie_rig.traces import Trace, synthesize

_HOUR: Final = (("rest", 15), ("walk", 3), ("rest", 15), ("walk", 3), ("rest", 15), ("walk", 2), ("rest", 7))
"""Parts of the hour, in minutes."""


def calm_hour(seed: int) -> Trace:
    """An hour at home, which begins anew after its end: rest, and a walk now and then; no fall, always worn.

    Made of the parts of a synthetic trace, laid one after the other; the heart goes on at its own rate in each.
    """
    whole = synthesize(seed=seed, minutes=60.0)
    parts = [_part(whole, label, round(minutes * 60.0)) for label, minutes in _HOUR]
    return dataclasses.replace(
        whole,
        name=f"calm-hour-{seed}",
        ppg=np.concatenate([ppg for ppg, _ in parts], axis=1),
        acc_g=np.concatenate([acc for _, acc in parts], axis=1),
        reference=None,
        marks=(),
        repeats=True,
    )


def _part(trace: Trace, label: str, seconds: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first so many seconds of the first part of that name."""
    start_s = trace.marks_of(label)[0].start_s

    def cut(signal: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
        return signal[:, round(start_s * rate_hz) : round((start_s + seconds) * rate_hz)]

    return cut(trace.ppg, trace.ppg_rate_hz), cut(trace.acc_g, trace.acc_rate_hz)
