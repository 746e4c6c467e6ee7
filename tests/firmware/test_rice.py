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
from features_harness import acc_of, ppg_of, trace_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.recordings import load
from vigie.micropython import MicroPython
from vigie_protocol import rice

_FIRMWARE = Path(__file__).parents[2] / "firmware"
_RECORDINGS = Path(os.environ.get("VIGIE_TRACES", _FIRMWARE / ".." / ".." / "shared" / "traces"))
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
    # What just has room has room, and what has not says how much it takes.
    assert device.pack(values, *samples.shape, out, 7, end) == end
    assert device.pack(values, *samples.shape, out, 7, end - 1) == 7 - end


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


@pytest.mark.skipif(
    not (_RECORDINGS / "load.py").is_file(),
    reason=f"no recordings at {_RECORDINGS}: set VIGIE_TRACES to their folder",
)
@pytest.mark.parametrize("name", ["bami1", "ieee_spc", "wesad"])
def test_what_wrists_measured_is_packed_as_by_the_reference_and_comes_back(device: Any, name: str) -> None:
    trace = trace_of(next(iter(load(_RECORDINGS).recordings(name))))
    for samples, count in ((ppg_of(trace)[:, None], 128), (acc_of(trace), 48)):
        for begin in range(0, 20 * count, count):
            record = samples[begin : begin + count]
            out = bytearray(_ROOM)
            end = device.pack(array("i", record.ravel().tolist()), *record.shape, out, 0, _ROOM)
            assert bytes(out[:end]) == rice.encode(record)
            assert (rice.decode(bytes(out[:end]), *record.shape) == record).all()


def test_packing_takes_no_heap(micropython: MicroPython) -> None:
    program = """
import micropython
from array import array
from bracelet import rice
values = array("i", [index * index * 37 % 200003 for index in range(384)])
out = bytearray(2000)
micropython.heap_lock()
end = rice.pack(values, 128, 3, out, 0, 2000)
micropython.heap_unlock()
print(end)
"""
    ran = subprocess.run(
        [*micropython.command, "-c", program],
        env={**os.environ, "MICROPYPATH": str(_FIRMWARE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) > 384


def test_both_ends_have_the_same_predictors(device: Any) -> None:
    assert [each - 128 for each in device.TAPS] == [tap for taps in rice.TAPS for tap in taps]
