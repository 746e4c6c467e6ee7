"""What a trace is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._errors import BadTraceError


@dataclass(frozen=True)
class Mark:
    """Something known about a stretch of the trace.

    Labels in use: ``rest``, ``walk``, ``run``, ``fall``, ``off-wrist``, and ``beat`` (duration 0, one a
    heartbeat). Times are seconds from the first PPG sample.
    """

    start_s: float
    duration_s: float
    label: str


@dataclass(frozen=True, eq=False)
class HeartRateReference:
    """The true heart rate: one value a window.

    ``time_s`` [n] are the centres of the windows on the clock of the PPG, ``bpm`` [n] the mean rate in each,
    ``window_s`` their length.
    """

    time_s: NDArray[np.float64]
    bpm: NDArray[np.float64]
    window_s: float

    def __post_init__(self) -> None:
        if self.time_s.ndim != 1 or self.time_s.shape != self.bpm.shape:
            raise BadTraceError("the reference needs one rate for each time")


@dataclass(frozen=True, eq=False)
class Trace:
    """A recording of a wrist, or a synthetic one, in the units of the sensors.

    Attributes
    ----------
    name
        What the recording is called.
    sha256
        Of the file it was read from; of the BDF+ bytes it would be written as where it is synthetic.
    ppg : [1..3, n]
        Photocurrent in nA for each mA of LED current.
    ppg_channels
        One name a row of `ppg`: what light it is, such as ``("green", "red", "infrared")``.
    acc_g : [3, m]
        Acceleration in g, gravity included.
    reference
        The true heart rate, where it is known.
    marks
        In order of their start.
    repeats
        Whether it begins anew after its end, without end; else its last second is played to and fro.
    """

    name: str
    sha256: str
    ppg: NDArray[np.float64]
    ppg_channels: tuple[str, ...]
    ppg_rate_hz: float
    acc_g: NDArray[np.float64]
    acc_rate_hz: float
    reference: HeartRateReference | None
    marks: tuple[Mark, ...]
    repeats: bool = False

    def __post_init__(self) -> None:
        if self.ppg.ndim != 2 or not 1 <= len(self.ppg) <= 3 or self.ppg.shape[1] < 2:
            raise BadTraceError(
                f"PPG of shape {self.ppg.shape}: 1 to 3 channels of at least 2 samples are needed"
            )
        if len(self.ppg_channels) != len(self.ppg):
            raise BadTraceError(f"{len(self.ppg)} PPG channels but {len(self.ppg_channels)} names")
        if self.acc_g.ndim != 2 or len(self.acc_g) != 3 or self.acc_g.shape[1] < 2:
            raise BadTraceError(
                f"acceleration of shape {self.acc_g.shape}: 3 axes of at least 2 samples are needed"
            )
        if not (np.isfinite(self.ppg).all() and np.isfinite(self.acc_g).all()):
            raise BadTraceError("samples that are not finite", remedy="fill or cut the gaps first")
        for rate_hz in (self.ppg_rate_hz, self.acc_rate_hz):
            if not 0 < rate_hz < 1e5:
                raise BadTraceError(f"a sampling rate of {rate_hz} Hz")

    @property
    def duration_s(self) -> float:
        """How long both signals are there."""
        return float(min(self.ppg.shape[1] / self.ppg_rate_hz, self.acc_g.shape[1] / self.acc_rate_hz))

    def marks_of(self, label: str) -> tuple[Mark, ...]:
        """Those of the marks that carry `label`."""
        return tuple(mark for mark in self.marks if mark.label == label)
