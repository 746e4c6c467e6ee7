"""Which sensors a bracelet has."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from ..sensor_bus import SensorModel
from ..traces import Trace
from .ledger import Ledger
from .lsm6dso import Lsm6dso
from .max17048 import Max17048
from .max30101 import Max30101

_CLOCK_ERROR: Final = 0.03


def bracelet_sensors(
    trace: Trace, *, seed: int | None = None, new_ledger: Callable[[], Ledger] = Ledger
) -> list[SensorModel]:
    """All sensors of a bracelet on whose wrist a trace happens: one added here is on every virtual board.

    With a seed each has a clock of its own, up to 3 % off and with jitter; without one their clocks are exact.
    """
    dice = random.Random(f"sensors {seed}")

    def clock_error() -> float:
        return 0.0 if seed is None else dice.uniform(-_CLOCK_ERROR, _CLOCK_ERROR)

    def jitter_us(deviation_us: float) -> float:
        return 0.0 if seed is None else deviation_us

    return [
        Max30101(
            trace,
            clock_error=clock_error(),
            jitter_us=jitter_us(50.0),
            seed=seed or 0,
            ledger=new_ledger(),
        ),
        Lsm6dso(
            trace,
            clock_error=clock_error(),
            jitter_us=jitter_us(20.0),
            seed=seed or 0,
            ledger=new_ledger(),
        ),
        Max17048(),
    ]
