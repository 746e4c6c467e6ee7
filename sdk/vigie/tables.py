"""What a store has, as NumPy tables: a row a record, with UTC, how far off that may be, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie.store import Anchor, LogKey, Store
from vigie.timeline import Boot, Timeline
from vigie_protocol.definition import Message
from vigie_protocol.enums import Lane, MinuteState
from vigie_protocol.messages import AnchorRecord, EventRecord, GapRecord, MinuteRecord, QuarterRecord

Table = NDArray[np.void]
"""Structured array, a row a record."""

_EPOCH_US: Final = 1 << 30
_POSTURE_BITS: Final = 7
_FORMATS: Final = {"B": "u1", "H": "<u2", "I": "<u4", "b": "i1", "h": "<i2", "i": "<i4"}

COMMON: Final = [
    ("utc", "M8[us]"),
    ("uncertainty_s", "f4"),
    ("log", "u2"),
    ("number", "u4"),
    ("boot_id", "u4"),
    ("ticks_us", "i8"),
    ("batch", "u4"),
]
"""Columns of every table. ``log`` and ``batch`` are rows of :meth:`Store.logs` and :meth:`Store.batches`."""
_MINUTE: Final = [
    *COMMON,
    ("bpm", "f4"),
    ("confidence_percent", "u1"),
    ("rmssd_ms", "f4"),
    ("steps", "u2"),
    ("activity_mg", "f4"),
    ("posture", "u1"),
    ("worn", "?"),
    ("off_wrist", "?"),
    ("saturated", "?"),
    ("moving", "?"),
    ("charging", "?"),
    ("battery_percent", "f4"),
]
_QUARTER: Final = [
    *COMMON,
    ("bpm", "f4"),
    ("minutes_answered", "u1"),
    ("minutes_worn", "u1"),
    ("rmssd_ms", "f4"),
    ("steps", "u2"),
    ("activity_mg", "f4"),
    ("battery_percent", "f4"),
]
_EVENT: Final = [*COMMON, ("code", "u1"), ("value", "i4")]
_GAP: Final = [*COMMON, ("reason", "u1"), ("streams", "u1"), ("duration_s", "f8")]


def timeline(store: Store, device_id: bytes | None = None) -> Timeline:
    """When records of a bracelet were made, by all anchors that the store knows."""
    boots: list[Boot] = []
    anchors: list[Anchor] = []
    for log in store.logs(device_id):
        known = {boot.boot_id for boot in boots}
        boots += [boot for boot in _boots(store, log) if boot.boot_id not in known]
        anchors += store.anchors(log)
        for _, _, _, _, body, _ in store.rows(log, Lane.EVENT, [AnchorRecord.KIND]):
            told = AnchorRecord.from_bytes(body)
            anchors.append(
                Anchor(
                    told.boot_id,
                    told.epoch * _EPOCH_US + told.ticks_us,
                    told.utc_s * 1_000_000 + told.utc_ms * 1000,
                    # The record has whole milliseconds.
                    told.uncertainty_ms * 1000 + 1000,
                    told=True,
                )
            )
    # What a gateway told the bracelet comes home as a record: it is one anchor, not two.
    distinct = {
        (each.boot_id, each.ticks_us // 1000, each.utc_us // 1000): each for each in reversed(anchors)
    }
    return Timeline(boots, list(distinct.values()))


def _boots(store: Store, log: LogKey) -> list[Boot]:
    """The boots of a log in their order: by the numbers of their records, which only grow."""
    order: list[int] = []
    ticks: dict[int, tuple[int, int]] = {}
    for lane in Lane:
        last = -1
        for boot_id, first_us, last_us in store.boots(log, lane):
            if boot_id in ticks:
                before = ticks[boot_id]
                ticks[boot_id] = (min(first_us, before[0]), max(last_us, before[1]))
            else:
                ticks[boot_id] = (first_us, last_us)
                order.insert(last + 1, boot_id)
            last = order.index(boot_id)
    return [Boot(boot_id, *ticks[boot_id]) for boot_id in order]


def _read(
    store: Store,
    device_id: bytes | None,
    lane: Lane,
    kind: type[Message],
    *,
    columns: Any,
    times: Timeline | None,
) -> tuple[Table, NDArray[np.void]]:
    """A table with its common columns filled, and the bodies as they stand on the wire."""
    wire = np.dtype([(field.name, _FORMATS[field.format]) for field in kind.FIELDS])
    times = times or timeline(store, device_id)
    tables: list[Table] = []
    bodies: list[NDArray[np.void]] = []
    for log in store.logs(device_id):
        rows = [row for row in store.rows(log, lane, [kind.KIND]) if len(row[4]) == wire.itemsize]
        table = np.zeros(len(rows), np.dtype(columns))
        table["log"] = log.row
        if rows:
            numbers, boot_ids, ticks_us, _, raw, batches = zip(*rows, strict=True)
            table["number"], table["boot_id"], table["ticks_us"] = numbers, boot_ids, ticks_us
            table["batch"] = batches
            bodies.append(np.frombuffer(b"".join(raw), wire))
            table["utc"], table["uncertainty_s"] = times.utc(table["boot_id"], table["ticks_us"])
        tables.append(table)
    return np.concatenate(tables), np.concatenate(bodies) if bodies else np.zeros(0, wire)


def _or_nan(values: NDArray[Any], missing: int) -> NDArray[np.float32]:
    known: NDArray[np.float32] = values.astype(np.float32)
    known[values == missing] = np.nan
    return known


def minutes(store: Store, device_id: bytes | None = None, *, times: Timeline | None = None) -> Table:
    """The minutes of life; a row's ``utc`` is the end of its minute. NaN where the bracelet gave no answer.

    ``bpm``, ``confidence_percent``, ``rmssd_ms`` (510 stands for that or more), ``steps``, ``activity_mg`` (mean
    distance of the acceleration's length from 1 g; 1020 stands for that or more), ``posture`` (``Posture``), ``worn``
    and ``off_wrist`` (neither where unknown), ``saturated``, ``moving``, ``charging``, ``battery_percent``; and
    :data:`COMMON`.
    """
    table, body = _read(store, device_id, Lane.MINUTE, MinuteRecord, columns=_MINUTE, times=times)
    table["bpm"] = _or_nan(body["bpm"], 0)
    table["confidence_percent"] = body["confidence"]
    table["rmssd_ms"] = 2 * _or_nan(body["rmssd"], 0)
    table["steps"] = body["steps"]
    table["activity_mg"] = 4.0 * body["activity"]
    table["posture"] = body["state"] & _POSTURE_BITS
    for flag in MinuteState:
        assert flag.name is not None
        table[flag.name.lower()] = body["state"] & flag.value != 0
    table["battery_percent"] = _or_nan(body["battery"], 255)
    return table


def quarters(store: Store, device_id: bytes | None = None, *, times: Timeline | None = None) -> Table:
    """The quarter-hours; a row's ``utc`` is the end of its quarter."""
    table, body = _read(store, device_id, Lane.TREND, QuarterRecord, columns=_QUARTER, times=times)
    table["bpm"] = _or_nan(body["bpm"], 0)
    table["minutes_answered"] = body["minutes"] & 15
    table["minutes_worn"] = body["minutes"] >> 4
    table["rmssd_ms"] = 2 * _or_nan(body["rmssd"], 0)
    table["steps"] = body["steps"]
    table["activity_mg"] = 4.0 * body["activity"]
    table["battery_percent"] = _or_nan(body["battery"], 255)
    return table


def events(
    store: Store, device_id: bytes | None = None, *, codes: Sequence[int] = (), times: Timeline | None = None
) -> Table:
    """What happened: ``code`` (``EventCode``) and ``value``; of some codes only, if they are given."""
    table, body = _read(store, device_id, Lane.EVENT, EventRecord, columns=_EVENT, times=times)
    table["code"], table["value"] = body["code"], body["value"]
    return table[np.isin(table["code"], codes)] if len(codes) else table


def told_gaps(store: Store, device_id: bytes | None = None, *, times: Timeline | None = None) -> Table:
    """The gaps that the bracelet itself tells: ``reason``, ``streams``, ``duration_s``; ``utc`` is where it ends."""
    table, body = _read(store, device_id, Lane.EVENT, GapRecord, columns=_GAP, times=times)
    table["reason"], table["streams"] = body["reason"], body["streams"]
    table["duration_s"] = body["centiseconds"] / 100
    return table
