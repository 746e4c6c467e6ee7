from __future__ import annotations

import os
from pathlib import Path

import pytest

from vigie_rig.traces import Trace, load_trace, synthesize


@pytest.fixture(scope="session")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


@pytest.fixture(scope="session")
def recording() -> Trace:
    """Five minutes of a real wrist, running; not part of the project."""
    folder = Path(os.environ.get("VIGIE_TRACES", Path(__file__).parents[3] / ".." / "shared" / "traces"))
    path = folder / "mat" / "DATA_01_TYPE01.mat"
    if not path.is_file():
        pytest.skip(f"no recording {path}: set VIGIE_TRACES to the folder of the recordings")
    return load_trace(path)
