"""A bracelet, its gateways and a receiver, in any order of what may happen to them: hypothesis draws the order.

After each step the ledger balances: each record that `append` promised is in the log, in a gateway's store, with the
receiver, or named as dropped; and nothing is anywhere in another version.
"""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger import Key, Ledger, records_of
from log_harness import KINDS, LANES
from memory_bracelet import FirmwareParts, MemoryBracelet
from mortal_store import HostCrash, MortalStore

import vigie
from vigie.receiver import StandInReceiver
from vigie.records import Record
from vigie.store import Store
from vigie_protocol.enums import Lane
from vigie_rig.errors import PowerCut
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import NorFlash
from vigie_rig.line_transport import LineTransport
from vigie_rig.serial_line import SerialLine
from vigie_rig.virtual_clock import VirtualClockLoop

START_UTC_S = 1.8e9
GATEWAYS = ("home", "car", "clinic")
_SECTOR_BYTES = 512
_MEMORY = Path("/dev/shm")

gateways = st.sampled_from(GATEWAYS)
lanes = st.sampled_from([Lane.MINUTE, Lane.MINUTE, Lane.MINUTE, Lane.EVENT, Lane.TREND, Lane.RAW])
seldom = lambda strategy: st.none() | st.none() | strategy  # noqa: E731


class CutLine(LineTransport):
    """A line that is pulled out after some bytes towards the host."""

    def __init__(self, line: SerialLine, cut_after: int | None) -> None:
        super().__init__(line)
        self._cut_line, self._left = line, cut_after

    async def read(self) -> bytes:
        data = await super().read()
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
            if not self._left:
                self._left = None
                self._cut_line.unplug()
                self._cut_line.plug()
        return data


class Gateway:
    """A host with a store."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.store = MortalStore(folder / name, gateway=name)
        self.came: set[Key] = set()
        """What its syncs have yielded."""
        self.records: dict[Key, Record] = {}
        self.known: set[Key] = set()
        """What is here, or known not to come."""

    def look(self) -> None:
        """See what the disk has."""
        self.records, self.known = contents(self.store)


def contents(store: Store) -> tuple[dict[Key, Record], set[Key]]:
    """The records of a store, and the keys that it has or knows not to come."""
    records: dict[Key, Record] = {}
    known: set[Key] = set()
    for device_id in store.devices():
        for log in store.logs(device_id):
            assert not store.conflicts(log), "two records came under one number"
            for lane in LANES:
                for record in store.records(log, lane):
                    assert (lane, record.number) not in records, "two logs where there is one"
                    records[lane, record.number] = record
                for first, past, _ in store.lane(log, lane).absent:
                    known |= {(lane, number) for number in range(first, past)}
    return records, known | records.keys()


class Life(RuleBasedStateMachine):
    """With a log that is soon full."""

    SECTORS: ClassVar[int] = 18
    ROOMY: ClassVar[bool] = False
    """Whether the log has room for all that these steps can write."""
    parts: ClassVar[FirmwareParts]

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
        self._runner = asyncio.Runner(loop_factory=VirtualClockLoop)
        self._skipped_us = 0
        self._chip = NorFlash(self.SECTORS * _SECTOR_BYTES, sector_bytes=_SECTOR_BYTES)
        self._board: MemoryBracelet | None = None
        self._boot_id = 0
        self._ledger = Ledger()
        self._gateways: dict[str, Gateway] = {}
        self._receiver = StandInReceiver(self._folder / "receiver", utc_s=self._utc_s)
        self._received: dict[Key, Record] = {}
        self._committed: set[Key] = set()
        """What ever was on a gateway's disk, or known there not to come."""
        self._settled: set[Key] = set()
        """What the receiver has, or was told not to come."""
        self._in_log: dict[Key, Record] = {}
        self._read_at = -1
        self._line = self._run(self._new_line())

    async def _new_line(self) -> SerialLine:
        return SerialLine(FaultPlan())

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)

    def _now_us(self) -> int:
        return round(self._runner.get_loop().time() * 1e6) + self._skipped_us

    def _utc_s(self) -> float:
        return START_UTC_S + self._now_us() / 1e6

    @property
    def _log(self) -> Any:
        assert self._board is not None
        return self._board.log

    # The bracelet

    @initialize()
    def first_boot(self) -> None:
        self._mount(None)

    def _mount(self, cut_after: int | None) -> None:
        self._boot_id += 1
        if cut_after is not None:
            self._chip.cut_after(cut_after)
        try:
            self._board = MemoryBracelet(
                self.parts,
                self._chip,
                self._line,
                self._now_us,
                boot_id=self._boot_id,
                watch_log=self._ledger.watch,
            )
        except PowerCut:
            self._lost_power()
        else:
            self._chip.power_on()

    def _lost_power(self) -> None:
        self._ledger.power_went()
        self._board = None
        self._chip.power_on()
        self._read_at = -1

    @precondition(lambda self: self._board is None)
    @rule(cut_after=seldom(st.integers(0, 150)))
    def mount(self, cut_after: int | None) -> None:
        self._mount(cut_after)

    @precondition(lambda self: self._board is not None)
    @rule()
    def reset(self) -> None:
        self._lost_power()
        self._mount(None)

    @precondition(lambda self: self._board is not None)
    @rule(
        lane=lanes,
        count=st.integers(1, 40),
        minutes=st.sampled_from([0, 1, 1, 15, 3000]),
        tend=st.booleans(),
        cut_after=seldom(st.integers(0, 700)),
    )
    def append(self, lane: Lane, count: int, minutes: int, tend: bool, cut_after: int | None) -> None:
        if self.ROOMY:
            count = min(count, 3 if lane is Lane.RAW else 12)
        if cut_after is not None:
            self._chip.cut_after(cut_after)
        try:
            for _ in range(count):
                self._skipped_us += minutes * 60_000_000 + 10_000
                self._write(lane, tend)
        except PowerCut:
            self._lost_power()
        else:
            self._chip.power_on()

    @precondition(lambda self: self._board is not None)
    @rule(days=st.integers(1, 4), tend=st.booleans(), cut_after=seldom(st.integers(0, 3000)))
    def wear(self, days: int, tend: bool, cut_after: int | None) -> None:
        """Some of all lanes."""
        if cut_after is not None:
            self._chip.cut_after(cut_after)
        try:
            for at in range(5 if self.ROOMY else 30 * days):
                self._skipped_us += 60_000_000
                self._write(Lane.MINUTE if at % 4 else LANES[at // 4 % 4], tend)
        except PowerCut:
            self._lost_power()
        else:
            self._chip.power_on()

    def _write(self, lane: Lane, tend: bool) -> None:
        number = self._log.next[lane]
        size = 60 + number * 37 % 149 if lane is Lane.RAW else 7
        self._log.append(lane, KINDS[lane], bytes((number * 7 + at) % 256 for at in range(size)))
        if tend:
            self._log.tend()

    # Gateways

    def _gateway(self, name: str) -> Gateway:
        if name not in self._gateways:
            self._gateways[name] = Gateway(self._folder, name)
        return self._gateways[name]

    @precondition(lambda self: self._board is not None)
    @rule(
        name=gateways,
        cut_after=seldom(st.integers(0, 6000)),
        power_cut_after=seldom(st.integers(0, 500)),
        crash=seldom(st.tuples(st.integers(0, 12), st.sampled_from([0.0, 0.4, 0.999, 1.0]))),
        meanwhile=seldom(st.integers(1, 30)),
    )
    def sync(
        self,
        name: str,
        cut_after: int | None,
        power_cut_after: int | None,
        crash: tuple[int, float] | None,
        meanwhile: int | None,
    ) -> None:
        gateway = self._gateway(name)
        if crash is not None:
            gateway.store.crash_in(*crash)
        if power_cut_after is not None:
            self._chip.cut_after(power_cut_after)
        try:
            self._run(self._sync(gateway, cut_after, meanwhile or 0))
        except HostCrash:
            gateway.store = gateway.store.recover()
        gateway.store.spare()
        if not self._chip.powered:
            self._lost_power()
        else:
            self._chip.power_on()
            assert self._board is not None
            if self._board.fault is not None:
                raise self._board.fault
        gateway.look()
        self._committed |= gateway.known

    async def _sync(self, gateway: Gateway, cut_after: int | None, meanwhile: int) -> None:
        assert self._board is not None
        self._board.start()
        sampling = asyncio.create_task(self._sample(meanwhile))
        try:
            async with (
                vigie.connect(CutLine(self._line, cut_after), deadline_s=2) as bracelet,
                bracelet.sync(gateway.store, utc_s=self._utc_s) as sync,
            ):
                async for record in sync:
                    key = (record.lane, record.number)
                    assert key not in gateway.came, f"{key} came twice"
                    gateway.came.add(key)
        except vigie.LinkError as error:
            if cut_after is None and self._chip.powered and self._board.fault is None:
                raise AssertionError("the link went by itself") from error
        finally:
            await sampling
            await self._board.stop()

    async def _sample(self, count: int) -> None:
        try:
            for at in range(count):
                await asyncio.sleep(0.004)
                self._write(Lane.MINUTE if at % 7 else Lane.RAW, at % 3 == 0)
        except PowerCut:
            assert self._board is not None
            self._board.power_off()

    @precondition(lambda self: self._gateways)
    @rule(name=gateways, told=st.booleans())
    def deliver(self, name: str, told: bool) -> None:
        """The receiver takes what a gateway has; its receipt may be lost."""
        gateway = self._gateway(name)
        for receipt in self._receiver.take(gateway.store):
            if told:
                gateway.store.confirm(receipt)
        self._received, self._settled = contents(self._receiver.store)

    @precondition(lambda self: self._gateways)
    @rule(name=gateways)
    def destroy(self, name: str) -> None:
        gateway = self._gateways.pop(name, None)
        if gateway is not None:
            gateway.store.close()
            for file in self._folder.glob(f"{name}*"):
                file.unlink()

    # What holds always

    @invariant()
    def ledger_balances(self) -> None:
        """A power cut now would lose nothing."""
        ledger = self._ledger
        if self._chip.steps != self._read_at:
            self._read_at = self._chip.steps
            mounted = self.parts.mount(self._chip.copy(), _NoClock, self._boot_id)
            self._in_log = records_of(mounted)
            if self._board is not None:
                ledger.same("the log", self._in_log)
                assert list(mounted.next) == list(self._log.next), "a mount goes on with other numbers"
        for gateway in self._gateways.values():
            ledger.same(gateway.name, gateway.records)
            assert gateway.came <= gateway.records.keys(), "what was yielded was not on the disk"
        ledger.same("the receiver", self._received)
        kept = [gateway.records for gateway in self._gateways.values()]
        if self._board is not None:
            ledger.balance(self._in_log, self._received, *kept)
            ledger.acknowledged(lambda lane: self._log.held[lane], "a gateway", self._committed)
            ledger.acknowledged(lambda lane: self._log.delivered[lane], "the receiver", self._settled)
            assert ledger.named.isdisjoint(self._in_log), "what is said to be dropped is there"
            for gateway in self._gateways.values():
                taken_for_gone = gateway.known - gateway.records.keys() - self._settled - ledger.dropped
                assert not taken_for_gone & ledger.promised.keys(), (
                    f"{gateway.name} takes for gone what is not"
                )
            if self.ROOMY:
                assert not ledger.dropped, "something was dropped though there is room"
        assert self._chip.violations == 0, "programmed where it was not blank"

    def all_comes_home(self) -> None:
        """In the end the receiver has everything, or knows that it is gone."""
        if self._board is None:
            self._mount(None)
        for _ in range(2):
            for name in (*self._gateways, GATEWAYS[0]):
                self.sync(name, None, None, None, None)
                self.deliver(name, True)
        self.ledger_balances()
        wanted = {
            key for key in self._ledger.promised if key not in self._in_log or key[1] < self._log.held[key[0]]
        }
        missing = wanted - (self._received.keys() if self.ROOMY else self._settled)
        assert not missing, f"never came to the receiver: {sorted(missing)[:9]}"
        unnamed = wanted - self._received.keys() - self._ledger.dropped
        assert not unnamed, f"the receiver takes for gone what was not dropped: {sorted(unnamed)[:9]}"

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.all_comes_home()
        finally:
            for gateway in self._gateways.values():
                gateway.store.close()
            self._receiver.close()
            self._runner.close()
            shutil.rmtree(self._folder)


class RoomyLife(Life):
    """With room for everything: here a destroyed gateway costs nothing."""

    SECTORS = 400
    ROOMY = True


class _NoClock:
    us = epoch = 0

    @staticmethod
    def now_us() -> int:
        return 0
