"""Sets of record numbers, as ranges that do not touch: what of a lane is here, and what is not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of numbers kept as ascending ranges ``(first, past)``; ``past`` is one more than the last."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._pasts: list[int] = []
        for first, past in ranges:
            self.add(first, past)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Ranges:
        """The set of these numbers."""
        made = cls()
        for number in numbers:
            if made._pasts and made._pasts[-1] == number:
                made._pasts[-1] += 1
            else:
                made.add(number, number + 1)
        return made

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(tuple(self._firsts), tuple(self._pasts), strict=True))

    def __len__(self) -> int:
        """How many numbers."""
        return sum(self._pasts) - sum(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number < self._pasts[at]

    def add(self, first: int, past: int) -> None:
        """Add the numbers of a range."""
        if past <= first:
            return
        low = bisect_left(self._pasts, first)
        high = bisect_right(self._firsts, past)
        if low < high:
            first = min(first, self._firsts[low])
            past = max(past, self._pasts[high - 1])
        self._firsts[low:high] = [first]
        self._pasts[low:high] = [past]

    def discard(self, first: int, past: int) -> None:
        """Take the numbers of a range out."""
        if past <= first:
            return
        pieces = [
            piece
            for low, high in self
            for piece in ((low, min(high, first)), (max(low, past), high))
            if piece[0] < piece[1]
        ]
        self._firsts = [low for low, _ in pieces]
        self._pasts = [high for _, high in pieces]

    def outside(self, first: int, past: int) -> list[tuple[int, int]]:
        """The ranges between ``first`` and ``past`` that are not in the set, ascending."""
        found: list[tuple[int, int]] = []
        at = bisect_right(self._pasts, first)
        while first < past:
            if at == len(self._firsts) or self._firsts[at] >= past:
                found.append((first, past))
                break
            if self._firsts[at] > first:
                found.append((first, self._firsts[at]))
            first = self._pasts[at]
            at += 1
        return found

    @property
    def past(self) -> int:
        """One more than the highest number; 0 if there is none."""
        return self._pasts[-1] if self._pasts else 0

    def prefix(self) -> int:
        """How far the set goes from 0 without a hole: all numbers below this one are in it."""
        return self._pasts[0] if self._firsts and self._firsts[0] == 0 else 0
