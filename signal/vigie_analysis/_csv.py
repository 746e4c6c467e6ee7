"""CSV recordings: columns by name, an even rate or time stamps with jitter and gaps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from .columns import ISO, SECONDS_PER_UNIT, Columns, indices
from .errors import BadRecordingError, ColumnsError
from .recording import Float32, Recording, Samples, from_array

Float64 = npt.NDArray[np.float64]

_GAP_S = 1.0
_LOST = 2.5
_MOST_REPEATED = 0.1
_LONGEST_SHARE = 100
_OLDEST_CLOCK_S = 1e8


def read(path: Path, columns: Columns) -> Recording:
    """Open a recording, see `read_recording`."""
    with path.open("rb") as file:
        header, row = file.readline(), file.readline()
    delimiter = max((",", ";", "\t"), key=lambda sign: header.count(sign.encode()))
    names = [name.strip().strip('"') for name in header.decode("utf-8-sig", "replace").split(delimiter)]
    if not (columns.ppg or columns.acc):
        raise ColumnsError(
            "nothing says which of its columns are what",
            path=path,
            remedy=f"pass --columns ppg=... and --columns acc=...; there are {', '.join(names[:20])}",
        )
    if columns.time is None and columns.rate_hz is None:
        raise ColumnsError(
            "nothing says how often it was sampled", path=path, remedy="pass --rate-hz or --columns time=..."
        )
    if len(columns.acc) == 1:
        raise ColumnsError(
            "one column is no acceleration", path=path, remedy="name the columns of x, y and z"
        )
    found = indices(columns.named, names)
    if found is None:
        missing = [name for name in columns.named if indices([name], names) is None]
        raise ColumnsError(
            f"has no column {', '.join(missing)}",
            path=path,
            remedy=f"there are {', '.join(names[:20])}",
        )
    decimal_comma = delimiter == ";" and b"," in row
    values, time_s = _values(
        path, names, found, columns, delimiter=delimiter, point="," if decimal_comma else "."
    )
    ppg, acc = values[: len(columns.ppg)], values[len(columns.ppg) :]
    acc_rate_hz = columns.acc_rate_hz
    if time_s is None:
        assert columns.rate_hz is not None
        if acc_rate_hz is not None:
            acc = acc[:, np.isfinite(acc).any(axis=0)]
        return Recording(
            path,
            from_array(ppg, columns.rate_hz, 1.0, path) if columns.ppg else None,
            from_array(acc, acc_rate_hz or columns.rate_hz, columns.g_per_unit, path)
            if columns.acc
            else None,
        )
    started = None
    if time_s.size and time_s[0] > _OLDEST_CLOCK_S:
        started = datetime.fromtimestamp(float(time_s[0]), UTC).replace(tzinfo=None)
    return Recording(
        path,
        _even(path, time_s, ppg, columns.rate_hz, 1.0) if columns.ppg else None,
        _even(path, time_s, acc, acc_rate_hz, columns.g_per_unit) if columns.acc else None,
        started,
    )


def _values(
    path: Path, names: list[str], chosen: list[int], columns: Columns, *, delimiter: str, point: str
) -> tuple[Float32, Float64 | None]:
    """The columns chosen as ``[columns, rows]``, and the time stamps in seconds where there are any."""
    kinds: dict[str, pa.DataType] = {str(index): pa.float32() for index in chosen}
    if columns.time is not None:
        kinds[str(chosen[-1])] = pa.timestamp("ns") if columns.time_unit == ISO else pa.float64()
    parts: list[Float32] = []
    stamps: list[Float64] = []
    try:
        with csv.open_csv(
            path,
            read_options=csv.ReadOptions(
                column_names=[str(index) for index in range(len(names))], skip_rows=1, use_threads=False
            ),
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(
                column_types=kinds,
                include_columns=[str(index) for index in chosen],
                decimal_point=point,
                null_values=["", "nan", "NaN", "NA", "null", "None"],
            ),
        ) as reader:
            for batch in reader:
                rows = [batch.column(k).to_numpy(zero_copy_only=False) for k in range(len(chosen))]
                if columns.time is not None:
                    stamps.append(_seconds(rows.pop(), columns.time_unit))
                parts.append(np.array(rows, dtype=np.float32))
    except pa.ArrowInvalid as error:
        raise BadRecordingError(
            f"is no readable table: {error}", path=path, remedy="mend this row, or name other columns"
        ) from error
    if not parts:
        raise BadRecordingError("has no rows", path=path, remedy="choose another file")
    return np.concatenate(parts, axis=1), np.concatenate(stamps) if columns.time is not None else None


def _seconds(stamps: npt.NDArray[np.generic], unit: str) -> Float64:
    if unit == ISO:
        missing = np.isnat(stamps)
        return np.where(missing, np.nan, stamps.astype("datetime64[ns]").astype(np.int64) * 1e-9)
    return stamps.astype(np.float64) * SECONDS_PER_UNIT[unit]


def _even(path: Path, time_s: Float64, rows: Float32, rate_hz: float | None, scale: float) -> Samples:
    """The rows that hold values, brought from their time stamps to an even grid that begins with the first stamp."""
    origin_s = float(time_s[0])
    there = np.isfinite(time_s) & np.isfinite(rows).any(axis=0)
    rows, since_s = rows[:, there], time_s[there] - origin_s
    if since_s.size < 2:
        raise BadRecordingError("holds no numbers", path=path, remedy="check which columns are named")
    step_s = np.diff(since_s)
    if (step_s < 0).any():
        raise BadRecordingError(
            f"its time steps back after {since_s[int(step_s.argmin())]:.3f} s",
            path=path,
            remedy="sort its rows, or split it where the clock was set",
        )
    if (step_s == 0).mean() > _MOST_REPEATED:
        raise BadRecordingError(
            "its rows share time stamps",
            path=path,
            remedy="pass --rate-hz and no time column, if no rows are missing",
        )
    flowing = step_s <= _GAP_S
    if rate_hz is None:
        total_s = float(step_s[flowing].sum())
        rate_hz = round(int(flowing.sum()) / total_s, 2) if total_s > 0 else 0.0
    if not 10 <= rate_hz <= 2000:
        raise BadRecordingError(
            f"its time stamps say {rate_hz:g} Hz", path=path, remedy="is the unit of the time the right one?"
        )
    count = int(since_s[-1] * rate_hz + 0.5) + 1
    if count > _LONGEST_SHARE * since_s.size:
        raise BadRecordingError(
            f"its time leaps by {step_s.max():.0f} s", path=path, remedy="split it where the clock was set"
        )
    grid_s = np.arange(count, dtype=np.float64) / rate_hz
    after = np.clip(np.searchsorted(since_s, grid_s), 1, since_s.size - 1)
    # half a sample of leeway, so that samples beside a gap are kept
    near_s = np.minimum(np.abs(since_s[after] - grid_s), np.abs(grid_s - since_s[after - 1]))
    lost = (since_s[after] - since_s[after - 1] > _LOST / rate_hz) & (near_s > 0.5 / rate_hz)
    lost |= (grid_s < since_s[0] - 0.5 / rate_hz) | (grid_s > since_s[-1] + 0.5 / rate_hz)
    even = np.array([np.interp(grid_s, since_s, row) for row in rows], dtype=np.float32)
    even[:, lost] = np.nan
    return from_array(even, rate_hz, scale, path)
