"""The memory of a FIFO: a ring of words, each with the number of the sample that it holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NO_SAMPLE = -1


class Fifo:
    """`depth` words of `width` bytes; the host may move both pointers, and what lies there stays readable."""

    def __init__(self, depth: int, width: int) -> None:
        self.depth = depth
        self.width = width
        self.write_slot = 0
        self.count = 0
        self._memory = bytearray(depth * width)
        self._numbers = np.full(depth, NO_SAMPLE, dtype=np.int64)

    @property
    def read_slot(self) -> int:
        """Where the oldest unread word is."""
        return (self.write_slot - self.count) % self.depth

    def push(self, words: memoryview, numbers: NDArray[np.int64], *, overwrite: bool) -> NDArray[np.int64]:
        """Write words into the ring.

        Returns the numbers of what did not fit: the oldest unread words where `overwrite`, else the newest.
        """
        new = len(numbers)
        free = self.depth - self.count
        if new <= free:
            self._write(words, numbers)
            self.count += new
            return numbers[:0]
        if not overwrite:
            self._write(words[: free * self.width], numbers[:free])
            self.count = self.depth
            return numbers[free:]
        drop = new - free
        oldest = self._peek_numbers(min(drop, self.count))
        skipped = numbers[: max(0, new - self.depth)]
        self.write_slot = (self.write_slot + len(skipped)) % self.depth
        self._write(words[len(skipped) * self.width :], numbers[len(skipped) :])
        self.count = self.depth
        return np.concatenate((oldest, skipped)) if len(skipped) else oldest

    def pop(self, count: int) -> tuple[bytes, NDArray[np.int64]]:
        """Read the oldest `count` words (at most those that are unread) and their numbers."""
        count = min(count, self.count)
        words, numbers = self.peek(count), self._peek_numbers(count)
        self.count -= count
        return words, numbers

    def peek(self, count: int) -> bytes:
        """The next `count` words at the read pointer, whether they are unread or stale."""
        start = self.read_slot * self.width
        end = start + count * self.width
        size = self.depth * self.width
        if end <= size:
            return bytes(self._memory[start:end])
        return bytes(self._memory[start:] + self._memory[: end - size])

    def set_pointers(self, *, write_slot: int, read_slot: int) -> None:
        """Move the pointers; equal pointers mean empty."""
        self.write_slot = write_slot
        self.count = (write_slot - read_slot) % self.depth

    def clear(self) -> None:
        """Forget what is unread, and set both pointers to zero."""
        self.set_pointers(write_slot=0, read_slot=0)

    def _peek_numbers(self, count: int) -> NDArray[np.int64]:
        start = self.read_slot
        if start + count <= self.depth:
            return self._numbers[start : start + count].copy()
        return np.concatenate((self._numbers[start:], self._numbers[: start + count - self.depth]))

    def _write(self, words: memoryview, numbers: NDArray[np.int64]) -> None:
        count = len(numbers)
        start, width = self.write_slot, self.width
        first = min(count, self.depth - start)
        self._memory[start * width : (start + first) * width] = words[: first * width]
        self._numbers[start : start + first] = numbers[:first]
        if count > first:
            self._memory[: (count - first) * width] = words[first * width : count * width]
            self._numbers[: count - first] = numbers[first:]
        self.write_slot = (start + count) % self.depth
