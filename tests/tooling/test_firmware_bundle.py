"""What `load_bundle` gives is what was compiled from the sources that are there, or a typed error."""

import hashlib
import json
import runpy
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from vigie import micropython
from vigie.firmware import BundleDamaged, BundleMissing, BundleStale, available_boards, bundle, load_bundle
from vigie.firmware.build import BuildError, boards, build, schema_crc, sources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small checkout: two modules of the application, and the wiring of a board."""
    files = {
        "pyproject.toml": '[project]\nname = "vigie"\nversion = "9.8.7"\n',
        "firmware/bracelet/__init__.py": "",
        "firmware/bracelet/codec.py": "from micropython import const\nSCHEMA_CRC = const(0x00C0FFEE)\n",
        "firmware/bracelet/drivers/led.py": "def twice(x):\n    return 2 * x\n",
        "firmware/boards/unix/main.py": "import app\n",
        "firmware/boards/unix/app.py": "from bracelet.drivers import led\nprint(led.twice(21))\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the package folder of that checkout, compiled, from which bundles are loaded."""
    package = checkout / "sdk/vigie/firmware"
    build(checkout, package, board="unix")
    monkeypatch.setattr(bundle, "_folder", lambda: package)
    monkeypatch.setattr(bundle, "__file__", str(package / "bundle.py"))
    return package


def test_sources_become_bytecode_except_those_that_micropython_runs_itself(checkout: Path) -> None:
    assert list(sources(checkout, "unix")) == [
        "app.mpy",
        "bracelet/__init__.mpy",
        "bracelet/codec.mpy",
        "bracelet/drivers/led.mpy",
        "main.py",
    ]


def test_native_code_stays_source_because_its_bytecode_fits_one_processor(checkout: Path) -> None:
    led = checkout / "firmware/bracelet/drivers/led.py"
    led.write_text("import micropython\n\n@micropython.viper\ndef f(x: int) -> int:\n    return x\n")
    assert "bracelet/drivers/led.py" in sources(checkout, "unix")


def test_two_sources_for_one_path_are_refused(checkout: Path) -> None:
    clash = checkout / "firmware/boards/unix/bracelet/codec.py"
    clash.parent.mkdir()
    clash.write_text("")
    with pytest.raises(BuildError, match=r"both want to be bracelet/codec\.mpy"):
        sources(checkout, "unix")


def test_the_manifest_says_what_was_compiled(installed: Path) -> None:
    loaded = load_bundle("unix")
    manifest = loaded.manifest
    assert (manifest.version, manifest.board, manifest.schema_crc, manifest.mpy) == (
        "9.8.7",
        "unix",
        0x00C0FFEE,
        "6.3",
    )
    for entry in manifest.files:
        content = loaded.files[entry.path]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.size_bytes, entry.sha256)
    assert loaded.files["bracelet/codec.mpy"][:2] == b"M\x06"
    assert loaded.files["main.py"] == b"import app\n"


def test_what_is_up_to_date_is_not_compiled_again(checkout: Path, installed: Path) -> None:
    assert not build(checkout, installed, board="unix")
    (checkout / "firmware/bracelet/drivers/led.py").write_text("def twice(x):\n    return x + x\n")
    assert build(checkout, installed, board="unix")
    assert not build(checkout, installed, board="unix")


def test_a_removed_source_disappears_from_the_bundle(checkout: Path, installed: Path) -> None:
    (checkout / "firmware/boards/unix/app.py").unlink()
    build(checkout, installed, board="unix")
    assert "app.mpy" not in load_bundle().files
    assert not (installed / "unix/app.mpy").exists()


def test_changed_added_and_removed_sources_make_a_bundle_stale(checkout: Path, installed: Path) -> None:
    (checkout / "firmware/bracelet/drivers/led.py").write_text("")
    (checkout / "firmware/bracelet/more.py").write_text("")
    (checkout / "firmware/boards/unix/app.py").unlink()
    with pytest.raises(BundleStale, match="make firmware") as caught:
        load_bundle()
    assert caught.value.changed == (
        "firmware/boards/unix/app.py",
        "firmware/bracelet/drivers/led.py",
        "firmware/bracelet/more.py",
    )


def test_a_damaged_file_is_named(installed: Path) -> None:
    path = installed / "unix/bracelet/codec.mpy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleDamaged) as caught:
        load_bundle()
    assert caught.value.path == "bracelet/codec.mpy"


def test_a_lost_file_is_named(installed: Path) -> None:
    (installed / "unix/app.mpy").unlink()
    with pytest.raises(BundleDamaged) as caught:
        load_bundle()
    assert caught.value.path == "app.mpy"


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', "[1]"])
def test_an_unreadable_manifest_is_damage(installed: Path, text: str) -> None:
    (installed / "unix/manifest.json").write_text(text)
    with pytest.raises(BundleDamaged, match="manifest"):
        load_bundle()


@pytest.mark.parametrize("board", ["moon", "..", ""])
def test_an_unknown_board_is_answered_with_those_there_are(installed: Path, board: str) -> None:
    with pytest.raises(BundleMissing, match="there is unix") as caught:
        load_bundle(board)
    assert caught.value.known == ("unix",)


def test_a_source_that_does_not_compile_is_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / "firmware/bracelet/broken.py").write_text("def f(:\n")
    with pytest.raises(BuildError, match=r"broken\.py does not compile.*SyntaxError"):
        build(checkout, tmp_path / "bundles", board="unix")
    assert not (tmp_path / "bundles/unix").exists()


def test_a_checkout_without_codec_is_refused(checkout: Path) -> None:
    (checkout / "firmware/bracelet/codec.py").unlink()
    with pytest.raises(BuildError, match="SCHEMA_CRC"):
        schema_crc(checkout)


def test_micropython_imports_the_bytecode(installed: Path) -> None:
    try:
        found = micropython.find()
    except micropython.MicroPythonMissing as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [*found.command, "main.py"], cwd=installed / "unix", capture_output=True, text=True, check=True
    )
    assert done.stdout == "42\n"


def test_the_real_bundles_are_there_and_speak_the_schema_of_the_host() -> None:
    if not boards(ROOT):
        pytest.skip("no board is wired yet in firmware/boards")
    schema = pytest.importorskip("vigie_protocol.schema")
    assert available_boards() == boards(ROOT)
    for board in boards(ROOT):
        assert load_bundle(board).manifest.schema_crc == schema.SCHEMA_CRC


def test_the_firmware_says_the_version_of_the_package() -> None:
    source = ROOT / "firmware/bracelet/__init__.py"
    if not source.is_file():
        pytest.skip("the application is not there yet")
    firmware = runpy.run_path(str(source))
    assert ".".join(map(str, firmware["VERSION"])) == version("vigie")


def test_compiling_twice_gives_the_same_bytes(checkout: Path, tmp_path: Path) -> None:
    manifests: list[object] = []
    for name in ("one", "two"):
        build(checkout, tmp_path / name, board="unix")
        manifests.append(json.loads((tmp_path / name / "unix/manifest.json").read_text()))
        shutil.rmtree(tmp_path / name)
    assert manifests[0] == manifests[1]
