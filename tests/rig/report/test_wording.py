"""Numbers and names as a reader expects them."""

from __future__ import annotations

import pytest

from vigie_rig.report.wording import (
    display_clock,
    display_duration,
    display_limit,
    display_name,
    display_value,
    margin,
)
from vigie_rig.results import Limit, Measurement


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        ("samples_lost", "samples", "Samples lost"),
        ("heart_rate_mae_bpm", "bpm", "Heart rate MAE"),
        ("heap_live_bytes", "bytes", "Heap live"),
        ("rmssd_ms", "ms", "RMSSD"),
        ("breathing_per_minute", "per minute", "Breathing"),
    ],
)
def test_names_are_words(name: str, unit: str, words: str) -> None:
    assert display_name(Measurement(name, 0, unit)) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (91_200, "91\u202f200"),
        (2.4171, "2.417"),
        (1.0, "1"),
        (0.00005815, "5.815e-05"),
        (None, "not measured"),
    ],
)
def test_values_have_four_digits_and_thousands_apart(value: float | None, text: str) -> None:
    assert display_value(Measurement("m", value, "")) == text


def test_limits_are_written_like_values() -> None:
    assert display_limit(Measurement("m", 1, "", Limit(at_most=131_072))) == "≤ 131\u202f072"
    assert display_limit(Measurement("m", 1, "")) == ""


@pytest.mark.parametrize(
    ("time_s", "digits", "text"),
    [(0, 0, "0:00"), (59.9996, 3, "1:00.000"), (65.25, 3, "1:05.250"), (3600, 0, "60:00")],
)
def test_clock_times_carry_over(time_s: float, digits: int, text: str) -> None:
    assert display_clock(time_s, digits) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7.25, "7.2 s"),
        (42, "42 s"),
        (59.7, "1 min"),
        (300, "5 min"),
        (90, "1 min 30 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_as_exact_as_anyone_reads_them(seconds: float, text: str) -> None:
    assert display_duration(seconds) == text


def test_a_bar_puts_value_and_limit_on_one_scale() -> None:
    bar = margin(Measurement("m", 50, "", Limit(at_most=100)))
    assert bar == {"value": 40.0, "at_most": 80.0}


@pytest.mark.parametrize("limit", [None, Limit(at_most=0), Limit(at_least=-5)])
def test_without_a_scale_there_is_no_bar(limit: Limit | None) -> None:
    assert margin(Measurement("m", 3, "", limit)) is None
