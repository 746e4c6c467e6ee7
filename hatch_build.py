"""Hatchling's build hook: compiles the firmware, so that every wheel carries what it flashes."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FirmwareBuildHook(BuildHookInterface[Any]):
    """Compiles each board's firmware into ``sdk/vigie/firmware/<board>`` and adds it to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile what is not up to date; for an editable install the folder in the checkout is enough."""
        root = Path(self.root)
        destination = root / "sdk/vigie/firmware"
        # By path: vigie itself is not importable where it is being built.
        compiler = runpy.run_path(str(destination / "build.py"))
        for board in compiler["boards"](root):
            compiler["build"](root, destination, board=board)
            build_data["artifacts"].append(f"sdk/vigie/firmware/{board}/**")
            power = root / "firmware/boards" / board / "power.toml"
            if version == "standard" and power.is_file():
                # What the board draws; an editable install reads it where it is.
                build_data["force_include"][str(power)] = f"vigie_rig/boards/{board}/power.toml"
