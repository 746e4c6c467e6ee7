"""What a bench saw, as plain NumPy arrays, for the report to draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vigie_rig.report.features import Features

__all__ = ["BenchRecording", "HeapHistory", "HeartRate", "LinkHistory", "LogLine", "Span"]

Array = NDArray[np.floating[Any] | np.integer[Any]]


class Span(NamedTuple):
    """A labelled stretch of time: a mark of the trace or a fault of the plan; duration 0 is an instant."""

    start_s: float
    duration_s: float
    label: str


class LogLine(NamedTuple):
    """One line of the device's log; `level` is one of debug, info, warning, error."""

    time_s: float
    level: str
    text: str


@dataclass(frozen=True, eq=False)
class HeartRate:
    """Heart rate over time: an estimate with its confidence (0 to 1), or a reference without.

    `time_s`, `bpm` and `confidence` have one shape [k]; NaN in `bpm` is an abstention.
    """

    time_s: Array
    bpm: Array
    confidence: Array | None = None

    def __post_init__(self) -> None:
        _same_length("heart rate", time_s=self.time_s, bpm=self.bpm, confidence=self.confidence)


@dataclass(frozen=True, eq=False)
class LinkHistory:
    """The link over time, all of shape [k].

    `bytes_per_s` from device to host; `frames_bad` and `samples_missing` count from the beginning. Missing is what
    the numbering says is missing, as the host sees it while it runs.
    """

    time_s: Array
    bytes_per_s: Array
    frames_bad: Array
    samples_missing: Array

    def __post_init__(self) -> None:
        _same_length(
            "link",
            time_s=self.time_s,
            bytes_per_s=self.bytes_per_s,
            frames_bad=self.frames_bad,
            samples_missing=self.samples_missing,
        )


@dataclass(frozen=True, eq=False)
class HeapHistory:
    """Live bytes on the device's heap after a collection, shape [k]."""

    time_s: Array
    live_bytes: Array

    def __post_init__(self) -> None:
        _same_length("heap", time_s=self.time_s, live_bytes=self.live_bytes)


@dataclass(frozen=True, eq=False)
class BenchRecording:
    """Everything that the report draws; all times in seconds from the start of the trace.

    Whatever a bench did not get to is left out: arrays of length 0, or None. Lost samples are simply absent
    from `ppg` and `acc_g`: the report sees the step in time and leaves a gap.

    Attributes:
        ppg_time_s: [n], rising.
        ppg: [channels, n] in counts of the sensor.
        ppg_channels: one name a channel, all different, such as green, red, infrared.
        acc_time_s: [m], rising.
        acc_g: [3, m] in g.
        estimate: the heart rate that the bench judged.
        reference: the heart rate known beside the trace.
        features: what else the samples say.
        link: the link over time.
        heap: the device's heap over time.
        marks: what the trace says about itself: rest, walk, fall, beat.
        faults: what the bench did to the board on purpose.
        log: what the device said.
        versions: name to version of all that took part.
        command: the command line that repeats this bench.
    """

    ppg_time_s: Array
    ppg: Array
    ppg_channels: tuple[str, ...]
    acc_time_s: Array
    acc_g: Array
    estimate: HeartRate | None = None
    reference: HeartRate | None = None
    features: Features | None = None
    link: LinkHistory | None = None
    heap: HeapHistory | None = None
    marks: tuple[Span, ...] = ()
    faults: tuple[Span, ...] = ()
    log: tuple[LogLine, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""

    def __post_init__(self) -> None:
        expected = (len(self.ppg_channels), len(self.ppg_time_s))
        if self.ppg.shape != expected:
            raise ValueError(f"ppg has shape {self.ppg.shape}, its channels and times say {expected}")
        if len(set(self.ppg_channels)) < len(self.ppg_channels):
            raise ValueError(f"ppg_channels are {self.ppg_channels}: give each channel its own name")
        if self.acc_g.shape != (3, len(self.acc_time_s)):
            raise ValueError(f"acc_g has shape {self.acc_g.shape}, expected (3, {len(self.acc_time_s)})")

    @property
    def duration_s(self) -> float:
        """The end of the last thing seen, at least 1 s."""
        ends = [1.0, *(span.start_s + span.duration_s for span in self.marks + self.faults)]
        ends += [line.time_s for line in self.log]
        for series in (self.ppg_time_s, self.acc_time_s):
            if len(series):
                ends.append(float(series[-1]))
        for part in (self.estimate, self.reference, self.link, self.heap):
            if part is not None and len(part.time_s):
                ends.append(float(part.time_s[-1]))
        return max(ends)


def _same_length(what: str, **columns: Array | None) -> None:
    lengths = {name: column.shape for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) != 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise ValueError(f"{what}: columns must be one-dimensional and of one length, got {lengths}")
