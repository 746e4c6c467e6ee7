"""The command is a table: listed without importing, loaded when used, and it ends as a shell expects."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from vigie.cli import GROUP

COMMANDS = '''
import os
import signal
import sys

import click

print("imported", file=sys.stderr)


@click.command()
def fine() -> None:
    """Say that all is well."""
    click.echo("well")


@click.command()
def verdict() -> int:
    """End with a status."""
    return 3


@click.command()
def lost() -> None:
    """Lose the bracelet."""
    from vigie.errors import VigieError

    raise VigieError("the bracelet is gone: plug it in")


@click.command()
def interrupted() -> None:
    """Be stopped by Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
'''


@pytest.fixture
def extra_commands(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine where another package adds commands."""
    package = tmp_path / "vigie_gauge"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "commands.py").write_text(COMMANDS)
    (package / "broken.py").write_text(f"import not_installed\n{COMMANDS}")
    names = ("fine", "verdict", "lost", "interrupted")
    table = [f"{name} = vigie_gauge.commands:{name}" for name in names]
    table.append("gauge = vigie_gauge.broken:fine")
    metadata = tmp_path / "vigie_gauge-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: vigie-gauge\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *table]))
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def vigie(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from vigie.cli import main; main()", *words],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        timeout=60,
    )


def test_help_lists_every_command_with_its_line_and_imports_none(extra_commands: dict[str, str]) -> None:
    done = vigie("--help", env=extra_commands)
    assert done.returncode == 0
    assert done.stderr == ""
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert {entry.name for entry in entry_points(group=GROUP)} <= listed
    assert "Say that all is well." in done.stdout
    assert "Say what is missing on this machine" in done.stdout


def test_a_command_runs(extra_commands: dict[str, str]) -> None:
    done = vigie("fine", env=extra_commands)
    assert (done.returncode, done.stdout) == (0, "well\n")


def test_a_command_may_return_its_status(extra_commands: dict[str, str]) -> None:
    assert vigie("verdict", env=extra_commands).returncode == 3


def test_an_error_of_the_sdk_is_one_line_without_traceback(extra_commands: dict[str, str]) -> None:
    done = vigie("lost", env=extra_commands)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["imported", "vigie: the bracelet is gone: plug it in"]


def test_ctrl_c_ends_cleanly(extra_commands: dict[str, str]) -> None:
    done = vigie("interrupted", env=extra_commands)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_missing_package_names_the_extra_to_install(extra_commands: dict[str, str]) -> None:
    done = vigie("gauge", env=extra_commands)
    assert done.returncode == 2
    assert "needs not_installed" in done.stderr
    assert "pip install 'vigie[gauge]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("no-such-command",), ("--no-such-option",), ("doctor", "--moon")])
def test_wrong_usage_is_status_2(words: tuple[str, ...]) -> None:
    done = vigie(*words)
    assert done.returncode == 2
    assert "Usage: vigie" in done.stderr


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert vigie("--version").stdout == f"vigie {version('vigie')}\n"


def test_doctor_finds_nothing_missing_or_says_what_to_do() -> None:
    done = vigie("doctor")
    assert done.returncode in {0, 1}
    assert ("Nothing needed is missing." in done.stdout) == (done.returncode == 0)


def test_doctor_gives_the_remedy_for_a_wrong_micropython() -> None:
    done = vigie("doctor", env={**os.environ, "VIGIE_MICROPYTHON": "/nowhere", "COLUMNS": "200"})
    assert done.returncode == 1
    row = next(line for line in done.stdout.splitlines() if "MicroPython" in line)
    assert "missing" in row
    assert "unset it" in done.stdout
    assert "Missing: MicroPython" in done.stdout.replace("compiled firmware, ", "")
