import numpy as np
import numpy.typing as npt
import pytest

from vigie_signal import breathing_rate

RATE_HZ = 50


def breathing_pulse(
    per_minute: float,
    *,
    height: float = 0.15,
    baseline: float = 0.4,
    interval: float = 0.06,
    seconds: int = 150,
) -> npt.NDArray[np.float64]:
    """A pulse at 70 a minute whose height, baseline and interval follow the breath."""
    t = np.arange(seconds * RATE_HZ, dtype=np.float64) / RATE_HZ
    breath = np.sin(2 * np.pi * per_minute / 60 * t)
    phase = 2 * np.pi * np.cumsum(70 / 60 * (1 + interval * breath)) / RATE_HZ
    pulse = (np.sin(phase) + 0.4 * np.sin(2 * phase + 0.7)) * (1 + height * breath)
    noise = 0.05 * np.random.default_rng(0).standard_normal(t.size)
    return 1000 + 20 * (pulse + baseline * breath + noise)


@pytest.mark.parametrize("per_minute", [8, 12, 16, 24, 30])
def test_breathing_in_all_three_modulations_is_read_to_a_breath(per_minute: float) -> None:
    found = breathing_rate(breathing_pulse(per_minute), rate_hz=RATE_HZ)
    np.testing.assert_allclose(found.per_minute, per_minute, atol=1)
    assert (found.confidence > 0.7).all()


@pytest.mark.parametrize("only", ["height", "baseline"])
def test_one_modulation_suffices(only: str) -> None:
    height, baseline = (0.15, 0) if only == "height" else (0, 0.4)
    pulse = breathing_pulse(16, height=height, baseline=baseline, interval=0)
    found = breathing_rate(pulse, rate_hz=RATE_HZ)
    np.testing.assert_allclose(found.per_minute, 16, atol=1.5)


def test_no_breathing_gives_less_confidence_than_breathing() -> None:
    none = breathing_rate(breathing_pulse(16, height=0, baseline=0, interval=0), rate_hz=RATE_HZ)
    some = breathing_rate(breathing_pulse(16), rate_hz=RATE_HZ)
    assert none.confidence.max() < some.confidence.min()


@pytest.mark.parametrize("gain", [-1, 0.01, -300])
def test_scale_and_polarity_change_nothing(gain: float) -> None:
    pulse = breathing_pulse(14)
    plain, other = breathing_rate(pulse, rate_hz=RATE_HZ), breathing_rate(gain * pulse, rate_hz=RATE_HZ)
    np.testing.assert_allclose(other.per_minute, plain.per_minute, atol=0.3)


def test_windows_without_beats_abstain() -> None:
    pulse = breathing_pulse(14)
    pulse[20 * RATE_HZ : 80 * RATE_HZ] = np.nan
    found = breathing_rate(pulse, rate_hz=RATE_HZ)
    assert np.isnan(found.per_minute[(found.time_s > 40) & (found.time_s < 60)]).all()
    assert np.isfinite(found.per_minute[found.time_s > 110]).all()
    assert breathing_rate(pulse[:1000], rate_hz=RATE_HZ).time_s.size == 0
