import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import detect_falls

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import wrist

Float64 = npt.NDArray[np.float64]


def fall(rate_hz: float = 50, *, after_s: float = 20, seed: int = 0) -> Float64:
    """Ten seconds of walking, a stumble into free fall, a hard impact, a roll, then lying still on another side."""
    rng = np.random.default_rng(seed)
    t = np.arange(int((10 + after_s) * rate_hz)) / rate_hz
    walking, lying = t < 10, t >= 10.9
    acc = np.zeros((3, t.size))
    acc[2, walking] = 1 + 0.25 * np.sin(2 * np.pi * 1.9 * t[walking])
    acc[0, walking] = 0.15 * np.sin(2 * np.pi * 0.95 * t[walking])
    acc[2, (t >= 10) & (t < 10.4)] = 0.25
    hit = (t >= 10.4) & (t < 10.9)
    ringing = np.exp(-(((t[hit] - 10.5) / 0.06) ** 2)) - 0.4 * np.exp(-(((t[hit] - 10.65) / 0.06) ** 2))
    acc[:, hit] += np.array([[3.5], [2.5], [-3.0]]) * ringing
    acc[0, t >= 10.4] += 0.98
    acc[2, lying] += 0.1
    return acc + 0.01 * rng.standard_normal(acc.shape)


@pytest.mark.parametrize("rate_hz", [25, 50, 104])
def test_a_fall_is_one_fall_at_its_impact(rate_hz: float) -> None:
    falls = detect_falls(fall(rate_hz), rate_hz=rate_hz)
    assert len(falls) == 1
    assert falls[0].time_s == pytest.approx(10.45, abs=0.25)
    assert falls[0].score > 0.5
    assert falls[0].still_after_s > 15


def test_getting_up_ends_the_stillness() -> None:
    acc = fall(after_s=20)
    acc[:, 20 * 50 :] += 0.3 * np.sin(2 * np.pi * 1.5 * np.arange(acc.shape[1] - 1000, dtype=np.float64) / 50)
    (found,) = detect_falls(acc, rate_hz=50)
    assert 7 < found.still_after_s < 9


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_orientation_gives_the_same(seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    (plain,), (turned,) = detect_falls(fall(), rate_hz=50), detect_falls(turn @ fall(), rate_hz=50)
    assert turned.time_s == pytest.approx(plain.time_s, abs=0.05)
    assert turned.score == pytest.approx(plain.score, abs=0.01)


@pytest.mark.parametrize("cadence_bpm", [0, 110, 170])
def test_rest_walking_and_running_are_no_falls(cadence_bpm: float) -> None:
    acc = wrist(cadence_bpm=cadence_bpm, seconds=120).acc
    assert detect_falls(acc, rate_hz=50) == []


def test_nothing_is_found_where_nothing_was_measured() -> None:
    assert detect_falls(np.zeros((3, 0)), rate_hz=50) == []
    assert detect_falls(np.full((3, 500), np.nan), rate_hz=50) == []
    acc = fall()
    acc[:, 8 * 50 : 14 * 50] = np.nan
    assert detect_falls(acc, rate_hz=50) == []


def even(r: dict[str, Any]) -> tuple[Float64, float]:
    """Stamps come in bursts: take the samples as evenly spaced between the first and the last."""
    time_s = np.sort(r["t_ms"]) / 1000
    return np.asarray(r["acc"], np.float64), float((time_s.size - 1) / (time_s[-1] - time_s[0]))


def test_falls_of_persons_not_learned_from(traces: ModuleType) -> None:
    found: dict[bool, list[bool]] = {True: [], False: []}
    for r in traces.recordings("weda", "report"):
        acc, rate_hz = even(r)
        found[bool(r["fall"])].append(bool(detect_falls(acc, rate_hz=rate_hz)))
    assert np.mean(found[True]) >= 0.9
    assert np.mean(found[False]) <= 0.04


def test_hours_of_other_activities_hold_hardly_a_fall(traces: ModuleType) -> None:
    falls = hours = 0.0
    for name in ("geotec", "bami1", "bami2"):
        for r in traces.recordings(name, "report"):
            falls += len(detect_falls(r["acc"], rate_hz=r["acc_rate_hz"]))
            hours += r["acc"].shape[1] / r["acc_rate_hz"] / 3600
    assert hours > 1.5
    assert falls == 0
