"""What may happen to a recording, and what that does to its heart rate."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from evaluation.heart_rate import TITLES, groups, mean_errors_bpm, score, track
from evaluation.report import percent, table
from training.recordings import HEART_RATE_SETS, Float64, Recording


def _changed(r: Recording, **changes: npt.NDArray[np.floating] | float) -> Recording:
    return {**r, **changes}


def _at_rate(rows: npt.NDArray[np.floating], rate_hz: float, wanted_hz: float) -> Float64:
    """``rows`` sampled anew by straight lines, after a mean over what falls together."""
    smooth = ndimage.uniform_filter1d(np.asarray(rows, np.float64), max(int(rate_hz / wanted_hz), 1), axis=1)
    return _at(
        np.arange(0, rows.shape[1] / rate_hz, 1 / wanted_hz, dtype=np.float64),
        _times_s(rows, rate_hz),
        smooth,
    )


def _times_s(rows: npt.NDArray[np.floating], rate_hz: float) -> Float64:
    return np.arange(rows.shape[1], dtype=np.float64) / rate_hz


def _at(new_s: Float64, old_s: Float64, rows: Float64) -> Float64:
    found: list[Float64] = [np.asarray(np.interp(new_s, old_s, row), np.float64) for row in rows]
    return np.stack(found)


def _resampled(ppg_hz: float, acc_hz: float) -> Callable[[Recording], Recording]:
    def change(r: Recording) -> Recording:
        changed = _changed(r, ppg=_at_rate(r["ppg"], r["ppg_rate_hz"], ppg_hz), ppg_rate_hz=ppg_hz)
        if not r["acc"].shape[1]:
            return changed
        return _changed(changed, acc=_at_rate(r["acc"], r["acc_rate_hz"], acc_hz), acc_rate_hz=acc_hz)

    return change


def _beside_a_dead_channel(r: Recording) -> Recording:
    ppg = np.asarray(r["ppg"], np.float64)
    return _changed(r, ppg=np.concatenate([ppg, np.full((1, ppg.shape[1]), 5000.0)]))


def _rotated(r: Recording) -> Recording:
    turn, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))
    return _changed(r, acc=turn @ r["acc"])


def _shifted(by_s: float) -> Callable[[Recording], Recording]:
    """The acceleration ``by_s`` later than it was, its first value held."""

    def change(r: Recording) -> Recording:
        acc: Float64 = np.asarray(r["acc"], np.float64)
        if not acc.shape[1]:
            return r
        time_s = _times_s(acc, r["acc_rate_hz"])
        return _changed(r, acc=_at(time_s - by_s, time_s, acc))

    return change


def _with_gaps(r: Recording) -> Recording:
    """One sample in twenty missing alone, and half a second in every ten."""
    ppg = np.array(r["ppg"], np.float64)
    ppg[:, np.random.default_rng(4).random(ppg.shape[1]) < 0.05] = np.nan
    ppg[:, (np.arange(ppg.shape[1]) / r["ppg_rate_hz"]) % 10 < 0.5] = np.nan
    return _changed(r, ppg=ppg)


CHANGES: dict[str, Callable[[Recording], Recording]] = {
    "as recorded": lambda r: r,
    "inverted": lambda r: _changed(r, ppg=-np.asarray(r["ppg"], np.float64)),
    "rescaled: PPG × 0.001": lambda r: _changed(r, ppg=0.001 * np.asarray(r["ppg"], np.float64)),
    "a dead channel beside: constant 5000": _beside_a_dead_channel,
    "axes rotated": _rotated,
    "resampled: PPG to 25 Hz, acceleration to 12.5 Hz": _resampled(25, 12.5),
    "resampled: PPG to 64 Hz, acceleration to 32 Hz": _resampled(64, 32),
    "resampled: both to 200 Hz": _resampled(200, 200),
    "acceleration 0.3 s late": _shifted(0.3),
    "acceleration 0.3 s early": _shifted(-0.3),
    "gaps: 5 % of samples, and 0.5 s in every 10 s": _with_gaps,
    "one PPG channel alone": lambda r: _changed(r, ppg=r["ppg"][:1]),
    "no acceleration": lambda r: _changed(r, acc=r["acc"][:, :0]),
}
"""What is done to each recording before it is tracked; the reference stays."""


def robustness_table(traces: ModuleType) -> str:
    """Return the online error after each change: SPC, and the halves that were not tuned on."""
    rows: list[list[str]] = []
    names = [*HEART_RATE_SETS]
    recordings = [
        (name, r)
        for name in names
        for r in traces.recordings(name, "tune" if name == "ieee_spc" else "report")
    ]
    for title, change in CHANGES.items():
        several = groups(score(change(r), name) for name, r in recordings)
        means = {name: mean_errors_bpm(group).mean() for (name, _), group in several.items()}
        rows.append([title, *(f"{means[name]:.2f}" for name in names)])
    return table(["change", *(TITLES[name] for name in names)], rows)


def cut_difference_bpm(traces: ModuleType) -> float:
    """Return by how much online estimates change when the last third is cut away: the largest, over one a set."""
    worst = 0.0
    for name in HEART_RATE_SETS:
        r = next(iter(traces.recordings(name, None)))
        n, m = 2 * r["ppg"].shape[1] // 3, 2 * r["acc"].shape[1] // 3
        whole, cut = track(r), track(_changed(r, ppg=r["ppg"][:, :n], acc=r["acc"][:, :m]))
        shared = whole.bpm[: cut.bpm.size]
        worst = max(worst, float(np.nanmax(np.abs(shared - cut.bpm))))
    return worst


_NOISE_S, _NOISE_HZ, _PIECES = 300, 50, 8
_SLOPES = {"white": 0.0, "pink": 0.5, "brown": 1.0}


def colored_noise(channels: int, slope: float, rng: np.random.Generator) -> Float64:
    """Return ``[channels, n]`` of noise at 50 Hz whose amplitude falls with that power of the frequency."""
    spectrum = np.fft.rfft(rng.standard_normal((channels, _NOISE_S * _NOISE_HZ)), axis=1)
    frequency = np.maximum(np.fft.rfftfreq(_NOISE_S * _NOISE_HZ, 1 / _NOISE_HZ), 0.05)
    return np.fft.irfft(spectrum / frequency**slope, axis=1)


def noise_table(traces: ModuleType) -> str:
    """Return how often the tracker is sure of noise without a pulse, with and without a moving arm beside it."""
    arms = [np.asarray(r["acc"], np.float64) for r in traces.recordings("bami2", "report")]
    rows: list[list[str]] = []
    for color, slope in _SLOPES.items():
        for channels in (1, 3):
            cells: list[str] = []
            for with_acc in (True, False):
                sure: list[Float64] = []
                for seed in range(_PIECES):
                    ppg = colored_noise(channels, slope, np.random.default_rng(seed))
                    arm = arms[seed % len(arms)][:, : ppg.shape[1]] if with_acc else np.empty((3, 0))
                    found = track(
                        {"ppg": ppg, "ppg_rate_hz": _NOISE_HZ, "acc": arm, "acc_rate_hz": _NOISE_HZ}
                    )
                    sure.append((found.confidence >= 0.9).astype(np.float64))
                cells.append(percent(float(np.concatenate(sure).mean()), 1))
            rows.append([color, str(channels), *cells])
    header = ["noise in place of the PPG", "channels", "sure (≥ 0.9), with acceleration"]
    return table([*header, "sure, without acceleration"], rows)
