"""Streaming resampling of any rate to the internal grid, strictly causal.

The grid sample ``n`` is a windowed-sinc average of the input around ``n / rate_out_hz - DELAY_S``,
over a support that ends at ``n / rate_out_hz``: no sample of the future is ever read, and signals of
different rates stay aligned because all of them are delayed by the same time.
"""

from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import signal

Float32 = npt.NDArray[np.float32]

DELAY_S = 0.14
"""Delay of every resampled signal, and half the support of the kernel."""

_CUTOFF_HZ = 9.0
_LEAST_WEIGHT = 0.3

_Index = TypeVar("_Index", int, npt.NDArray[np.int64])


class Resampler:
    """Resample blocks of ``[channels, n]`` to ``rate_out_hz``; NaN samples are left out of the averages.

    A grid sample whose support holds too little weight in finite samples is NaN.
    """

    def __init__(self, channels: int, rate_hz: float, rate_out_hz: float) -> None:
        ratio = Fraction(rate_hz / rate_out_hz).limit_denominator(2000)
        self._step, self._phases = ratio.numerator, ratio.denominator
        fine_hz = rate_hz * self._phases
        offset_s = np.arange(int(2 * DELAY_S * fine_hz) + 1) / fine_hz - DELAY_S
        cutoff_hz = min(_CUTOFF_HZ, 0.5 * rate_hz)
        kernel = np.sinc(2 * cutoff_hz * offset_s) * np.cos(0.5 * np.pi * offset_s / DELAY_S) ** 2
        for phase in range(self._phases):
            kernel[phase :: self._phases] /= kernel[phase :: self._phases].sum()
        self._kernel: Float32 = kernel.astype(np.float32)
        self._pending: Float32 = np.empty((channels, 0), np.float32)
        self._start = 0
        self._received = 0
        self._next = 0

    def grid_of(self, samples: int) -> int:
        """How many grid samples the first ``samples`` input samples complete."""
        return -(-samples * self._phases // self._step)

    def samples_for(self, grid: int) -> int:
        """How many input samples the first ``grid`` grid samples need."""
        return (grid - 1) * self._step // self._phases + 1

    def push(self, block: Float32) -> Float32:
        """Take ``[channels, n]`` new samples, return the ``[channels, m]`` grid samples they complete."""
        if self._received == 0 and block.shape[1]:
            # what came before the first sample is taken to be like it
            self._start = self._aligned(0)
            self._pending = np.repeat(block[:, :1], -self._start, axis=1)
        data = np.concatenate([self._pending, block], axis=1)
        self._received += block.shape[1]
        end = self.grid_of(self._received)
        if end <= self._next:
            self._pending = data
            return np.empty((len(block), 0), np.float32)
        origin = self._start // self._step * self._phases
        all_out = signal.upfirdn(self._kernel, data, self._phases, self._step, axis=1)
        out: Float32 = np.asarray(all_out[:, self._next - origin : end - origin], dtype=np.float32)
        holes = ~np.isfinite(out)
        if holes.any():
            out = out.copy()
            channel, n = np.nonzero(holes)
            out[holes] = self._average(data, channel, n + self._next)
        keep = self._aligned(end)
        self._pending, self._start = data[:, keep - self._start :].copy(), keep
        self._next = end
        return out

    def _oldest(self, n: _Index) -> _Index:
        """Index of the oldest input sample under the kernel of grid sample ``n``."""
        return -((self._kernel.size - 1 - n * self._step) // self._phases)

    def _aligned(self, n: int) -> int:
        """The same for one grid sample, or a little older, where the phases of the kernel begin anew."""
        return self._oldest(n) // self._step * self._step

    def _average(
        self, data: Float32, channel: npt.NDArray[np.intp], n: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float32]:
        """Grid samples ``n`` from the finite ones of ``data``, NaN where there are too few."""
        grid = n.astype(np.int64)
        index = self._oldest(grid)[:, None] + np.arange(self._kernel.size // self._phases + 1, dtype=np.int64)
        tap = (grid * self._step)[:, None] - index * self._phases
        inside = (tap >= 0) & (tap < self._kernel.size)
        weight = np.where(inside, self._kernel[np.clip(tap, 0, self._kernel.size - 1)], 0)
        value = data[channel[:, None], np.clip(index - self._start, 0, data.shape[1] - 1)]
        present = np.isfinite(value) & inside
        total = np.where(present, weight, 0).sum(axis=1)
        mean = np.where(present, value * weight, 0).sum(axis=1) / np.where(total > 0, total, 1)
        return np.asarray(np.where(total > _LEAST_WEIGHT, mean, np.nan), dtype=np.float32)
