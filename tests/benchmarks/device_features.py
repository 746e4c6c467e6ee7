"""Accuracy of the features that the bracelet works out by itself, as Markdown tables.

    python tests/benchmarks/device_features.py [FOLDER]

FOLDER holds the recordings and their ``load.py`` (default: ``VIGIE_TRACES``, then ``../shared/traces``). Each is played
through the models of the sensors: counts of one green LED at 50 Hz, acceleration at 26 Hz and 8 g. What is measured is
the NumPy reference, which equals the firmware to the last bit (tests/firmware/test_features.py).
Parameters were tuned on the ``tune`` halves alone; quote the rows marked ``report``.
"""

# The harness of the firmware's tests is not where a type checker looks.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from training.recordings import (
    HEART_RATE_SETS,
    STEP_RATE_HZ,
    STEP_SETS,
    Float64,
    Recording,
    fall_acceleration,
    heart_rate_reference,
    load,
    step_acceleration,
)
from vigie_rig.traces import Trace
from vigie_signal import track_heart_rate
from vigie_signal.on_device import Features, Minute, Piece, PpgWindow, on_device_features

sys.path.insert(0, str(Path(__file__).parents[1] / "firmware"))
from features_harness import acc_of, ppg_of, trace_of

Int64 = npt.NDArray[np.int64]

ACC_RATE_HZ = 10000 / 384
PPG_RATE_HZ = 50
LED_UA = 6400

WINDOW_S, HOP_S = 20, 10
STILL_MG = 22.5
"""Mean absolute deviation of the length below which one sits or lies, doi:10.1111/cpf.12127."""


def motion_of(acc_g: Float64, rate_hz: float, *, tail_s: float = 0.0) -> Features:
    """The features of a whole recording of motion, as one minute."""
    if len(acc_g) == 1:
        acc_g = np.concatenate([np.zeros((2, acc_g.shape[1])), acc_g])
    trace = Trace("motion", "", np.zeros((1, acc_g.shape[1])), ("green",), rate_hz, acc_g, rate_hz, None, ())
    acc: Int64 = acc_of(trace, tail_s=tail_s)
    # Steps in hand are counted at a gap.
    return on_device_features(
        np.concatenate([acc, acc[-1:]]),
        gaps=[(len(acc), 1)],
        acc_rate_decihz=260,
        acc_range_g=8,
        ppg_rate_hz=PPG_RATE_HZ,
        minute_ends=[*range(1562, len(acc), 1562), len(acc) + 1],
    )


@dataclass(frozen=True)
class WindowScore:
    """A window of 20 s: the truth, what the device says, and the tracker's mean error inside."""

    still: bool
    bpm: float
    minute: Minute
    tracker_error: float
    rmssd_ms: float

    @property
    def error(self) -> float:
        """In bpm; NaN without an answer."""
        return abs(self.minute.bpm - self.bpm) if self.minute.bpm else float("nan")


def windows_of(r: Recording) -> list[WindowScore]:
    """A window of 20 s every 10 s, each judged by itself."""
    trace: Trace = trace_of(r)
    acc: Int64 = acc_of(trace)
    counts: Int64 = ppg_of(trace)
    motion = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
    track = track_heart_rate(r["ppg"], ppg_rate_hz=r["ppg_rate_hz"], **motion)
    reference_s, reference_bpm = heart_rate_reference(r)
    tracker_error = np.abs(track.bpm - np.interp(track.time_s, reference_s, reference_bpm))
    beats_s: Float64 = np.asarray(r["beat_time_s"] - r["beat_lag_s"], np.float64)
    scores: list[WindowScore] = []
    for start_s in np.arange(0, len(counts) / PPG_RATE_HZ - WINDOW_S, HOP_S).tolist():
        stop_s = start_s + WINDOW_S
        here_acc = acc[int(start_s * ACC_RATE_HZ) : int(stop_s * ACC_RATE_HZ)]
        inside = (reference_s >= start_s + 4) & (reference_s <= stop_s - 4)
        if len(here_acc) < 0.9 * WINDOW_S * ACC_RATE_HZ or not inside.any():
            continue
        here = counts[int(start_s * PPG_RATE_HZ) : int(stop_s * PPG_RATE_HZ)]
        window = PpgWindow(0, len(here_acc), [Piece(0, here)], LED_UA)
        minute = on_device_features(
            here_acc,
            acc_rate_decihz=260,
            acc_range_g=8,
            ppg_rate_hz=PPG_RATE_HZ,
            windows=[window],
            minute_ends=[len(here_acc)],
        ).minutes[0]
        length_mg = np.sqrt((here_acc.astype(np.float64) ** 2).sum(axis=1)) * 0.244
        within = (track.time_s >= start_s + 4) & (track.time_s <= stop_s - 4)
        intervals_ms = 1000 * np.diff(beats_s[(beats_s >= start_s) & (beats_s <= stop_s)])
        scores.append(
            WindowScore(
                still=float(np.abs(length_mg - length_mg.mean()).mean()) < STILL_MG,
                bpm=float(reference_bpm[inside].mean()),
                minute=minute,
                tracker_error=float(np.nanmean(tracker_error[within])),
                rmssd_ms=float(np.sqrt((np.diff(intervals_ms) ** 2).mean()))
                if len(intervals_ms) > 8
                else np.nan,
            )
        )
    return scores


def heart_rate(traces: ModuleType) -> None:
    """Print heart rate and RMSSD by set and half."""
    print("## Heart rate, windows of 20 s\n")
    print(
        "| set | half | windows | still | of these answered | all answered | MAE | tracker there, online "
        "| off by > 5 | RMSSD answered | error ms (median) |"
    )
    print("|---" * 11 + "|")
    for name in HEART_RATE_SETS:
        for half in ("tune", "report"):
            scores = [score for r in traces.recordings(name, half) for score in windows_of(r)]
            if not scores:
                continue
            answered = [score for score in scores if score.minute.bpm]
            still = [score for score in scores if score.still]
            shares = [np.mean([bool(score.minute.bpm) for score in each]) for each in (still, scores) if each]
            off = np.array([score.error for score in answered])
            varied = [
                abs(2 * score.minute.rmssd - score.rmssd_ms)
                for score in answered
                if score.minute.rmssd and np.isfinite(score.rmssd_ms)
            ]
            print(
                f"| {name} | {half} | {len(scores)} | {len(still)} "
                f"| {f'{100 * shares[0]:.0f} %' if still else ''} | {100 * shares[-1]:.0f} % | {off.mean():.2f} "
                f"| {np.nanmean([score.tracker_error for score in answered]):.2f} | {100 * (off > 5).mean():.1f} % "
                f"| {sum(bool(score.minute.rmssd) for score in answered)} "
                f"| {f'{np.median(varied):.1f}' if varied else ''} |"
            )


def steps(traces: ModuleType) -> None:
    """Print the error of the steps."""
    print("\n## Steps\n")
    print("| set | half | walks | error mean | error median | hours without steps | false steps an hour |")
    print("|---" * 7 + "|")
    for name in STEP_SETS:
        for half in ("tune", "report"):
            off: list[float] = []
            false = hours = 0.0
            for r in traces.recordings(name, half):
                acc = step_acceleration(r)
                total = sum(minute.steps for minute in motion_of(acc, STEP_RATE_HZ).minutes)
                if r["true_steps"] >= 20:
                    off.append(100 * abs(total / r["true_steps"] - 1))
                elif r["true_steps"] == 0:
                    false, hours = false + total, hours + acc.shape[1] / STEP_RATE_HZ / 3600
            print(
                f"| {name} | {half} | {len(off)} | {np.mean(off):.1f} % | {np.median(off):.1f} % "
                f"| {hours:.2f} | {false / hours:.0f} |"
            )


def falls(traces: ModuleType) -> None:
    """Print how many falls are candidates, and what else is."""
    print("\n## Candidates of a fall\n")
    print(
        "| set | half | falls | found | other activities | without a candidate | hours | false candidates |"
    )
    print("|---" * 8 + "|")
    for name in ("weda", "geotec", "assist_iot", "pebble", "bangle", "bami1", "bami2"):
        for half in ("tune", "report"):
            found: dict[bool, list[int]] = {True: [], False: []}
            hours = 0.0
            for r in traces.recordings(name, half):
                acc, rate_hz = fall_acceleration(r)
                fell = bool(r.get("fall", False))
                # The last second goes on for four: what follows a fall is cut short.
                found[fell].append(len(motion_of(acc, rate_hz, tail_s=4.0).events))
                hours += 0 if fell else acc.shape[1] / rate_hz / 3600
            sensitivity = f"{100 * np.mean(np.array(found[True]) > 0):.0f} %" if found[True] else ""
            print(
                f"| {name} | {half} | {len(found[True])} | {sensitivity} | {len(found[False])} "
                f"| {100 * np.mean(np.array(found[False]) == 0):.1f} % | {hours:.2f} | {sum(found[False])} |"
            )


def main() -> int:
    """Print every table; without recordings say so."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("VIGIE_TRACES", Path(__file__).parents[2] / ".." / "shared" / "traces"))
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    folder: Path = parser.parse_args().folder
    if folder == default and not folder.exists():
        print("skipped: no recordings; pass their folder or name it in VIGIE_TRACES")
        return 0
    traces = load(folder)
    heart_rate(traces)
    steps(traces)
    falls(traces)
    return 0


if __name__ == "__main__":
    sys.exit(main())
