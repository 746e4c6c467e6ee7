"""The same command on a Dask cluster: a real scheduler and workers, one of which is killed half way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Vigie = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'vigie[dask]'")


@pytest.fixture
def run_dask(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts ``dask`` with some words; all are killed at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*words: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{words[0]}-{len(running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=tmp_path,
        )
        log.close()
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.02)


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_a_cluster_that_loses_a_worker_gives_the_same_table(
    tmp_path: Path, by_one_worker: bytes, start: Start, run_dask: Callable[..., subprocess.Popen[bytes]]
) -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    run_dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    wait_until(lambda: answers(port), "answered")
    worker = ("worker", address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    first = run_dask(*worker)
    run_dask(*worker)
    logs = [tmp_path / f"worker-{k}.log" for k in (1, 2)]
    wait_until(lambda: all("Registered to" in log.read_text() for log in logs), "registered")
    process = start("analyze", "many", "--out", "f.parquet", "--scheduler", address)
    parts = tmp_path / "f.parts"
    wait_until(lambda: len(list(parts.glob("*.minutes.parquet"))) >= 2, "begun")
    os.killpg(first.pid, signal.SIGKILL)
    assert len(list(parts.glob("*.minutes.parquet"))) < 10
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "of 10 recordings" in out
    assert (tmp_path / "f.parquet").read_bytes() == by_one_worker


def test_a_scheduler_that_is_not_there_is_told(by_one_worker: bytes, vigie: Vigie) -> None:
    done = vigie("analyze", "many", "--out", "f.parquet", "--scheduler", f"tcp://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
