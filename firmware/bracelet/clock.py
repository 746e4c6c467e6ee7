"""Monotonic time in integers that a 32-bit board holds without allocating."""

from micropython import const

_TYPING = const(0)
if _TYPING:
    from roles import ticks_us
else:
    from time import ticks_us

_MASK = const(0x3FFFFFFF)


def elapsed_us(since_us: int, now_us: int) -> int:
    """Microseconds from one tick to a later one, less than 2^30 (18 minutes) apart."""
    return (now_us - since_us) & _MASK


class Clock:
    """Ticks modulo 2^30, and how often they wrapped: it must be looked at once in 18 minutes."""

    def __init__(self) -> None:
        self.epoch = 0
        self._last_us = ticks_us() & _MASK

    def now_us(self) -> int:
        now = ticks_us() & _MASK
        if now < self._last_us:
            self.epoch = (self.epoch + 1) & 0xFFFF
        self._last_us = now
        return now
