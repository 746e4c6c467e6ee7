"""Accuracy of ``vigie_signal`` on a folder of recordings, as Markdown tables.

    python tests/benchmarks/signal_accuracy.py [FOLDER]

FOLDER holds the recordings and their ``load.py`` (default: ``VIGIE_TRACES``, then ``../shared/traces``).
Parameters were tuned on the ``tune`` halves of the sets alone; quote the rows marked ``report``.
"""

import argparse
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

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
from vigie_signal import (
    Beats,
    count_steps,
    detect_falls,
    find_beats,
    heart_rate_variability,
    track_heart_rate,
)


def track(r: Recording, lag_s: float) -> tuple[Float64, Float64]:
    """Errors in bpm (NaN where it abstains) and confidences, where there is a reference."""
    acc = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
    found = track_heart_rate(r["ppg"], ppg_rate_hz=r["ppg_rate_hz"], lag_s=lag_s, **acc)
    reference_time_s, reference_bpm = heart_rate_reference(r)
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


def beat_scores(found_s: Float64, true_s: Float64) -> tuple[float, float]:
    """F1 at +-150 ms after the best constant delay, and mean error in ms of the intervals between true pairs."""
    best = (0.0, np.nan)
    for delay_s in np.arange(-0.6, 0.61, 0.02) if found_s.size else ():
        moved = found_s + delay_s
        after = np.clip(np.searchsorted(moved, true_s), 1, moved.size - 1)
        nearest = np.where(true_s - moved[after - 1] < moved[after] - true_s, after - 1, after)
        hit = np.abs(moved[nearest] - true_s) <= 0.15
        pairs = hit[1:] & hit[:-1] & (np.diff(nearest) == 1)
        score = 2 * np.unique(nearest[hit]).size / (found_s.size + true_s.size)
        if score > best[0]:
            off_ms = 1000 * np.abs(np.diff(moved[nearest]) - np.diff(true_s))[pairs]
            best = (float(score), float(off_ms.mean()) if off_ms.size else np.nan)
    return best


def beats(traces: ModuleType) -> None:
    """Print the accuracy of `find_beats` and `heart_rate_variability`."""
    print("\n## Beats and variability\n")
    print("| set | half | recordings | F1 at 150 ms | interval error ms | RMSSD error (median) | coverage |")
    print("|---" * 7 + "|")
    for name in ("welltory", "bami1", "physionet_wrist"):
        for half in ("tune", "report"):
            scores: list[tuple[float, float, float, float]] = []
            for r in traces.recordings(name, half):
                if not np.isfinite(r["beat_lag_s"]):
                    continue
                true_s: Float64 = np.asarray(r["beat_time_s"] - r["beat_lag_s"], np.float64)
                true_s = true_s[(true_s > 0.3) & (true_s < r["ppg"].shape[1] / r["ppg_rate_hz"] - 0.3)]
                acc = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
                found = find_beats(r["ppg"], rate_hz=r["ppg_rate_hz"], **acc)
                inside = (found.time_s > true_s[0] - 0.8) & (found.time_s < true_s[-1] + 0.8)
                ours = heart_rate_variability(Beats(found.time_s[inside], found.quality[inside]))
                truth = heart_rate_variability(Beats(true_s, np.ones(true_s.size)))
                off = abs(ours.rmssd_ms / truth.rmssd_ms - 1)
                scores.append((*beat_scores(found.time_s[inside], true_s), off, ours.coverage))
            table = np.array(scores)
            print(
                f"| {name} | {half} | {len(scores)} | {table[:, 0].mean():.3f} | {np.nanmean(table[:, 1]):.1f} "
                f"| {100 * np.nanmedian(table[:, 2]):.0f} % | {table[:, 3].mean():.2f} |"
            )


def steps(traces: ModuleType) -> None:
    """Print the accuracy of `count_steps`."""
    print("\n## Steps\n")
    print("| set | half | walks | error mean | error median | hours without steps | false steps an hour |")
    print("|---" * 7 + "|")
    for name in STEP_SETS:
        for half in ("tune", "report"):
            off: list[float] = []
            false = hours = 0.0
            for r in traces.recordings(name, half):
                acc = step_acceleration(r)
                total = count_steps(acc, rate_hz=STEP_RATE_HZ).total
                if r["true_steps"] >= 20:
                    off.append(100 * abs(total / r["true_steps"] - 1))
                elif r["true_steps"] == 0:
                    false, hours = false + total, hours + acc.shape[1] / STEP_RATE_HZ / 3600
            print(
                f"| {name} | {half} | {len(off)} | {np.mean(off):.1f} % | {np.median(off):.1f} % "
                f"| {hours:.2f} | {false / hours:.0f} |"
            )


def falls(traces: ModuleType) -> None:
    """Print the accuracy of `detect_falls`, in persons learned from (tune) and not (report)."""
    print("\n## Falls\n")
    print("| set | half | falls | found | other activities | without a fall | hours | false falls |")
    print("|---" * 8 + "|")
    for name in ("weda", "geotec", "assist_iot", "pebble", "bangle", "bami1", "bami2"):
        for half in ("tune", "report"):
            found: dict[bool, list[int]] = {True: [], False: []}
            hours = 0.0
            for r in traces.recordings(name, half):
                acc, rate_hz = fall_acceleration(r)
                found[bool(r.get("fall", False))].append(len(detect_falls(acc, rate_hz=rate_hz)))
                hours += 0 if r.get("fall", False) else acc.shape[1] / rate_hz / 3600
            sensitivity = f"{np.mean(np.array(found[True]) > 0):.3f}" if found[True] else ""
            print(
                f"| {name} | {half} | {len(found[True])} | {sensitivity} | {len(found[False])} "
                f"| {np.mean(np.array(found[False]) == 0):.3f} | {hours:.2f} | {sum(found[False])} |"
            )


def main() -> int:
    """Print every table; without recordings say so."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).parents[2]
    default = Path(os.environ.get("VIGIE_TRACES", root / ".." / "shared" / "traces"))
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    folder: Path = parser.parse_args().folder
    if folder == default and not folder.exists():
        print("skipped: no recordings; pass their folder or name it in VIGIE_TRACES")
        return 0
    traces = load(folder)
    heart_rate(traces)
    beats(traces)
    steps(traces)
    falls(traces)
    return 0


if __name__ == "__main__":
    sys.exit(main())
