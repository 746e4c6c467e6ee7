import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def traces() -> ModuleType:
    """The loader of the recordings (see CONTRIBUTING), or a skip that says how to get there."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("VIGIE_TRACES", root / ".." / "shared" / "traces"))
    loader = folder / "load.py"
    if not loader.is_file():
        pytest.skip(f"no recordings at {folder}: set VIGIE_TRACES to their folder")
    spec = importlib.util.spec_from_file_location("vigie_traces", loader)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
