import pickle
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
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


def test_a_day_holds_no_more_than_two_hours() -> None:
    tracker = HeartRateTracker(ppg_rate_hz=25, acc_rate_hz=25, lag_s=6)
    ten_minutes = np.tile(MOVING.ppg[::2], 5), np.tile(MOVING.acc[:, ::2], 5)
    held: list[int] = []
    peaks: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(12):
            tracemalloc.reset_peak()
            for _ in range(12):
                tracker.update(*ten_minutes)
            now, peak = tracemalloc.get_traced_memory()
            held.append(now)
            peaks.append(peak)
    finally:
        tracemalloc.stop()
    assert held[-1] < held[0] + 20_000
    assert max(peaks[1:]) < peaks[0] + 20_000


@settings(max_examples=10, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=8),
    lag_s=st.sampled_from([0.0, 6.0]),
)
def test_acceleration_may_come_in_other_blocks_than_the_ppg(
    sizes: list[tuple[int, int]], lag_s: float
) -> None:
    tracker = HeartRateTracker(**RATES, lag_s=lag_s)
    parts: list[HeartRateTrack] = []
    i = j = 0
    for n, m in [*sizes, (MOVING.ppg.size, MOVING.ppg.size)]:
        ppg, acc = MOVING.ppg[i : i + n].copy(), MOVING.acc[:, j : j + m].copy()
        parts.append(tracker.update(ppg, acc))
        ppg[:], acc[:] = np.nan, np.nan  # the caller may use its arrays again
        i, j = i + n, j + m
    parts.append(tracker.finish())
    streamed = HeartRateTrack(
        *(np.concatenate([getattr(p, k) for p in parts]) for k in ("time_s", "bpm", "confidence"))
    )
    assert_same(streamed, track_heart_rate(MOVING.ppg, MOVING.acc, **RATES, lag_s=lag_s))


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


def noise(seed: int, channels: int, slope: float, seconds: int = 240) -> npt.NDArray[np.float64]:
    """Noise at 50 Hz whose power falls with the frequency to ``slope``: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, seconds * 50)), axis=1)
    falling = np.arange(1, spectrum.shape[1] + 1, dtype=np.float64) ** (slope / 2)
    return np.asarray(np.fft.irfft(spectrum / falling, axis=1), np.float64)


@pytest.mark.parametrize("slope", [0, 1, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("moving", [False, True])
def test_noise_is_hardly_ever_believed(slope: float, channels: int, moving: bool) -> None:
    acc = wrist(seconds=240, cadence_bpm=110).acc if moving else None
    tracks = [
        track_heart_rate(
            noise(seed, channels, slope), acc, ppg_rate_hz=50, acc_rate_hz=50 if moving else None
        )
        for seed in range(4)
    ]
    assert np.mean([track.confidence >= 0.9 for track in tracks]) < 0.03


@pytest.mark.parametrize("cadence_bpm", [90, 130, 165])
def test_an_arm_without_a_pulse_is_hardly_ever_believed(cadence_bpm: float) -> None:
    swing = wrist(cadence_bpm=cadence_bpm, motion=3, seconds=240)
    alone = swing.ppg - wrist(cadence_bpm=cadence_bpm, seconds=240).ppg
    ppg = alone / alone.std() + 0.2 * noise(1, 1, 1) / noise(1, 1, 1).std()
    track = track_heart_rate(ppg, swing.acc, **RATES)
    assert (track.confidence >= 0.9).mean() < 0.05


@pytest.mark.parametrize("ppg", [np.zeros(3000), np.full(3000, np.nan), np.full((2, 3000), 7.0)])
def test_no_pulse_no_answer(ppg: npt.NDArray[np.float64]) -> None:
    track = track_heart_rate(ppg, ppg_rate_hz=50)
    assert np.isnan(track.bpm).all()
    assert (track.confidence == 0).all()


def test_a_dead_channel_does_not_hurt_the_others() -> None:
    ppg = np.stack([np.full(MOVING.ppg.size, 3.0), MOVING.ppg, np.full(MOVING.ppg.size, np.nan)])
    assert errors(track_heart_rate(ppg, MOVING.acc, **RATES), MOVING).mean() < 3


@pytest.mark.parametrize("rate_hz", [30, 64, 256])
def test_a_dead_channel_far_from_zero_is_no_pulse(rate_hz: float) -> None:
    """At rates that are no multiple of the grid's, rounding makes waves of a constant."""
    truth = wrist((70, 80), seconds=120, ppg_rate_hz=rate_hz)
    beside = np.stack([truth.ppg, np.full(truth.ppg.size, 5e5)])
    alone = track_heart_rate(truth.ppg, ppg_rate_hz=rate_hz)
    np.testing.assert_allclose(track_heart_rate(beside, ppg_rate_hz=rate_hz).bpm, alone.bpm, atol=0.01)


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


Changed = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float, float, float]


def at_rates(r: dict[str, Any], ppg_hz: float, acc_hz: float) -> Changed:
    """The recording as other sensors would have sampled it, turned, inverted and rescaled."""
    turn, _ = np.linalg.qr(np.random.default_rng(int(ppg_hz)).standard_normal((3, 3)))

    def sampled(x: npt.NDArray[np.float64], rate_hz: float, wanted_hz: float) -> npt.NDArray[np.float64]:
        still = x.mean(axis=1, keepdims=True)
        moved = signal.resample_poly(x - still, int(wanted_hz), int(rate_hz), axis=1)
        return np.asarray(still + moved, np.float64)

    ppg = sampled(np.asarray(r["ppg"], np.float64), r["ppg_rate_hz"], ppg_hz)
    acc = sampled(np.asarray(r["acc"], np.float64), r["acc_rate_hz"], acc_hz)
    return 5 - 40 * ppg, turn @ acc, ppg_hz, acc_hz, 0.0


def shifted(r: dict[str, Any], late_s: float) -> Changed:
    """The acceleration is late, or early, against the PPG."""
    n = round(abs(late_s) * r["ppg_rate_hz"])
    ppg, acc = (r["ppg"][:, n:], r["acc"]) if late_s > 0 else (r["ppg"], r["acc"][:, n:])
    return ppg, acc, r["ppg_rate_hz"], r["acc_rate_hz"], max(late_s, 0)


def lost_and_jittered(r: dict[str, Any]) -> Changed:
    """One sample in ten is missing, a second of the PPG every minute, and none is quite on time."""
    rng = np.random.default_rng(3)

    def jittered(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        n = np.arange(x.shape[1], dtype=np.float64)
        when = n + 0.15 * rng.standard_normal(n.size)
        rows: list[npt.NDArray[np.float64]] = [np.interp(when, n, row) for row in x]
        return np.where(rng.random(n.size) < 0.1, np.nan, np.stack(rows))

    ppg, acc = jittered(r["ppg"]), jittered(r["acc"])
    for begin in range(int(30 * r["ppg_rate_hz"]), ppg.shape[1], int(60 * r["ppg_rate_hz"])):
        ppg[:, begin : begin + int(r["ppg_rate_hz"])] = np.nan
    return ppg, acc, r["ppg_rate_hz"], r["acc_rate_hz"], 0.0


def off_by(
    track: HeartRateTrack, time_s: npt.NDArray[np.float64], bpm: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Error of each window, NaN where there is no reference."""
    truth: npt.NDArray[np.float64] = np.interp(track.time_s, time_s, bpm, left=np.nan, right=np.nan)
    return np.abs(track.bpm - truth)


@pytest.mark.parametrize(
    ("change", "more_bpm"),
    [
        pytest.param(partial(at_rates, ppg_hz=11, acc_hz=11), 0.3, id="11 Hz"),
        pytest.param(partial(at_rates, ppg_hz=25, acc_hz=50), 0.1, id="25 and 50 Hz"),
        pytest.param(partial(at_rates, ppg_hz=64, acc_hz=11), 0.1, id="64 and 11 Hz"),
        pytest.param(partial(at_rates, ppg_hz=256, acc_hz=256), 0.1, id="256 Hz"),
        pytest.param(partial(shifted, late_s=0.3), 0.3, id="0.3 s late"),
        pytest.param(partial(shifted, late_s=-0.3), 0.3, id="0.3 s early"),
        pytest.param(lost_and_jittered, 0.4, id="lost and jittered"),
    ],
)
def test_recordings_as_another_bracelet_would_give_them(
    traces: ModuleType, change: Callable[[dict[str, Any]], Changed], more_bpm: float
) -> None:
    """The mean error grows by no more than this, over some recordings, and confidence holds."""
    plain: list[float] = []
    other: list[float] = []
    sure: list[npt.NDArray[np.float64]] = []
    for name, some in (("ieee_spc", slice(0, None, 3)), ("bami1", slice(1)), ("bami2", slice(1))):
        for r in list(traces.recordings(name, "tune"))[some]:
            time_s = r["ref_time_s"] - r["lag_s"]
            for means, (ppg, acc, ppg_hz, acc_hz, cut_s) in (
                (plain, (r["ppg"], r["acc"], r["ppg_rate_hz"], r["acc_rate_hz"], 0.0)),
                (other, change(r)),
            ):
                track = track_heart_rate(ppg, acc, ppg_rate_hz=ppg_hz, acc_rate_hz=acc_hz)
                error = off_by(track, time_s - cut_s, r["ref_bpm"])
                means.append(float(np.nanmean(error)))
            sure.append(error[np.isfinite(error) & (track.confidence >= 0.9)])
    assert np.mean(other) < np.mean(plain) + more_bpm
    assert (np.concatenate(sure) < 5).mean() > 0.98


def test_on_recordings_not_tuned_on_a_sure_estimate_is_right(traces: ModuleType) -> None:
    """The ``report`` halves, online; PhysioNet's wrist recordings, where cadence hides the pulse, whole."""
    off: dict[str, list[npt.NDArray[np.float64]]] = {}
    for name in ("bami1", "bami2", "physionet_wrist"):
        for r in traces.recordings(name, None if name == "physionet_wrist" else "report"):
            track = track_heart_rate(
                r["ppg"], r["acc"], ppg_rate_hz=r["ppg_rate_hz"], acc_rate_hz=r["acc_rate_hz"]
            )
            # one offset is not known: its neighbours' is taken; the first reference of two recordings is wrong
            time_s = r["ref_time_s"][1:] - (r["lag_s"] if np.isfinite(r["lag_s"]) else -3.2)
            error = off_by(track, time_s, r["ref_bpm"][1:])
            off.setdefault(name, []).append(error[np.isfinite(error) & (track.confidence >= 0.9)])
    for name, errors_bpm in off.items():
        pooled = np.concatenate(errors_bpm)
        assert (pooled > 10).mean() < 0.05, name
        assert (pooled < 5).mean() > (0.85 if name == "physionet_wrist" else 0.97), name
