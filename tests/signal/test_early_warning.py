from dataclasses import replace
from datetime import date, timedelta
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.cohort import simulate
from evaluation.early_warning import (
    alerts,
    as_days,
    assessed,
    by_night_signal,
    even,
    recorded,
    score_recorded,
    score_simulated,
)
from vigie_signal import DayAssessment, Grade, Sensitivity, assess_days, night_signal
from vigie_signal.nightsignal import Alert, State

Float64 = npt.NDArray[np.float64]

DAYS = 120


def quiet_year(seed: int = 0, days: int = DAYS) -> dict[str, Any]:
    """A person without news: nights about 62 bpm, some of them missing."""
    rng = np.random.default_rng(seed)
    features = {
        "resting_bpm": 62 + 2 * rng.standard_normal(days),
        "steps": 4000 * np.exp(0.3 * rng.standard_normal(days)),
        "amplitude_bpm": 8 + 1.2 * rng.standard_normal(days),
    }
    missing = rng.random(days) < 0.1
    return {name: np.where(missing, np.nan, values) for name, values in features.items()}


def failing(seed: int = 0, *, on: int = 80) -> dict[str, Any]:
    """The same person, whose nights rise by 8 bpm and whose steps are halved from day ``on``."""
    features = quiet_year(seed)
    after = np.arange(DAYS) >= on
    features["resting_bpm"] = features["resting_bpm"] + 8.0 * after
    features["steps"] = features["steps"] * np.where(after, 0.5, 1)
    return features


def watched(features: dict[str, Any], **options: Any) -> list[DayAssessment]:
    return assess_days(np.arange(len(features["resting_bpm"])), **features, **options)


def number(one: DayAssessment) -> int:
    assert isinstance(one.day, int)
    return one.day


def test_a_lasting_rise_is_graded_within_days_and_says_why() -> None:
    found = watched(failing(on=80))
    assert all(one.grade < Grade.VIGILANCE for one in found[40:80])
    first = next(one for one in found[80:] if one.grade >= Grade.DECOMPENSATION)
    assert 80 <= number(first) <= 86
    rate = next(piece for piece in first.evidence if piece.feature == "resting_bpm")
    assert rate.baseline == pytest.approx(62, abs=1.5)
    assert rate.today == pytest.approx(70, abs=6)
    assert rate.z == pytest.approx((rate.today - rate.baseline) / rate.spread)
    assert rate.raised_nights >= 2
    assert 7 <= rate.baseline_nights <= 28
    assert rate.algorithm == first.algorithm
    assert first.algorithm.split()[-1].isdigit()
    steps = next(piece for piece in first.evidence if piece.feature == "steps")
    assert steps.today < steps.baseline
    assert steps.z > 0


def test_quiet_people_are_left_alone() -> None:
    alerts = sum(one.grade >= Grade.DECOMPENSATION for seed in range(12) for one in watched(quiet_year(seed)))
    assert alerts <= 2


def test_silence_is_never_health() -> None:
    features = failing(on=80)
    for values in features.values():
        values[84:-1] = np.nan
    features["resting_bpm"][-1] = 62
    found = watched(features)
    assert found[83].grade >= Grade.VIGILANCE
    assert {one.grade for one in found[84:-1]} == {Grade.SILENCE}
    assert all("no resting heart rate" in one.reason for one in found[84:-1])
    # what was open stays open until somebody measures again
    assert {one.open_grade for one in found[84:-1]} == {found[83].grade}
    assert found[-1].open_grade < Grade.VIGILANCE


def test_steps_alone_are_silence() -> None:
    features = quiet_year()
    features["resting_bpm"][90:] = np.nan
    assert {one.grade for one in watched(features)[90:]} == {Grade.SILENCE}


def test_days_left_out_are_the_same_as_days_without_values() -> None:
    features = failing()
    kept = np.isfinite(features["resting_bpm"])
    kept[[0, -1]] = True
    left_out = assess_days(np.flatnonzero(kept), **{name: v[kept] for name, v in features.items()})
    assert [(a.day, a.grade, a.score) for a in left_out] == [
        (a.day, a.grade, a.score) for a in watched(features)
    ]


def test_the_first_two_weeks_have_no_baseline_and_say_so() -> None:
    found = watched(quiet_year())
    assert all(one.grade == Grade.SILENCE for one in found[:14])
    assert "baseline" in found[10].reason
    assert any(one.grade != Grade.SILENCE for one in found[14:20])


def test_the_baseline_stands_still_while_an_alert_is_open() -> None:
    found = watched(failing(on=80))
    opened = [
        one for one in found if one.open_grade >= Grade.VIGILANCE and one.evidence and number(one) < 100
    ]
    baselines = {next(p.baseline for p in one.evidence if p.feature == "resting_bpm") for one in opened}
    assert len(opened) > 10
    assert len(baselines) == 1


def test_a_level_that_lasts_becomes_usual() -> None:
    found = watched({"resting_bpm": np.concatenate([quiet_year(days=80)["resting_bpm"], 70 + np.zeros(80)])})
    assert found[85].grade >= Grade.VIGILANCE
    assert all(one.grade < Grade.VIGILANCE for one in found[125:])


def test_a_known_change_restarts_the_baseline() -> None:
    found = watched(failing(on=80), restart_on=[80])
    assert all(one.grade < Grade.VIGILANCE for one in found[80:])
    assert "baseline" in found[82].reason


def test_an_event_is_g4_even_on_a_silent_day() -> None:
    features = quiet_year()
    features["resting_bpm"][50] = np.nan
    found = watched(features, events={50: "fall, still for 4 minutes"})
    assert found[50].grade == Grade.EVENT
    assert found[50].reason == "fall, still for 4 minutes"


def test_dates_come_back_as_dates() -> None:
    start = date(2026, 3, 20)
    days = [start + timedelta(days=n) for n in range(DAYS)]
    by_date, by_number = assess_days(days, **quiet_year()), watched(quiet_year())
    assert by_date[0].day == start
    assert [one.grade for one in by_date] == [one.grade for one in by_number]
    as_numpy = assess_days(np.array(days, dtype="datetime64[D]"), **quiet_year())
    assert [one.day for one in as_numpy] == days


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), cut=st.integers(1, DAYS - 1))
def test_cutting_the_future_changes_nothing(seed: int, cut: int) -> None:
    whole = watched(failing(seed))
    part = watched({name: values[:cut] for name, values in failing(seed).items()})
    assert [repr(one) for one in part] == [repr(one) for one in whole[:cut]]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.integers(-(10**5), 10**5), level_bpm=st.floats(-15, 40))
def test_when_and_at_what_level_a_person_lives_does_not_matter(
    seed: int, shift: int, level_bpm: float
) -> None:
    plain, other = failing(seed), failing(seed)
    other["resting_bpm"] = other["resting_bpm"] + level_bpm
    moved = assess_days(np.arange(DAYS) + shift, **other)
    assert [one.grade for one in moved] == [one.grade for one in watched(plain)]
    assert [number(one) - shift for one in moved] == list(range(DAYS))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(0.01, 100))
def test_the_unit_of_effort_does_not_matter(seed: int, factor: float) -> None:
    effort = 0.3 * np.exp(0.2 * np.random.default_rng(seed).standard_normal(DAYS))
    plain, other = (watched(failing(seed) | {"bpm_per_step": scale * effort}) for scale in (1.0, factor))
    assert [one.grade for one in plain] == [one.grade for one in other]


_value = st.one_of(st.just(np.nan), st.floats(0, 250), st.just(np.inf))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), count=st.integers(0, 60))
def test_gaps_and_nonsense_never_raise(data: st.DataObject, count: int) -> None:
    columns: dict[str, Any] = {
        name: data.draw(st.lists(_value, min_size=count, max_size=count))
        for name in ("resting_bpm", "steps", "rmssd_ms", "amplitude_bpm", "bpm_per_step")
    }
    days = sorted(data.draw(st.sets(st.integers(0, 400), min_size=count, max_size=count)))
    found = assess_days(days, **columns)
    assert len(found) == (days[-1] - days[0] + 1 if days else 0)
    assert all(np.isfinite(one.score) for one in found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"resting_bpm": [60.0, 61.0]}, "pass 3 numbers"),
        ({"steps": [-1.0, 1.0, 1.0]}, "NaN where nothing was measured"),
        ({"day": [1, 1, 2]}, "once, in order"),
        ({"day": [0.5, 1.5, 2.5]}, "whole numbers"),
        ({"events": {7: "fall"}}, "pass day up to 7"),
        ({"completeness": [0.5, 50.0, 1.0]}, "0 to 1"),
    ],
)
def test_what_cannot_be_meant_is_told(change: dict[str, Any], says: str) -> None:
    passed: dict[str, Any] = {"day": [0, 1, 2], "resting_bpm": [60.0, 61.0, 62.0]} | change
    with pytest.raises(ValueError, match=says):
        assess_days(**passed)


def test_a_keener_watch_alerts_no_later() -> None:
    usual = Sensitivity()
    keen = replace(usual, slide_limit=usual.slide_limit / 2, leap_limit=usual.leap_limit / 2)

    def first(sensitivity: Sensitivity) -> int:
        found = watched(failing(on=80), sensitivity=sensitivity)
        return min(number(one) for one in found if one.grade >= Grade.DECOMPENSATION and number(one) >= 80)

    assert first(keen) <= first(usual)


def night_signal_in_words(nights: list[float]) -> list[bool]:
    """Red: tonight and the night before, each at least 4 bpm above the median of all nights up to it."""
    high = [bool(bpm >= np.median(nights[: i + 1]) + 4) for i, bpm in enumerate(nights)]
    return [i > 0 and high[i - 1] and high[i] for i in range(len(nights))]


@settings(max_examples=60, deadline=None)
@given(nights=st.lists(st.sampled_from([60.0, 61.0, 63.0, 64.0, 66.0, 70.0]), max_size=40))
def test_the_state_machine_is_nightsignals_rule(nights: list[float]) -> None:
    found = night_signal(np.arange(len(nights)), nights)
    assert [one.alert == Alert.RED for one in found] == night_signal_in_words(nights)


def test_nightsignals_six_states() -> None:
    def last(*nights: float) -> tuple[State, Alert]:
        one = night_signal(np.arange(20 + len(nights)), [60.0] * 20 + list(nights))[-1]
        return one.state, one.alert

    assert last(60) == (State.LOW, Alert.GREEN)
    assert last(63) == (State.FIRST_YELLOW, Alert.GREEN)
    assert last(64) == (State.FIRST_RED, Alert.GREEN)
    assert last(64, 63) == (State.YELLOW_AFTER_HIGH, Alert.YELLOW)
    assert last(63, 64) == (State.RED_AFTER_YELLOW, Alert.YELLOW)
    assert last(64, 64) == (State.RED_AFTER_RED, Alert.RED)
    # one missing night between is the mean of its neighbours, two are a gap
    assert last(64, np.nan, 64) == (State.RED_AFTER_RED, Alert.RED)
    assert last(64, np.nan, np.nan, 64) == (State.FIRST_RED, Alert.GREEN)
    assert last(64, np.nan)[1] == Alert.UNKNOWN


def test_half_of_nightsignals_false_episodes_at_the_same_detections(traces: ModuleType) -> None:
    """Persons that were not tuned on."""
    people = recorded(traces, "report")
    ours = score_recorded(people, alerts(people, assessed(people), Grade.VIGILANCE))
    theirs = score_recorded(people, by_night_signal(people))
    assert ours.onsets == theirs.onsets >= 10
    assert ours.found >= theirs.found
    assert ours.false_a_month <= theirs.false_a_month / 2


def test_the_simulated_cohort() -> None:
    """A simulation: it says what the method does with the published effects, not what it does for patients."""
    patients = even(simulate(160, seed=7))
    people = as_days(patients)
    found = assessed(people)
    sent = score_simulated(patients, alerts(people, found, Grade.VIGILANCE))
    severe = score_simulated(patients, alerts(people, found, Grade.DECOMPENSATION))
    assert sent.onsets >= 50
    assert sent.found_share >= 0.75
    assert sent.median_lead_days >= 5
    assert severe.false_a_year <= 1.5
