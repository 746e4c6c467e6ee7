"""What the bracelet works out by itself, once more with NumPy: equal to the last bit on the same samples.

The truth for the integers of ``firmware/bracelet/features``. It shares no code with them and takes whole recordings
where they take blocks: lengths by square root, running sums by differences of cumulative ones, likenesses as matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from vigie_signal._on_device_motion import Motion
from vigie_signal._on_device_pulse import Window


class DeviceEvent(IntEnum):
    """What happened; the numbers are the protocol's."""

    FALL = 16
    OFF_WRIST = 17
    ON_WRIST = 18


@dataclass(frozen=True, slots=True)
class Event:
    """``sample`` numbers the acceleration's samples from 0, lost ones counted; ``value`` is a score, or counts."""

    code: DeviceEvent
    value: int
    sample: int


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute as it is stored: see `docs/features.md` for units."""

    bpm: int
    confidence: int
    rmssd: int
    steps: int
    activity: int
    state: int


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive samples of the first PPG channel, or a gap of ``lost`` ones.

    ``at`` says how many samples of the acceleration had been handed over before it (lost ones not counted).
    """

    at: int
    counts: npt.NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, np.int64))
    lost: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PpgWindow:
    """The PPG from start to stop, both counted as in `Piece`; a piece comes before the stop."""

    start: int
    stop: int
    pieces: Sequence[Piece]
    led_ua: int = 0


@dataclass(frozen=True, slots=True)
class Features:
    """Every closed minute, and what happened, in the order in which it was found."""

    minutes: tuple[Minute, ...]
    events: tuple[Event, ...]


def on_device_features(
    acc: npt.NDArray[np.integer],
    *,
    acc_rate_decihz: int,
    acc_range_g: int,
    ppg_rate_hz: int,
    windows: Sequence[PpgWindow] = (),
    minute_ends: Sequence[int] = (),
    gaps: Sequence[tuple[int, int]] = (),
    ppg_rate_1024: int = 1024,
) -> Features:
    """Compute what the bracelet's ``MinuteFeatures`` does.

    Parameters
    ----------
    acc : int array [n, 3]
        Raw samples of 16 bits.
    acc_rate_decihz, acc_range_g, ppg_rate_hz : int
        Settings of the sensors: 26 Hz times 1, 2, 4, 8 or 16, in 0.1 Hz; 2, 4, 8 or 16 g; 50, 100, 200 or 400 Hz.
    windows : sequence of PpgWindow
        In order, none inside another.
    minute_ends : sequence of int
        After how many samples of ``acc`` each minute is closed. Where they meet: a window stops, then the minute is
        closed, then a window starts.
    gaps : sequence of (int, int)
        After how many samples of ``acc`` there is a gap, and how many are missing.
    ppg_rate_1024 : int
        The PPG's true rate in 1024ths of the nominal one.

    Returns
    -------
    Features

    Raises
    ------
    ValueError
        If a rate or a range is none that the bracelet takes.
    """
    motion = Motion(np.asarray(acc, np.int64), gaps, rate_decihz=acc_rate_decihz, range_g=acc_range_g)
    found = [(at, 2, Event(DeviceEvent.FALL, score, sample)) for at, score, sample in motion.falls]
    worn = _Worn()
    judged: list[tuple[int, Window, int]] = []
    for window in windows:
        moved = [motion.moved(window.start, piece.at) for piece in window.pieces]
        result = Window(
            [None if piece.lost else piece.counts for piece in window.pieces],
            moved,
            motion.moved(window.start, window.stop),
            rate_hz=ppg_rate_hz,
            rate_1024=ppg_rate_1024,
        )
        was = worn.state
        if result.samples:
            worn.judge(result, window.led_ua, motion.moved(window.start, window.stop))
        judged.append((window.stop, result, worn.state))
        if worn.state != was and _OFF in {worn.state, was}:
            code = DeviceEvent.OFF_WRIST if worn.state == _OFF else DeviceEvent.ON_WRIST
            found.append((window.stop, 3, Event(code, result.level, motion.number(window.stop))))
    found.sort(key=lambda each: each[:2])
    return Features(_minutes(motion, judged, minute_ends), tuple(event for _, _, event in found))


_UNKNOWN, _ON, _OFF = range(3)
_DARK = 8192


class _Worn:
    """On by a pulse; off by darkness, or by three windows of stillness without a pulse."""

    def __init__(self) -> None:
        self.state = _UNKNOWN
        self._doubts = 0

    def judge(self, window: Window, led_ua: int, moved: int) -> None:
        if 0 <= window.level < _DARK and not 0 < led_ua < 3000:
            self.state, self._doubts = _OFF, 0
        elif window.bpm:
            self.state, self._doubts = _ON, 0
        elif moved in range(4) and window.likeness < 307:
            self._doubts += 1
            if self._doubts >= 3:
                self.state = _OFF
        else:
            self._doubts = 0
            if self.state == _UNKNOWN and moved >= 16:
                self.state = _ON


def _minutes(
    motion: Motion, judged: Sequence[tuple[int, Window, int]], minute_ends: Sequence[int]
) -> tuple[Minute, ...]:
    minutes: list[Minute] = []
    start = given = before = 0
    worn = _UNKNOWN
    for end in minute_ends:
        inside = [window for stop, window, _ in judged[before:] if stop <= end]
        before += len(inside)
        if before:
            worn = judged[before - 1][2]
        best = max(inside, key=lambda window: window.confidence, default=None)
        flags = 0
        for window in inside:
            flags |= window.flags
        steps = min(255, motion.steps_256(end) // 256 - given)
        given += steps
        minutes.append(
            Minute(
                best.bpm if best else 0,
                best.confidence if best else 0,
                best.rmssd if best else 0,
                steps,
                motion.activity(start, end),
                motion.posture(start, end) | 8 * worn | flags,
            )
        )
        start = end
    return tuple(minutes)
