"""`vigie record` keeps what came, however the recording ends, and replaces no file unasked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from fake_bracelet import CONFIGURATION, ppg

from vigie.cli import run
from vigie.recording import NothingRecorded, write_bdf
from vigie.samples import BlockReader
from vigie_protocol.enums import Stream
from vigie_rig.boards import require
from vigie_rig.boards.serve import BoardThread
from vigie_rig.errors import BoardMissing
from vigie_rig.traces import load_trace, synthesize


class Plugged:
    """A running board, and its plug."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self.address = self._stack.enter_context(
            BoardThread("unix", folder, synthesize(seed=1, minutes=1))
        ).address

    def pull(self) -> None:
        self._stack.close()


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[Plugged]:
    try:
        require("unix")
    except BoardMissing as error:
        pytest.skip(f"no unix board: {error}")
    board = Plugged(tmp_path / "board")
    yield board
    board.pull()


def test_a_board_that_is_unplugged_leaves_what_came_until_then(
    plugged: Plugged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "walk.bdf"
    unplugging = threading.Timer(4, plugged.pull)
    unplugging.start()
    # Without an end: only the pulled plug ends it.
    status = run(["record", plugged.address, str(file)])
    unplugging.join()
    assert status == 1
    shown = capsys.readouterr()
    assert "disconnected" in shown.err
    assert "samples of PPG" in shown.out
    trace = load_trace(file)
    assert trace.ppg.shape[0] == 2
    assert trace.duration_s > 0.5
    assert np.ptp(trace.ppg) > 0
    assert list(tmp_path.glob("*.part")) == []


def test_a_recording_for_a_time_is_whole_and_is_not_replaced_unasked(
    plugged: Plugged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new folder" / "rest.bdf"
    assert run(["record", plugged.address, str(file), "--seconds", "1"]) == 0
    first = file.read_bytes()
    assert load_trace(file).duration_s > 0.5
    assert run(["record", plugged.address, str(file), "--seconds", "1"]) == 2
    assert "--force" in capsys.readouterr().err
    assert file.read_bytes() == first
    assert run(["record", plugged.address, str(file), "--seconds", "1", "--force"]) == 0
    assert file.read_bytes() != first


def test_where_no_bracelet_is_no_file_comes_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none.bdf"
    assert run(["record", "serial:/dev/vigie-is-not-here", str(file)]) == 1
    assert "cannot be opened" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_recording_of_one_stream_is_written_too(tmp_path: Path) -> None:
    reader = BlockReader(Stream.PPG, CONFIGURATION)
    blocks = [reader.read(ppg(12 * number).to_bytes()) for number in range(10)]
    assert write_bdf(tmp_path / "ppg.bdf", blocks, CONFIGURATION) == {Stream.PPG: 120}
    assert (tmp_path / "ppg.bdf").stat().st_size > 0


def test_no_samples_are_no_recording(tmp_path: Path) -> None:
    reader = BlockReader(Stream.PPG, CONFIGURATION)
    for blocks in ([], [reader.read(ppg(0, 0).to_bytes())]):
        with pytest.raises(NothingRecorded):
            write_bdf(tmp_path / "none.bdf", blocks, CONFIGURATION)
    assert list(tmp_path.iterdir()) == []
