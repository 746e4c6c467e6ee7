"""Many files: one table whatever the number of workers, bad files apart, and nothing done twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from made_recordings import CSV_COLUMNS, RATE_HZ, wrist, write_csv, write_edf, write_npz
from pyarrow import parquet
from scipy.io import savemat

from vigie.cli import run
from vigie_analysis.tables import EVENTS, MINUTES

Vigie = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


def rows(path: Path) -> list[dict[str, Any]]:
    with parquet.ParquetFile(path) as file:
        return cast(Any, file).read().to_pylist()


def schema(path: Path) -> pa.Schema:
    with parquet.ParquetFile(path) as file:
        return file.schema_arrow


def test_a_folder_becomes_a_row_a_minute(archive: Path, tmp_path: Path, vigie: Vigie) -> None:
    done = vigie("analyze", "archive", "--out", "features.parquet")
    assert done.returncode == 0, done.stderr
    assert "12 minutes of 4 recordings" in done.stdout
    assert done.stderr == ""
    table = rows(tmp_path / "features.parquet")
    assert [(row["recording"], row["minute"]) for row in table] == [
        (f"archive/{name}", minute)
        for name in ("a.bdf", "b.edf", "deeper/c.npz", "deeper/d.npz")
        for minute in range(3)
    ]
    assert [row["heart_rate_bpm"] for row in table[::3]] == pytest.approx([60, 72, 84, 96], abs=1.5)
    assert schema(tmp_path / "features.parquet").equals(MINUTES, check_metadata=True)
    assert schema(tmp_path / "features.events.parquet").equals(EVENTS, check_metadata=True)
    assert not (tmp_path / "features.failures.csv").exists()


def test_falls_are_events_and_counted_in_their_minute(tmp_path: Path, vigie: Vigie) -> None:
    made = wrist(walk_from_s=200)
    hit = round(70.2 * RATE_HZ)
    made.acc_g[:, hit - 25 : hit] *= 0.15
    made.acc_g[:, hit : hit + 6] += np.array([[2.5], [-3.0], [3.4]]) * np.hanning(8)[1:-1]
    made.acc_g[:, hit + 12 :] = np.array([[0.9], [0.3], [-0.3]]) + 0.01 * (made.acc_g[:, hit + 12 :] - 1)
    write_npz(tmp_path / "a.npz", made)
    assert vigie("analyze", "a.npz", "--out", "f.parquet").returncode == 0
    (fall,) = [event for event in rows(tmp_path / "f.events.parquet") if event["kind"] == "fall"]
    assert fall["start_s"] == pytest.approx(70.2, abs=0.5)
    assert [row["falls"] for row in rows(tmp_path / "f.parquet")] == [0, 1, 0]


def test_a_glob_and_a_file_name_recordings_too(archive: Path, tmp_path: Path, vigie: Vigie) -> None:
    (archive / "notes.txt").write_text("no recording")
    done = vigie("analyze", "archive/**/*", "archive/a.bdf", "--out", "f.parquet", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "of 4 recordings" in done.stdout


def bad_files(folder: Path) -> dict[str, str]:
    """Write a broken file of each kind; return a word of why each cannot be used."""
    made = wrist()
    whole = write_edf(folder / "whole.bdf", made).read_bytes()
    (folder / "truncated.bdf").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.bdf").unlink()
    (folder / "header.edf").write_bytes(b"0       " + b"?" * 300)
    (folder / "empty.edf").write_bytes(b"")
    nothing = {"ppg": np.full((1, 3000), np.nan), "acc": np.full((3, 3000), np.nan)}
    write_npz(folder / "nan.npz", made, **nothing)
    write_npz(folder / "truncated.npz", made)
    (folder / "truncated.npz").write_bytes((folder / "truncated.npz").read_bytes()[:5000])
    write_npz(folder / "short.npz", made, ppg=made.ppg[:, :100], acc=made.acc_g[:, :100])
    write_npz(folder / "axes.npz", made, acc=made.acc_g[:2])
    np.savez(folder / "motion.npz", acc_mg=np.zeros((3, 100)))
    np.savez(folder / "segments.npz", ppg=np.zeros((199, 1000)), ppg_rate_hz=100.0)
    savemat(folder / "other.mat", {"ecg": np.zeros(1000)})
    (folder / "garbage.mat").write_bytes(b"no MATLAB at all" * 20)
    write_csv(folder / "columns.csv", made)
    text = (folder / "columns.csv").read_text()
    (folder / "cut.csv").write_text(text[: text.rindex(",", 0, 20_000)] + "\n")
    (folder / "word.csv").write_text(text.replace("\n1,", "\n1,oops", 1))
    (folder / "columns.csv").write_text(text.replace("green", "blue"))
    return {
        "truncated.bdf": "cut off: 73 of 150 data records",
        "header.edf": "header is damaged",
        "empty.edf": "header is damaged",
        "nan.npz": "holds no numbers",
        "truncated.npz": "no readable NumPy archive",
        "short.npz": "lasts 2.0 s",
        "axes.npz": "2 axes",
        "motion.npz": "neither 'ppg' nor 'acc'",
        "segments.npz": "no signal of one recording",
        "other.mat": "no array 'sig'",
        "garbage.mat": "no readable MATLAB file",
        "columns.csv": "no column green",
        "cut.csv": "no readable table",
        "word.csv": "no readable table",
    }


def test_bad_files_are_listed_with_their_reason_and_the_rest_goes_on(
    archive: Path, tmp_path: Path, vigie: Vigie
) -> None:
    assert vigie("analyze", "archive", "--out", "f.parquet", "--jobs", "1").returncode == 0
    good = rows(tmp_path / "f.parquet")
    reasons = bad_files(archive)
    done = vigie(
        "analyze",
        "archive",
        "--out",
        "f.parquet",
        *CSV_COLUMNS,
        "--rate-hz",
        "50",
        "--jobs",
        "1",
        env={"COLUMNS": "600"},
    )
    assert done.returncode == 1
    with (tmp_path / "f.failures.csv").open(newline="") as file:
        failures = {Path(row["recording"]).name: row for row in csv.DictReader(file)}
    assert failures.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in failures[name]["problem"]
        assert failures[name]["remedy"]
        assert failures[name]["remedy"] in done.stderr
        assert f"archive/{name}" in done.stderr
    assert f"{len(reasons)} files could not be analyzed" in done.stderr
    assert "Traceback" not in done.stderr
    assert rows(tmp_path / "f.parquet") == good


def test_only_what_is_new_or_changed_or_failed_is_computed(
    archive: Path, tmp_path: Path, vigie: Vigie
) -> None:
    (archive / "later.npz").write_bytes(b"still being copied")
    assert vigie("analyze", "archive", "--out", "f.parquet", "--jobs", "1").returncode == 1
    write_npz(archive / "later.npz", wrist(seed=5, bpm=66))
    write_npz(archive / "deeper" / "c.npz", wrist(seed=3, bpm=120))
    done = vigie("analyze", "archive", "--out", "f.parquet", "--jobs", "1")
    assert done.returncode == 0
    assert "15 minutes of 5 recordings, 3 of them done before" in done.stdout
    assert not (tmp_path / "f.failures.csv").exists()
    found = {
        row["recording"]: row["heart_rate_bpm"] for row in rows(tmp_path / "f.parquet") if row["minute"] == 0
    }
    assert found["archive/later.npz"] == pytest.approx(66, abs=1.5)
    assert found["archive/deeper/c.npz"] == pytest.approx(120, abs=1.5)


def wait_for_parts(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.minutes.parquet"))) < count:
        assert time.monotonic() < deadline, "nothing was done"
        time.sleep(0.02)


def children_of(process: int) -> list[int]:
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(child) for child in file.read().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_after_being_killed_only_what_is_missing_is_done(
    tmp_path: Path, by_one_worker: bytes, vigie: Vigie, start: Start
) -> None:
    process = start("analyze", "many", "--out", "f.parquet", "--jobs", "2")
    wait_for_parts(tmp_path / "f.parts", 3)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(workers) >= 2
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "f.parts").glob("*.minutes.parquet")}
    assert 3 <= len(kept) < 10
    assert not (tmp_path / "f.parquet").exists()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "the workers outlive their parent"
        time.sleep(0.05)
    done = vigie("analyze", "many", "--out", "f.parquet", "--jobs", "1")
    assert done.returncode == 0
    assert f"{len(kept)} of them done before" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (tmp_path / "f.parquet").read_bytes() == by_one_worker


def test_ctrl_c_ends_it_with_130_and_what_is_done_is_kept(
    tmp_path: Path, by_one_worker: bytes, vigie: Vigie, start: Start
) -> None:
    process = start("analyze", "many", "--out", "f.parquet", "--jobs", "2")
    wait_for_parts(tmp_path / "f.parts", 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run the same again to go on" in err
    assert "Traceback" not in err
    done = vigie("analyze", "many", "--out", "f.parquet", "--jobs", "2")
    assert done.returncode == 0
    assert "of them done before" in done.stdout
    assert (tmp_path / "f.parquet").read_bytes() == by_one_worker


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_that_dies_costs_nothing_but_its_time(
    tmp_path: Path, by_one_worker: bytes, start: Start
) -> None:
    process = start("analyze", "many", "--out", "f.parquet", "--jobs", "2")
    wait_for_parts(tmp_path / "f.parts", 2)
    os.kill(children_of(process.pid)[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert (tmp_path / "f.parquet").read_bytes() == by_one_worker


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("nowhere", "--out", "f.parquet"), "no recording there"),
        (("archive", "--out", "f.csv"), "name it .parquet"),
        (("archive", "--out", "f.parquet", "--columns", "pulse=a"), "write ppg=NAME"),
        (("archive", "--out", "f.parquet", "--jobs", "2", "--scheduler", "tcp://x:1"), "use one of them"),
        (("archive", "--out", "f.parquet", "--jobs", "0"), "--jobs"),
    ],
)
def test_what_cannot_be_meant_is_status_2(
    archive: Path,
    words: tuple[str, ...],
    match: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(archive.parent)
    assert run(["analyze", *words]) == 2
    assert match in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(archive.parent)
    Path("file").write_text("")
    assert run(["analyze", "archive", "--out", "file/f.parquet"]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "words", "remedy"),
    [
        ("pyarrow", (), "pip install 'vigie[analysis]'"),
        ("distributed", ("--scheduler", "tcp://127.0.0.1:1"), "pip install 'vigie[dask]'"),
    ],
)
def test_a_missing_extra_is_named(
    archive: Path, tmp_path: Path, vigie: Vigie, package: str, words: tuple[str, ...], remedy: str
) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(f"import sys\nsys.modules[{json.dumps(package)}] = None\n")
    path = os.pathsep.join([str(blocked), os.environ.get("PYTHONPATH", "")])
    done = vigie("analyze", "archive", "--out", "f.parquet", *words, env={"PYTHONPATH": path})
    assert done.returncode in (1, 2)
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
