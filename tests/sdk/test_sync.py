"""A sync brings home all there is, acknowledges only what is committed, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from pathlib import Path

import numpy as np
import pytest
from fake_bracelet import BadLine, FakeLog, LogBracelet, minute, quick_folder, replaced
from hypothesis import given, settings
from hypothesis import strategies as st

import vigie
from vigie.fetch import PendingFetch
from vigie.receiver import StandInReceiver
from vigie.records import Record
from vigie.store import Absence, Store
from vigie.sync import PATIENCE_S, Sync
from vigie_protocol.definition import Message
from vigie_protocol.enums import ErrorCode, EventCode, Lane
from vigie_protocol.messages import (
    AnchorRecord,
    Cursor,
    Done,
    DroppedRecord,
    Error,
    EventRecord,
    Fetch,
    Fetched,
    LogRequest,
    QuarterRecord,
    RawPpgRecord,
    SetAnchor,
    TimeRequest,
)
from vigie_rig import virtual_clock

UTC_S = 1.8e9
"""What UTC it is at the virtual clock's beginning."""
UART_BYTES_PER_S = 11_520.0

Line = Callable[[LogBracelet], vigie.Transport]


def utc_s() -> float:
    return UTC_S + asyncio.get_running_loop().time()


def ticks_us() -> int:
    """Of a boot that began 30 days before the virtual clock."""
    return round((30 * 86400 + asyncio.get_running_loop().time()) * 1e6)


def booted(*, log_id: int = 7, seed: int = 1) -> FakeLog:
    log = FakeLog(log_id=log_id, seed=seed)
    log.boot(ticks_us)
    return log


class Violation(AssertionError):
    """Something was acknowledged that no disk has."""


class Guard:
    """Looks into the store's file, as another process sees it, whenever the bracelet is told what is held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cursors = 0
        self.violations: list[str] = []

    def __call__(self, message: Message, _sequence: int) -> Iterable[Message] | None:
        if isinstance(message, Cursor):
            self.cursors += 1
            with Store(self._path, read_only=True) as store:
                lane = Lane(message.lane)
                has = store.lane(store.logs()[-1], lane)
                if message.held > has.held:
                    self.violations.append(f"{lane.name} held {message.held}: on the disk {has.held}")
        return None


async def bring(
    log: FakeLog, path: Path, line: Line = lambda bracelet: bracelet, *, everything: bool = False
) -> list[Record]:
    """One sync, looked after by the guard; what it yielded."""
    guard = Guard(path)
    came: list[Record] = []
    try:
        with Store(path, gateway=path.name) as store:
            async with vigie.connect(line(LogBracelet(log, guard))) as session:
                sync = session.sync(store, everything=everything, utc_s=utc_s)
                async with aclosing(sync):
                    async for record in sync:
                        came.append(record)  # noqa: PERF401 - what came before a failure counts
    finally:
        if guard.violations:
            raise Violation(guard.violations)
    return came


def stored(path: Path) -> dict[Lane, dict[int, Record]]:
    with Store(path, read_only=True) as store:
        return {
            lane: {each.number: each for log in store.logs() for each in store.records(log, lane)}
            for lane in Lane
        }


def raw(number: int) -> RawPpgRecord:
    return RawPpgRecord(
        first_sample=number,
        samples=9,
        channels=1,
        rate_hz=50,
        led_ua=6400,
        packed=bytes([number % 256]) * 180,
    )


def quarter(number: int) -> QuarterRecord:
    return QuarterRecord(bpm=60, minutes=0, rmssd=0, steps=number % 65536, activity=0, battery=50)


def happened(number: int) -> EventRecord:
    return EventRecord(code=EventCode.BUTTON, value=number)


def test_all_comes_home_and_is_acknowledged(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(3000)
        came = await bring(log, tmp_path / "a")
        assert len(came) == sum(log.next.values())
        assert stored(tmp_path / "a") == log.records
        assert log.held == log.next
        # The anchor is of the sync itself, and came with it.
        assert log.next[Lane.EVENT] == 2
        assert await bring(log, tmp_path / "a") == []

    virtual_clock.run(main())


def test_minutes_have_their_time_and_values(tmp_path: Path) -> None:
    async def main() -> None:
        log = FakeLog()
        log.boot(lambda: round(asyncio.get_running_loop().time() * 1e6))
        await asyncio.sleep(600)
        for number in range(10):
            bpm = 60 + number if number else 0
            log.append(Lane.MINUTE, minute(number, bpm=bpm), (number + 1) * 60_000_000)
        await bring(log, tmp_path / "a")
        with Store(tmp_path / "a") as store:
            table = store.minutes()
        off_s = (table["utc"].astype(np.int64) / 1e6) - (UTC_S + 60 * np.arange(1, 11))
        assert np.all(np.abs(off_s) <= table["uncertainty_s"])
        # Within ten minutes of its only anchor, at the worst rate that a clock may have.
        assert np.all(table["uncertainty_s"] < 0.1)
        assert np.isnan(table["bpm"][0])
        assert table["bpm"][1:].tolist() == list(range(61, 70))
        assert table["worn"].all()
        assert not table["off_wrist"].any()

    virtual_clock.run(main())


def test_the_urgent_comes_first(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(20_000)
        for number in range(30):
            log.append(Lane.RAW, raw(number))
            log.append(Lane.TREND, quarter(number))
            log.append(Lane.EVENT, happened(number))
        came = await bring(log, tmp_path / "a", lambda inner: BadLine(inner, bytes_per_s=UART_BYTES_PER_S))
        at = {(each.lane, each.number): place for place, each in enumerate(came)}
        assert max(at[Lane.EVENT, number] for number in range(32)) < 32
        today = [at[Lane.MINUTE, number] for number in range(20_000 - 1440, 20_000)]
        old = [at[Lane.MINUTE, number] for number in range(20_000 - 1440)]
        # All of today before three in four of the rest: the fair share of the oldest is one window in four.
        assert max(today) < np.quantile(old, 0.25)
        assert at[Lane.RAW, 0] < np.quantile(old, 0.5)

    virtual_clock.run(main())


@pytest.mark.parametrize(
    ("bytes_per_s", "latency_s"), [(UART_BYTES_PER_S, 0.002), (UART_BYTES_PER_S, 0.05), (100_000.0, 0.01)]
)
def test_a_sync_uses_most_of_what_the_link_carries(
    tmp_path: Path, bytes_per_s: float, latency_s: float
) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(30_000)
        for number in range(600):
            log.append(Lane.RAW, raw(number))
        line: BadLine | None = None

        def slow(inner: LogBracelet) -> BadLine:
            nonlocal line
            line = BadLine(inner, bytes_per_s=bytes_per_s, latency_s=latency_s)
            return line

        began_s = asyncio.get_running_loop().time()
        await bring(log, tmp_path / "a", slow)
        took_s = asyncio.get_running_loop().time() - began_s
        assert line is not None
        assert line.bytes_to_host / bytes_per_s >= 0.85 * took_s

    virtual_clock.run(main())


def test_a_day_of_minutes_and_events_comes_in_two_and_a_half_seconds_at_115200_baud(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        await bring(log, tmp_path / "a")
        log.minutes(1440)
        for number in range(96):
            log.append(Lane.TREND, quarter(number))
        for number in range(20):
            log.append(Lane.EVENT, happened(number))
        began_s = asyncio.get_running_loop().time()
        came = await bring(
            log, tmp_path / "a", lambda inner: BadLine(inner, bytes_per_s=UART_BYTES_PER_S, latency_s=0.002)
        )
        assert len(came) == 1440 + 96 + 20
        assert asyncio.get_running_loop().time() - began_s <= 2.5

    virtual_clock.run(main())


# What is lost on the way


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", [0.05, 0.4])
def test_frames_that_are_lost_are_fetched_again(tmp_path: Path, loss: float, seed: int) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(2000)
        for number in range(20):
            log.append(Lane.RAW, raw(number))
        tries = iter(range(100))

        def bad(inner: LogBracelet) -> BadLine:
            return BadLine(inner, loss=loss, seed=100 * seed + next(tries))

        for _ in range(3):
            with suppress(vigie.LinkError):
                await bring(log, tmp_path / "a", bad)
        assert stored(tmp_path / "a")[Lane.MINUTE] == log.records[Lane.MINUTE]
        assert stored(tmp_path / "a")[Lane.RAW] == log.records[Lane.RAW]
        with Store(tmp_path / "a") as store:
            # What was lost on the way is not taken for what is not there.
            assert store.lane(store.logs()[0], Lane.MINUTE).absent == ()

    virtual_clock.run(main())


def test_a_bracelet_that_falls_silent_ends_the_sync_in_time(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(5000)
        deaf = False

        def special(message: Message, _: int) -> Iterable[Message] | None:
            return [] if deaf else None

        with Store(tmp_path / "a") as store:
            async with vigie.connect(LogBracelet(log, special)) as session:
                sync = session.sync(store, utc_s=utc_s)
                await anext(sync)
                deaf, began_s = True, asyncio.get_running_loop().time()
                with pytest.raises(vigie.RequestTimeout):
                    async for _ in sync:
                        pass
                assert asyncio.get_running_loop().time() - began_s < 2 * PATIENCE_S

    virtual_clock.run(main())


@pytest.mark.parametrize("answer", ["no further", "other lane", "refused"])
def test_a_bracelet_that_answers_nonsense_ends_the_sync(tmp_path: Path, answer: str) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(50)

        def special(message: Message, sequence: int) -> Iterable[Message] | None:
            if not isinstance(message, Fetch) or message.lane != Lane.MINUTE:
                return None
            if answer == "refused":
                return [Error(request=sequence, code=ErrorCode.NO_LOG, text=b"no log")]
            if answer == "other lane":
                return list(log.answer(replaced(message, lane=Lane.EVENT, first=0), sequence) or ())
            return [Fetched(request=sequence, lane=message.lane, next=message.first, count=0)]

        with Store(tmp_path / "a") as store:
            async with vigie.connect(LogBracelet(log, special)) as session:
                with pytest.raises((vigie.RequestTimeout, vigie.RequestRefused)):
                    async for _ in session.sync(store, utc_s=utc_s):
                        pass
            assert store.lane(store.logs()[0], Lane.MINUTE).held == 0

    virtual_clock.run(main())


def test_a_firmware_without_a_log_is_a_typed_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        def special(message: Message, sequence: int) -> Iterable[Message] | None:
            if isinstance(message, LogRequest):
                return [Error(request=sequence, code=ErrorCode.NO_LOG, text=b"this board keeps no log")]
            return None

        with Store(tmp_path / "a") as store:
            async with vigie.connect(LogBracelet(booted(), special)) as session:
                with pytest.raises(vigie.RequestRefused, match="keeps no log"):
                    await anext(session.sync(store, utc_s=utc_s))

    virtual_clock.run(main())


# Interrupted anywhere


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(30, 12_000), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_a_link_cut_at_any_byte_costs_nothing(cuts: list[int], seed: int) -> None:
    async def main(folder: Path) -> None:
        log = booted(seed=seed)
        log.minutes(600)
        for number in range(20):
            log.append(Lane.RAW, raw(number))
        came: list[Record] = []
        for at, cut in enumerate(cuts):
            with suppress(vigie.LinkError):
                came += await bring(
                    log,
                    folder / "a",
                    lambda inner, cut=cut: BadLine(inner, cut_after=cut, bytes_per_s=50_000),
                )
            log.minutes(3)
            log.append(Lane.EVENT, happened(at))
        await bring(log, folder / "a")
        assert stored(folder / "a") == log.records
        assert log.held == log.next

    with quick_folder() as folder:
        virtual_clock.run(main(Path(folder)))


@settings(max_examples=25, deadline=None)
@given(
    life=st.lists(
        st.one_of(
            st.tuples(st.just("minutes"), st.integers(1, 400)),
            st.tuples(st.just("raw"), st.integers(1, 10)),
            st.tuples(st.just("boot"), st.just(0)),
            st.tuples(st.sampled_from(["sync a", "sync b"]), st.integers(100, 20_000)),
            st.tuples(st.sampled_from(["deliver a", "deliver b"]), st.just(0)),
            st.tuples(st.just("reclaim"), st.integers(1, 300)),
        ),
        max_size=20,
    ),
    loss=st.sampled_from([0.0, 0.0, 0.1]),
    seed=st.integers(0, 1000),
)
def test_two_gateways_and_a_full_log_and_the_ledger_balances(
    life: list[tuple[str, int]], loss: float, seed: int
) -> None:
    """Each record that ever was is with a gateway or the receiver, or the log told of its loss; none is there twice."""

    async def main(folder: Path) -> None:
        log = booted(seed=seed)
        ever: dict[Lane, dict[int, Record]] = {lane: {} for lane in Lane}
        came: dict[str, list[tuple[Lane, int]]] = {"a": [], "b": []}

        async def sync(gateway: str, cut: int | None) -> None:
            def line(inner: LogBracelet) -> BadLine:
                return BadLine(inner, cut_after=cut, loss=loss, seed=seed + len(came[gateway]))

            with suppress(vigie.LinkError):
                records = await bring(log, folder / gateway, line)
                came[gateway] += [(each.lane, each.number) for each in records]

        with StandInReceiver(folder / "receiver", utc_s=utc_s) as receiver:
            for what, much in life:
                verb, _, gateway = what.partition(" ")
                if verb == "minutes":
                    log.minutes(much)
                elif verb == "raw":
                    for _ in range(much):
                        log.append(Lane.RAW, raw(log.next[Lane.RAW]))
                elif verb == "boot":
                    log.boot(ticks_us)
                elif verb == "sync":
                    await sync(gateway, much)
                elif verb == "deliver":
                    with Store(folder / gateway) as store:
                        for receipt in receiver.take(store):
                            store.confirm(receipt)
                elif verb == "reclaim":
                    for lane in Lane:
                        ever[lane].update(log.records[lane])
                    lane = Lane.RAW if log.records[Lane.RAW] else Lane.MINUTE
                    log.drop(lane, log.oldest(lane), min(log.oldest(lane) + much, log.next[lane]))
                for lane in Lane:
                    ever[lane].update(log.records[lane])
            for gateway in "ab":
                for _ in range(10):
                    await sync(gateway, None)
                with Store(folder / gateway) as store:
                    receiver.take(store)
                assert len(set(came[gateway])) == len(came[gateway])
            for lane in Lane:
                ever[lane].update(log.records[lane])
            home = stored(folder / "receiver")
            dropped = [
                DroppedRecord.from_bytes(each.body)
                for each in home[Lane.EVENT].values()
                if each.kind == DroppedRecord.KIND
            ]
            for lane in Lane:
                gone = {
                    number
                    for each in dropped
                    if each.lane == lane
                    for number in range(each.first, each.first + each.count)
                }
                for number, record in ever[lane].items():
                    assert home[lane].get(number) == record or number in gone, (lane, number)

    with quick_folder() as folder:
        virtual_clock.run(main(Path(folder)))


def test_a_gateway_destroyed_before_delivery_costs_nothing_while_the_log_has_room(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(500)
        await bring(log, tmp_path / "destroyed")
        (tmp_path / "destroyed").unlink()
        log.minutes(10)
        came = await bring(log, tmp_path / "b")
        minutes = [each.number for each in came if each.lane is Lane.MINUTE]
        assert sorted(minutes) == list(range(510))
        # What nobody had comes first.
        assert sorted(minutes[:10]) == list(range(500, 510))

    virtual_clock.run(main())


def test_what_the_receiver_has_is_not_fetched_again_unless_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(300)
        await bring(log, tmp_path / "a")
        with StandInReceiver(tmp_path / "receiver", utc_s=utc_s) as receiver, Store(tmp_path / "a") as store:
            for receipt in receiver.take(store):
                store.confirm(receipt)
        await bring(log, tmp_path / "a")
        assert log.delivered[Lane.MINUTE] == 300
        log.minutes(5)
        came = await bring(log, tmp_path / "b")
        assert sum(each.lane is Lane.MINUTE for each in came) == 5
        with Store(tmp_path / "b") as store:
            assert store.lane(store.logs()[0], Lane.MINUTE).absent == ((0, 300, Absence.DELIVERED),)
        came = await bring(log, tmp_path / "b", everything=True)
        assert sum(each.lane is Lane.MINUTE for each in came) == 300
        with Store(tmp_path / "b") as store:
            assert store.lane(store.logs()[0], Lane.MINUTE).absent == ()

    virtual_clock.run(main())


def test_what_another_gateway_let_go_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(300)
        await bring(log, tmp_path / "a")
        log.minutes(100)
        log.drop(Lane.MINUTE, 0, 350)
        await bring(log, tmp_path / "b")
        with Store(tmp_path / "b") as store:
            has = store.lane(store.logs()[0], Lane.MINUTE)
        assert has.absent == ((0, 300, Absence.HELD), (300, 350, Absence.GONE))
        assert has.held == 400

    virtual_clock.run(main())


def test_another_log_on_the_same_bracelet_is_another_log(tmp_path: Path) -> None:
    async def main() -> None:
        one, two = booted(log_id=1), booted(log_id=2, seed=2)
        one.minutes(50)
        two.minutes(20)
        await bring(one, tmp_path / "a")
        await bring(two, tmp_path / "a")
        with Store(tmp_path / "a") as store:
            logs = store.logs()
            assert [log.log_id for log in logs] == [1, 2]
            assert [len(store.lane(log, Lane.MINUTE).here) for log in logs] == [50, 20]
            assert len(store.minutes()) == 70

    virtual_clock.run(main())


def test_a_log_begun_anew_in_the_middle_of_a_sync_is_not_filed_under_the_old_one(tmp_path: Path) -> None:
    async def main() -> None:
        old, new = booted(log_id=1), booted(log_id=2, seed=2)
        old.minutes(5000)
        new.minutes(5000)
        now = old

        def special(message: Message, sequence: int) -> Iterable[Message] | None:
            return now.answer(message, sequence)

        bracelet = LogBracelet(old, special)
        with Store(tmp_path / "a") as store:
            async with vigie.connect(BadLine(bracelet, bytes_per_s=50_000)) as session:
                sync = session.sync(store, utc_s=utc_s)
                await anext(sync)
                now = new
                bracelet.restart()
                with pytest.raises(vigie.LinkError, match="another log"):
                    async for _ in sync:
                        pass
            log = store.logs()[0]
            for record in store.records(log, Lane.MINUTE):
                assert record == old.records[Lane.MINUTE][record.number]

    virtual_clock.run(main())


@pytest.mark.parametrize("minutes", [3, 10, 20, 4000])
def test_numbers_that_are_given_twice_are_told_and_both_records_kept(tmp_path: Path, minutes: int) -> None:
    """The mistake: counters that begin anew with the boot."""

    async def main() -> None:
        log = booted()
        log.minutes(10)
        await bring(log, tmp_path / "a")
        forged = FakeLog(log_id=7, seed=9)
        forged.boot(ticks_us)
        forged.minutes(minutes, first_us=7_000_000_000)
        with pytest.raises((vigie.RecordConflict, vigie.NumbersWentBack)):
            await bring(forged, tmp_path / "a")
        assert forged.held[Lane.MINUTE] == 0
        with Store(tmp_path / "a") as store:
            kept = [*stored(tmp_path / "a")[Lane.MINUTE].values(), *store.conflicts(store.logs()[0])]
        for lost in (log, forged):
            assert {each.number for each in kept if each in lost.records[Lane.MINUTE].values()} == set(
                range(lost.next[Lane.MINUTE])
            )

    virtual_clock.run(main())


def test_nothing_is_acknowledged_before_one_record_was_compared(tmp_path: Path) -> None:
    """However long the sync takes: what a gateway holds under these numbers may be other records."""

    async def main() -> None:
        log = booted()
        for number in range(200):
            log.append(Lane.RAW, raw(number))
        await bring(log, tmp_path / "a")
        forged = FakeLog(log_id=7, seed=9)
        forged.boot(ticks_us)
        forged.minutes(3000)
        for number in range(400):
            forged.append(Lane.RAW, raw(number + 50_000))
        with pytest.raises(vigie.RecordConflict):
            await bring(forged, tmp_path / "a", lambda inner: BadLine(inner, bytes_per_s=3000))
        assert forged.held[Lane.RAW] == 0
        assert forged.held[Lane.MINUTE] == 3000

    virtual_clock.run(main())


def test_a_log_that_lost_its_newest_records_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(10)
        await bring(log, tmp_path / "a")
        for number in range(7, 10):
            del log.records[Lane.MINUTE][number]
        log.next[Lane.MINUTE] = 7
        with pytest.raises(vigie.NumbersWentBack) as caught:
            await bring(log, tmp_path / "a")
        assert (caught.value.lane, caught.value.following, caught.value.known) == (Lane.MINUTE, 7, 10)

    virtual_clock.run(main())


# Time


def test_the_bracelet_is_told_the_time_once_in_twelve_hours_and_in_each_boot(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()

        def anchors() -> int:
            return sum(each.kind == AnchorRecord.KIND for each in log.records[Lane.EVENT].values())

        for hours, boots, expected in ((0, 0, 1), (6, 0, 1), (7, 0, 2), (1, 1, 3), (13, 0, 4)):
            await asyncio.sleep(hours * 3600)
            if boots:
                log.boot(ticks_us)
            await bring(log, tmp_path / "a")
            assert anchors() == expected
        with Store(tmp_path / "a") as store:
            # The host keeps each of its own.
            assert len(store.anchors(store.logs()[0])) == 5

    virtual_clock.run(main())


def test_a_clock_that_is_set_in_the_middle_of_a_round_trip_is_not_trusted(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        trips = 0

        def special(message: Message, _: int) -> Iterable[Message] | None:
            nonlocal trips
            trips += isinstance(message, TimeRequest)
            return None

        def stepping_utc_s() -> float:
            return utc_s() + (3600 if trips else 0)

        with Store(tmp_path / "a") as store:
            async with vigie.connect(BadLine(LogBracelet(log, special), latency_s=0.05)) as session:
                async for _ in session.sync(store, utc_s=stepping_utc_s):
                    pass
            (anchor,) = store.anchors(store.logs()[0])
        assert abs(anchor.utc_us / 1e6 - 3600 - UTC_S) < 10
        assert anchor.uncertainty_us < 100_000

    virtual_clock.run(main())


def test_a_bracelet_that_starts_anew_before_it_is_told_the_time_is_synced_all_the_same(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(10)

        def special(message: Message, sequence: int) -> Iterable[Message] | None:
            if isinstance(message, SetAnchor):
                return [Error(request=sequence, code=ErrorCode.OTHER_BOOT, text=b"")]
            return None

        with Store(tmp_path / "a") as store:
            async with vigie.connect(LogBracelet(log, special)) as session:
                came = [record async for record in session.sync(store, utc_s=utc_s)]
        assert len(came) == 11

    virtual_clock.run(main())


# The classic mistakes: each must be seen by the tests above


class AcknowledgesFirst(Sync):
    """Tells the bracelet that it holds what it has not committed."""

    async def _bring_home(self, fetch: PendingFetch) -> list[Record]:
        assert self.log is not None
        await fetch.wait(1.0)
        past = self._lanes[fetch.lane].known.prefix()
        with suppress(vigie.LinkError):
            await self._ask(Cursor(lane=fetch.lane, held=past, delivered=0), Done)
        return list(await super()._bring_home(fetch))


def test_acknowledging_before_the_commit_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigie.bracelet.Sync", AcknowledgesFirst)
    with pytest.raises(Violation):
        test_all_comes_home_and_is_acknowledged(tmp_path)


def test_taking_what_is_lost_for_what_is_not_there_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(fetch: PendingFetch) -> bool:
        return isinstance(fetch.answer, Fetched)

    monkeypatch.setattr("vigie.fetch.PendingFetch.whole", property(whole))
    with pytest.raises(AssertionError):
        test_frames_that_are_lost_are_fetched_again(tmp_path, 0.4, 0)
