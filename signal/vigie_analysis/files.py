"""Opening the files of others: EDF and BDF piece by piece, NumPy archives, MATLAB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from edfio import Bdf, BdfSignal, Edf, EdfSignal, read_bdf, read_edf

from .errors import BadRecordingError

Array = npt.NDArray[Any]


class EdfFile:
    """An EDF or BDF file (the suffix says which) of which any data records can be read, and no more.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    record_s : float
        Length of a data record.
    records : int
        Data records in the file.

    Raises
    ------
    BadRecordingError
        The header is none, or the file is shorter than it says.
    OSError
        The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_bdf = path.suffix.lower() == ".bdf"
        with path.open("rb") as file:
            fixed = file.read(256)
            try:
                size, count, signals = int(fixed[184:192]), int(fixed[236:244]), int(fixed[252:256])
                self.record_s = float(fixed[244:252])
                self._header = fixed + file.read(size - 256)
                per_record = [
                    int(self._header[at : at + 8])
                    for at in range(256 + signals * 216, 256 + signals * 224, 8)
                ]
            except ValueError as error:
                raise BadRecordingError(
                    f"is no readable {self._kind} file: its header is damaged",
                    path=path,
                    remedy="check it in EDFbrowser",
                ) from error
        self._record_size = sum(per_record) * (3 if self._is_bdf else 2)
        there = (path.stat().st_size - size) // max(self._record_size, 1)
        # A recorder that was switched off leaves -1: then what is there counts.
        self.records = there if count == -1 else count
        if there < self.records or self.records <= 0 or self.record_s <= 0:
            raise BadRecordingError(
                f"is cut off: {max(there, 0)} of {count} data records are there",
                path=path,
                remedy="copy it again, or repair its header in EDFbrowser",
            )

    @property
    def _kind(self) -> str:
        return "BDF" if self._is_bdf else "EDF"

    def read(self, start: int = 0, stop: int | None = None) -> Edf | Bdf:
        """Data records ``start`` to ``stop``, all by default, as a file of their own.

        Raises
        ------
        BadRecordingError
            They are damaged, or interrupted (EDF+D), so that samples have no even time.
        """
        stop = self.records if stop is None else stop
        with self.path.open("rb") as file:
            file.seek(len(self._header) + start * self._record_size)
            data = file.read((stop - start) * self._record_size)
        content = self._header[:236] + f"{stop - start:<8}".encode() + self._header[244:] + data
        try:
            part: Edf | Bdf = read_bdf(content) if self._is_bdf else read_edf(content)
            even = not self._header[192:197].endswith(b"+D") or part.is_continuous
        except Exception as error:
            raise BadRecordingError(
                f"is no readable {self._kind} file: {error}", path=self.path, remedy="check it in EDFbrowser"
            ) from error
        if not even:
            raise BadRecordingError(
                f"has interruptions ({self._kind}+D)",
                path=self.path,
                remedy="cut it into continuous files in EDFbrowser",
            )
        return part

    def samples(self, signals: list[int], per_record: int, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Samples ``start`` to ``stop`` of some signals that have ``per_record`` in each data record."""
        first = start // per_record
        last = max(-(-stop // per_record), first + 1)
        if start >= stop:
            return np.empty((len(signals), 0), np.float32)
        part = self.read(first, last)
        cut = slice(start - first * per_record, stop - first * per_record)
        try:
            return np.array([part.signals[index].data[cut] for index in signals], dtype=np.float32)
        except Exception as error:
            raise BadRecordingError(
                f"has a signal that cannot be read: {error}", path=self.path, remedy="check it in EDFbrowser"
            ) from error


def signals_of(part: Edf | Bdf) -> list[EdfSignal | BdfSignal]:
    """Signals of a file but its annotations."""
    return list(part.signals)


def open_npz(path: Path) -> dict[str, Array]:
    """Arrays of a NumPy archive.

    Raises
    ------
    BadRecordingError
        It is none, or damaged.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except OSError:
            raise
        except Exception as error:
            raise BadRecordingError(
                f"is no readable NumPy archive: {error}", path=path, remedy="copy it again"
            ) from error


def open_mat(path: Path, *names: str) -> dict[str, Array]:
    """Numeric arrays of a MATLAB file up to version 7.2: those named, all by default.

    Raises
    ------
    BadRecordingError
        It is none, or damaged, or of version 7.3.
    OSError
        The file cannot be read.
    """
    from scipy.io import loadmat

    with path.open("rb") as file:
        if file.read(10) == b"MATLAB 7.3":
            raise BadRecordingError(
                "is of MATLAB version 7.3", path=path, remedy="save it in MATLAB with -v7"
            )
    try:
        stored = loadmat(str(path), variable_names=list(names) or None)
    except Exception as error:
        raise BadRecordingError(
            f"is no readable MATLAB file: {error}", path=path, remedy="copy it again, or save it with -v7"
        ) from error
    return {name: np.asarray(value) for name, value in stored.items() if not name.startswith("__")}
