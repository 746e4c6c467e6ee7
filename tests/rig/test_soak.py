"""Weeks of wear: nothing is lost, nothing is unexplained, and the same seed lives the same life."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from vigie.plans import CONTINUOUS
from vigie_rig.boards import require
from vigie_rig.errors import BoardMissing
from vigie_rig.links import LINKS
from vigie_rig.soak import Ledger, Soak, run_soak
from vigie_rig.soak_command import repeat_command


@pytest.fixture(autouse=True)
def _board() -> None:
    try:
        require("unix")
    except BoardMissing as missing:
        pytest.skip(str(missing))


def live(folder: Path, soak: Soak) -> Ledger:
    folder.mkdir()
    return run_soak(soak, folder / "store.sqlite", files=folder / "board")


HOURS = Soak(days=0.1, link="flapping", seed=5, resets=60, power_cuts=60)


def test_hours_with_resets_and_power_cuts_balance_and_repeat(tmp_path: Path) -> None:
    first, again = live(tmp_path / "first", HOURS), live(tmp_path / "again", HOURS)
    assert first.balances, first
    assert first.boots >= 2
    assert first.records["minute"] >= 0.08 * 1440
    assert first.records_home == sum(first.records.values())
    assert first.transcript_sha256 == again.transcript_sha256


def test_a_ledger_that_lost_something_does_not_balance(tmp_path: Path) -> None:
    ledger = live(tmp_path / "life", dataclasses.replace(HOURS, days=0.01, link="perfect"))
    assert ledger.balances
    for changes in ({"records_lost": 1}, {"records_duplicated": 1}, {"unexplained_seconds": 1.0}):
        assert not dataclasses.replace(ledger, **changes).balances  # type: ignore[arg-type]


def test_the_command_that_is_printed_says_all_that_matters() -> None:
    soak = Soak(
        days=1.23456789, link="usb", seed=9, resets=1, power_cuts=3, worst_flash=True, flash_bytes=1 << 20
    )
    assert repeat_command(soak, "my plan.toml") == (
        "vigie soak --days 1.23456789 --link usb --seed 9 --board unix --plan 'my plan.toml' "
        "--resets 1 --power-cuts 3 --flash-kb 1024 --worst-flash"
    )


@pytest.mark.soak
@pytest.mark.parametrize("link", LINKS)
def test_three_days_over_every_link_balance(tmp_path: Path, link: str) -> None:
    assert live(tmp_path / "life", Soak(days=3, link=link, seed=2, resets=20, power_cuts=10)).balances


@pytest.mark.soak
@pytest.mark.parametrize("worst_flash", [False, True], ids=["typical flash", "worst flash"])
def test_a_month_balances(tmp_path: Path, worst_flash: bool) -> None:
    ledger = live(tmp_path / "life", Soak(days=30, link="village", seed=7, worst_flash=worst_flash))
    assert ledger.balances
    assert ledger.heap_most_bytes <= 0.76 * ledger.heap_bytes
    assert ledger.heap_live_bytes[1] <= ledger.heap_live_bytes[0] + 1024
    if not worst_flash:
        assert ledger.ppg_samples_lost == ledger.acc_samples_lost == 0


@pytest.mark.soak
def test_a_week_of_all_samples_raw_balances(tmp_path: Path) -> None:
    assert live(tmp_path / "life", Soak(days=7, link="usb", seed=3, plan=CONTINUOUS)).balances
