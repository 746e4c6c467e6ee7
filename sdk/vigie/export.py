"""A store written in formats that others read: tables as Parquet, raw windows as BDF+."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from edfio import Bdf, BdfSignal, EdfAnnotation
from numpy.typing import NDArray

from vigie import completeness, raw_samples, tables
from vigie.errors import VigieError
from vigie.raw_samples import RawWindow
from vigie.store import Store
from vigie_protocol.enums import Stream

_DIGITAL_MOST: Final = (1 << 23) - 1
_RECORD_S: Final = 20
"""Length of a BDF data record: rates are kept to 1/20 Hz."""


class MissingParquet(VigieError, ImportError):
    """Parquet is written with pyarrow, which is not installed."""

    def __init__(self) -> None:
        super().__init__("Parquet is written with pyarrow: pip install 'vigie[analysis]'")


def to_parquet(store: Store, folder: Path, *, device_id: bytes | None = None) -> Iterator[Path]:
    """Write ``minutes``, ``quarters``, ``events``, ``gaps`` and ``batches`` as Parquet, and yield the files.

    Times are UTC. A file that is there is replaced when the new one is whole.

    Raises
    ------
    MissingParquet
        pyarrow is not installed.
    UnknownDevice
        The store has nothing of the bracelet.
    OSError
        A file cannot be written.
    """
    try:
        import pyarrow as arrow  # pyright: ignore[reportMissingTypeStubs]
        from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise MissingParquet from error
    times = tables.timeline(store, device_id)
    batches = np.array(
        store.batches(),
        [("batch", "u4"), ("gateway", "O"), ("address", "O"), ("firmware", "O"), ("committed", "M8[us]")],
    )
    written: dict[str, NDArray[Any]] = {
        "minutes": tables.minutes(store, device_id, times=times),
        "quarters": tables.quarters(store, device_id, times=times),
        "events": tables.events(store, device_id, times=times),
        "gaps": completeness.gaps(store, device_id, times=times),
        "batches": batches,
    }
    library: Any = arrow
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in written.items():
        columns: dict[str, Any] = {}
        for column in table.dtype.names or ():
            values = table[column]
            made = library.array(
                values.astype(object) if values.dtype.kind in "UO" else np.ascontiguousarray(values)
            )
            columns[column] = (
                made.cast(library.timestamp(made.type.unit, "UTC")) if values.dtype.kind == "M" else made
            )
        path = folder / f"{name}.parquet"
        part = path.with_name(path.name + ".part")
        write: Any = parquet.write_table  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        write(library.table(columns), part)
        part.replace(path)
        yield path


def to_bdf(
    store: Store,
    folder: Path,
    *,
    device_id: bytes | None = None,
    begin_s: float = -math.inf,
    end_s: float = math.inf,
) -> Iterator[Path]:
    """Write raw windows as BDF+, a file each, and yield the files.

    A count of the file is a count of the sensor: PPG in nA for each mA of LED current, acceleration in g. UTC of the
    first sample, how far off that may be, and the measured rate stand in its first annotation.

    Parameters
    ----------
    store, device_id
        The store, and the bracelet where it knows several.
    folder
        It is made where there is none; a file that is there is replaced.
    begin_s, end_s
        Only windows that have samples between these, UTC in seconds since 1970.

    Raises
    ------
    VigieError
        A block cannot be unpacked.
    OSError
        A file cannot be written.
    """
    times = tables.timeline(store, device_id)
    for name_of, stream in (("ppg", Stream.PPG), ("acc", Stream.ACCELEROMETER)):
        for window in raw_samples.windows(store, stream, device_id, times=times):
            known = not np.isnat(window.utc[0])
            at_s = window.utc.astype(np.int64)[[0, -1]] / 1e6
            if known and (at_s[1] < begin_s or at_s[0] > end_s):
                continue
            if not known and not math.isinf(begin_s):
                continue
            folder.mkdir(parents=True, exist_ok=True)
            name = (
                str(window.utc[0].astype("M8[s]")).replace(":", "") + "Z"
                if known
                else f"boot-{window.boot_id:08x}"
            )
            path = folder / f"{name_of}-{name}-{window.first_number}.bdf"
            part = path.with_name(path.name + ".part")
            part.write_bytes(_bdf(window).to_bytes())
            part.replace(path)
            yield path


def _bdf(window: RawWindow) -> Bdf:
    known = len(window.counts) > 1 and not np.isnat(window.utc[0])
    span_s = float(window.utc[-1].astype(np.int64) - window.utc[0].astype(np.int64)) / 1e6 if known else 0.0
    measured_hz = (len(window.counts) - 1) / span_s if span_s > 0 else window.rate_hz
    rate_hz = round(measured_hz * _RECORD_S) / _RECORD_S
    samples = math.ceil(len(window.counts) / (rate_hz * _RECORD_S) - 1e-9) * round(rate_hz * _RECORD_S)
    padded = np.pad(window.counts, ((0, samples - len(window.counts)), (0, 0)), mode="edge")
    if window.stream is Stream.PPG:
        scale, unit, prefix = 4096 / (1 << 18) / (window.led_ua / 1000 or 1.0), "nA/mA", "PPG"
    else:
        scale, unit, prefix = 0.061e-3 / 2 * window.range_g, "g", "ACC"
    # Zero stays zero only in a symmetrical range: the header has 8 characters for each of its ends.
    span = (-_DIGITAL_MOST * scale, _DIGITAL_MOST * scale)
    signals = [
        BdfSignal(
            column * scale,
            rate_hz,
            label=f"{prefix} {label}",
            physical_dimension=unit,
            physical_range=span,
            digital_range=(-_DIGITAL_MOST, _DIGITAL_MOST),
        )
        for label, column in zip(window.channels, padded.T, strict=True)
    ]
    note = (
        f"vigie utc {window.utc[0]}Z +-{window.uncertainty_s:.3f} s, {len(window.counts)} samples "
        f"at {measured_hz:.4f} Hz, boot {window.boot_id:08x}, records {window.first_number} to {window.last_number}"
    )
    return Bdf(signals, data_record_duration=_RECORD_S, annotations=[EdfAnnotation(0.0, None, note)])
