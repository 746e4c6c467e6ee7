"""What the heart rate is learned from: recordings, and copies of them with what recordings do not show enough of.

A copy is stretched in time (other heart rates), has one channel alone, moves where the acceleration says nothing
(another person's PPG mixed in), has noise in place of its PPG for a while, a weak pulse, or no acceleration. And
there are recordings whose pulse is taken out and pieces of noise, both with a reference that wanders at random, so
that the model learns to doubt what varies without a pulse. The seeds are fixed: the examples are the same each time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from training.recordings import HEART_RATE_SETS, Float32, Float64, Recording, heart_rate_reference

# what the tracker itself does to a recording before its model judges
from vigie_signal._features import HISTORY, STEP, WINDOW, features
from vigie_signal._grid import BandPass

NOISE = "noise"
COPY_SEED, NOISE_SEED = 5, 11

Kind = Literal["recorded", "changed", "doubtful", "noise"]
"""As recorded; a copy; a copy whose pulse is weak or gone, or that has lost its acceleration; noise alone."""

_MOVING_SETS = ("ieee_spc", "bami1", "bami2")
_STRETCHES = (0.8, 1.0, 1.2, 0.9, 1.1)
_SINGLE_CHANNEL = 3
"""As many of the stretched copies have one channel."""
_NOISE_COUNT = 60
_NOISE_S = 240
_WEAK = 0.4
_HARMONICS = (1, 2, 3)
_NOTCH_S = 1.5
"""Time over which the pulse that is taken out may change its height: half of a bpm resolution of 40."""
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Features ``[windows, rates, 19]``, the reference in bpm (NaN where there is none), the set and its kind."""

    features: npt.NDArray[np.float16]
    bpm: Float64
    set: str
    kind: Kind


def examples(traces: ModuleType) -> Iterator[Example]:
    """Every example, of the ``tune`` halves alone; about 200 MB, in half precision."""
    random = np.random.default_rng(COPY_SEED)
    moving = {name: list(traces.recordings(name, "tune")) for name in _MOVING_SETS}
    for name in HEART_RATE_SETS:
        strangers = [r for other in _MOVING_SETS if other != name for r in moving[other]]
        for r in traces.recordings(name, "tune"):
            ppg: Float32 = np.asarray(r["ppg"], np.float32)
            yield _example(name, r, ppg, kind="recorded")
            for i, stretch in enumerate(_STRETCHES):
                channel = ppg[(i + ord(r["name"][-1])) % len(ppg)][None]
                alone = i < _SINGLE_CHANNEL and channel.std() > 0
                yield _example(name, r, channel if alone else ppg, stretch)
            yield _example(name, r, _with_strangers(r, random, strangers))
            yield _example(name, r, _with_noise(r, random))
            yield _example(name, r, _with_pulse(r, _WEAK), kind="doubtful")
            if r["acc"].shape[1]:
                yield _example(name, r | {"acc": np.zeros((3, 0))}, ppg, kind="doubtful")
            minutes = r["ppg"].shape[1] / r["ppg_rate_hz"] / 60
            nothing = r | _meaning_nothing(minutes, random)
            yield _example(name, nothing, _with_pulse(r, 0), kind="doubtful")
    yield from _noise(traces)


def _example(
    name: str, r: Recording, ppg: npt.NDArray[np.floating], stretch: float = 1.0, kind: Kind = "changed"
) -> Example:
    """The features of ``ppg`` with the acceleration and the reference of ``r``, played ``stretch`` times as fast."""
    shown, valid = BandPass(len(ppg), r["ppg_rate_hz"] * stretch).push(np.asarray(ppg, np.float32))
    acc: Float32 = np.zeros((3, shown.shape[1]), np.float32)
    if r["acc"].shape[1]:
        acc, _ = BandPass(3, r["acc_rate_hz"] * stretch).push(np.asarray(r["acc"], np.float32))
    size = min(shown.shape[1], acc.shape[1])
    found, usable = _features(shown[:, :size], valid[:, :size], acc[:, :size])
    time_s, bpm = heart_rate_reference(r)
    centre_s = (4 + 2 * np.arange(len(found))) * stretch
    reference = np.interp(centre_s, time_s, bpm, left=np.nan, right=np.nan) * stretch
    return Example(found.astype(np.float16), np.where(usable, reference, np.nan), name, kind)


def _features(
    ppg: Float32, valid: npt.NDArray[np.bool_], acc: Float32
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """The features of a whole recording, chunk by chunk as the tracker does it."""
    grid = np.pad(np.concatenate([ppg, valid.astype(np.float32), acc]), ((0, 0), (HISTORY, 0)))
    windows = (grid.shape[1] - HISTORY - WINDOW) // STEP + 1
    parts = [
        features(grid[:, first * STEP :], min(_CHUNK, windows - first)) for first in range(0, windows, _CHUNK)
    ]
    shown = np.concatenate([shown for shown, _ in parts]).transpose(0, 2, 1)
    return shown, np.concatenate([usable for _, usable in parts])


def _without_trend(x: Float64, rate_hz: float) -> Float64:
    """``x [..., n]`` less its course over 2 s."""
    return np.asarray(x - signal.savgol_filter(x, int(2 * rate_hz) // 2 * 2 + 1, 1, axis=-1), np.float64)


def _with_strangers(r: Recording, random: np.random.Generator, strangers: Sequence[Recording]) -> Float32:
    """The PPG with another person's PPG in motion over random stretches: artefacts that nothing explains."""
    rate_hz, size = r["ppg_rate_hz"], r["ppg"].shape[1]
    added = np.zeros(size)
    at_s = 0.0
    while at_s < size / rate_hz:
        at_s += random.uniform(20, 90)
        span_s = random.uniform(10, 50)
        other = strangers[int(random.integers(len(strangers)))]
        channel: Float64 = other["ppg"][random.integers(len(other["ppg"]))]
        other_hz = float(other["ppg_rate_hz"])
        begin_s = random.uniform(0, max(len(channel) / other_hz - span_s * 1.3, 1))
        faster = random.uniform(0.8, 1.25)
        wanted_s = begin_s + np.arange(int(span_s * rate_hz), dtype=np.float64) / rate_hz * faster
        other_s = np.arange(len(channel), dtype=np.float64) / other_hz
        piece = _without_trend(cast(Float64, np.interp(wanted_s, other_s, channel)), rate_hz)
        piece /= piece.std() + 1e-9
        begin = int(at_s * rate_hz)
        count = min(wanted_s.size, size - begin)
        if count > 0:
            added[begin : begin + count] += (
                math.exp(random.uniform(math.log(0.2), math.log(2))) * piece[:count]
            )
        at_s += span_s
    own = _without_trend(np.asarray(r["ppg"], np.float64), rate_hz)
    return np.asarray(own + added * own.std(axis=1, keepdims=True), np.float32)


def _coloured(random: np.random.Generator, channels: int, size: int, slope: float) -> Float64:
    """Noise ``[channels, size]`` of unit deviation whose power falls with the frequency to ``slope``."""
    spectrum = np.fft.rfft(random.standard_normal((channels, size)))
    noise = np.fft.irfft(spectrum / (np.arange(size // 2 + 1) + 1) ** (slope / 2), size, axis=1)
    return np.asarray(noise / (noise.std(axis=1, keepdims=True) + 1e-9), np.float64)


def _with_noise(r: Recording, random: np.random.Generator) -> Float32:
    """The PPG with noise, half of it coarsely quantised, in its place over random stretches."""
    rate_hz, size = r["ppg_rate_hz"], r["ppg"].shape[1]
    out = _without_trend(np.asarray(r["ppg"], np.float64), rate_hz)
    out /= out.std(axis=1, keepdims=True) + 1e-9
    at_s = random.uniform(0, 20)
    while at_s < size / rate_hz:
        span_s = random.uniform(15, 60)
        begin = int(at_s * rate_hz)
        count = min(int(span_s * rate_hz), size - begin)
        if count > 10:
            slope = random.choice([0, 0.5, 1.0, 2.0])
            noise = _coloured(random, len(out), count, slope)
            if random.random() < 0.5:
                noise = np.round(noise * random.uniform(0.3, 3))
            kept = random.choice([0, 0, 0, 0.1, 0.3])
            piece = out[:, begin : begin + count]
            out[:, begin : begin + count] = kept * piece + noise * np.exp(random.uniform(-2, 1))
        at_s += span_s + random.uniform(20, 90)
    return out.astype(np.float32)


def _with_pulse(r: Recording, share: float) -> Float32:
    """The PPG with this share of its pulse: what follows the reference and its harmonics is taken out."""
    rate_hz = r["ppg_rate_hz"]
    out = _without_trend(np.asarray(r["ppg"], np.float64), rate_hz)
    sample_s = np.arange(out.shape[1], dtype=np.float64) / rate_hz
    bpm = cast(Float64, np.interp(sample_s, *heart_rate_reference(r)))
    phase = 2 * np.pi * np.cumsum(bpm) / 60 / rate_hz
    for harmonic in _HARMONICS:
        turning = np.exp(1j * harmonic * phase)
        height = ndimage.uniform_filter1d(out * turning.conj(), int(_NOTCH_S * rate_hz), axis=1)
        out = out - (1 - share) * 2 * (height * turning).real
    return out.astype(np.float32)


def _meaning_nothing(minutes: float, random: np.random.Generator) -> Recording:
    """A reference that wanders at random."""
    time_s = np.arange(0, 60 * minutes, 2.0)
    wander = random.uniform(45, 185) + np.cumsum(random.standard_normal(time_s.size) * 1.5)
    return {"lag_s": 0.0, "ref_time_s": time_s, "ref_bpm": np.clip(wander, 40, 210)}


def _still(gravity: Float32, size: int, random: np.random.Generator) -> Float64:
    """What an accelerometer shows that does not move."""
    return np.asarray(gravity + 0.004 * random.standard_normal((3, size)), np.float64)


def _noise(traces: ModuleType) -> Iterator[Example]:
    """Noise alone, with a person's acceleration, a still one or none, and a reference that means nothing."""
    random = np.random.default_rng(NOISE_SEED)
    worn = [r for name in (*_MOVING_SETS, "physionet_wrist") for r in traces.recordings(name, "tune")]
    for i in range(_NOISE_COUNT):
        r = worn[random.integers(len(worn))]
        channels = int(random.integers(1, 4))
        slope = random.choice([0, 0.5, 1.0, 1.5, 2.0, 2.5])
        ppg = _coloured(random, channels, int(_NOISE_S * r["ppg_rate_hz"]), slope)
        if i % 3 == 0:
            ppg = np.round(ppg * random.uniform(0.4, 3))
        size = int(_NOISE_S * r["acc_rate_hz"])
        acc = r["acc"][:, -size:] if i % 2 else _still(r["acc"][:, :1], size, random)
        made: Recording = {
            "name": NOISE,
            "acc": acc if i % 5 else np.zeros((3, 0)),
            "ppg_rate_hz": r["ppg_rate_hz"],
            "acc_rate_hz": r["acc_rate_hz"],
            **_meaning_nothing(_NOISE_S / 60, random),
        }
        yield _example(NOISE, made, ppg, kind="noise")
