"""Every format gives what the functions of vigie_signal give on the same signals."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from edfio import Recording as About
from made_recordings import RATE_HZ, wrist, write_csv, write_edf, write_npz
from scipy.io import savemat

from vigie_analysis import (
    BadRecordingError,
    ColumnMapError,
    Columns,
    ColumnsError,
    Recording,
    UnknownFormatError,
    features,
    parse_columns,
    read_recording,
)
from vigie_analysis.features import Features, analyze_recording
from vigie_analysis.tables import EVENTS, MINUTES
from vigie_signal import activity, count_steps, track_heart_rate

MAP = parse_columns(["ppg=green,red", "acc=ax,ay,az [mg]"], rate_hz=RATE_HZ)
MADE = wrist()


def samples(recording: Recording) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    assert recording.ppg is not None
    assert recording.acc is not None
    return recording.ppg.between(0, recording.duration_s), recording.acc.between(0, recording.duration_s)


def analyzed(path: Path, columns: Columns | None = None) -> Features:
    return analyze_recording(read_recording(path, columns))


def test_the_minutes_are_those_of_the_functions(tmp_path: Path) -> None:
    minutes = analyzed(write_npz(tmp_path / "a.npz", MADE)).minutes
    track = track_heart_rate(MADE.ppg, MADE.acc_g, ppg_rate_hz=RATE_HZ, acc_rate_hz=RATE_HZ, lag_s=6)
    first = (track.time_s < 60) & (track.confidence >= 0.9)
    assert minutes["heart_rate_bpm"][0] == pytest.approx(track.bpm[first].mean(), abs=0.01)
    assert minutes["heart_rate_bpm"][0] == pytest.approx(72, abs=1.5)
    steps = count_steps(MADE.acc_g, rate_hz=RATE_HZ)
    assert minutes["steps"].sum() == pytest.approx(steps.total, abs=1)
    assert minutes["steps"][1] == pytest.approx(100 * 40 / 60, abs=8)
    moved = activity(MADE.acc_g, rate_hz=RATE_HZ)
    np.testing.assert_allclose(minutes["enmo_mg"], moved.enmo_mg, atol=0.01)
    assert minutes["duration_s"].tolist() == [60, 60, 30]
    assert minutes["at_rest"].tolist() == [1, 0, 0]
    assert minutes["beats"][0] == pytest.approx(72, abs=2)
    assert np.isnan(minutes["rmssd_ms"][1:]).all()
    assert (minutes["worn_share"] == 1).all()


@pytest.mark.parametrize("name", ["a.bdf", "a.edf", "a.csv", "a.mat"])
def test_every_format_gives_the_same_minutes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    columns = None
    if path.suffix == ".csv":
        write_csv(path, MADE)
        columns = MAP
    elif path.suffix == ".mat":
        savemat(path, {"light": MADE.ppg.T, "ax": MADE.acc_g[0], "ay": MADE.acc_g[1], "az": MADE.acc_g[2]})
        columns = parse_columns(["ppg=light", "acc=ax,ay,az"], rate_hz=RATE_HZ)
    else:
        write_edf(path, MADE)
    expected = analyzed(write_npz(tmp_path / "same.npz", MADE)).minutes
    minutes = analyzed(path, columns).minutes
    for column, tolerance in {"heart_rate_bpm": 0.5, "steps": 1.0, "mad_mg": 0.5, "gravity_z": 0.01}.items():
        np.testing.assert_allclose(minutes[column], expected[column], atol=tolerance, err_msg=column)


def test_originals_of_the_signal_processing_cup_are_recognised(tmp_path: Path) -> None:
    ecg = np.zeros((1, MADE.ppg.shape[1]))
    savemat(tmp_path / "DATA_01.mat", {"sig": np.concatenate([ecg, MADE.ppg, MADE.acc_g])})
    recording = read_recording(tmp_path / "DATA_01.mat")
    ppg, acc_g = samples(recording)
    assert recording.ppg is not None
    assert recording.ppg.rate_hz == 125
    np.testing.assert_allclose(ppg, MADE.ppg, rtol=1e-6)
    np.testing.assert_allclose(acc_g, MADE.acc_g, rtol=1e-6)


def test_an_edf_may_be_read_piece_by_piece(tmp_path: Path) -> None:
    recording = read_recording(write_edf(tmp_path / "a.bdf", MADE))
    assert recording.ppg is not None
    whole = recording.ppg.read(0, recording.ppg.count)
    np.testing.assert_allclose(whole, MADE.ppg, atol=0.001)
    for start, stop in (
        (0, 1),
        (49, 51),
        (50, 50),
        (1234, 5678),
        (recording.ppg.count - 3, recording.ppg.count),
    ):
        np.testing.assert_array_equal(recording.ppg.read(start, stop), whole[:, start:stop])


def test_the_clock_of_the_file_is_kept(tmp_path: Path) -> None:
    began = datetime(2026, 3, 1, 22, 30, 5)
    about = About(startdate=began.date())
    path = write_edf(tmp_path / "a.edf", MADE, recording=about, starttime=began.time())
    assert read_recording(path).started == began
    assert read_recording(write_edf(tmp_path / "anonymous.edf", MADE)).started is None


def test_signals_are_chosen_by_name_or_number(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "a.edf", MADE)
    columns = parse_columns(["ppg=#2", "acc=accel x,accel y,accel z"])
    ppg, acc_g = samples(read_recording(path, columns))
    np.testing.assert_allclose(ppg, MADE.ppg[1:], atol=0.01)
    np.testing.assert_allclose(acc_g, MADE.acc_g, atol=0.001)


@pytest.mark.parametrize("unit", ["ms", "iso"])
def test_time_stamps_with_jitter_and_gaps_become_an_even_grid(tmp_path: Path, unit: str) -> None:
    count = MADE.ppg.shape[1]
    draw = random.Random(0)
    jitter_s = [draw.uniform(-0.004, 0.004) for _ in range(count)]
    times_s = [k / RATE_HZ + (late if k else 0) for k, late in enumerate(jitter_s)]
    began = datetime(2026, 3, 1, 22, 30, 5, tzinfo=UTC)
    stamps = (
        [f"{1000 * t:.3f}" for t in times_s]
        if unit == "ms"
        else [(began + timedelta(seconds=t)).strftime("%Y-%m-%dT%H:%M:%S.%f") for t in times_s]
    )
    path = write_csv(tmp_path / "a.csv", MADE, stamps)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:2001] + lines[2501:]) + "\n")  # 10 s are lost
    columns = parse_columns(["ppg=green", "acc=ax,ay,az [mg]", f"time=t [{unit}]"])
    recording = read_recording(path, columns)
    ppg, acc_g = samples(recording)
    assert recording.ppg is not None
    assert recording.ppg.rate_hz == pytest.approx(RATE_HZ, abs=0.02)
    assert recording.duration_s == pytest.approx(150, abs=0.1)
    lost = ~np.isfinite(ppg[0])
    assert abs(np.flatnonzero(lost) / RATE_HZ - 45).max() <= 5.02
    assert lost.sum() == pytest.approx(500, abs=3)
    kept = ~lost[:7000]
    assert np.corrcoef(ppg[0, :7000][kept], MADE.ppg[0, :7000][kept])[0, 1] > 0.99
    assert recording.started == (began.replace(tzinfo=None) if unit == "iso" else None)
    minutes = analyze_recording(recording).minutes
    assert minutes["ppg_present"][0] == pytest.approx(50 / 60, abs=0.01)
    assert minutes["heart_rate_bpm"][0] == pytest.approx(72, abs=1.5)
    assert acc_g.shape[0] == 3


def test_in_a_csv_the_acceleration_may_be_slower(tmp_path: Path) -> None:
    made = wrist()
    acc_g = made.acc_g.copy()
    made.acc_g[:, 1::2] = np.nan
    path = write_csv(tmp_path / "a.csv", made)
    columns = parse_columns(["ppg=green", "acc=ax,ay,az [mg]"], rate_hz=RATE_HZ, acc_rate_hz=RATE_HZ / 2)
    by_rate = read_recording(path, columns)
    stamped = write_csv(tmp_path / "b.csv", made, [20 * k for k in range(made.ppg.shape[1])])
    by_time = read_recording(stamped, parse_columns(["ppg=green", "acc=ax,ay,az [mg]", "time=t [ms]"]))
    for recording in (by_rate, by_time):
        assert recording.acc is not None
        assert recording.acc.rate_hz == 25
        np.testing.assert_allclose(recording.acc.read(0, 3000), acc_g[:, :6000:2], atol=1e-4)


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", MADE, delimiter=";")
    path.write_text(path.read_text().replace(".", ","))
    ppg, acc_g = samples(read_recording(path, MAP))
    np.testing.assert_allclose(ppg, MADE.ppg, atol=0.01)
    np.testing.assert_allclose(acc_g, MADE.acc_g, atol=1e-4)


def test_one_kind_of_signal_is_enough(tmp_path: Path) -> None:
    still = analyzed(
        write_csv(tmp_path / "a.csv", MADE), parse_columns(["ppg=green"], rate_hz=RATE_HZ)
    ).minutes
    assert still["heart_rate_bpm"] == pytest.approx(72, abs=2)
    assert np.isnan(still["steps"]).all()
    assert np.isnan(still["worn_share"]).all()
    walked = analyzed(tmp_path / "a.csv", parse_columns(["acc=ax,ay,az [mg]"], rate_hz=RATE_HZ)).minutes
    assert walked["steps"].sum() == pytest.approx(100, abs=8)
    assert np.isnan(walked["heart_rate_bpm"]).all()


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        (["ppg"], "write ppg=NAME"),
        (["ecg=a"], "write ppg=NAME"),
        (["ppg=a", "ppg=b"], "named twice"),
        (["ppg=a,,b"], "name is empty"),
        (["ppg=a [mV]"], "any unit"),
        (["acc=a,b"], "three axes"),
        (["acc=a,b,c [inch]"], r"\[g\], \[mg\] or \[m/s2\]"),
        (["time=t [h]", "ppg=a"], r"\[s\], \[ms\]"),
        (["time=t"], "nothing to analyse"),
    ],
)
def test_a_map_that_cannot_be_meant_says_how_to_write_it(entries: list[str], match: str) -> None:
    with pytest.raises(ColumnMapError, match=match):
        parse_columns(entries)


def test_a_rate_that_cannot_be_analysed_is_refused() -> None:
    with pytest.raises(ColumnMapError, match="10 to 2000 Hz"):
        parse_columns(["ppg=a"], rate_hz=1)


def test_what_a_csv_lacks_is_said(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", MADE)
    with pytest.raises(ColumnsError, match=r"there are t, green, red, ax, ay, az"):
        read_recording(path)
    with pytest.raises(ColumnsError, match="no column blue"):
        read_recording(path, parse_columns(["ppg=blue"], rate_hz=50))
    with pytest.raises(ColumnsError, match="--rate-hz"):
        read_recording(path, parse_columns(["ppg=green"]))
    with pytest.raises(UnknownFormatError, match=r"use \.bdf"):
        read_recording(tmp_path / "a.txt")


def test_stamps_that_cannot_be_true_are_refused(tmp_path: Path) -> None:
    count = MADE.ppg.shape[1]
    even = [20 * k for k in range(count)]

    def read(stamps: list[int], unit: str = "ms") -> Recording:
        path = write_csv(tmp_path / "a.csv", MADE, list(stamps))
        return read_recording(path, parse_columns(["ppg=green", f"time=t [{unit}]"]))

    with pytest.raises(BadRecordingError, match=r"time steps back after 20\.000 s"):
        read(even[:1001] + even[500:-501])
    with pytest.raises(BadRecordingError, match="share time stamps"):
        read([500 * (k // 25) for k in range(count)])
    with pytest.raises(BadRecordingError, match="unit of the time"):
        read(even, "us")
    with pytest.raises(BadRecordingError, match="time leaps"):
        read(even[:100] + [t + 10**10 for t in even[100:]])


def test_a_long_recording_is_analysed_in_blocks_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wrist(27 * 60, walk_from_s=17.5 * 60)
    recording = read_recording(write_edf(tmp_path / "a.bdf", made))
    whole = analyze_recording(recording)
    monkeypatch.setattr(features, "BLOCK_MIN", 9)
    monkeypatch.setattr(features, "MARGIN_MIN", 3)
    asked_s: list[float] = []
    assert recording.acc is not None
    read = recording.acc.read

    def counted(start: int, stop: int) -> npt.NDArray[np.float32]:
        asked_s.append((stop - start) / RATE_HZ)
        return read(start, stop)

    parts = analyze_recording(replace(recording, acc=replace(recording.acc, read=counted)))
    assert max(asked_s) <= 15 * 60
    assert parts.minutes["start_s"].tolist() == whole.minutes["start_s"].tolist()
    assert parts.intensity == whole.intensity
    assert parts.events == whole.events
    tolerances = {
        "heart_rate_bpm": 0.5,
        "steps": 2,
        "enmo_mg": 0.01,
        "at_rest": 0,
        "beats": 2,
        "worn_share": 0,
    }
    for column, tolerance in tolerances.items():
        np.testing.assert_allclose(
            parts.minutes[column], whole.minutes[column], atol=tolerance, err_msg=column
        )


@pytest.mark.parametrize(
    "name",
    [
        "bami1/BAMI1_02.npz",
        "ieee_spc/DATA_02_TYPE02.npz",
        "physionet_wrist/s2_walk.npz",
        "welltory/welltory_07.npz",
    ],
)
def test_real_recordings_are_near_their_reference(recordings: Path, name: str) -> None:
    path = recordings / "ppg" / name
    minutes = analyzed(path).minutes
    with np.load(path) as stored:
        lag_s = float(np.nan_to_num(stored["lag_s"]))
        time_s, bpm = stored["ref_time_s"] - lag_s, stored["ref_bpm"]
    for k, found in enumerate(minutes["heart_rate_bpm"].tolist()):
        inside = (time_s >= 60 * k) & (time_s < 60 * k + 60)
        if inside.sum() >= 25 and minutes["heart_rate_coverage"][k] > 0.9:
            assert found == pytest.approx(float(bpm[inside].mean()), abs=4)


def test_a_foreign_edf_is_recognised(recordings: Path) -> None:
    recording = read_recording(recordings / "mat" / "s2_low_resistance_bike.edf")
    ppg, acc_g = samples(recording)
    assert ppg.shape == (1, 87552)
    assert np.median(np.linalg.norm(acc_g, axis=0)) == pytest.approx(1, abs=0.05)
    assert recording.started == datetime(2020, 6, 30, 12, 22, 28)
    assert 90 < np.median(analyze_recording(recording).minutes["heart_rate_bpm"]) < 125


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "signal" / "analyze.md").read_text(encoding="utf-8")
    missing = [name for name in (*MINUTES.names, *EVENTS.names) if f"`{name}`" not in page]
    assert missing == []
