"""What the rig's tests need of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from vigie.micropython import cache_folder
from vigie_rig.boards import require
from vigie_rig.errors import BoardMissing

_CACHE = cache_folder()
"""Found before any test moves the home folder."""


@pytest.fixture
def board_is_there(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Skip where there is no MicroPython for the unix board; subprocesses find it too."""
    monkeypatch.setenv("VIGIE_CACHE", str(_CACHE))
    try:
        require("unix")
    except BoardMissing as error:
        pytest.skip(f"no unix board: {error}")
    return _CACHE
