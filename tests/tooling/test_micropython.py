"""MicroPython is found where the documentation says, in that order, and nothing unfit is taken."""

import stat
from pathlib import Path

import pytest

from vigie import micropython
from vigie.micropython import MicroPythonMissing, parse_version


def program(path: Path, answer: str) -> Path:
    """Write an executable that answers the question about its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "{answer}"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder on PATH, on a machine with no MicroPython at all."""
    monkeypatch.delenv("VIGIE_MICROPYTHON", raising=False)
    monkeypatch.setenv("VIGIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("micropython (1, 25, 0, '')\n", (1, 25, 0)),
        ("micropython (1, 27, 0, 'preview')", (1, 27, 0)),
        ("micropython (10, 0, 12)", (10, 0, 12)),
        ("cpython sys.version_info(major=3, minor=11)", None),
        ("micropython 1.25", None),
        ("", None),
    ],
)
def test_versions_are_read(answer: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(answer) == version


def test_nothing_found_says_what_to_type(bare: Path) -> None:
    with pytest.raises(MicroPythonMissing, match=r"1\.25\.0 or newer was not found") as caught:
        micropython.find()
    assert caught.value.remedy
    assert str(caught.value).endswith(caught.value.remedy)


def test_the_program_on_path_is_taken(bare: Path) -> None:
    path = program(bare / "micropython", "micropython (1, 25, 0, '')")
    found = micropython.find()
    assert (found.command, found.version, found.version_text) == ((str(path),), (1, 25, 0), "1.25.0")


def test_an_old_one_on_path_is_passed_over_and_named(bare: Path) -> None:
    program(bare / "micropython", "micropython (1, 22, 1, '')")
    with pytest.raises(MicroPythonMissing, match=r"is 1\.22\.1"):
        micropython.find()


def test_the_named_program_comes_before_path(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare / "micropython", "micropython (1, 25, 0, '')")
    mine = program(tmp_path / "with space/mine", "micropython (1, 26, 1, '')")
    monkeypatch.setenv("VIGIE_MICROPYTHON", str(mine))
    assert micropython.find().command == (str(mine),)


@pytest.mark.parametrize("answer", ["micropython (1, 20, 0, '')", "something else"])
def test_a_named_program_that_does_not_serve_is_never_replaced(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    program(bare / "micropython", "micropython (1, 25, 0, '')")
    monkeypatch.setenv("VIGIE_MICROPYTHON", str(program(tmp_path / "mine", answer)))
    with pytest.raises(MicroPythonMissing, match="VIGIE_MICROPYTHON names"):
        micropython.obtain()


def test_a_name_that_is_no_program_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIE_MICROPYTHON", "/nowhere/micropython")
    with pytest.raises(MicroPythonMissing, match="is no program"):
        micropython.find()


def test_an_unpacked_copy_runs_by_its_own_loader(bare: Path, tmp_path: Path) -> None:
    root = tmp_path / "cache/micropython-trixie"
    loader = program(root / "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1", "micropython (1, 25, 0, '')")
    inside = program(root / "usr/bin/micropython", "never run by itself")
    found = micropython.find()
    assert found.command == (str(loader), "--library-path", str(loader.parent), str(inside))
    assert "Debian" in found.source


def test_the_one_on_this_machine_runs_what_it_is_given() -> None:
    try:
        found = micropython.find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    assert found.version >= micropython.OLDEST_VERSION
    assert micropython.ask_version(found.command) == found.version


@pytest.mark.soak
def test_debians_package_is_unpacked_into_an_empty_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIGIE_CACHE", str(tmp_path))
    try:
        found = micropython.install()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    assert found.version >= micropython.OLDEST_VERSION
    assert [path.name for path in tmp_path.iterdir()] == ["micropython-trixie"]
