"""The real firmware on the virtual board: hours of its life come home, each second of them is accounted for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

import vigie
from vigie.completeness import completeness_of_all
from vigie.firmware import load_bundle
from vigie.log_report import read_report
from vigie.micropython import MicroPythonMissing, find
from vigie.plans import STANDARD
from vigie.raw_window import bring_window
from vigie.store import Store
from vigie.tables import timeline
from vigie_protocol.enums import GapReason, Lane, Stream
from vigie_protocol.messages import Plan
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.flash import NorFlash
from vigie_rig.sensors import bracelet_sensors
from vigie_rig.wrist import calm_hour

UTC_S = 1_800_057_600.0


def utc_s() -> float:
    return UTC_S + asyncio.get_running_loop().time()


def living(folder: Path, scene: Callable[[UnixBoard, Store], Awaitable[None]]) -> None:
    """A board that follows the standard plan, and a store."""
    try:
        micropython = find(None)
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    for path, content in load_bundle().files.items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_bytes(content)
    board = UnixBoard(
        micropython,
        folder / "files",
        sensors=bracelet_sensors(calm_hour(1), seed=1),
        flash=NorFlash(5 << 20),
    )

    async def main() -> None:
        async with board:
            async with vigie.connect(board.link()) as bracelet:
                await bracelet.demand(STANDARD, Plan)
            with Store(folder / "store") as store:
                await scene(board, store)
            assert board.fault is None

    virtual_clock.run(main())


async def bring(board: UnixBoard, store: Store) -> list[vigie.Record]:
    async with vigie.connect(board.link()) as bracelet:
        return [record async for record in bracelet.sync(store, utc_s=utc_s)]


def test_resets_and_power_cuts_and_streams_are_all_explained(tmp_path: Path) -> None:
    async def scene(board: UnixBoard, store: Store) -> None:
        began_s = asyncio.get_running_loop().time()
        await bring(board, store)
        await asyncio.sleep(1800)
        board.reset()
        await asyncio.sleep(700)
        await bring(board, store)
        board.power_cut(300)
        await asyncio.sleep(1300)
        await bring(board, store)
        async with vigie.connect(board.link()) as bracelet:
            async for block in bracelet.stream():
                if block.first_sample > 5000:
                    break
        await asyncio.sleep(600)
        await bring(board, store)
        books = completeness_of_all(store)
        assert books.gaps_s[GapReason.UNEXPLAINED] == 0
        assert 300 <= books.gaps_s[GapReason.POWER_OFF] < 300 + 60 + 2 * 60
        assert 50 < books.gaps_s[GapReason.LIVE] < 150
        assert abs(books.seconds - (asyncio.get_running_loop().time() - began_s)) < 120
        assert books.percent > 80
        assert [clock.known_by for clock in timeline(store).clocks] == ["anchors"] * 3
        async with vigie.connect(board.link()) as bracelet:
            report = await read_report(bracelet, utc_s=utc_s)
        assert len(report.boots) == 3
        assert report.anchor_age_s is not None
        assert 0 <= report.anchor_age_s < 7200
        assert report.lanes[Lane.MINUTE].held == report.lanes[Lane.MINUTE].next

    living(tmp_path, scene)


def test_a_link_that_is_cut_again_and_again_loses_nothing(tmp_path: Path) -> None:
    async def scene(board: UnixBoard, store: Store) -> None:
        dice = random.Random(3)
        await asyncio.sleep(3600)
        loop = asyncio.get_running_loop()
        cut = 0
        came: list[tuple[Lane, int]] = []
        for _ in range(20):
            pull = loop.call_later(dice.uniform(0.004, 0.04), board.line.unplug)
            try:
                async with vigie.connect(board.link()) as bracelet:
                    async for record in bracelet.sync(store, utc_s=utc_s):
                        came.append((record.lane, record.number))  # noqa: PERF401 - also what came before a cut
            except vigie.LinkError:
                cut += 1
            pull.cancel()
            board.line.plug()
            await asyncio.sleep(61)
        came += [(record.lane, record.number) for record in await bring(board, store)]
        assert cut > 3
        assert len(came) == len(set(came))
        log = store.logs()[0]
        async with vigie.connect(board.link()) as bracelet:
            report = await read_report(bracelet, utc_s=utc_s)
        for lane in Lane:
            has = store.lane(log, lane)
            assert (has.absent, has.held) == ((), report.lanes[lane].held)
            assert len(has.here) == has.held
        assert completeness_of_all(store).gaps_s == {GapReason.UNEXPLAINED: 0}

    living(tmp_path, scene)


def test_a_raw_window_on_demand_has_every_sample_and_its_time(tmp_path: Path) -> None:
    async def scene(board: UnixBoard, store: Store) -> None:
        await asyncio.sleep(100)
        async with vigie.connect(board.link()) as bracelet:
            now_s = utc_s()
            assert await bring_window(bracelet, store, now_s, now_s + 30, utc_s=utc_s) > 10
            # Once more, now out of the log.
            with Store(tmp_path / "other") as other:
                assert await bring_window(bracelet, other, now_s, now_s + 30, utc_s=utc_s) > 10
                assert len(other.samples(Stream.PPG)) == len(store.samples(Stream.PPG))
        for stream, rate_hz in ((Stream.PPG, 50), (Stream.ACCELEROMETER, 26)):
            windows = store.samples(stream)
            begin_s, end_s = (utc.astype(np.int64) / 1e6 for utc in (windows[0].utc[0], windows[-1].utc[-1]))
            # What was in the sensor's FIFO just then comes too.
            assert abs(begin_s - now_s) < 5
            assert abs(end_s - now_s - 30) < 4
            # What is lost as the sensors are set up is counted by the numbers.
            came = sum(len(window.counts) for window in windows)
            assert 0.9 < came / (end_s - begin_s) / rate_hz < 1.05
            assert max(window.uncertainty_s for window in windows) < 0.2

    living(tmp_path, scene)
