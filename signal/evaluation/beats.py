"""Beats and variability: against chest strap, Holter and hand-checked ECG, beside the libraries used instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure

from evaluation.heart_rate import HALVES, TITLES
from evaluation.peers import Peer, beats_s, peers
from evaluation.report import BLUE, GREEN, GREY, ORANGE, Goal, Result, figure, goals_table, percent, table
from training.recordings import Float64, Recording
from vigie_signal import Beats, find_beats, heart_rate_variability

SETS = ("welltory", "bami1", "physionet_wrist")
_AT_REST = {"welltory"}
_TOLERANCE_S = 0.15
_LONGEST_DELAY_S = 0.6


@dataclass(frozen=True, eq=False)
class Scored:
    """One recording: its beats, those found, and how they agree."""

    recording: Recording
    dataset: str
    half: str
    true_s: Float64
    found: Beats
    f1: float
    delay_s: float
    interval_off_ms: float
    rmssd_ms: float
    true_rmssd_ms: float
    coverage: float


def match(found_s: Float64, true_s: Float64) -> tuple[float, float, float]:
    """Return F1 at +-150 ms after the best constant delay, that delay, and the mean error of the intervals in ms.

    An interval counts where both its beats were found, one after the other.
    """
    best, best_off_s = (0.0, 0.0, np.nan), np.inf
    if found_s.size < 2 or true_s.size < 2:
        return best
    for delay_s in np.arange(-_LONGEST_DELAY_S, _LONGEST_DELAY_S + 0.01, 0.02):
        moved = found_s + delay_s
        after = np.clip(np.searchsorted(moved, true_s), 1, moved.size - 1)
        nearest = np.where(true_s - moved[after - 1] < moved[after] - true_s, after - 1, after)
        off_s = np.abs(moved[nearest] - true_s)
        hit = off_s <= _TOLERANCE_S
        f1 = 2 * np.unique(nearest[hit]).size / (found_s.size + true_s.size)
        if (f1, -off_s.mean()) > (best[0], -best_off_s):
            pairs = hit[1:] & hit[:-1] & (np.diff(nearest) == 1)
            off_ms = 1000 * np.abs(np.diff(moved[nearest]) - np.diff(true_s))[pairs]
            best = (float(f1), float(delay_s), float(off_ms.mean()) if off_ms.size else np.nan)
            best_off_s = float(off_s.mean())
    return best


def true_beats_s(r: Recording) -> Float64:
    """Return the beats of the reference on the clock of the PPG, those within it."""
    beat_s: Float64 = np.asarray(r["beat_time_s"] - r["beat_lag_s"], np.float64)
    last_s = float(r["ppg"].shape[1] / r["ppg_rate_hz"])
    return beat_s[(beat_s > 0.3) & (beat_s < last_s - 0.3)]


def score(r: Recording, dataset: str) -> Scored:
    """Return the beats of ``r`` found and compared; what lies outside the reference is left out."""
    acc = {"acc": r["acc"], "acc_rate_hz": r["acc_rate_hz"]} if r["acc"].shape[1] else {}
    found = find_beats(r["ppg"], rate_hz=r["ppg_rate_hz"], **acc)
    true_s = true_beats_s(r)
    inside = _inside(found.time_s, true_s)
    found = Beats(found.time_s[inside], found.quality[inside])
    ours, truth = heart_rate_variability(found), heart_rate_variability(Beats(true_s, np.ones(true_s.size)))
    f1, delay_s, interval_off_ms = match(found.time_s, true_s)
    return Scored(
        recording=r,
        dataset=dataset,
        half=r["half"],
        true_s=true_s,
        found=found,
        f1=f1,
        delay_s=delay_s,
        interval_off_ms=interval_off_ms,
        rmssd_ms=ours.rmssd_ms,
        true_rmssd_ms=truth.rmssd_ms,
        coverage=ours.coverage,
    )


def _inside(time_s: Float64, true_s: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((time_s > true_s[0] - 0.8) & (time_s < true_s[-1] + 0.8))


def recordings(traces: ModuleType) -> list[tuple[str, Recording]]:
    """Return every recording whose beats can be placed on the clock of its PPG."""
    return [(name, r) for name in SETS for r in traces.recordings(name, None) if np.isfinite(r["beat_lag_s"])]


def accuracy_table(scored: Sequence[Scored]) -> str:
    """Return how well beats, intervals and variability agree, by set and half."""
    rows: list[list[str]] = []
    for name in SETS:
        for half, said in HALVES.items():
            several = [s for s in scored if s.dataset == name and s.half == half]
            known = [s for s in several if np.isfinite(s.rmssd_ms)]
            off = [abs(s.rmssd_ms / s.true_rmssd_ms - 1) for s in known]
            variability = percent(float(np.median(off))) if name in _AT_REST else "in motion: not usable"
            rows.append(
                [
                    TITLES[name],
                    said,
                    str(len(several)),
                    f"{np.mean([s.f1 for s in several]):.3f}",
                    f"{np.nanmean([s.interval_off_ms for s in several]):.1f} ms",
                    variability,
                    f"{len(known)} of {len(several)}" if name in _AT_REST else "",
                ]
            )
    header = ["recordings", "", "number", "F1 at ±150 ms", "error of the interval"]
    return table([*header, "error of RMSSD, median", "RMSSD given"], rows)


def _best_of_peer(peer: Peer, r: Recording, true_s: Float64) -> tuple[float, float]:
    """F1 and RMSSD error on the channel and in the polarity that fit the reference best: in the peer's favour."""
    best, variability = 0.0, np.nan
    truth = heart_rate_variability(Beats(true_s, np.ones(true_s.size)))
    for channel in r["ppg"]:
        if np.ptp(channel) == 0:
            continue
        for sign in (1.0, -1.0):
            found_s = beats_s(peer, sign * np.asarray(channel, np.float64), float(r["ppg_rate_hz"]))
            found_s = found_s[_inside(found_s, true_s)]
            f1, _, _ = match(found_s, true_s)
            if f1 > best:
                theirs = heart_rate_variability(Beats(found_s, np.ones(found_s.size)))
                best, variability = f1, abs(theirs.rmssd_ms / truth.rmssd_ms - 1)
    return best, variability


def peers_table(ways: Sequence[Peer], scored: Sequence[Scored]) -> str:
    """Return F1 by set beside the peers, over what was not tuned on."""
    shown = [s for s in scored if s.half == "report"]

    def row(title: str, values: dict[str, list[tuple[float, float]]], mark: str = "") -> list[str]:
        cells = [f"{mark}{np.mean([f1 for f1, _ in values[name]]):.3f}{mark}" for name in SETS]
        off = float(np.nanmedian([off for name in _AT_REST for _, off in values[name]]))
        return [f"{mark}{title}{mark}", *cells, f"{mark}{percent(off)}{mark}"]

    ours = {
        name: [(s.f1, abs(s.rmssd_ms / s.true_rmssd_ms - 1)) for s in shown if s.dataset == name]
        for name in SETS
    }
    rows = [row("Vigie", ours, "**")]
    for peer in ways:
        if peer.beats_s is None:
            continue
        theirs = {
            name: [_best_of_peer(peer, s.recording, s.true_s) for s in shown if s.dataset == name]
            for name in SETS
        }
        rows.append(row(peer.name.replace(", whole recording", ""), theirs))
    header = ["F1 at ±150 ms", *(TITLES[name] for name in SETS)]
    return table([*header, "error of RMSSD, median: " + TITLES["welltory"]], rows)


def beats_picture(rest: Scored, motion: Scored, begin_s: float) -> Figure:
    """Return seconds of PPG with the beats found and those of the reference, at rest and in motion."""
    made, axes = figure(1, 2, 2.8)
    for axis, shown, at_s, length_s, title in (
        (axes[0], rest, 40.0, 8.0, "fingertip, at rest"),
        (axes[1], motion, begin_s, 6.0, "wrist, running"),
    ):
        r, rate_hz = shown.recording, float(shown.recording["ppg_rate_hz"])
        begin, end = round(at_s * rate_hz), round((at_s + length_s) * rate_hz)
        wave = np.asarray(r["ppg"][0, begin:end], np.float64)
        time_s = np.arange(begin, end) / rate_hz
        scale = (wave - wave.mean()) / np.ptp(wave)
        axis.plot(time_s, scale, color=GREEN, linewidth=1, label="PPG, raw")
        ours, theirs = shown.found.time_s, shown.true_s - shown.delay_s
        ours, theirs = (part[(part > at_s) & (part < at_s + length_s)] for part in (ours, theirs))
        axis.vlines(theirs, -0.85, -0.68, color="black", linewidth=2, label="reference, moved by the delay")
        axis.vlines(ours, -0.66, -0.5, color=BLUE, linewidth=2, label="beats found")
        axis.set(xlabel="seconds", yticks=[], title=f"{r['name']}: {title}", ylim=(-0.9, 0.9))
    axes[0].legend(frameon=False, fontsize=7, loc="upper left", ncols=3, columnspacing=1, handlelength=1)
    return made


def variability_picture(scored: Sequence[Scored]) -> Figure:
    """Return RMSSD found against that of the chest strap at rest, and the intervals of one recording."""
    made, (agreement, tachogram) = figure(1, 2, 3.0, width_ratios=(1, 1.6))
    at_rest = [s for s in scored if s.dataset in _AT_REST]
    for half, color in (("tune", GREY), ("report", BLUE)):
        points = [(s.true_rmssd_ms, s.rmssd_ms) for s in at_rest if s.half == half]
        agreement.plot(*np.array(points).T, "o", color=color, markersize=5, label=HALVES[half])
    top = 1.1 * max(s.true_rmssd_ms for s in at_rest)
    agreement.plot([0, top], [0, top], color=GREY, linewidth=1)
    agreement.set(
        xlabel="RMSSD of the chest strap, ms", ylabel="RMSSD from the PPG, ms", xlim=(0, top), ylim=(0, top)
    )
    agreement.legend(frameon=False, fontsize=7)
    shown = next(s for s in at_rest if s.half == "report")
    for beat_s, color, width, label in (
        (shown.true_s - shown.delay_s, "black", 2.4, "chest strap"),
        (shown.found.time_s, ORANGE, 1.2, "from the PPG"),
    ):
        tachogram.plot(beat_s[1:], 1000 * np.diff(beat_s), color=color, linewidth=width, label=label)
    tachogram.set(xlabel="seconds", ylabel="interval, ms", title=shown.recording["name"])
    tachogram.legend(frameon=False, fontsize=7)
    return made


def goals(scored: Sequence[Scored]) -> list[Goal]:
    """Return the goals of the beats, on the recordings not tuned on."""

    def f1(name: str) -> float:
        return float(np.mean([s.f1 for s in scored if s.dataset == name and s.half == "report"]))

    return [
        Goal("beats at rest (Welltory), F1", 0.99, None, f1("welltory"), more=True),
        Goal("beats in exercise (PhysioNet wrist, one ride), F1", 0.7, 0.8, f1("physionet_wrist"), more=True),
        Goal("beats at rest, walking and running (BAMI-1), F1", 0.7, 0.8, f1("bami1"), more=True),
    ]


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on beats and variability."""
    scored = [score(r, name) for name, r in recordings(traces)]
    ways, absent = peers()
    tables = {"beats": accuracy_table(scored), "beats-goals": goals_table(goals(scored))}
    if not absent:
        tables["beats-peers"] = peers_table(ways, scored)
    rest = next(s for s in scored if s.dataset == "welltory" and s.half == "report")
    motion = next(s for s in scored if s.recording["name"] == "BAMI1_06")
    pictures = {"beats": beats_picture(rest, motion, 330), "variability": variability_picture(scored)}
    return Result(tables, pictures, absent)
