from __future__ import annotations

import numpy as np
import pytest

from vigie_rig.traces import Trace, synthesize


@pytest.fixture(scope="session")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


@pytest.fixture(scope="session")
def steady() -> Trace:
    """Light and acceleration that never change, different in each channel and axis."""
    return Trace(
        name="steady",
        sha256="",
        ppg=np.array([[100.0], [200.0], [300.0]]) * np.ones(1000),
        ppg_channels=("red", "infrared", "green"),
        ppg_rate_hz=100.0,
        acc_g=np.array([[0.25], [-0.5], [1.0]]) * np.ones(1000),
        acc_rate_hz=100.0,
        reference=None,
        marks=(),
    )


@pytest.fixture(scope="session")
def ramp() -> Trace:
    """Light that grows by 1 nA/mA, and acceleration by 0.01 g, each second for ten minutes."""
    seconds = np.arange(601.0)
    return Trace(
        name="ramp",
        sha256="",
        ppg=np.array([100 + seconds, 700 - seconds]),
        ppg_channels=("red", "infrared"),
        ppg_rate_hz=1.0,
        acc_g=np.array([seconds, -seconds, 2 * seconds]) * 0.01,
        acc_rate_hz=1.0,
        reference=None,
        marks=(),
    )
