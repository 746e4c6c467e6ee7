import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import Beats, find_beats, heart_rate_variability

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import wrist

Float64 = npt.NDArray[np.float64]


def f1(found_s: Float64, true_s: Float64, tolerance_s: float = 0.15) -> float:
    """F1 after the one constant delay that suits best: a pulse comes later than its R-peak."""

    def at(delay_s: float) -> float:
        nearest = np.abs(found_s[:, None] + delay_s - true_s[None, :])
        pairs = (nearest.argmin(axis=1)[nearest.argmin(axis=0)] == np.arange(true_s.size)) & (
            nearest.min(axis=0) <= tolerance_s
        )
        return float(2 * pairs.sum() / (found_s.size + true_s.size))

    return max(at(delay_s) for delay_s in np.arange(-0.6, 0.61, 0.04)) if found_s.size else 0.0


@pytest.mark.parametrize("bpm", [(50, 50), (60, 95), (150, 170)])
@pytest.mark.parametrize("rate_hz", [25, 64, 256])
def test_every_beat_is_found_once(bpm: tuple[float, float], rate_hz: float) -> None:
    truth = wrist(bpm, seconds=90, ppg_rate_hz=rate_hz)
    beats = find_beats(truth.ppg, rate_hz=rate_hz)
    inside = truth.beat_time_s[(truth.beat_time_s > 1) & (truth.beat_time_s < 89)]
    found = beats.time_s[(beats.time_s > 1) & (beats.time_s < 89)]
    assert f1(found, inside) > 0.98
    assert np.median(beats.quality) > 0.9


def test_beats_are_found_through_a_swinging_arm() -> None:
    truth = wrist((80, 110), seconds=90, cadence_bpm=150, motion=2)
    with_acc = find_beats(truth.ppg, truth.acc, rate_hz=50, acc_rate_hz=50)
    assert f1(with_acc.time_s, truth.beat_time_s) > 0.95
    without = find_beats(truth.ppg, rate_hz=50)
    assert f1(without.time_s, truth.beat_time_s) < 0.9, "the scene is too easy to show what motion is for"


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(1e-3, 1e3), offset=st.floats(-1e4, 1e4), invert=st.booleans())
def test_scale_offset_and_polarity_change_nothing(gain: float, offset: float, invert: bool) -> None:
    truth = wrist((60, 80), seconds=40)
    plain = find_beats(truth.ppg, rate_hz=50)
    other = find_beats((-1 if invert else 1) * gain * (truth.ppg + offset), rate_hz=50)
    np.testing.assert_allclose(other.time_s, plain.time_s, atol=0.01)


def test_gaps_hold_no_beats_and_cost_none_around_them() -> None:
    truth = wrist((70, 70), seconds=90)
    ppg = truth.ppg.copy()
    ppg[30 * 50 : 40 * 50] = np.nan
    found = find_beats(ppg, rate_hz=50).time_s
    assert not ((found > 30.3) & (found < 39.7)).any()
    outside = (truth.beat_time_s < 29.5) | (truth.beat_time_s > 41)
    assert f1(found, truth.beat_time_s[outside]) > 0.97


def test_a_flat_signal_has_no_beats() -> None:
    assert find_beats(np.zeros(3000), rate_hz=50).time_s.size == 0
    assert find_beats(np.zeros(10), rate_hz=50).time_s.size == 0


def test_variability_of_known_intervals() -> None:
    interval_s = np.tile([0.80, 0.86], 100)
    beats = Beats(np.concatenate([[0], np.cumsum(interval_s)]), np.ones(201))
    found = heart_rate_variability(beats)
    assert found.rmssd_ms == pytest.approx(60)
    assert found.sdnn_ms == pytest.approx(30, rel=0.01)
    assert found.pnn50 == 1
    assert found.mean_nn_ms == pytest.approx(830)
    assert found.coverage == pytest.approx(1)


def test_a_missed_beat_and_a_bad_shape_do_not_inflate_variability() -> None:
    rng = np.random.default_rng(2)
    time_s = np.cumsum(0.8 + 0.02 * rng.standard_normal(200))
    clean = heart_rate_variability(Beats(time_s, np.ones(200)))
    quality = np.ones(199)
    quality[50] = 0.2
    torn = np.delete(time_s, 120)
    torn[50] += 0.1
    found = heart_rate_variability(Beats(torn, quality))
    assert found.rmssd_ms == pytest.approx(clean.rmssd_ms, rel=0.05)
    assert found.coverage < 1


def test_too_few_intervals_say_nothing() -> None:
    found = heart_rate_variability(Beats(np.arange(5.0), np.ones(5)))
    assert np.isnan(found.rmssd_ms)
    assert found.coverage == 0


@pytest.mark.parametrize(("name", "least"), [("welltory", 0.97), ("bami1", 0.97)])
def test_recorded_beats(traces: ModuleType, name: str, least: float) -> None:
    """At rest on a fingertip, and at rest, walking and running on a wrist, against a chest strap and a Holter."""
    scores: list[float] = []
    for r in traces.recordings(name):
        true_s = r["beat_time_s"] - r["beat_lag_s"]
        true_s = true_s[(true_s > 0.5) & (true_s < r["ppg"].shape[1] / r["ppg_rate_hz"] - 0.5)]
        acc = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
        found = find_beats(r["ppg"], rate_hz=r["ppg_rate_hz"], **acc).time_s
        scores.append(f1(found[(found > true_s[0] - 0.8) & (found < true_s[-1] + 0.8)], true_s))
    assert np.mean(scores) > least


def test_uncertain_timing_is_taken_out_or_said() -> None:
    """Beats jittered by 5 ms, and the quality that goes with it: RMSSD is that of the heart, not of the jitter."""
    rng = np.random.default_rng(3)
    interval_s = 0.9 + 0.03 * rng.standard_normal(500)
    time_s = np.cumsum(interval_s)
    clean = heart_rate_variability(Beats(time_s, np.ones(500)))
    jittered = Beats(time_s + 0.005 * rng.standard_normal(500), np.full(500, 1 - 6 * (5 / 185) ** 2))
    found = heart_rate_variability(jittered)
    assert found.timing_noise_ms == pytest.approx(np.sqrt(6) * 5)
    assert found.rmssd_ms == pytest.approx(clean.rmssd_ms, rel=0.05)
    assert found.sdnn_ms == pytest.approx(clean.sdnn_ms, rel=0.05)
    drowned = Beats(0.9 * np.arange(500) + 0.02 * rng.standard_normal(500), np.full(500, 0.93))
    assert np.isnan(heart_rate_variability(drowned).rmssd_ms)


def test_variability_at_rest_agrees_with_a_chest_strap(traces: ModuleType) -> None:
    off: list[float] = []
    for r in traces.recordings("welltory", "report"):
        true_s: Float64 = r["beat_time_s"] - r["beat_lag_s"]
        true_s = true_s[(true_s > 0.3) & (true_s < r["ppg"].shape[1] / r["ppg_rate_hz"] - 0.3)]
        truth = heart_rate_variability(Beats(true_s, np.ones(len(true_s))))
        found = heart_rate_variability(find_beats(r["ppg"], rate_hz=r["ppg_rate_hz"]))
        off.append(abs(found.rmssd_ms / truth.rmssd_ms - 1))
    assert np.mean(off) < 0.1
