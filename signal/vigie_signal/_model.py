"""The learned part: how likely each heart rate makes the features of a window, and how the rate moves.

A perceptron of one small hidden layer, the same for every rate, and a transition of three parameters, trained
together through the forward filter so that what the filter holds is a probability. There are two of these: one
reads the rate; the other, which has seen much that holds no pulse, says how far to believe that. The weights are
in ``heart_rate.npz``; `vigie_signal` only reads them.
"""

from functools import cache
from importlib.resources import as_file, files
from typing import Literal

import numpy as np
import numpy.typing as npt

from vigie_signal._features import RATES_BPM
from vigie_signal._resample import Float32

Float64 = npt.NDArray[np.float64]
Part = Literal["rate", "doubt"]

_NEAR = 2
"""Rates on either side of the best one that count as the same answer: with their width, 5 bpm."""

_NOW, _LATELY, _BIAS = 0.35, 0.65, 0.0
_FORGOTTEN = 0.15
"""Share of what was lately that each window replaces."""

_FRESH, _NEARBY_BPM = 0.63, 12.0
"""How far the window alone moves an estimate that cannot look ahead, and how near it must be for that."""


@cache
def _weights(part: Part) -> dict[str, npt.NDArray[np.float32]]:
    with as_file(files("vigie_signal") / "heart_rate.npz") as path, np.load(path) as stored:
        names = [name for name in stored.files if name.startswith(part)]
        return {name.removeprefix(f"{part}_"): stored[name].astype(np.float32) for name in names}


def likelihood(part: Part, features: Float32) -> Float32:
    """Likelihood ``[windows, rates]``, 1 at the best rate, of ``features [windows, 19, rates]``."""
    w = _weights(part)
    hidden = w["W1"].T @ features
    hidden += w["b1"][:, None]
    np.tanh(hidden, out=hidden)
    score = w["w0"] @ features + w["W2"] @ hidden
    score -= score.max(axis=1, keepdims=True)
    return np.asarray(np.exp(score, out=score), dtype=np.float32)


@cache
def transition(part: Part) -> Float32:
    """Probability ``[rates, rates]`` of the rate of the next window, given that of this one."""
    log_narrow_bpm, log_wide_bpm, wide, jump = (float(value) for value in _weights(part)["tr"])
    away = np.abs(RATES_BPM[None, :] - RATES_BPM[:, None]).astype(np.float64)
    narrow = np.exp(-0.5 * (away / np.exp(log_narrow_bpm)) ** 2)
    broad = np.exp(-away / np.exp(log_wide_bpm))
    narrow /= narrow.sum(axis=1, keepdims=True)
    broad /= broad.sum(axis=1, keepdims=True)
    wide, jump = 1 / (1 + np.exp(-wide)), 1 / (1 + np.exp(-jump))
    return np.asarray(
        (1 - jump) * ((1 - wide) * narrow + wide * broad) + jump / RATES_BPM.size, dtype=np.float32
    )


@cache
def _near(reach: int) -> Float32:
    """1 where two rates are at most ``reach`` apart in ``RATES_BPM``, else 0."""
    index = np.arange(RATES_BPM.size, dtype=np.intp)
    return np.asarray(np.abs(index[:, None] - index) <= reach, dtype=np.float32)


def read(
    posterior: Float32, doubting: Float32, fresh: Float32 | None = None
) -> tuple[Float64, Float64, Float64]:
    """Heart rate in bpm of each ``posterior [windows, rates]``, and how much of both is within 5 bpm of it.

    ``fresh`` is the likelihood of the same windows: without a look ahead the posterior trails a changing rate,
    and what the window alone says nearby makes good for part of it.
    """
    mass = posterior @ _near(_NEAR)
    best = mass.argmax(axis=1)
    near = posterior * _near(_NEAR + 1)[best]
    bpm = (near @ RATES_BPM) / near.sum(axis=1)
    if fresh is not None:
        nearby = fresh * np.exp(-0.5 * ((RATES_BPM - bpm[:, None]) / _NEARBY_BPM) ** 2)
        bpm += _FRESH * ((nearby @ RATES_BPM) / nearby.sum(axis=1) - bpm)
    believed = np.einsum("wr,wr->w", doubting, _near(_NEAR)[best])
    return (
        bpm.astype(np.float64),
        mass[np.arange(len(best)), best].astype(np.float64),
        believed.astype(np.float64),
    )


def confidence(mass: Float64, believed: Float64, lately: float | None) -> tuple[Float64, float | None]:
    """Probability of within 5 bpm, of what `read` says of each window, and ``lately`` for the windows that follow.

    The posterior of a sensor or a motion that the model did not learn from claims too much, and more so where it
    came and went shortly before. So the log odds of the part that reads the rate, and a running mean of those of
    the part that doubts, are weighed as fitted to what models say of whole sets that their training left out.
    """
    means = np.empty_like(believed)
    for k, now in enumerate(_log_odds(believed)):
        lately = float(now if lately is None else lately + _FORGOTTEN * (now - lately))
        means[k] = lately
    logit = _NOW * _log_odds(mass) + _LATELY * means + _BIAS
    return np.asarray(1 / (1 + np.exp(-logit)), np.float64), lately


def _log_odds(mass: Float64) -> Float64:
    within = np.clip(mass, 0, 1)
    return np.asarray(np.log((within + 1e-4) / (1.001 - within)), np.float64)
