"""Counts what a virtual board does that takes energy: the ledger behind the estimate of ``energy``."""

from __future__ import annotations

from vigie_rig.energy import Use
from vigie_rig.flash import Operation
from vigie_rig.sensor_bus import SensorBus
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.serial_line import SerialLine


class EnergyMeter:
    """Counts for one board, over all of its boots; sensors are looked at whenever the board wrote to one."""

    def __init__(self, bus: SensorBus, line: SerialLine) -> None:
        self.wakes = 0
        self.bus_us = 0
        self.flash_read_us = 0
        self._flash_program_us = 0
        self._flash_erase_us = 0
        self._log_bytes = 0
        self._bytes_to_host = 0
        self._bytes_to_board = 0
        self._line = line
        self._ppg = next((each for each in bus.sensors.values() if isinstance(each, Max30101)), None)
        self._acc = next((each for each in bus.sensors.values() if isinstance(each, Lsm6dso)), None)
        self._powered = True
        self._since_us: int | None = None
        self._seconds = 0.0
        self._led_ma = self._led_ma_s = 0.0
        self._ppg_on = False
        self._ppg_s = 0.0
        self._acc_hz = 0.0
        self._acc_low_power = False
        self._acc_high_performance_s = self._acc_low_power_s = self._acc_low_power_samples = 0.0
        profile = line.profile
        self._times_sent = 1 / (1 - profile.loss) if profile.packet_bytes else 1.0
        """How often a packet is sent in the mean, where a link layer sends what was lost once more."""
        bus.on_write = self.look

    # What the board's roles tell

    def look(self, now_us: int) -> None:
        """Add up until now by what the sensors were told before, and see what they are told now."""
        if self._since_us is None:
            self._since_us = now_us
        if self._powered:
            passed_s = (now_us - self._since_us) / 1e6
            self._seconds += passed_s
            self._led_ma_s += self._led_ma * passed_s
            if self._ppg_on:
                self._ppg_s += passed_s
            if self._acc_low_power:
                self._acc_low_power_s += passed_s
                self._acc_low_power_samples += self._acc_hz * passed_s
            elif self._acc_hz:
                self._acc_high_performance_s += passed_s
        self._since_us = now_us
        if self._ppg is not None:
            self._led_ma = self._ppg.led_ma
            self._ppg_on = self._ppg.sampling
        if self._acc is not None:
            self._acc_hz = self._acc.sampling_hz
            self._acc_low_power = self._acc_hz > 0 and self._acc.low_power

    def power(self, on: bool, now_us: int) -> None:
        """Power was cut, or is back."""
        self.look(now_us)
        self._powered = on

    def flash_works(self, operation: Operation, cost_us: int) -> None:
        """The flash programs or erases."""
        if operation.data is None:
            self._flash_erase_us += cost_us
        else:
            self._flash_program_us += cost_us
            self._log_bytes += len(operation.data)

    def sent(self, count: int) -> None:
        """The board gave bytes to its line."""
        if self._line.plugged:
            self._bytes_to_host += count

    def received(self, count: int) -> None:
        """The board took bytes from its line."""
        self._bytes_to_board += count

    # What it comes to

    def use(self, now_us: int) -> Use:
        """All that was done until now."""
        self.look(now_us)
        return Use(
            seconds=self._seconds,
            led_ma_s=self._led_ma_s,
            ppg_s=self._ppg_s,
            acc_high_performance_s=self._acc_high_performance_s,
            acc_low_power_s=self._acc_low_power_s,
            acc_low_power_samples=self._acc_low_power_samples,
            ppg_samples=0 if self._ppg is None else self._ppg.ledger.handed_out,
            acc_samples=0 if self._acc is None else self._acc.ledger.handed_out,
            wakes=self.wakes,
            bus_s=self.bus_us / 1e6,
            flash_read_s=self.flash_read_us / 1e6,
            flash_program_s=self._flash_program_us / 1e6,
            flash_erase_s=self._flash_erase_us / 1e6,
            log_bytes=self._log_bytes,
            bytes_to_host=self._bytes_to_host * self._times_sent,
            bytes_to_board=self._bytes_to_board * self._times_sent,
            connected_s=self._line.connected_s(),
        )
