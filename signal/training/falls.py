"""Train ``falls.npz``: a quadratic logistic regression on what an impact looks like.

    python -m training.falls FOLDER OUT.npz

FOLDER holds the recordings and their ``load.py``. Only the persons of their ``tune`` halves are learned from. Nothing
here is random.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import optimize

from training.recordings import Float64, Recording, fall_acceleration, load

# what the detector itself does to a recording before it judges
from vigie_signal.falls import (
    _grid,  # pyright: ignore[reportPrivateUsage]
    _impacts,  # pyright: ignore[reportPrivateUsage]
    design,
    features,
)

FALL_SET = "weda"
OTHER_SETS = ("geotec", "assist_iot", "pebble", "bangle", "bami1", "bami2", "ieee_spc", "physionet_wrist")
"""Recordings of daily life and sport: every impact in them is not a fall."""

LINEAR_PENALTY = 1e-3
QUADRATIC_PENALTY = 1e-2
ITERATIONS = 15000
"""More than it takes: it ends by itself."""
OTHER_SHARE = 0.3
"""Weight of all impacts of OTHER_SETS together, in that of the daily activities of FALL_SET."""

_RATE_HZ = 25
_BEFORE_S, _AFTER_S = 0.5, 1.0
_LOG_IMPACT = 0


@dataclass(frozen=True, slots=True, eq=False)
class Impacts:
    """Features ``[impacts, 16]``, whether these are falls, and the weight of each."""

    features: Float64
    fall: Float64
    weight: Float64


def impacts_of(r: Recording) -> tuple[Float64, Float64]:
    """Times in seconds and features ``[impacts, 16]`` of the impacts of a recording."""
    acc, rate_hz = fall_acceleration(r)
    grid, _ = _grid(acc.astype(np.float32), rate_hz)
    index = _impacts(np.sqrt((grid**2).sum(axis=0)))
    return index / _RATE_HZ, features(grid, index)


def impacts(traces: ModuleType) -> Impacts:
    """All impacts to learn from: the hardest of each fall, and each of what is not one."""
    shown: list[Float64] = []
    fall: list[float] = []
    weight: list[float] = []
    for r in traces.recordings(FALL_SET, "tune"):
        time_s, found = impacts_of(r)
        if r["fall"]:
            found = found[(time_s > r["fall_start_s"] - _BEFORE_S) & (time_s < r["fall_end_s"] + _AFTER_S)]
            found = found[found[:, _LOG_IMPACT].argmax()][None] if len(found) else found
        shown.extend(found)
        fall.extend([float(r["fall"])] * len(found))
        # a long activity counts for more than a short one, but not for as much more as it has impacts
        weight.extend([1.0 if r["fall"] else max(len(found), 1) ** -0.5] * len(found))
    activities = float(np.array(weight)[np.array(fall) == 0].sum())
    others = np.concatenate(
        [impacts_of(r)[1] for name in OTHER_SETS for r in traces.recordings(name, "tune")]
    )
    return Impacts(
        np.concatenate([np.array(shown), others]),
        np.concatenate([np.array(fall), np.zeros(len(others))]),
        np.concatenate([np.array(weight), np.full(len(others), OTHER_SHARE * activities / len(others))]),
    )


def train(learned: Impacts, iterations: int = ITERATIONS) -> dict[str, Any]:
    """The weights, ready for ``np.savez``; falls and all else count alike."""
    mean, spread = learned.features.mean(axis=0), learned.features.std(axis=0) + 1e-9
    terms = design(learned.features, mean, spread)
    penalty = np.full(terms.shape[1], QUADRATIC_PENALTY)
    penalty[1 : 1 + mean.size] = LINEAR_PENALTY
    penalty[0] = 0
    fall = learned.fall == 1
    sums = float(learned.weight[~fall].sum()), float(learned.weight[fall].sum())
    weight: Float64 = learned.weight / np.where(fall, sums[1], sums[0])

    def loss(w: Float64) -> tuple[float, Float64]:
        likely = 1 / (1 + np.exp(-(terms @ w)))
        surprise = np.where(fall, np.log(likely + 1e-12), np.log(1 - likely + 1e-12))
        value = float((penalty * w**2).sum() - (weight * surprise).sum())
        return value, terms.T @ (weight * (likely - learned.fall)) + 2 * penalty * w

    start = np.zeros(terms.shape[1])
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    return {"weight": np.asarray(found.x, np.float64), "mean": mean, "spread": spread}


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the recordings")
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="fewer, to try that it runs")
    options = parser.parse_args()
    np.savez(options.out, **train(impacts(load(options.folder)), options.iterations))


if __name__ == "__main__":
    main()
