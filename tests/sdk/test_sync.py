"""A sync brings home all there is, acknowledges only what is committed, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from fake_bracelet import FakeLog, LogBracelet

import vigie
from vigie.store import Store
from vigie_protocol.enums import Lane
from vigie_rig import virtual_clock

UTC_S = 1.8e9
"""What UTC it is at the virtual clock's beginning."""


def utc_s() -> float:
    return UTC_S + asyncio.get_running_loop().time()


def booted(**values: int) -> FakeLog:
    """A log in its first boot, 30 days after it began."""
    log = FakeLog(**values)
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
