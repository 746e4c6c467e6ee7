"""What a recording is to the analysis: signals that can be read piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .columns import Columns
from .errors import BadRecordingError, UnknownFormatError

Float32 = npt.NDArray[np.float32]

SUFFIXES = (".bdf", ".edf", ".csv", ".mat", ".npz")
"""The formats that are read."""

_SHORTEST_S = 8.0
_MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class Samples:
    """One signal of one or more channels, evenly sampled.

    Attributes
    ----------
    rate_hz
        Samples a second.
    count
        Samples of each channel.
    read
        ``read(start, stop)`` gives the samples ``start`` to ``stop`` as ``[channels, stop - start]``.
    """

    rate_hz: float
    count: int
    read: Callable[[int, int], Float32]

    @property
    def duration_s(self) -> float:
        """How long the signal lasts."""
        return self.count / self.rate_hz

    def between(self, start_s: float, stop_s: float) -> Float32:
        """Samples from ``start_s`` to ``stop_s``, NaN beyond the end of the signal."""
        start, stop = round(start_s * self.rate_hz), round(stop_s * self.rate_hz)
        known = self.read(min(start, self.count), min(stop, self.count))
        return np.pad(known, ((0, 0), (0, stop - start - known.shape[1])), constant_values=np.nan)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of a wrist. PPG and acceleration start together.

    Attributes
    ----------
    path
        The file.
    ppg
        Any number of channels in any unit, or None.
    acc
        Three axes in g, or None.
    started
        The clock when it began, as the file states it; without a time zone.
    """

    path: Path
    ppg: Samples | None
    acc: Samples | None
    started: datetime | None = None

    @property
    def duration_s(self) -> float:
        """How long the longer of the two signals lasts."""
        return max(signal.duration_s for signal in (self.ppg, self.acc) if signal is not None)


def read_recording(path: str | Path, columns: Columns | None = None) -> Recording:
    """Open a recording; its samples are read when they are asked for.

    - ``.bdf``, ``.edf`` (24 and 16 bits): signals whose label holds PPG, pleth or BVP, and the first three
      in a unit of acceleration, those labelled ``acc`` before others. Read block by block.
    - ``.csv`` with a header line: what ``columns`` says.
    - ``.npz`` with ``ppg`` and ``ppg_rate_hz``, ``acc`` (in g) and ``acc_rate_hz``, or what ``columns`` says.
    - ``.mat`` (MATLAB 5 to 7.2): originals of the IEEE Signal Processing Cup 2015, or what ``columns`` says.

    Where ``columns`` names columns and the file has all of them, they are used; otherwise what is recognised.

    Raises
    ------
    RecordingError
        See `vigie_analysis.errors` for its kinds; each says what to do.
    """
    from . import _arrays, _csv, _edf

    path = Path(path)
    readers = {
        ".bdf": _edf.read,
        ".edf": _edf.read,
        ".csv": _csv.read,
        ".mat": _arrays.read_mat,
        ".npz": _arrays.read_npz,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UnknownFormatError(
            f"{path.suffix or 'a file without suffix'} is not read",
            path=path,
            remedy=f"use {', '.join(SUFFIXES)}",
        )
    try:
        recording = reader(path, columns or Columns())
    except OSError as error:
        raise BadRecordingError(
            f"cannot be read: {error.strerror or error}",
            path=path,
            remedy="check the path and its permissions",
        ) from error
    if recording.ppg is None and recording.acc is None:
        raise BadRecordingError("has neither PPG nor acceleration", path=path, remedy="choose another file")
    for name, signal in (("PPG", recording.ppg), ("acceleration", recording.acc)):
        if signal is not None and not 10 <= signal.rate_hz <= 2000:
            raise BadRecordingError(
                f"its {name} was sampled at {signal.rate_hz:g} Hz",
                path=path,
                remedy="10 to 2000 Hz are needed",
            )
    if recording.duration_s < _SHORTEST_S:
        raise BadRecordingError(
            f"lasts {recording.duration_s:.1f} s",
            path=path,
            remedy=f"{_SHORTEST_S:g} s are the least to analyse",
        )
    return recording


def from_array(array: npt.NDArray[Any], rate_hz: float, scale: float, path: Path) -> Samples:
    """Channels in memory; they stay in the type in which they came.

    Raises
    ------
    BadRecordingError
        It holds no real numbers, or has the shape of no signal.
    """
    rows = np.atleast_2d(array)
    if rows.ndim == 2 and rows.shape[0] > _MOST_CHANNELS >= rows.shape[1]:
        rows = rows.T
    if rows.dtype.kind not in "fiu" or rows.ndim != 2 or rows.shape[0] > _MOST_CHANNELS:
        raise BadRecordingError(
            f"an array of shape {array.shape} and type {array.dtype} is no signal of one recording",
            path=path,
            remedy=f"[n] or [channels, n] of numbers, {_MOST_CHANNELS} channels at most, are needed",
        )

    def read(start: int, stop: int) -> Float32:
        part = rows[:, start:stop]
        return np.asarray(part if scale == 1 else part * scale, dtype=np.float32)

    return Samples(float(rate_hz), rows.shape[1], read)
