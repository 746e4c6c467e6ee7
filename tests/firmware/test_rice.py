"""The device's packer of raw samples writes what the reference writes, to the last bit."""

from __future__ import annotations

import os
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rice_board
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vigie.micropython import MicroPython
from vigie_protocol import rice

_FIRMWARE = Path(__file__).parents[2] / "firmware"
_ROOM = 5000

Samples = NDArray[np.int64]


@pytest.fixture(scope="module")
def device(on_cpython: Callable[[str], Any]) -> Any:
    return on_cpython("bracelet.rice")


def _made(seed: int) -> Samples:
    """Stillness, noise, waves, blows or the ends of the scale."""
    rng = np.random.default_rng(seed)
    n, channels = int(rng.integers(1, 160)), int(rng.integers(1, 5))
    kind = rng.integers(5)
    if kind == 0:
        return np.full((n, channels), rng.integers(-(1 << 23), 1 << 23))
    if kind == 1:
        bits = int(rng.integers(1, 24))
        return rng.integers(-(1 << bits), 1 << bits, (n, channels))
    walk = rng.integers(-90, 91, (n, channels))
    for _ in range(int(rng.integers(1, 4))):
        walk = np.cumsum(walk, 0)
    if kind == 2:
        walk[rng.integers(n)] += rng.integers(-100_000, 100_000)
    return np.clip(walk, -(1 << 23), (1 << 23) - 1)


@given(seed=st.integers(0, 2**32))
def test_the_device_packs_as_the_reference_does(device: Any, seed: int) -> None:
    samples = _made(seed)
    values = array("i", samples.ravel().tolist())
    out = bytearray(b"\xaa" * _ROOM)
    end = device.pack(values, *samples.shape, out, 7, _ROOM)
    assert bytes(out[7:end]) == rice.encode(samples)
    assert set(out[:7] + out[end:]) == {0xAA}
    # What just has room has room, and what has not says so.
    assert device.pack(values, *samples.shape, out, 7, end) == end
    assert device.pack(values, *samples.shape, out, 7, end - 1) == -1


def test_micropython_packs_as_the_reference_does(micropython: MicroPython, tmp_path: Path) -> None:
    every = [_made(seed) for seed in range(150)]
    tape = tmp_path / "tape"
    tape.write_text("".join(f"{samples.shape} {samples.ravel().tolist()}\n" for samples in every))
    ran = subprocess.run(
        [*micropython.command, rice_board.__file__, str(tape)],
        env={**os.environ, "MICROPYPATH": str(_FIRMWARE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == [rice.encode(samples).hex() for samples in every]


def test_both_ends_have_the_same_predictors(device: Any) -> None:
    assert [each - 128 for each in device.TAPS] == [tap for taps in rice.TAPS for tap in taps]
