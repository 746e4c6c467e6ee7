import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import (
    Beats,
    DayWindow,
    Grade,
    HeartRateTrack,
    Minutes,
    Steps,
    Wear,
    as_columns,
    assess_days,
    count_steps,
    daily_features,
    find_beats,
    per_minute,
    track_heart_rate,
    worn,
)

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import wrist

Float64 = npt.NDArray[np.float64]
HOUR_S, DAY_S = 3600.0, 86400.0


def window(day: int = 0) -> DayWindow:
    """From midnight to midnight, with the night from 2 to 5 h."""
    start_s = day * DAY_S
    return DayWindow(day, start_s, start_s + DAY_S, start_s + 2 * HOUR_S, start_s + 5 * HOUR_S)


def life(days: int = 1, *, mesor_bpm: float = 70, amplitude_bpm: float = 8, peak_h: float = 15) -> Minutes:
    """A rate that follows a cosine, worn day and night, with a walk of half an hour at 10 h."""
    time_s = 60.0 * np.arange(days * 1440, dtype=np.float64)
    hour = time_s / HOUR_S % 24
    walking = (hour >= 10) & (hour < 10.5)
    bpm = mesor_bpm + amplitude_bpm * np.cos(2 * np.pi * (hour - peak_h) / 24)
    return Minutes(
        time_s=time_s,
        bpm=np.where(walking, 95.0, bpm),
        quality=np.ones(time_s.size),
        steps=np.where(walking, 100.0, 0.0),
        worn=np.ones(time_s.size, np.bool_),
        rmssd_ms=np.full(time_s.size, 30.0),
    )


def between(minutes: Minutes, start_h: float, stop_h: float) -> npt.NDArray[np.bool_]:
    return (minutes.time_s >= start_h * HOUR_S) & (minutes.time_s < stop_h * HOUR_S)


def test_a_day_is_measured() -> None:
    minutes = life()
    (day,) = daily_features(minutes, [window()])
    assert day.missing == {}
    assert day.mesor_bpm == pytest.approx(70, abs=1)
    assert day.amplitude_bpm == pytest.approx(8, abs=0.7)
    assert day.acrophase_h == pytest.approx(15, abs=0.7)
    night = minutes.bpm[between(minutes, 2, 5)]
    assert day.resting_bpm == pytest.approx(np.median(night))
    assert day.rmssd_ms == 30
    assert day.steps == 3000
    assert day.bpm_per_step == pytest.approx((95 - day.resting_bpm) / 100)
    assert (day.worn_share, day.completeness, day.night_minutes) == (1, 1, 180)
    assert day.longest_out_of_limits_min == 0


def test_minutes_with_steps_are_no_rest() -> None:
    minutes = life()
    up = between(minutes, 3, 3.25)
    busy = replace(minutes, steps=np.where(up, 40.0, minutes.steps), bpm=np.where(up, 110.0, minutes.bpm))
    (day,) = daily_features(busy, [window()])
    # the two minutes after the walk are not rest either
    assert day.night_minutes == 180 - 15 - 2
    assert day.resting_bpm < 65


def test_a_night_off_the_wrist_has_no_resting_rate_and_says_why() -> None:
    minutes = life()
    (day,) = daily_features(replace(minutes, worn=~between(minutes, 2, 4)), [window()])
    assert np.isnan(day.resting_bpm)
    assert np.isnan(day.rmssd_ms)
    assert day.missing["resting_bpm"] == "worn for 33% of the night, 70% needed"
    assert day.missing["bpm_per_step"] == "no resting rate to compare with"
    assert day.worn_share == pytest.approx(22 / 24)
    assert day.steps == 3000


def test_a_night_of_bad_signal_says_so() -> None:
    minutes = life()
    (day,) = daily_features(
        replace(minutes, quality=np.where(between(minutes, 2, 4.5), 0.2, 1.0)), [window()]
    )
    assert day.missing["resting_bpm"] == "30 valid minutes at rest by night, 60 needed"
    assert day.completeness == pytest.approx(21.5 / 24)


def test_steps_that_were_not_worn_were_not_omitted() -> None:
    minutes = life()
    (day,) = daily_features(replace(minutes, worn=between(minutes, 0, 12)), [window()])
    assert np.isnan(day.steps)
    assert day.missing["steps"] == "worn for 9.0 hours outside the night, 10 needed"
    assert "12 hours" in day.missing["mesor_bpm"]
    assert np.isfinite(day.resting_bpm)


def test_a_day_without_a_minute_has_a_reason_for_everything() -> None:
    (day,) = daily_features(life(), [window(5)])
    assert (day.worn_share, day.completeness) == (0, 0)
    named = {"resting_bpm", "rmssd_ms", "mesor_bpm", "amplitude_bpm", "acrophase_h", "steps", "bpm_per_step"}
    assert day.missing.keys() == named
    assert all(np.isnan(getattr(day, name)) for name in named)


def test_no_minutes_at_all() -> None:
    empty = np.zeros(0)
    nothing = Minutes(empty, empty, empty, empty, np.zeros(0, np.bool_), empty)
    (day,) = daily_features(nothing, [window()])
    assert day.completeness == 0


def test_a_rate_beyond_the_limits_at_rest_is_timed() -> None:
    minutes = life()
    racing = np.where(between(minutes, 20, 20.2), 140.0, minutes.bpm)
    (day,) = daily_features(replace(minutes, bpm=racing), [window()])
    assert day.longest_out_of_limits_min == 12
    running = np.where(between(minutes, 10, 10.5), 140.0, minutes.bpm)
    (day,) = daily_features(replace(minutes, bpm=running), [window()])
    assert day.longest_out_of_limits_min == 0


def test_a_day_of_25_hours_is_whole() -> None:
    minutes = life(2)
    longer = DayWindow(0, 0, 25 * HOUR_S, 2 * HOUR_S, 6 * HOUR_S)
    (day,) = daily_features(minutes, [longer])
    assert day.completeness == 1
    assert day.mesor_bpm == pytest.approx(70, abs=1)


@settings(max_examples=20, deadline=None)
@given(shift_s=st.integers(-(10**6), 10**6), drop=st.integers(0, 2**32 - 1), share=st.floats(0, 0.9))
def test_the_clock_does_not_matter_and_gaps_never_raise(shift_s: int, drop: int, share: float) -> None:
    whole = life(3)
    kept = np.random.default_rng(drop).random(whole.time_s.size) >= share
    minutes = Minutes(**{name: getattr(whole, name)[kept] for name in Minutes.__slots__})
    shifted = replace(minutes, time_s=minutes.time_s + shift_s)
    windows = [window(n) for n in range(3)]
    moved = [
        DayWindow(w.day, *(t + shift_s for t in (w.start_s, w.stop_s, w.night_start_s, w.night_stop_s)))
        for w in windows
    ]
    assert repr(daily_features(shifted, moved)) == repr(daily_features(minutes, windows))


def test_each_day_depends_on_its_own_minutes_alone() -> None:
    minutes = life(3)
    changed = replace(minutes, bpm=np.where(between(minutes, 48, 72), 99.0, minutes.bpm))
    one, other = (daily_features(each, [window(n) for n in range(3)]) for each in (minutes, changed))
    assert one[:2] == other[:2]
    assert one[2] != other[2]


def test_days_go_into_the_watch_as_they_are() -> None:
    minutes = life(40)
    found = assess_days(**as_columns(daily_features(minutes, [window(n) for n in range(40)])))
    assert [one.grade for one in found[20:]] == [Grade.USUAL] * 20
    assert {piece.completeness for piece in found[-1].evidence} == {1.0}


def test_a_recording_is_brought_to_minutes() -> None:
    made = wrist(seconds=600)
    track = track_heart_rate(made.ppg, made.acc, ppg_rate_hz=50, acc_rate_hz=50)
    wear = worn(made.ppg, made.acc, ppg_rate_hz=50, acc_rate_hz=50)
    beats = find_beats(made.ppg, rate_hz=50)
    minutes = per_minute(track, count_steps(made.acc, rate_hz=50), wear, beats, start_s=7200)
    assert minutes.time_s.tolist() == [7200 + 60 * n for n in range(10)]
    assert minutes.worn.all()
    assert np.nanmax(np.abs(minutes.bpm - 70)) < 5
    assert minutes.quality[1:-1].min() > 0.5
    assert minutes.steps.sum() == 0


def test_variability_by_the_minute_is_that_of_the_five_around_it() -> None:
    interval_s = np.where(np.arange(700) % 2, 0.90, 0.86)
    beats = Beats(np.cumsum(interval_s), np.ones(700))
    track = HeartRateTrack(np.arange(4, 600, 2.0), np.full(298, 68.0), np.ones(298))
    steps = Steps(0, np.arange(600.0), np.zeros(600))
    minutes = per_minute(track, steps, [Wear(0, 300, True), Wear(300, 600, False)], beats)
    np.testing.assert_allclose(minutes.rmssd_ms, 40, rtol=0.02)
    assert minutes.worn.tolist() == [True] * 5 + [False] * 5
    assert minutes.bpm.tolist() == [68.0] * 10


def test_what_cannot_be_meant_is_told() -> None:
    minutes = life()
    with pytest.raises(ValueError, match=r"pass each as \[minutes\]"):
        replace(minutes, bpm=minutes.bpm[1:])
    with pytest.raises(ValueError, match="once, in order"):
        replace(minutes, time_s=minutes.time_s[::-1])
    with pytest.raises(ValueError, match="start before stop"):
        DayWindow(1, 0, 0, 0, 1)
