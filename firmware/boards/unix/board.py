"""Wiring of the virtual bracelet (MicroPython's unix port in the rig): sensors on I2C 0, host on UART 0."""

import sys

import machine

from bracelet import codec
from bracelet.accelerometer import AccelerometerStream
from bracelet.drivers.button import Button
from bracelet.drivers.gauge import Max17048
from bracelet.drivers.lsm6dso import Lsm6dso
from bracelet.drivers.max30101 import Max30101
from bracelet.drivers.vibration import Vibration
from bracelet.ppg import PpgStream

if sys.maxsize > 0xFFFFFFFF:
    from bracelet.crc_ints import crc_into as crc_into  # noqa: PLC0414
else:
    from bracelet.crc_viper import crc_into as crc_into  # noqa: PLC0414

restart = machine.soft_reset
reset_reason = machine.reset_cause
device_id = machine.unique_id
# The chips of the stubs have no generator of random numbers.
boot_id = machine.rng  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def serial() -> machine.UART:
    return machine.UART(0, 921600)


def streams():  # its type is what stands in the list
    i2c = machine.I2C(0, freq=400000)
    return [
        PpgStream(Max30101(i2c)),
        AccelerometerStream(Lsm6dso(i2c)),
    ]


def capabilities() -> int:
    return codec.CAPABILITY_REPL


def gauge() -> Max17048:
    return Max17048(machine.I2C(0, freq=400000))


def button() -> Button:
    return Button(machine.Pin(2, machine.Pin.IN, machine.Pin.PULL_UP))


def vibration() -> Vibration:
    return Vibration(machine.Pin(3, machine.Pin.OUT))


def flash():  # pyright: ignore[reportUnknownParameterType]
    # The virtual board's own: MicroPython's ports have theirs in other modules.
    return machine.Flash(0)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
