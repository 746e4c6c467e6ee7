"""Recordings as arrays: NumPy archives and MATLAB files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .columns import Columns
from .errors import BadRecordingError, ColumnsError
from .files import Array, open_mat, open_npz
from .recording import Recording, Samples, from_array

SPC_RATE_HZ = 125.0
"""Rate of the IEEE Signal Processing Cup 2015 (doi 10.1109/TBME.2014.2359372)."""


def read_npz(path: Path, columns: Columns) -> Recording:
    """Open a recording, see `read_recording`."""
    arrays = open_npz(path)
    if columns.named and set(columns.ppg + columns.acc) <= set(arrays):
        return _mapped(path, arrays, columns)
    if "ppg" not in arrays and "acc" not in arrays:
        raise ColumnsError(
            f"has neither 'ppg' nor 'acc' among its arrays {_list(arrays)}",
            path=path,
            remedy="name them with --columns",
        )
    return Recording(
        path, _own(path, arrays, "ppg", columns.rate_hz), _own(path, arrays, "acc", columns.acc_rate_hz)
    )


def read_mat(path: Path, columns: Columns) -> Recording:
    """Open a recording, see `read_recording`."""
    arrays = open_mat(path)
    if columns.named and set(columns.ppg + columns.acc) <= set(arrays):
        return _mapped(path, arrays, columns)
    sig = arrays.get("sig")
    if sig is None or sig.ndim != 2 or len(sig) not in (5, 6):
        raise ColumnsError(
            "has no array 'sig' of the Signal Processing Cup"
            if sig is None
            else f"its 'sig' of shape {sig.shape} is not of the Signal Processing Cup (5 or 6 rows)",
            path=path,
            remedy=f"name arrays with --columns; there are {_list(arrays)}",
        )
    return Recording(
        path,
        from_array(sig[-5:-3], SPC_RATE_HZ, 1.0, path),
        from_array(sig[-3:], SPC_RATE_HZ, 1.0, path),
    )


def _own(path: Path, arrays: dict[str, Array], name: str, rate_hz: float | None) -> Samples | None:
    array = arrays.get(name)
    if array is None or array.size == 0:
        return None
    stated = arrays.get(f"{name}_rate_hz")
    if rate_hz is None and stated is None:
        raise ColumnsError(
            f"does not state its rate ('{name}_rate_hz')", path=path, remedy="pass --rate-hz or --acc-rate-hz"
        )
    rate = float(stated) if stated is not None else rate_hz
    assert rate is not None
    samples = from_array(array, rate, 1.0, path)
    _three_axes(path, name, samples)
    return samples


def _mapped(path: Path, arrays: dict[str, Array], columns: Columns) -> Recording:
    def joined(names: tuple[str, ...], rate_hz: float | None, scale: float, option: str) -> Samples | None:
        if not names:
            return None
        if rate_hz is None:
            raise ColumnsError(
                f"nothing says how often {', '.join(names)} was sampled", path=path, remedy=f"pass {option}"
            )
        parts = [np.squeeze(arrays[name]) for name in names]
        if len(parts) > 1 and (len({part.shape for part in parts}) != 1 or parts[0].ndim != 1):
            raise BadRecordingError(
                f"the arrays {', '.join(names)} do not have one length", path=path, remedy="pass arrays [n]"
            )
        return from_array(parts[0] if len(parts) == 1 else np.stack(parts), rate_hz, scale, path)

    ppg = joined(columns.ppg, columns.rate_hz, 1.0, "--rate-hz")
    acc_rate_hz = columns.acc_rate_hz or columns.rate_hz
    acc = joined(columns.acc, acc_rate_hz, columns.g_per_unit, "--acc-rate-hz")
    if acc is not None:
        _three_axes(path, "acc", acc)
    return Recording(path, ppg, acc)


def _three_axes(path: Path, name: str, samples: Samples) -> None:
    rows = len(samples.read(0, 0))
    if name == "acc" and rows != 3:
        raise BadRecordingError(
            f"its acceleration has {rows} axes", path=path, remedy="x, y and z are needed"
        )


def _list(arrays: dict[str, Array]) -> str:
    names = sorted(arrays)
    return ", ".join([*names[:10], *(["…"] if len(names) > 10 else [])]) or "(none)"
