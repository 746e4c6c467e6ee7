"""When samples were taken: the sensor's own rate, found from the board ticks that the blocks carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigie.samples import SampleBlock

_LEAST_SPAN_S: Final = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class SampleClock:
    """Sample ``n`` was taken at ``origin_us + n * 1e6 / rate_hz``, in microseconds since the bracelet's boot."""

    origin_us: float
    rate_hz: float
    rate_measured: bool
    """False where the blocks span too little time: the rate is the nominal one then."""

    def time_us(self, sample: float) -> float:
        """Board time of a sample."""
        return self.origin_us + sample * 1e6 / self.rate_hz

    def times_us(self, block: SampleBlock) -> NDArray[np.float64]:
        """Board time of every sample of a block [n]."""
        numbers = block.first_sample + np.arange(len(block.samples), dtype=np.float64)
        return self.origin_us + numbers * (1e6 / self.rate_hz)


def fit_sample_clock(blocks: Sequence[SampleBlock]) -> SampleClock:
    """Fit the clock of one stream.

    A block's ticks are those of reading: its newest sample was in the FIFO by then, some time before. The slope over
    all blocks is the sensor's rate; the line is laid so that no sample is later than its reading.

    Parameters
    ----------
    blocks
        Blocks of one stream and one session, at least one.

    Raises
    ------
    ValueError
        There are no blocks.
    """
    if not blocks:
        raise ValueError("no blocks: a sample clock needs at least one")
    ticks_us = np.array([block.ticks_us for block in blocks], float)
    ends = np.array([block.first_sample + len(block.samples) for block in blocks], float)
    rate_hz, measured = blocks[0].rate_hz, False
    # Several blocks come of one reading: the last of them holds the newest sample.
    last = np.append(np.diff(ticks_us) > 0, True)
    ticks_us, ends = ticks_us[last], ends[last]
    if len(ticks_us) > 2 and ticks_us[-1] - ticks_us[0] > _LEAST_SPAN_S * 1e6:
        samples, elapsed_us = ends - ends.mean(), ticks_us - ticks_us.mean()
        slope_us = float(samples @ elapsed_us / (samples @ samples))
        rate_hz, measured = 1e6 / slope_us, True
    origin_us = float(np.min(ticks_us - (ends - 1) * 1e6 / rate_hz))
    return SampleClock(origin_us, rate_hz, measured)
