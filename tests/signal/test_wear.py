import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import Wear, worn

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import Wrist, wrist

RATES = {"ppg_rate_hz": 50.0, "acc_rate_hz": 50.0}


def taken_off(begin_s: int, end_s: int, *, seconds: int = 900, noise: float = 5, seed: int = 0) -> Wrist:
    """A worn pulse; between the two times the sensor sees only its own noise and lies still."""
    truth = wrist((65, 80), seconds=seconds, seed=seed)
    off = slice(begin_s * 50, end_s * 50)
    rng = np.random.default_rng(seed)
    truth.ppg[off] = 400 + noise * rng.standard_normal(truth.ppg[off].size)
    t = np.arange(truth.acc.shape[1], dtype=np.float64) / 50
    truth.acc[0] += 0.1 * np.sin(2 * np.pi * 0.2 * t)
    truth.acc[:, off] = np.array([[0.0], [0.0], [1.0]]) + 0.003 * rng.standard_normal(truth.acc[:, off].shape)
    return truth


@pytest.mark.parametrize("noise", [0.0, 0.5, 5.0])
def test_off_the_wrist_is_found_to_the_minute(noise: float) -> None:
    truth = taken_off(300, 600, noise=noise)
    spans = worn(truth.ppg, truth.acc, **RATES)
    assert [span.on_wrist for span in spans] == [True, False, True]
    assert spans[1].start_s == pytest.approx(300, abs=60)
    assert spans[1].stop_s == pytest.approx(600, abs=60)


@settings(max_examples=8, deadline=None)
@given(minutes=st.integers(1, 8), begin_min=st.integers(0, 6))
def test_spans_cover_the_recording_without_gap_or_overlap(minutes: int, begin_min: int) -> None:
    truth = taken_off(60 * begin_min, 60 * (begin_min + minutes))
    spans = worn(truth.ppg, truth.acc, **RATES)
    assert spans[0].start_s == 0
    assert spans[-1].stop_s == 900
    for before, after in pairwise(spans):
        assert before.stop_s == after.start_s
        assert before.on_wrist != after.on_wrist


def test_a_quiet_sleeper_is_worn() -> None:
    truth = wrist((55, 60), seconds=600)
    assert worn(truth.ppg, truth.acc, **RATES) == [Wear(0, 600, True)]


def test_what_was_not_measured_was_not_worn() -> None:
    truth = wrist((60, 60), seconds=600)
    truth.ppg[: 300 * 50] = np.nan
    truth.acc[:, : 300 * 50] = np.nan
    spans = worn(truth.ppg, truth.acc, **RATES)
    assert [span.on_wrist for span in spans] == [False, True]
    assert spans[0].stop_s == pytest.approx(300, abs=60)


@pytest.mark.parametrize("name", ["ieee_spc", "bami1", "bami2"])
def test_recordings_on_the_wrist_are_worn(traces: ModuleType, name: str) -> None:
    """In rest, walking and running, every minute."""
    on = total = 0.0
    for r in traces.recordings(name):
        for span in worn(r["ppg"], r["acc"], ppg_rate_hz=r["ppg_rate_hz"], acc_rate_hz=r["acc_rate_hz"]):
            total += span.stop_s - span.start_s
            on += span.on_wrist * (span.stop_s - span.start_s)
    assert on / total > 0.99
