"""The features of each minute, and what happened in it."""

from micropython import const

from bracelet import codec
from bracelet.features.movement import Movement, taken_every
from bracelet.features.pulse import Pulse, averaged
from bracelet.features.wear import OFF, ON, Wear

_MOST_EVENTS = const(8)
_MOVING = const(80)
_SATURATED_SHARE = const(64)

_TYPING = const(0)
if _TYPING:
    from array import array


def check(acc_rate_decihz: int, acc_range_g: int, ppg_rate_hz: int) -> None:
    """Raise Unsupported for settings of the sensors that there are no features for; takes no memory."""
    taken_every(acc_rate_decihz, acc_range_g)
    averaged(ppg_rate_hz)


class MinuteFeatures:
    """All that the bracelet works out of its samples; needs no heap but when an event happens.

    The accelerometer at 26 Hz (or 2, 4, 8, 16 times that), the PPG at 50 Hz (or 2, 4, 8 times; 0: none); raises
    Unsupported for other settings. `ppg_started` and `ppg_stopped` go around each window of PPG, of 12 s and more.
    """

    def __init__(self, acc_rate_decihz: int, acc_range_g: int, ppg_rate_hz: int) -> None:
        self.events: "list[tuple[int, int, int]]" = []
        """(code, value, number of the acceleration sample), at most 8; for the caller to take out.

        Samples are numbered from 0, those lost counted, modulo 2^30. The value of FALL is its score, 0 to 100; that of
        OFF_WRIST and ON_WRIST is the level of the PPG in counts.
        """
        self.movement = Movement(acc_rate_decihz, acc_range_g, self._tell)
        self.pulse = Pulse(ppg_rate_hz)
        self.wear = Wear()
        self.ppg_level = -1
        """Mean of the counts of the last window; -1: it had none."""
        self.ppg_saturated = 0
        """How many of them were at the end of the scale."""
        self._led_ua = 0
        self._ppg_samples = 0
        self._in_window = False
        self._clear()

    def _clear(self) -> None:
        self._bpm = 0
        self._confidence = 0
        self._rmssd = 0
        self._flags = 0

    def acceleration(self, buffer: bytearray | bytes | memoryview, at: int, samples: int) -> None:
        """Take samples as the stream sends them: x, y, z, little-endian 16 bits each."""
        self.movement.add(buffer, at, samples)

    def lost_acceleration(self, samples: int) -> None:
        """So many samples are missing here."""
        self.movement.lose(samples)

    def ppg_started(self, led_ua: int = 0) -> None:
        """A window of PPG begins, with this current in its LED; 0: not known."""
        self._led_ua = led_ua
        self._ppg_samples = 0
        self._in_window = True
        self.ppg_level = -1
        self.ppg_saturated = 0
        self.pulse.begin()
        self.movement.begin_window()

    def ppg(self, buffer: bytearray | bytes | memoryview, at: int, samples: int, channels: int) -> None:
        """Take samples as the stream sends them: of each channel 3 bytes, big-endian; the first one is used.

        Outside of windows they are let go.
        """
        if not self._in_window:
            return
        self._ppg_samples += samples
        while samples:
            taken = self.pulse.add(buffer, at, samples, channels)
            samples -= taken
            at += 3 * channels * taken
            if samples:
                self._judge()

    def lost_ppg(self, samples: int) -> None:
        """So many samples are missing here: what came before is judged by itself."""
        if samples and self._in_window:
            self._judge()

    def ppg_stopped(self) -> None:
        """The window is over: its heart rate, and whether the bracelet is worn."""
        if not self._in_window:
            return
        self._judge()
        self._in_window = False
        pulse = self.pulse
        self.ppg_saturated = pulse.saturated
        if not self._ppg_samples:
            return
        moved = self.movement.moved()
        if moved >= _MOVING and not pulse.bpm:
            self._flags |= codec.MINUTE_STATE_MOVING
        if pulse.saturated * _SATURATED_SHARE > self._ppg_samples:
            self._flags |= codec.MINUTE_STATE_SATURATED
        if pulse.confidence > self._confidence:
            self._confidence = pulse.confidence
            self._bpm = pulse.bpm
            self._rmssd = pulse.rmssd
        was = self.wear.state
        now = self.wear.judge(self.ppg_level, self._led_ua, pulse.likeness, pulse.bpm, moved)
        if now != was and now == OFF:
            self._tell(codec.EVENT_CODE_OFF_WRIST, self.ppg_level, self.movement.sample)
        elif now != was and was == OFF:
            self._tell(codec.EVENT_CODE_ON_WRIST, self.ppg_level, self.movement.sample)

    def close_minute(self, into: "bytearray | array[int]") -> None:
        """Write bpm, confidence, rmssd, steps, activity and state, one number each; the next minute begins."""
        state = self.wear.state
        movement = self.movement
        into[0] = self._bpm
        into[1] = self._confidence
        into[2] = self._rmssd
        into[4] = movement.activity()
        into[5] = (
            movement.posture()
            | self._flags
            | (
                codec.MINUTE_STATE_WORN
                if state == ON
                else codec.MINUTE_STATE_OFF_WRIST
                if state == OFF
                else 0
            )
        )
        into[3] = movement.end_minute()
        self._clear()

    def _judge(self) -> None:
        level = self.pulse.level()
        if level >= 0:
            self.ppg_level = level
            self.pulse.judge(self.movement.moved())
        self.pulse.restart()

    def _tell(self, code: int, value: int, sample: int) -> None:
        if len(self.events) < _MOST_EVENTS:
            self.events.append((code, value, sample))
