"""What is saved comes back, within the quantisation that `save_trace` states."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_rig.traces import (
    BadTraceError,
    HeartRateReference,
    Mark,
    Trace,
    TraceError,
    UnknownTraceFormatError,
    load_trace,
    save_trace,
)

PPG_STEP = 8388.607 / (2**24 - 1)
ACC_STEP = 128 / (2**24 - 1)


def assert_same(saved: Trace, loaded: Trace) -> None:
    assert loaded.name == saved.name
    assert loaded.ppg_channels == saved.ppg_channels
    assert (loaded.ppg_rate_hz, loaded.acc_rate_hz) == (saved.ppg_rate_hz, saved.acc_rate_hz)
    np.testing.assert_allclose(loaded.ppg, saved.ppg, rtol=0, atol=PPG_STEP / 2 * 1.001)
    np.testing.assert_allclose(loaded.acc_g, saved.acc_g, rtol=0, atol=ACC_STEP / 2 * 1.001)
    assert loaded.marks == saved.marks
    assert (loaded.reference is None) == (saved.reference is None)
    if loaded.reference is not None and saved.reference is not None:
        np.testing.assert_allclose(loaded.reference.time_s, saved.reference.time_s, atol=1e-6)
        np.testing.assert_allclose(loaded.reference.bpm, saved.reference.bpm, atol=0.0005)
        assert loaded.reference.window_s == saved.reference.window_s


def test_a_synthetic_trace_survives_saving(synthetic: Trace, tmp_path: Path) -> None:
    save_trace(synthetic, tmp_path / "wrist.bdf")
    loaded = load_trace(tmp_path / "wrist.bdf")
    assert_same(synthetic, loaded)
    assert loaded.duration_s == synthetic.duration_s


def test_the_hash_of_a_synthetic_trace_is_that_of_its_file(synthetic: Trace, tmp_path: Path) -> None:
    save_trace(synthetic, tmp_path / "wrist.bdf")
    assert synthetic.sha256 == hashlib.sha256((tmp_path / "wrist.bdf").read_bytes()).hexdigest()
    assert load_trace(tmp_path / "wrist.bdf").sha256 == synthetic.sha256


def test_saving_what_was_loaded_changes_nothing(synthetic: Trace, tmp_path: Path) -> None:
    save_trace(synthetic, tmp_path / "once.bdf")
    save_trace(load_trace(tmp_path / "once.bdf"), tmp_path / "twice.bdf")
    assert (tmp_path / "once.bdf").read_bytes() == (tmp_path / "twice.bdf").read_bytes()


def test_any_reader_of_the_standard_finds_signals_and_annotations(synthetic: Trace, tmp_path: Path) -> None:
    save_trace(synthetic, tmp_path / "wrist.bdf")
    file = edfio.read_bdf(tmp_path / "wrist.bdf")
    assert file.labels == ("PPG green", "PPG red", "PPG infrared", "ACC X", "ACC Y", "ACC Z")
    assert {signal.physical_dimension for signal in file.signals} == {"nA/mA", "g"}
    assert "off-wrist" in {note.text for note in file.annotations}


rates_hz = st.sampled_from([12.5, 25.0, 26.0, 50.0, 64.0, 100.0, 104.0, 125.0, 256.0])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    channels=st.integers(1, 3),
    ppg_rate_hz=rates_hz,
    acc_rate_hz=rates_hz,
    ppg_samples=st.integers(2, 700),
    acc_samples=st.integers(2, 700),
    windows=st.one_of(st.none(), st.integers(0, 4)),
    marks=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 900)), max_size=4),
)
def test_any_trace_survives_saving(
    seed: int,
    channels: int,
    ppg_rate_hz: float,
    acc_rate_hz: float,
    ppg_samples: int,
    acc_samples: int,
    windows: int | None,
    marks: list[tuple[int, int]],
) -> None:
    rng = np.random.default_rng(seed)
    reference = None
    if windows is not None:
        reference = HeartRateReference(
            np.arange(windows, dtype=np.float64), rng.uniform(30, 220, windows), 8.0
        )
    trace = Trace(
        name=f"any {seed}",
        sha256="",
        ppg=rng.uniform(0, 8000, (channels, ppg_samples)),
        ppg_channels=("green", "red", "infrared")[:channels],
        ppg_rate_hz=ppg_rate_hz,
        acc_g=rng.uniform(-16, 16, (3, acc_samples)),
        acc_rate_hz=acc_rate_hz,
        reference=reference,
        marks=tuple(
            Mark(start / 1000, length / 1000, f"mark {i}") for i, (start, length) in enumerate(sorted(marks))
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        save_trace(trace, Path(folder) / "any.bdf")
        assert_same(trace, load_trace(Path(folder) / "any.bdf"))


def test_values_that_do_not_fit_are_refused_by_name(synthetic: Trace, tmp_path: Path) -> None:
    with pytest.raises(BadTraceError, match=r"PPG red .* outside 0 to 8388\.61"):
        save_trace(replace(synthetic, ppg=synthetic.ppg * np.array([[1], [50], [1]])), tmp_path / "x.bdf")
    assert not (tmp_path / "x.bdf").exists()


def test_only_bdf_is_written(synthetic: Trace, tmp_path: Path) -> None:
    with pytest.raises(UnknownTraceFormatError, match=r"name it \.bdf"):
        save_trace(synthetic, tmp_path / "wrist.csv")


def test_a_folder_that_is_not_there_is_told(synthetic: Trace, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="choose another place") as caught:
        save_trace(synthetic, tmp_path / "nowhere" / "wrist.bdf")
    assert caught.value.path == tmp_path / "nowhere" / "wrist.bdf"


@pytest.mark.parametrize("cut", [0, 100, 255, 3000])
def test_a_damaged_file_is_told(synthetic: Trace, tmp_path: Path, cut: int) -> None:
    save_trace(synthetic, tmp_path / "wrist.bdf")
    (tmp_path / "cut.bdf").write_bytes((tmp_path / "wrist.bdf").read_bytes()[:cut])
    with pytest.raises(BadTraceError, match=r"cut\.bdf"):
        load_trace(tmp_path / "cut.bdf")


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    edfio.Edf([edfio.EdfSignal(np.arange(256.0), 256, label="chest_ecg")]).write(tmp_path / "ecg.edf")
    with pytest.raises(BadTraceError, match="not one of our traces"):
        load_trace(tmp_path / "ecg.edf")


def test_rates_that_no_record_holds_are_told(synthetic: Trace, tmp_path: Path) -> None:
    with pytest.raises(BadTraceError, match="resample"):
        save_trace(replace(synthetic, acc_rate_hz=99.9371), tmp_path / "x.bdf")
