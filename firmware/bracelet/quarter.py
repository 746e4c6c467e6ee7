"""Quarter-hours: fifteen minutes in a record, for when the minutes themselves had to go."""

from micropython import const

from bracelet import codec

_MINUTES = const(15)

_TYPING = const(0)
if _TYPING:
    from array import array


def _median(values: "list[int]") -> int:
    """The lower of the two in the middle where there are two; 0 of none."""
    values.sort()
    return values[(len(values) - 1) // 2] if values else 0


class Quarter:
    """Adds up minutes."""

    def __init__(self) -> None:
        self._bpm: list[int] = []
        self._rmssd: list[int] = []
        self._restart()

    def _restart(self) -> None:
        self._bpm.clear()
        self._rmssd.clear()
        self._minutes = 0
        self._worn = 0
        self._steps = 0
        self._activity = 0

    def add(self, minute: "array[int]") -> bool:
        """Add a minute: bpm, confidence, rmssd, steps, activity, state; whether the quarter is full."""
        if minute[0]:
            self._bpm.append(minute[0])
        if minute[2]:
            self._rmssd.append(minute[2])
        self._steps += minute[3]
        self._activity += minute[4]
        if minute[5] & codec.MINUTE_STATE_WORN:
            self._worn += 1
        self._minutes += 1
        return self._minutes == _MINUTES

    def pack_into(self, body: bytearray, battery: int) -> None:
        """Write the quarter's record, and begin the next."""
        codec.pack_quarter_record(
            body,
            0,
            _median(self._bpm),
            len(self._bpm) | self._worn << 4,
            _median(self._rmssd),
            self._steps,
            self._activity // _MINUTES,
            battery,
        )
        self._restart()
