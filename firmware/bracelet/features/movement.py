"""What the acceleration says sample by sample: its length, how much it moves, where gravity points.

Works at 26 Hz: of higher rates every second, fourth, ... sample is taken. Lengths are in 1024ths of g, less 0.05 %:
steps of 0.976 mg, which all ranges of the LSM6DSO have as a power of two.
"""

from micropython import const

from bracelet import codec
from bracelet.arrays import zeros
from bracelet.drivers.unsupported import Unsupported
from bracelet.features.falls import IMPACT, Falls
from bracelet.features.steps import Steps

_RATE_DECIHZ = const(260)
_G = const(1024)
_HALF_G = const(512)
_HOP_MASK = const(63)
_AROUND = const(0x3FFFFFFF)
_MOST = const(255)

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import TypeAlias

    Tell: TypeAlias = Callable[[int, int, int], None]


def taken_every(rate_decihz: int, range_g: int) -> int:
    """Which samples are taken, every second, fourth...; raise Unsupported if it cannot be done."""
    every = rate_decihz // _RATE_DECIHZ
    if every * _RATE_DECIHZ != rate_decihz or every not in (1, 2, 4, 8, 16):
        raise Unsupported(
            codec.ERROR_CODE_UNSUPPORTED_PLAN,
            "acc_rate_decihz %d: 260, 520, 1040, 2080 or 4160" % rate_decihz,
        )
    if range_g not in (2, 4, 8, 16):
        raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "acc_range_g %d: 2, 4, 8 or 16" % range_g)
    return every


class Movement:
    """Acceleration from block to block, minute to minute."""

    def __init__(self, rate_decihz: int, range_g: int, tell: "Tell") -> None:
        self._every = taken_every(rate_decihz, range_g)
        self._tell = tell
        self._shift = {2: 4, 4: 3, 8: 2, 16: 1}[range_g]
        self.sample = 0
        """Number of the sample that comes next, those lost counted, modulo 2^30."""
        self._lengths = zeros("h", 256)
        self._steps = Steps()
        self._falls = Falls()
        self._skip = 0
        self._end = 0
        self._before = 0
        self._hop_moved = 0
        self._window_moved = 0
        self._window_samples = 0
        self._clear()

    def _clear(self) -> None:
        self._samples = 0
        self._x = 0
        self._y = 0
        self._z = 0
        self._off = 0

    def add(self, buffer: "bytearray | bytes | memoryview", at: int, samples: int) -> None:
        """Take samples, x, y and z as little-endian 16 bits each; falls are told."""
        first = at + 6 * self._skip
        last = at + 6 * samples
        step = 6 * self._every
        self.sample = sample = (self.sample + samples) & _AROUND
        if first >= last:
            self._skip -= samples
            return
        used = (last - first + step - 1) // step
        self._skip = (first + used * step - last) // 6
        self._samples += used
        self._window_samples += used
        lengths = self._lengths
        shift = self._shift
        end = self._end
        before = self._before
        moved = self._hop_moved
        off = self._off
        sum_x = self._x
        sum_y = self._y
        sum_z = self._z
        at = first
        # A range of steps that are not constant would be an object.
        while at < last:
            x = (((buffer[at + 1] ^ 128) << 8 | buffer[at]) - 32768) >> shift
            y = (((buffer[at + 3] ^ 128) << 8 | buffer[at + 2]) - 32768) >> shift
            z = (((buffer[at + 5] ^ 128) << 8 | buffer[at + 4]) - 32768) >> shift
            sum_x += x
            sum_y += y
            sum_z += z
            # The root: Newton's from the tangent at 1 g, which is above it everywhere; one more, so that it is never 0.
            square = x * x + y * y + z * z + 1
            length = _HALF_G + (square >> 11)
            while True:
                nearer = (length + square // length) >> 1
                if nearer >= length:
                    break
                length = nearer
            off += length - _G if length > _G else _G - length
            if end == 0:
                self._fill(length)
            else:
                moved += length - before if length > before else before - length
            before = length
            lengths[end & 255] = length
            if length >= IMPACT:
                self._falls.impact = end
            end += 1
            if not end & _HOP_MASK:
                self._steps.hop(lengths, end, moved)
                hit = self._falls.hop(lengths, end)
                while hit >= 0:
                    since = self._every * (end - 1 - hit) + (last - at) // 6
                    self._tell(codec.EVENT_CODE_FALL, self._falls.score, (sample - since) & _AROUND)
                    hit = self._falls.hop(lengths, end)
                self._window_moved += moved
                moved = 0
            at += step
        self._end = end
        self._before = before
        self._hop_moved = moved
        self._off = off
        self._x = sum_x
        self._y = sum_y
        self._z = sum_z

    def _fill(self, length: int) -> None:
        """As if all had been like this before."""
        lengths = self._lengths
        for at in range(256):
            lengths[at] = length

    def lose(self, samples: int) -> None:
        """Go on after a gap: what needs samples in a row begins anew."""
        self.sample = (self.sample + samples) & _AROUND
        self._steps.restart()
        self._falls.restart()
        self._window_moved += self._hop_moved
        self._hop_moved = 0
        self._end = 0
        self._skip = 0

    def begin_window(self) -> None:
        """From here on `moved` is counted."""
        self._window_moved = -self._hop_moved
        self._window_samples = 0

    def moved(self) -> int:
        """By how much the length changed from sample to sample on average since `begin_window`; -1: none came."""
        if self._window_samples == 0:
            return -1
        return (self._window_moved + self._hop_moved) // self._window_samples

    def posture(self) -> int:
        """Where gravity pointed on average: x runs along the forearm to the hand, z out of the back of the wrist."""
        if self._samples == 0:
            return codec.POSTURE_UNKNOWN
        half = _HALF_G * self._samples
        x = self._x
        y = self._y
        z = self._z
        most = max(abs(x), abs(y), abs(z))
        if most < half:
            return codec.POSTURE_UNKNOWN
        if most == abs(x):
            return codec.POSTURE_RAISED if x > 0 else codec.POSTURE_HANGING
        if most == abs(z):
            return codec.POSTURE_LYING_PALM_DOWN if z > 0 else codec.POSTURE_LYING_PALM_UP
        return codec.POSTURE_LYING_ON_SIDE

    def activity(self) -> int:
        """Mean distance of the length from 1 g in 4 mg, at most 255."""
        if self._samples == 0:
            return 0
        return min(_MOST, self._off // self._samples * 250 >> 10)

    def end_minute(self) -> int:
        """Begin the next minute; return the steps found in this one, at most 255: more are left for the next."""
        steps = self._steps
        taken = min(_MOST, steps.taken >> 8)
        steps.taken -= taken << 8
        self._clear()
        return taken
