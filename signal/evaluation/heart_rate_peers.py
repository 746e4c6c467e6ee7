"""Heart rate by the libraries that people use instead, on the same recordings and the same 8 s windows."""

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from evaluation.heart_rate import TITLES, WINDOW_S, Scored, groups, mean_errors_bpm, reference_bpm
from evaluation.peers import Peer, rates_bpm
from evaluation.report import percent, table
from training.recordings import HEART_RATE_SETS, Float64, Recording

_SHIFTS_S = (-4.0, -2.0, 0.0, 2.0, 4.0)


def half_shown(dataset: str) -> str:
    """Return the half that the comparison rests on: what was not tuned on, where there is any."""
    return "tune" if dataset == "ieee_spc" else "report"


def best_rates_bpm(peer: Peer, r: Recording, centre_s: Float64) -> Float64:
    """Return the peer's rates on the channel and in the polarity that fit the reference best: in its favour."""
    truth = reference_bpm(r, centre_s)
    candidates = [
        rates_bpm(peer, sign * np.asarray(channel, np.float64), float(r["ppg_rate_hz"]), centre_s, WINDOW_S)
        for channel in r["ppg"]
        if np.ptp(channel) > 0
        for sign in (1.0, -1.0)
    ]
    # a window without an answer counts as off by 100 here, so that silence does not win
    return min(candidates, key=lambda bpm: float(np.nanmean(np.nan_to_num(np.abs(bpm - truth), nan=100.0))))


def peer_error(peer: Peer, recordings: Sequence[Recording]) -> tuple[float, float]:
    """Return the mean over recordings of the mean absolute error, and the share of windows answered.

    A constant delay against the reference is searched over the set, in the peer's favour.
    """
    found: list[tuple[Recording, Float64, Float64]] = []
    for r in recordings:
        centre_s = _centres_s(r)
        found.append((r, centre_s, best_rates_bpm(peer, r, centre_s)))
    answered = np.concatenate([np.isfinite(bpm[np.isfinite(reference_bpm(r, at))]) for r, at, bpm in found])
    if not answered.any():
        return np.nan, 0.0
    errors = [
        np.nanmean([np.nanmean(np.abs(bpm - reference_bpm(r, at + shift_s))) for r, at, bpm in found])
        for shift_s in _SHIFTS_S
    ]
    return float(min(errors)), float(answered.mean())


def _centres_s(r: Recording) -> Float64:
    """Centres of the windows, the same as those of the heart-rate tracker."""
    duration_s = r["ppg"].shape[1] / float(r["ppg_rate_hz"])
    return np.arange(WINDOW_S / 2, duration_s - WINDOW_S / 2, 2.0, dtype=np.float64)


def peers_table(traces: ModuleType, ways: Sequence[Peer], online: list[Scored], later: list[Scored]) -> str:
    """Return the error of every way to use a peer beside ours, by set."""
    ours: list[list[str]] = []
    for title, several in (("**Vigie, online**", online), ("**Vigie, 6 s later**", later)):
        by_set = groups(several)
        means = [mean_errors_bpm(by_set[name, half_shown(name)]).mean() for name in HEART_RATE_SETS]
        ours.append([title, *(f"**{mean:.2f}**" for mean in means)])
    rows: list[list[str]] = []
    for peer in ways:
        cells: list[str] = []
        for name in HEART_RATE_SETS:
            error, answered = peer_error(peer, list(traces.recordings(name, half_shown(name))))
            cells.append(f"{error:.1f}" + (f" ({percent(answered)})" if answered < 0.995 else ""))
        rows.append([peer.name, *cells])
    return table(["mean absolute error, bpm", *(TITLES[name] for name in HEART_RATE_SETS)], [*ours, *rows])
