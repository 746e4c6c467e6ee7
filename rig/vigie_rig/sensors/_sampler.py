"""Lazy sampling: what a sensor has produced by now, worked out in chunks and handed over in slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._clock import CHUNK, SampleClock
from .ledger import Ledger


@dataclass(frozen=True, eq=False)
class Encoded:
    """A chunk of samples as the FIFO holds them.

    ``values`` [n, channels] are the register values, ``words`` the bytes of all FIFO words one after
    another, ``word_sample`` [w] the index of the sample that each word holds (negative: none),
    ``first_word`` [n + 1] where the words of each sample begin.
    """

    values: NDArray[np.int32]
    words: bytes
    word_sample: NDArray[np.int64]
    first_word: NDArray[np.int64]


Encode = Callable[[NDArray[np.float64], int], Encoded]
"""From board times [n] in microseconds, and the index in the run of the first of them."""


class Sampler:
    """Produces the samples of one sensor on its own clock and enters them in the ledger."""

    def __init__(self, ledger: Ledger, *, clock_error: float, jitter_us: float, seed: int) -> None:
        self.rate_hz = 0.0
        self._ledger = ledger
        self._clock_error = clock_error
        self._jitter_us = jitter_us
        self._seed = seed
        self._started = 0
        self._clock: SampleClock | None = None
        self._encode: Encode | None = None

    @property
    def running(self) -> bool:
        """Whether samples are being taken."""
        return self._clock is not None

    def start(self, start_us: float, rate_hz: float, channels: int, encode: Encode, word_bytes: int) -> None:
        """Begin a new run; the first sample comes one period after `start_us`."""
        self._started += 1
        self._clock = SampleClock(
            start_us,
            rate_hz,
            clock_error=self._clock_error,
            jitter_us=self._jitter_us,
            seed=(self._seed, self._started),
        )
        self.rate_hz = rate_hz
        self._encode = encode
        self._word_bytes = word_bytes
        self._start_us = start_us
        self._run = self._ledger.open_run(start_us, rate_hz, channels)
        self._chunk_first = 0
        self._done = 0
        self._time_us = np.zeros(0)
        self._next_us = start_us

    @property
    def taken(self) -> int:
        """How many samples of the run were made so far."""
        return self._chunk_first + self._done

    def stop(self) -> None:
        """End the run."""
        self._clock = None
        self._ledger.end_run()

    @property
    def phase_us(self) -> float:
        """Where the grid of samples stands: a run started here goes on with no step in time."""
        assert self._clock is not None
        return self._start_us + self._clock.period_us * self.taken

    def take(self, now_us: float) -> Iterator[tuple[memoryview, NDArray[np.int64]]]:
        """The FIFO words due by now that were not taken before, and the number of the sample in each."""
        while self._clock is not None and now_us >= self._next_us:
            if self._done == len(self._time_us):
                self._work_out_chunk()
            due = int(self._time_us.searchsorted(now_us, side="right"))
            if due > self._done:
                first, last = self._first_word[self._done], self._first_word[due]
                self._done_to(due)
                yield (
                    self._words[first * self._word_bytes : last * self._word_bytes],
                    self._numbers[first:last],
                )
            if due < len(self._time_us):
                self._next_us = self._time_us[due]

    def _done_to(self, due: int) -> None:
        self._ledger.grow(due - self._done)
        self._done = due

    def _work_out_chunk(self) -> None:
        assert self._clock is not None
        assert self._encode is not None
        self._chunk_first += self._done
        self._done = 0
        self._time_us = self._clock.instants_us(self._chunk_first, CHUNK)
        encoded = self._encode(self._time_us, self._chunk_first)
        self._run.add_chunk(self._time_us, encoded.values)
        self._words = memoryview(encoded.words)
        number = encoded.word_sample + (self._run.first + self._chunk_first)
        self._numbers = np.where(encoded.word_sample < 0, encoded.word_sample, number)
        self._first_word = encoded.first_word
        self._next_us = self._time_us[0]
