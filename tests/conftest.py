"""What tests of several rooms share."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def on_cpython() -> Iterator[Callable[[str], Any]]:
    """Import a module of the firmware on CPython; of MicroPython's own, `const` is all that is needed."""
    stub = types.ModuleType("micropython")
    stub.const = lambda value: value  # type: ignore[attr-defined]
    before = set(sys.modules)
    sys.modules["micropython"] = stub
    sys.path.insert(0, str(ROOT / "firmware"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "firmware"))
    for name in set(sys.modules) - before:
        if name == "micropython" or name.partition(".")[0] == "bracelet":
            del sys.modules[name]
