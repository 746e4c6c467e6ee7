"""The I2C bus of a virtual board: which sensor answers, what a transfer costs, and the bus faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from vigie_rig.faults import FaultPlan

I2C_HZ: Final = 400_000
_BITS_PER_BYTE: Final = 9


def transfer_us(count: int) -> int:
    """Microseconds that a register transfer of ``count`` bytes takes: address, register, (address,) data."""
    return (3 + count) * _BITS_PER_BYTE * 1_000_000 // I2C_HZ


class SensorModel(Protocol):
    """A sensor at register level, lazy in time: every call tells it the board's time."""

    address: int
    stuck: bool

    def play_from(self, start_us: int) -> None:
        """Let the trace begin at this board time."""
        ...

    def power_cycle(self, now_us: int) -> None:
        """Cut the supply and bring it back."""
        ...

    def read(self, register: int, count: int, now_us: int) -> bytes:
        """Burst-read registers."""
        ...

    def write(self, register: int, data: bytes, now_us: int) -> None:
        """Burst-write registers."""
        ...


class SensorBus:
    """All sensors of a board; the time of a transfer is that of its bits at 400 kHz.

    Sensors live on the board's clock (``now_us``), faults on the rig's (``now_s``).
    """

    def __init__(self, sensors: Sequence[SensorModel], faults: FaultPlan) -> None:
        self.sensors = {sensor.address: sensor for sensor in sensors}
        self.transfers = 0
        self.on_write: Callable[[int], None] | None = None
        """Called with the time after each write to a sensor, whole or not."""
        self._faults = faults

    def _answering(self, address: int, now_s: float) -> SensorModel | None:
        self.transfers += 1
        sensor = self.sensors.get(address)
        if sensor is None or self._faults.refuses_transfer(now_s):
            return None
        if self._faults.faults:
            stuck = self._faults.sensors_stuck(now_s)
            if stuck and not sensor.stuck:
                self._faults.count("sensor-stuck")
            sensor.stuck = stuck
        return sensor

    def read(self, address: int, register: int, count: int, now_us: int, now_s: float) -> bytes | None:
        """Bytes read, or None for a transfer that nobody acknowledged, or that broke off: the sensor gave some then."""
        if not self._faults.faults:
            self.transfers += 1
            sensor = self.sensors.get(address)
            return None if sensor is None else sensor.read(register, count, now_us)
        sensor = self._answering(address, now_s)
        if sensor is None:
            return None
        cut = self._faults.cuts_transfer(count, now_s)
        if cut is None:
            return sensor.read(register, count, now_us)
        sensor.read(register, cut, now_us)
        return None

    def write(self, address: int, register: int, data: bytes, now_us: int, now_s: float) -> bool:
        """Whether the write was acknowledged to its end; the sensor took what came before it broke off."""
        sensor = self._answering(address, now_s)
        if sensor is None:
            return False
        cut = self._faults.cuts_transfer(len(data), now_s)
        sensor.write(register, data[:cut], now_us)
        if self.on_write is not None:
            self.on_write(now_us)
        return cut is None
