from __future__ import annotations

import os
from pathlib import Path

import pytest

from vigie_rig.traces import Trace, synthesize

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of research recordings, which are never part of the project."""
    folder = Path(os.environ.get("VIGIE_TRACES", ROOT.parent / "shared" / "traces"))
    if not (folder / "index.json").exists():
        pytest.skip(f"no recordings in {folder}: set VIGIE_TRACES to their folder")
    return folder


@pytest.fixture(scope="session")
def synthetic() -> Trace:
    return synthesize(seed=1)
