"""Candidates of a fall: an impact that shakes the wrist, then two and a half seconds of little motion.

Meant to be looked at again by who sees more of it than the length of the acceleration at 26 Hz: of the falls few are
missed, of claps and slaps followed by rest many are kept. The score says how strong the impact was.
"""

from micropython import const

IMPACT = const(2800)  # of 1024ths of g

_SHAKES = const(11000)
_STILL = const(9600)
_NEAR = const(13)
_LATER = const(26)
_REST = const(64)
_SEEN = const(104)

_TYPING = const(0)
if _TYPING:
    from array import array


class Falls:
    """The search; `impact` is the last length's position that was an impact's."""

    def __init__(self) -> None:
        self.score = 0
        self.impact = -1
        self._next = 0

    def restart(self) -> None:
        """Nothing that comes belongs to what was."""
        self.impact = -1
        self._next = 0

    def hop(self, lengths: "array[int]", end: int) -> int:
        """Look at what has enough after it, in the ring of 256 up to `end`; return where a fall hit, or -1.

        `score` is then that of the fall. There may be another: ask again until there is none.
        """
        known = end - _SEEN
        at = self._next
        found = -1
        if self.impact >= at:
            while at <= known and found < 0:
                if lengths[at & 255] < IMPACT:
                    at += 1
                    continue
                peak = at
                for near in range(at + 1, at + _NEAR):
                    if lengths[near & 255] > lengths[peak & 255]:
                        peak = near
                shaken = _moved(lengths, peak - _NEAR, peak + _NEAR)
                if shaken >= _SHAKES and _moved(lengths, peak + _LATER, peak + _LATER + _REST) <= _STILL:
                    found = peak
                    self.score = min(100, shaken // 200)
                    at = peak + _LATER + _REST
                else:
                    at = peak + _LATER
        elif at <= known:
            at = known + 1
        self._next = at
        return found


def _moved(lengths: "array[int]", first: int, last: int) -> int:
    """By how much the lengths changed in all from `first` to `last`."""
    moved = 0
    before = lengths[first & 255]
    for at in range(first + 1, last + 1):
        length = lengths[at & 255]
        moved += length - before if length > before else before - length
        before = length
    return moved
