"""The LED's current follows the light that comes back, settles, and forgets the room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

_FULL = 2**18 - 1
_SAMPLES = 1000


@pytest.fixture(scope="module")
def gain(on_cpython: Callable[[str], Any]) -> Any:
    return on_cpython("bracelet.features.gain")


def _window(led_ua: int, counts_per_ma: float, ambient: float) -> tuple[int, int]:
    """Mean level, and samples at the end of the scale, of a pulse of 2 % on this much light."""
    level = ambient + counts_per_ma * led_ua / 1000
    low, high = 0.98 * level, 1.02 * level
    share = 0.0 if high <= _FULL else 1.0 if low >= _FULL else (high - _FULL) / (high - low)
    return min(_FULL, round(level)), round(share * _SAMPLES)


def _settle(gain: Any, led_ua: int, counts_per_ma: float, ambient: float, windows: int = 12) -> list[int]:
    currents = [led_ua]
    for _ in range(windows):
        level, saturated = _window(currents[-1], counts_per_ma, ambient)
        currents.append(gain.next_led_ua(currents[-1], level, saturated, _SAMPLES))
    return currents


@given(
    start_ua=st.integers(1, 255).map(lambda step: 200 * step),
    counts_per_ma=st.floats(2000, 250_000),
    ambient=st.floats(0, 50_000),
)
def test_from_any_current_any_skin_settles_on_scale_and_stays(
    gain: Any, start_ua: int, counts_per_ma: float, ambient: float
) -> None:
    currents = _settle(gain, start_ua, counts_per_ma, ambient)
    assert all(200 <= each <= 51_000 and each % 200 == 0 for each in currents)
    level, saturated = _window(currents[-1], counts_per_ma, ambient)
    assert saturated == 0
    assert 0.3 * _FULL <= level <= 0.75 * _FULL or currents[-1] in {200, 51_000}
    assert currents[-1] == currents[-2] == currents[-3]


def test_a_little_less_light_changes_nothing(gain: Any) -> None:
    assert _settle(gain, 6400, 20_000, 0)[-1] == 6400
    assert _settle(gain, 6400, 15_000, 0)[-1] == 6400


def test_the_sun_that_alone_fills_the_scale_brings_the_least_current(gain: Any) -> None:
    assert _settle(gain, 20_000, 1000, 400_000)[-1] == 200


def test_off_the_wrist_it_neither_stays_bright_nor_misses_a_wrist_that_comes_back(gain: Any) -> None:
    currents = _settle(gain, 51_000, 20, 100)
    assert currents[1] == 6400
    assert max(currents[1:]) <= 25_600
    for back_at in (6400, 12_800, 25_600):
        level, saturated = _window(_settle(gain, back_at, 4000, 100)[-1], 4000, 100)
        assert level >= 0.3 * _FULL
        assert saturated == 0


def test_a_window_without_samples_says_nothing(gain: Any) -> None:
    assert gain.next_led_ua(9000, -1, 0, 1000) == 9000
    assert gain.next_led_ua(9000, 5000, 0, 0) == 9000
