"""From raw blocks to band-passed samples on the internal 25 Hz grid, streaming and causal."""

import numpy as np
import numpy.typing as npt
from scipy import signal

from vigie_signal._inputs import finite_or_nan
from vigie_signal._resample import Float32, Resampler

RATE_HZ = 25.0
"""Rate of the internal grid: the pulse and its first harmonic need no more."""

_BAND_HZ = (0.5, 5.0)
_SETTLE = 25
"""Grid samples after a gap that the filter needs to forget it."""
_HOLD = 4
"""Grid samples for which the last value stands in without harm."""


class BandPass:
    """Resample, fill gaps with the last value and band-pass; say which samples to believe."""

    def __init__(self, channels: int, rate_hz: float) -> None:
        self._resampler = Resampler(channels, rate_hz, RATE_HZ)
        # of order four at a low rate, where this form is exact enough and far cheaper a call than sections
        self._numerator, self._denominator = signal.butter(2, _BAND_HZ, "bandpass", fs=RATE_HZ)
        self._state = np.zeros((channels, self._denominator.size - 1))
        self._origin = np.full(channels, np.nan, np.float32)
        self._last = np.zeros(channels, np.float32)
        self._missing = np.zeros(channels, np.intp)
        self._since_gap = np.full(channels, _SETTLE)
        self._calm = False

    def grid_of(self, samples: int) -> int:
        """How many grid samples the first ``samples`` raw ones complete."""
        return self._resampler.grid_of(samples)

    def samples_for(self, grid: int) -> int:
        """How many raw samples the first ``grid`` grid samples need."""
        return self._resampler.samples_for(grid)

    def push(self, block: Float32) -> tuple[Float32, npt.NDArray[np.bool_]]:
        """Take raw ``[channels, n]``, return band-passed ``[channels, m]`` and where it is valid."""
        grid = self._resampler.push(self._from_origin(block))
        if grid.shape[1] == 0:
            return grid, np.zeros(grid.shape, np.bool_)
        present = np.isfinite(grid)
        calm = self._calm and bool(present.all())
        if calm:
            valid = present
        else:
            valid = self._settled(present)
            grid = self._filled(grid, present)
            self._calm = bool(
                ((self._since_gap >= _SETTLE) & (self._missing == 0) & np.isfinite(self._origin)).all()
            )
        self._last = grid[:, -1].copy()
        out, self._state = signal.lfilter(self._numerator, self._denominator, grid, axis=1, zi=self._state)
        return (out if calm else np.where(valid, out, 0)).astype(np.float32), valid

    def _from_origin(self, block: Float32) -> Float32:
        """Offsets from the first value seen: a constant channel is 0 then, whatever rounding does to its average."""
        unknown = np.isnan(self._origin)
        if unknown.any() and block.shape[1]:
            first = block[np.arange(len(block)), np.isfinite(block).argmax(axis=1)]
            self._origin = np.where(unknown, first, self._origin)
        return np.asarray(block - self._origin[:, None], dtype=np.float32)

    def _filled(self, grid: Float32, present: npt.NDArray[np.bool_]) -> Float32:
        """``grid``, each gap holding the value before it."""
        offset = np.concatenate([self._last[:, None], grid], axis=1)
        known = np.concatenate([np.ones((len(grid), 1), np.bool_), present], axis=1)
        source = np.maximum.accumulate(np.where(known, np.arange(offset.shape[1], dtype=np.intp), 0), axis=1)
        held = np.take_along_axis(offset, source, axis=1)[:, 1:]
        return np.asarray(np.nan_to_num(held), dtype=np.float32)

    def _settled(self, present: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Where the last gap that was too long to bridge is further back than the settling time."""
        index = np.arange(present.shape[1], dtype=np.intp)
        seen = np.maximum.accumulate(np.where(present, index, -1 - self._missing[:, None]), axis=1)
        missing = index - seen
        lost = np.where(missing > _HOLD, index, -1 - self._since_gap[:, None])
        since = index - np.maximum.accumulate(lost, axis=1)
        self._missing, self._since_gap = missing[:, -1], np.minimum(since[:, -1], _SETTLE)
        return np.asarray(since > _SETTLE, dtype=np.bool_)


class Feed:
    """A raw signal in blocks of any size, band-passed only when that much of it is asked for.

    Many small blocks then cost no more than one large one, and what waits is less than what is asked for at once.
    """

    def __init__(self, channels: int, rate_hz: float) -> None:
        self.channels = channels
        self._band_pass = BandPass(channels, rate_hz)
        self._waiting: list[Float32] = []
        self._received = self._taken = 0

    @property
    def known(self) -> int:
        """How many grid samples, from the very first, what was added completes."""
        return self._band_pass.grid_of(self._received)

    def add(self, block: npt.NDArray[np.generic]) -> None:
        """Take the next raw ``[channels, n]``, a copy."""
        if block.shape[1]:
            self._received += block.shape[1]
            self._waiting.append(block.astype(np.float32))

    def until(self, grid: int) -> tuple[Float32, npt.NDArray[np.bool_]]:
        """Band-passed ``[channels, m]`` up to ``grid`` samples from the very first, and where it is valid."""
        samples = self._band_pass.samples_for(grid) - self._taken
        self._taken += samples
        waiting = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting, axis=1)
        rest = waiting[:, samples:]
        self._waiting = [rest.copy() if rest.shape[1] < samples else rest]
        return self._band_pass.push(finite_or_nan(waiting[:, :samples]))
