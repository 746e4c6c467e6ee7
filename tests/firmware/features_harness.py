"""A wrist's samples in the order in which the bracelet gets them, for its features and for their reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from features_board import METHODS, NUMBER
from numpy.typing import NDArray

from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace
from vigie_rig.traces._load import to_photocurrent
from vigie_signal.on_device import (
    DeviceEvent,
    Event,
    Features,
    Minute,
    PpgWindow,
    on_device_features,
)

Int64 = NDArray[np.int64]
ACC_RATE_HZ = 10000 / 384
"""What the LSM6DSO makes of 26 Hz."""
PPG_RATE_HZ = 50
LED_UA = 6400
_RANGES = {2: 0, 16: 1, 4: 2, 8: 3}

Call = tuple[str, Any]
"""A method of MinuteFeatures, and its bytes or its number."""


@dataclass(frozen=True, eq=False)
class Wrist:
    """What comes, as `on_device_features` takes it; pieces of a window come before it stops."""

    acc: Int64
    windows: Sequence[PpgWindow] = ()
    minute_ends: Sequence[int] = ()
    gaps: Sequence[tuple[int, int]] = ()
    acc_rate_decihz: int = 260
    acc_range_g: int = 8
    ppg_rate_hz: int = PPG_RATE_HZ
    ppg_rate_1024: int = 1024

    @property
    def settings(self) -> tuple[int, int, int]:
        return self.acc_rate_decihz, self.acc_range_g, self.ppg_rate_hz

    def reference(self) -> Features:
        return on_device_features(
            self.acc,
            acc_rate_decihz=self.acc_rate_decihz,
            acc_range_g=self.acc_range_g,
            ppg_rate_hz=self.ppg_rate_hz,
            windows=self.windows,
            minute_ends=self.minute_ends,
            gaps=self.gaps,
            ppg_rate_1024=self.ppg_rate_1024,
        )

    def calls(self, cut: Callable[[], int] = lambda: 26) -> list[Call]:
        """What the recorder calls, with blocks of `cut()` samples."""
        steps: list[tuple[int, int, Call]] = []
        for window in self.windows:
            steps.append((window.start, 2, ("ppg_started", window.led_ua)))
            steps += [
                (piece.at, 3, ("lost_ppg", piece.lost) if piece.lost else ("ppg", piece.counts))
                for piece in window.pieces
            ]
            steps.append((window.stop, 0, ("ppg_stopped", 0)))
        steps += [(end, 1, ("close_minute", 0)) for end in self.minute_ends]
        steps += [(at, 4, ("lost_acceleration", lost)) for at, lost in self.gaps]
        steps.append((len(self.acc), 9, ("", 0)))
        calls: list[Call] = []
        done = 0
        for at, _, (method, given) in sorted(steps, key=lambda step: step[:2]):
            calls += [("acceleration", acc_bytes(block)) for block in _blocks(self.acc[done:at], cut)]
            done = at
            if method == "ppg":
                calls += [("ppg", ppg_bytes(block)) for block in _blocks(given, cut)]
            elif method:
                calls.append((method, given))
        return calls


def _blocks(samples: Int64, cut: Callable[[], int]) -> list[Int64]:
    blocks: list[Int64] = []
    at = 0
    while at < len(samples):
        blocks.append(samples[at : at + max(1, cut())])
        at += len(blocks[-1])
    return blocks


def acc_bytes(acc: Int64) -> bytes:
    """As the stream of the accelerometer has them."""
    return np.ascontiguousarray(acc, "<i2").tobytes()


def ppg_bytes(counts: Int64) -> bytes:
    """As the stream of the PPG has them, one channel."""
    return np.ascontiguousarray(counts, ">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def play(features: Any, calls: Sequence[Call]) -> Features:
    """Play the calls to the firmware's MinuteFeatures."""
    minutes: list[Minute] = []
    events: list[Event] = []
    for method, given in calls:
        if method == "acceleration":
            # Not at the beginning of the buffer, as behind the head of a block.
            features.acceleration(b"head" + given, 4, len(given) // 6)
        elif method == "ppg":
            features.ppg(b"hd" + given, 2, len(given) // 3, 1)
        elif method == "close_minute":
            into = bytearray(7)
            features.close_minute(into)
            minutes.append(Minute(*into[:6]))
        elif method == "ppg_stopped":
            features.ppg_stopped()
        else:
            getattr(features, method)(given)
        events += [Event(DeviceEvent(code), value, sample) for code, value, sample in features.events]
        features.events.clear()
    return Features(tuple(minutes), tuple(events))


def write_tape(path: Path, calls: Sequence[Call]) -> None:
    """Write the calls for `features_board`."""
    with path.open("wb") as file:
        for method, given in calls:
            number = not isinstance(given, bytes)
            content: bytes = given.to_bytes(4, "little") if number else given
            size = NUMBER if number else len(content)
            file.write(bytes([METHODS.index(method)]) + size.to_bytes(2, "little") + content)


def trace_of(recording: dict[str, Any]) -> Trace:
    """A recording as the sensors' models play it: one channel, a fingertip's red one."""
    names = [str(name) for name in np.atleast_1d(recording["ppg_channels"])]
    row = names.index("R") if "R" in names else 0
    ppg = np.asarray(recording["ppg"], np.float64)[row : row + 1]
    ppg_rate_hz = float(recording["ppg_rate_hz"])
    acc, acc_rate_hz = np.asarray(recording["acc"], np.float64), float(recording["acc_rate_hz"])
    if acc.shape[1] == 0:
        acc_rate_hz = 25.0
        acc = np.tile([[0.0], [0.0], [1.0]], int(ppg.shape[1] / ppg_rate_hz * acc_rate_hz))
    return Trace(
        name=recording["name"],
        sha256="",
        ppg=to_photocurrent(ppg),
        ppg_channels=("green",),
        ppg_rate_hz=ppg_rate_hz,
        acc_g=acc,
        acc_rate_hz=acc_rate_hz,
        reference=None,
        marks=(),
    )


def acc_of(trace: Trace, *, range_g: int = 8, tail_s: float = 0.0) -> Int64:
    """What the model of the accelerometer makes of a trace at 26 Hz; for `tail_s` the last second goes on."""
    sensor = Lsm6dso(trace)
    sensor.write(0x10, bytes([2 << 4 | _RANGES[range_g] << 2]), 0)
    sensor.read(0x1E, 1, int((trace.duration_s + tail_s) * 1e6))
    return sensor.ledger.runs[-1].values.astype(np.int64)


def ppg_of(trace: Trace, *, led_ua: int = LED_UA) -> Int64:
    """What the model of the PPG makes of the first channel of a trace at 50 Hz: one green LED, 4096 nA full scale."""
    sensor = Max30101(trace)
    for register, value in ((0x0A, 1 << 5 | 3), (0x0E, led_ua // 200), (0x11, 3), (0x09, 7)):
        sensor.write(register, bytes([value]), 0)
    sensor.read(0x00, 1, int(trace.duration_s * 1e6))
    return sensor.ledger.runs[-1].values[:, 0].astype(np.int64)
