"""The unix board itself; without MicroPython on this machine what needs it skips."""

from __future__ import annotations

from pathlib import Path

import pytest

from vigie.firmware import load_bundle
from vigie.micropython import MicroPython, MicroPythonMissing, find
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace, synthesize


@pytest.fixture(scope="session")
def micropython() -> MicroPython:
    try:
        return find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


@pytest.fixture
def blank(micropython: MicroPython, tmp_path: Path) -> UnixBoard:
    """A board without firmware and sensors: it stays at the prompt."""
    return UnixBoard(micropython, tmp_path / "blank")


@pytest.fixture
def board(micropython: MicroPython, tmp_path: Path, wrist: Trace) -> UnixBoard:
    """A board whose application runs from power-on."""
    folder = tmp_path / "board"
    for path, content in load_bundle().files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return UnixBoard(micropython, folder, sensors=[Max30101(wrist), Lsm6dso(wrist)])
