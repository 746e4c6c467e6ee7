"""Steps: every 64 samples at 26 Hz, the cadence of the last 128, and how many steps that makes.

A cadence counts when two in a row agree; one or two windows without any between such are filled.
"""

from micropython import const

from bracelet.features.periodicity import HOP, SAMPLES, Periodicity, first_peak, refined

_SHORTEST = const(6)
_LONGEST = const(31)
_LEAST_SIZE = const(100)  # 50 mg, of sums of two
_LEAST_MOVED = const(1024)
_BEGINS = const(461)
_GOES_ON = const(256)
_SLOW = const(5120)  # 20 samples in 256ths: longer ones may be strides of two steps,
_OPPOSED = const(-614)  # unless half of it is the opposite
_MOST_MISSED = const(2)
_EDGE = const(32)  # samples of a window that no neighbour counts

_TYPING = const(0)
if _TYPING:
    from array import array


class Steps:
    """`taken` steps, in 256ths."""

    def __init__(self) -> None:
        self.taken = 0
        self._likeness = Periodicity(_SHORTEST, _LONGEST, False)
        self._moved = 0
        self._period = 0
        self._walking = False
        self._missed = 0

    def restart(self) -> None:
        """Nothing that comes belongs to what was."""
        if self._walking:
            self._count(_EDGE, self._period)
        self._walking = False
        self._period = 0
        self._missed = 0
        self._moved = 0

    def hop(self, lengths: "array[int]", end: int, moved: int) -> None:
        """64 lengths more are in the ring of 256, the last before `end`; they changed by `moved` in all."""
        before = self._moved
        self._moved = moved
        period = 0
        if end >= SAMPLES and before + moved >= _LEAST_MOVED:
            period = self._cadence(lengths, end)
        last = self._period
        if period and last and -last <= 5 * (period - last) <= last:
            self._count(HOP * (1 + self._missed), period)
            if not self._walking:
                self._count(HOP + _EDGE, last)
            self._walking = True
            self._missed = 0
            self._period = period
        elif self._walking and self._missed < _MOST_MISSED:
            self._missed += 1
        else:
            if self._walking:
                self._count(_EDGE, last)
            self._walking = False
            self._missed = 0
            self._period = period

    def _count(self, samples: int, period: int) -> None:
        self.taken += samples * 65536 // period

    def _cadence(self, lengths: "array[int]", end: int) -> int:
        """The time between two steps in 256ths of a sample; 0: no steps."""
        likeness = self._likeness
        samples = likeness.samples
        first = end - SAMPLES
        base = 0
        for at in range(first - 32, first):
            base += lengths[at & 255]
        for at in range(SAMPLES):
            there = first + at
            base += lengths[there & 255] - lengths[(there - 32) & 255]
            samples[at] = lengths[(there - 15) & 255] + lengths[(there - 16) & 255] - (base >> 4)
        if likeness.level() < _LEAST_SIZE:
            return 0
        likeness.measure()
        of = likeness.of
        lag = first_peak(of, _SHORTEST, _LONGEST)
        if lag == 0 or of[lag] < (_GOES_ON if self._walking else _BEGINS):
            return 0
        period = refined(of, lag)
        if period > _SLOW and of[period >> 9] > _OPPOSED:
            period >>= 1
        return period
