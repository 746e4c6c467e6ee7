"""Recordings of known content, as files of every format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from edfio import Bdf, BdfSignal, Edf, EdfSignal

RATE_HZ = 50.0

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wrist:
    """A still wrist, then a walking one: 72 beats and later 100 steps a minute."""

    ppg: Float64
    acc_g: Float64


def wrist(seconds: float = 150.0, *, seed: int = 0, bpm: float = 72.0, walk_from_s: float = 80.0) -> Wrist:
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    beat = 2 * np.pi * (bpm / 60 * time_s + 0.02 * np.sin(2 * np.pi * 0.1 * time_s))
    ppg = 1000 + 10 * (np.sin(beat) + 0.4 * np.sin(2 * beat + 0.7)) + 0.3 * rng.standard_normal(time_s.size)
    step = 2 * np.pi * 100 / 60 * time_s
    walking = (time_s >= walk_from_s) & (time_s < walk_from_s + 60)
    swing = np.stack(
        [0.3 * np.sin(step) + 0.15 * np.sin(2 * step), 0.2 * np.sin(step / 2), 0.25 * np.sin(step + 1)]
    )
    acc_g = np.array([[0.1], [0.2], [0.97]]) + 0.004 * rng.standard_normal((3, time_s.size)) + walking * swing
    return Wrist(np.stack([ppg, 0.7 * ppg]), acc_g)


def write_edf(path: Path, made: Wrist, **more: Any) -> Path:
    """As EDF or BDF, the suffix says which, with foreign labels and units."""
    kind, file = (BdfSignal, Bdf) if path.suffix == ".bdf" else (EdfSignal, Edf)
    signals: list[Any] = [
        kind(row, RATE_HZ, label=f"wrist_ppg_{k}", physical_dimension="mV") for k, row in enumerate(made.ppg)
    ]
    signals += [
        kind(
            9.80665 * row, RATE_HZ, label=f"accel {axis}", physical_dimension="m/s2", physical_range=(-80, 80)
        )
        for axis, row in zip("xyz", made.acc_g, strict=True)
    ]
    file(signals, data_record_duration=1, **more).write(path)
    return path


def write_npz(path: Path, made: Wrist, **more: Any) -> Path:
    content: dict[str, Any] = {
        "ppg": made.ppg,
        "ppg_rate_hz": RATE_HZ,
        "acc": made.acc_g,
        "acc_rate_hz": RATE_HZ,
    }
    np.savez(path, **(content | more))
    return path


def write_csv(path: Path, made: Wrist, time: list[Any] | None = None, delimiter: str = ",") -> Path:
    """Columns t, green, red, ax, ay, az; acceleration in mg."""
    count = made.ppg.shape[1]
    stamps = list(range(count)) if time is None else time
    rows = [delimiter.join(("t", "green", "red", "ax", "ay", "az"))]
    columns = np.concatenate([made.ppg, 1000 * made.acc_g]).T.tolist()
    for stamp, values in zip(stamps, columns, strict=True):
        rows.append(delimiter.join([str(stamp), *("" if np.isnan(v) else f"{v:.6g}" for v in values)]))
    path.write_text("\n".join(rows) + "\n")
    return path


CSV_COLUMNS = ("--columns", "ppg=green,red", "--columns", "acc=ax,ay,az [mg]")
