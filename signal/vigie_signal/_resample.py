"""Streaming resampling of any rate to the internal grid, strictly causal.

The grid sample ``n`` is a windowed-sinc average of the input around ``n / rate_out_hz - DELAY_S``,
over a support that ends at ``n / rate_out_hz``: no sample of the future is ever read, and signals of
different rates stay aligned because all of them are delayed by the same time.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

DELAY_S = 0.14
"""Delay of every resampled signal, and half the support of the kernel."""

_CUTOFF_HZ = 9.0
_LEAST_WEIGHT = 0.3


class Resampler:
    """Resample blocks of ``[channels, n]`` to ``rate_out_hz``; NaN samples are left out of the averages.

    A grid sample whose support holds too little weight in finite samples is NaN.
    """

    def __init__(self, channels: int, rate_hz: float, rate_out_hz: float) -> None:
        ratio = Fraction(rate_hz / rate_out_hz).limit_denominator(2000)
        self._step, self._phases = ratio.numerator, ratio.denominator
        reach = DELAY_S * rate_hz
        self._taps = int(np.floor(2 * reach))
        self._reach = reach
        phase = np.arange(self._phases, dtype=np.int64)
        centre = phase * self._step / self._phases - reach
        first = self._first(phase)
        offset_s = (first[:, None] + np.arange(self._taps) - centre[:, None]) / rate_hz
        cutoff_hz = min(_CUTOFF_HZ, 0.5 * rate_hz)
        inside = np.abs(offset_s) < DELAY_S
        weight = np.sinc(2 * cutoff_hz * offset_s) * np.cos(0.5 * np.pi * offset_s / DELAY_S) ** 2 * inside
        self._weight = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
        self._pending: Float32 = np.empty((channels, 0), np.float32)
        self._pending_start = 0
        self._received = 0
        self._next = 0

    def _first(self, n: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Index of the oldest input sample in the support of grid sample ``n``."""
        return (n // self._phases) * self._step + np.ceil(
            (n % self._phases) * self._step / self._phases - 2 * self._reach
        ).astype(np.int64)

    def push(self, block: Float32) -> Float32:
        """Take ``[channels, n]`` new samples, return the ``[channels, m]`` grid samples they complete."""
        if block.shape[1] == 0:
            return np.empty((block.shape[0], 0), np.float32)
        if self._received == 0:
            left = np.repeat(block[:, :1], self._taps, axis=1)
            self._pending, self._pending_start = left, -self._taps
        data = np.concatenate([self._pending, block], axis=1)
        self._received += block.shape[1]
        end = -(-self._received * self._phases // self._step)
        if end <= self._next:
            self._pending = data
            return np.empty((block.shape[0], 0), np.float32)
        n = np.arange(self._next, end, dtype=np.int64)
        first = self._first(n) - self._pending_start
        windows = np.lib.stride_tricks.sliding_window_view(data, self._taps, axis=1)[:, first]
        weight = self._weight[n % self._phases]
        out = np.einsum("cnk,nk->cn", windows, weight)
        holes = ~np.isfinite(out)
        if holes.any():
            _, column = np.nonzero(holes)
            parts = windows[holes]
            present = np.isfinite(parts)
            kept = np.where(present, weight[column], 0)
            total = kept.sum(axis=1)
            sums = (np.where(present, parts, 0) * kept).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                out[holes] = np.where(total > _LEAST_WEIGHT, sums / total, np.nan)
        self._next = end
        keep = int(self._first(np.array([end]))[0]) - self._pending_start
        keep = min(max(keep, 0), data.shape[1])
        self._pending, self._pending_start = data[:, keep:].copy(), self._pending_start + keep
        return np.ascontiguousarray(out, dtype=np.float32)
