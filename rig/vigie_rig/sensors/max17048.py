"""MAX17048 battery gauge at register level, after the MAX17048/MAX17049 datasheet of Maxim, now Analog Devices.

What the datasheet leaves open, and what this model does:

- *The charge* is what ``charge`` says, exactly: how the chip's algorithm errs is not modelled. Nor are hibernation,
  quick-start (accepted, without effect), the alerts and the table of the cell's model.
- *The cell* has the open-circuit voltage of a lithium-ion cell by its charge, without load.
- *The rate* is that of the charge over the last hundred seconds.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Final

_VCELL, _SOC, _MODE, _VERSION, _HIBRT, _CONFIG = 0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C
_VALRT, _CRATE, _VRESET, _STATUS, _CMD = 0x14, 0x16, 0x18, 0x1A, 0xFE
_READ_ONLY: Final = {_VCELL, _SOC, _VERSION, _CRATE}
_POWER_ON_RESET: Final = 0x5400
_POWER_UP: Final = {
    _VERSION: 0x0012,
    _HIBRT: 0x8030,
    _CONFIG: 0x971C,
    _VALRT: 0x00FF,
    _VRESET: 0x9600,
    _STATUS: 0x0100,
}
_CONVERSION_US: Final = 250_000
_RATE_OVER_S: Final = 100.0
_VCELL_V: Final = 78.125e-6
_CRATE_PER_H: Final = 0.208
_CELL_V: Final = (3.0, 3.45, 3.61, 3.69, 3.74, 3.79, 3.84, 3.91, 3.99, 4.08, 4.19)
"""Open-circuit voltage of a lithium-ion cell, at each tenth of its charge."""
_DAY_S: Final = 86_400.0


def worn_and_charged(time_s: float) -> float:
    """Charge in percent of a bracelet that takes 12 % a day and is charged on every sixth morning, for two hours."""
    cycle_s, charging_s = 6 * _DAY_S, 7_200.0
    at_s = time_s % cycle_s
    lowest = 100 - 12 * (cycle_s - charging_s) / _DAY_S
    if at_s < cycle_s - charging_s:
        return 100 - 12 * at_s / _DAY_S
    return lowest + (100 - lowest) * (at_s - cycle_s + charging_s) / charging_s


class Max17048:
    """The gauge as its bus sees it: 16-bit registers, high byte first, behind I2C address 0x36.

    Parameters
    ----------
    charge
        Charge of the cell in percent at a time in seconds since the trace began; a full one at 100.

    Attributes
    ----------
    stuck
        A fault: while true nothing is measured; the registers still answer.
    """

    address = 0x36

    def __init__(self, charge: Callable[[float], float] = worn_and_charged) -> None:
        self.stuck = False
        self._charge = charge
        self._start_us = 0
        self._measured_us: int | None = None
        self._registers = dict(_POWER_UP)

    def play_from(self, start_us: int) -> None:
        """Let the trace begin at this board time."""
        self._start_us = start_us
        self._measured_us = None

    def power_cycle(self, now_us: int) -> None:
        """Take the cell away and bring it back: registers as after power-up, STATUS tells of the reset."""
        self._registers = dict(_POWER_UP)
        self._measured_us = None
        self._measure(now_us)

    def read(self, register: int, count: int, now_us: int) -> bytes:
        """Burst read: the address goes up with each byte."""
        self._measure(now_us)
        return bytes(self._byte((register + offset) & 0xFF) for offset in range(count))

    def write(self, register: int, data: bytes, now_us: int) -> None:
        """Burst write of whole registers; half of one is ignored, as the chip does."""
        self._measure(now_us)
        for offset in range(0, len(data) - 1, 2):
            self._write_one((register + offset) & 0xFF, data[offset] << 8 | data[offset + 1], now_us)

    def _byte(self, at: int) -> int:
        value = self._registers.get(at & ~1, 0xFFFF if at & ~1 == _CMD else 0)
        return value & 0xFF if at & 1 else value >> 8

    def _write_one(self, register: int, value: int, now_us: int) -> None:
        if register == _CMD:
            if value == _POWER_ON_RESET:
                self.power_cycle(now_us)
        elif register not in _READ_ONLY and register != _MODE:
            self._registers[register] = value

    def _measure(self, now_us: int) -> None:
        if self._measured_us is not None and (self.stuck or now_us - self._measured_us < _CONVERSION_US):
            return
        self._measured_us = now_us
        time_s = max(0.0, (now_us - self._start_us) / 1e6)
        charge = self._charge(time_s)
        before_s = max(0.0, time_s - _RATE_OVER_S)
        hours = max(time_s - before_s, 1.0) / 3600
        rate = (charge - self._charge(before_s)) / hours
        self._registers[_VCELL] = round(_volts(charge) / _VCELL_V) & 0xFFFF
        self._registers[_SOC] = max(0, min(0xFFFF, round(charge * 256)))
        self._registers[_CRATE] = round(rate / _CRATE_PER_H) & 0xFFFF


def _volts(charge: float) -> float:
    """Open-circuit voltage at a charge in percent."""
    tenths = max(0.0, min(charge / 10, len(_CELL_V) - 1.0))
    left = min(bisect.bisect_right(range(len(_CELL_V)), tenths) - 1, len(_CELL_V) - 2)
    return _CELL_V[left] + (_CELL_V[left + 1] - _CELL_V[left]) * (tenths - left)
