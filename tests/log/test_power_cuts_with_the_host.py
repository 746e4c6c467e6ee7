"""Wherever the power goes in a life with syncs going on, log and host have all that was promised.

The life is led once, and journalled at both ends. Then the flash is made anew as a cut at a step leaves it, and held
beside what the host had committed by then.
"""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ledger import Entry, Key, records_of
from log_harness import KINDS, LANES, Clock
from memory_bracelet import FirmwareParts, MemoryBracelet

import vigie
from vigie.receiver import StandInReceiver
from vigie.records import Record
from vigie.store import Absence, Session, Store
from vigie_protocol.enums import Lane
from vigie_rig import virtual_clock
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import NorFlash
from vigie_rig.line_transport import LineTransport
from vigie_rig.serial_line import SerialLine

SECTORS, SECTOR_BYTES = 48, 512
RECORDS = 2000


@dataclasses.dataclass
class Journal:
    """What happened, each after so many steps of the flash."""

    chip: NorFlash
    appended: list[tuple[int, Key, Entry]] = dataclasses.field(default_factory=list)
    committed: list[tuple[int, Lane, list[Record]]] = dataclasses.field(default_factory=list)
    cursors: list[tuple[int, Lane, int, int]] = dataclasses.field(default_factory=list)
    received: list[tuple[int, set[Key]]] = dataclasses.field(default_factory=list)
    begun: list[tuple[int, Key, Entry]] = dataclasses.field(default_factory=list)


class JournalledStore(Store):
    """Notes what is on its disk, and when."""

    journal: Journal

    def commit(
        self,
        session: Session,
        lane: Lane,
        records: Sequence[Record],
        absent: Any = (),
        *,
        utc_us: int,
    ) -> list[Record]:
        gone: list[tuple[int, int, Absence]] = list(absent)
        assert all(why is Absence.DELIVERED for _, _, why in gone), "there was room"
        new = super().commit(session, lane, records, gone, utc_us=utc_us)
        self.journal.committed.append((self.journal.chip.steps, lane, list(records)))
        return new


def watch(journal: Journal, log: Any, boot_id: int) -> None:
    append, set_cursor, clock = log.append, log.set_cursor, log._clock

    def watched(lane: int, kind: int, body: bytes, when: Any = None) -> int:
        entry = Entry(kind, bytes(body), boot_id, clock.us if when is None else (when[1] << 30) + when[0])
        key = (Lane(lane), log.next[lane])
        journal.begun.append((journal.chip.steps, key, entry))
        number: int = append(lane, kind, body, when)
        journal.appended.append((journal.chip.steps, key, entry))
        return number

    def watched_cursor(lane: int, held: int, delivered: int) -> None:
        set_cursor(lane, held, delivered)
        journal.cursors.append((journal.chip.steps, Lane(lane), log.held[lane], log.delivered[lane]))

    log.append, log.set_cursor = watched, watched_cursor


def lead(parts: FirmwareParts, folder: Path, *, records: int, seed: int) -> Journal:
    """So many records, while a gateway syncs again and again, and the receiver gives its receipts."""
    chip = NorFlash(SECTORS * SECTOR_BYTES, sector_bytes=SECTOR_BYTES, journal=True)
    journal, dice = Journal(chip), random.Random(seed)

    async def sample(board: MemoryBracelet, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(dice.expovariate(1 / 0.01))
            lane = Lane(dice.choices([0, 1, 2, 3], [2, 1, 12, 2])[0])
            board.log.append(
                lane, KINDS[lane], dice.randbytes(dice.randrange(60, 209) if lane is Lane.RAW else 7)
            )
            if dice.random() < 0.7:
                board.log.tend()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        line = SerialLine(FaultPlan())
        journalled = JournalledStore(folder / "store")
        journalled.journal = journal
        with journalled as store, StandInReceiver(folder / "receiver") as receiver:
            for boot_id in range(1, 6):
                board = MemoryBracelet(
                    parts,
                    chip,
                    line,
                    lambda: round(loop.time() * 1e6),
                    boot_id=boot_id,
                    watch_log=lambda log, boot_id=boot_id: watch(journal, log, boot_id),
                )
                board.start()
                sampling = asyncio.create_task(sample(board, records // 5))
                while not sampling.done():
                    async with vigie.connect(LineTransport(line)) as bracelet:
                        async for _ in bracelet.sync(store, utc_s=lambda: 1.8e9 + loop.time()):
                            pass
                    for receipt in receiver.take(store):
                        store.confirm(receipt)
                    (log,) = receiver.store.logs()
                    has = {
                        (lane, number)
                        for lane in Lane
                        for first, past in receiver.store.lane(log, lane).here
                        for number in range(first, past)
                    }
                    journal.received.append((chip.steps, has))
                    await asyncio.sleep(0.3)
                await sampling
                assert board.fault is None
                assert board.log.dropped == board.log.dropped_held == 0, "this life was to have room"
                await board.stop()

    virtual_clock.run(run())
    return journal


def check(parts: FirmwareParts, journal: Journal, steps: int, flash: NorFlash) -> None:
    """`flash`: as a cut after so many steps leaves it."""
    log = parts.mount(flash, Clock(), 99)
    found = records_of(log)
    promised = {key: entry for at, key, entry in journal.appended if at <= steps}
    begun = {key: entry for at, key, entry in journal.begun if at <= steps}
    committed = {
        (lane, each.number) for at, lane, records in journal.committed if at <= steps for each in records
    }
    received = next((has for at, has in reversed(journal.received) if at <= steps), set[Key]())
    lost = promised.keys() - found.keys() - received
    assert not lost, f"after {steps} steps neither the log nor the receiver has {sorted(lost)[:9]}"
    for key, record in found.items():
        assert begun[key].is_in(record), f"after {steps} steps the log has another {key}"
    for lane in LANES:
        held = {key for key in promised if key[0] == lane and key[1] < log.held[lane]}
        assert held <= committed, f"after {steps} steps {lane.name} is held without being committed"
        delivered = {key for key in promised if key[0] == lane and key[1] < log.delivered[lane]}
        assert delivered <= received
    told: dict[Lane, int] = dict.fromkeys(LANES, 0)
    told |= {lane: held for at, lane, held, _ in journal.cursors if at <= steps}
    for lane, held in told.items():
        acknowledged = {key for key in promised if key[0] == lane and key[1] < held}
        assert acknowledged <= committed, (
            f"after {steps} steps {lane.name} was acknowledged before its commit"
        )


def cut_every(parts: FirmwareParts, folder: Path, stride: int) -> int:
    journal = lead(parts, folder, records=RECORDS, seed=1)
    assert max(journal.chip.erases) > 2, "the log is to go round"
    assert journal.chip.journal is not None
    cuts = 0
    for steps, flash in journal.chip.journal.cuts(step=stride):
        check(parts, journal, steps, flash)
        assert flash.violations == 0
        cuts += 1
    return cuts


@pytest.fixture(scope="module")
def parts(on_cpython: Callable[[str], Any]) -> FirmwareParts:
    return FirmwareParts(on_cpython)


def test_no_cut_while_a_gateway_syncs_loses_a_record(parts: FirmwareParts, tmp_path: Path) -> None:
    assert cut_every(parts, tmp_path, 397) > 100


@pytest.mark.soak
def test_no_cut_at_any_byte_while_a_gateway_syncs_loses_a_record(
    parts: FirmwareParts, tmp_path: Path
) -> None:
    assert cut_every(parts, tmp_path, 1) > 40_000
