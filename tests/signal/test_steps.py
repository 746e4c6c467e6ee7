import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import count_steps

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import wrist

Float64 = npt.NDArray[np.float64]


def walk(cadence: float, *, seconds: float = 60, rate_hz: float = 50, still_s: float = 20) -> Float64:
    """An arm that swings once in two steps, jolted a little less by every other, with rest before and after."""
    t = np.arange(int((seconds + 2 * still_s) * rate_hz), dtype=np.float64) / rate_hz
    moving = (t >= still_s) & (t < still_s + seconds)
    step = 2 * np.pi * cadence / 60 * (t - still_s)
    jolt = 0.3 * np.sin(step) + 0.1 * np.sin(2 * step + 1) + 0.1 * np.sin(step / 2 + 0.4)
    acc = np.stack([0.35 * np.sin(step / 2), 0.2 * np.cos(step / 2), 1 + jolt])
    acc = np.where(moving, acc, np.array([[0.0], [0.0], [1.0]]))
    return acc + 0.01 * np.random.default_rng(0).standard_normal(acc.shape)


@pytest.mark.parametrize("cadence", [80, 100, 120, 165])
def test_a_steady_walk_is_counted(cadence: float) -> None:
    found = count_steps(walk(cadence), rate_hz=50)
    assert found.total == pytest.approx(cadence, rel=0.06)
    assert found.time_s.shape == found.cadence.shape == (100,)
    assert np.median(found.cadence[25:75]) == pytest.approx(cadence, abs=3)
    assert found.cadence[:15].sum() == 0


@pytest.mark.parametrize("rate_hz", [12.5, 26, 52, 104])
def test_any_rate_counts_the_same(rate_hz: float) -> None:
    assert count_steps(walk(110, rate_hz=rate_hz), rate_hz=rate_hz).total == pytest.approx(110, rel=0.06)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_orientation_counts_the_same(seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    plain, turned = count_steps(walk(110), rate_hz=50), count_steps(turn @ walk(110), rate_hz=50)
    np.testing.assert_allclose(turned.cadence, plain.cadence, atol=0.5)


def test_the_length_alone_suffices() -> None:
    acc = walk(110)
    assert count_steps(np.sqrt((acc**2).sum(axis=0)), rate_hz=50).total == pytest.approx(110, rel=0.06)


def test_rest_holds_no_steps() -> None:
    assert count_steps(wrist(seconds=600).acc, rate_hz=50).total == 0
    assert count_steps(np.zeros((3, 10)), rate_hz=50).total == 0


def test_standing_before_and_after_a_short_walk_is_not_counted() -> None:
    assert count_steps(walk(105, seconds=20), rate_hz=50).total == pytest.approx(35, abs=2)


def test_a_changed_pace_is_followed() -> None:
    acc = np.concatenate([walk(100, seconds=30, still_s=0), walk(150, seconds=10, still_s=0)], axis=1)
    again = np.concatenate([acc, walk(85, seconds=30, still_s=0)], axis=1)
    assert count_steps(again, rate_hz=50).total == pytest.approx(50 + 25 + 42.5, rel=0.06)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_jolts_at_odd_moments_hold_no_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    acc = wrist(seconds=120).acc
    at = np.cumsum(rng.uniform(0.3, 1.5, 100) * 50).astype(int)
    for first in at[at < acc.shape[1] - 15]:
        acc[:, first : first + 15] += rng.normal(0, 0.3, (3, 1)) * np.hanning(15)
    assert count_steps(acc, rate_hz=50).total == 0


def test_what_is_missing_holds_no_steps() -> None:
    acc = walk(110)
    acc[:, 40 * 50 : 60 * 50] = np.nan
    found = count_steps(acc, rate_hz=50)
    assert found.cadence[41:59].sum() == 0
    assert found.total == pytest.approx(110 * 40 / 60, rel=0.1)


def test_a_wrong_shape_is_told_what_to_pass() -> None:
    with pytest.raises(ValueError, match=r"acc\.T"):
        count_steps(np.zeros((900, 3)), rate_hz=50)


def counted(r: dict[str, Any]) -> int:
    """The count on an even grid: the recordings carry time stamps."""
    time_s = r["t_ms"] / 1000
    even_s = np.arange(0, float(time_s[-1]), 0.04, dtype=np.float64)
    acc = np.stack([cast(Float64, np.interp(even_s, time_s, row)) for row in r["acc"]])
    # a sum of absolute values is not 1 g at rest
    return count_steps(acc / np.median(acc) if r.get("norm") == "l1" else acc, rate_hz=25).total


def off_by(r: dict[str, Any]) -> float:
    return float(abs(counted(r) / r["true_steps"] - 1))


@pytest.mark.parametrize(("name", "least", "most"), [("pebble", 30, 0.05), ("bangle", 4, 0.05)])
def test_counted_walks(traces: ModuleType, name: str, least: int, most: float) -> None:
    """Recordings not tuned on; one hour of mixed doings is no walk."""
    walks = [r for r in traces.recordings(name, "report") if r["true_steps"] >= 20 and r["label"] != "mixed"]
    assert len(walks) >= least
    assert np.mean([off_by(r) for r in walks]) < most


def test_counted_walks_by_their_length_alone(traces: ModuleType) -> None:
    """Recordings not tuned on, from 60 steps a minute."""
    walks = [
        r
        for r in traces.recordings("sensorwatch", "report")
        if r["label"].endswith("walking") and r["true_steps"] > r["t_ms"][-1] / 1000
    ]
    assert len(walks) >= 5
    assert np.mean([off_by(r) for r in walks]) < 0.05


@pytest.mark.parametrize(("name", "least"), [("pebble", 7), ("bangle", 2), ("sensorwatch", 7)])
def test_nothing_is_counted_without_walking(traces: ModuleType, name: str, least: int) -> None:
    """Driving, desk and housework not tuned on."""
    still = [r for r in traces.recordings(name, "report") if r["true_steps"] == 0]
    assert len(still) >= least
    assert sum(counted(r) for r in still) == 0


def test_a_drive_and_stillness_hold_no_steps(traces: ModuleType) -> None:
    still = [r for r in traces.recordings("bangle") if r["label"] in {"drive", "work", "still"}]
    assert len(still) >= 4
    assert sum(counted(r) for r in still) == 0


def test_short_walks_are_found_and_other_doings_are_not(traces: ModuleType) -> None:
    """Persons not tuned on: 15 to 25 s of walking, jogging and stairs; sitting down, tying shoes, opening a door."""
    found: dict[str, list[int]] = {}
    for r in traces.recordings("weda", "report"):
        time_s = np.sort(r["t_ms"]) / 1000
        rate_hz = float((time_s.size - 1) / (time_s[-1] - time_s[0]))
        found.setdefault(r["label"], []).append(count_steps(r["acc"], rate_hz=rate_hz).total)
    walks = np.concatenate([found[label] for label in ("D01", "D02", "D03")])
    others = np.concatenate([found[label] for label in ("D04", "D06", "D09", "D11")])
    assert np.mean(walks > 5) > 0.8
    assert np.mean(others == 0) > 0.95
