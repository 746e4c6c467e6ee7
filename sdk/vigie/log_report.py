"""How a bracelet's log is, without bringing anything home: what ``vigie status`` shows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vigie.records import Record
from vigie_protocol.enums import EventCode, Lane, ResetReason
from vigie_protocol.messages import (
    AnchorRecord,
    BootRecord,
    EventRecord,
    LaneRequest,
    LaneStatus,
    LogRequest,
    LogStatus,
    Status,
)

if TYPE_CHECKING:
    from vigie.bracelet import Bracelet

_EVENTS_MOST: Final = 256
_SILENCE_S: Final = 5.0
_DAY_S: Final = 86400.0
_MINUTES_A_DAY: Final = 1440


@dataclasses.dataclass(frozen=True)
class LogReport:
    """How a bracelet and its log are."""

    status: Status
    log: LogStatus
    lanes: dict[Lane, LaneStatus]
    anchor: AnchorRecord | None
    """The last time that a gateway told it UTC; None if that is not among the newest events."""
    anchor_age_s: float | None
    boots: tuple[tuple[BootRecord, int], ...]
    """Boots among the newest events, the latest first, and the number of each record."""
    overflows: int
    """Overflows of a sensor's FIFO among the newest events."""
    samples_lost: int
    """And what they cost."""
    events_seen: int
    """How many of the newest events this is about."""

    @property
    def days_kept(self) -> float:
        """Days of minutes that are in the log."""
        lane = self.lanes[Lane.MINUTE]
        return (lane.next - lane.oldest) / _MINUTES_A_DAY

    @property
    def days_until_full(self) -> float | None:
        """Days until something undelivered has to go, at the pace so far; None if too little is known."""
        used = self.log.sectors - self.log.sectors_free
        if not used or self.days_kept < 1 / 24:
            return None
        return self.log.sectors_free * self.days_kept / used


async def read_report(bracelet: Bracelet, *, utc_s: Callable[[], float] = time.time) -> LogReport:
    """Ask a bracelet how its log is.

    Raises
    ------
    RequestRefused
        It keeps none.
    LinkError
        It does not answer, or the link went away.
    """
    status = await bracelet.status()
    log = await bracelet.demand(LogRequest(), LogStatus)
    lanes = {lane: await bracelet.demand(LaneRequest(lane=lane), LaneStatus) for lane in Lane}
    events = lanes[Lane.EVENT]
    first = max(events.oldest, events.next - _EVENTS_MOST)
    records: list[Record] = []
    if events.next > first:
        fetch = await bracelet.fetch(Lane.EVENT, first, events.next - first)
        await fetch.wait(_SILENCE_S)
        records = [fetch.records[number] for number in sorted(fetch.records, reverse=True)]
    told = [(record, record.message) for record in records]
    anchor = next((message for _, message in told if isinstance(message, AnchorRecord)), None)
    overflows = [
        message
        for _, message in told
        if isinstance(message, EventRecord) and message.code == EventCode.OVERFLOW
    ]
    return LogReport(
        status,
        log,
        lanes,
        anchor,
        None if anchor is None else utc_s() - anchor.utc_s - anchor.utc_ms / 1000,
        tuple((message, record.number) for record, message in told if isinstance(message, BootRecord)),
        len(overflows),
        sum(max(0, each.value) for each in overflows),
        len(records),
    )


def reset_name(reason: int) -> str:
    """How people call a reason to start."""
    try:
        return ResetReason(reason).name.lower().replace("_", " ")
    except ValueError:
        return str(reason)
