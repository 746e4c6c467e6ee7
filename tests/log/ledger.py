"""The books of a bracelet's life: what `append` promised, and where each record is now."""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from log_harness import LANES

from vigie.records import TICK_US, Record
from vigie_protocol.enums import Lane
from vigie_protocol.messages import DroppedRecord

Key = tuple[Lane, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """What was appended, and when."""

    kind: int
    body: bytes
    boot_id: int
    us: int

    def is_in(self, record: Record) -> bool:
        """Whether this is that record; its time is kept to 10 ms."""
        return (record.kind, record.body, record.boot_id) == (
            self.kind,
            self.body,
            self.boot_id,
        ) and 0 <= self.us - record.ticks_us < TICK_US + 1


def records_of(log: Any) -> dict[Key, Record]:
    """Every record of a log, as the firmware reads it."""
    found: dict[Key, Record] = {}
    walk = log.walk
    for lane in LANES:
        number = 0
        while log.seek(lane, number):
            key = (lane, walk.number)
            assert key not in found, f"{key} was read twice"
            time = int.from_bytes(walk.buffer[walk.at + 2 : walk.at + 5], "little")
            ticks_us = (walk.epoch << 30) + walk.ticks_us + time * TICK_US
            body = bytes(walk.buffer[walk.at + 5 : walk.end])
            found[key] = Record(lane, walk.number, walk.boot_id, ticks_us, walk.kind, body)
            number = walk.number + 1
    return found


class Ledger:
    """Raises AssertionError when the books do not balance."""

    def __init__(self) -> None:
        self.promised: dict[Key, Entry] = {}
        """All that `append` returned for, and what a mount found whole though power had gone meanwhile."""
        self.named: set[Key] = set()
        """What a DroppedRecord named."""
        self.untold: set[Key] = set()
        """What a full log dropped right before a power cut, and never told: it is below the oldest of its lane."""
        self._doubtful: dict[Key, Entry] = {}
        self._reclaimed: set[Key] = set()
        self._log: Any = None

    def watch(self, log: Any) -> None:
        """Keep the books of a log from now on, which was mounted just now."""
        here = records_of(log)
        for key, entry in self._doubtful.items():
            if key in here:
                self._promise(key, entry)
        self._doubtful.clear()
        self._log = log
        clock, boot_id, append, reclaim = log._clock, log._boot_id, log.append, log._reclaim

        def watched(lane: int, kind: int, body: Iterable[int], when: tuple[int, int] | None = None) -> int:
            us = clock.us if when is None else (when[1] << 30) + when[0]
            key, entry = (Lane(lane), log.next[lane]), Entry(kind, bytes(body), boot_id, us)
            self._doubtful[key] = entry
            number: int = append(lane, kind, body, when)
            assert number == key[1], "append returned another number than was next"
            del self._doubtful[key]
            self._promise(key, entry)
            return number

        def watched_reclaim() -> None:
            try:
                reclaim()
            finally:
                self._reclaimed |= self.dropped_untold()

        log.append, log._reclaim = watched, watched_reclaim

    def _promise(self, key: Key, entry: Entry) -> None:
        assert key not in self.promised, f"{key[0].name} {key[1]} was given to a second record"
        self.promised[key] = entry
        if entry.kind == DroppedRecord.KIND:
            said = DroppedRecord.from_bytes(entry.body)
            self.named |= {(Lane(said.lane), number) for number in range(said.first, said.first + said.count)}

    def dropped_untold(self) -> set[Key]:
        """What the running log dropped and has not named yet."""
        log = self._log
        return {
            (lane, number)
            for lane in LANES
            for number in range(log._gone_first[lane], log._gone_first[lane] + log._gone[lane])
        }

    def power_went(self) -> None:
        """The log's memory is gone, and what it had not told."""
        self.untold |= self._reclaimed - self.named

    @property
    def dropped(self) -> set[Key]:
        """All that went because the log was full."""
        return self.named | self.untold | self.dropped_untold()

    def same(self, where: str, records: Mapping[Key, Record]) -> None:
        """See that nothing there is anything but what was appended."""
        for key, record in records.items():
            entry = self.promised.get(key)
            assert entry is not None, f"{where} has {key[0].name} {key[1]}, which nobody appended"
            assert entry.is_in(record), f"{where} has another {key[0].name} {key[1]}: {record} is not {entry}"

    def balance(self, *places: Iterable[Key]) -> None:
        """See that every record is somewhere, or dropped and named."""
        missing = self.promised.keys() - self.dropped
        for place in places:
            missing -= set(place)
        assert not missing, f"lost: {_told(missing)}"

    def acknowledged(self, cursor: Callable[[Lane], int], who: str, committed: set[Key]) -> None:
        """See that all below a cursor is, or was, on a disk, or was dropped."""
        below = {key for key in self.promised if key[1] < cursor(key[0])}
        missing = below - committed - self.dropped
        assert not missing, f"acknowledged, and never on the disk of {who}: {_told(missing)}"


def _told(keys: Iterable[Key]) -> str:
    return ", ".join(f"{lane.name} {number}" for lane, number in sorted(keys)[:12])
