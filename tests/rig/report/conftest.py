"""A bench that never ran: a synthetic pulse with motion, gaps, faults and a log."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from vigie_rig.report import BenchRecording, HeapHistory, HeartRate, LinkHistory, LogLine, Span
from vigie_rig.report.features import extract_features
from vigie_rig.results import BenchResult, FirmwareIdentity, Limit, Measurement, TraceIdentity

Floats = NDArray[np.float64]


def synthetic_recording(duration_s: float = 300.0, seed: int = 1) -> BenchRecording:
    """Rest, walk, run, a fall and off the wrist; heart rate follows, the walk hides the pulse a little."""
    rng = np.random.default_rng(seed)
    fraction = np.array([0.0, 0.2, 0.3, 0.45, 0.55, 0.7, 0.8, 1.0])
    rates = np.array([66.0, 68, 92, 104, 142, 156, 118, 84])

    def heart_rate(time_s: Floats) -> Floats:
        trend: Floats = np.interp(time_s / duration_s, fraction, rates)
        return trend + 1.5 * np.sin(2 * np.pi * time_s / 11)

    ppg_time = np.arange(0, duration_s, 0.01)
    acc_time = np.arange(0, duration_s, 1 / 104)
    beats = np.cumsum(heart_rate(ppg_time) / 60 * 0.01)
    phase = beats % 1
    pulse = np.exp(-(((phase - 0.25) / 0.11) ** 2)) + 0.45 * np.exp(-(((phase - 0.58) / 0.12) ** 2))
    worn = ppg_time < 0.93 * duration_s

    def effort(time_s: Floats) -> Floats:
        walk = (time_s > 0.2 * duration_s) & (time_s < 0.5 * duration_s)
        run = (time_s >= 0.5 * duration_s) & (time_s < 0.72 * duration_s)
        return 0.25 * walk + 0.9 * run

    cadence = np.where(acc_time < 0.5 * duration_s, 1.85, 2.7)
    steps = np.cumsum(cadence) / 104
    swing = effort(acc_time) * np.sin(2 * np.pi * steps)
    acc = np.stack([0.6 * swing + 0.1, swing - 0.2, 0.4 * np.abs(swing) + 0.97])
    acc += 0.01 * rng.standard_normal(acc.shape)
    fall = int(0.78 * len(acc_time))
    acc[:, fall : fall + 30] += np.hanning(30) * np.array([[3.2], [-2.5], [4.1]])
    motion = np.interp(ppg_time, acc_time, swing)
    breath = 0.004 * np.sin(2 * np.pi * ppg_time / 4.2)
    ppg = np.stack(
        [
            118_000 * (1 + breath + 0.018 * pulse + 0.016 * motion),
            93_000 * (1 + breath + 0.009 * pulse + 0.012 * motion),
        ]
    )
    ppg = np.where(worn, ppg, 2_100) + 60 * rng.standard_normal(ppg.shape)
    kept = ~((ppg_time > 0.38 * duration_s) & (ppg_time < 0.38 * duration_s + 3))

    estimate_time = np.arange(8, duration_s, 1.0)
    running = effort(estimate_time) > 0.5
    confidence = np.clip(0.93 - 0.35 * running + 0.06 * rng.standard_normal(len(estimate_time)), 0, 1)
    estimate = heart_rate(estimate_time) + rng.standard_normal(len(estimate_time)) * (0.8 + 2.5 * running)
    strayed = (estimate_time > 0.53 * duration_s) & (estimate_time < 0.57 * duration_s)
    estimate[strayed], confidence[strayed] = 162, 0.3
    estimate[estimate_time > 0.93 * duration_s] = np.nan
    reference_time = np.arange(4, 0.93 * duration_s, 2.0)
    link_time = np.arange(0, duration_s, 1.0)
    flip = 0.25 * duration_s
    counts = np.round(np.clip(ppg, 0, 2**18 - 1))[:, kept].astype(np.int32)
    return BenchRecording(
        ppg_time_s=ppg_time[kept],
        ppg=counts,
        ppg_channels=("green", "infrared"),
        acc_time_s=acc_time,
        acc_g=acc,
        estimate=HeartRate(estimate_time, estimate, confidence),
        reference=HeartRate(reference_time, heart_rate(reference_time)),
        features=extract_features(ppg_time[kept], counts, acc_time, acc),
        link=LinkHistory(
            time_s=link_time,
            bytes_per_s=1480
            + 20 * rng.standard_normal(len(link_time))
            - 900 * (np.abs(link_time - flip) < 3),
            frames_bad=np.where(link_time > flip, np.minimum(4, link_time - flip), 0),
            samples_missing=np.where(link_time > 0.38 * duration_s, 300, 0),
        ),
        heap=HeapHistory(link_time[::5], 61_000 + 900 * np.sin(link_time[::5] / 9)),
        marks=(
            Span(0, 0.2 * duration_s, "rest"),
            Span(0.2 * duration_s, 0.3 * duration_s, "walk"),
            Span(0.5 * duration_s, 0.22 * duration_s, "run"),
            Span(0.78 * duration_s, 2, "fall"),
            Span(0.93 * duration_s, 0.07 * duration_s, "off the wrist"),
            *(Span(float(ppg_time[at]), 0, "beat") for at in np.flatnonzero(np.diff(np.floor(beats)))),
        ),
        faults=(
            Span(flip, 4, "bytes flipped"),
            Span(0.38 * duration_s, 3, "sensor stuck"),
            Span(0.85 * duration_s, 0, "reset"),
        ),
        log=(
            LogLine(0.02, "info", "boot 41, reset cause 1"),
            LogLine(0.41, "info", "max30101 part 0x15 revision 3; lsm6dso 0x6c"),
            LogLine(flip + 1, "warning", "frame refused: CRC"),
            LogLine(
                0.38 * duration_s + 0.5, "error", "no sample for 0.5 s; <restarting> the sensor & going on"
            ),
            LogLine(0.85 * duration_s, "info", "boot 42, reset cause 3"),
        ),
        versions={"vigie": "0.1.0", "MicroPython": "1.25.0", "NumPy": "2.4.6", "Python": "3.11.2"},
        command="vigie bench synthetic.bdf --board unix --faults flip@75+4,stuck@114+3 --report out/bench",
    )


def failed_result() -> BenchResult:
    return BenchResult(
        verdict="fail",
        board="unix",
        firmware=FirmwareIdentity(version="0.1.0", schema_crc="1f2e3d4c", micropython="1.25.0"),
        trace=TraceIdentity(name="synthetic-1", sha256="9b1d" * 16, seconds=300.0),
        measurements=(
            Measurement("samples_expected", 91_200, "samples"),
            Measurement("samples_received", 90_900, "samples"),
            Measurement("samples_lost", 300, "samples", Limit(at_most=0)),
            Measurement("samples_wrong", 0, "samples", Limit(at_most=0)),
            Measurement("frames_bad", 4, "frames", Limit(at_most=5)),
            Measurement("heap_live_bytes", 61_904, "bytes", Limit(at_most=128_000)),
            Measurement("heap_needed_bytes", None, "bytes"),
            Measurement("realtime_factor", 41.7, "×", Limit(at_least=1)),
            Measurement("heart_rate_mae_bpm", 2.417, "bpm", Limit(at_most=5)),
            Measurement("heart_rate_coverage", 0.912, "", Limit(at_least=0.9)),
        ),
        started_utc=datetime(2026, 11, 22, 17, 41, tzinfo=UTC),
        wall_s=7.2,
        reason="300 of 91 200 samples were lost, at most 0 are allowed.",
    )


@pytest.fixture(scope="session")
def recording() -> BenchRecording:
    return synthetic_recording()


@pytest.fixture(scope="session")
def short_recording() -> BenchRecording:
    return synthetic_recording(duration_s=40.0)


@pytest.fixture(scope="session")
def result() -> BenchResult:
    return failed_result()
