"""Heart rate and its variability of a window of PPG of some 20 s.

The rate: band-passed by differences of running means, cut into 5 s, each levelled and compared with itself; the
likenesses are added up and their first high peak is the beat. It stands only where the parts agree. The intervals:
between the steepest points of the pulse wave, one a beat.
"""

from array import array

from micropython import const

from bracelet import codec
from bracelet.arrays import zeros
from bracelet.drivers.unsupported import Unsupported
from bracelet.features.periodicity import HOP, SAMPLES, Periodicity, first_peak, refined

_RATE_HZ = const(50)
_MOST_SAMPLES = const(1024)
_LEAST_SAMPLES = const(600)
_DETREND = const(20)
_SHORTEST = const(6)
_LONGEST = const(43)
_FULL = const(0x3FFF8)
_LITTLE = const(40)  # motion, as Movement.moved has it
_MUCH = const(80)
_ALIKE = const(512)
_VERY_ALIKE = const(614)
_CLIP = const(96)
_STEEP = const(57)
_MOST_BEATS = const(96)
_LEAST_PAIRS = const(8)


def averaged(rate_hz: int) -> int:
    """How many samples make one at 50 Hz; raise Unsupported if it cannot be done. 0 Hz: none will come."""
    if rate_hz == 0:
        return 1
    every = rate_hz // _RATE_HZ
    if every * _RATE_HZ != rate_hz or every not in (1, 2, 4, 8):
        raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "ppg_rate_hz %d: 50, 100, 200 or 400" % rate_hz)
    return every


class Pulse:
    """One window at a time; results hold until the next `begin`."""

    def __init__(self, rate_hz: int) -> None:
        self._every = averaged(rate_hz)
        self.rate_1024 = 1024
        """The sensor's true rate in 1024ths of its nominal one, where known."""
        self._raw = zeros("i", _MOST_SAMPLES)
        self._slow = zeros("i", _MOST_SAMPLES // 2)
        self._likeness = Periodicity(_SHORTEST, _LONGEST, True)
        self._sum = zeros("i", _LONGEST + 1)
        self._lags = array("b", bytes(16))
        self._beats = zeros("i", _MOST_BEATS)
        self.begin()

    def begin(self) -> None:
        """Forget the last window."""
        self.bpm = 0
        """0: no answer."""
        self.confidence = 0
        self.rmssd = 0
        """In 2 ms; 0: no answer, 255: that or more."""
        self.likeness = 0
        """How alike the beats are, in 1024ths, whether or not there was an answer."""
        self.saturated = 0
        """Samples at the end of the scale."""
        self.restart()

    def restart(self) -> None:
        """Begin anew in the same window: after a gap, or when it is full."""
        self._filled = 0
        self._part = 0
        self._parts = 0
        self._total = 0

    def level(self) -> int:
        """Mean of the counts so far; -1: there are none."""
        return self._total // self._filled if self._filled else -1

    def add(self, buffer: bytearray | bytes | memoryview, at: int, samples: int, channels: int) -> int:
        """Take samples of the first channel, 3 bytes each, while there is room; return how many were taken."""
        raw = self._raw
        every = self._every
        filled = self._filled
        parts = self._parts
        part = self._part
        total = self._total
        step = 3 * channels
        taken = min(samples, (_MOST_SAMPLES - filled) * every - parts)
        end = at + taken * step
        while at < end:
            value = (buffer[at] & 3) << 16 | buffer[at + 1] << 8 | buffer[at + 2]
            if value >= _FULL:
                self.saturated += 1
            part += value
            parts += 1
            if parts == every:
                raw[filled] = part = part // every
                total += part
                filled += 1
                parts = 0
                part = 0
            at += step
        self._filled = filled
        self._parts = parts
        self._part = part
        self._total = total
        return taken

    def judge(self, moved: int) -> None:
        """Answer, if there is enough and it is good: `moved` says by how much the wrist did meanwhile; -1: not known.

        A surer answer of the same window stands.
        """
        if self._filled < _LEAST_SAMPLES or moved >= _MUCH:
            return
        parts = self._compare()
        total = self._sum
        lag = first_peak(total, _SHORTEST, _LONGEST)
        if lag == 0:
            return
        likeness = total[lag] // parts
        self.likeness = max(self.likeness, likeness)
        agreeing = 0
        for part in range(parts):
            if abs(self._lags[part] - lag) <= max(1, lag >> 3):
                agreeing += 1
        still = moved < _LITTLE
        if agreeing < parts - still or likeness < (_ALIKE if still else _VERY_ALIKE):
            return
        confidence = min(99, 61 + 30 * agreeing // parts + (likeness >> 7))
        if confidence <= self.confidence:
            return
        period = refined(total, lag)
        self.confidence = confidence
        self.bpm = (375 * self.rate_1024 + period // 2) // period
        self.rmssd = self._variability(period) if still else 0

    def _compare(self) -> int:
        """Add up how alike the parts of the window are to themselves; return how many there are."""
        raw = self._raw
        slow = self._slow
        count = self._filled // 2 - 1
        for at in range(count):
            two = 2 * at
            slow[at] = raw[two] + raw[two + 1] + raw[two + 2] + raw[two + 3]
        count = _detrend(slow, _detrend(slow, count))
        total = self._sum
        for lag in range(_SHORTEST, _LONGEST + 1):
            total[lag] = 0
        parts = (count - SAMPLES) // HOP + 1
        likeness = self._likeness
        samples = likeness.samples
        of = likeness.of
        for part in range(parts):
            first = HOP * part
            for at in range(SAMPLES):
                samples[at] = slow[first + at]
            likeness.level()
            likeness.measure()
            self._lags[part] = first_peak(of, _SHORTEST, _LONGEST)
            for lag in range(_SHORTEST, _LONGEST + 1):
                total[lag] += of[lag]
        return parts

    def _variability(self, period: int) -> int:
        """RMSSD in 2 ms from the intervals near `period`, 25ths of a second in 256ths; spoils the samples."""
        slope = self._raw
        count = self._filled - 8
        size = self._slope(count)
        if size == 0:
            return 0
        beats = self._beats
        found = 0
        height = 0
        apart = (period >> 7) * 5 >> 3
        last = -apart - 1
        for at in range(1, count - 1):
            value = slope[at]
            if value <= size or value <= slope[at - 1] or value < slope[at + 1]:
                continue
            if at - last > apart:
                if found == _MOST_BEATS:
                    break
                found += 1
                height += value
            elif value > slope[last]:
                height += value - slope[last]
            else:
                continue
            last = at
            beats[found - 1] = refined(slope, at)
        # A wave that hardly rises faster than it does anything else has no point to time it by.
        if height // size * 20 < _STEEP * found:
            return 0
        return self._rmssd(found, 2 * period)

    def _slope(self, count: int) -> int:
        """Put the rise of the pulse wave, over a tenth of a second, in place of its samples; return its mean size."""
        slope = self._raw
        rise = 0
        for at in range(4):
            rise += slope[at + 5] - slope[at]
        size = 0
        for at in range(count):
            first = slope[at]
            slope[at] = rise
            size += rise if rise > 0 else -rise
            if at + 1 < count:
                rise += slope[at + 9] - slope[at + 5] - slope[at + 4] + first
        size //= count
        # Blood comes faster than it goes, and counts may rise with it or fall.
        skew = 0
        for at in range(count):
            value = slope[at] * 32 // size if size else 0
            value = _CLIP if value > _CLIP else -_CLIP if value < -_CLIP else value
            skew += value * value * value
        if skew < 0:
            for at in range(count):
                slope[at] = -slope[at]
        return size

    def _rmssd(self, found: int, period: int) -> int:
        beats = self._beats
        squares = 0
        products = 0
        pairs = 0
        before = 0
        changed = 0
        for beat in range(1, found):
            interval = beats[beat] - beats[beat - 1]
            change = 0
            if abs(interval - period) * 4 > period:
                interval = 0
            elif before:
                change = (interval - before) * 20 // 256
                squares += change * change
                products += change * changed
                pairs += 1
            before = interval
            changed = change
        if pairs < _LEAST_PAIRS or 5 * pairs < 4 * (found - 2):
            return 0
        # Beats timed badly make changes that take each other back: of pure error two thirds of each.
        if 2 * products < -squares:
            return 0
        square = squares // pairs >> 2
        root = 1
        while (root + 1) * (root + 1) <= square and root < 255:
            root += 1
        return root


def _detrend(samples: "array[int]", count: int) -> int:
    """Take the mean of 20 around each sample off it, in place; return how many are left."""
    total = 0
    for at in range(_DETREND):
        total += samples[at]
    left = count - _DETREND + 1
    for at in range(left):
        first = samples[at]
        samples[at] = samples[at + _DETREND // 2] - total // _DETREND
        if at + 1 < left:
            total += samples[at + _DETREND] - first
    return left
