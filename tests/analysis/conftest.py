"""An archive to analyse, and ``vigie`` as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_recordings import wrist, write_edf, write_npz

ROOT = Path(__file__).parents[2]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with a few recordings."""
    folder = tmp_path / "archive"
    (folder / "deeper").mkdir(parents=True)
    write_edf(folder / "a.bdf", wrist(seed=1, bpm=60))
    write_edf(folder / "b.edf", wrist(seed=2, bpm=72))
    write_npz(folder / "deeper" / "c.npz", wrist(seed=3, bpm=84))
    write_npz(folder / "deeper" / "d.npz", wrist(seed=4, bpm=96))
    return folder


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``vigie`` with some words, in a folder of its own; what still runs at the end is stopped."""
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from vigie.cli import main; main()", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "300"} | more.pop("env", {}),
            start_new_session=True,
            **more,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def ten_recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A folder ``many``, and the table of its recordings as one worker writes it."""
    folder = tmp_path_factory.mktemp("ten")
    (folder / "many").mkdir()
    made = wrist(600)
    for k in range(10):
        write_npz(folder / "many" / f"{k}.npz", made, ppg=made.ppg + k * made.ppg[:, ::-1])
    command = [sys.executable, "-c", "from vigie.cli import main; main()", "analyze", "many"]
    subprocess.run([*command, "--out", "one.parquet", "--jobs", "1"], cwd=folder, check=True, timeout=120)
    return folder / "many", (folder / "one.parquet").read_bytes()


@pytest.fixture
def by_one_worker(ten_recordings: tuple[Path, bytes], tmp_path: Path) -> bytes:
    """The table of the ten recordings in the folder ``many`` here."""
    folder, table = ten_recordings
    (tmp_path / "many").symlink_to(folder)
    return table


@pytest.fixture
def vigie(start: Start) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``vigie`` with some words to its end."""

    def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        process = start(*words, **more)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of research recordings, which are never part of the project."""
    folder = Path(os.environ.get("VIGIE_TRACES", ROOT.parent / "shared" / "traces"))
    if not (folder / "index.json").exists():
        pytest.skip(f"no recordings in {folder}: set VIGIE_TRACES to their folder")
    return folder
