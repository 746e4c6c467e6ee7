"""The synthetic wrist: what it says about itself is true of its signals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from vigie_rig.traces import Mark, Trace, TraceError, synthesize


def during(trace: Trace, signal: NDArray[np.float64], mark: Mark) -> NDArray[np.float64]:
    rate_hz = trace.ppg_rate_hz
    return signal[..., round(mark.start_s * rate_hz) : round((mark.start_s + mark.duration_s) * rate_hz)]


def shaking(trace: Trace, mark: Mark) -> float:
    return float(np.linalg.norm(during(trace, trace.acc_g, mark), axis=0).std())


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert synthesize(seed=7).sha256 == synthesize(seed=7).sha256
    assert synthesize(seed=7).sha256 != synthesize(seed=8).sha256


def test_the_day_has_rest_walk_run_fall_and_off_wrist(synthetic: Trace) -> None:
    labels = [mark.label for mark in synthetic.marks if mark.label != "beat"]
    assert labels == ["rest", "walk", "run", "walk", "fall", "rest", "off-wrist"]
    assert synthetic.duration_s == 180
    parts = [mark for mark in synthetic.marks if mark.label != "beat"]
    for part, after in pairwise(parts):
        assert part.start_s + part.duration_s == after.start_s


@pytest.mark.parametrize("minutes", [1.0, 3.0, 10.0])
def test_the_length_is_as_asked(minutes: float) -> None:
    trace = synthesize(minutes=minutes)
    assert trace.duration_s == pytest.approx(minutes * 60)
    assert trace.marks_of("off-wrist")[0].start_s < trace.duration_s


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), 1e9])
def test_a_length_that_makes_no_sense_is_refused(minutes: float) -> None:
    with pytest.raises(TraceError, match="ask for"):
        synthesize(minutes=minutes)


def test_the_reference_agrees_with_the_beats(synthetic: Trace) -> None:
    reference = synthetic.reference
    assert reference is not None
    beats = np.array([mark.start_s for mark in synthetic.marks_of("beat")])
    for centre_s, bpm in zip(reference.time_s, reference.bpm, strict=True):
        inside = np.count_nonzero(np.abs(beats - centre_s) <= reference.window_s / 2)
        assert abs(60 * inside / reference.window_s - bpm) <= 60 / reference.window_s


def test_the_reference_leaves_out_the_fall_and_the_time_off_the_wrist(synthetic: Trace) -> None:
    assert synthetic.reference is not None
    for mark in (*synthetic.marks_of("fall"), *synthetic.marks_of("off-wrist")):
        clear_of = (synthetic.reference.time_s + 4 <= mark.start_s) | (
            synthetic.reference.time_s - 4 >= mark.start_s + mark.duration_s
        )
        assert clear_of.all()


def test_the_heart_follows_the_effort(synthetic: Trace) -> None:
    assert synthetic.reference is not None

    def mean_bpm(label: str) -> float:
        assert synthetic.reference is not None
        mark = synthetic.marks_of(label)[0]
        inside = (synthetic.reference.time_s >= mark.start_s) & (
            synthetic.reference.time_s < mark.start_s + mark.duration_s
        )
        return float(synthetic.reference.bpm[inside].mean())

    assert mean_bpm("rest") + 10 < mean_bpm("walk") < mean_bpm("run") - 20


def test_at_rest_the_pulse_in_the_ppg_beats_at_the_reference_rate(synthetic: Trace) -> None:
    assert synthetic.reference is not None
    rest = synthetic.marks_of("rest")[0]
    inside = synthetic.reference.time_s < rest.duration_s
    for row in during(synthetic, synthetic.ppg, rest):
        spectrum = np.abs(np.fft.rfft((row - row.mean()) * np.hanning(len(row)), 1 << 16))
        rate_bpm = 60 * np.fft.rfftfreq(1 << 16, 1 / synthetic.ppg_rate_hz)
        heart = (rate_bpm > 40) & (rate_bpm < 200)
        found_bpm = rate_bpm[heart][spectrum[heart].argmax()]
        assert found_bpm == pytest.approx(synthetic.reference.bpm[inside].mean(), abs=2)


def test_beats_stand_at_the_foot_of_their_pulse(synthetic: Trace) -> None:
    rest = synthetic.marks_of("rest")[0]
    green = synthetic.ppg[0]
    rises = [
        green[round((mark.start_s + 0.18) * 100)] - green[round(mark.start_s * 100)]
        for mark in synthetic.marks_of("beat")
        if 1 < mark.start_s < rest.duration_s - 1
    ]
    assert min(rises) > 0


def test_motion_reaches_the_ppg_through_the_acceleration(synthetic: Trace) -> None:
    run = synthetic.marks_of("run")[0]
    ppg = during(synthetic, synthetic.ppg[0], run)
    acc = during(synthetic, np.linalg.norm(synthetic.acc_g, axis=0), run)
    frequency_hz = np.fft.rfftfreq(len(acc), 1 / synthetic.ppg_rate_hz)
    step = 1 + np.abs(np.fft.rfft(acc))[1:].argmax()
    ppg_power = np.abs(np.fft.rfft(ppg - ppg.mean())) ** 2
    near_steps = ppg_power[step - 8 : step + 9].sum()
    elsewhere = ppg_power[(frequency_hz > 3.5) & (frequency_hz < 4.2)].sum()
    assert near_steps > 10 * elsewhere


def test_running_shakes_more_than_walking_and_walking_more_than_rest(synthetic: Trace) -> None:
    rest, walk, run = (synthetic.marks_of(label)[0] for label in ("rest", "walk", "run"))
    assert shaking(synthetic, rest) < 0.02 < shaking(synthetic, walk) < 0.25 < shaking(synthetic, run)


def test_a_fall_is_weightless_then_hits_hard_then_lies_still(synthetic: Trace) -> None:
    fall = synthetic.marks_of("fall")[0]
    size_g = during(synthetic, np.linalg.norm(synthetic.acc_g, axis=0), fall)
    assert size_g.min() < 0.4
    assert size_g.max() > 3
    assert size_g.argmin() < size_g.argmax()
    lying = synthetic.marks_of("rest")[1]
    assert shaking(synthetic, lying) < 0.02
    before = during(synthetic, synthetic.acc_g, synthetic.marks_of("walk")[-1]).mean(axis=1)
    after = during(synthetic, synthetic.acc_g, lying).mean(axis=1)
    assert np.degrees(np.arccos(before @ after / np.linalg.norm(before) / np.linalg.norm(after))) > 45


def test_off_the_wrist_there_is_ambient_light_no_pulse_and_no_motion(synthetic: Trace) -> None:
    off = synthetic.marks_of("off-wrist")[0]
    ppg = during(synthetic, synthetic.ppg, off)[:, 100:]
    assert ppg.max() < 10
    assert ppg.std(axis=1).max() < 0.2
    assert shaking(synthetic, Mark(off.start_s + 1, off.duration_s - 1, "")) < 0.02
    assert all(mark.start_s < off.start_s for mark in synthetic.marks_of("beat"))


def test_the_photocurrents_are_plausible(synthetic: Trace) -> None:
    assert synthetic.ppg.min() >= 0
    assert synthetic.ppg.max() < 1000
    on_wrist = during(synthetic, synthetic.ppg, synthetic.marks_of("rest")[0])
    swing_percent = 100 * np.ptp(on_wrist[:, :200], axis=1) / on_wrist.mean(axis=1)
    assert (swing_percent > 0.5).all()
    assert (swing_percent < 8).all()
