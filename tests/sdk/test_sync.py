"""A sync brings home all there is, acknowledges only what is committed, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fake_bracelet import FakeLog, LogBracelet, minute

import vigie
from vigie.store import Store
from vigie_protocol.enums import Lane
from vigie_rig import virtual_clock

UTC_S = 1.8e9
"""What UTC it is at the virtual clock's beginning."""


def utc_s() -> float:
    return UTC_S + asyncio.get_running_loop().time()


def booted(*, log_id: int = 7, seed: int = 1) -> FakeLog:
    """A log in its first boot, 30 days after it began."""
    log = FakeLog(log_id=log_id, seed=seed)
    log.boot(lambda: round((30 * 86400 + asyncio.get_running_loop().time()) * 1e6))
    return log


async def bring(
    log: FakeLog, store: Store, line: Callable[[LogBracelet], vigie.Transport] | None = None
) -> list[vigie.Record]:
    bracelet = LogBracelet(log)
    transport: vigie.Transport = bracelet if line is None else line(bracelet)
    async with vigie.connect(transport) as session:
        return [record async for record in session.sync(store, utc_s=utc_s)]


def all_of(store: Store) -> dict[Lane, dict[int, vigie.Record]]:
    log = store.logs()[0]
    return {lane: {each.number: each for each in store.records(log, lane)} for lane in Lane}


def test_all_comes_home_and_is_acknowledged(tmp_path: Path) -> None:
    async def main() -> None:
        log = booted()
        log.minutes(3000)
        with Store(tmp_path / "store") as store:
            came = await bring(log, store)
            assert len(came) == sum(log.next.values())
            assert all_of(store) == log.records
            assert log.held == log.next
            # The anchor is of the sync itself, and came with it.
            assert log.next[Lane.EVENT] == 2
            assert await bring(log, store) == []

    virtual_clock.run(main())


def test_minutes_have_their_time_and_values(tmp_path: Path) -> None:
    async def main() -> None:
        log = FakeLog()
        log.boot(lambda: round(asyncio.get_running_loop().time() * 1e6))
        await asyncio.sleep(600)
        for number in range(10):
            log.append(
                Lane.MINUTE, minute(number, bpm=60 + number if number else 0), (number + 1) * 60_000_000
            )
        with Store(tmp_path / "store") as store:
            await bring(log, store)
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
