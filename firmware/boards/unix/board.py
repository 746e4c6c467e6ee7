"""Wiring of the virtual bracelet (MicroPython's unix port in the rig): sensors on I2C 0, host on UART 0."""

import machine

from bracelet import codec
from bracelet.accelerometer import AccelerometerStream
from bracelet.crc_ints import crc_into  # noqa: F401
from bracelet.drivers.lsm6dso import Lsm6dso
from bracelet.drivers.max30101 import Max30101
from bracelet.ppg import PpgStream

restart = machine.soft_reset
reset_reason = machine.reset_cause
device_id = machine.unique_id
boot_id = machine.rng


def serial():
    return machine.UART(0, 921600)


def streams():
    i2c = machine.I2C(0, freq=400000)
    return [
        PpgStream(Max30101(i2c)),
        AccelerometerStream(Lsm6dso(i2c)),
    ]


def capabilities():
    return codec.CAPABILITY_REPL


def battery_mv():
    return 0
