"""Whatever happens in whatever order: no record is lost, none is there in two versions, and what is dropped is named.

A failure prints the steps, shrunk, and the command that repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, reproduce_failure, settings
from hypothesis.stateful import run_state_machine_as_test
from life import Life, RoomyLife
from memory_bracelet import FirmwareParts, mutated

import vigie.sync

LIVES = {life.__name__: life for life in (Life, RoomyLife)}
SHORT = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
)
LONG = settings(SHORT, max_examples=1100, stateful_step_count=50)


def live(life: type[Life], parts: FirmwareParts, how: settings, repeat: str | None = None) -> None:
    """Lead many lives, or one again."""
    machine = type(life.__name__, (life,), {"parts": parts})
    if repeat is not None:
        reproduce_failure(version("hypothesis"), repeat.encode())(machine)
    try:
        run_state_machine_as_test(machine, settings=how)
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        told = re.search(r"@reproduce_failure\('.+?', b'(.+?)'\)", notes)
        if told is not None:
            error.add_note(
                f"Repeat it: python -m pytest tests/log/test_life.py -k again --repeat={life.__name__}:{told[1]}"
            )
        raise


@pytest.fixture(scope="module")
def parts(on_cpython: Callable[[str], Any]) -> FirmwareParts:
    return FirmwareParts(on_cpython)


@pytest.mark.parametrize("life", LIVES)
def test_the_ledger_balances(parts: FirmwareParts, life: str) -> None:
    live(LIVES[life], parts, SHORT)


@pytest.mark.soak
@pytest.mark.parametrize("life", LIVES)
def test_the_ledger_balances_for_50000_steps(parts: FirmwareParts, life: str) -> None:
    live(LIVES[life], parts, LONG)


def test_again(parts: FirmwareParts, request: pytest.FixtureRequest) -> None:
    """What a failure said."""
    repeat: str | None = request.config.getoption("--repeat", None)
    if repeat is None:
        pytest.skip("without --repeat there is nothing to repeat")
    life, _, blob = repeat.partition(":")
    live(LIVES[life], parts, SHORT, blob)


# Mistakes: each must be found

FOUND_BY = settings(
    SHORT,
    max_examples=1000,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
MISTAKES = {
    "counter reset on boot": (
        "log",
        "self.next[lane] = max(self.next[lane], walk.next)",
        "self.next[lane] = 0",
    ),
    "what goes is not told": ("log", "            if end > first:\n", "            if False:\n"),
    "cursor taken for the last number": (
        "log",
        "first = max(self._firsts[sector], self.delivered[lane])",
        "first = max(self._firsts[sector], self.delivered[lane] + 1)",
    ),
    "written over a CRC that ends in 0xFF": (
        "log_walk",
        "return max(self._limit, self._next_at)",
        "return self._limit",
    ),
    "time base not written after a boot": ("log", "        self._stale[lane] = 1\n", ""),
    "a lane's newest sector erased": (
        "log",
        "if sector < 0 or self._following(lane, self._firsts[sector], sector) < 0:",
        "if sector == self._open[lane]:",
    ),
    "a sector that is not blank taken for ready": (
        "log",
        "        self._flash.erase(sector * self.sector_bytes)\n",
        "",
    ),
}
RARE = (
    "a lane's newest sector erased",
    "written over a CRC that ends in 0xFF",
)
"""Found within hundreds of lives: in the soak."""


@pytest.mark.parametrize(
    "mistake",
    [pytest.param(each, marks=pytest.mark.soak) if each in RARE else each for each in MISTAKES],
)
def test_a_mistake_in_the_log_is_found(on_cpython: Callable[[str], Any], mistake: str) -> None:
    with pytest.raises(AssertionError):
        live(Life, FirmwareParts(on_cpython, MISTAKES[mistake]), FOUND_BY)


COMMIT = "        new = self._commit(fetch.lane, list(fetch.records.values()), absent)\n"
MISTAKES_OF_THE_SYNC = {
    "acknowledged before the commit": (
        COMMIT,
        """
        here = Ranges(self._store.lane(self.log, fetch.lane).here)
        for number in fetch.records:
            here.add(number, number + 1)
        await self._ask(Cursor(lane=fetch.lane, held=here.prefix(), delivered=0), Done)
"""
        + COMMIT,
    ),
    "acknowledged one too many": (
        "await self._ask(Cursor(lane=lane, held=here.held, delivered=here.delivered), Done)",
        "await self._ask(Cursor(lane=lane, held=here.held + 1, delivered=here.delivered + 1), Done)",
    ),
    "yielded before the commit": (
        COMMIT,
        "        new = list(fetch.records.values())\n",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES_OF_THE_SYNC)
def test_a_mistake_in_the_sync_is_found(
    parts: FirmwareParts, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    monkeypatch.setattr("vigie.bracelet.Sync", mutated(vigie.sync, *MISTAKES_OF_THE_SYNC[mistake])["Sync"])
    with pytest.raises(AssertionError):
        live(Life, parts, FOUND_BY)


def test_a_failure_prints_the_command_that_repeats_it(on_cpython: Callable[[str], Any]) -> None:
    wrong = FirmwareParts(on_cpython, MISTAKES["time base not written after a boot"])
    with pytest.raises(AssertionError) as failure:
        live(Life, wrong, settings(SHORT, derandomize=True, database=None))
    notes = "\n".join(failure.value.__notes__)
    command = re.search(r"--repeat=Life:(\S+)", notes)
    assert command is not None
    with pytest.raises(AssertionError) as again:
        live(Life, wrong, SHORT, command[1])
    assert str(again.value) == str(failure.value)
    # Shrunk: a boot, a reset, and no more.
    assert notes.count("state.reset()") == 1
    assert "state.sync" not in notes
