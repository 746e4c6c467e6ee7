"""Pictures of the heart rate: a recording with its reference, and what the confidence is worth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from evaluation.heart_rate import TITLES, Scored, calibration, groups, joined, surest
from evaluation.heart_rate_peers import best_rates_bpm
from evaluation.peers import Peer
from evaluation.report import BLUE, GREEN, GREY, ORANGE, RED, figure
from training.recordings import Float64, Recording

_SHOWN_S = 8.0
_COLORS = {"bami1": BLUE, "bami2": ORANGE, "physionet_wrist": RED, "welltory": GREEN}


def track_picture(shown: Scored, begin_s: float, peer: Peer | None) -> Figure:
    """Return 8 s of the recording from ``begin_s`` on, and the estimates of all of it beside the reference."""
    made, (raw, whole) = figure(1, 2, 3.2, width_ratios=(1, 2))
    r = shown.recording
    for row, (name, rate_hz, label, color) in enumerate(
        (("ppg", "ppg_rate_hz", "PPG, raw", GREEN), ("acc", "acc_rate_hz", "acceleration, length", GREY))
    ):
        time_s, values = _excerpt(r, name, float(r[rate_hz]), begin_s)
        raw.plot(time_s, values - 1.2 * row, color=color, linewidth=1, label=label)
    raw.set(xlabel="seconds", yticks=[], title=f"8 s of {r['name']}, while running", ylim=(-1.9, 0.9))
    raw.legend(loc="upper center", ncols=2, frameon=False, fontsize=7, handlelength=1)
    minutes = shown.time_s / 60
    if peer is not None:
        theirs = best_rates_bpm(peer, r, shown.time_s)
        whole.plot(minutes, theirs, ".", color=GREY, markersize=3, alpha=0.7, label=peer.name)
    whole.plot(minutes, shown.true_bpm, color="black", linewidth=2.4, label="reference (ECG)")
    sure = shown.confidence >= 0.9
    whole.plot(minutes[sure], shown.bpm[sure], ".", color=BLUE, markersize=3, label="Vigie, online, sure")
    whole.plot(
        minutes[~sure], shown.bpm[~sure], ".", color=ORANGE, markersize=4, label="Vigie, unsure (< 0.9)"
    )
    whole.axvspan(begin_s / 60, (begin_s + _SHOWN_S) / 60, color=GREEN, alpha=0.25)
    whole.set(
        xlabel="minutes", ylabel="beats per minute", ylim=(40, 200), title="rest, walk, run, walk, run, rest"
    )
    whole.legend(loc="lower center", frameon=False, fontsize=7, ncols=2)
    return made


def _excerpt(r: Recording, name: str, rate_hz: float, begin_s: float) -> tuple[Float64, Float64]:
    """Seconds and values, about -0.5 to 0.5, of the first channel or of the acceleration's length."""
    rows: Float64 = np.asarray(r[name], np.float64)
    row = np.sqrt((rows**2).sum(axis=0)) if name == "acc" else rows[0]
    begin = round(begin_s * rate_hz)
    part = row[begin : begin + round(_SHOWN_S * rate_hz)]
    time_s = begin_s + np.arange(part.size, dtype=np.float64) / rate_hz
    return time_s, np.asarray((part - part.mean()) / np.ptp(part), np.float64)


def confidence_picture(online: Sequence[Scored]) -> Figure:
    """Return error against coverage by set, and the share of right answers against the confidence."""
    made, (coverage, reliability) = figure(1, 2, 3.4)
    shares = np.linspace(0.2, 1, 41)
    for (name, half), several in groups(online).items():
        if half != "report":
            continue
        error, confidence = joined(several)
        curve = [np.nanmean(surest(error, confidence, share)) for share in shares]
        coverage.plot(100 * shares, curve, color=_COLORS[name], label=TITLES[name])
    coverage.set(
        xlabel="answered, surest first, %", ylabel="mean absolute error, bpm", ylim=(0, None), title="online"
    )
    coverage.legend(frameon=False, fontsize=7)
    bounds = [(low, low + 0.1) for low in np.linspace(0, 0.8, 9)] + [(0.9, 0.97), (0.97, 1.01)]
    error, confidence = joined(s for s in online if s.half == "report")
    held = [
        (mean, within, share) for *_, share, mean, within in calibration(error, confidence, bounds) if share
    ]
    reliability.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    for mean, within, share in held:
        count = share * error.size
        spread = 1.96 * np.sqrt(max(within * (1 - within), 0.25 / count) / count)
        reliability.errorbar(mean, within, spread, fmt="o", color=BLUE, markersize=4, capsize=2, linewidth=1)
        reliability.annotate(f"{count:.0f}", (mean, within), (5, -9), textcoords="offset points", fontsize=6)
    reliability.set(
        xlabel="confidence given",
        ylabel="share within 5 bpm",
        xlim=(0, 1.08),
        ylim=(0, 1.08),
        title="not tuned on, with number of windows",
    )
    return made
