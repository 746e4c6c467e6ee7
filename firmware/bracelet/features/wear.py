"""On a wrist or off: a pulse says on; no light that comes back, or stillness without a pulse for three windows, off."""

from micropython import const

UNKNOWN = const(0)
ON = const(1)
OFF = const(2)

_DARK = const(8192)  # of 2^18 counts
_LIT_UA = const(3000)
_PULSE_LIKE = const(307)
_MOTIONLESS = const(4)
_MOVING = const(16)
_WINDOWS = const(3)


class Wear:
    """The last known `state`."""

    def __init__(self) -> None:
        self.state = UNKNOWN
        self._doubts = 0

    def judge(self, level: int, led_ua: int, likeness: int, bpm: int, moved: int) -> int:
        """Take a window of PPG into account: mean counts, LED current (0: not known), likeness of beats, motion."""
        dark = 0 <= level < _DARK and (led_ua == 0 or led_ua >= _LIT_UA)
        if dark:
            self.state = OFF
            self._doubts = 0
        elif bpm:
            self.state = ON
            self._doubts = 0
        elif 0 <= moved < _MOTIONLESS and likeness < _PULSE_LIKE:
            self._doubts += 1
            if self._doubts >= _WINDOWS:
                self.state = OFF
                self._doubts = _WINDOWS
        else:
            self._doubts = 0
            if self.state == UNKNOWN and moved >= _MOVING:
                self.state = ON
        return self.state
