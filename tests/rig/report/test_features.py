"""What the samples say of a wrist about which all is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vigie_rig.report.features import FEATURE_MEASUREMENTS, Features, extract_features
from vigie_rig.report.recording import Span
from vigie_rig.report.says import say
from vigie_rig.traces import Trace, synthesize

CADENCE_HZ = {"run": 2.72}
"""Of the synthetic wrist; its walks are at 1.75 to 1.83."""


@pytest.fixture(scope="module")
def wrist() -> Trace:
    return synthesize(seed=2, minutes=10)


def times(trace: Trace) -> NDArray[np.float64]:
    return np.arange(trace.ppg.shape[1], dtype=np.float64) / trace.ppg_rate_hz


def extracted(trace: Trace, kept: NDArray[np.bool_] | slice = slice(None)) -> Features:
    time_s = times(trace)
    return extract_features(time_s[kept], trace.ppg[:, kept], time_s[kept], trace.acc_g[:, kept])


def parts(trace: Trace, *labels: str) -> list[tuple[float, float]]:
    marks = [mark for mark in trace.marks if mark.label in labels]
    return [(mark.start_s, mark.start_s + mark.duration_s) for mark in marks]


def seconds(spans: list[tuple[float, float]]) -> set[int]:
    return {second for start_s, stop_s in spans for second in range(round(start_s), round(stop_s))}


def said(spans: tuple[Span, ...]) -> set[int]:
    return seconds([(span.start_s, span.start_s + span.duration_s) for span in spans])


def steps_taken(trace: Trace) -> float:
    return sum(
        mark.duration_s * CADENCE_HZ.get(mark.label, 1.8)
        for mark in trace.marks
        if mark.label in ("walk", "run")
    )


def test_steps_are_counted_where_the_wrist_walks_and_runs(wrist: Trace) -> None:
    found = extracted(wrist)
    assert found.steps is not None
    assert found.steps.total == pytest.approx(steps_taken(wrist), rel=0.05)
    walked = seconds(parts(wrist, "walk", "run"))
    assert len(said(found.walking) ^ walked) < 0.05 * len(walked)


def test_rest_is_where_the_wrist_rests_and_never_where_it_is_off(wrist: Trace) -> None:
    found = extracted(wrist)
    resting = seconds(parts(wrist, "rest"))
    assert len(said(found.rest) ^ resting) < 0.05 * len(resting)


def test_variability_and_breathing_at_rest_are_those_of_the_trace(wrist: Trace) -> None:
    found = extracted(wrist)
    beats_s = np.array([mark.start_s for mark in wrist.marks if mark.label == "beat"])
    intervals_ms = [
        1000 * np.diff(beats_s[(beats_s > start_s) & (beats_s < stop_s)])
        for start_s, stop_s in parts(wrist, "rest")
    ]
    steps_ms = np.concatenate([np.diff(each) for each in intervals_ms])
    assert found.rmssd_ms == pytest.approx(float(np.sqrt(np.mean(steps_ms**2))), rel=0.1)
    # It wanders from 13.2 to 16.8 around 15.
    assert found.breathing_per_minute == pytest.approx(15, abs=1.5)


def test_minutes_on_and_off_the_wrist_are_told_apart() -> None:
    half_hour = synthesize(seed=1, minutes=30)
    ((off_s, end_s),) = parts(half_hour, "off-wrist")
    found = extracted(half_hour)
    assert found.wear is not None
    assert [span.on_wrist for span in found.wear] == [True, False]
    assert found.worn_s == pytest.approx(off_s, abs=45)
    assert found.duration_s == pytest.approx(end_s, abs=0.1)


def test_more_effort_is_more_intensity(wrist: Trace) -> None:
    found = extracted(wrist)
    assert found.activity is not None
    assert sum(found.minutes_by_intensity.values()) == 10
    ((run_s, stop_s),) = parts(wrist, "run")
    running = (found.activity.time_s > run_s - 30) & (found.activity.time_s < stop_s - 30)
    assert found.activity.intensity[running].min() > found.activity.intensity[0]


def stumble(rate_hz: float = 104) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ten seconds of walking, free fall, a hard impact, a roll, then lying still on another side."""
    t = np.arange(0, 30, 1 / rate_hz)
    acc = 0.01 * np.random.default_rng(0).standard_normal((3, t.size))
    walking, falling, hit = t < 10, (t >= 10) & (t < 10.4), (t >= 10.4) & (t < 10.9)
    acc[2, walking] += 1 + 0.25 * np.sin(2 * np.pi * 1.9 * t[walking])
    acc[0, walking] += 0.15 * np.sin(2 * np.pi * 0.95 * t[walking])
    acc[2, falling] += 0.25
    ringing = np.exp(-(((t[hit] - 10.5) / 0.06) ** 2)) - 0.4 * np.exp(-(((t[hit] - 10.65) / 0.06) ** 2))
    acc[:, hit] += np.array([[3.5], [2.5], [-3.0]]) * ringing
    acc[0, t >= 10.4] += 0.98
    return t, acc


def test_a_fall_is_told_with_its_time() -> None:
    t, acc = stumble()
    found = extract_features(np.empty(0), np.empty((1, 0)), t, acc)
    assert found.falls is not None
    assert [round(fall.time_s) for fall in found.falls] == [10]
    (line,) = [line for line in say(found) if line.what == "Falls"]
    assert line.value == "1"
    assert line.detail.startswith("at 0:10, score ")


def test_a_minute_that_never_came_hides_its_own_steps_and_no_others(wrist: Trace) -> None:
    ((run_s, _),) = parts(wrist, "run")
    time_s = times(wrist)
    lost = (time_s > run_s + 10) & (time_s < run_s + 70)
    whole, found = extracted(wrist).steps, extracted(wrist, ~lost).steps
    assert whole is not None
    assert found is not None
    assert whole.total - found.total == pytest.approx(60 * CADENCE_HZ["run"], rel=0.1)


@pytest.mark.parametrize("samples", [0, 1, 2, 50, 799])
def test_a_few_seconds_say_nothing(wrist: Trace, samples: int) -> None:
    found = extracted(wrist, slice(samples))
    assert [each.value for each in found.measurements()] == [None] * len(FEATURE_MEASUREMENTS)
    assert [line.value for line in say(found)] == [""] * 6
    assert all(line.detail for line in say(found))


def test_each_sensor_alone_says_what_it_can(wrist: Trace) -> None:
    time_s = times(wrist)
    none, nothing = np.empty(0), np.empty((3, 0))
    moved = {
        each.name: each.value for each in extract_features(none, nothing, time_s, wrist.acc_g).measurements()
    }
    assert moved["steps"] == pytest.approx(steps_taken(wrist), rel=0.05)
    assert moved["worn_s"] is moved["rmssd_ms"] is None
    lit = extract_features(time_s, wrist.ppg, none, nothing).measurements()
    assert {each.value for each in lit} == {None}


def test_the_measurements_have_the_names_that_limits_can_be_set_on(wrist: Trace) -> None:
    assert tuple(each.name for each in extracted(wrist).measurements()) == FEATURE_MEASUREMENTS
