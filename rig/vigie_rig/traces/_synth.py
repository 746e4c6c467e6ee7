"""A wrist made up from a seed, with everything about it known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._bdf import with_own_hash
from ._errors import BadTraceError
from ._trace import HeartRateReference, Mark, Trace

Signal = NDArray[np.float64]

RATE_HZ = 100.0
WINDOW_S = 8.0
STEP_S = 2.0
AMBIENT_NA_PER_MA = 4.0
_FALL_S = 1.5
_MIN_MINUTES = 1.0


@dataclass(frozen=True)
class _Light:
    """How one wavelength sees the wrist: DC, pulse (peak to peak) and motion as fractions of the DC."""

    name: str
    dc_na_per_ma: float
    pulse: float
    motion_per_g: float


_LIGHTS = (
    _Light("green", 500.0, 0.030, 0.020),
    _Light("red", 420.0, 0.008, 0.008),
    _Light("infrared", 620.0, 0.016, 0.012),
)


@dataclass(frozen=True)
class _Part:
    """One part of the day: its share of the length, the rate the heart makes for, the arm's swing."""

    label: str
    share: float
    target_bpm: float
    cadence_hz: float = 0.0
    swing_g: float = 0.0
    gravity: tuple[float, float, float] = (0.10, 0.35, 0.93)


_ARM_DOWN = (0.95, 0.20, 0.24)
_DAY = (
    _Part("rest", 0.26, 64.0),
    _Part("walk", 0.24, 96.0, 1.83, 0.22, _ARM_DOWN),
    _Part("run", 0.20, 142.0, 2.72, 0.75, _ARM_DOWN),
    _Part("walk", 0.10, 105.0, 1.75, 0.20, _ARM_DOWN),
    _Part("fall", 0.00, 110.0, gravity=(0.30, -0.80, 0.52)),
    _Part("rest", 0.10, 78.0, gravity=(0.30, -0.80, 0.52)),
    _Part("off-wrist", 0.10, 70.0, gravity=(0.0, 0.0, 1.0)),
)


def synthesize(*, seed: int = 1, minutes: float = 3.0) -> Trace:
    """Make a trace: rest, walk, run, walk, a fall, lying still, off the wrist.

    Three PPG channels (green, red, infrared) and the acceleration, all at 100 Hz. The pulse is a sum of
    Gaussians in the phase of the beat (systolic and reflected waves), of which breathing moves the rate,
    the height and the baseline; the heart rate follows the effort exponentially (20 s up, 30 s down);
    motion reaches the PPG as a smoothed mixture of the acceleration; off the wrist there is ambient light
    and a still device.

    Known truth: a mark for each part and for each beat (at the foot of its pulse), and the mean heart rate
    of 8 s windows every 2 s, for those windows that are wholly on the wrist and touch no fall.

    The same seed and length give the same samples, and the same bytes when saved.

    Raises
    ------
    TraceError
        `minutes` is below 1 or not finite.
    """
    if not _MIN_MINUTES <= minutes <= 24 * 60:
        raise BadTraceError(f"{minutes} minutes", remedy=f"ask for {_MIN_MINUTES:g} minute to a day")
    rng = np.random.default_rng(seed)
    parts = _lay_out(minutes * 60)
    n = round(minutes * 60 * RATE_HZ)
    time_s = np.arange(n) / RATE_HZ
    breath = _breath(time_s, rng)
    bpm = _heart_rate(time_s, breath, parts, rng)
    phase = rng.uniform(0, 1) + np.concatenate(([0.0], np.cumsum(bpm[:-1] / 60 / RATE_HZ)))
    acc_g, motion = _acceleration(time_s, parts, rng)
    worn = np.ones(n)
    off_s = parts[-1][1]
    worn[round(off_s * RATE_HZ) :] = 0.0
    worn = _smooth(worn, 0.3)
    return with_own_hash(
        Trace(
            name=f"synthetic-{seed}",
            sha256="",
            ppg=np.array(
                [
                    _ppg(light, time_s, rng, phase=phase, breath=breath, motion=motion, worn=worn)
                    for light in _LIGHTS
                ]
            ),
            ppg_channels=tuple(light.name for light in _LIGHTS),
            ppg_rate_hz=RATE_HZ,
            acc_g=acc_g,
            acc_rate_hz=RATE_HZ,
            reference=_reference(time_s, phase, parts),
            marks=_marks(time_s, phase, parts),
        )
    )


_Laid = tuple[_Part, float, float]


def _lay_out(total_s: float) -> list[_Laid]:
    """Each part with its start and end in seconds."""
    laid: list[_Laid] = []
    start_s = 0.0
    for part in _DAY:
        end_s = start_s + (_FALL_S if part.label == "fall" else round(part.share * total_s))
        laid.append((part, start_s, end_s))
        start_s = end_s
    last, start_s, _ = laid[-1]
    laid[-1] = (last, start_s, total_s)
    return laid


def _breath(time_s: Signal, rng: np.random.Generator) -> Signal:
    """Breathing at about 15 a minute, its rate wandering, between -1 and 1."""
    rate_hz = 0.25 + 0.03 * np.sin(2 * np.pi * 0.011 * time_s + rng.uniform(0, 6.28))
    return np.sin(2 * np.pi * np.cumsum(rate_hz) / RATE_HZ + rng.uniform(0, 6.28))


def _heart_rate(time_s: Signal, breath: Signal, parts: Sequence[_Laid], rng: np.random.Generator) -> Signal:
    """Exponential approach to each part's target; respiratory and slow variability that effort takes away."""
    bpm = np.empty_like(time_s)
    now = parts[0][0].target_bpm
    for part, start_s, end_s in parts:
        inside = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        tau_s = 20.0 if part.target_bpm > now else 30.0
        bpm[inside] = part.target_bpm + (now - part.target_bpm) * np.exp(-(time_s[inside] - start_s) / tau_s)
        now = part.target_bpm + (now - part.target_bpm) * float(np.exp(-(end_s - start_s) / tau_s))
    calm = np.clip((130 - bpm) / 65, 0.1, 1.0)
    slow = np.sin(2 * np.pi * 0.095 * time_s + rng.uniform(0, 6.28))
    return bpm + calm * (2.5 * breath + 1.5 * slow)


def _pulse(phase: Signal) -> Signal:
    """One beat: steep systolic rise, dicrotic wave; mean 0, peak to peak 1."""
    cycle = phase % 1.0

    def bump(at: float, width: float) -> Signal:
        distance = (cycle - at + 0.5) % 1.0 - 0.5
        return np.exp(-0.5 * (distance / width) ** 2)

    return (bump(0.18, 0.075) + 0.55 * bump(0.36, 0.11) + 0.18 * bump(0.62, 0.12) - 0.41) / 1.13


def _ppg(
    light: _Light,
    time_s: Signal,
    rng: np.random.Generator,
    *,
    phase: Signal,
    breath: Signal,
    motion: Signal,
    worn: Signal,
) -> Signal:
    drift = 0.01 * np.sin(2 * np.pi * time_s / 47 + rng.uniform(0, 6.28))
    pulse = light.pulse * (1 + 0.08 * breath) * _pulse(phase)
    noise = rng.normal(0, 0.0004, len(time_s))
    on_wrist = light.dc_na_per_ma * (1 + drift + 0.003 * breath + pulse + light.motion_per_g * motion + noise)
    ambient = AMBIENT_NA_PER_MA + rng.normal(0, 0.05, len(time_s))
    return np.maximum(worn * on_wrist + (1 - worn) * ambient, 0.0)


def _acceleration(time_s: Signal, parts: Sequence[_Laid], rng: np.random.Generator) -> tuple[Signal, Signal]:
    """Acceleration [3, n] in g, and what of it shakes the PPG [n] in g."""
    gravity = np.empty((3, len(time_s)))
    moving = np.zeros((3, len(time_s)))
    fall_s = 0.0
    for part, start_s, end_s in parts:
        inside = slice(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        gravity[:, inside] = (np.array(part.gravity) / np.linalg.norm(part.gravity))[:, None]
        if part.label == "fall":
            fall_s = start_s
        if part.swing_g:
            moving[:, inside] = _gait(part, time_s[inside] - start_s, rng)
    gravity = _smooth(gravity, 0.5)
    on_ramp = _smooth(np.abs(moving).max(axis=0) > 0, 1.0)
    moving *= on_ramp
    motion = _smooth(0.8 * moving[0] + 0.5 * moving[2], 0.06)
    since_s = time_s - fall_s
    weight = 1 - 0.85 * np.clip(np.minimum(since_s / 0.12, (0.55 - since_s) / 0.08), 0, 1)
    bounce = np.where(since_s >= 0.5, np.exp(-np.maximum(since_s - 0.5, 0) / 0.07), 0.0)
    impact = np.outer((2.6, -4.2, 3.4), bounce * np.cos(2 * np.pi * 9 * np.maximum(since_s - 0.5, 0)))
    motion += _smooth(impact[0] + impact[2], 0.06)
    return gravity * weight + moving + impact + rng.normal(0, 0.004, moving.shape), motion


def _gait(part: _Part, since_s: Signal, rng: np.random.Generator) -> Signal:
    """Steps at the cadence with their harmonics, the arm's swing at half of it [3, n] in g."""
    wander = 1 + 0.02 * np.sin(2 * np.pi * 0.07 * since_s + rng.uniform(0, 6.28))
    step = 2 * np.pi * np.cumsum(part.cadence_hz * wander) / RATE_HZ + rng.uniform(0, 6.28)
    size = part.swing_g * (1 + 0.15 * np.sin(2 * np.pi * 0.21 * since_s + rng.uniform(0, 6.28)))
    shape = np.array(
        [
            np.sin(step) + 0.35 * np.sin(2 * step + 0.7) + 0.12 * np.sin(3 * step),
            0.5 * np.sin(step / 2 + 0.4) + 0.25 * np.sin(step + 1.1),
            0.45 * np.sin(step / 2 + 1.9) + 0.4 * np.sin(step + 0.3) + 0.15 * np.sin(2 * step),
        ]
    )
    return np.asarray(size * shape)


def _reference(time_s: Signal, phase: Signal, parts: Sequence[_Laid]) -> HeartRateReference:
    off_s = parts[-1][1]
    centre_s = np.arange(WINDOW_S / 2, off_s - WINDOW_S / 2 + 1e-9, STEP_S)
    for part, start_s, end_s in parts:
        if part.label == "fall":
            centre_s = centre_s[(centre_s + WINDOW_S / 2 <= start_s) | (centre_s - WINDOW_S / 2 >= end_s)]
    beats = np.interp(centre_s + WINDOW_S / 2, time_s, phase) - np.interp(
        centre_s - WINDOW_S / 2, time_s, phase
    )
    return HeartRateReference(centre_s, np.round(60 * beats / WINDOW_S, 3), WINDOW_S)


def _marks(time_s: Signal, phase: Signal, parts: Sequence[_Laid]) -> tuple[Mark, ...]:
    marks = [Mark(start_s, end_s - start_s, part.label) for part, start_s, end_s in parts]
    beats = np.arange(np.ceil(float(phase[0])), float(phase[-1]))
    beat_s: list[float] = np.interp(beats, phase, time_s).tolist()
    marks += [Mark(round(at_s, 6), 0.0, "beat") for at_s in beat_s if at_s < parts[-1][1]]
    return tuple(sorted(marks, key=lambda mark: (mark.start_s, -mark.duration_s)))


def _smooth(signal: Signal | NDArray[np.bool_], width_s: float) -> Signal:
    """Hann-weighted moving average along the last axis, its ends held."""
    half = max(1, round(width_s * RATE_HZ / 2))
    kernel = np.hanning(2 * half + 3)[1:-1]
    kernel /= kernel.sum()
    rows = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    padded = np.pad(rows, ((0, 0), (half, half)), mode="edge")
    smooth = np.array([np.convolve(row, kernel, mode="valid") for row in padded])
    return smooth.reshape(signal.shape)
