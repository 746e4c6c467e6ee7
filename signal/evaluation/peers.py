"""The libraries that people use instead, each as its documentation recommends for a PPG from the wrist.

None of them reads an accelerometer, so each sees one PPG channel. An absent one is left out; `absent` names it.
"""

import importlib
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from training.recordings import Float64

_HEARTPY_BAND_HZ = (0.7, 3.5)
_HIGHEST_BPM = 200


@dataclass(frozen=True)
class Peer:
    """One way to use a library.

    Attributes
    ----------
    name : str
        Library, method, and whether it sees one 8 s window at a time or the whole recording.
    library : str
        Name and version.
    rate_bpm : callable, optional
        Heart rate of one window ``[n]`` at a rate in Hz; of those that work by window.
    beats_s : callable, optional
        Times in seconds of the beats of a recording ``[n]`` at a rate in Hz; of those that work by recording.
    """

    name: str
    library: str
    rate_bpm: Callable[[Float64, float], float] | None = None
    beats_s: Callable[[Float64, float], Float64] | None = None


def _heartpy_process(ppg: Float64, rate_hz: float) -> tuple[Any, Any]:
    heartpy = importlib.import_module("heartpy")
    clean = heartpy.filter_signal(ppg, _HEARTPY_BAND_HZ, rate_hz, order=3, filtertype="bandpass")
    working, measures = heartpy.process(heartpy.scale_data(clean), rate_hz, bpmmax=_HIGHEST_BPM)
    return working, measures


def _heartpy_rate_bpm(window: Float64, rate_hz: float) -> float:
    return float(_heartpy_process(window, rate_hz)[1]["bpm"])


def _heartpy_beats_s(ppg: Float64, rate_hz: float) -> Float64:
    working, _ = _heartpy_process(ppg, rate_hz)
    kept = np.asarray(working["binary_peaklist"], np.bool_)
    return np.asarray(working["peaklist"], np.float64)[kept] / rate_hz


def _neurokit_beats_s(method: str) -> Callable[[Float64, float], Float64]:
    def beats_s(ppg: Float64, rate_hz: float) -> Float64:
        neurokit = importlib.import_module("neurokit2")
        whole_hz = round(rate_hz)  # the method of charlton refuses a float
        clean = neurokit.ppg_clean(ppg, sampling_rate=whole_hz, method="elgendi")
        peaks = neurokit.ppg_findpeaks(clean, sampling_rate=whole_hz, method=method)["PPG_Peaks"]
        return np.asarray(peaks, np.float64) / rate_hz

    return beats_s


def _mean_rate_bpm(beats_s: Callable[[Float64, float], Float64]) -> Callable[[Float64, float], float]:
    def rate_bpm(window: Float64, rate_hz: float) -> float:
        found_s = beats_s(window, rate_hz)
        return 60 / float(np.mean(np.diff(found_s))) if found_s.size > 2 else np.nan

    return rate_bpm


def _biosppy_beats_s(ppg: Float64, rate_hz: float) -> Float64:
    biosppy = importlib.import_module("biosppy.signals.ppg")
    return np.asarray(biosppy.ppg(ppg, sampling_rate=rate_hz, show=False)["peaks"], np.float64) / rate_hz


def _ways(library: str, version: str) -> list[Peer]:
    known = f"{library} {version}"
    if library == "heartpy":
        return [
            Peer("heartpy, by window", known, rate_bpm=_heartpy_rate_bpm),
            Peer("heartpy, whole recording", known, beats_s=_heartpy_beats_s),
        ]
    if library == "neurokit2":
        elgendi, charlton = _neurokit_beats_s("elgendi"), _neurokit_beats_s("charlton")
        return [
            Peer("neurokit2 elgendi, by window", known, rate_bpm=_mean_rate_bpm(elgendi)),
            Peer("neurokit2 elgendi, whole recording", known, beats_s=elgendi),
            Peer("neurokit2 charlton, whole recording", known, beats_s=charlton),
        ]
    return [
        Peer("biosppy, by window", known, rate_bpm=_mean_rate_bpm(_biosppy_beats_s)),
        Peer("biosppy, whole recording", known, beats_s=_biosppy_beats_s),
    ]


_MODULES = {"heartpy": "heartpy", "neurokit2": "neurokit2", "biosppy": "biosppy.signals.ppg"}


def peers() -> tuple[list[Peer], list[str]]:
    """Return every way to use the installed libraries, and why the others are not among them."""
    found: list[Peer] = []
    absent: list[str] = []
    for library, module in _MODULES.items():
        try:
            with quiet():
                importlib.import_module(module)
            found += _ways(library, metadata.version(library))
        except ImportError as error:
            absent.append(f"{library} is left out ({error}): pip install 'vigie[peers]'")
    return found, absent


@contextmanager
def quiet() -> Generator[None]:
    """Without the warnings that the libraries give on signals they cannot read."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def rates_bpm(peer: Peer, ppg: Float64, rate_hz: float, centre_s: Float64, window_s: float) -> Float64:
    """Heart rate of ``ppg [n]`` in each window, NaN where the library fails or finds too few beats."""
    if peer.rate_bpm is None:
        return _window_rates_bpm(beats_s(peer, ppg, rate_hz), centre_s, window_s)
    out = np.full(centre_s.size, np.nan)
    with quiet():
        for k, centre in enumerate(centre_s.tolist()):
            begin = round((centre - window_s / 2) * rate_hz)
            try:
                out[k] = peer.rate_bpm(ppg[begin : begin + round(window_s * rate_hz)], rate_hz)
            except Exception:  # whatever a library raises on a bad window, it gives no answer
                continue
    return out


def beats_s(peer: Peer, ppg: Float64, rate_hz: float) -> Float64:
    """Return the beats of ``ppg [n]`` in seconds, none where the library fails."""
    if peer.beats_s is None:
        raise ValueError(f"{peer.name} gives rates: pass a way that gives beats")
    with quiet():
        try:
            return peer.beats_s(ppg, rate_hz)
        except Exception:  # whatever a library raises, it gives no answer
            return np.empty(0)


def _window_rates_bpm(beats_s: Float64, centre_s: Float64, window_s: float) -> Float64:
    """60 over the mean interval of the beats in each window, NaN below three beats."""
    first = np.searchsorted(beats_s, centre_s - window_s / 2)
    last = np.searchsorted(beats_s, centre_s + window_s / 2, side="right") - 1
    count = last - first
    out = np.full(centre_s.size, np.nan)
    enough = count >= 2
    out[enough] = 60 * count[enough] / (beats_s[last[enough]] - beats_s[first[enough]])
    return out
