from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import rest_periods

RATE_HZ = 12.5
Float64 = npt.NDArray[np.float64]


def night(
    rest_h: tuple[float, float], *, hours: float = 12, turns_an_hour: float = 2, seed: int = 0
) -> Float64:
    """An arm that moves about all the time, but in rest only turns over now and then."""
    rng = np.random.default_rng(seed)
    n = int(hours * 3600 / 5)
    hour = np.arange(n, dtype=np.float64) * 5 / 3600
    resting = (hour >= rest_h[0]) & (hour < rest_h[1])
    wander = np.cumsum(np.where(resting, 0, 0.15)[:, None] * rng.standard_normal((n, 2)), axis=0)
    turned = np.cumsum((rng.random(n) < turns_an_hour * 5 / 3600) * rng.choice([-1.2, 1.2], n))
    tilt, roll = wander[:, 0] + turned, wander[:, 1]
    gravity = np.stack([np.cos(tilt) * np.cos(roll), np.cos(tilt) * np.sin(roll), np.sin(tilt)])
    acc = gravity.repeat(int(5 * RATE_HZ), axis=1)
    return acc + 0.004 * rng.standard_normal(acc.shape)


@pytest.mark.parametrize("rest_h", [(2, 9.5), (0, 5), (6, 12)])
def test_a_night_is_found_to_ten_minutes(rest_h: tuple[float, float]) -> None:
    (rest,) = rest_periods(night(rest_h), rate_hz=RATE_HZ)
    assert rest.start_s == pytest.approx(rest_h[0] * 3600, abs=600)
    assert rest.stop_s == pytest.approx(rest_h[1] * 3600, abs=600)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_orientation_gives_the_same(seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    acc = night((2, 9.5))
    (plain,), (turned,) = rest_periods(acc, rate_hz=RATE_HZ), rest_periods(turn @ acc, rate_hz=RATE_HZ)
    assert turned.start_s == pytest.approx(plain.start_s, abs=30)
    assert turned.stop_s == pytest.approx(plain.stop_s, abs=30)


def test_a_day_on_the_move_holds_no_rest() -> None:
    assert rest_periods(night((0, 0)), rate_hz=RATE_HZ) == []


def test_two_rests_far_apart_stay_two_and_a_short_break_joins() -> None:
    two = np.concatenate([night((1, 3), hours=5), night((1, 3), hours=4, seed=1)], axis=1)
    assert len(rest_periods(two, rate_hz=RATE_HZ)) == 2
    close = np.concatenate([night((1, 3.8), hours=4), night((0.2, 3), hours=4, seed=1)], axis=1)
    assert len(rest_periods(close, rate_hz=RATE_HZ)) == 1


def test_what_is_missing_is_no_rest() -> None:
    acc = night((2, 9.5))
    acc[:, int(4 * 3600 * RATE_HZ) : int(6 * 3600 * RATE_HZ)] = np.nan
    rests = rest_periods(acc, rate_hz=RATE_HZ)
    assert [round(rest.start_s / 3600) for rest in rests] == [2, 6]
    assert rest_periods(acc[:, :100], rate_hz=RATE_HZ) == []


def test_half_an_hour_of_driving_or_walking_is_no_rest(traces: ModuleType) -> None:
    tried = 0
    for r in traces.recordings("bangle"):
        if r["label"] in {"drive", "walk"} and r["acc"].shape[1] > 15 * 60 * 12:
            tried += 1
            assert rest_periods(r["acc"], rate_hz=r["acc_rate_hz"]) == []
    assert tried >= 3
