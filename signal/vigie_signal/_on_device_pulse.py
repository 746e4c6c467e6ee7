"""The bracelet's heart rate of a window of PPG, over whole arrays: see `vigie_signal.on_device`."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vigie_signal._on_device_likeness import HOP, SAMPLES, first_peak, levelled, likeness, refined

Int64 = npt.NDArray[np.int64]

_EVERY = {50: 1, 100: 2, 200: 4, 400: 8}
_MOST = 1024
_LEAST = 600
_SATURATED, _MOVING = 32, 64


class Window:
    """A window of PPG, and what came of it; None is a gap; ``moved``: the wrist's motion until each piece."""

    def __init__(
        self,
        pieces: Sequence[npt.NDArray[np.integer] | None],
        moved: Sequence[int],
        moved_in_all: int,
        *,
        rate_hz: int,
        rate_1024: int,
    ) -> None:
        if rate_hz not in _EVERY:
            raise ValueError(f"ppg_rate_hz={rate_hz}: pass one of {', '.join(map(str, _EVERY))}")
        every = _EVERY[rate_hz]
        self.bpm = self.confidence = self.rmssd = self.likeness = 0
        self.level = -1
        self.samples = 0
        self._rate_1024 = rate_1024
        saturated = 0
        unbroken = np.zeros(0, np.int64)
        for counts, so_far in zip(pieces, moved, strict=True):
            if counts is None:
                self._judge(unbroken[: len(unbroken) // every * every], every, so_far)
                unbroken = unbroken[:0]
                continue
            unbroken = np.concatenate([unbroken, np.asarray(counts, np.int64)])
            saturated += int((counts >= 0x3FFF8).sum())
            self.samples += counts.size
            while len(unbroken) > _MOST * every:
                self._judge(unbroken[: _MOST * every], every, so_far)
                unbroken = unbroken[_MOST * every :]
        self._judge(unbroken[: len(unbroken) // every * every], every, moved_in_all)
        self.flags = 0
        if self.samples and saturated * 64 > self.samples:
            self.flags |= _SATURATED
        if self.samples and moved_in_all >= 80 and not self.bpm:
            self.flags |= _MOVING

    def _judge(self, counts: Int64, every: int, moved: int) -> None:
        raw = counts.reshape(-1, every).sum(axis=1) // every
        if len(raw):
            self.level = int(raw.sum()) // len(raw)
        if len(raw) < _LEAST or moved >= 80:
            return
        alike = _parts(raw)
        lags = np.array([first_peak(part, 6, 43) for part in alike])
        total = alike.sum(axis=0)
        lag = first_peak(total, 6, 43)
        if lag == 0:
            return
        mean = int(total[lag]) // len(alike)
        self.likeness = max(self.likeness, mean)
        agreeing = int((np.abs(lags - lag) <= max(1, lag // 8)).sum())
        still = moved < 40
        if agreeing < len(alike) - still or mean < (512 if still else 614):
            return
        confidence = min(99, 61 + 30 * agreeing // len(alike) + mean // 128)
        if confidence <= self.confidence:
            return
        period = refined(total, lag)
        self.confidence = confidence
        self.bpm = (375 * self._rate_1024 + period // 2) // period
        self.rmssd = _variability(raw, period) if still else 0


def _parts(raw: Int64) -> Int64:
    """How alike each 5 s are to themselves, [parts, lags]."""
    halves = raw[: len(raw) // 2 * 2].reshape(-1, 2).sum(axis=1)
    slow = _detrended(_detrended(halves[1:] + halves[:-1]))
    starts = range(0, len(slow) - SAMPLES + 1, HOP)
    return np.stack([likeness(levelled(slow[at : at + SAMPLES])[0], 6, 43, whole=True) for at in starts])


def _detrended(samples: Int64) -> Int64:
    total = np.concatenate([[0], np.cumsum(samples)])
    mean: Int64 = (total[20:] - total[:-20]) // 20
    return np.subtract(samples[10 : 10 + len(mean)], mean, dtype=np.int64)


def _variability(raw: Int64, period: int) -> int:
    """RMSSD in 2 ms; 0 where the beats cannot be timed well enough."""
    total = np.concatenate([[0], np.cumsum(raw)])
    fours = total[4:] - total[:-4]
    slope = fours[5:] - fours[:-5]
    size = int(np.abs(slope).sum()) // len(slope)
    if size == 0:
        return 0
    if (np.clip(slope * 32 // size, -96, 96) ** 3).sum() < 0:
        slope = -slope
    middle = slope[1:-1]
    peaks = 1 + np.flatnonzero((middle > size) & (middle > slope[:-2]) & (middle >= slope[2:]))
    beats: list[int] = []
    for at in peaks.tolist():
        if not beats or at - beats[-1] > period // 128 * 5 // 8:
            beats.append(at)
        elif slope[at] > slope[beats[-1]]:
            beats[-1] = at
    beats = beats[:96]
    if int(slope[beats].sum()) // size * 20 < 57 * len(beats):
        return 0
    times = np.array([refined(slope, at) for at in beats], np.int64)
    interval = np.diff(times)
    good = np.abs(interval - 2 * period) * 4 <= 2 * period
    both = good[1:] & good[:-1]
    change = np.where(both, np.diff(interval) * 20 // 256, 0)
    pairs = int(both.sum())
    squares = int((change**2).sum())
    if pairs < 8 or 5 * pairs < 4 * (len(beats) - 2):
        return 0
    if 2 * int((change[1:] * change[:-1]).sum()) < -squares:
        return 0
    return int(np.clip(np.sqrt(squares // pairs // 4), 1, 255))
