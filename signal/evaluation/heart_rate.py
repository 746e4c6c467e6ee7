"""Heart rate: error by set and by motion, and how the confidence holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from evaluation.report import percent, table
from training.recordings import HEART_RATE_SETS, Float64, Recording, heart_rate_reference
from vigie_signal import HeartRateTrack, track_heart_rate

WINDOW_S = 8.0
TITLES = {
    "ieee_spc": "IEEE SPC 2015, training",
    "bami1": "BAMI-1",
    "bami2": "BAMI-2",
    "physionet_wrist": "PhysioNet wrist",
    "welltory": "Welltory (fingertip)",
}
HALVES = {"tune": "tuned on", "report": "not tuned on"}
_MOTION_MG = {"wrist still": (0, 35), "walking, or so": (35, 400), "running, or so": (400, np.inf)}
_CONFIDENCES = ((0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.99), (0.99, 1.01))

Track = Callable[[Recording, float], HeartRateTrack]


@dataclass(frozen=True, eq=False)
class Scored:
    """One recording against its reference, a value a window: those that have a reference."""

    recording: Recording
    dataset: str
    half: str
    time_s: Float64
    bpm: Float64
    error_bpm: Float64
    confidence: Float64
    true_bpm: Float64


def track(r: Recording, lag_s: float = 0.0) -> HeartRateTrack:
    """Return the heart rate of a recording, all channels and the acceleration, if there is one."""
    if not r["acc"].shape[1]:
        return track_heart_rate(r["ppg"], ppg_rate_hz=r["ppg_rate_hz"], lag_s=lag_s)
    return track_heart_rate(
        r["ppg"], r["acc"], ppg_rate_hz=r["ppg_rate_hz"], acc_rate_hz=r["acc_rate_hz"], lag_s=lag_s
    )


def reference_bpm(r: Recording, time_s: Float64) -> Float64:
    """Return the reference at ``time_s`` in bpm, NaN where there is none."""
    known_s, bpm = heart_rate_reference(r)
    return np.asarray(np.interp(time_s, known_s, bpm, left=np.nan, right=np.nan), np.float64)


def score(r: Recording, dataset: str, lag_s: float = 0.0, tracked: Track = track) -> Scored:
    """Return ``r`` tracked and compared; errors are absolute, and NaN where the tracker abstains."""
    found = tracked(r, lag_s)
    truth = reference_bpm(r, found.time_s)
    known = np.isfinite(truth)
    return Scored(
        recording=r,
        dataset=dataset,
        half=r["half"],
        time_s=found.time_s[known],
        bpm=found.bpm[known],
        error_bpm=np.abs(found.bpm - truth)[known],
        confidence=found.confidence[known],
        true_bpm=truth[known],
    )


def scored(traces: ModuleType, lag_s: float = 0.0, tracked: Track = track) -> list[Scored]:
    """Return every recording with a reference, scored."""
    return [score(r, name, lag_s, tracked) for name in HEART_RATE_SETS for r in traces.recordings(name, None)]


def groups(all_scored: Iterable[Scored]) -> dict[tuple[str, str], list[Scored]]:
    """Return the recordings by set and half."""
    out: dict[tuple[str, str], list[Scored]] = {}
    for each in all_scored:
        out.setdefault((each.dataset, each.half), []).append(each)
    order = [(name, half) for name in HEART_RATE_SETS for half in HALVES]
    return {key: out[key] for key in order if key in out}


def joined(several: Iterable[Scored]) -> tuple[Float64, Float64]:
    """Return errors and confidences of all windows."""
    listed = list(several)
    return (
        np.concatenate([np.empty(0), *(s.error_bpm for s in listed)]),
        np.concatenate([np.empty(0), *(s.confidence for s in listed)]),
    )


def mean_errors_bpm(several: Iterable[Scored]) -> Float64:
    """Return the mean absolute error of each recording."""
    return np.array([float(np.nanmean(s.error_bpm)) for s in several])


def surest(error_bpm: Float64, confidence: Float64, share: float) -> Float64:
    """Return the errors of the windows with the highest confidence, ``share`` of all."""
    order = np.argsort(-confidence, kind="stable")
    return error_bpm[order[: max(int(share * error_bpm.size), 1)]]


def accuracy_table(online: list[Scored], later: list[Scored]) -> str:
    """Return the error by set and half, without a lag and with one of 6 s."""
    rows: list[list[str]] = []
    late = groups(later)
    for (name, half), several in groups(online).items():
        error, confidence = joined(several)
        sure = error[confidence >= 0.9]
        means, means_later = mean_errors_bpm(several), mean_errors_bpm(late[name, half])
        rows.append(
            [
                TITLES[name],
                HALVES[half],
                str(len(several)),
                f"{means.mean():.2f} ({np.median(means):.2f})",
                f"{means_later.mean():.2f} ({np.median(means_later):.2f})",
                percent(float(np.isfinite(error).mean()), 1),
                f"{np.nanmean(surest(error, confidence, 0.8)):.2f}",
                percent(sure.size / error.size),
                percent(float((sure < 5).mean()), 1),
                percent(float((sure > 10).mean()), 1),
            ]
        )
    header = ["recordings", "", "number", "online", "6 s later", "answered", "surest 80 %", "sure (≥ 0.9)"]
    return table([*header, "of these within 5 bpm", "off by > 10 bpm"], rows)


def window_motion_mg(r: Recording, time_s: Float64) -> Float64:
    """Return the mean absolute deviation of the acceleration's length over each window, in milli-g."""
    length_mg = 1000 * np.sqrt((np.asarray(r["acc"], np.float64) ** 2).sum(axis=0))
    rate_hz = float(r["acc_rate_hz"])
    out: list[float] = []
    for centre_s in time_s.tolist():
        begin = max(round((centre_s - WINDOW_S / 2) * rate_hz), 0)
        part = length_mg[begin : begin + round(WINDOW_S * rate_hz)]
        out.append(float(np.abs(part - part.mean()).mean()))
    return np.array(out)


def motion_table(online: list[Scored], later: list[Scored]) -> str:
    """Return the error by how much the wrist moves in the window, the same bounds for all sets."""
    late = groups(later)
    rows: list[list[str]] = []
    for (name, half), several in groups(online).items():
        if not several[0].recording["acc"].shape[1]:
            continue
        error, confidence = joined(several)
        error_later, _ = joined(late[name, half])
        motion_mg = np.concatenate([window_motion_mg(s.recording, s.time_s) for s in several])
        for title, (low, high) in _MOTION_MG.items():
            here = (motion_mg >= low) & (motion_mg < high)
            if here.sum() < 30:
                continue
            sure = here & (confidence >= 0.9)
            rows.append(
                [
                    TITLES[name],
                    HALVES[half],
                    title,
                    str(int(here.sum())),
                    f"{np.nanmean(error[here]):.2f}",
                    f"{np.nanmean(error_later[here]):.2f}",
                    percent(sure.sum() / here.sum()),
                    percent(float((error[sure] < 5).mean()), 1) if sure.any() else "",
                ]
            )
    header = ["recordings", "", "motion", "windows", "online", "6 s later", "sure (≥ 0.9)"]
    return table([*header, "of these within 5 bpm"], rows)


def calibration(
    error_bpm: Float64, confidence: Float64, bounds: Iterable[tuple[float, float]] = _CONFIDENCES
) -> list[tuple[float, float, float, float, float]]:
    """Return lower and upper bound, share of windows, mean confidence and share within 5 bpm, NaN where empty."""
    out: list[tuple[float, float, float, float, float]] = []
    for low, high in bounds:
        there = (confidence >= low) & (confidence < high)
        mean = float(confidence[there].mean()) if there.any() else np.nan
        within = float((error_bpm[there] < 5).mean()) if there.any() else np.nan
        out.append((low, min(high, 1.0), float(there.mean()), mean, within))
    return out


def calibration_table(online: list[Scored]) -> str:
    """Return how many of the estimates are right at each confidence, over what was not tuned on."""
    rows = [
        [f"{low:g} to {high:g}", percent(share, 1), percent(mean), percent(within)]
        for low, high, share, mean, within in calibration(*joined(s for s in online if s.half == "report"))
        if share
    ]
    return table(["confidence", "share of the windows", "mean confidence", "within 5 bpm"], rows)
