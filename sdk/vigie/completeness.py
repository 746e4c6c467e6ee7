"""Every second of a bracelet's life is data or a gap with a reason: the ledger of it, second by second.

A second is *data* if a minute record covers it, or a quarter-hour where the minutes made room. Else the bracelet says
why not (gap and drop records), or it is worked out here: no power between two boots, a clock that nobody knows, not
home yet, home with another gateway. What is left is *unexplained*: it is shown, never hidden.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie.ranges import Ranges
from vigie.store import Absence, LogKey, Store
from vigie.tables import Table, minutes, quarters, timeline, told_gaps
from vigie.timeline import Timeline
from vigie_protocol.enums import GapReason, Lane, Stream
from vigie_protocol.messages import DroppedRecord

BOTH: Final = Stream.PPG | Stream.ACCELEROMETER
ELSEWHERE: Final = "elsewhere"
"""Another gateway or the receiver has the records."""
PENDING: Final = "pending"
"""The records are in the bracelet still, or being made."""
_DATA, _COARSE, _ELSEWHERE, _PENDING, _OUTSIDE = 200, 201, 202, 203, 0
_DAY_S: Final = 86400
_MINUTE_S: Final = 60
_QUARTER_S: Final = 900
_SLACK_S: Final = 15
"""How late the record of a minute that is over may be."""
_JOIN_S: Final = 3
"""Minutes that are no further apart follow each other: they are cut by a clock that others keep waiting."""
_CLOCK_MOST_S: Final = 60.0
"""A record whose time is less sure counts as one of an unknown clock."""
_YEARS_MOST: Final = 5
GAP_TABLE: Final = np.dtype([("begin", "M8[s]"), ("end", "M8[s]"), ("seconds", "i8"), ("why", "U16")])


@dataclasses.dataclass(frozen=True)
class Completeness:
    """Where the seconds of a time went; they add up to all of it.

    Attributes
    ----------
    begin, end
        The time, clipped to the first and the last record.
    data_s
        Seconds with data.
    coarse_s
        Those of them of which there is only the quarter-hour.
    gaps_s
        Seconds without data, by reason; ``UNEXPLAINED`` is always there.
    elsewhere_s
        Seconds whose records another gateway or the receiver has.
    pending_s
        Seconds whose records are in the bracelet still.
    """

    begin: np.datetime64
    end: np.datetime64
    data_s: int
    coarse_s: int
    gaps_s: Mapping[GapReason, int]
    elsewhere_s: int
    pending_s: int

    @property
    def seconds(self) -> int:
        """All seconds from ``begin`` to ``end``."""
        return self.data_s + sum(self.gaps_s.values()) + self.elsewhere_s + self.pending_s

    @property
    def percent(self) -> float:
        """Share of the seconds with data; NaN where there is no time."""
        return 100 * self.data_s / self.seconds if self.seconds else float("nan")


def completeness(
    store: Store,
    day: datetime.date | str,
    device_id: bytes | None = None,
    *,
    streams: Stream = BOTH,
    times: Timeline | None = None,
) -> Completeness:
    """Where the seconds of a UTC day went.

    Parameters
    ----------
    store, device_id
        The store, and the bracelet where it knows several.
    day
        ``2026-11-22``, or a date.
    streams
        What is asked about: a second counts as a gap if all of these were missing.
    times
        The bracelet's timeline, where it is at hand.

    Raises
    ------
    UnknownDevice
        The store has nothing of the bracelet.
    """
    begin_s = int(np.datetime64(day, "D").astype("M8[s]").astype(np.int64))
    return _summed(*_painted(store, device_id, streams, times, (begin_s, begin_s + _DAY_S)))


def completeness_of_all(
    store: Store,
    device_id: bytes | None = None,
    *,
    streams: Stream = BOTH,
    times: Timeline | None = None,
) -> Completeness:
    """Where all seconds between the first and the last record went."""
    return _summed(*_painted(store, device_id, streams, times, None))


def gaps(
    store: Store,
    device_id: bytes | None = None,
    *,
    streams: Stream = BOTH,
    times: Timeline | None = None,
) -> Table:
    """All times without data, in order: ``begin``, ``end`` (UTC), ``seconds`` and ``why``.

    ``why`` is the name of a ``GapReason``, lower case; or ``elsewhere``, or ``pending``.
    """
    begin_s, labels = _painted(store, device_id, streams, times, None)
    edges = np.flatnonzero(np.diff(labels)) + 1
    starts, ends = np.append(0, edges), np.append(edges, len(labels))
    names = {each.value: each.name.lower() for each in GapReason} | {_ELSEWHERE: ELSEWHERE, _PENDING: PENDING}
    found = [
        (begin_s + start, begin_s + end, end - start, names[int(labels[start])])
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if len(labels) and int(labels[start]) in names
    ]
    return np.array(found, GAP_TABLE)


def _summed(begin_s: int, labels: NDArray[np.uint8]) -> Completeness:
    counts = np.bincount(labels, minlength=256)
    inside = np.flatnonzero(labels != _OUTSIDE)
    first, past = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
    reasons = {each: int(counts[each]) for each in GapReason if counts[each]}
    reasons.setdefault(GapReason.UNEXPLAINED, 0)
    return Completeness(
        np.datetime64(begin_s + first, "s"),
        np.datetime64(begin_s + past, "s"),
        int(counts[_DATA] + counts[_COARSE]),
        int(counts[_COARSE]),
        reasons,
        int(counts[_ELSEWHERE]),
        int(counts[_PENDING]),
    )


class _Page:
    """Seconds to write labels on."""

    def __init__(self, begin_s: int, end_s: int) -> None:
        self.begin_s = begin_s
        self.labels = np.full(max(0, end_s - begin_s), int(GapReason.UNEXPLAINED), np.uint8)

    def covered(self, begins_s: Any, ends_s: Any) -> NDArray[np.bool_]:
        """The seconds that any of the times covers."""
        size = len(self.labels)
        begins = np.clip(np.rint(np.asarray(begins_s, float)) - self.begin_s, 0, size).astype(np.int64)
        ends = np.clip(np.rint(np.asarray(ends_s, float)) - self.begin_s, 0, size).astype(np.int64)
        ends = np.maximum(begins, ends)
        steps = np.bincount(begins, minlength=size + 1) - np.bincount(ends, minlength=size + 1)
        covered: NDArray[np.bool_] = np.cumsum(steps)[:size] > 0
        return covered

    def paint(self, begins_s: Any, ends_s: Any, label: int) -> None:
        self.labels[self.covered(begins_s, ends_s)] = label


def _seconds(utc: NDArray[np.datetime64]) -> NDArray[np.float64]:
    seconds: NDArray[np.float64] = utc.astype(np.int64) / 1e6
    return seconds


def _sure(table: Table) -> Table:
    sure: Table = table[table["uncertainty_s"] <= _CLOCK_MOST_S]
    return sure


def _painted(
    store: Store,
    device_id: bytes | None,
    streams: Stream,
    times: Timeline | None,
    window: tuple[int, int] | None,
) -> tuple[int, NDArray[np.uint8]]:
    """First second and a label for each; 0 outside of what is known."""
    times = times or timeline(store, device_id)
    minute = _sure(minutes(store, device_id, times=times))
    quarter = _sure(quarters(store, device_id, times=times))
    gap = _sure(told_gaps(store, device_id, times=times))
    spans = _boot_spans(times)
    minute_begin, minute_end = _minute_times(
        minute, {boot: begin for boot, begin, _ in spans if boot is not None}
    )
    quarter_end = _seconds(quarter["utc"])
    gap_end = _seconds(gap["utc"])
    begins = [begin for boot, begin, _ in spans if boot is not None]
    # Boots before that, of which nobody knows the time, were over by then.
    nameless_s = sum(
        (boot.last_us - boot.first_us) / 1e6
        for boot, _ in itertools.takewhile(
            lambda each: each[1][0] is None, zip(times.boots, spans, strict=True)
        )
    )
    if begins and nameless_s:
        begins.append(min(begins) - nameless_s)
    begins += [*minute_begin[:1], *(quarter_end[:1] - _QUARTER_S), *(gap_end - gap["duration_s"])[:1]]
    ends = [end for boot, _, end in spans if boot is not None]
    ends += [*minute_end[-1:], *quarter_end[-1:], *gap_end[-1:]]
    if not begins:
        return 0, np.zeros(0, np.uint8)
    begin_s, end_s = round(min(begins)), round(max(ends))
    low, high = window or (begin_s, min(end_s, begin_s + _YEARS_MOST * 366 * _DAY_S))
    page = _Page(low, high)
    if nameless_s:
        page.paint([begin_s], [begin_s + nameless_s], GapReason.CLOCK_UNKNOWN)
    _paint_power(page, spans, minute_end)
    for log in store.logs(device_id):
        mine = minute["log"] == log.row
        _paint_missing(page, store, log, minute["number"][mine], (minute_begin[mine], minute_end[mine]))
    if len(minute_end) and end_s - minute_end[-1] <= _MINUTE_S + _SLACK_S:
        page.paint([minute_end[-1]], [end_s], _PENDING)
    page.paint(quarter_end - _QUARTER_S, quarter_end, _COARSE)
    on = ~minute["off_wrist"]
    page.paint(minute_begin[on], minute_end[on], _DATA)
    page.paint(minute_begin[~on], minute_end[~on], GapReason.OFF_WRIST)
    _paint_told(page, gap, streams)
    seconds = np.arange(low, high)
    page.labels[(seconds < begin_s) | (seconds >= end_s)] = _OUTSIDE
    return low, page.labels


def _boot_spans(times: Timeline) -> list[tuple[int | None, float, float]]:
    """Each boot with the times of its first and its last record; None for one of which they are not known."""
    spans: list[tuple[int | None, float, float]] = []
    for boot, clock in zip(times.boots, times.clocks, strict=True):
        begin_us, begin_wrong_us = clock.utc_of(boot.first_us)
        end_us, end_wrong_us = clock.utc_of(boot.last_us)
        sure = clock.known_by != "unknown" and max(begin_wrong_us, end_wrong_us) <= _CLOCK_MOST_S * 1e6
        spans.append((boot.boot_id if sure else None, begin_us / 1e6, end_us / 1e6))
    return spans


def _minute_times(
    minute: Table, boot_begins: Mapping[int, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Begin and end of each minute; one begins where the one before it ended, and the first of a boot with the boot."""
    end = _seconds(minute["utc"])
    begin: NDArray[np.float64] = end - _MINUTE_S
    if len(end):
        follows = (np.diff(minute["number"].astype(np.int64)) == 1) & (
            np.diff(minute["boot_id"].astype(np.int64)) == 0
        )
        close = np.abs(begin[1:] - end[:-1]) <= _JOIN_S
        begin[1:] = np.where(follows & close, end[:-1], begin[1:])
        first = np.append(True, np.diff(minute["boot_id"].astype(np.int64)) != 0)
        for at in np.flatnonzero(first).tolist():
            boot_begin = boot_begins.get(int(minute["boot_id"][at]))
            if boot_begin is not None and -_MINUTE_S <= begin[at] - boot_begin <= _JOIN_S:
                begin[at] = boot_begin
    return begin, end


def _paint_power(
    page: _Page, spans: list[tuple[int | None, float, float]], minute_end: NDArray[np.float64]
) -> None:
    """Between two boots there was no power; or nobody knows, where a boot without a time lies between them."""
    known = [at for at, (boot, _, _) in enumerate(spans) if boot is not None]
    for one, two in itertools.pairwise(known):
        _, _, end = spans[one]
        _, begin, _ = spans[two]
        # The minute that was running when the power went is lost with it.
        before = minute_end[minute_end <= end + 1]
        if len(before) and end - before[-1] <= _MINUTE_S + _SLACK_S:
            end = float(before[-1])
        page.paint([end], [begin], GapReason.POWER_OFF if two == one + 1 else GapReason.CLOCK_UNKNOWN)


def _paint_missing(
    page: _Page,
    store: Store,
    log: LogKey,
    numbers: NDArray[np.uint32],
    minute_times: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Minutes whose numbers are known, and that are not here: a minute's time each, after the one before them."""
    begins, ends = minute_times
    has = store.lane(log, Lane.MINUTE)
    dropped: list[tuple[Ranges, int]] = []
    for row in store.rows(log, Lane.EVENT, [DroppedRecord.KIND]):
        told = DroppedRecord.from_bytes(row[4])
        if told.lane == Lane.MINUTE:
            dropped.append((Ranges([(told.first, told.first + told.count)]), int(told.reason)))
    for first, past in has.here.outside(0, max(has.next, has.here.past)):
        labels = np.full(past - first, _PENDING, np.uint8)
        for low, high, why in has.absent:
            inside = slice(max(low, first) - first, max(low, first, min(high, past)) - first)
            labels[inside] = GapReason.UNEXPLAINED if why is Absence.GONE else _ELSEWHERE
        for ranges, reason in dropped:
            for low, high in ranges:
                inside = slice(max(low, first) - first, max(low, first, min(high, past)) - first)
                labels[inside] = reason
        left = int(np.searchsorted(numbers, first)) - 1
        if left >= 0:
            begin_s = float(ends[left])
            room_s = float(begins[left + 1]) - begin_s if left + 1 < len(begins) else np.inf
        elif len(begins):
            begin_s, room_s = float(begins[0]) - _MINUTE_S * len(labels), np.inf
        else:
            continue
        at_s = begin_s + np.minimum(np.arange(len(labels) + 1) * _MINUTE_S, room_s)
        if len(labels) * _MINUTE_S < room_s <= len(labels) * (_MINUTE_S + 1) + _SLACK_S:
            at_s[-1] = begin_s + room_s
        for label in np.unique(labels).tolist():
            mine = labels == label
            page.paint(at_s[:-1][mine], at_s[1:][mine], label)


def _paint_told(page: _Page, gap: Table, streams: Stream) -> None:
    """The bracelet's own word: for all that is asked about, or where there is nothing else."""
    end_s = _seconds(gap["utc"])
    begin_s = end_s - gap["duration_s"]
    missing = np.zeros(len(page.labels), np.uint8)
    for stream in Stream:
        mine = (gap["streams"] & stream.value) != 0
        missing[page.covered(begin_s[mine], end_s[mine])] |= np.uint8(stream.value)
    data = np.isin(page.labels, (_DATA, _COARSE))
    asked = (gap["streams"] & streams.value) != 0
    of_asked, of_any = np.zeros_like(missing), np.zeros_like(missing)
    for why in _by_weight(gap["reason"]):
        mine = gap["reason"] == why
        of_any[page.covered(begin_s[mine], end_s[mine])] = why
        of_asked[page.covered(begin_s[mine & asked], end_s[mine & asked])] = why
    told = data & ((missing & streams.value) == streams.value) & (of_asked > 0)
    page.labels[told] = of_asked[told]
    told = ~data & (of_any > 0)
    page.labels[told] = np.where(of_asked > 0, of_asked, of_any)[told]


def _by_weight(reasons: Iterable[int]) -> list[int]:
    """Where two reasons meet, the one that is nobody's plan is told: it comes last."""
    light = (GapReason.PLAN, GapReason.LIVE, GapReason.OFF_WRIST)
    return sorted({int(each) for each in reasons}, key=lambda each: (each not in light, each))
