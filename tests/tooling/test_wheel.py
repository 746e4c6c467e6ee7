"""What pip installs carries the firmware, whether built from the checkout or from a source distribution."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from vigie.firmware.build import boards, sources

ROOT = Path(__file__).resolve().parents[2]


def hatchling(target: str, source: Path, destination: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(destination)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return next(destination.iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an unpacked source distribution."""
    archive = hatchling("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as tar:
        # Python 3.11.2, the oldest that Vigie runs on, knows no filters; 3.12 wants one.
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel built from the source distribution."""
    return hatchling("wheel", sdist, tmp_path_factory.mktemp("wheel"))


def test_a_source_distribution_holds_sources_and_nothing_compiled(sdist: Path) -> None:
    assert (sdist / "firmware/bracelet/codec.py").is_file()
    assert (sdist / "tests").is_dir()
    assert not list(sdist.rglob("*.mpy"))


def test_a_wheel_fits_every_machine(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_a_wheel_holds_the_packages_with_their_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("vigie", "vigie_protocol", "vigie_signal", "vigie_rig"):
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "firmware/"))]


def test_a_wheel_holds_the_firmware_of_every_board(wheel: Path) -> None:
    if not boards(ROOT):
        pytest.skip("no board is wired yet in firmware/boards")
    names = zipfile.ZipFile(wheel).namelist()
    for board in boards(ROOT):
        assert f"vigie/firmware/{board}/manifest.json" in names
        for path in sources(ROOT, board):
            assert f"vigie/firmware/{board}/{path}" in names
