"""The firmware's flash log on CPython, on the rig's flash; and a life to lead it through, journalled step by step."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from vigie_protocol.enums import Lane
from vigie_protocol.messages import (
    DroppedRecord,
    EventRecord,
    MinuteRecord,
    QuarterRecord,
    RawPpgRecord,
)
from vigie_rig.flash import NorFlash

LANES = tuple(Lane)
KINDS = {
    Lane.EVENT: EventRecord.KIND,
    Lane.TREND: QuarterRecord.KIND,
    Lane.MINUTE: MinuteRecord.KIND,
    Lane.RAW: RawPpgRecord.KIND,
}


class FlashRole:
    """The firmware's role ``flash`` on a model, without a board between."""

    def __init__(self, chip: NorFlash) -> None:
        self.chip = chip
        self.size_bytes = chip.size_bytes
        self.sector_bytes = chip.sector_bytes

    def read_into(self, at: int, buffer: Any) -> None:
        buffer[:] = self.chip.read(at, len(buffer))

    def program(self, at: int, buffer: Any) -> None:
        self.chip.program(at, bytes(buffer))

    def erase(self, at: int) -> None:
        self.chip.erase(at)


@dataclasses.dataclass
class Clock:
    """Board time that a test moves by hand."""

    us: int = 0

    @property
    def epoch(self) -> int:
        return self.us >> 30 & 0xFFFF

    def now_us(self) -> int:
        return self.us & 0x3FFFFFFF


@dataclasses.dataclass(frozen=True)
class Read:
    """A record as the log gives it back."""

    kind: int
    body: bytes
    boot_id: int


class Firmware:
    """The modules of the firmware that make up the log."""

    def __init__(self, on_cpython: Callable[[str], Any]) -> None:
        self._log = on_cpython("bracelet.log")
        self._crc_into = on_cpython("bracelet.crc_ints").crc_into

    def mount(self, chip: NorFlash, clock: Clock | None = None, boot_id: int = 1) -> Any:
        return self._log.FlashLog(FlashRole(chip), clock or Clock(), boot_id, self._crc_into)


def read_all(log: Any, lane: int) -> dict[int, Read]:
    """Every record of a lane, by number."""
    found: dict[int, Read] = {}
    number = 0
    while log.seek(lane, number):
        walk = log.walk
        body = bytes(walk.buffer[walk.at + 5 : walk.end])
        assert walk.number not in found, "a number was read twice"
        found[walk.number] = Read(walk.kind, body, walk.boot_id)
        number = walk.number + 1
    return found


@dataclasses.dataclass
class Life:
    """What happened to a log, and after how many steps of its flash."""

    chip: NorFlash
    appended: list[tuple[int, Lane, int, Read]] = dataclasses.field(
        default_factory=list["tuple[int, Lane, int, Read]"]
    )
    """Steps when `append` returned, lane, number, record."""
    delivered: list[tuple[int, Lane, int]] = dataclasses.field(default_factory=list["tuple[int, Lane, int]"])
    """Steps when the log was told, lane, cursor."""

    def durable(self, steps: int) -> Iterator[tuple[Lane, int, Read]]:
        """What `append` had promised by then, and the receiver had not confirmed."""
        cursors = dict.fromkeys(LANES, 0)
        cursors |= {lane: cursor for at, lane, cursor in self.delivered if at <= steps}
        for at, lane, number, record in self.appended:
            if at > steps:
                break
            if number >= cursors[lane]:
                yield lane, number, record

    def written(self) -> dict[tuple[Lane, int], Read]:
        return {(lane, number): record for _, lane, number, record in self.appended}


def lead(firmware: Firmware, chip: NorFlash, records: int, *, seed: int, sync_every: int = 40) -> Life:
    """A life of so many records, with boots, and a gateway that comes now and then; receipts come a visit later."""
    dice = random.Random(seed)
    clock = Clock()
    life = Life(chip)
    log = firmware.mount(chip, clock, boot_id=1)
    boot = 1
    held = dict.fromkeys(LANES, 0)
    for count in range(records):
        clock.us += dice.randrange(1, 120_000_000)
        lane = Lane(dice.choices([0, 1, 2, 3], [2, 1, 12, 2])[0])
        size = dice.randrange(60, 209) if lane is Lane.RAW else 7
        body = dice.randbytes(size)
        number = log.append(lane, KINDS[lane], body)
        life.appended.append((chip.steps, lane, number, Read(KINDS[lane], body, boot)))
        if dice.random() < 0.7:
            log.tend()
        if count % sync_every == sync_every - 1:
            for each in LANES:
                log.set_cursor(each, log.next[each], held[each])
                life.delivered.append((chip.steps, each, held[each]))
                held[each] = log.next[each]
        if count % 333 == 332:
            boot += 1
            clock.us = 0
            log = firmware.mount(chip, clock, boot_id=boot)
            for each in LANES:
                log.set_cursor(each, held[each], held[each])
                life.delivered.append((chip.steps, each, held[each]))
    assert log.dropped == log.dropped_held == 0, "this life was to have room"
    return life


def dropped(log: Any) -> SimpleNamespace:
    """The DroppedRecords of a log: the numbers of each lane that they name."""
    named: dict[int, set[int]] = {lane: set() for lane in LANES}
    for record in read_all(log, Lane.EVENT).values():
        if record.kind == DroppedRecord.KIND:
            said = DroppedRecord.from_bytes(record.body)
            named[said.lane] |= set(range(said.first, said.first + said.count))
    return SimpleNamespace(named=named)
