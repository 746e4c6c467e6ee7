"""Signals with a truth known by construction: a pulse, a swinging arm, and what the arm does to the pulse."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wrist:
    ppg: Float64
    acc: Float64
    bpm_at: tuple[Float64, Float64]
    beat_time_s: Float64


def wrist(
    bpm: tuple[float, float] = (70, 70),
    *,
    seconds: float = 120,
    ppg_rate_hz: float = 50,
    acc_rate_hz: float = 50,
    cadence_bpm: float = 0,
    motion: float = 0,
    seed: int = 0,
) -> Wrist:
    """A pulse that goes linearly from one rate to the other, under arm swing `motion` times as strong."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * ppg_rate_hz)) / ppg_rate_hz
    u = np.arange(int(seconds * acc_rate_hz)) / acc_rate_hz
    fine = np.linspace(0, seconds, int(seconds * 200))
    rate_bpm = np.interp(fine, [0, seconds], bpm)
    cycles_fine = np.cumsum(rate_bpm / 60) / 200
    phase = 2 * np.pi * np.interp(t, fine, cycles_fine)
    pulse = np.sin(phase) + 0.4 * np.sin(2 * phase + 0.7)

    def swing(time: Float64, shift: float) -> Float64:
        angle = 2 * np.pi * cadence_bpm / 60 * time + shift
        return np.sin(angle) + 0.5 * np.sin(2 * angle + 1) + 0.2 * np.sin(0.5 * angle)

    noise = 0.1 * rng.standard_normal(t.size)
    ppg = pulse + motion * (swing(t - 0.08, 0) + 0.6 * swing(t - 0.16, 1.3)) + noise
    acc = np.stack([0.3 * swing(u, 0), 0.2 * swing(u, 1.3), 0.1 * swing(u, 2.1)]) * (cadence_bpm > 0)
    acc += np.array([[0.1], [0.2], [0.97]]) + 0.005 * rng.standard_normal(acc.shape)
    # the pulse peaks where its phase makes the sum largest
    grid = np.linspace(0, 2 * np.pi, 10_000)
    top = float(grid[np.argmax(np.sin(grid) + 0.4 * np.sin(2 * grid + 0.7))]) / (2 * np.pi)
    whole: Float64 = np.arange(int(cycles_fine[-1]), dtype=np.float64)
    beats: Float64 = np.interp(whole + top, cycles_fine, fine)
    beats = beats[beats < seconds]
    return Wrist(1000 + 20 * ppg, acc, (fine, rate_bpm), beats)
