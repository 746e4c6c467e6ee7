"""Weeks of a bracelet's life on the virtual clock: it samples by its plan while a gateway comes and goes.

Nothing is left out to be quick: the firmware runs, the sensors' registers are read, the flash takes its time, the
host's code is the unchanged SDK. At the end there is a ledger: what was recorded, what came home, what is missing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import vigie
from vigie.completeness import completeness_of_all
from vigie.errors import LinkError, VigieError
from vigie.flash import flash
from vigie.plans import STANDARD
from vigie.receiver import StandInReceiver
from vigie.store import LogKey, Store
from vigie_protocol.enums import GapReason, Lane
from vigie_protocol.messages import (
    LogRequest,
    LogStatus,
    Plan,
    SetPlan,
    Status,
)
from vigie_rig import virtual_clock
from vigie_rig.boards import BOARDS, HEAP_BYTES
from vigie_rig.boards.unix.board import FLASH_BYTES, UnixBoard
from vigie_rig.energy import load_power, mah_a_day, power_file
from vigie_rig.errors import RigFault, UsageError
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import TYPICAL, WORST, NorFlash
from vigie_rig.links import LINKS
from vigie_rig.sensors import Tally, bracelet_sensors
from vigie_rig.wrist import calm_hour

START_UTC_S: Final = 1_767_250_800.0
"""When a soak begins: on 1 January 2026 at 07:00 UTC."""
_DAY_S: Final = 86_400.0
_GRACE_DAYS: Final = 40.0
"""How long after the soak's end the gateway still tries to bring all home."""
_TRY_EVERY_S: Final = 900.0
_SYNC_EVERY_S: Final = 4 * 3600.0
_REPORT_EVERY_S: Final = 3600.0


@dataclasses.dataclass(frozen=True)
class Soak:
    """What to live through."""

    days: float
    link: str = "village"
    """A name of :data:`vigie_rig.links.LINKS`."""
    seed: int = 1
    plan: SetPlan = STANDARD
    board: str = "unix"
    resets: float = 4
    """Resets by hand in thirty days, at random times."""
    power_cuts: float = 2
    """Power cuts in thirty days, some of them for hours."""
    worst_flash: bool = False
    """Whether the flash takes the longest times of its datasheet, not the typical ones."""
    flash_bytes: int | None = None
    """Size of the log's flash; None is the board's own."""

    def __post_init__(self) -> None:
        if not 0 < self.days <= 366:
            raise UsageError(f"{self.days:g} days: a soak has up to 366")
        if self.link not in LINKS:
            raise UsageError(f"link {self.link!r} is unknown: one of {', '.join(LINKS)}")
        if self.board not in BOARDS:
            raise UsageError(f"board {self.board!r} is unknown: one of {', '.join(BOARDS)}")


@dataclasses.dataclass
class Ledger:
    """What became of everything."""

    days: float
    link: str
    seed: int
    board: str
    records: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    """Records written, by lane."""
    records_home: int = 0
    """Of these, in the gateway's store at the end."""
    records_lost: int = 0
    """Neither in the store, nor in the receiver's, nor known to be gone."""
    records_dropped: int = 0
    """Known to be gone: the log was full, or the flash damaged."""
    records_duplicated: int = 0
    """Brought home twice as if they were new."""
    syncs: int = 0
    syncs_cut: int = 0
    """Syncs that the link ended, and others went on with."""
    unreachable: int = 0
    """Attempts that found no bracelet."""
    boots: int = 0
    ppg_samples: int = 0
    ppg_samples_lost: int = 0
    acc_samples: int = 0
    acc_samples_lost: int = 0
    gap_seconds: dict[str, float] = dataclasses.field(default_factory=dict[str, float])
    """Of the time between first and last record, by reason."""
    data_seconds: float = 0.0
    unexplained_seconds: float = 0.0
    heap_live_bytes: tuple[int, int] = (0, 0)
    """After the first day, or the first sync, and at the end; the most between is ``heap_most_bytes``."""
    heap_most_bytes: int = 0
    heap_bytes: int = 0
    flash_erases_most: int = 0
    flash_violations: int = 0
    energy_mah_a_day: dict[str, float] = dataclasses.field(default_factory=dict[str, float])
    """Estimate of the charge taken from the battery, by consumer."""
    transcript_sha256: str = ""
    realtime_factor: float = 0.0
    wall_s: float = 0.0

    @property
    def balances(self) -> bool:
        """Whether nothing is missing without being named."""
        return (
            self.records_lost == self.records_duplicated == self.flash_violations == 0
            and self.unexplained_seconds == 0
        )


def run_soak(
    soak: Soak,
    store: Path,
    *,
    files: Path,
    progress: Callable[[float, Ledger], None] | None = None,
) -> Ledger:
    """Live through it, with the gateway's store in a file and the board's file system in a folder.

    Parameters
    ----------
    soak
        What to live through.
    store
        File of the gateway's store.
    files
        Folder that is the board's file system.
    progress
        Called now and then with the virtual seconds passed and the ledger as it is.

    Raises
    ------
    BoardMissing
        There is no such board on this machine.
    RigFault
        The board crashed, or never came home within the time of grace.
    """
    began_s = time.perf_counter()
    ledger = Ledger(soak.days, soak.link, soak.seed, soak.board, heap_bytes=HEAP_BYTES[soak.board])
    virtual_clock.run(_Life(soak, store, files, ledger, progress).live())
    ledger.wall_s = time.perf_counter() - began_s
    ledger.realtime_factor = soak.days * _DAY_S / ledger.wall_s
    return ledger


class _Life:
    """One soak under way."""

    def __init__(
        self,
        soak: Soak,
        store: Path,
        files: Path,
        ledger: Ledger,
        progress: Callable[[float, Ledger], None] | None,
    ) -> None:
        self._soak = soak
        self._store_path = store
        self._files = files
        self._ledger = ledger
        self._progress = progress
        self._came: set[tuple[Lane, int]] = set()
        self._power = load_power(power_file(soak.board))
        self._log: LogKey | None = None

    async def live(self) -> None:
        soak, ledger = self._soak, self._ledger
        tallies = (Tally(), Tally())
        sensors = bracelet_sensors(calm_hour(soak.seed), seed=soak.seed, new_ledger=iter(tallies).__next__)
        chip = NorFlash(
            soak.flash_bytes or FLASH_BYTES[soak.board],
            timing=WORST if soak.worst_flash else TYPICAL,
            seed=soak.seed,
        )
        opening = BOARDS[soak.board](
            self._files,
            sensors=sensors,
            faults=FaultPlan(),
            heap_bytes=None,
            seed=soak.seed,
            link=LINKS[soak.link],
            flash=chip,
        )
        self._loop = asyncio.get_running_loop()
        async with opening as board:
            await flash(board.link())
            async with vigie.connect(board.link()) as bracelet:
                await bracelet.demand(soak.plan, Plan)
            self._origin_s = self._loop.time()
            for start_s, off_s in _interruptions(soak):
                if off_s:
                    self._loop.call_at(self._origin_s + start_s, board.power_cut, off_s)
                else:
                    self._loop.call_at(self._origin_s + start_s, board.reset)
            board.begin_link()
            use_before = board.use()
            for sensor in sensors:
                sensor.play_from(board.now_us())
            with (
                Store(self._store_path, gateway="soak") as store,
                StandInReceiver(self._store_path.with_suffix(".receiver"), utc_s=self._utc_s) as receiver,
            ):
                await self._visit_for_days(board, store, receiver)
                self._close_books(store)
            ledger.boots = board.restarts + 1
            ledger.transcript_sha256 = board.transcript_sha256
            ledger.energy_mah_a_day = mah_a_day(board.use() - use_before, self._power)
        ledger.flash_erases_most = max(chip.erases)
        ledger.flash_violations = chip.violations
        (ledger.ppg_samples, ledger.ppg_samples_lost), (ledger.acc_samples, ledger.acc_samples_lost) = (
            (each.produced, each.lost) for each in tallies
        )

    def _utc_s(self) -> float:
        return START_UTC_S + self._loop.time() - self._origin_s

    async def _visit_for_days(self, board: UnixBoard, store: Store, receiver: StandInReceiver) -> None:
        """The gateway: tries to sync, again soon if it could not; after the last day until all is home."""
        loop, ledger = self._loop, self._ledger
        end_s = self._origin_s + self._soak.days * _DAY_S
        next_report_s = loop.time()
        while True:
            if board.fault is not None:
                raise RigFault(f"after {self._days():.2f} days: {board.fault}")
            home = False
            try:
                async with asyncio.timeout(_SYNC_EVERY_S):
                    home = await self._sync(board, store, receiver)
                ledger.syncs += 1
            except (VigieError, TimeoutError) as error:
                if isinstance(error, LinkError | TimeoutError) and self._log is None:
                    ledger.unreachable += 1
                else:
                    ledger.syncs_cut += 1
            if loop.time() >= end_s and home:
                return
            if loop.time() >= end_s + _GRACE_DAYS * _DAY_S:
                raise RigFault(f"{_GRACE_DAYS:g} days after the end not all was home")
            pause_s = _SYNC_EVERY_S if home else _TRY_EVERY_S
            wake_s = loop.time() + pause_s
            if loop.time() < end_s < wake_s:
                wake_s = end_s
            while loop.time() < wake_s:
                await asyncio.sleep(min(_REPORT_EVERY_S, wake_s - loop.time()))
                if self._progress is not None and loop.time() >= next_report_s:
                    next_report_s = loop.time() + _REPORT_EVERY_S
                    self._progress(min(loop.time(), end_s) - self._origin_s, ledger)

    def _days(self) -> float:
        return (self._loop.time() - self._origin_s) / _DAY_S

    async def _sync(self, board: UnixBoard, store: Store, receiver: StandInReceiver) -> bool:
        """Bring home what is new, and hand it on; return whether it ended by itself."""
        ledger = self._ledger
        self._log = None
        async with vigie.connect(board.link()) as bracelet, bracelet.sync(store, utc_s=self._utc_s) as sync:
            async for record in sync:
                self._log = sync.log
                if (record.lane, record.number) in self._came:
                    ledger.records_duplicated += 1
                self._came.add((record.lane, record.number))
            self._log = sync.log
            for receipt in receiver.take(store):
                store.confirm(receipt)
            status = await bracelet.status(collect=True)
            self._note_heap(status)
            log = await bracelet.demand(LogRequest(), LogStatus)
            assert self._log is not None
            assert log.log_id == self._log.log_id
        return True

    def _note_heap(self, status: Status) -> None:
        ledger = self._ledger
        first, _ = ledger.heap_live_bytes
        if not first or self._days() < 1:
            first = status.heap_live_bytes
        ledger.heap_live_bytes = (first, status.heap_live_bytes)
        ledger.heap_most_bytes = max(ledger.heap_most_bytes, status.heap_live_bytes)

    def _close_books(self, store: Store) -> None:
        """Hold what the bracelet wrote against what is here."""
        ledger = self._ledger
        assert self._log is not None
        for lane in Lane:
            held = store.lane(self._log, lane)
            ledger.records[lane.name.lower()] = held.next
            here = sum(past - first for first, past in held.here)
            gone = sum(past - first for first, past, _ in held.absent)
            ledger.records_home += here
            ledger.records_dropped += gone
            ledger.records_lost += held.next - here - gone
        seconds = completeness_of_all(store)
        ledger.data_seconds = float(seconds.data_s)
        ledger.gap_seconds = {
            reason.name.lower(): float(gap_s)
            for reason, gap_s in sorted(seconds.gaps_s.items())
            if gap_s and reason is not GapReason.UNEXPLAINED
        }
        ledger.unexplained_seconds = float(seconds.gaps_s.get(GapReason.UNEXPLAINED, 0))


def _interruptions(soak: Soak) -> list[tuple[float, float]]:
    """Resets and power cuts at random times: when, and for how long there is no power."""
    dice = random.Random(f"soak interruptions {soak.seed}")
    span_s = soak.days * _DAY_S
    found = [(dice.uniform(0, span_s), 0.0) for _ in range(round(soak.resets * soak.days / 30))]
    found += [
        (dice.uniform(0, span_s), dice.choice((2.0, 30.0, 600.0, 6 * 3600.0)))
        for _ in range(round(soak.power_cuts * soak.days / 30))
    ]
    return sorted(found)
