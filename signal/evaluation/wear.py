"""Wear: recordings that were worn throughout, and the same with a piece in which the sensor lies on a table."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure

from evaluation.heart_rate import TITLES
from evaluation.report import BLUE, GREEN, GREY, ORANGE, Result, figure, percent, table
from training.recordings import Float64, Recording
from vigie_signal import Wear, track_heart_rate, worn

_SETS = ("ieee_spc", "bami1", "bami2", "physionet_wrist", "wesad")
_NAMES = TITLES | {"wesad": "WESAD"}
_OFF = (0.4, 0.7)
_SHORTEST_S = 600.0
_ACC_NOISE_G = 0.003


def spans(r: Recording) -> list[Wear]:
    """Return the spans of a recording."""
    return worn(r["ppg"], r["acc"], ppg_rate_hz=r["ppg_rate_hz"], acc_rate_hz=r["acc_rate_hz"])


def duration_s(r: Recording) -> float:
    """Return the length of the PPG."""
    return float(r["ppg"].shape[1] / r["ppg_rate_hz"])


def white(size: tuple[int, int], rng: np.random.Generator) -> Float64:
    """Return the noise of a sensor in the dark."""
    return rng.standard_normal(size)


def brown(size: tuple[int, int], rng: np.random.Generator) -> Float64:
    """Return the wander of a light that changes, which has no pulse and yet slow waves."""
    return np.cumsum(rng.standard_normal(size), axis=1)


def taken_off(r: Recording, noise: Callable[[tuple[int, int], np.random.Generator], Float64]) -> Recording:
    """Return ``r`` with its middle replaced by a sensor that lies still and sees ``noise`` as large as the pulse."""
    rng = np.random.default_rng(r["number"])
    ppg, acc = np.array(r["ppg"], np.float64), np.array(r["acc"], np.float64)
    begin, end = (int(part * ppg.shape[1]) for part in _OFF)
    seen = noise((len(ppg), end - begin), rng)
    level = ppg[:, begin:end].std(axis=1, keepdims=True)
    ppg[:, begin:end] = ppg[:, begin - 1 : begin] + level * seen / seen.std(axis=1, keepdims=True)
    begin, end = (int(part * acc.shape[1]) for part in _OFF)
    acc[:, begin:end] = np.array([[0.0], [0.0], [1.0]]) + _ACC_NOISE_G * rng.standard_normal((3, end - begin))
    return {**r, "ppg": ppg, "acc": acc}


def off_share(found: list[Wear], begin_s: float, end_s: float) -> float:
    """Return which share of a stretch is called off the wrist."""
    off_s = sum(
        max(min(span.stop_s, end_s) - max(span.start_s, begin_s), 0) for span in found if not span.on_wrist
    )
    return off_s / (end_s - begin_s)


def wear_table(traces: ModuleType) -> str:
    """Return the share rightly called worn, and off in pieces laid on a table by construction."""
    rows: list[list[str]] = []
    for name in _SETS:
        recordings = list(traces.recordings(name, None))
        hours = sum(duration_s(r) for r in recordings) / 3600
        on = [1 - off_share(spans(r), 0, duration_s(r)) for r in recordings]
        cells = [_NAMES[name], str(len(recordings)), f"{hours:.2f}", percent(float(np.mean(on)), 1)]
        long = [r for r in recordings if duration_s(r) >= _SHORTEST_S]
        for noise in (white, brown):
            off: list[float] = []
            still_on: list[float] = []
            for r in long:
                found, whole_s = spans(taken_off(r, noise)), duration_s(r)
                begin_s, end_s = (part * whole_s for part in _OFF)
                off.append(off_share(found, begin_s, end_s))
                still_on += [1 - off_share(found, 0, begin_s), 1 - off_share(found, end_s, whole_s)]
            cells += [percent(float(np.mean(part)), 1) if part else "" for part in (off, still_on)]
        rows.append(cells)
    header = ["recordings", "number", "hours", "worn: called worn"]
    for noise_name in ("sensor noise", "wandering light"):
        header += [f"laid down, {noise_name}: called off", "the rest of these: called worn"]
    return table(header, rows)


def wear_picture(r: Recording) -> Figure:
    """Return an hour of which a piece was replaced: heart rate with its confidence, and the spans found."""
    changed = taken_off(r, white)
    made, (rate, moved) = figure(2, 1, 3.4, sharex=True, height_ratios=(1.6, 1))
    found = track_heart_rate(
        changed["ppg"],
        changed["acc"],
        ppg_rate_hz=changed["ppg_rate_hz"],
        acc_rate_hz=changed["acc_rate_hz"],
        lag_s=30,
    )
    sure = found.confidence >= 0.9
    rate.plot(found.time_s[sure] / 60, found.bpm[sure], ".", color=BLUE, markersize=2, label="sure (≥ 0.9)")
    rate.plot(found.time_s[~sure] / 60, found.bpm[~sure], ".", color=GREY, markersize=2, label="unsure")
    rate.set(
        ylabel="beats per minute", title="an hour of WESAD; between the lines noise and stillness were put in"
    )
    rate.legend(frameon=False, fontsize=7, ncols=2, markerscale=3)
    length = np.sqrt((changed["acc"] ** 2).sum(axis=0))
    seconds = length[: length.size // 32 * 32].reshape(-1, 32).std(axis=1)
    moved.semilogy(np.arange(seconds.size) / 60, 1000 * seconds, color=GREEN, linewidth=0.5)
    moved.set(xlabel="minutes", ylabel="motion, mg")
    for axis in (rate, moved):
        for span in spans(changed):
            if not span.on_wrist:
                axis.axvspan(span.start_s / 60, span.stop_s / 60, color=ORANGE, alpha=0.25)
        for part in _OFF:
            axis.axvline(part * duration_s(r) / 60, color="black", linewidth=1)
    return made


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on wear."""
    hour = next(iter(traces.recordings("wesad", None)))
    return Result({"wear": wear_table(traces)}, {"wear": wear_picture(hour)})
