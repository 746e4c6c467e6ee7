"""The judge's truth: every sample that a sensor produced, when, and what became of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Ledger:
    """All samples of one sensor since it was built, in the order in which they were produced.

    Every sample has a number that only grows, over all runs. A sample is *handed out* once the host has
    read it, and *lost* once the FIFO overflowed over it unread; never both. One that is neither is still in
    the FIFO, or was thrown away by the host itself (FIFO cleared, reset, power cut).
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.produced: int = 0
        self._handed_out = np.zeros(4096, dtype=np.bool_)
        self._lost = np.zeros(4096, dtype=np.bool_)

    def grow(self, count: int) -> None:
        """Note that the last run produced `count` samples more."""
        self.produced += count
        while self.produced > len(self._lost):
            self._handed_out = np.concatenate((self._handed_out, np.zeros_like(self._handed_out)))
            self._lost = np.concatenate((self._lost, np.zeros_like(self._lost)))

    def open_run(self, start_us: float, rate_hz: float, channels: int) -> Run:
        """End the last run, forget it if it is empty, and begin another."""
        self.end_run()
        run = Run(self, start_us, rate_hz, channels)
        self.runs.append(run)
        return run

    def end_run(self) -> None:
        """No more samples come to the last run."""
        if self.runs:
            self.runs[-1].end()
            if len(self.runs[-1]) == 0:
                self.runs.pop()

    def mark_handed_out(self, numbers: NDArray[np.int64]) -> None:
        """Note that the host has read these samples; negative numbers are none."""
        self._handed_out[numbers[numbers >= 0]] = True

    def mark_lost(self, numbers: NDArray[np.int64]) -> None:
        """Note that these samples are gone, save those read before; negative numbers are none."""
        numbers = numbers[numbers >= 0]
        self._lost[numbers] = ~self._handed_out[numbers]

    def fate_of(self, first: int, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each of `count` samples from number `first` was handed out, and whether it was lost."""
        several = slice(first, first + count)
        return self._handed_out[several].copy(), self._lost[several].copy()

    @property
    def handed_out(self) -> int:
        """How many samples the host has read."""
        return int(np.count_nonzero(self._handed_out[: self.produced]))

    @property
    def lost(self) -> int:
        """How many samples the FIFO lost."""
        return int(np.count_nonzero(self._lost[: self.produced]))


class Tally(Ledger):
    """A ledger that only counts, for weeks of wear: its runs hold no samples, and no sample's fate is kept."""

    _RING = 1 << 16

    def __init__(self) -> None:
        super().__init__()
        self._handed_out = np.zeros(self._RING, dtype=np.bool_)
        self._lost_count = self._handed_out_count = 0

    def grow(self, count: int) -> None:
        """Note that the last run produced `count` samples more."""
        self._handed_out[np.arange(self.produced, self.produced + count) % self._RING] = False
        self.produced += count

    def open_run(self, start_us: float, rate_hz: float, channels: int) -> Run:
        """Begin another run; the last is forgotten."""
        self.runs.clear()
        run = _Unkept(self, start_us, rate_hz, channels)
        self.runs.append(run)
        return run

    def mark_handed_out(self, numbers: NDArray[np.int64]) -> None:
        """Note that the host has read these samples; negative numbers are none."""
        numbers = numbers[numbers >= 0]
        self._handed_out_count += len(numbers)
        self._handed_out[numbers % self._RING] = True

    def mark_lost(self, numbers: NDArray[np.int64]) -> None:
        """Note that these samples are gone, save those read before; negative numbers are none."""
        numbers = numbers[numbers >= 0]
        self._lost_count += int(np.count_nonzero(~self._handed_out[numbers % self._RING]))

    @property
    def handed_out(self) -> int:
        """How many samples the host has read."""
        return self._handed_out_count

    @property
    def lost(self) -> int:
        """How many samples the FIFO lost."""
        return self._lost_count


class Run:
    """Samples taken without a break under one configuration.

    Attributes
    ----------
    start_us
        Board time at which sampling began; the first sample comes one period later.
    rate_hz
        Nominal rate, as configured: the sensor's clock is off by its error.
    channels
        Channels a sample.
    first
        Number of its first sample in the ledger.
    """

    def __init__(self, ledger: Ledger, start_us: float, rate_hz: float, channels: int) -> None:
        self.start_us = start_us
        self.rate_hz = rate_hz
        self.channels = channels
        self.first = ledger.produced
        self._ledger = ledger
        self._count: int | None = None
        self._time_us: list[NDArray[np.float64]] = []
        self._values: list[NDArray[np.int32]] = []

    def add_chunk(self, time_us: NDArray[np.float64], values: NDArray[np.int32]) -> None:
        """Append samples worked out ahead of time; they count once the ledger has grown over them."""
        self._time_us.append(time_us)
        self._values.append(values)

    def end(self) -> None:
        """No more samples come."""
        if self._count is None:
            self._count = self._ledger.produced - self.first

    def __len__(self) -> int:
        return self._ledger.produced - self.first if self._count is None else self._count

    @property
    def values(self) -> NDArray[np.int32]:
        """Register values as the FIFO word holds them: int32 [n, channels]."""
        if not self._values:
            return np.zeros((0, self.channels), dtype=np.int32)
        return np.concatenate(self._values)[: len(self)]

    @property
    def time_us(self) -> NDArray[np.float64]:
        """Board time of each sample in microseconds: float [n]."""
        if not self._time_us:
            return np.zeros(0)
        return np.concatenate(self._time_us)[: len(self)]

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Overwritten in, or never put into, a full FIFO before being read: bool [n]."""
        return self._ledger.fate_of(self.first, len(self))[1]

    @property
    def handed_out(self) -> NDArray[np.bool_]:
        """Read by the host: bool [n]."""
        return self._ledger.fate_of(self.first, len(self))[0]


class _Unkept(Run):
    """A run of a tally."""

    def add_chunk(self, time_us: NDArray[np.float64], values: NDArray[np.int32]) -> None:
        del time_us, values
