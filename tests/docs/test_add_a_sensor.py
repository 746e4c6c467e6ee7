"""The tutorial "Add a sensor": its blocks go as printed into a copy of the sources, and its commands run there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from vigie.micropython import MicroPythonMissing, find

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/add-a-sensor.md"
SOURCES = ("docs", "firmware", "protocol", "rig", "sdk", "signal", "tests/firmware", "tests/protocol")
FILES = ("Makefile", "constraints.txt", "hatch_build.py", "pyproject.toml", "tests/conftest.py")
STAYS = re.compile(r"\S*vigie board start")
ENDLESS = re.compile(r"\S*python skin_temperature\.py")
LINES = 4

_FENCE = re.compile(r"^```(\{code-block\} python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r":caption: '`([^`]+)`(?:, (after|instead of) `([^`]+)`)?'\n")


@dataclass(frozen=True)
class Block:
    """One block of the page: code with its place, or commands."""

    text: str
    path: str = ""
    verb: str = ""
    anchor: str = ""


def blocks_of(page: str) -> list[Block]:
    blocks: list[Block] = []
    for language, content in _FENCE.findall(page):
        if language == "sh":
            blocks.append(Block(content))
            continue
        caption = _CAPTION.match(content)
        assert caption, f"a block of code does not say where it goes: {content[:80]!r}"
        path, verb, anchor = caption.groups(default="")
        blocks.append(Block(content[caption.end() :], path, verb, anchor))
    return blocks


@dataclass(frozen=True)
class Checkout:
    """A copy of the sources, with the virtual environment of this one."""

    folder: Path
    environment: dict[str, str]

    def apply(self, block: Block) -> None:
        target = self.folder / block.path
        if not block.verb:
            assert not target.exists(), f"{block.path} is there already"
            target.write_text(block.text, encoding="utf-8")
            return
        lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
        found = [at for at, line in enumerate(lines) if line.strip() == block.anchor]
        assert found, f"{block.path} has no line {block.anchor!r}"
        assert len(found) == 1, f"{block.path} has {len(found)} lines {block.anchor!r}"
        lines[found[0] + (block.verb == "after") : found[0] + 1] = [block.text]
        target.write_text("".join(lines), encoding="utf-8")

    def start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command.split(),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        process = self.start(command)
        said = _said_by_its_end(process, timeout_s=300)
        assert process.returncode == 0, f"{command}\n{said}"
        return said

    @contextmanager
    def running(self, command: str) -> Generator[subprocess.Popen[str]]:
        process = self.start(command)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            _said_by_its_end(process, timeout_s=60)


def _said_by_its_end(process: subprocess.Popen[str], timeout_s: float) -> str:
    try:
        return process.communicate(timeout=timeout_s)[0]
    finally:
        process.kill()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    try:
        find()
    except MicroPythonMissing as missing:
        pytest.skip(f"the tutorial runs the firmware: {missing}")
    if shutil.which("make") is None:
        pytest.skip("the tutorial uses make")
    folder = tmp_path / "vigie"
    unwanted = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    _lend_environment(folder / ".venv")
    rooms = [str(folder / room) for room in ("sdk", "protocol", "signal", "rig")]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST", "COV"))
    }
    settings = {"PYTHONPATH": os.pathsep.join(rooms), "PYTHONUNBUFFERED": "1", "PIP_DRY_RUN": "1"}
    return Checkout(folder, kept | settings)


def _lend_environment(into: Path) -> None:
    """The programs of the environment that runs this test; marked as up to date, so that make installs nothing."""
    (into / "bin").mkdir(parents=True)
    own = Path(sys.prefix)
    for name in ("lib", "lib64", "pyvenv.cfg"):
        if (own / name).exists():
            (into / name).symlink_to(own / name)
    for program in (own / "bin").iterdir():
        if program.name != ".installed":
            (into / "bin" / program.name).symlink_to(program)
    (into / "bin/.installed").touch()


def test_the_page_names_the_place_of_every_block() -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = blocks_of(page)
    assert len(blocks) == page.count("\n```") // 2
    assert [block.path for block in blocks if block.path and not block.verb] == [
        "firmware/bracelet/drivers/tmp117.py",
        "firmware/bracelet/temperature.py",
        "rig/vigie_rig/sensors/tmp117.py",
        "skin_temperature.py",
        "tests/firmware/test_skin_temperature.py",
    ]


def test_who_follows_the_page_has_a_new_sensor(checkout: Checkout) -> None:
    blocks = blocks_of(PAGE.read_text(encoding="utf-8"))
    port, printed, tested = "", "", ""
    with ExitStack() as stack:
        for block in blocks:
            if block.path:
                checkout.apply(block)
                continue
            for command in block.text.replace("PATH", port or "PATH").splitlines():
                if STAYS.match(command):
                    board = stack.enter_context(checkout.running(command))
                    assert board.stdout is not None
                    port = board.stdout.readline().strip()
                elif ENDLESS.match(command):
                    with checkout.running(command) as script:
                        assert script.stdout is not None
                        printed = "".join(script.stdout.readline() for _ in range(LINES))
                else:
                    said = checkout.run(command)
                    tested += said if "pytest" in command else ""
    temperatures = [float(each) for each in re.findall(r"s +(\d+\.\d+) °C$", printed, re.MULTILINE)]
    assert len(temperatures) == LINES, printed
    assert all(29 <= each < 33.5 for each in temperatures)
    assert temperatures == sorted(temperatures)
    assert re.search(r"\b\d+ passed\b", tested)
    assert "skipped" not in tested
