"""Breathing: pulses with a known breath, and fingertips beside the breath in a chest strap's intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from evaluation.heart_rate import HALVES
from evaluation.report import BLUE, GREEN, GREY, Goal, Result, figure, goals_table, percent, table
from training.recordings import Float64, Recording
from vigie_signal import BreathingRate, breathing_rate

_RATE_HZ = 50.0
_SECONDS = 240
_CLEAR = 0.5
_WINDOW_S = 48.0
_NOISES = {"clear": 0.1, "noisy": 0.5, "very noisy": 1.5}
_PER_MINUTE = (6, 9, 12, 15, 18, 22, 26, 30)


def pulse(per_minute: float, *, noise: float, depth: float = 1.0, seed: int = 0) -> Float64:
    """Return a pulse near 72 a minute whose height, baseline and interval follow a breath, with drift and noise.

    ``depth`` 1 is a swing of 10 % in height, of a third of the pulse in baseline and of 4 % in interval.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(int(_SECONDS * _RATE_HZ)) / _RATE_HZ
    wander = signal.lfilter([0.01], [1, -0.99], rng.standard_normal(t.size))
    breath = np.sin(2 * np.pi * np.cumsum(per_minute / 60 * (1 + 0.1 * wander)) / _RATE_HZ)
    slow = np.sin(2 * np.pi * 0.09 * t + 1)
    rate_hz = 1.2 * (1 + depth * 0.04 * breath + 0.02 * slow + 0.02 * wander)
    phase = 2 * np.pi * np.cumsum(rate_hz) / _RATE_HZ
    beat = (np.sin(phase) + 0.4 * np.sin(2 * phase + 0.7)) * (1 + depth * 0.1 * breath)
    drift = signal.lfilter([0.002], [1, -0.998], rng.standard_normal(t.size))
    return beat + depth * 0.35 * breath + 3 * drift + noise * rng.standard_normal(t.size)


def construction_table() -> str:
    """Return the error on constructed pulses, by noise and depth of the breath."""
    rows: list[list[str]] = []
    for depth, said in ((1.0, "deep"), (0.3, "shallow"), (0.0, "none")):
        for title, noise in _NOISES.items():
            off: list[float] = []
            sure: list[float] = []
            count = 0
            for seed, per_minute in enumerate(_PER_MINUTE):
                found = breathing_rate(
                    pulse(per_minute, noise=noise, depth=depth, seed=seed), rate_hz=_RATE_HZ
                )
                error = np.abs(found.per_minute - per_minute)
                off += error.tolist()
                sure += error[found.confidence >= _CLEAR].tolist()
                count += found.time_s.size
            known = "" if depth == 0 else f"{np.nanmean(off):.1f}"
            clear = "" if depth == 0 or not sure else f"{np.nanmean(sure):.1f}"
            rows.append([said, title, str(count), known, percent(len(sure) / count), clear])
    header = ["breath", "pulse", "windows", "MAE, breaths a minute"]
    return table([*header, "clear (confidence ≥ 0.5)", "MAE of these"], rows)


@dataclass(frozen=True, eq=False)
class Compared:
    """One fingertip: windows in which the chest strap's intervals show one clear breath."""

    recording: Recording
    half: str
    found: BreathingRate
    strap_per_minute: Float64
    clear: np.ndarray[tuple[int], np.dtype[np.bool_]]


def interval_breath(beat_s: Float64, centre_s: Float64) -> tuple[Float64, Float64]:
    """Return the peak of the intervals' spectrum from 6 to 30 a minute in each 48 s window, and its share."""
    rate_hz, per_minute = 4.0, np.arange(6, 30.25, 0.25)
    best, share = np.full(centre_s.size, np.nan), np.zeros(centre_s.size)
    elapsed_s = np.arange(int(_WINDOW_S * rate_hz), dtype=np.float64) / rate_hz
    turn = np.exp(-2j * np.pi * np.outer(elapsed_s, per_minute / 60))
    for k, centre in enumerate(centre_s.tolist()):
        even_s = centre - _WINDOW_S / 2 + elapsed_s
        if beat_s[0] > even_s[0] + 2 or beat_s[-1] < even_s[-1] - 2:
            continue
        interval_s = np.asarray(np.interp(even_s, beat_s[1:], np.diff(beat_s)), np.float64)
        row = np.asarray(signal.detrend(interval_s), np.float64) * np.hanning(even_s.size)
        power = np.abs(row @ turn) ** 2
        top = int(power.argmax())
        best[k] = per_minute[top]
        share[k] = power[np.abs(per_minute - per_minute[top]) <= 2].sum() / power.sum()
    return best, share


def compared(traces: ModuleType) -> list[Compared]:
    """Return every fingertip recording beside its chest strap."""
    out: list[Compared] = []
    for r in traces.recordings("welltory", None):
        found = breathing_rate(r["ppg"], rate_hz=r["ppg_rate_hz"])
        strap, share = interval_breath(
            np.asarray(r["beat_time_s"] - r["beat_lag_s"], np.float64), found.time_s
        )
        clear = (share > 0.5) & (strap >= 8) & np.isfinite(found.per_minute)
        out.append(Compared(r, r["half"], found, strap, clear))
    return out


def strap_table(several: Sequence[Compared]) -> str:
    """Return how far the PPG's breath is from that of the chest strap's intervals, by half."""
    rows: list[list[str]] = []
    for half, said in HALVES.items():
        here = [c for c in several if c.half == half]
        off = np.concatenate([np.abs(c.found.per_minute - c.strap_per_minute)[c.clear] for c in here])
        confidence = np.concatenate([c.found.confidence[c.clear] for c in here])
        best = off[np.argsort(-confidence)][: max(int(0.6 * off.size), 1)]
        count = sum(c.clear.any() for c in here)
        rows.append(
            [said, f"{count} of {len(here)}", str(off.size), f"{off.mean():.1f}", f"{best.mean():.1f}"]
        )
    header = ["fingertips", "recordings with a clear breath in the strap", "windows"]
    return table([*header, "mean difference, breaths a minute", "surest 60 %"], rows)


def breathing_picture() -> Figure:
    """Return a constructed pulse, and the estimate over four minutes in which the breath is known."""
    made, (excerpt, track) = figure(1, 2, 2.8, width_ratios=(1.2, 1))
    wave = pulse(15, noise=0.1)
    part = slice(int(20 * _RATE_HZ), int(50 * _RATE_HZ))
    excerpt.plot(np.arange(wave.size)[part] / _RATE_HZ, wave[part], color=GREEN, linewidth=0.8)
    excerpt.set(xlabel="seconds", yticks=[], title="a constructed pulse, 15 breaths a minute")
    for per_minute in _PER_MINUTE:
        found = breathing_rate(pulse(per_minute, noise=0.5, seed=per_minute), rate_hz=_RATE_HZ)
        track.axhline(per_minute, color=GREY, linewidth=0.8)
        track.scatter(found.time_s / 60, found.per_minute, s=4 + 12 * found.confidence, color=BLUE)
    track.set(xlabel="minutes", ylabel="breaths a minute", title="eight noisy pulses; lines: the truth")
    return made


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on breathing."""
    goals = [Goal("breathing at rest, surest 60 %, breaths a minute", 2.0, 1.5, None)]
    tables = {
        "breathing": construction_table(),
        "breathing-strap": strap_table(compared(traces)),
        "breathing-goals": goals_table(goals),
    }
    return Result(tables, {"breathing": breathing_picture()})
