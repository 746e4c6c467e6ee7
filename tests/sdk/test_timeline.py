"""UTC of ticks against a simulated truth: a crystal that wanders with temperature, hosts whose clocks are wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vigie.store import Anchor
from vigie.timeline import Boot, Timeline

DAY_S = 86400.0
BEGAN_US = 1_800_000_000_000_000


@dataclass
class Truth:
    """A boot of some days: its true UTC at any tick."""

    boot_id: int
    days: float
    ppm: float
    seed: int
    began_us: float = BEGAN_US

    def __post_init__(self) -> None:
        dice = np.random.default_rng(self.seed)
        at_s = np.arange(0, self.days * DAY_S + 600, 300.0)
        # 20 to 33 °C: a day's swing, a week's, and whether the bracelet is worn.
        warm = (
            26.5
            + dice.uniform(0, 4) * np.sin(2 * np.pi * (at_s / DAY_S + dice.uniform()))
            + dice.uniform(0, 2.5) * np.sin(2 * np.pi * (at_s / DAY_S / 7 + dice.uniform()))
            + np.where(np.sin(2 * np.pi * (at_s / DAY_S + dice.uniform())) > 0.7, -3.0, 0.0)
        )
        rate = 1 + (self.ppm - 0.034 * (np.clip(warm, 20, 33) - 25) ** 2) * 1e-6
        self._ticks_us = np.concatenate([[0.0], np.cumsum(rate * 300e6)])
        self._passed_us = np.arange(len(self._ticks_us)) * 300e6

    @property
    def last_us(self) -> int:
        return int(np.interp(self.days * DAY_S * 1e6, self._passed_us, self._ticks_us))

    def utc_us(self, ticks_us: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.began_us + np.interp(ticks_us, self._ticks_us, self._passed_us)

    @property
    def boot(self) -> Boot:
        return Boot(self.boot_id, 0, self.last_us)

    def anchors(
        self, every_s: float, wrong_ms: float, *, first_s: float = 3600.0, last_s: float | None = None
    ) -> list[Anchor]:
        dice = np.random.default_rng(self.seed + 1)
        last_s = self.days * DAY_S if last_s is None else last_s
        found: list[Anchor] = []
        for at_s in np.arange(first_s, last_s, every_s):
            ticks_us = int(np.interp(at_s * 1e6, self._passed_us, self._ticks_us))
            unsure_us = round(dice.uniform(0.2, 1.0) * wrong_ms * 1000)
            off_us = dice.uniform(-unsure_us, unsure_us)
            found.append(
                Anchor(
                    self.boot_id, ticks_us, round(self.began_us + at_s * 1e6 + off_us), unsure_us, told=True
                )
            )
        return found

    def ticks(self, count: int) -> NDArray[np.int64]:
        """Some ticks, cut off to 10 ms as records have them."""
        dice = np.random.default_rng(self.seed + 2)
        return np.sort(dice.integers(0, self.last_us, count)) // 10_000 * 10_000


def errors_s(
    timeline: Timeline, truth: Truth, ticks_us: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far off, and how far off it says it may be. The record is somewhere within its 10 ms."""
    dice = np.random.default_rng(truth.seed + 3)
    exact_us = ticks_us + dice.integers(0, 10_000, len(ticks_us))
    utc, unsure_s = timeline.utc(np.full(len(ticks_us), truth.boot_id, np.uint32), ticks_us)
    return np.abs(utc.astype(np.int64) - truth.utc_us(exact_us)) / 1e6, unsure_s


@pytest.mark.parametrize("seed", range(10))
def test_with_daily_anchors_times_are_within_50_ms_and_within_what_they_say(seed: int) -> None:
    truth = Truth(1, 30, np.random.default_rng(seed).uniform(-100, 100), seed)
    timeline = Timeline([truth.boot], truth.anchors(DAY_S, 10))
    ticks_us = truth.ticks(100_000)
    between = (ticks_us > 3600e6) & (ticks_us < 29 * DAY_S * 1e6)
    off_s, unsure_s = errors_s(timeline, truth, ticks_us)
    assert np.quantile(off_s[between], 0.99) <= 0.050
    assert np.mean(off_s <= unsure_s) >= 0.999
    # And it is no excuse: what it says is little.
    assert np.max(unsure_s[between]) <= 0.1


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_from_the_last_anchor_alone_a_day_is_within_9_s(ppm: float) -> None:
    truth = Truth(1, 1.0, ppm, 5)
    timeline = Timeline([truth.boot], truth.anchors(10 * DAY_S, 10, first_s=1.0))
    off_s, unsure_s = errors_s(timeline, truth, truth.ticks(10_000))
    assert np.max(off_s) <= 9.0
    assert np.all(off_s <= unsure_s)


def test_a_rate_once_known_holds_for_other_boots_and_beyond_the_last_anchor() -> None:
    one = Truth(1, 10, 80.0, 3)
    two = Truth(2, 5, 80.0, 4, began_us=BEGAN_US + 10.1 * DAY_S * 1e6)
    timeline = Timeline([one.boot, two.boot], one.anchors(DAY_S, 10) + two.anchors(DAY_S, 10, last_s=4000))
    off_s, unsure_s = errors_s(timeline, two, two.ticks(10_000))
    assert np.all(off_s <= unsure_s)
    assert np.max(unsure_s) < 6.0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    ppm=st.floats(-100, 100),
    every_h=st.floats(0.5, 72),
    wrong_ms=st.sampled_from([1.0, 10.0, 300.0]),
    days=st.floats(0.2, 20),
    steps=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from([-86400.0, -3600.0, -40.0, 40.0, 7200.0, 1e8])), max_size=3
    ),
)
def test_times_are_within_what_they_say_though_some_host_clocks_are_wrong(
    seed: int, ppm: float, every_h: float, wrong_ms: float, days: float, steps: list[tuple[float, float]]
) -> None:
    truth = Truth(1, days, ppm, seed)
    anchors = truth.anchors(every_h * 3600, wrong_ms)
    wrong = {int(at * len(anchors)): off for at, off in steps}
    if 2 * len(wrong) >= len(anchors):
        wrong = {}
    for at, off_s in wrong.items():
        if at < len(anchors):
            right = anchors[at]
            anchors[at] = Anchor(
                1, right.ticks_us, right.utc_us + round(off_s * 1e6), right.uncertainty_us, told=True
            )
    timeline = Timeline([truth.boot], anchors)
    if not anchors:
        assert timeline.clocks[0].known_by == "unknown"
        return
    off_s, unsure_s = errors_s(timeline, truth, truth.ticks(2000))
    assert np.mean(off_s <= unsure_s) >= 0.999
    if not timeline.clocks[0].alternatives:
        assert {anchors[at] for at in wrong if at < len(anchors)} == set(timeline.clocks[0].rejected)


def test_a_host_whose_clock_was_wrong_for_some_days_is_not_believed() -> None:
    truth = Truth(1, 13, 50.0, 6)
    anchors = truth.anchors(DAY_S, 10)
    for at in range(3):
        wrong = anchors[at]
        anchors[at] = Anchor(1, wrong.ticks_us, wrong.utc_us + 3_600_000_000, wrong.uncertainty_us, told=True)
    timeline = Timeline([truth.boot], anchors)
    off_s, unsure_s = errors_s(timeline, truth, truth.ticks(10_000))
    assert np.all(off_s <= unsure_s)
    assert np.max(unsure_s) < 5.0
    assert set(timeline.clocks[0].rejected) == set(anchors[:3])


def test_two_anchors_that_contradict_each_other_leave_a_doubt_as_large_as_they_differ() -> None:
    truth = Truth(1, 2, 50.0, 6)
    one, two = truth.anchors(DAY_S, 10)
    two = Anchor(1, two.ticks_us, two.utc_us + 3_600_000_000, two.uncertainty_us, told=True)
    off_s, unsure_s = errors_s(Timeline([truth.boot], [one, two]), truth, truth.ticks(1000))
    assert np.all(off_s <= unsure_s)
    assert np.min(unsure_s) > 3000


def test_boots_without_anchors_lie_between_their_neighbours() -> None:
    dice = np.random.default_rng(9)
    truths: list[Truth] = []
    began_us = float(BEGAN_US)
    for number in range(6):
        truths.append(Truth(number, dice.uniform(0.05, 2), 30.0, number, began_us))
        began_us += truths[-1].days * DAY_S * 1e6 + dice.uniform(1, 600) * 1e6
    anchored = (1, 4)
    anchors = [each for number in anchored for each in truths[number].anchors(3600, 10, first_s=60)]
    timeline = Timeline([truth.boot for truth in truths], anchors)
    assert [clock.known_by for clock in timeline.clocks] == [
        "unknown",
        "anchors",
        "neighbours",
        "neighbours",
        "anchors",
        "unknown",
    ]
    for truth, clock in zip(truths, timeline.clocks, strict=True):
        off_s, unsure_s = errors_s(timeline, truth, truth.ticks(1000))
        if clock.known_by == "unknown":
            assert np.all(np.isinf(unsure_s))
        else:
            assert np.all(off_s <= unsure_s)
            assert np.max(unsure_s) < 1000


def test_a_boot_whose_only_anchor_puts_it_into_another_boot_is_not_believed() -> None:
    truths = [
        Truth(0, 3, 20.0, 1),
        Truth(1, 1, 20.0, 2, BEGAN_US + 3.01 * DAY_S * 1e6),
        Truth(2, 3, 20.0, 3, BEGAN_US + 4.02 * DAY_S * 1e6),
    ]
    wrong = truths[1].anchors(10 * DAY_S, 10)[0]
    wrong = Anchor(1, wrong.ticks_us, wrong.utc_us - round(DAY_S * 1e6), wrong.uncertainty_us, told=True)
    anchors = [*truths[0].anchors(DAY_S, 10), wrong, *truths[2].anchors(DAY_S, 10)]
    timeline = Timeline([truth.boot for truth in truths], anchors)
    assert timeline.clocks[1].known_by == "neighbours"
    assert timeline.clocks[1].rejected == (wrong,)
    off_s, unsure_s = errors_s(timeline, truths[1], truths[1].ticks(1000))
    assert np.all(off_s <= unsure_s)


def test_a_million_records_get_their_times_at_once() -> None:
    """Against a fixed piece of work of the same machine: no figure of its own."""
    truths = [Truth(number, 3, 20.0, number, BEGAN_US + number * 3.1 * DAY_S * 1e6) for number in range(30)]
    timeline = Timeline(
        [truth.boot for truth in truths], [each for truth in truths for each in truth.anchors(DAY_S, 10)]
    )
    ticks_us = np.concatenate([truth.ticks(34_000) for truth in truths])
    boots = np.repeat(np.arange(30, dtype=np.uint32), 34_000)
    began_s = time.perf_counter()
    utc, _ = timeline.utc(boots, ticks_us)
    took_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    for _ in range(10):
        np.sort(np.random.default_rng(1).random(len(ticks_us)))
    assert took_s < time.perf_counter() - began_s
    assert np.all(np.diff(utc[:34_000]) >= np.timedelta64(0, "us"))
