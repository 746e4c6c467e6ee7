"""What a unix board reaches outside its processor: each verb's answer, and how long it takes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from vigie_rig.boards.unix.clock import BoardClock
from vigie_rig.channel import Kind, Request
from vigie_rig.energy_meter import EnergyMeter
from vigie_rig.flash import NorFlash, Operation
from vigie_rig.pins import Pins
from vigie_rig.sensor_bus import SensorBus, transfer_us
from vigie_rig.serial_line import SerialLine

Answer: TypeAlias = tuple[int, int, bytes]
"""Microseconds that it takes, argument, payload."""

_REFUSED: Final[Answer] = (0, 1, b"")
_ADDRESS: Final = struct.Struct("<I")
_PIECE: Final = struct.Struct("<IH")
_GEOMETRY: Final = struct.Struct("<II")
_COUNT: Final = struct.Struct("<H")


class Roles:
    """Sensor bus, serial line, flash and pins, as requests of the side channel ask for them."""

    def __init__(self, bus: SensorBus, line: SerialLine, flash: NorFlash | None, pins: Pins) -> None:
        self._bus = bus
        self._line = line
        self._flash = flash
        self._pins = pins
        self.meter: Final = EnergyMeter(bus, line)
        self.verbs: Final[dict[int, Callable[[Request, int, BoardClock], Answer]]] = {
            int(kind): verb
            for kind, verb in (
                (Kind.BUS_READ, self._bus_read),
                (Kind.BUS_WRITE, self._bus_write),
                (Kind.SERIAL_READ, self._serial_read),
                (Kind.SERIAL_WRITE, self._serial_write),
                (Kind.FLASH_INFO, self._flash_info),
                (Kind.FLASH_READ, self._flash_read),
                (Kind.PIN_READ, self._pin_read),
                (Kind.PIN_WRITE, self._pin_write),
                (Kind.PIN_EDGES, self._pin_edges),
            )
        }
        """By number of the request; each is given the board's time."""

    def operation(self, request: Request) -> tuple[Operation, int] | None:
        """The flash operation that a request asks for and how long it takes; None if there can be no such one."""
        flash = self._flash
        if flash is None:
            return None
        (at,) = _ADDRESS.unpack_from(request.payload)
        operation = Operation(at, request.payload[4:] if request.kind == Kind.FLASH_PROGRAM else None)
        count = flash.sector_bytes if operation.data is None else len(operation.data)
        if at + count > flash.size_bytes or (operation.data is None and at % flash.sector_bytes):
            return None
        cost_us = flash.operation_us(operation)
        self.meter.flash_works(operation, cost_us)
        return operation, cost_us

    def _bus_read(self, request: Request, now_us: int, clock: BoardClock) -> Answer:
        register, low, high = request.payload
        count = low | high << 8
        data = self._bus.read(request.argument, register, count, now_us, clock.loop_time_s(now_us))
        cost_us = transfer_us(count)
        self.meter.bus_us += cost_us
        return cost_us, 1 if data is None else 0, data or b""

    def _bus_write(self, request: Request, now_us: int, clock: BoardClock) -> Answer:
        payload = request.payload
        taken = self._bus.write(request.argument, payload[0], payload[1:], now_us, clock.loop_time_s(now_us))
        cost_us = transfer_us(len(payload) - 1)
        self.meter.bus_us += cost_us
        return cost_us, 0 if taken else 1, b""

    def _serial_read(self, request: Request, _now_us: int, _clock: BoardClock) -> Answer:
        data = self._line.read(_COUNT.unpack(request.payload)[0])
        self.meter.received(len(data))
        return 0, 0, data

    def _serial_write(self, request: Request, now_us: int, clock: BoardClock) -> Answer:
        taken = self._line.write(request.payload, clock.loop_time_s(now_us))
        self.meter.sent(taken)
        return 0, 0, _COUNT.pack(taken)

    def _flash_info(self, _request: Request, _now_us: int, _clock: BoardClock) -> Answer:
        if self._flash is None:
            return _REFUSED
        return 0, 0, _GEOMETRY.pack(self._flash.size_bytes, self._flash.sector_bytes)

    def _flash_read(self, request: Request, _now_us: int, _clock: BoardClock) -> Answer:
        at, count = _PIECE.unpack(request.payload)
        if self._flash is None or at + count > self._flash.size_bytes:
            return _REFUSED
        cost_us = self._flash.timing.read_us(count)
        self.meter.flash_read_us += cost_us
        return cost_us, 0, self._flash.read(at, count)

    def _pin_read(self, request: Request, _now_us: int, _clock: BoardClock) -> Answer:
        return 0, self._pins.level(request.argument), b""

    def _pin_write(self, request: Request, now_us: int, _clock: BoardClock) -> Answer:
        self._pins.write(request.argument, request.payload[0], now_us)
        return 0, 0, b""

    def _pin_edges(self, request: Request, _now_us: int, _clock: BoardClock) -> Answer:
        self._pins.watch(request.argument, request.payload[0])
        return 0, 0, b""
