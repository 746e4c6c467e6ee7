"""Everything of the page on speed and memory, and the goals that the benchmark holds it to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from evaluation.peers import Peer, peers
from evaluation.report import BLUE, GREY, Result, figure, table
from evaluation.speed import (
    Signal,
    batch_peak_bytes,
    heart_rate_sides,
    other_sides,
    speeds,
    streaming_peaks_bytes,
    wrist,
)
from training.recordings import load

BATCH, STREAM = "track_heart_rate", "HeartRateTracker, blocks of 2 s"
LEAST_BATCH, LEAST_STREAM = 20_000, 4_000
LEAST_TIMES = {"heartpy, by window": 50, "neurokit2 elgendi, by window": 20}
MOST_GROWTH = 1.02
_HOURS = 24
_ROUNDS = 3
_NAMES = {"ieee_spc": "IEEE SPC 2015", "bami2": "BAMI-2", "wesad": "WESAD"}


@dataclass(frozen=True, eq=False)
class Measured:
    """Seconds of signal a second of processor time by signal and side; peaks of memory in bytes an hour."""

    heart_rate: Mapping[str, Mapping[str, float]]
    others: Mapping[str, float]
    stream_peaks: Sequence[int]
    batch_bytes: tuple[int, int]


def signals(folder: Path | None) -> list[Signal]:
    """Return a recording of each of three sets, or as long a constructed one where there is no folder."""
    if folder is None or not folder.exists():
        return [
            wrist(300, channels=2, ppg_rate_hz=125, acc_rate_hz=125),
            wrist(730, channels=3, ppg_rate_hz=50, acc_rate_hz=50),
            wrist(3600, channels=1, ppg_rate_hz=64, acc_rate_hz=32),
        ]
    return recorded(load(folder))


def recorded(traces: ModuleType) -> list[Signal]:
    """Return the first recording of each of three sets."""
    out: list[Signal] = []
    for name, title in _NAMES.items():
        r = next(iter(traces.recordings(name, None)))
        ppg, acc = np.asarray(r["ppg"], np.float64), np.asarray(r["acc"], np.float64)
        said = f"{title}: {len(ppg)} PPG at {r['ppg_rate_hz']:g} Hz, acceleration at {r['acc_rate_hz']:g} Hz"
        out.append(Signal(said, ppg, acc, float(r["ppg_rate_hz"]), float(r["acc_rate_hz"])))
    return out


def measure(given: Sequence[Signal], ways: Sequence[Peer]) -> Measured:
    """Return all that is measured; some minutes."""
    return Measured(
        heart_rate={s.title: speeds(heart_rate_sides(s, ways), s.seconds, _ROUNDS) for s in given},
        others=speeds(other_sides(given[1]), given[1].seconds, _ROUNDS),
        stream_peaks=streaming_peaks_bytes(_HOURS),
        batch_bytes=batch_peak_bytes(_HOURS),
    )


def heart_rate_table(measured: Measured) -> str:
    """Return the speed of every side, and how many times slower than ours it is."""
    rows: list[list[str]] = []
    for side in next(iter(measured.heart_rate.values())):
        row = [f"`{side.split(',')[0]}`{side[side.find(',') :] if ',' in side else ''}"]
        for found in measured.heart_rate.values():
            times = found[BATCH] / found[side]
            row.append(_rounded(found[side]) + (f" ({times:.0f}×)" if times >= 1.5 else ""))
        rows.append(row)
    return table(["", *measured.heart_rate], rows)


def others_table(measured: Measured) -> str:
    """Return the speed of the other functions."""
    return table(
        ["", "seconds a second"], [[f"`{name}`", _rounded(found)] for name, found in measured.others.items()]
    )


def memory_line(measured: Measured) -> str:
    """Return what the day takes, in words."""
    first, last = measured.stream_peaks[0] / 1e6, measured.stream_peaks[-1] / 1e6
    size, peak = (value / 1e6 for value in measured.batch_bytes)
    return (
        f"`HeartRateTracker`: peak of {first:.2f} MB in the first hour, {last:.2f} MB in hour "
        f"{len(measured.stream_peaks)}. `track_heart_rate` over {_HOURS} h at once: {peak:.0f} MB beside the "
        f"{size:.0f} MB passed."
    )


def missed(measured: Measured) -> list[str]:
    """Return the goals that are missed, in words."""
    out: list[str] = []
    for title, found in measured.heart_rate.items():
        if found[BATCH] < LEAST_BATCH:
            out.append(f"{title}: batch {found[BATCH]:.0f} < {LEAST_BATCH} s/s")
        if found[STREAM] < LEAST_STREAM:
            out.append(f"{title}: streaming {found[STREAM]:.0f} < {LEAST_STREAM} s/s")
        for peer, least in LEAST_TIMES.items():
            if peer in found and found[BATCH] < least * found[peer]:
                out.append(f"{title}: {found[BATCH] / found[peer]:.0f} < {least} times {peer}")
    first, last = measured.stream_peaks[0], measured.stream_peaks[-1]
    if last > MOST_GROWTH * first:
        out.append(f"streaming memory grows from {first} to {last} bytes")
    return out


def _rounded(speed: float) -> str:
    """Two digits, thousands apart: more would not repeat."""
    if np.isnan(speed):
        return "no estimate"
    digits = max(int(np.floor(np.log10(speed))) - 1, 0)
    return f"{round(speed, -digits):,.0f}".replace(",", " ")


def evaluate(traces: ModuleType) -> Result:
    """Return tables and a picture; with a peer absent the tables stay as they are."""
    ways, absent = peers()
    if absent:
        return Result({}, {}, absent)
    measured = measure(recorded(traces), ways)
    tables = {
        "speed": heart_rate_table(measured),
        "speed-others": others_table(measured),
        "speed-memory": memory_line(measured),
    }
    made, (axis,) = figure(1, 1, 2.8)
    title, found = next(iter(measured.heart_rate.items()))
    names = sorted((name for name in found if np.isfinite(found[name])), key=lambda name: found[name])
    colors = [BLUE if name.startswith(("track", "Heart")) else GREY for name in names]
    axis.barh(names, [found[name] for name in names], color=colors)
    axis.set(xscale="log", xlabel="seconds of signal a second of processor time", title=title)
    axis.tick_params(axis="y", labelsize=8)
    return Result(tables, {"speed": made}, absent)
