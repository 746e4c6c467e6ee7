"""Every second is data or a gap with its reason, and they add up: against a life that is known."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fake_bracelet import FakeLog, LogBracelet, minute, quick_folder
from hypothesis import given, settings
from hypothesis import strategies as st

import vigie
from vigie.completeness import Completeness, completeness_of_all, gaps
from vigie.store import Store
from vigie_protocol.enums import EventCode, GapReason, Lane, MinuteState, Stream
from vigie_protocol.messages import DroppedRecord, EventRecord, GapRecord, QuarterRecord
from vigie_rig import virtual_clock

UTC_S = 1_800_057_600.0
"""A midnight."""
BOTH = Stream.PPG | Stream.ACCELEROMETER


def now_s() -> float:
    return asyncio.get_running_loop().time()


class Life:
    """A bracelet on the virtual clock that writes what it should."""

    def __init__(self, folder: Path) -> None:
        self.log = FakeLog()
        self.path = folder / "store"
        self.boot()

    def boot(self) -> None:
        began_s = now_s()
        self.log.boot(lambda: round((now_s() - began_s) * 1e6))

    async def wear(self, minutes: int, *, state: int = MinuteState.WORN) -> None:
        for _ in range(minutes):
            await asyncio.sleep(60)
            self.log.append(Lane.MINUTE, minute(0, state=state))

    async def gap(self, reason: GapReason, seconds: float, streams: Stream = BOTH) -> None:
        await asyncio.sleep(seconds)
        self.told(reason, seconds, streams)

    def told(self, reason: GapReason, seconds: float, streams: Stream = BOTH) -> None:
        self.log.append(
            Lane.EVENT, GapRecord(reason=reason, streams=streams, centiseconds=round(seconds * 100))
        )

    async def sync(self, path: Path | None = None) -> None:
        with Store(path or self.path) as store:
            async with vigie.connect(LogBracelet(self.log)) as session:
                async for _ in session.sync(store, utc_s=lambda: UTC_S + now_s()):
                    pass

    def books(self, path: Path | None = None) -> Completeness:
        with Store(path or self.path, read_only=True) as store:
            return completeness_of_all(store)


def reasons(books: Completeness) -> dict[GapReason, int]:
    return {why: seconds for why, seconds in books.gaps_s.items() if seconds}


def test_a_day_of_wear_is_all_data(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(3 * 1440)
        await life.sync()
        with Store(life.path) as store:
            books = store.completeness("2027-01-17")
            assert books.begin == np.datetime64("2027-01-17T00:00:00")
            assert (books.seconds, books.data_s, books.percent) == (86_400, 86_400, 100.0)
            assert books.gaps_s == {GapReason.UNEXPLAINED: 0}
            assert len(store.gaps()) == 0
            # Before the first and after the last record there is nothing to tell.
            assert store.completeness("2027-01-01").seconds == 0

    virtual_clock.run(main())


def test_each_reason_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.sync()
        await life.wear(60)
        await life.wear(30, state=MinuteState.OFF_WRIST)
        await life.gap(GapReason.LIVE, 600)
        await life.wear(10)
        await life.gap(GapReason.SENSOR_FAULT, 120)
        await life.wear(5)
        # Half a minute of a running minute is lost with the power.
        await asyncio.sleep(30)
        await asyncio.sleep(1800)
        life.boot()
        await life.wear(20)
        # And here nothing is told.
        await asyncio.sleep(300)
        await life.wear(5)
        await life.sync()
        books = life.books()
        assert reasons(books) == {
            GapReason.OFF_WRIST: 1800,
            GapReason.LIVE: 600,
            GapReason.SENSOR_FAULT: 120,
            GapReason.POWER_OFF: 1830,
            GapReason.UNEXPLAINED: 300,
        }
        assert books.data_s == 100 * 60
        assert books.seconds == now_s()
        with Store(life.path) as store:
            table = store.gaps()
        assert table["why"].tolist() == ["off_wrist", "live", "sensor_fault", "power_off", "unexplained"]
        assert table["seconds"].sum() == sum(books.gaps_s.values())
        assert table["begin"][0] == np.datetime64("2027-01-16T01:00:00")

    virtual_clock.run(main())


def test_a_gap_of_one_stream_is_a_gap_of_that_stream(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(10)
        life.told(GapReason.SENSOR_FAULT, 120, Stream.PPG)
        life.told(GapReason.OVERFLOW, 60, Stream.ACCELEROMETER)
        await life.sync()
        with Store(life.path) as store:
            assert completeness_of_all(store, streams=Stream.PPG).gaps_s[GapReason.SENSOR_FAULT] == 120
            assert completeness_of_all(store, streams=Stream.ACCELEROMETER).gaps_s[GapReason.OVERFLOW] == 60
            # Both were missing for a minute alone.
            assert sum(completeness_of_all(store).gaps_s.values()) == 60

    virtual_clock.run(main())


def test_minutes_that_made_room_are_coarse_where_there_is_the_quarter_and_told_where_there_is_not(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        for number in range(8):
            await life.wear(15)
            if number >= 4:
                life.log.append(
                    Lane.TREND,
                    QuarterRecord(bpm=60, minutes=255, rmssd=0, steps=0, activity=0, battery=9),
                )
        life.log.drop(Lane.MINUTE, 0, 90)
        await life.sync()
        books = life.books()
        assert reasons(books) == {GapReason.LOG_FULL: 3600}
        assert (books.data_s, books.coarse_s) == (3600, 1800)

    virtual_clock.run(main())


def test_what_another_gateway_took_and_what_is_not_home_yet_are_no_riddles(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(60)
        await life.sync(tmp_path / "other")
        for number in range(30):
            del life.log.records[Lane.MINUTE][number]
        await life.wear(60)
        await life.sync()
        books = life.books()
        assert (books.elsewhere_s, books.data_s) == (1800, 5400)
        assert reasons(books) == {}
        await life.wear(60)
        with Store(life.path) as store:
            async with vigie.connect(LogBracelet(life.log)) as session:
                # The events alone: the minutes stay where they are.
                async for _ in session.sync(
                    store, only={Lane.EVENT: (0, 1 << 32)}, utc_s=lambda: UTC_S + now_s()
                ):
                    pass
                status = life.log.next[Lane.MINUTE]
                store.note_lanes(store.logs()[0], [(Lane.MINUTE, status, 0)])
        # An anchor is due once in 12 hours: the last record is of the last sync but one.
        await asyncio.sleep(13 * 3600)
        with Store(life.path) as store:
            async with vigie.connect(LogBracelet(life.log)) as session:
                async for _ in session.sync(
                    store, only={Lane.EVENT: (0, 1 << 32)}, utc_s=lambda: UTC_S + now_s()
                ):
                    pass
        books = life.books()
        assert books.pending_s == 3600
        assert reasons(books) == {GapReason.UNEXPLAINED: 13 * 3600}

    virtual_clock.run(main())


def test_the_minute_that_is_running_is_no_gap(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(10)
        await asyncio.sleep(40)
        await life.sync()
        books = life.books()
        assert (books.data_s, books.pending_s, reasons(books)) == (600, 40, {})

    virtual_clock.run(main())


def test_a_boot_that_nobody_knows_the_time_of_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(10)
        await life.sync()
        await asyncio.sleep(3600)
        life.boot()
        await life.wear(5)
        await asyncio.sleep(7200)
        life.boot()
        await life.wear(10)
        await life.sync()
        books = life.books()
        # Ten minutes, two hours and an hour without power, and five minutes of wear somewhere in between.
        assert reasons(books) == {GapReason.CLOCK_UNKNOWN: 3600 + 300 + 7200}
        assert books.data_s == 1200

    virtual_clock.run(main())


def test_boots_before_the_first_that_was_ever_told_the_time_are_counted(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(10)
        await asyncio.sleep(5000)
        life.boot()
        await life.wear(5)
        await life.sync()
        books = life.books()
        assert reasons(books) == {GapReason.CLOCK_UNKNOWN: 600}
        assert books.data_s == 300

    virtual_clock.run(main())


def test_a_boot_without_an_anchor_that_fits_in_tightly_is_repaired(tmp_path: Path) -> None:
    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(10)
        await life.sync()
        for _ in range(2):
            await asyncio.sleep(20)
            life.boot()
            await life.wear(10)
        await life.sync()
        books = life.books()
        assert books.data_s == 1800
        assert reasons(books) == {GapReason.POWER_OFF: 40}

    virtual_clock.run(main())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("wear"), st.integers(1, 90)),
            st.tuples(st.just("off"), st.integers(1, 90)),
            st.tuples(st.just("silent"), st.integers(1, 5000)),
            st.tuples(
                st.sampled_from([GapReason.LIVE, GapReason.PLAN, GapReason.SENSOR_FAULT]),
                st.integers(1, 5000),
            ),
            st.tuples(st.just("power"), st.integers(1, 5000)),
            st.tuples(st.just("drop"), st.integers(1, 50)),
            st.tuples(st.just("sync"), st.just(0)),
        ),
        max_size=15,
    )
)
def test_whatever_happens_the_seconds_add_up(steps: list[tuple[str | GapReason, int]]) -> None:
    async def main(folder: Path) -> None:
        life = Life(folder)
        await life.sync()
        data_s = 0
        dropped = 0
        for what, much in steps:
            if what == "wear":
                await life.wear(much)
                data_s += 60 * much
            elif what == "off":
                await life.wear(much, state=MinuteState.OFF_WRIST)
            elif isinstance(what, GapReason):
                await life.gap(what, much)
            elif what == "silent":
                await asyncio.sleep(much)
            elif what == "power":
                await asyncio.sleep(much)
                life.boot()
                await life.sync()
            elif what == "drop":
                oldest = life.log.oldest(Lane.MINUTE)
                past = min(oldest + much, life.log.next[Lane.MINUTE])
                dropped += past - oldest
                life.log.drop(Lane.MINUTE, oldest, past)
            else:
                await life.sync()
        life.log.append(Lane.EVENT, EventRecord(code=EventCode.BUTTON, value=0))
        await life.sync()
        with Store(life.path, read_only=True) as store:
            books = completeness_of_all(store)
            table = gaps(store)
        length_s = int((books.end - books.begin).astype(int))
        assert books.seconds == length_s
        assert abs(length_s - now_s()) <= 2
        assert table["seconds"].sum() + books.data_s == length_s
        assert data_s - 60 * dropped - len(steps) <= books.data_s <= data_s + 4 * len(steps)

    with quick_folder() as folder:
        virtual_clock.run(main(Path(folder)))


def test_a_drop_of_which_no_number_is_known_to_the_minutes_is_told_too(tmp_path: Path) -> None:
    """A sector that could not be read: its numbers are told by the bracelet alone."""

    async def main() -> None:
        life = Life(tmp_path)
        await life.wear(60)
        for number in range(20, 30):
            del life.log.records[Lane.MINUTE][number]
        life.log.append(
            Lane.EVENT, DroppedRecord(lane=Lane.MINUTE, first=20, count=10, reason=GapReason.DAMAGED)
        )
        await life.sync()
        assert reasons(life.books()) == {GapReason.DAMAGED: 600}

    virtual_clock.run(main())


def test_books_that_do_not_add_up_would_be_seen() -> None:
    books = Completeness(
        np.datetime64("2027-01-01T00:00:00"),
        np.datetime64("2027-01-01T00:00:10"),
        4,
        0,
        {GapReason.UNEXPLAINED: 3},
        2,
        1,
    )
    assert books.seconds == 10
    assert books.percent == pytest.approx(40.0)
    assert np.isnan(dataclasses.replace(books, data_s=0, gaps_s={}, elsewhere_s=0, pending_s=0).percent)
