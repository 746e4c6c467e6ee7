"""MAX30101: from the light of the trace to the counts in the FIFO."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vigie_rig.sensors import Max30101
from vigie_rig.sensors._max30101_optics import AMBIENT_NA, channel_of_leds
from vigie_rig.traces import Trace

FIFO_DATA, FIFO_CONFIG, MODE, SPO2_CONFIG, LED_1, SLOTS_12 = 0x07, 0x08, 0x09, 0x0A, 0x0C, 0x11
HEART_RATE, SPO2, MULTI_LED = 0x02, 0x03, 0x07


def first_sample(sensor: Max30101, leds: int, now_us: int = 20_000) -> list[int]:
    word = sensor.read(FIFO_DATA, 3 * leds, now_us)
    return [int.from_bytes(word[i : i + 3], "big") for i in range(0, len(word), 3)]


def expected_counts(na_per_ma: float, ma: float, range_na: int = 4096, bits: int = 18) -> int:
    counts = int((na_per_ma * ma + AMBIENT_NA) / range_na * 2**18)
    return min(counts, 2**18 - 1) >> (18 - bits) << (18 - bits)


def configured(trace: Trace, mode: int, config: int = 0b01_001_11, led: int = 25, slots: int = 0) -> Max30101:
    sensor = Max30101(trace)
    sensor.write(LED_1, bytes([led] * 4), 0)
    sensor.write(SLOTS_12, slots.to_bytes(2, "little"), 0)
    sensor.write(MODE, bytes([mode, config]), 0)
    return sensor


def test_heart_rate_mode_is_red_alone(steady: Trace) -> None:
    assert first_sample(configured(steady, HEART_RATE), 1) == [expected_counts(100, 5)]


def test_spo2_mode_is_red_then_infrared(steady: Trace) -> None:
    assert first_sample(configured(steady, SPO2), 2) == [expected_counts(100, 5), expected_counts(200, 5)]


def test_multi_led_mode_follows_the_slots(steady: Trace) -> None:
    sensor = configured(steady, MULTI_LED, slots=0x1423)
    red, infrared, green = (expected_counts(level, 5) for level in (100, 200, 300))
    assert first_sample(sensor, 4) == [green, infrared, green, red]


def test_slots_after_an_empty_one_are_not_used(steady: Trace) -> None:
    sensor = configured(steady, MULTI_LED, slots=0x0103)
    assert first_sample(sensor, 1) == [expected_counts(300, 5)]
    assert sensor.ledger.runs[-1].channels == 1


def test_multi_led_mode_without_slots_takes_no_samples(steady: Trace) -> None:
    sensor = configured(steady, MULTI_LED)
    sensor.read(FIFO_DATA, 3, 10**6)
    assert sensor.ledger.produced == 0


def test_a_led_current_is_a_fifth_of_a_milliampere_a_step(steady: Trace) -> None:
    for step in (0, 1, 30, 100):
        assert first_sample(configured(steady, HEART_RATE, led=step), 1) == [expected_counts(100, step * 0.2)]


@pytest.mark.parametrize(("code", "range_na"), [(0, 2048), (1, 4096), (2, 8192), (3, 16384)])
def test_the_range_is_full_scale_of_18_bits(steady: Trace, code: int, range_na: int) -> None:
    sensor = configured(steady, HEART_RATE, config=code << 5 | 0b001_11)
    assert first_sample(sensor, 1) == [expected_counts(100, 5, range_na)]


@pytest.mark.parametrize(("code", "bits"), [(0, 15), (1, 16), (2, 17), (3, 18)])
def test_a_shorter_pulse_leaves_the_low_bits_zero(wrist: Trace, code: int, bits: int) -> None:
    sensor = configured(wrist, HEART_RATE, config=0b01_001_00 | code)
    sensor.read(FIFO_DATA, 3, 10**7)
    values = sensor.ledger.runs[-1].values
    assert np.bitwise_or.reduce(values, axis=None) % 2 ** (19 - bits) == 2 ** (18 - bits)


def test_too_much_light_saturates_at_the_top(steady: Trace) -> None:
    assert first_sample(configured(steady, HEART_RATE, led=255), 1) == [2**18 - 1]


def test_no_light_is_zero_at_least(steady: Trace) -> None:
    dark = replace(steady, ppg=steady.ppg * 0 - 10)
    assert first_sample(configured(dark, HEART_RATE, led=255), 1) == [0]


def test_unused_top_bits_of_a_word_are_zero(steady: Trace) -> None:
    sensor = configured(steady, HEART_RATE, led=255)
    assert sensor.read(FIFO_DATA, 3, 20_000) == b"\x03\xff\xff"


@pytest.mark.parametrize(
    ("code", "average"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 32), (7, 32)]
)
def test_averaging_divides_the_rate_and_averages(ramp: Trace, code: int, average: int) -> None:
    sensor = configured(ramp, HEART_RATE)
    sensor.write(FIFO_CONFIG, bytes([code << 5]), 0)
    sensor.read(FIFO_DATA, 3, 10 * 10**6)
    run = sensor.ledger.runs[-1]
    assert run.rate_hz == 100 / average
    assert len(run) == 1000 // average
    middle_s = run.time_us * 1e-6 - (average - 1) / 200
    expected = (5 * (100 + middle_s) + AMBIENT_NA) / 4096 * 2**18
    assert np.abs(run.values[:, 0] - expected).max() < 2


def test_the_light_is_that_of_the_trace_at_the_instant_of_each_sample(ramp: Trace) -> None:
    sensor = Max30101(ramp, clock_error=0.03, jitter_us=300, seed=4, start_us=5_000_000)
    sensor.write(LED_1, bytes([25, 25]), 5_000_000)
    sensor.write(MODE, bytes([SPO2, 0b01_001_11]), 5_000_000)
    sensor.read(FIFO_DATA, 3, 65_000_000)
    run = sensor.ledger.runs[-1]
    time_s = run.time_us * 1e-6 - 5
    light = np.stack((100 + time_s, 700 - time_s), axis=1)
    np.testing.assert_array_less(np.abs(run.values - (5 * light + AMBIENT_NA) / 4096 * 2**18), 1.01)


def test_changing_a_led_current_keeps_the_rhythm_and_the_fifo(steady: Trace) -> None:
    sensor = configured(steady, HEART_RATE)
    sensor.write(LED_1, bytes([50]), 25_000)
    assert sensor.read(0x04, 3, 40_000) == bytes([4, 0, 0])
    before, after = sensor.ledger.runs
    assert before.time_us.tolist() == [10_000, 20_000]
    assert after.time_us.tolist() == [30_000, 40_000]
    data = sensor.read(FIFO_DATA, 12, 40_000)
    assert [int.from_bytes(data[i : i + 3], "big") for i in range(0, 12, 3)] == [
        *before.values[:, 0],
        *after.values[:, 0],
    ]
    assert after.values[0, 0] == expected_counts(100, 10)
    assert before.handed_out.all()
    assert after.handed_out.all()


def test_after_the_end_the_last_second_is_played_to_and_fro(ramp: Trace) -> None:
    short: NDArray[np.float64] = ramp.ppg[:, :6]
    sensor = configured(replace(ramp, ppg=short), HEART_RATE)
    sensor.read(FIFO_DATA, 3, 20 * 10**6)
    values = sensor.ledger.runs[-1].values[:, 0]
    step = 5 / 4096 * 2**18 / 100
    assert np.abs(np.diff(values)).max() <= step + 1
    beyond = values[500:]
    assert beyond.min() >= values[399]
    assert beyond.max() <= values[:501].max() + 1
    assert np.ptp(beyond) > 90 * step


def test_before_the_start_the_first_sample_is_held(ramp: Trace) -> None:
    late = Max30101(ramp, start_us=0)
    late.write(LED_1, bytes([25]), -500_000)
    late.write(MODE, bytes([HEART_RATE, 0b01_001_11]), -500_000)
    assert first_sample(late, 1, -400_000) == [expected_counts(100, 5)]


@pytest.mark.parametrize(
    ("names", "red_infrared_green_green"),
    [
        (("green", "red", "infrared"), (1, 2, 0, 0)),
        (("red", "infrared"), (0, 1, 1, 1)),
        (("green",), (0, 0, 0, 0)),
        (("green", "green 2"), (0, 1, 0, 1)),
        (("green1", "green2", "green3"), (0, 1, 0, 1)),
        (("bvp",), (0, 0, 0, 0)),
        (("R", "G", "B"), (0, 1, 2, 2)),
    ],
)
def test_leds_see_the_channel_of_their_light(
    names: tuple[str, ...], red_infrared_green_green: tuple[int, ...]
) -> None:
    assert channel_of_leds(names) == red_infrared_green_green
