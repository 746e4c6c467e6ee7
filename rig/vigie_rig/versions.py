"""Versions of all that takes part in a bench."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Final

_PACKAGES: Final = ("vigie", "numpy", "scipy", "bokeh", "construct", "pyserial")


def versions() -> dict[str, str]:
    """Name to version: the interpreter, the system and the packages that matter."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
