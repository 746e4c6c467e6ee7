import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_signal import Intensity, activity

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import wrist


def test_a_known_swing_has_the_enmo_and_mad_of_its_sine() -> None:
    t = np.arange(120 * 50) / 50
    acc = np.stack([np.zeros_like(t), np.zeros_like(t), 1 + 0.3 * np.sin(2 * np.pi * 2 * t)])
    found = activity(acc, rate_hz=50)
    np.testing.assert_allclose(found.enmo_mg, 300 / np.pi, rtol=0.01)
    np.testing.assert_allclose(found.mad_mg, 2 * 300 / np.pi, rtol=0.01)
    np.testing.assert_allclose(found.gravity, np.array([[0.0], [0.0], [1.0]]).repeat(2, axis=1), atol=1e-6)
    np.testing.assert_array_equal(found.time_s, [0, 60])
    assert (found.intensity == Intensity.LIGHT).all()


@pytest.mark.parametrize(
    ("enmo_mg", "intensity"),
    [
        (10, Intensity.INACTIVE),
        (70, Intensity.LIGHT),
        (200, Intensity.MODERATE),
        (600, Intensity.VIGOROUS),
    ],
)
def test_intensity_follows_the_published_cut_points(enmo_mg: float, intensity: Intensity) -> None:
    acc = np.stack([np.zeros(3000), np.zeros(3000), np.full(3000, 1 + enmo_mg / 1000)])
    assert activity(acc, rate_hz=50).intensity.tolist() == [intensity]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_orientation_gives_the_same(seed: int) -> None:
    acc = wrist(cadence_bpm=110, motion=1, seconds=60).acc
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    plain, turned = activity(acc, rate_hz=50), activity(turn @ acc, rate_hz=50)
    np.testing.assert_allclose(turned.enmo_mg, plain.enmo_mg, rtol=1e-3)
    np.testing.assert_allclose(turned.mad_mg, plain.mad_mg, rtol=1e-3)
    np.testing.assert_allclose(turned.gravity, turn @ plain.gravity, atol=1e-3)


def test_what_is_missing_is_unknown_and_a_short_last_minute_counts() -> None:
    acc = wrist(seconds=150).acc
    acc[:, 0 : 40 * 50] = np.nan
    acc[:, 60 * 50 : 70 * 50] = np.nan
    found = activity(acc, rate_hz=50)
    assert found.intensity.tolist()[0] == Intensity.UNKNOWN
    assert np.isnan(found.enmo_mg[0])
    assert np.isfinite(found.enmo_mg[1:]).all()
    assert found.time_s.size == 3
    assert activity(np.zeros((3, 0)), rate_hz=50).time_s.size == 0


def test_walking_is_told_from_sitting(traces: ModuleType) -> None:
    mad_mg: dict[str, list[float]] = {"seated": [], "walking": []}
    for r in traces.recordings("geotec"):
        for label, found in mad_mg.items():
            part = r["acc"][:, r["label_index"] == list(r["label_names"]).index(label)]
            if part.shape[1] > 200:
                found.append(float(activity(part, rate_hz=r["acc_rate_hz"]).mad_mg[0]))
    assert np.quantile(mad_mg["walking"], 0.05) > np.quantile(mad_mg["seated"], 0.95)
