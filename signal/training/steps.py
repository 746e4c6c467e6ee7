"""Train ``steps.npz``: how much each cadence looks like walking, learned from counted totals alone.

    python -m training.steps FOLDER OUT.npz

FOLDER holds the recordings and their ``load.py``. Only their ``tune`` halves are read.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from training.adam import Parameters, descend
from training.recordings import STEP_RATE_HZ, STEP_SETS, Float32, load, step_acceleration
from vigie_signal.steps import _CADENCES, even, features

HIDDEN = 10
ITERATIONS = 400
L2 = 1e-3
SEED = 0

_LONGEST_S = (160, 400, 4000)
"""Recordings are padded to the longest of their batch: short ones with short ones."""
_SET_WEIGHT = {"pebble": 1.0, "bangle": 2.0, "sensorwatch": 2.0}
_SHORTEST_S = 3
_FEWEST_STEPS = 20
_REST_FEATURE = -2.0
"""What stands in all features beyond the end of a recording: less than the quietest rest shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Features ``[seconds, cadences, 14]`` of a recording, its duration, the counted steps and its set."""

    features: Float32
    duration_s: float
    steps: float
    set: str


def walks(traces: ModuleType) -> list[Walk]:
    """All recordings to learn from; those of a few steps say too little."""
    found: list[Walk] = []
    for name in STEP_SETS:
        for r in traces.recordings(name, "tune"):
            acc = step_acceleration(r).astype(np.float32)
            seconds = acc.shape[1] // STEP_RATE_HZ
            if seconds >= _SHORTEST_S and not 0 < r["true_steps"] < _FEWEST_STEPS:
                shown = features(even(acc, STEP_RATE_HZ), 0, seconds)
                found.append(Walk(shown, float(r["t_ms"][-1]) / 1000, float(r["true_steps"]), name))
    return found


def batches(learned: Sequence[Walk]) -> list[tuple[jax.Array, ...]]:
    """Features ``[walks, seconds, cadences, 14]``, seconds that each stands for, steps, weight."""
    out: list[tuple[jax.Array, ...]] = []
    for low, high in zip((0, *_LONGEST_S), _LONGEST_S, strict=False):
        some = [walk for walk in learned if low < len(walk.features) <= high]
        if not some:
            continue
        longest = max(len(walk.features) for walk in some)
        shown = np.full((len(some), longest, *some[0].features.shape[1:]), _REST_FEATURE, np.float32)
        stands_for_s = np.zeros((len(some), longest))
        for row, span_s, walk in zip(shown, stands_for_s, some, strict=True):
            row[: len(walk.features)] = walk.features
            span_s[: len(walk.features)] = walk.duration_s / len(walk.features)
        steps = [walk.steps for walk in some]
        weight = [_SET_WEIGHT[walk.set] for walk in some]
        out.append((jnp.asarray(shown), jnp.asarray(stands_for_s), jnp.asarray(steps), jnp.asarray(weight)))
    return out


def beginning(count: int) -> Parameters:
    """Parameters before training, of ``count`` features: the cadence's own power counts."""
    random = np.random.default_rng(SEED)
    return {
        "W1": jnp.asarray(random.standard_normal((count, HIDDEN)) * 0.5 / np.sqrt(count)),
        "b1": jnp.zeros(HIDDEN),
        "W2": jnp.asarray(random.standard_normal(HIDDEN) * 0.1),
        "w0": jnp.zeros(count).at[0].set(1.0).at[1].set(0.5).at[2].set(0.3).at[9].set(1.5),
        "b0": jnp.array(-1.0),
        "tr": jnp.array([1.6, -2.5, -2.5]),
    }


def transition(p: Parameters) -> jax.Array:
    """Where a walker goes from one second to the next, differentiable.

    `vigie_signal.steps` takes only the drift of the cadence from here: these recordings begin and end walking and
    keep one pace, so what they teach of beginnings, ends and jumps does not hold for a day. Trained with the values
    that are used there, or on the seconds walked alone, the walks of the tune halves are counted worse.
    """
    away = np.abs(_CADENCES[None] - _CADENCES[:, None])
    drift = jnp.exp(-away / jnp.exp(p["tr"][0]))
    drift = drift / drift.sum(1, keepdims=True)
    stop, start = jax.nn.sigmoid(p["tr"][1]), jax.nn.sigmoid(p["tr"][2])
    rest = jnp.concatenate([jnp.array([1 - start]), jnp.full(_CADENCES.size, start / _CADENCES.size)])
    walking = jnp.concatenate([jnp.full((_CADENCES.size, 1), stop), (1 - stop) * drift], 1)
    return jnp.concatenate([rest[None], walking], 0)


def posterior(p: Parameters, shown: jax.Array) -> jax.Array:
    """Probability ``[walks, seconds, 1 + cadences]`` of rest and of each cadence, given the whole walk."""
    score = shown @ p["w0"] + jnp.tanh(shown @ p["W1"] + p["b1"]) @ p["W2"] + p["b0"]
    score = jnp.concatenate([jnp.zeros((*score.shape[:-1], 1)), score], -1)
    likelihood = jnp.exp(score - score.max(-1, keepdims=True)).transpose(1, 0, 2)
    move = transition(p)

    def forward(before: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
        after = before * now
        after = after / after.sum(-1, keepdims=True)
        return after @ move, after

    def backward(after: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
        before = (after * now) @ move.T
        return before / before.max(-1, keepdims=True), after

    first = jnp.full((shown.shape[0], _CADENCES.size + 1), 0.5 / _CADENCES.size).at[:, 0].set(0.5)
    _, past = jax.lax.scan(forward, first, likelihood)
    _, future = jax.lax.scan(backward, jnp.ones_like(first), likelihood, reverse=True)
    both = past * future
    return (both / both.sum(-1, keepdims=True)).transpose(1, 0, 2)


def loss(p: Parameters, learned: Sequence[tuple[jax.Array, ...]]) -> jax.Array:
    """Error of the totals in units of 2 % and 3 steps; its logarithm, as some counts are doubtful."""
    total, weights = jnp.array(0.0), jnp.array(0.0)
    for shown, stands_for_s, steps, weight in learned:
        a_second = posterior(p, shown)[..., 1:] @ jnp.asarray(_CADENCES / 60)
        off = jnp.abs((a_second * stands_for_s).sum(1) - steps) / (0.02 * steps + 3)
        total += (weight * (jnp.log1p(off) + 0.1 * off)).sum()
        weights += weight.sum()
    size = (p["W1"] ** 2).sum() + (p["W2"] ** 2).sum() + 0.1 * (p["w0"] ** 2).sum()
    return total / weights + L2 * size


def train(learned: Sequence[Walk], iterations: int = ITERATIONS) -> dict[str, Any]:
    """The weights, ready for ``np.savez``."""
    data = batches(learned)
    slope = jax.jit(jax.value_and_grad(lambda p: loss(p, data)))
    found = descend(
        beginning(learned[0].features.shape[-1]),
        lambda p, _: slope(p),
        iterations=iterations,
        rate=0.03,
        warm_up=10,
        end=0.02,
    )
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the recordings")
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="fewer, to try that it runs")
    options = parser.parse_args()
    np.savez(options.out, **train(walks(load(options.folder)), options.iterations))


if __name__ == "__main__":
    main()
