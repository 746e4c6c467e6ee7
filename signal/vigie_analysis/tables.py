"""The tables: their columns, the part of each recording, and how parts become one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from .columns import Columns
from .recording import read_recording

TABLE_VERSION: Final = 1
"""Grows when a column changes; parts of another version are not used again."""

_TEXT, _FLOAT, _WHOLE, _TIME = pa.string(), pa.float64(), pa.int32(), pa.timestamp("ms")
_COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "minutes": {
        "recording": _TEXT,
        "minute": _WHOLE,
        "start_s": _FLOAT,
        "duration_s": _FLOAT,
        "clock_time": _TIME,
        "heart_rate_bpm": _FLOAT,
        "heart_rate_lowest_bpm": _FLOAT,
        "heart_rate_highest_bpm": _FLOAT,
        "heart_rate_coverage": _FLOAT,
        "heart_rate_confidence": _FLOAT,
        "at_rest": pa.bool_(),
        "beats": _WHOLE,
        "rmssd_ms": _FLOAT,
        "mean_nn_ms": _FLOAT,
        "hrv_coverage": _FLOAT,
        "breaths_per_minute": _FLOAT,
        "breathing_confidence": _FLOAT,
        "steps": _FLOAT,
        "falls": _WHOLE,
        "enmo_mg": _FLOAT,
        "mad_mg": _FLOAT,
        "intensity": _TEXT,
        "gravity_x": _FLOAT,
        "gravity_y": _FLOAT,
        "gravity_z": _FLOAT,
        "rest_share": _FLOAT,
        "worn_share": _FLOAT,
        "ppg_present": _FLOAT,
        "acc_present": _FLOAT,
        "ppg_rate_hz": _FLOAT,
        "acc_rate_hz": _FLOAT,
        "sha256": _TEXT,
        "vigie_version": _TEXT,
    },
    "events": {
        "recording": _TEXT,
        "kind": _TEXT,
        "start_s": _FLOAT,
        "stop_s": _FLOAT,
        "clock_time": _TIME,
        "score": _FLOAT,
        "still_after_s": _FLOAT,
    },
}


def _schema(name: str) -> pa.Schema:
    return pa.schema(
        _COLUMNS[name], metadata={"vigie_table": name, "vigie_table_version": str(TABLE_VERSION)}
    )


MINUTES: Final = _schema("minutes")
"""One row for each minute of each recording."""

EVENTS: Final = _schema("events")
"""One row for each fall, each rest and each time off the wrist."""

_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Part:
    """What one recording adds to the tables."""

    minutes: pa.Table
    events: pa.Table


def analyze_file(name: str, path: str, columns: Columns | None) -> Part:
    """Read and analyse one file; ``name`` is what its rows are called.

    Raises
    ------
    RecordingError
        The file cannot be analysed.
    """
    # Not needed by who only spreads the work, and slow to import.
    from .features import analyze_recording

    recording = read_recording(path, columns)
    features = analyze_recording(recording)
    with Path(path).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    count = len(features.intensity)
    ppg, acc = recording.ppg, recording.acc

    def clock(starts_s: Sequence[float]) -> list[np.datetime64 | None]:
        if recording.started is None:
            return [None] * len(starts_s)
        origin = np.datetime64(recording.started, "ms")
        return [origin + np.timedelta64(round(1000 * start_s), "ms") for start_s in starts_s]

    given: dict[str, Any] = {
        **features.minutes,
        "recording": [name] * count,
        "minute": range(count),
        "clock_time": clock(features.minutes["start_s"].tolist()),
        "intensity": features.intensity,
        "at_rest": features.minutes["at_rest"] > 0,
        "ppg_rate_hz": [None if ppg is None else ppg.rate_hz] * count,
        "acc_rate_hz": [None if acc is None else acc.rate_hz] * count,
        "sha256": [digest] * count,
        "vigie_version": [version("vigie")] * count,
    }
    events = features.events
    happened: dict[str, Any] = {
        "recording": [name] * len(events),
        "kind": [event.kind for event in events],
        "start_s": [event.start_s for event in events],
        "stop_s": [event.stop_s for event in events],
        "clock_time": clock([event.start_s for event in events]),
        "score": [event.score for event in events],
        "still_after_s": [event.still_after_s for event in events],
    }
    return Part(_table(MINUTES, given), _table(EVENTS, happened))


def _table(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    arrays = [
        pa.array(_null_for_nan(columns[name]), type=kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _null_for_nan(values: Any) -> list[Any]:
    return [None if isinstance(value, float) and np.isnan(value) else value for value in list(values)]


def write_part(part: Part, folder: Path, key: str) -> None:
    """Store what a recording adds, so that it is there in full or not at all.

    Raises
    ------
    OSError
        It cannot be written.
    """
    for name, table in (("events", part.events), ("minutes", part.minutes)):

        def write(path: Path, table: pa.Table = table) -> None:
            with parquet.ParquetWriter(path, table.schema) as writer:
                writer.write_table(table)

        _durably(folder / f"{key}.{name}.parquet", write)


def has_part(folder: Path, key: str) -> bool:
    """Whether what a recording adds is stored: its minutes are written last."""
    return (folder / f"{key}.minutes.parquet").exists()


def merge(folder: Path, keys: Sequence[str], name: str, schema: pa.Schema, out: Path) -> int:
    """Write one table from the parts of the recordings, in the order of ``keys``; return its rows.

    Raises
    ------
    OSError
        It cannot be written, or a part cannot be read.
    """
    rows = 0

    def write(path: Path) -> None:
        nonlocal rows
        with parquet.ParquetWriter(path, schema) as writer:
            for batch in _batches(folder / f"{key}.{name}.parquet" for key in keys):
                rows += batch.num_rows
                writer.write_table(batch)

    _durably(out, write)
    return rows


def _batches(paths: Iterator[Path]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for path in paths:
        with parquet.ParquetFile(path) as part:
            waiting.append(cast(Any, part).read())
        if sum(table.num_rows for table in waiting) >= _ROWS_AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _durably(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside ``path``, then take its place at once."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
