"""Bringing home what is new: in windows, the urgent first, acknowledged only after the commit.

docs/sync.md tells what happens in which order, and why nothing is lost or hidden by it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeVar

from vigie.errors import LinkError, NumbersWentBack, RecordConflict, RequestRefused, RequestTimeout
from vigie.fetch import PendingFetch
from vigie.ranges import Ranges
from vigie.records import Record
from vigie.schedule import LaneView, Window, next_window
from vigie.store import Absence, Anchor, LogKey, Session, Store
from vigie_protocol.definition import Message
from vigie_protocol.enums import ErrorCode, Lane
from vigie_protocol.messages import (
    Cursor,
    Done,
    Error,
    Fetch,
    Fetched,
    LaneRequest,
    LaneStatus,
    LogRequest,
    LogStatus,
    SetAnchor,
    Time,
    TimeRequest,
)

if TYPE_CHECKING:
    from vigie.bracelet import Bracelet

ALL: Final = (0, 1 << 32)
"""All numbers that there are."""
ANCHOR_EVERY_S: Final = 12 * 3600.0
"""The bracelet is told UTC once in so long, and at the first sync of a boot."""
OUTSTANDING: Final = 2
"""Windows asked for at once, so that the link has work while the host commits."""
_ROUND_TRIPS: Final = 5
_GOOD_ROUND_TRIP_S: Final = 0.02
PATIENCE_S: Final = 20.0
"""How long the bracelet may be silent before the sync ends: a link that loses much needs some tries."""
_ATTEMPT_S: Final = (0.25, 0.5, 4.0)
"""How long a small request waits before it is sent again: at least, at first, at most."""
_ATTEMPT_GROWTH: Final = 1.15
_SILENCE_S: Final = 1.0
"""How long a window may bring nothing before it is asked for again: longer than the flash takes for an erase."""
_BARREN_MOST: Final = 60
"""Windows in a row that may be answered and bring nothing: a bracelet that answers nonsense ends the sync."""
_REFRESH_S: Final = 10.0
_REFRESHES: Final = 3
_ACKNOWLEDGE_S: Final = 5.0
_WINDOW_S: Final = 0.5
_WINDOW_BYTES: Final = (2048, 65536)
_WINDOW_MOST: Final = 1024
_RECORD_BYTES: Final = {Lane.EVENT: 13, Lane.TREND: 12, Lane.MINUTE: 12, Lane.RAW: 200}
_TODAY_MINUTES: Final = 1440
_EPOCH_US: Final = 1 << 30

_M = TypeVar("_M", bound=Message)


@dataclasses.dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is."""

    records: int
    """New records committed in this sync."""
    records_left: int
    """Records known to be wanted still."""
    minutes: int
    """Minutes of life among the new records."""
    bytes: int
    """Bytes of records received."""
    elapsed_s: float
    """Since the first window was asked for."""

    @property
    def bytes_per_s(self) -> float:
        """Mean rate."""
        return self.bytes / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float:
        """Time left at the rate so far, records of all lanes alike."""
        return self.records_left * self.elapsed_s / self.records if self.records else 0.0


class _Lane:
    """What this sync knows of one lane."""

    def __init__(self, status: LaneStatus, here: Ranges, compared: int | None) -> None:
        self.status = status
        self.compared = compared
        """Number of a record that is here, and that is to come again before anything is acknowledged."""
        self.known = here
        """Here, known not to come, or asked for."""
        self.told = (status.held, status.delivered)
        self.record_bytes = float(_RECORD_BYTES[Lane(status.lane)])


def _overlap(here: Ranges, known: Ranges, status: LaneStatus) -> int | None:
    """Let one record that is here be fetched again, to see that its number means the same record still."""
    for first, past in reversed([*here]):
        newest: int = min(past, status.next) - 1
        if newest >= max(first, status.oldest):
            known.discard(newest, newest + 1)
            return newest
    return None


class Sync:
    """A sync under way: iterate over it for the records that are new; :attr:`progress` tells how far it is.

    ``async with`` or :meth:`aclose` ends it at a place. One sync runs in a session at a time.
    """

    def __init__(
        self,
        bracelet: Bracelet,
        store: Store,
        *,
        everything: bool = False,
        only: Mapping[Lane, tuple[int, int]] | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        self.progress = SyncProgress(0, 0, 0, 0, 0.0)
        self.log: LogKey | None = None
        """The log that is synced, once known."""
        self._bracelet = bracelet
        self._store = store
        self._everything = everything
        self._only = dict.fromkeys(Lane, ALL) if only is None else dict(only)
        self._tell = progress
        self._utc_s = utc_s
        self._lanes: dict[Lane, _Lane] = {}
        self._session: Session | None = None
        self._pending: deque[PendingFetch] = deque()
        self._turn = 0
        self._silence_s = _SILENCE_S
        self._attempt_s = _ATTEMPT_S[1]
        self._silent_s = 0.0
        self._barren = 0
        self._began_anew = 0
        self._began_s = self._refreshed_s = self._acknowledged_s = 0.0
        self._refreshes = 0
        self._failure: LinkError | None = None
        self._troubles: list[RecordConflict | NumbersWentBack] = []
        self._records = self._run()

    def __aiter__(self) -> AsyncIterator[Record]:
        """Iterate over the new records."""
        return self

    async def __anext__(self) -> Record:
        """The next new record, which is on the disk."""
        return await anext(self._records)

    async def aclose(self) -> None:
        """End it here; may be called twice."""
        await self._records.aclose()

    async def __aenter__(self) -> Sync:
        """Use it until the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        await self.aclose()

    # Requests

    async def _ask(self, message: Message, answer: type[_M]) -> _M:
        """Ask, and ask again: any of these may be carried out twice."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        attempt_s = self._attempt_s
        while True:
            try:
                got = await self._bracelet.demand(message, answer, attempt_s)
            except RequestTimeout:
                if loop.time() - began_s > PATIENCE_S:
                    raise RequestTimeout(type(message).__name__, PATIENCE_S) from None
            else:
                self._silent_s = 0.0
                return got
            attempt_s = min(attempt_s * _ATTEMPT_GROWTH, _ATTEMPT_S[2])

    @property
    def _bytes_per_s(self) -> float:
        """Rate of the link, as far as it is known."""
        return max(200.0, self.progress.bytes_per_s if self.progress.bytes > _WINDOW_BYTES[0] else 8000.0)

    @property
    def _window_bytes(self) -> float:
        return min(max(self._bytes_per_s * _WINDOW_S, _WINDOW_BYTES[0]), _WINDOW_BYTES[1])

    async def _open(self) -> None:
        self._began_anew = self._bracelet.link.numbers_began_anew
        status = await self._ask(LogRequest(), LogStatus)
        hello = self._bracelet.hello
        self.log = self._store.log(hello.device_id, status.log_id)
        anchor = await self._measure()
        self._session = self._store.open_session(
            self.log,
            address=self._bracelet.address,
            firmware=self._bracelet.firmware_version,
            boot_id=anchor.boot_id,
            utc_us=self._now_us(),
            anchors=(anchor,),
        )
        await self._anchor(anchor)
        await self._refresh()

    def _now_us(self) -> int:
        return round(self._utc_s() * 1e6)

    # Time

    async def _measure(self) -> Anchor:
        """What UTC it is at some ticks of the bracelet: the best of some round trips."""
        loop = asyncio.get_running_loop()
        best: Anchor | None = None
        best_s = float("inf")
        tries = 0
        first_s = loop.time()
        while tries < _ROUND_TRIPS or (best is None and loop.time() - first_s < PATIENCE_S):
            tries += 1
            began_s, utc_s = loop.time(), self._utc_s()
            try:
                now = await self._bracelet.demand(TimeRequest(), Time, self._attempt_s)
            except RequestTimeout:
                self._attempt_s = min(self._attempt_s * _ATTEMPT_GROWTH, _ATTEMPT_S[2])
                continue
            round_trip_s, utc_passed_s = loop.time() - began_s, self._utc_s() - utc_s
            # A clock that was set meanwhile is off by as much as it jumped.
            wrong_s = round_trip_s / 2 + abs(utc_passed_s - round_trip_s)
            if wrong_s < best_s:
                best_s = wrong_s
                best = Anchor(
                    now.boot_id,
                    now.epoch * _EPOCH_US + now.ticks_us,
                    round((utc_s + round_trip_s / 2) * 1e6),
                    max(1, round(wrong_s * 1e6)),
                    told=False,
                )
            if best_s <= _GOOD_ROUND_TRIP_S / 2:
                break
        if best is None:
            raise RequestTimeout(TimeRequest.__name__, PATIENCE_S)
        self._silence_s = max(_SILENCE_S, 20 * best_s)
        self._attempt_s = min(max(_ATTEMPT_S[0], 12 * best_s), _ATTEMPT_S[2])
        return best

    async def _anchor(self, anchor: Anchor) -> None:
        """Have the bracelet keep the anchor too where it has none of late."""
        assert self._session is not None
        of_late = [
            each
            for each in self._store.anchors(self._session.log)
            if each.told
            and each.boot_id == anchor.boot_id
            and abs(anchor.ticks_us - each.ticks_us) < ANCHOR_EVERY_S * 1e6
        ]
        if of_late:
            return
        utc_s, rest_us = divmod(anchor.utc_us, 1_000_000)
        utc_ms, below_us = divmod(rest_us, 1000)
        epoch, ticks_us = divmod(anchor.ticks_us - below_us, _EPOCH_US)
        if not 0 <= utc_s < 1 << 32 or epoch < 0:
            return
        message = SetAnchor(
            boot_id=anchor.boot_id,
            ticks_us=ticks_us,
            epoch=epoch,
            utc_s=utc_s,
            utc_ms=utc_ms,
            uncertainty_ms=min(0xFFFF, -(-anchor.uncertainty_us // 1000)),
        )
        try:
            await self._ask(message, Done)
        except RequestRefused as refusal:
            # It has started anew just now: the next sync anchors that boot.
            if refusal.code != ErrorCode.OTHER_BOOT:
                raise
            return
        self._store.add_anchor(self._session, dataclasses.replace(anchor, told=True))

    # Windows

    async def _refresh(self) -> None:
        """Learn how far each lane goes now."""
        assert self.log is not None
        self._refreshed_s = asyncio.get_running_loop().time()
        lanes = tuple(self._only)
        statuses = await asyncio.gather(*(self._ask(LaneRequest(lane=lane), LaneStatus) for lane in lanes))
        await self._same_log()
        self._store.note_lanes(
            self.log,
            [(lane, each.next, each.delivered) for lane, each in zip(lanes, statuses, strict=True)],
        )
        for lane, status in zip(lanes, statuses, strict=True):
            at = self._lanes.get(lane)
            if at is None:
                held = self._store.lane(self.log, lane)
                known = Ranges(held.here)
                for first, past, absence in held.absent:
                    if not (self._everything and absence is Absence.DELIVERED and past > status.oldest):
                        known.add(first, past)
                compared = _overlap(held.here, known, status)
                if len(held.here) and held.here.past > status.next:
                    self._troubles.append(NumbersWentBack(lane, status.next, held.here.past))
                first, past = self._only[lane]
                known.add(0, first)
                known.add(past, ALL[1])
                at = self._lanes[lane] = _Lane(status, known, compared)
            at.status = status
            below = status.oldest if self._everything else max(status.oldest, status.delivered)
            gone = at.known.outside(0, min(below, status.next))
            if gone:
                self._commit(lane, (), gone)
                for first, past in gone:
                    at.known.add(first, past)

    def _next_window(self) -> Window | None:
        lanes = {
            lane: LaneView(
                at.known.outside(0, at.status.next), at.status.held, at.status.next - _TODAY_MINUTES
            )
            for lane, at in self._lanes.items()
        }
        window_bytes = self._window_bytes
        sizes = {
            lane: int(min(max(window_bytes / at.record_bytes, 1), _WINDOW_MOST))
            for lane, at in self._lanes.items()
        }
        return next_window(lanes, self._turn, sizes)

    @property
    def _acknowledge_due(self) -> bool:
        return asyncio.get_running_loop().time() - self._acknowledged_s > _ACKNOWLEDGE_S

    async def _fill(self) -> None:
        """Keep the pipeline full, unless it has to be empty for something else."""
        while (
            len(self._pending) < OUTSTANDING
            and not self._acknowledge_due
            and (window := self._next_window()) is not None
        ):
            self._turn += 1
            self._lanes[window.lane].known.add(window.first, window.past)
            self._pending.append(await self._bracelet.fetch(window.lane, window.first, window.count))

    async def _run(self) -> AsyncGenerator[Record]:
        await self._open()
        loop = asyncio.get_running_loop()
        self._began_s = self._refreshed_s = self._acknowledged_s = loop.time()
        try:
            while (fetch := await self._next_fetch()) is not None:
                for record in await self._bring_home(fetch):
                    yield record
                if self._failure is not None:
                    # What came of the other windows before the link went is worth keeping.
                    for other in self._pending:
                        for record in self._commit(other.lane, list(other.records.values()), ()):
                            yield record
                    raise self._failure
        finally:
            while self._pending:
                self._pending.popleft().drop()
        if self._troubles:
            raise self._troubles[0]

    async def _next_fetch(self) -> PendingFetch | None:
        """The window that comes next; None when all is home."""
        while True:
            await self._fill()
            if self._pending:
                return self._pending.popleft()
            await self._acknowledge()
            if self._next_window() is None:
                # What was recorded since comes too; but a sync ends, however much is recorded.
                if self._refreshes == _REFRESHES:
                    return None
                self._refreshes += 1
                await self._refresh()
                if self._next_window() is None:
                    return None
            elif asyncio.get_running_loop().time() - self._refreshed_s > _REFRESH_S:
                await self._refresh()

    async def _bring_home(self, fetch: PendingFetch) -> Sequence[Record]:
        """Wait for a window and commit it; return its new records."""
        heard = await fetch.wait(self._silence_s)
        absent = self._settle(fetch)
        self._judge(fetch, absent, heard=heard)
        self._failure = fetch.failure
        if self._failure is None:
            try:
                await self._fill()
                await self._same_log()
            except LinkError as failure:
                self._failure = failure
        if self._failure is not None and self._bracelet.link.numbers_began_anew != self._began_anew:
            raise self._failure
        new = self._commit(fetch.lane, list(fetch.records.values()), absent)
        at = self._lanes[fetch.lane]
        asked = range(fetch.first, fetch.first + fetch.count)
        if at.compared is not None and at.compared in asked and at.compared in at.known:
            at.compared = None
        self._note_progress(fetch, new)
        return new

    def _settle(self, fetch: PendingFetch) -> Sequence[tuple[int, int]]:
        """Return what of the window is not in the log, and want again what was lost on the way."""
        past = fetch.first + fetch.count
        came = Ranges.of(sorted(fetch.records))
        told = fetch.first
        if fetch.whole:
            assert isinstance(fetch.answer, Fetched)
            told = min(max(fetch.answer.next, told), past)
        for first, end in came.outside(told, past):
            self._lanes[fetch.lane].known.discard(first, end)
        return came.outside(fetch.first, told)

    def _judge(self, fetch: PendingFetch, absent: Sequence[tuple[int, int]], *, heard: bool) -> None:
        """See whether the bracelet is still there, and makes sense."""
        if isinstance(fetch.answer, Error):
            raise RequestRefused(
                Fetch.__name__, fetch.answer.code, fetch.answer.text.decode(errors="replace")
            )
        if fetch.records or fetch.answer is not None:
            self._silent_s = 0.0
        elif not heard:
            self._silent_s += self._silence_s
            if self._silent_s > PATIENCE_S:
                raise RequestTimeout(Fetch.__name__, PATIENCE_S)
        if fetch.records:
            at = self._lanes[fetch.lane]
            at.record_bytes += (fetch.bytes_received / len(fetch.records) - at.record_bytes) / 2
        self._barren = 0 if fetch.records or absent else self._barren + 1
        if self._barren >= _BARREN_MOST:
            raise RequestTimeout(Fetch.__name__, asyncio.get_running_loop().time() - self._began_s)

    async def _same_log(self) -> None:
        """See that the records are of the log that they are filed under, where frame numbers began anew.

        A bracelet that restarted may have begun another log, whose numbers mean other records.
        """
        while self._bracelet.link.numbers_began_anew != self._began_anew:
            began_anew = self._bracelet.link.numbers_began_anew
            status = await self._ask(LogRequest(), LogStatus)
            assert self.log is not None
            if status.log_id != self.log.log_id:
                raise LinkError("the bracelet began another log meanwhile: connect and sync again")
            self._began_anew = began_anew

    def _commit(
        self, lane: Lane, records: Sequence[Record], gone: Sequence[tuple[int, int]]
    ) -> Sequence[Record]:
        assert self._session is not None
        status = self._lanes[lane].status
        bounds = (
            (0, status.delivered, Absence.DELIVERED),
            (status.delivered, status.held, Absence.HELD),
            (max(status.delivered, status.held), 1 << 32, Absence.GONE),
        )
        absent = [
            (max(first, low), min(past, high), why)
            for first, past in gone
            for low, high, why in bounds
            if max(first, low) < min(past, high)
        ]
        if not records and not absent:
            return ()
        try:
            return self._store.commit(self._session, lane, records, absent, utc_us=self._now_us())
        except RecordConflict as conflict:
            if not any(each.lane == lane for each in self._troubles if isinstance(each, RecordConflict)):
                # What else of the lane has another content is not known: all of it is fetched again.
                self._lanes[lane].known = Ranges()
            self._troubles.append(conflict)
            return conflict.committed

    async def _acknowledge(self) -> None:
        """Tell the bracelet what is committed here, and what the receiver has."""
        assert self.log is not None
        self._acknowledged_s = asyncio.get_running_loop().time()
        doubted = {each.lane for each in self._troubles}
        for lane, at in self._lanes.items():
            # Where numbers may mean other records, nothing said of numbers is sure.
            if lane in doubted or at.compared is not None:
                continue
            here = self._store.lane(self.log, lane)
            held, delivered = max(here.held, at.told[0]), max(here.delivered, at.told[1])
            if (held, delivered) != at.told:
                await self._ask(Cursor(lane=lane, held=here.held, delivered=here.delivered), Done)
                at.told = (held, delivered)

    def _note_progress(self, fetch: PendingFetch, new: Sequence[Record]) -> None:
        before = self.progress
        self.progress = SyncProgress(
            records=before.records + len(new),
            records_left=sum(
                past - first
                for at in self._lanes.values()
                for first, past in at.known.outside(0, at.status.next)
            ),
            minutes=before.minutes + (len(new) if fetch.lane is Lane.MINUTE else 0),
            bytes=before.bytes + fetch.bytes_received,
            elapsed_s=asyncio.get_running_loop().time() - self._began_s,
        )
        if self._tell is not None:
            self._tell(self.progress)
