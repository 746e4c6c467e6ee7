"""Long rest over a whole recording, from the mean acceleration of every 5 s."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vigie_signal import rest_periods

from .recording import Recording

_EPOCH_S = 5
_RATE_HZ = 10.0
_LEAST_PRESENT = 0.5


class RestSpans:
    """`vigie_signal.rest_periods` looks at the direction of gravity every 5 s alone: the means are all it needs."""

    def __init__(self) -> None:
        self._means: list[npt.NDArray[np.float32]] = []

    def add(self, recording: Recording, start_min: int, stop_min: int) -> None:
        """Take in minutes of the recording, in order."""
        acc = recording.acc
        if acc is None:
            return
        epochs = range(start_min * 60 // _EPOCH_S, int(min(stop_min * 60, acc.duration_s) / _EPOCH_S + 1e-9))
        edges = [round(k * _EPOCH_S * acc.rate_hz) for k in (*epochs, epochs.stop)]
        block = acc.read(edges[0], max(edges[-1], edges[0]))
        means = np.full((3, len(epochs)), np.nan, np.float32)
        for k, (a, b) in enumerate(pairwise(edges)):
            part = block[:, a - edges[0] : b - edges[0]]
            there = np.logical_and.reduce(np.isfinite(part), axis=0)
            if there.size and there.mean() >= _LEAST_PRESENT:
                means[:, k] = part[:, there].mean(axis=1)
        self._means.append(means)

    def spans(self) -> list[tuple[float, float]]:
        """Start and stop of every rest in seconds."""
        if not self._means:
            return []
        means = np.concatenate(self._means, axis=1)
        each = int(_EPOCH_S * _RATE_HZ)
        return [
            (rest.start_s, rest.stop_s)
            for rest in rest_periods(np.repeat(means, each, axis=1), rate_hz=_RATE_HZ)
        ]
