"""What the README says is so: its example runs as printed, and every command that it names is there."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vigie.cli import run
from vigie_rig.boards import require
from vigie_rig.boards.serve import BoardThread
from vigie_rig.errors import BoardMissing
from vigie_rig.traces import synthesize

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PORT = "serial:/dev/ttyACM0"
LINES = 12
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(language: str) -> list[str]:
    return [content for name, content in _FENCE.findall(README) if name == language]


def commands() -> list[list[str]]:
    """Every line of shell, and what stands between backticks in the text, as words."""
    in_text = re.findall(r"`([^`\n]+)`", _FENCE.sub("", README))
    return [
        shlex.split(line, comments=True) for block in (*fences("sh"), *in_text) for line in block.splitlines()
    ]


def named(program: str) -> list[list[str]]:
    return [words[1:] for words in commands() if words[:1] == [program] and len(words) > 1]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A running bracelet."""
    try:
        require("unix")
    except BoardMissing as error:
        pytest.skip(f"no unix board: {error}")
    with BoardThread("unix", tmp_path / "board", synthesize(seed=1, minutes=1)) as board:
        yield board.address


def test_the_example_streams_both_sensors_until_interrupted(address: str, tmp_path: Path) -> None:
    (example,) = (block for block in fences("python") if "vigie.connect(" in block)
    assert example.count(PORT) == 1
    script = tmp_path / "ten_lines.py"
    script.write_text(example.replace(PORT, address), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-u", "-W", "error", str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        hello, *blocks = [process.stdout.readline() for _ in range(LINES)]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert hello.startswith("Hello("), errors
    assert "Status(" in hello
    assert {block.split()[0] for block in blocks} == {"PPG", "ACCELEROMETER"}
    assert errors.strip().endswith("KeyboardInterrupt"), errors
    # It stopped its streams before it went: the next one finds the bracelet at rest.
    assert run(["info", address]) == 0


def test_every_vigie_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    lines = named("vigie")
    assert len(lines) > 5
    for words in lines:
        plain = [word for word in words if word.isalpha()]
        command = plain[:2] if words[0] == "board" else plain[:1]
        assert run([*command, "--help"]) == 0, words
        shown = capsys.readouterr().out
        missing = [word for word in words if word.startswith("--") and word not in shown]
        assert not missing, f"vigie {' '.join(command)} has no {', '.join(missing)}"


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("task", sorted({words[0] for words in named("make")}))
def test_every_make_task_is_there(task: str) -> None:
    done = subprocess.run(["make", "-n", task], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_that_it_links_to_is_there() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).exists()] == []
