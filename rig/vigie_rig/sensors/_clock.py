"""When a sensor takes its samples, and what the trace says at those instants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096
_JITTER_LIMIT = 0.4


class SampleClock:
    """The instants of one run: the sensor's own rate, and a bounded, seeded jitter a sample.

    Parameters
    ----------
    start_us
        Board time at which sampling begins.
    rate_hz
        Nominal rate.
    clock_error
        0.01: the sensor's clock runs one per cent fast, and gives one per cent more samples.
    jitter_us
        Standard deviation of the jitter; it is cut at 0.4 of a period, so that samples keep their order.
    """

    def __init__(
        self, start_us: float, rate_hz: float, *, clock_error: float, jitter_us: float, seed: tuple[int, ...]
    ) -> None:
        self.period_us = 1e6 / (rate_hz * (1 + clock_error))
        self._start_us = start_us
        self._jitter_us = jitter_us
        self._seed = seed

    def instants_us(self, first: int, count: int) -> NDArray[np.float64]:
        """Board times of the samples from number `first` of the run on."""
        instants_us = self._start_us + self.period_us * np.arange(first + 1, first + count + 1)
        if self._jitter_us:
            rng = np.random.default_rng((*self._seed, first))
            limit_us = _JITTER_LIMIT * self.period_us
            instants_us += np.clip(rng.normal(0, self._jitter_us, count), -limit_us, limit_us)
        return np.asarray(instants_us, dtype=np.float64)


def play(
    signal: NDArray[np.float64], rate_hz: float, time_s: NDArray[np.float64], *, repeats: bool = False
) -> NDArray[np.float64]:
    """Signal [channels, n] at the times [m], interpolated linearly: [channels, m].

    Before its start the first sample is held. After its end it ``repeats``, or the last second is played to and fro,
    so that nothing jumps.
    """
    end_s = (signal.shape[1] - 1) / rate_hz
    if repeats:
        time_s = np.where(time_s > end_s, time_s % end_s, time_s)
    tail_s = min(1.0, end_s)
    beyond_s = (time_s - end_s) % (2 * tail_s)
    time_s = np.where(time_s > end_s, end_s - np.minimum(beyond_s, 2 * tail_s - beyond_s), time_s)
    position = np.clip(time_s, 0, end_s) * rate_hz
    left = np.minimum(position.astype(np.int64), signal.shape[1] - 2)
    fraction = position - left
    return np.asarray(signal[:, left] * (1 - fraction) + signal[:, left + 1] * fraction)
