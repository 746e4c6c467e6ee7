"""The bracelet's acceleration features over whole recordings: see `vigie_signal.on_device`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vigie_signal._on_device_likeness import HOP, SAMPLES, first_peak, levelled, likeness, refined

Int64 = npt.NDArray[np.int64]

_AROUND = 1 << 30
_SHIFTS = {2: 4, 4: 3, 8: 2, 16: 1}
_EVERY = {260: 1, 520: 2, 1040: 4, 2080: 8, 4160: 16}
_UNKNOWN, _HANGING, _PALM_DOWN, _PALM_UP, _ON_SIDE, _RAISED = range(6)


class Motion:
    """Questions to ask of an acceleration [n, 3]; positions count its samples, lost ones apart."""

    def __init__(
        self, acc: Int64, gaps: Sequence[tuple[int, int]], *, rate_decihz: int, range_g: int
    ) -> None:
        if rate_decihz not in _EVERY:
            raise ValueError(f"acc_rate_decihz={rate_decihz}: pass one of {', '.join(map(str, _EVERY))}")
        if range_g not in _SHIFTS:
            raise ValueError(f"acc_range_g={range_g}: pass one of {', '.join(map(str, _SHIFTS))}")
        self._gaps = sorted(gaps)
        edges = [0, *(at for at, _ in self._gaps), len(acc)]
        self._used = np.concatenate([np.arange(a, b, _EVERY[rate_decihz]) for a, b in pairwise(edges)])
        axes = acc[self._used] >> _SHIFTS[range_g]
        length = np.floor(np.sqrt((axes**2).sum(axis=1) + 1.0)).astype(np.int64)
        changes = np.abs(np.diff(length, prepend=length[:1]))
        self._sums = np.zeros((5, len(length) + 1), np.int64)
        self.falls: list[tuple[int, int, int]] = []
        """How many samples had been handed over when it was found, its score, the number of the sample it hit in."""
        counted: list[tuple[int, int]] = []
        for a, b in pairwise(edges):
            first, last = (int(each) for each in np.searchsorted(self._used, (a, b)))
            if first == last:
                continue
            changes[first] = 0
            part = length[first:last]
            counted += [
                (2 * int(self._used[first + hop - 1]) + 2 if hop else 2 * b + 1, steps)
                for hop, steps in _steps(part, changes[first:last])
            ]
            for hop, score, hit in _falls(part):
                sample = self.number(int(self._used[first + hit]) + 1) - 1
                self.falls.append((int(self._used[first + hop - 1]) + 1, score, sample % _AROUND))
        self._sums[:, 1:] = np.cumsum([*axes.T, np.abs(length - 1024), changes], axis=1)
        # Doubled, and one more for what is counted at a gap: that comes after all else at its place.
        self._counted_at = np.array([at for at, _ in counted], np.int64)
        self._counted = np.concatenate([[0], np.cumsum([steps for _, steps in counted], dtype=np.int64)])

    def number(self, at: int) -> int:
        """Number of the sample that comes next when ``at`` were handed over: gaps right there come after it."""
        return (at + sum(lost for where, lost in self._gaps if where < at)) % _AROUND

    def _between(self, start: int, stop: int) -> tuple[int, Int64]:
        """How many lengths were taken between the two, and their sums: of x, y, z, distances from 1 g, changes."""
        first, last = np.searchsorted(self._used, (start, stop))
        return int(last - first), self._sums[:, last] - self._sums[:, first]

    def moved(self, start: int, stop: int) -> int:
        """Mean change of the length from sample to sample; -1 without any."""
        count, sums = self._between(start, stop)
        return int(sums[4]) // count if count else -1

    def activity(self, start: int, stop: int) -> int:
        """Mean distance of the length from 1 g in 4 mg."""
        count, sums = self._between(start, stop)
        return min(255, int(sums[3]) // count * 250 // 1024) if count else 0

    def posture(self, start: int, stop: int) -> int:
        """Which way gravity pointed."""
        count, sums = self._between(start, stop)
        x, y, z = (int(each) for each in sums[:3])
        most = max(abs(x), abs(y), abs(z))
        if count == 0 or most < 512 * count:
            return _UNKNOWN
        if abs(x) == most:
            return _RAISED if x > 0 else _HANGING
        if abs(z) == most:
            return _PALM_DOWN if z > 0 else _PALM_UP
        return _ON_SIDE

    def steps_256(self, at: int) -> int:
        """256ths of steps counted by then."""
        return int(self._counted[np.searchsorted(self._counted_at, 2 * at, side="right")])


def _steps(length: Int64, changes: Int64) -> list[tuple[int, int]]:
    """After how many lengths steps were counted (0: when the part was over), and 256ths of how many."""
    counted: list[tuple[int, int]] = []
    padded = np.concatenate([np.full(64, length[0]), length])
    total = np.concatenate([[0], np.cumsum(padded)])
    moved = np.concatenate([[0], changes[: len(length) // HOP * HOP].reshape(-1, HOP).sum(axis=1)])
    period = missed = 0
    walking = False
    for hop in range(1, len(length) // HOP + 1):
        end, now = hop * HOP, 0
        if end >= SAMPLES and moved[hop] + moved[hop - 1] >= 1024:
            at = 64 + end - SAMPLES + np.arange(SAMPLES)
            base = total[at + 1] - total[at - 31]
            now = _cadence(padded[at - 15] + padded[at - 16] - (base >> 4), walking)
        if now and period and 5 * abs(now - period) <= period:
            before = 0 if walking else (HOP + 32) * 65536 // period
            counted.append((end, before + HOP * (1 + missed) * 65536 // now))
            period, missed, walking = now, 0, True
        elif walking and missed < 2:
            missed += 1
        else:
            if walking:
                counted.append((end, 32 * 65536 // period))
            period, missed, walking = now, 0, False
    if walking:
        counted.append((0, 32 * 65536 // period))
    return counted


def _cadence(samples: Int64, walking: bool) -> int:
    samples, size = levelled(samples)
    if size < 100:
        return 0
    of = likeness(samples, 6, 31, whole=False)
    lag = first_peak(of, 6, 31)
    if lag == 0 or of[lag] < (256 if walking else 461):
        return 0
    period = refined(of, lag)
    return period // 2 if period > 20 * 256 and of[period // 512] > -614 else period


def _falls(length: Int64) -> list[tuple[int, int, int]]:
    """After how many lengths each fall was found, its score, and where it hit."""
    falls: list[tuple[int, int, int]] = []
    known = len(length) // HOP * HOP - 104
    padded = np.concatenate([np.full(16, length[0]), length])
    moved = np.concatenate([[0], np.cumsum(np.abs(np.diff(padded)))])[16:]
    at = 0
    for impact in np.flatnonzero(length[: max(known + 1, 0)] >= 2800).tolist():
        if impact < at:
            continue
        peak = impact + int(np.argmax(length[impact : impact + 13]))
        shaken = int(moved[peak + 13] - (moved[peak - 13] if peak >= 13 else 0))
        at = peak + 26
        if shaken >= 11000 and moved[at + 64] - moved[at] <= 9600:
            falls.append((-(-(impact + 104) // HOP) * HOP, min(100, shaken // 200), peak))
            at += 64
    return falls
