"""`vigie trace`: for a person at a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.io import savemat

from vigie_rig.traces import load_trace
from vigie_rig.traces.commands import trace


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(trace, [str(argument) for argument in arguments])


def test_synth_then_info_tell_the_same(tmp_path: Path) -> None:
    made = run("synth", tmp_path / "a.bdf", "--seed", "3", "--minutes", "1")
    told = run("info", tmp_path / "a.bdf")
    assert made.exit_code == told.exit_code == 0
    assert told.output.strip() in made.output.strip()
    for fact in ("synthetic-3", "1 min 0.0 s", "PPG green", "100 Hz", "bpm in", "mark: fall", "off-wrist"):
        assert fact in told.output


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_the_hash_is_told_whole_on_any_terminal(columns: str, tmp_path: Path) -> None:
    run("synth", tmp_path / "a.bdf", "--minutes", "1")
    told = CliRunner(env={"COLUMNS": columns}).invoke(trace, ["info", str(tmp_path / "a.bdf")])
    assert load_trace(tmp_path / "a.bdf").sha256 in "".join(told.output.split())


def test_synth_is_repeatable(tmp_path: Path) -> None:
    run("synth", tmp_path / "a.bdf", "--minutes", "1")
    run("synth", tmp_path / "b.bdf", "--minutes", "1")
    assert (tmp_path / "a.bdf").read_bytes() == (tmp_path / "b.bdf").read_bytes()


def test_import_brings_a_cup_recording_into_our_format(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    savemat(tmp_path / "DATA_09_TYPE02.mat", {"sig": rng.normal(0, 1, (6, 1250))})
    savemat(tmp_path / "DATA_09_TYPE02_BPMtrace.mat", {"BPM0": np.array([[72.0]])})
    done = run("import", tmp_path / "DATA_09_TYPE02.mat", tmp_path / "out.bdf")
    assert done.exit_code == 0
    assert "written" in done.output
    imported = load_trace(tmp_path / "out.bdf")
    assert imported.name == "DATA_09_TYPE02"
    assert imported.reference is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("info", "none.bdf"), "no such file"),
        (("info", "notes.txt"), "use .bdf, .edf, .mat or .npz"),
        (("import", "none.mat", "out.bdf"), "no such file"),
        (("synth", "out.csv"), "name it .bdf"),
        (("synth", "out.bdf", "--minutes", "0"), "ask for 1 minute"),
        (("synth", "out.bdf", "--minutes", "soon"), "Invalid value"),
        (("info",), "Missing argument"),
        (("dance",), "No such command"),
    ],
)
def test_bad_input_is_told_with_exit_status_2(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []
