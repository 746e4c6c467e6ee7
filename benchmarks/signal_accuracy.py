"""Accuracy of ``vigie_signal`` on a folder of recordings, as Markdown tables.

    python benchmarks/signal_accuracy.py [FOLDER]

FOLDER holds the recordings and their ``load.py`` (default: ``VIGIE_TRACES``, then ``../shared/traces``).
Parameters were tuned on the ``tune`` halves of the sets alone; quote the rows marked ``report``.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from vigie_signal import track_heart_rate

Float64 = npt.NDArray[np.float64]

HEART_RATE_SETS = ("ieee_spc", "bami1", "bami2", "physionet_wrist", "welltory")
# documented as wrong in the recordings' README
WRONG_FIRST = {"BAMI2_07", "BAMI2_08"}
# the offset of one recording is not known, the neighbours' is taken
UNKNOWN_LAG_S = -3.2


def load(folder: Path) -> ModuleType:
    """Import the loader of the recordings."""
    spec = importlib.util.spec_from_file_location("vigie_traces", folder / "load.py")
    if spec is None or spec.loader is None or not (folder / "load.py").is_file():
        sys.exit(f"no load.py in {folder}: pass the folder of the recordings")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def track(r: dict[str, Any], lag_s: float) -> tuple[Float64, Float64]:
    """Errors in bpm (NaN where it abstains) and confidences, where there is a reference."""
    acc = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
    found = track_heart_rate(r["ppg"], ppg_rate_hz=r["ppg_rate_hz"], lag_s=lag_s, **acc)
    offset_s = r["lag_s"] if np.isfinite(r["lag_s"]) else UNKNOWN_LAG_S
    skip = int(r["name"] in WRONG_FIRST)
    reference_time_s: Float64 = np.asarray(r["ref_time_s"] - offset_s, np.float64)[skip:]
    reference_bpm: Float64 = np.asarray(r["ref_bpm"], np.float64)[skip:]
    truth = np.interp(found.time_s, reference_time_s, reference_bpm, left=np.nan, right=np.nan)
    known = np.isfinite(truth)
    return np.abs(found.bpm - truth)[known], found.confidence[known]


def heart_rate(traces: ModuleType) -> None:
    """Print the accuracy of `track_heart_rate` by set and half, and how its confidence holds."""
    print("## Heart rate\n")
    print(
        "| set | half | recordings | lag s | MAE | median | answered | within 5 | MAE at 80 % "
        "| answers at >= 0.9 | of these within 5 | of these off by > 10 |"
    )
    print("|---" * 12 + "|")
    for name in HEART_RATE_SETS:
        for half in ("tune", "report"):
            recordings = list(traces.recordings(name, half))
            for lag_s in (0.0, 6.0):
                scored = [track(r, lag_s) for r in recordings]
                if not scored:
                    continue
                means = [float(np.nanmean(error)) for error, _ in scored]
                error = np.concatenate([e for e, _ in scored])
                confidence = np.concatenate([c for _, c in scored])
                answered = np.isfinite(error)
                best = error[np.argsort(-confidence, kind="stable")][: int(0.8 * error.size)]
                sure = error[confidence >= 0.9]
                print(
                    f"| {name} | {half} | {len(scored)} | {lag_s:g} | {np.mean(means):.2f} "
                    f"| {np.median(means):.2f} | {answered.mean():.3f} | {(error[answered] < 5).mean():.3f} "
                    f"| {np.nanmean(best):.2f} | {sure.size / error.size:.3f} | {(sure < 5).mean():.3f} "
                    f"| {(sure > 10).mean():.4f} |"
                )
    print("\nCalibration, all `report` halves, online:\n")
    print("| confidence | share of windows | within 5 bpm |\n|---|---|---|")
    scored = [track(r, 0.0) for name in HEART_RATE_SETS for r in traces.recordings(name, "report")]
    error = np.concatenate([e for e, _ in scored])
    confidence = np.concatenate([c for _, c in scored])
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.99), (0.99, 1.01)):
        there = (confidence >= low) & (confidence < high)
        within = f"{(error[there] < 5).mean():.3f}" if there.any() else ""
        print(f"| {low:g} to {min(high, 1):g} | {there.mean():.3f} | {within} |")


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).parents[1]
    default = Path(os.environ.get("VIGIE_TRACES", root / ".." / "shared" / "traces"))
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    traces = load(parser.parse_args().folder)
    heart_rate(traces)


if __name__ == "__main__":
    main()
