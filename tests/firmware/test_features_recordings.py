"""The firmware's features on real wrists: equal to the reference, and as accurate as was promised."""

from __future__ import annotations

import os
import subprocess
from ast import literal_eval
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import features_board
import numpy as np
import pytest
from features_harness import ACC_RATE_HZ, Wrist, acc_of, play, ppg_of, trace_of, write_tape

from training.recordings import (
    HEART_RATE_SETS,
    STEP_RATE_HZ,
    Recording,
    heart_rate_reference,
    load,
    step_acceleration,
)
from vigie.micropython import MicroPython
from vigie_rig.traces import Trace
from vigie_signal.on_device import Piece, PpgWindow

_ROOT = Path(__file__).parents[2]
_FOLDER = Path(os.environ.get("VIGIE_TRACES", _ROOT / ".." / "shared" / "traces"))
_STILL_MG = 22.5


@cache
def _traces() -> ModuleType:
    return load(_FOLDER)


pytestmark = pytest.mark.skipif(
    not (_FOLDER / "load.py").is_file(),
    reason=f"no recordings at {_FOLDER}: set VIGIE_TRACES to their folder",
)


@pytest.fixture(scope="module")
def minute_features(on_cpython: Callable[[str], Any]) -> Any:
    return on_cpython("bracelet.features.minute").MinuteFeatures


def _worn(recording: Recording) -> Wrist:
    """The recording as the standard plan at night has it: 20 s of each minute, a gap in the middle."""
    trace = trace_of(recording)
    acc, counts = acc_of(trace), ppg_of(trace)
    minutes = range(0, int(trace.duration_s) - 21, 60)

    def at(time_s: float) -> int:
        return round(time_s * ACC_RATE_HZ)

    windows = [
        PpgWindow(
            at(start_s),
            at(start_s + 20),
            [
                Piece(at(start_s + s / 2), counts[50 * start_s + 25 * s : 50 * start_s + 25 * (s + 1)])
                for s in range(40)
            ],
            6400,
        )
        for start_s in minutes
    ]
    ends = [at(start_s + 60) for start_s in minutes if at(start_s + 60) <= len(acc)]
    return Wrist(acc, windows, ends, [(len(acc) // 2, 40)])


@pytest.mark.parametrize("name", HEART_RATE_SETS)
def test_on_every_recording_of_a_pulse_the_firmware_says_what_the_reference_says(
    minute_features: Any, name: str
) -> None:
    answers = 0
    for recording in _traces().recordings(name):
        wrist = _worn(recording)
        reference = wrist.reference()
        assert play(minute_features(*wrist.settings), wrist.calls()) == reference, recording["name"]
        answers += sum(bool(minute.bpm) for minute in reference.minutes)
    assert answers


@pytest.mark.parametrize("name", ["pebble", "bangle"])
def test_on_every_walk_the_firmware_says_what_the_reference_says(minute_features: Any, name: str) -> None:
    steps = 0
    for recording in _traces().recordings(name, "report"):
        acc_g = step_acceleration(recording)
        still = np.zeros((1, acc_g.shape[1]))
        acc = acc_of(Trace("walk", "", still, ("green",), STEP_RATE_HZ, acc_g, STEP_RATE_HZ, None, ()))
        wrist = Wrist(acc, minute_ends=[*range(1562, len(acc), 1562), len(acc)])
        reference = wrist.reference()
        assert play(minute_features(*wrist.settings), wrist.calls()) == reference, recording["name"]
        steps += sum(minute.steps for minute in reference.minutes)
    assert steps


def test_micropython_says_the_same_on_a_recording(micropython: MicroPython, tmp_path: Path) -> None:
    wrist = _worn(next(iter(_traces().recordings("bami2"))))
    write_tape(tmp_path / "tape", wrist.calls())
    ran = subprocess.run(
        [
            *micropython.command,
            features_board.__file__,
            str(tmp_path / "tape"),
            "0",
            *map(str, wrist.settings),
        ],
        env={**os.environ, "MICROPYPATH": str(_ROOT / "firmware")},
        capture_output=True,
        text=True,
        check=True,
    )
    minutes, _ = literal_eval(ran.stdout)
    reference = wrist.reference()
    assert [tuple(minute[:6]) for minute in minutes] == [
        (each.bpm, each.confidence, each.rmssd, each.steps, each.activity, each.state)
        for each in reference.minutes
    ]
    assert any(minute.bpm for minute in reference.minutes)


def test_on_still_wrists_most_windows_are_answered_and_few_wrongly() -> None:
    """Every 20 s of the recordings that were not tuned on."""
    answered: list[bool] = []
    errors: list[float] = []
    for name in HEART_RATE_SETS:
        for recording in _traces().recordings(name, "report"):
            trace = trace_of(recording)
            acc, counts = acc_of(trace), ppg_of(trace)
            reference_s, reference_bpm = heart_rate_reference(recording)
            for start_s in range(0, int(trace.duration_s) - 20, 20):
                inside = (reference_s >= start_s + 4) & (reference_s <= start_s + 16)
                here = acc[int(start_s * ACC_RATE_HZ) : int((start_s + 20) * ACC_RATE_HZ)]
                if not inside.any():
                    continue
                piece = Piece(0, counts[50 * start_s : 50 * (start_s + 20)])
                wrist = Wrist(here, [PpgWindow(0, len(here), [piece], 6400)], [len(here)])
                bpm = wrist.reference().minutes[0].bpm
                length_mg = 0.244 * np.sqrt((here**2).sum(axis=1))
                if np.abs(length_mg - length_mg.mean()).mean() < _STILL_MG:
                    answered.append(bool(bpm))
                if bpm:
                    errors.append(abs(bpm - float(reference_bpm[inside].mean())))
    assert len(answered) > 40
    assert np.mean(answered) >= 0.6
    assert np.mean(errors) <= 1.5
    assert np.mean(np.array(errors) > 5) <= 0.03
