import pickle
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from vigie_signal import HeartRateTrack, HeartRateTracker, track_heart_rate

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import Wrist, wrist

RATES: dict[str, float] = {"ppg_rate_hz": 50, "acc_rate_hz": 50}
MOVING = wrist((80, 110), cadence_bpm=150, motion=3)


def errors(track: HeartRateTrack, truth: Wrist, settle_s: float = 20) -> npt.NDArray[np.float64]:
    late = track.time_s > settle_s
    return np.abs(track.bpm - np.interp(track.time_s, *truth.bpm_at))[late]


def assert_same(a: HeartRateTrack, b: HeartRateTrack, tolerance_bpm: float = 0.05) -> None:
    np.testing.assert_allclose(a.time_s, b.time_s)
    np.testing.assert_allclose(a.bpm, b.bpm, atol=tolerance_bpm)
    np.testing.assert_allclose(a.confidence, b.confidence, atol=0.01)


@pytest.mark.parametrize("bpm", [50, 75, 120, 175])
def test_a_steady_pulse_is_read_to_one_and_a_half_bpm(bpm: float) -> None:
    truth = wrist((bpm, bpm))
    track = track_heart_rate(truth.ppg, truth.acc, **RATES)
    assert errors(track, truth).max() < 1.5
    assert track.confidence[10:].min() > 0.8


@pytest.mark.parametrize("cadence_bpm", [130, 150, 170])
def test_a_swinging_arm_three_times_the_pulse_does_not_mislead(cadence_bpm: float) -> None:
    truth = wrist((80, 110), cadence_bpm=cadence_bpm, motion=3)
    assert errors(track_heart_rate(truth.ppg, truth.acc, **RATES), truth).mean() < 3
    without = errors(track_heart_rate(truth.ppg, ppg_rate_hz=50), truth).mean()
    assert without > 10, "the scene is too easy to show what the accelerometer is for"


@pytest.mark.parametrize(
    ("ppg_rate_hz", "acc_rate_hz"), [(25, 11), (64, 32), (100, 104), (99.97, 12.5), (256, 256)]
)
def test_rates_may_differ(ppg_rate_hz: float, acc_rate_hz: float) -> None:
    truth = wrist((80, 110), cadence_bpm=100, motion=2, ppg_rate_hz=ppg_rate_hz, acc_rate_hz=acc_rate_hz)
    track = track_heart_rate(truth.ppg, truth.acc, ppg_rate_hz=ppg_rate_hz, acc_rate_hz=acc_rate_hz)
    assert errors(track, truth).mean() < 3


def test_windows_are_eight_seconds_every_two() -> None:
    track = track_heart_rate(wrist(seconds=60).ppg, ppg_rate_hz=50)
    np.testing.assert_array_equal(track.time_s, 4 + 2 * np.arange(27))
    assert track.bpm.shape == track.confidence.shape == (27,)
    assert track_heart_rate(wrist(seconds=7.9).ppg, ppg_rate_hz=50).bpm.size == 0


@settings(max_examples=10, deadline=None)
@given(
    gain=st.floats(1e-3, 1e3),
    offset=st.floats(-1e5, 1e5),
    invert=st.booleans(),
    lag_s=st.sampled_from([0.0, 6.0]),
)
def test_scale_offset_and_polarity_change_nothing(
    gain: float, offset: float, invert: bool, lag_s: float
) -> None:
    plain = track_heart_rate(MOVING.ppg, MOVING.acc, **RATES, lag_s=lag_s)
    # offsets keep the pulse within what float32 resolves
    other = (-1 if invert else 1) * gain * (MOVING.ppg + offset)
    assert_same(track_heart_rate(other, MOVING.acc, **RATES, lag_s=lag_s), plain, tolerance_bpm=0.5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_orientation_of_the_axes_gives_the_same(seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    plain = track_heart_rate(MOVING.ppg, MOVING.acc, **RATES)
    assert_same(track_heart_rate(MOVING.ppg, turn @ MOVING.acc, **RATES), plain)


@settings(max_examples=15, deadline=None)
@given(seconds=st.floats(20, 119), lag_s=st.sampled_from([0.0, 6.0]))
def test_an_estimate_does_not_know_what_comes_after_its_lag(seconds: float, lag_s: float) -> None:
    whole = track_heart_rate(MOVING.ppg, MOVING.acc, **RATES, lag_s=lag_s)
    n = int(seconds * 50)
    cut = track_heart_rate(MOVING.ppg[:n], MOVING.acc[:, :n], **RATES, lag_s=lag_s)
    known = cut.time_s + 4 + lag_s <= n / 50
    assert known.sum() > 2
    np.testing.assert_allclose(cut.bpm[known], whole.bpm[: cut.bpm.size][known], atol=0.01)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 900), min_size=1, max_size=8), lag_s=st.sampled_from([0.0, 6.0]))
def test_streaming_gives_the_estimates_of_the_whole(sizes: list[int], lag_s: float) -> None:
    ppg, acc = MOVING.ppg.copy(), MOVING.acc.copy()
    ppg[1000:1400] = np.nan
    tracker = HeartRateTracker(**RATES, lag_s=lag_s)
    bounds = [*np.minimum(np.cumsum([0, *sizes]), ppg.size).tolist(), ppg.size]
    parts = [tracker.update(ppg[a:b], acc[:, a:b]) for a, b in pairwise(bounds)]
    parts.append(tracker.finish())
    streamed = HeartRateTrack(
        *(np.concatenate([getattr(p, k) for p in parts]) for k in ("time_s", "bpm", "confidence"))
    )
    assert_same(streamed, track_heart_rate(ppg, acc, **RATES, lag_s=lag_s))


def test_a_stream_of_hours_holds_no_more_than_one_of_minutes() -> None:
    tracker = HeartRateTracker(**RATES, lag_s=6)
    held: list[int] = []
    for _ in range(60):
        tracker.update(MOVING.ppg, MOVING.acc)
        held.append(len(pickle.dumps(tracker)))
    assert max(held[30:]) <= max(held[:30])


def test_a_gap_abstains_and_then_recovers() -> None:
    ppg = MOVING.ppg.copy()
    ppg[40 * 50 : 70 * 50] = np.nan
    track = track_heart_rate(ppg, MOVING.acc, **RATES)
    inside = (track.time_s > 44) & (track.time_s < 66)
    assert np.isnan(track.bpm[inside]).all()
    assert (track.confidence[inside] == 0).all()
    after = track.time_s > 84
    truth = np.interp(track.time_s, *MOVING.bpm_at)
    assert np.abs(track.bpm - truth)[after].mean() < 4


def test_scattered_losses_cost_little() -> None:
    ppg, acc = MOVING.ppg.copy(), MOVING.acc.copy()
    rng = np.random.default_rng(1)
    ppg[rng.random(ppg.size) < 0.1] = np.nan
    acc[:, rng.random(ppg.size) < 0.1] = np.nan
    assert errors(track_heart_rate(ppg, acc, **RATES), MOVING).mean() < 4


@pytest.mark.parametrize("ppg", [np.zeros(3000), np.full(3000, np.nan), np.full((2, 3000), 7.0)])
def test_no_pulse_no_answer(ppg: npt.NDArray[np.float64]) -> None:
    track = track_heart_rate(ppg, ppg_rate_hz=50)
    assert np.isnan(track.bpm).all()
    assert (track.confidence == 0).all()


def test_a_dead_channel_does_not_hurt_the_others() -> None:
    ppg = np.stack([np.full(MOVING.ppg.size, 3.0), MOVING.ppg, np.full(MOVING.ppg.size, np.nan)])
    assert errors(track_heart_rate(ppg, MOVING.acc, **RATES), MOVING).mean() < 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"ppg": np.zeros((2, 2, 9))}, "pass \\[n\\] or \\[channels, n\\]"),
        ({"ppg": np.zeros((900, 2))}, "ppg.T"),
        ({"ppg": np.array(["a"])}, "real numbers"),
        ({"acc": np.zeros((900, 3))}, "acc.T"),
        ({"acc": np.zeros(900)}, "\\[3, m\\]"),
        ({"acc_rate_hz": None}, "sampling rate"),
        ({"acc": None}, "acc_rate_hz without acc"),
        ({"ppg_rate_hz": 1}, "between 10 and 2000"),
        ({"ppg_rate_hz": float("nan")}, "between 10 and 2000"),
        ({"acc_rate_hz": 0}, "between 10 and 2000"),
        ({"lag_s": -1}, "seconds"),
    ],
)
def test_a_wrong_call_is_told_what_to_pass(arguments: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"ppg": np.zeros(900), "acc": np.zeros((3, 900)), **RATES}
    with pytest.raises(ValueError, match=says):
        track_heart_rate(**good | arguments)


@pytest.mark.parametrize(("lag_s", "limit_bpm"), [(0.0, 1.2), (6.0, 0.75)])
def test_spc_training_recordings(traces: ModuleType, lag_s: float, limit_bpm: float) -> None:
    """IEEE SPC 2015, 12 recordings, doi:10.1109/TBME.2014.2359372; the parameters were tuned on them."""
    means: list[float] = []
    for r in traces.recordings("ieee_spc"):
        track = track_heart_rate(
            r["ppg"], r["acc"], ppg_rate_hz=r["ppg_rate_hz"], acc_rate_hz=r["acc_rate_hz"], lag_s=lag_s
        )
        n = r["ref_bpm"].size
        np.testing.assert_allclose(track.time_s[:n], r["ref_time_s"])
        assert np.isfinite(track.bpm[:n]).all()
        means.append(float(np.abs(track.bpm[:n] - r["ref_bpm"]).mean()))
    assert len(means) == 12
    assert np.mean(means) < limit_bpm


@pytest.mark.parametrize("rate_hz", [25, 32, 64])
def test_recordings_resampled_inverted_and_turned_read_the_same(traces: ModuleType, rate_hz: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(rate_hz).standard_normal((3, 3)))
    for r in list(traces.recordings("ieee_spc"))[::3]:
        plain = track_heart_rate(r["ppg"], r["acc"], ppg_rate_hz=125, acc_rate_hz=125)
        ppg = signal.resample_poly(r["ppg"], rate_hz, 125, axis=1)
        acc = signal.resample_poly(r["acc"], 2 * rate_hz, 125, axis=1)
        track = track_heart_rate(-40 * ppg, turn @ acc, ppg_rate_hz=rate_hz, acc_rate_hz=2 * rate_hz)
        n = min(plain.bpm.size, track.bpm.size)
        assert np.abs(track.bpm[:n] - plain.bpm[:n]).mean() < 0.2
