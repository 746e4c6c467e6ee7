"""MAX30101: the rules of its register map, each as a test."""

from __future__ import annotations

import pytest

from vigie_rig.sensors import Max30101
from vigie_rig.traces import Trace

STATUS_1, STATUS_2 = 0x00, 0x01
WRITE_POINTER, OVERFLOW, READ_POINTER, FIFO_DATA = 0x04, 0x05, 0x06, 0x07
FIFO_CONFIG, MODE, SPO2_CONFIG = 0x08, 0x09, 0x0A
A_FULL, PPG_READY, POWER_READY, TEMPERATURE_READY = 0x80, 0x40, 0x01, 0x02
HEART_RATE, SPO2, SHUTDOWN, RESET = 0x02, 0x03, 0x80, 0x40
RATES_HZ = (50, 100, 200, 400, 800, 1000, 1600, 3200)


def one(sensor: Max30101, register: int, now_us: int) -> int:
    return sensor.read(register, 1, now_us)[0]


def at_100_hz(trace: Trace, mode: int = SPO2, fifo: int = 0) -> Max30101:
    sensor = Max30101(trace)
    sensor.write(FIFO_CONFIG, bytes([fifo, mode, 0b01_001_11]), 0)
    sensor.write(0x0C, bytes([50, 50, 50, 50]), 0)
    return sensor


def test_it_answers_at_0x57_with_its_part_id(steady: Trace) -> None:
    assert Max30101.address == 0x57
    assert one(Max30101(steady), 0xFF, 0) == 0x15


def test_after_power_up_all_is_zero_and_power_ready_is_told_once(steady: Trace) -> None:
    sensor = Max30101(steady)
    assert sensor.read(STATUS_1, 2, 0) == bytes([POWER_READY, 0])
    assert sensor.read(STATUS_1, 2, 0) == bytes(2)
    assert sensor.read(FIFO_CONFIG, 11, 0) == bytes(11)


def test_the_register_address_goes_up_in_a_burst(steady: Trace) -> None:
    sensor = Max30101(steady)
    sensor.write(0x0C, bytes([1, 2, 3, 4]), 0)
    assert sensor.read(0x0C, 4, 0) == bytes([1, 2, 3, 4])
    assert one(sensor, 0x0E, 0) == 3


def test_the_address_stays_at_fifo_data(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    burst = sensor.read(WRITE_POINTER, 3 + 2 * 6, 20_000)
    assert burst[:3] == bytes([2, 0, 0])
    assert burst[3:9] == burst[9:15] != bytes(6)
    assert sensor.read(WRITE_POINTER, 3, 20_000) == bytes([2, 0, 2])


def test_read_only_registers_ignore_writes(steady: Trace) -> None:
    sensor = Max30101(steady)
    for register in (STATUS_1, STATUS_2, FIFO_DATA, 0x1F, 0x20, 0xFE, 0xFF):
        before = one(sensor, register, 0)
        if register == STATUS_1:
            before = 0
        sensor.write(register, b"\xaa", 0)
        assert one(sensor, register, 0) == before


def test_the_pointers_hold_five_bits(steady: Trace) -> None:
    sensor = Max30101(steady)
    sensor.write(WRITE_POINTER, bytes([0xFF, 0xFF, 0xFF]), 0)
    assert sensor.read(WRITE_POINTER, 3, 0) == bytes([31, 31, 31])


def test_the_first_sample_comes_one_period_after_the_mode_is_set(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    assert one(sensor, WRITE_POINTER, 9_999) == 0
    assert one(sensor, WRITE_POINTER, 10_000) == 1


def test_no_mode_no_samples(steady: Trace) -> None:
    sensor = at_100_hz(steady, mode=0)
    assert one(sensor, WRITE_POINTER, 10**6) == 0
    assert sensor.ledger.produced == 0


def test_reset_clears_everything_and_itself_without_power_ready(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.read(STATUS_1, 1, 100_000)
    sensor.write(MODE, bytes([RESET | SPO2]), 100_000)
    assert sensor.read(FIFO_CONFIG, 11, 100_001) == bytes(11)
    assert sensor.read(STATUS_1, 7, 10**6) == bytes(7)


def test_power_cycle_tells_power_ready_and_samples_stop(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.power_cycle(100_000)
    assert sensor.read(STATUS_1, 7, 10**6) == bytes([POWER_READY, 0, 0, 0, 0, 0, 0])
    assert [len(run) for run in sensor.ledger.runs] == [10]


def test_shutdown_keeps_the_registers_and_the_fifo_but_takes_no_samples(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.write(MODE, bytes([SHUTDOWN | SPO2]), 50_000)
    assert sensor.read(STATUS_1, 1, 900_000) == b"\0"
    assert sensor.read(WRITE_POINTER, 3, 900_000) == bytes([5, 0, 0])
    assert one(sensor, 0x0C, 900_000) == 50
    sensor.write(MODE, bytes([SPO2]), 900_000)
    assert one(sensor, WRITE_POINTER, 910_000) == 6
    assert [len(run) for run in sensor.ledger.runs] == [5, 1]
    assert sensor.ledger.runs[1].start_us == 900_000


def test_ppg_ready_is_cleared_by_reading_the_status(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.read(STATUS_1, 1, 0)
    assert one(sensor, STATUS_1, 9_000) == 0
    assert one(sensor, STATUS_1, 10_000) == PPG_READY
    assert one(sensor, STATUS_1, 10_000) == 0
    assert one(sensor, STATUS_1, 20_000) == PPG_READY


def test_ppg_ready_is_cleared_by_reading_the_fifo(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.read(STATUS_1, 1, 0)
    sensor.read(FIFO_DATA, 6, 10_000)
    assert one(sensor, STATUS_1, 10_000) == 0


def test_a_sample_that_finds_no_room_is_not_told_as_new(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.read(STATUS_1, 1, 320_000)
    assert sensor.read(OVERFLOW, 1, 350_000) == bytes([3])
    assert one(sensor, STATUS_1, 350_000) == 0


@pytest.mark.parametrize("free", [0, 1, 15])
def test_almost_full_is_told_when_so_many_places_are_left(steady: Trace, free: int) -> None:
    sensor = at_100_hz(steady, fifo=free)
    sensor.read(STATUS_1, 1, 0)
    assert one(sensor, STATUS_1, (31 - free) * 10_000) == PPG_READY
    assert one(sensor, STATUS_1, (32 - free) * 10_000) == PPG_READY | A_FULL
    assert one(sensor, STATUS_1, (32 - free) * 10_000) == 0


@pytest.mark.parametrize("pulse_width", range(4))
@pytest.mark.parametrize(
    ("mode", "fastest_hz"),
    [(HEART_RATE, (3200, 1600, 1600, 1000)), (SPO2, (1600, 1000, 800, 400))],
)
def test_a_rate_too_fast_for_the_pulse_width_becomes_the_fastest_possible(
    steady: Trace, mode: int, fastest_hz: tuple[int, ...], pulse_width: int
) -> None:
    for code, rate_hz in enumerate(RATES_HZ):
        sensor = Max30101(steady)
        sensor.write(MODE, bytes([mode, code << 2 | pulse_width]), 0)
        taken_hz = RATES_HZ[one(sensor, SPO2_CONFIG, 0) >> 2 & 7]
        assert taken_hz == min(rate_hz, fastest_hz[pulse_width])
        sensor.read(STATUS_1, 1, 10**6)
        assert sensor.ledger.runs[-1].rate_hz == taken_hz
        assert sensor.ledger.produced == taken_hz


def test_temperature_is_measured_once_when_asked(steady: Trace) -> None:
    sensor = Max30101(steady)
    sensor.write(0x21, b"\x01", 1000)
    assert sensor.read(0x1F, 3, 20_000) == bytes([0, 0, 1])
    assert one(sensor, STATUS_2, 20_000) == 0
    assert sensor.read(0x1F, 1, 31_000) == bytes([31])
    assert one(sensor, STATUS_2, 31_000) == TEMPERATURE_READY
    assert sensor.read(0x20, 2, 31_000) == bytes([8, 0])


def test_temperature_ready_is_cleared_by_reading_the_fraction(steady: Trace) -> None:
    sensor = Max30101(steady)
    sensor.write(0x21, b"\x01", 0)
    assert sensor.read(0x1F, 2, 30_000) == bytes([31, 8])
    assert one(sensor, STATUS_2, 30_000) == 0


def test_stuck_it_answers_but_produces_nothing(steady: Trace) -> None:
    sensor = at_100_hz(steady)
    sensor.read(STATUS_1, 1, 50_000)
    sensor.stuck = True
    assert sensor.read(WRITE_POINTER, 3, 10**6) == bytes([5, 0, 0])
    assert one(sensor, STATUS_1, 10**6) == 0
    assert one(sensor, 0xFF, 10**6) == 0x15
    sensor.stuck = False
    assert one(sensor, WRITE_POINTER, 2 * 10**6) == 5
    assert one(sensor, WRITE_POINTER, 2 * 10**6 + 10_000) == 6
    assert [len(run) for run in sensor.ledger.runs] == [5, 1]
    assert sensor.ledger.lost == 0
