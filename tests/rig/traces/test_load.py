"""Recordings as their users have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from vigie_rig.traces import (
    BadTraceError,
    TraceError,
    TraceNotFoundError,
    UnknownTraceFormatError,
    load_trace,
    save_trace,
)
from vigie_rig.traces._load import to_photocurrent


def spc(seconds: float = 20.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows as in the Signal Processing Cup: ECG, two PPGs without DC, acceleration."""
    time_s = np.arange(round(seconds * 125)) / 125
    rng = np.random.default_rng(0)
    pulse = 90 * np.sin(2 * np.pi * 1.5 * time_s)
    still = np.array([0.1, 0.2, 0.97])[:, None] + rng.normal(0, 0.01, (3, len(time_s)))
    return np.vstack((rng.normal(0, 99, len(time_s)), pulse, 0.5 * pulse + 30, still))


def test_a_cup_recording_is_read_with_the_reference_beside_it(tmp_path: Path) -> None:
    savemat(tmp_path / "DATA_07_TYPE02.mat", {"sig": spc()})
    savemat(tmp_path / "DATA_07_TYPE02_BPMtrace.mat", {"BPM0": np.array([[90.0], [91.0], [92.0]])})
    trace = load_trace(tmp_path / "DATA_07_TYPE02.mat")
    assert trace.name == "DATA_07_TYPE02"
    assert trace.ppg.shape == (2, 2500)
    assert trace.ppg_rate_hz == trace.acc_rate_hz == 125
    np.testing.assert_array_equal(trace.acc_g, spc()[3:])
    assert trace.reference is not None
    assert trace.reference.time_s.tolist() == [4, 6, 8]
    assert trace.reference.bpm.tolist() == [90, 91, 92]
    assert trace.reference.window_s == 8


def test_without_the_file_beside_it_there_is_no_reference(tmp_path: Path) -> None:
    savemat(tmp_path / "DATA_07_TYPE02.mat", {"sig": spc()})
    assert load_trace(tmp_path / "DATA_07_TYPE02.mat").reference is None


def test_other_matlab_files_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"sig": np.zeros((3, 100))})
    savemat(tmp_path / "b.mat", {"other": np.zeros((6, 100))})
    (tmp_path / "c.mat").write_bytes(b"no MATLAB at all")
    with pytest.raises(BadTraceError, match="6 rows are expected"):
        load_trace(tmp_path / "a.mat")
    for name in ("b.mat", "c.mat"):
        with pytest.raises(BadTraceError, match="no array 'sig'"):
            load_trace(tmp_path / name)


@given(
    gain=st.floats(1e-3, 1e3),
    offset=st.floats(-1e4, 1e4),
    spike=st.floats(-1000, 1000),
    seed=st.integers(0, 99),
)
def test_any_unit_becomes_the_same_plausible_photocurrent(
    gain: float, offset: float, spike: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(1000) / 7) + rng.normal(0, 0.1, 1000)
    wave[500] = spike
    current = to_photocurrent(gain * wave[None] + offset)
    assert np.median(current) == pytest.approx(500)
    assert current.min() >= 49.9
    assert np.corrcoef(wave, current[0])[0, 1] == pytest.approx(1)
    low, high = np.percentile(current, (0.5, 99.5))
    assert high - low <= 50.01


def npz(path: Path, **more: Any) -> Path:
    wave = np.sin(np.arange(1000) / 5)
    content: dict[str, Any] = {
        "name": "W1",
        "ppg": np.array([wave, 2 * wave]),
        "ppg_channels": np.array(["green", "red"]),
        "ppg_rate_hz": 50.0,
        "acc": np.zeros((3, 500)),
        "acc_rate_hz": 25.0,
        "ref_time_s": np.array([1.0, 5.0, 19.0]),
        "ref_bpm": np.array([60.0, 70.0, 80.0]),
        "ref_window_s": 8.0,
        "lag_s": -2.0,
        "beat_time_s": np.array([0.5, 1.5, 19.9]),
        "beat_lag_s": -1.0,
    }
    np.savez(path, **{key: value for key, value in (content | more).items() if value is not None})
    return path


def test_the_lags_are_taken_off_and_what_falls_outside_is_left_out(tmp_path: Path) -> None:
    trace = load_trace(npz(tmp_path / "w.npz"))
    assert trace.name == "W1"
    assert trace.ppg_channels == ("green", "red")
    assert trace.reference is not None
    assert trace.reference.time_s.tolist() == [3.0, 7.0]
    assert trace.reference.bpm.tolist() == [60.0, 70.0]
    assert [mark.start_s for mark in trace.marks_of("beat")] == [1.5, 2.5]


def test_a_reference_with_an_unknown_lag_is_left_out(tmp_path: Path) -> None:
    trace = load_trace(npz(tmp_path / "w.npz", lag_s=float("nan"), beat_lag_s=float("nan")))
    assert trace.reference is None
    assert trace.marks == ()


def test_channels_that_never_change_are_left_out(tmp_path: Path) -> None:
    ppg = np.array([np.zeros(1000), np.sin(np.arange(1000) / 5)])
    trace = load_trace(npz(tmp_path / "w.npz", ppg=ppg))
    assert trace.ppg_channels == ("red",)
    with pytest.raises(BadTraceError, match="never changes"):
        load_trace(npz(tmp_path / "flat.npz", ppg=np.ones((2, 1000))))


def test_without_acceleration_the_wrist_lies_still(tmp_path: Path) -> None:
    trace = load_trace(npz(tmp_path / "w.npz", acc=np.zeros((3, 0)), acc_rate_hz=float("nan")))
    assert np.unique(trace.acc_g, axis=1).tolist() == [[0.0], [0.0], [1.0]]
    assert trace.duration_s == 20


def test_an_archive_without_ppg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTraceError, match=r"falls\.npz: has no ppg"):
        load_trace(npz(tmp_path / "falls.npz", ppg=None))


def test_gaps_are_refused(tmp_path: Path) -> None:
    ppg = np.sin(np.arange(1000) / 5)[None].copy()
    ppg[0, 7] = np.nan
    with pytest.raises(BadTraceError, match="not finite"):
        load_trace(npz(tmp_path / "w.npz", ppg=ppg))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK but not really")
    with pytest.raises(BadTraceError, match="NumPy archive"):
        load_trace(tmp_path / "x.npz")


def test_a_missing_file_and_an_unknown_suffix_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TraceNotFoundError, match="check the path"):
        load_trace(tmp_path / "none.bdf")
    with pytest.raises(UnknownTraceFormatError, match=r"use \.bdf, \.edf, \.mat or \.npz") as caught:
        load_trace(tmp_path / "recording.csv")
    assert caught.value.path == tmp_path / "recording.csv"
    assert isinstance(caught.value, TraceError)
    assert isinstance(caught.value, ValueError)


def test_a_real_cup_recording(recordings: Path) -> None:
    trace = load_trace(recordings / "mat" / "DATA_01_TYPE01.mat")
    assert trace.ppg.shape == (2, 37937)
    assert trace.reference is not None
    assert len(trace.reference.bpm) == 148
    assert trace.reference.time_s[-1] + 4 <= trace.duration_s
    assert (trace.reference.bpm.min(), trace.reference.bpm.max()) == pytest.approx((69.6, 165.6), abs=0.1)
    assert 0.9 < np.median(np.linalg.norm(trace.acc_g, axis=0)) < 1.1


@pytest.mark.parametrize("folder", ["ieee_spc", "bami1", "bami2", "physionet_wrist", "welltory"])
def test_real_recordings_of_every_set_can_be_imported(recordings: Path, tmp_path: Path, folder: str) -> None:
    path = sorted((recordings / "ppg" / folder).glob("*.npz"))[0]
    trace = load_trace(path)
    assert np.median(trace.ppg, axis=1) == pytest.approx(500)
    save_trace(trace, tmp_path / "imported.bdf")
    again = load_trace(tmp_path / "imported.bdf")
    assert again.name == trace.name
    assert again.ppg.shape == trace.ppg.shape
    assert len(again.marks) == len(trace.marks)
