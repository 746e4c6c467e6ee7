"""Train ``heart_rate.npz``: how likely each heart rate makes the features of a window, and how the rate moves.

    python -m training.heart_rate FOLDER OUT.npz

FOLDER holds the recordings and their ``load.py``. Only their ``tune`` halves are read.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from training.adam import Parameters, descend
from training.heart_rate_examples import NOISE, Example, Kind, examples
from training.recordings import load
from vigie_signal._features import RATES_BPM


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training: hidden units, iterations, penalty on the weights, and how much each kind of example counts."""

    hidden: int
    iterations: int
    penalty: float
    weights: dict[Kind, float]


RATE: tuple[Recipe, ...] = (
    Recipe(14, 1500, 0.005, {"recorded": 1, "changed": 1}),
    Recipe(20, 3000, 0.004, {"recorded": 1, "changed": 1, "noise": 1}),
)
"""The trainings whose average reads the rate."""

DOUBT = Recipe(16, 1200, 0.005, {"recorded": 3, "changed": 1, "doubtful": 1, "noise": 1})
"""The training of what says how far to believe it: it sees weak pulses, and much that has none."""

SEED = 0
JUMP = 1e-4
"""Probability that the rate jumps anywhere, set by hand: no recording shows a sensor taken off and put on another."""

_SET_WEIGHT = {"ieee_spc": 1, "bami1": 1, "bami2": 1, "physionet_wrist": 0.5, "welltory": 1, NOISE: 0.4}
_BATCH, _SEGMENT = 16, 100
_FROM_ANYWHERE = 0.7
"""Share of the segments that begin anywhere; the others begin with their recording."""
_BLUR = 0.1
"""Deviation of the noise on the features, of each window and of each segment."""
_LOOK_AHEAD = 3
_RANGE_BPM = 180
_AWAY_BPM = np.abs(RATES_BPM[None] - RATES_BPM[:, None])


def beginning(count: int, hidden: int) -> Parameters:
    """Parameters before training, of ``count`` features: power where motion is regressed out counts.

    ``ob`` is of the loss alone: how far off the reference is, and how often it means nothing.
    """
    random = np.random.default_rng(SEED)
    return {
        "W1": jnp.asarray(random.standard_normal((count, hidden)) * 0.3 / np.sqrt(count) * 2),
        "b1": jnp.zeros(hidden),
        "W2": jnp.asarray(random.standard_normal(hidden) * 0.1),
        "w0": jnp.zeros(count).at[3].set(0.3).at[6].set(0.6),
        "tr": jnp.array([1.0, 2.2, -1.5, -6.0]),
        "ob": jnp.array([0.4, -4.0]),
    }


def transition(p: Parameters) -> jax.Array:
    """`vigie_signal._model.transition`, differentiable."""
    wide, jump = jax.nn.sigmoid(p["tr"][2]), jax.nn.sigmoid(p["tr"][3])
    narrow = jnp.exp(-0.5 * (_AWAY_BPM / jnp.exp(p["tr"][0])) ** 2)
    narrow /= narrow.sum(1, keepdims=True)
    broad = jnp.exp(-_AWAY_BPM / jnp.exp(p["tr"][1]))
    broad /= broad.sum(1, keepdims=True)
    return (1 - jump) * ((1 - wide) * narrow + wide * broad) + jump / RATES_BPM.size


def posteriors(p: Parameters, shown: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Probability ``[segments, windows, rates]``, online and with a look ahead of 6 s."""
    score = shown @ p["w0"] + jnp.tanh(shown @ p["W1"] + p["b1"]) @ p["W2"]
    likelihood = jnp.exp(score - score.max(-1, keepdims=True))
    move = transition(p)

    def forward(before: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
        after = before * now
        after = after / after.sum(-1, keepdims=True)
        return after @ move, after

    first = jnp.full((shown.shape[0], RATES_BPM.size), 1 / RATES_BPM.size)
    _, online = jax.lax.scan(forward, first, likelihood.transpose(1, 0, 2))
    online = online.transpose(1, 0, 2)
    future = jnp.ones_like(likelihood)
    for _ in range(_LOOK_AHEAD):
        nearer = (likelihood * future)[:, 1:] @ move.T
        nearer = nearer / nearer.max(-1, keepdims=True)
        future = jnp.concatenate([nearer, jnp.ones_like(future[:, :1])], 1)
    later = online * future
    return online, later / later.sum(-1, keepdims=True)


def loss(p: Parameters, shown: jax.Array, bpm: jax.Array, known: jax.Array, penalty: float) -> jax.Array:
    """-log p of the reference, spread by Laplace around each rate; both posteriors count alike."""
    width, wrong = jnp.exp(p["ob"][0]), jax.nn.sigmoid(p["ob"][1])
    near = jnp.exp(-jnp.abs(bpm[..., None] - RATES_BPM) / width) / (2 * width)
    total = jnp.array(0.0)
    for posterior in posteriors(p, shown):
        likely = jnp.log((1 - wrong) * (posterior * near).sum(-1) + wrong / _RANGE_BPM)
        total += -(likely * known).sum() / known.sum()
    size = (p["W1"] ** 2).sum() + (p["W2"] ** 2).sum() + 0.1 * (p["w0"] ** 2).sum()
    return total + penalty * size


class Segments:
    """Batches of random segments: sets by their weight, long recordings more often than short ones."""

    def __init__(self, known: Sequence[Example], recipe: Recipe) -> None:
        self._learned = learned = [e for e in known if e.kind in recipe.weights]
        self._random = np.random.default_rng(SEED)
        windows = dict.fromkeys(_SET_WEIGHT, 0)
        for example in learned:
            windows[example.set] += int(np.isfinite(example.bpm).sum())
        share = np.array(
            [_SET_WEIGHT[e.set] * recipe.weights[e.kind] * len(e.bpm) / windows[e.set] for e in learned]
        )
        self._share = share / share.sum()

    def draw(self) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Features ``[segments, windows, rates, 19]``, reference in bpm, and 1 where that is known."""
        random, learned = self._random, self._learned
        shape = learned[0].features.shape[1:]
        shown = np.zeros((_BATCH, _SEGMENT, *shape), np.float32)
        bpm = np.full((_BATCH, _SEGMENT), 90.0)
        known = np.zeros((_BATCH, _SEGMENT))
        for j, k in enumerate(random.choice(len(learned), _BATCH, p=self._share)):
            size = len(learned[k].bpm)
            last = max(size - _SEGMENT, 0)
            at = random.integers(last + 1) if random.random() < _FROM_ANYWHERE else 0
            count = min(_SEGMENT, size - at)
            shown[j, :count] = learned[k].features[at : at + count]
            reference = learned[k].bpm[at : at + count]
            known[j, :count] = np.isfinite(reference)
            bpm[j, :count] = np.nan_to_num(reference, nan=90.0)
        shown += _BLUR * random.standard_normal((_BATCH, _SEGMENT, 1, shape[-1])).astype(np.float32)
        shown += _BLUR * random.standard_normal((_BATCH, 1, 1, shape[-1])).astype(np.float32)
        return jnp.asarray(shown), jnp.asarray(bpm), jnp.asarray(known)


def train(learned: Sequence[Example], recipe: Recipe) -> Parameters:
    """One training."""
    segments = Segments(learned, recipe)
    slope = jax.jit(
        jax.value_and_grad(lambda p, shown, bpm, known: loss(p, shown, bpm, known, recipe.penalty))
    )
    return descend(
        beginning(learned[0].features.shape[-1], recipe.hidden),
        lambda p, _: slope(p, *segments.draw()),
        iterations=recipe.iterations,
        rate=0.03,
        warm_up=20,
        end=0.01,
    )


def average(trained: Sequence[Parameters]) -> dict[str, Any]:
    """One model whose score is the mean of theirs: hidden layers side by side. Ready for ``np.savez``."""
    weights = [{name: np.asarray(value, np.float64) for name, value in p.items()} for p in trained]
    moves = np.mean([w["tr"] for w in weights], axis=0)
    moves[3] = np.log(JUMP / (1 - JUMP))
    model = {
        "W1": np.concatenate([w["W1"] for w in weights], axis=1),
        "b1": np.concatenate([w["b1"] for w in weights]),
        "W2": np.concatenate([w["W2"] for w in weights]) / len(weights),
        "w0": np.mean([w["w0"] for w in weights], axis=0),
        "tr": moves,
    }
    return {name: value.astype(np.float32) for name, value in model.items()}


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the recordings")
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--iterations", type=int, help="at most: fewer, to try that it runs")
    options = parser.parse_args()
    learned = list(examples(load(options.folder)))
    print(f"{len(learned)} examples, {sum(len(e.bpm) for e in learned)} windows")

    def trained(recipe: Recipe) -> Parameters:
        few = options.iterations or recipe.iterations
        return train(learned, replace(recipe, iterations=min(recipe.iterations, few)))

    parts = {"rate": average([trained(recipe) for recipe in RATE]), "doubt": average([trained(DOUBT)])}
    model = {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}
    np.savez(options.out, **model)


if __name__ == "__main__":
    main()
