"""The features that the firmware works out are those of the NumPy reference, to the last bit, however they come."""

from __future__ import annotations

import ast
import dataclasses
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import features_board
import numpy as np
import pytest
from features_harness import Call, Wrist, acc_of, play, ppg_bytes, ppg_of, write_tape
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie.micropython import MicroPython
from vigie_rig.traces import synthesize
from vigie_signal.on_device import DeviceEvent, Event, Features, Minute, Piece, PpgWindow

_FIRMWARE = Path(__file__).parents[2] / "firmware"
_ACC_RATES_DECIHZ = (260, 520, 1040, 2080, 4160)


@pytest.fixture(scope="module")
def minute_features(on_cpython: Callable[[str], Any]) -> Any:
    return on_cpython("bracelet.features.minute").MinuteFeatures


def _moving(rng: np.random.Generator, samples: int, every: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Spans of stillness, walking, shaking, blows and the ends of the scale, one after the other."""
    parts: list[Any] = []
    while sum(map(len, parts)) < samples:
        n = int(rng.integers(1, 400)) * every
        kind = rng.integers(6)
        gravity = rng.normal(size=3)
        gravity *= 4096 / np.linalg.norm(gravity)
        t = np.arange(n)[:, None] / (26 * every)
        swing = np.sin(2 * np.pi * rng.uniform(0.5, 3.5) * t) * rng.normal(size=3) * 1500
        noise = rng.normal(size=(n, 3)) * 10
        blow = np.zeros((n, 3))
        blow[n // 2 : n // 2 + 8 * every] = rng.normal(size=3) * 16000
        part = {
            0: gravity + noise,
            1: gravity + swing + noise,
            2: gravity + rng.normal(size=(n, 3)) * 6000,
            3: gravity + blow * rng.choice([-1, 1], (n, 1)) + noise,
            4: rng.choice([-32768, 32767], (n, 3)),
            5: np.zeros((n, 3)),
        }[int(kind)]
        parts.append(part)
    return np.clip(np.concatenate(parts)[:samples], -32768, 32767).astype(np.int64)


def _lit(rng: np.random.Generator, samples: int, rate_hz: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A pulse, more or less; or noise, darkness or the ends of the scale."""
    t = np.arange(samples) / rate_hz
    phase = 2 * np.pi * (rng.uniform(0.5, 4) * t + 0.1 * np.sin(t))
    pulse = rng.choice([-1, 1]) * np.maximum(np.sin(phase), -0.4) * rng.uniform(10, 5000)
    counts = rng.uniform(0, 2**18) + pulse + rng.normal(size=samples) * rng.choice([0, 20, 3000])
    if rng.random() < 0.2:
        counts = rng.choice([0, 2**18 - 1], samples)
    return np.clip(counts, 0, 2**18 - 1).astype(np.int64)


@st.composite
def wrists(draw: st.DrawFn) -> Wrist:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rate_decihz = draw(st.sampled_from(_ACC_RATES_DECIHZ[:3]))
    ppg_rate_hz = draw(st.sampled_from([50, 100]))
    every = rate_decihz // 260
    samples = draw(st.integers(1, 4000)) * every
    windows: list[PpgWindow] = []
    at = draw(st.integers(0, 200))
    while at < samples - 1:
        stop = at + draw(st.integers(1, 1200)) * every
        pieces: list[Piece] = []
        for _ in range(draw(st.integers(0, 4))):
            where = draw(st.integers(at, min(stop, samples) - 1))
            counts = _lit(rng, draw(st.integers(0, 1500)) * ppg_rate_hz // 50, ppg_rate_hz)
            lost = draw(st.sampled_from([0, 0, 0, 7]))
            pieces.append(Piece(where, lost=lost) if lost else Piece(where, counts))
        pieces.sort(key=lambda piece: piece.at)
        windows.append(PpgWindow(at, min(stop, samples), pieces, draw(st.sampled_from([0, 200, 6400]))))
        at = windows[-1].stop + draw(st.integers(0, 300))
    places = st.lists(st.integers(0, samples), max_size=4).map(sorted)
    return Wrist(
        _moving(rng, samples, every),
        windows,
        draw(places),
        [(at, draw(st.integers(1, 500))) for at in draw(places) if at < samples],
        acc_rate_decihz=rate_decihz,
        acc_range_g=draw(st.sampled_from([2, 4, 8, 16])),
        ppg_rate_hz=ppg_rate_hz,
        ppg_rate_1024=draw(st.sampled_from([1024, 990, 1055])),
    )


@settings(max_examples=80, deadline=None)
@given(wrist=wrists(), seed=st.integers(0, 1000), longest=st.sampled_from([1, 5, 40, 5000]))
def test_any_samples_in_any_blocks_with_any_gaps_give_what_the_reference_says(
    minute_features: Any, wrist: Wrist, seed: int, longest: int
) -> None:
    dice = random.Random(seed)
    calls = wrist.calls(lambda: dice.randint(1, longest))
    features = minute_features(*wrist.settings)
    features.pulse.rate_1024 = wrist.ppg_rate_1024
    assert play(features, calls) == wrist.reference()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_of_several_channels_the_first_is_read_and_nothing_outside_of_windows(
    minute_features: Any, channels: int
) -> None:
    pulse = np.where(np.arange(1000) % 50 < 10, 120_000, 130_000)
    block = np.full((1000, channels), 7)
    block[:, 0] = pulse
    into = bytearray(7)
    features = minute_features(260, 8, 50)
    features.ppg(ppg_bytes(block), 0, 1000, channels)
    features.ppg_stopped()
    features.close_minute(into)
    assert into[0] == 0
    features.ppg_started()
    features.ppg(ppg_bytes(block), 0, 1000, channels)
    features.ppg_stopped()
    features.close_minute(into)
    assert into[0] == 60
    assert features.ppg_level == int(pulse.mean())


@pytest.mark.parametrize("rate_decihz", _ACC_RATES_DECIHZ)
@pytest.mark.parametrize("range_g", [2, 4, 8, 16])
def test_every_setting_is_that_of_the_reference(minute_features: Any, rate_decihz: int, range_g: int) -> None:
    rng = np.random.default_rng(1)
    acc = _moving(rng, 1600 * rate_decihz // 260, rate_decihz // 260)
    wrist = Wrist(acc, minute_ends=[len(acc)], acc_rate_decihz=rate_decihz, acc_range_g=range_g)
    assert play(minute_features(*wrist.settings), wrist.calls()) == wrist.reference()


@pytest.mark.parametrize("changes", [{"acc_rate_decihz": 125}, {"acc_range_g": 3}, {"ppg_rate_hz": 800}])
def test_settings_that_it_has_no_answer_for_are_refused_by_both(
    on_cpython: Callable[[str], Any], minute_features: Any, changes: dict[str, int]
) -> None:
    wrist = dataclasses.replace(Wrist(np.zeros((30, 3), np.int64), [PpgWindow(0, 30, [])]), **changes)
    unsupported = on_cpython("bracelet.drivers.unsupported").Unsupported
    with pytest.raises(unsupported, match=next(iter(changes))):
        minute_features(*wrist.settings)
    with pytest.raises(unsupported, match=next(iter(changes))):
        on_cpython("bracelet.features.minute").check(*wrist.settings)
    with pytest.raises(ValueError, match=next(iter(changes))):
        wrist.reference()


def _synthetic() -> Wrist:
    """Three minutes of rest, walk, run, a fall and the bracelet taken off, a window of PPG every half minute."""
    trace = synthesize(seed=3, minutes=3)
    acc, counts = acc_of(trace), ppg_of(trace)
    windows = [
        PpgWindow(
            round(at_s * 26.04),
            round((at_s + 20) * 26.04),
            [
                Piece(round((at_s + s) * 26.04), counts[50 * (at_s + s) : 50 * (at_s + s + 1)])
                for s in range(20)
            ],
            6400,
        )
        for at_s in range(0, 155, 30)
    ]
    return Wrist(acc, windows, [1562, 3125, len(acc)], [(2000, 30)])


def _on_micropython(
    micropython: MicroPython, folder: Path, wrist: Wrist, calls: list[Call], *, locked: bool
) -> Features:
    write_tape(folder / "tape", calls)
    ran = subprocess.run(
        [
            *micropython.command,
            features_board.__file__,
            str(folder / "tape"),
            str(int(locked)),
            *map(str, wrist.settings),
        ],
        env={**os.environ, "MICROPYPATH": str(_FIRMWARE)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    minutes, events = ast.literal_eval(ran.stdout)
    return Features(
        tuple(Minute(*minute[:6]) for minute in minutes),
        tuple(Event(DeviceEvent(code), value, sample) for code, value, sample in events),
    )


def test_micropython_says_what_the_reference_says(micropython: MicroPython, tmp_path: Path) -> None:
    wrist = _synthetic()
    found = _on_micropython(micropython, tmp_path, wrist, wrist.calls(), locked=False)
    assert found == wrist.reference()
    assert found.minutes[0].bpm
    assert any(minute.steps for minute in found.minutes)


def test_neither_samples_nor_their_extremes_need_the_heap(micropython: MicroPython, tmp_path: Path) -> None:
    """On the 32-bit board an integer beyond 30 bits would be an object, too."""
    rng = np.random.default_rng(5)
    extremes = rng.choice([-32768, 0, 32767], (1600, 3))
    counts = rng.choice([0, 2**18 - 1], 1100)
    still = np.tile([0, 0, 2048], (1600, 1))
    square = np.where(np.arange(1600) % 20 < 10, 2**18 - 1, 0)
    walk = still + (np.sin(np.arange(1600) / 2)[:, None] * 2000).astype(np.int64)
    wrist = Wrist(
        np.concatenate([still, walk, extremes]),
        [
            PpgWindow(10, 500, [Piece(10, counts)], 51000),
            PpgWindow(700, 1500, [Piece(700, square[:1000]), Piece(710, lost=9), Piece(710, square)], 51000),
            PpgWindow(3300, 4700, [Piece(3300, counts)], 51000),
        ],
        [1600, 3200, 4800],
        [(4500, 3)],
        acc_range_g=16,
    )
    reference = wrist.reference()
    # An event is the only thing that takes memory.
    assert reference.events == ()
    assert reference.minutes[0].bpm == 150
    assert reference.minutes[1].steps > 50
    assert _on_micropython(micropython, tmp_path, wrist, wrist.calls(), locked=True) == reference


def test_what_it_holds_stays_under_ten_kilobytes(micropython: MicroPython) -> None:
    program = (
        "import gc; from bracelet.features.minute import MinuteFeatures; gc.collect(); before = gc.mem_alloc();"
        " features = MinuteFeatures(260, 8, 50); gc.collect(); print(gc.mem_alloc() - before)"
    )
    ran = subprocess.run(
        [*micropython.command, "-c", program],
        env={**os.environ, "MICROPYPATH": str(_FIRMWARE)},
        capture_output=True,
        text=True,
        check=True,
    )
    # Pointers of the 64-bit port are twice as long.
    assert int(ran.stdout) < (10_000 if micropython.word_bits == 32 else 11_500)
