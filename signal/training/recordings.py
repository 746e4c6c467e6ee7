"""The recordings to learn from and to be measured on, as both take them."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Recording = dict[str, Any]

HEART_RATE_SETS = ("ieee_spc", "bami1", "bami2", "physionet_wrist", "welltory")
STEP_SETS = ("pebble", "bangle", "sensorwatch")
STEP_RATE_HZ = 25

# documented as wrong in the recordings' README
_WRONG_FIRST = {"BAMI2_07", "BAMI2_08"}
# the offset of one recording is not known, the neighbours' is taken
_UNKNOWN_LAG_S = -3.2


def load(folder: Path) -> ModuleType:
    """Import the ``load.py`` of a folder of recordings: ``recordings(set, half)`` yields a dict each.

    Raises ``FileNotFoundError`` where there is none.
    """
    path = folder / "load.py"
    spec = importlib.util.spec_from_file_location("vigie_traces", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no load.py in {folder}: pass the folder of the recordings")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def heart_rate_reference(r: Recording) -> tuple[Float64, Float64]:
    """Times in seconds on the clock of the PPG, and the reference in bpm there."""
    offset_s = r["lag_s"] if np.isfinite(r["lag_s"]) else _UNKNOWN_LAG_S
    skip = int(r["name"] in _WRONG_FIRST)
    time_s: Float64 = np.asarray(r["ref_time_s"] - offset_s, np.float64)
    return time_s[skip:], np.asarray(r["ref_bpm"], np.float64)[skip:]


def on_even_grid(r: Recording, rate_hz: float) -> Float64:
    """The acceleration at even times: these recordings carry time stamps."""
    time_s: Float64 = np.asarray(r["t_ms"], np.float64) / 1000
    even_s = np.arange(0, float(time_s[-1]), 1 / rate_hz, dtype=np.float64)
    rows: list[Float64] = [
        cast(Float64, np.interp(even_s, time_s, row)) for row in np.asarray(r["acc"], np.float64)
    ]
    return np.stack(rows)


def step_acceleration(r: Recording) -> Float64:
    """Acceleration ``[3 or 1, n]`` in g at ``STEP_RATE_HZ``, of the sets with counted steps."""
    acc = on_even_grid(r, STEP_RATE_HZ)
    # a sum of absolute values is not 1 g at rest
    return acc / np.median(acc) if r.get("norm") == "l1" else acc


def fall_acceleration(r: Recording) -> tuple[Float64, float]:
    """Acceleration ``[3, n]`` in g and its rate in Hz, of any set."""
    acc, rate_hz = np.asarray(r["acc"], np.float64), float(r["acc_rate_hz"])
    if "fall" in r:  # stamps come in bursts: evenly spaced between the first and the last
        return acc, 1000 * (acc.shape[1] - 1) / float(np.ptp(r["t_ms"]))
    return (on_even_grid(r, rate_hz) if "t_ms" in r else acc), rate_hz
