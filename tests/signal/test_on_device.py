"""What the bracelet works out by itself, on signals with a truth known by construction.

That the firmware says the same, to the last bit, is shown in tests/firmware/test_features.py.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal.on_device import (
    DeviceEvent,
    Event,
    Features,
    Minute,
    Piece,
    PpgWindow,
    on_device_features,
)

Float64 = npt.NDArray[np.float64]

_MINUTE = 1562
_WINDOW = 521
_G = 1000 / 0.244
"""Counts at 8 g."""
_WORN, _OFF, _SATURATED, _MOVING = 8, 16, 32, 64
_POSTURE = 7


def _still(samples: int = _WINDOW) -> Float64:
    return np.tile([0.0, 0.0, 1.0], (samples, 1))


def _features(
    acc_g: Float64, *counts: npt.ArrayLike, led_ua: int = 6400, gaps: tuple[tuple[int, int], ...] = ()
) -> Features:
    """Windows of PPG that share the acceleration among them evenly; each ends with its minute."""
    ends = [len(acc_g) * (each + 1) // max(1, len(counts)) for each in range(max(1, len(counts)))]
    starts = [0, *ends]
    return on_device_features(
        np.clip(np.rint(acc_g * _G), -32768, 32767).astype(np.int64),
        acc_rate_decihz=260,
        acc_range_g=8,
        ppg_rate_hz=50,
        windows=[
            PpgWindow(
                start, end, [Piece(start, np.clip(np.asarray(each), 0, 2**18 - 1).astype(np.int64))], led_ua
            )
            for start, end, each in zip(starts, ends, counts, strict=False)
        ],
        minute_ends=ends,
        gaps=gaps,
    )


def _minute(acc_g: Float64, *counts: npt.ArrayLike) -> Minute:
    return _features(acc_g, *counts).minutes[-1]


def _pulse(beat_s: Float64, *, notch: float = 0.3, breathing: float = 1.0) -> Float64:
    """20 s of counts: a steep upstroke 0.15 s after each beat, a second wave, and breathing under it."""
    time_s = np.arange(1000) / 50
    number = np.clip(np.searchsorted(beat_s, time_s, side="right") - 1, 0, len(beat_s) - 1)
    since_s = time_s - beat_s[number]
    period_s = float(np.diff(beat_s).mean())
    wave = np.exp(-(((since_s - 0.15) / 0.07) ** 2))
    wave += notch * np.exp(-(((since_s - 0.15 - 0.28 * np.sqrt(period_s / 0.85)) / 0.1) ** 2))
    noise = np.random.default_rng(1).normal(size=1000) * 0.02
    return 130_000 - 1000 * (wave + breathing * np.sin(2 * np.pi * 0.25 * time_s) + noise)


def _even(bpm: float) -> Float64:
    return np.arange(-1.0, 21.0, 60 / bpm, dtype=np.float64)


@settings(max_examples=60, deadline=None)
@given(bpm=st.floats(38, 208), notch=st.floats(0, 0.7), breathing=st.floats(0, 2))
def test_a_clear_pulse_is_read_to_two_beats_a_minute(bpm: float, notch: float, breathing: float) -> None:
    minute = _minute(_still(), _pulse(_even(bpm), notch=notch, breathing=breathing))
    assert minute.bpm == pytest.approx(bpm, abs=2)
    assert minute.confidence >= 90
    assert minute.state & _WORN


@pytest.mark.parametrize("gain", [-1.0, 0.1, 10.0])
def test_neither_polarity_nor_amplitude_matter(gain: float) -> None:
    pulse = _pulse(_even(72))
    turned = 130_000 + gain * (pulse - pulse.mean())
    assert _minute(_still(), turned).bpm == 72


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
def test_noise_is_no_pulse(colour: str) -> None:
    rng = np.random.default_rng(2)
    slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[colour]
    frequency = np.maximum(np.arange(501), 1)
    for _ in range(40):
        noise = np.fft.irfft(np.fft.rfft(rng.normal(size=1000)) / frequency**slope)
        assert _minute(_still(), 130_000 + 500 * noise / noise.std()).bpm == 0


def test_a_moving_wrist_has_no_heart_rate_and_says_why() -> None:
    time_s = np.arange(_WINDOW) / 26.04
    acc_g = _still() + 0.5 * np.sin(2 * np.pi * 1.7 * time_s)[:, None]
    minute = _minute(acc_g, _pulse(_even(102)))
    assert minute.bpm == minute.rmssd == 0
    assert minute.state & _MOVING


@pytest.mark.parametrize(("swing_ms", "every"), [(20, 5), (40, 5), (60, 6)])
def test_the_variability_of_breathing_intervals_is_that_of_the_beats(swing_ms: float, every: int) -> None:
    interval_ms = 850 + swing_ms * np.sin(2 * np.pi * np.arange(28) / every)
    beat_s = -1 + np.cumsum(interval_ms) / 1000
    minute = _minute(_still(), _pulse(beat_s, breathing=0.2))
    truth_ms = float(np.sqrt((np.diff(interval_ms) ** 2).mean()))
    assert 2 * minute.rmssd == pytest.approx(truth_ms, rel=0.2)


def test_beats_that_cannot_be_timed_have_no_variability() -> None:
    """A sine has no upstroke; with noise its peaks wander."""
    noise = np.random.default_rng(3).normal(size=1000) * 100
    counts = 130_000 + 1000 * np.sin(2 * np.pi * 1.2 * np.arange(1000) / 50) + noise
    minute = _minute(_still(), counts)
    assert minute.bpm == 72
    assert minute.rmssd == 0


@pytest.mark.parametrize("cadence", [80, 100, 120, 150])
def test_steps_are_counted(cadence: int) -> None:
    """A minute of walking, after and before one of rest; to those of five seconds, for where it begins and ends."""
    time_s = np.arange(_MINUTE) / 26.04
    swing = 0.25 * np.sin(2 * np.pi * cadence / 60 * time_s) + 0.1 * np.sin(np.pi * cadence / 60 * time_s)
    walk = _still(_MINUTE) * (1 + swing[:, None])
    found = _features(np.concatenate([_still(_MINUTE), walk, _still(_MINUTE)]), [], [], [])
    assert sum(minute.steps for minute in found.minutes) == pytest.approx(cadence, abs=cadence * 5 / 60)
    assert found.minutes[0].steps == 0


def test_neither_rest_nor_a_bumpy_road_are_steps() -> None:
    rng = np.random.default_rng(4)
    assert _minute(_still(_MINUTE) + rng.normal(size=(_MINUTE, 3)) * 0.01, []).steps == 0
    assert _minute(_still(_MINUTE) + rng.normal(size=(_MINUTE, 3)) * 0.15, []).steps == 0


def test_more_steps_than_a_minute_holds_go_to_the_next() -> None:
    time_s = np.arange(4 * _MINUTE) / 26.04
    walk = _still(4 * _MINUTE) * (1 + 0.3 * np.sin(2 * np.pi * 2 * time_s)[:, None])
    found = on_device_features(
        (walk * _G).astype(np.int64),
        acc_rate_decihz=260,
        acc_range_g=8,
        ppg_rate_hz=50,
        minute_ends=[3 * _MINUTE, 4 * _MINUTE],
    )
    assert found.minutes[0].steps == 255
    assert sum(minute.steps for minute in found.minutes) == pytest.approx(480, rel=0.05)


@pytest.mark.parametrize("distance_mg", [0, 40, 400, 1500])
def test_activity_is_the_mean_distance_from_one_g(distance_mg: int) -> None:
    sign = np.where(np.arange(_MINUTE) % 2, 1, -1)[:, None]
    minute = _minute(_still(_MINUTE) * (1 + sign * distance_mg / 1000 * (distance_mg < 1000)), [])
    more = _minute(_still(_MINUTE) * 2.5, [])
    expected = distance_mg if distance_mg < 1000 else 1500
    assert (more if distance_mg >= 1000 else minute).activity == pytest.approx(min(255, expected / 4), abs=1)


@pytest.mark.parametrize(
    ("gravity", "posture"),
    [
        ((-1, 0, 0), 1),
        ((0, 0, 1), 2),
        ((0, 0, -1), 3),
        ((0, 1, 0), 4),
        ((0, -1, 0), 4),
        ((1, 0, 0), 5),
        ((0.8, 0.4, -0.4), 5),
        ((0.1, 0, 0.2), 0),
    ],
)
def test_posture_is_the_axis_that_gravity_is_nearest_to(
    gravity: tuple[float, float, float], posture: int
) -> None:
    assert _minute(np.tile(np.array(gravity, np.float64), (_MINUTE, 1)), []).state & _POSTURE == posture


def _fall(*, after_g: float) -> Float64:
    """Ten seconds of rest, a blow of a second, and ten seconds of moving by so much."""
    rng = np.random.default_rng(5)
    blow = _still(20) * rng.uniform(0.2, 5, (20, 1))
    after = _still(260) * (1 + after_g * rng.choice([-1, 1], (260, 1)))
    return np.concatenate([_still(260), blow, after])


def test_a_blow_and_then_rest_is_a_fall_at_its_sample() -> None:
    acc_g = _fall(after_g=0.01)
    (event,) = _features(acc_g, []).events
    assert event.code == DeviceEvent.FALL
    assert 50 < event.value <= 100
    assert 260 <= event.sample < 280
    moved_on = _features(acc_g, [], gaps=((100, 1000),)).events
    assert moved_on == (Event(event.code, event.value, event.sample + 1000),)


def test_a_blow_in_the_middle_of_motion_is_none() -> None:
    assert _features(_fall(after_g=0.4), []).events == ()


def test_a_fall_cut_by_a_gap_is_none() -> None:
    assert _features(_fall(after_g=0.01), [], gaps=((300, 5),)).events == ()


def test_off_the_wrist_is_dark_at_once_and_back_with_the_pulse() -> None:
    dark = np.full(1000, 300)
    found = _features(_still(3 * _WINDOW), _pulse(_even(60)), dark, _pulse(_even(60)))
    assert [event.code for event in found.events] == [DeviceEvent.OFF_WRIST, DeviceEvent.ON_WRIST]
    assert found.events[0].value == 300
    assert [minute.state & (_WORN | _OFF) for minute in found.minutes] == [_WORN, _OFF, _WORN]


def test_on_a_table_it_is_off_after_three_windows_without_a_pulse() -> None:
    rng = np.random.default_rng(6)
    table = [130_000 + rng.normal(size=1000) * 20 for _ in range(4)]
    found = _features(_still(5 * _WINDOW), _pulse(_even(60)), *table)
    states = [minute.state & (_WORN | _OFF) for minute in found.minutes]
    assert states == [_WORN, _WORN, _WORN, _OFF, _OFF]
    assert [event.code for event in found.events] == [DeviceEvent.OFF_WRIST]


def test_a_bright_window_says_that_it_was_saturated() -> None:
    pulse = _pulse(_even(60))
    assert _minute(_still(), pulse + 132_000).state & _SATURATED
    assert not _minute(_still(), pulse).state & _SATURATED


def test_a_minute_keeps_the_surest_of_its_windows() -> None:
    found = on_device_features(
        np.rint(_still(2 * _WINDOW) * _G).astype(np.int64),
        acc_rate_decihz=260,
        acc_range_g=8,
        ppg_rate_hz=50,
        windows=[
            PpgWindow(0, _WINDOW, [Piece(0, _pulse(_even(60)).astype(np.int64))]),
            PpgWindow(_WINDOW, 2 * _WINDOW, [Piece(_WINDOW, np.full(1000, 130_000))]),
        ],
        minute_ends=[2 * _WINDOW],
    )
    assert found.minutes[0].bpm == 60


def test_a_window_cut_by_a_gap_is_judged_by_its_whole_parts() -> None:
    pulse = _pulse(_even(60)).astype(np.int64)
    for first, answered in ((700, True), (500, False)):
        window = PpgWindow(0, _WINDOW, [Piece(0, pulse[:first]), Piece(0, lost=50), Piece(0, pulse[:100])])
        minute = on_device_features(
            np.rint(_still() * _G).astype(np.int64),
            acc_rate_decihz=260,
            acc_range_g=8,
            ppg_rate_hz=50,
            windows=[window],
            minute_ends=[_WINDOW],
        ).minutes[0]
        assert bool(minute.bpm) is answered


def test_a_sensor_that_runs_fast_does_not_make_the_heart_run_fast() -> None:
    """3 % fast: 20 s hold 1030 samples, of which the pulse takes 3 % more."""
    minute = on_device_features(
        np.rint(_still() * _G).astype(np.int64),
        acc_rate_decihz=260,
        acc_range_g=8,
        ppg_rate_hz=50,
        windows=[PpgWindow(0, _WINDOW, [Piece(0, _pulse(_even(150 / 1.03)).astype(np.int64))])],
        minute_ends=[_WINDOW],
        ppg_rate_1024=round(1.03 * 1024),
    ).minutes[0]
    assert minute.bpm == pytest.approx(150, abs=1)
