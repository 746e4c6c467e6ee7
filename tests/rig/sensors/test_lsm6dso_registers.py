"""LSM6DSO: the rules of its register map, each as a test."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from vigie_rig.sensors import Lsm6dso
from vigie_rig.traces import Trace

FIFO_CTRL1, FIFO_CTRL3, FIFO_CTRL4 = 0x07, 0x09, 0x0A
WHO_AM_I, CTRL1_XL, CTRL3_C, CTRL10_C, STATUS = 0x0F, 0x10, 0x12, 0x19, 0x1E
OUTX_L, FIFO_STATUS1, TIMESTAMP0, TIMESTAMP2, FREQ_FINE = 0x28, 0x3A, 0x40, 0x42, 0x63
BDU, IF_INC, SW_RESET, BOOT = 0x40, 0x04, 0x01, 0x80
ODR_104_HZ, TIMESTAMP_EN = 0x40, 0x20
PERIOD_104_US = 9600


def at_104_hz(trace: Trace, scale: int = 0, **clock: float) -> Lsm6dso:
    sensor = Lsm6dso(trace, **clock)  # type: ignore[arg-type]
    sensor.write(CTRL1_XL, bytes([ODR_104_HZ | scale << 2]), 0)
    return sensor


def output(sensor: Lsm6dso, now_us: int) -> list[int]:
    return list(struct.unpack("<3h", sensor.read(OUTX_L, 6, now_us)))


def timestamp(sensor: Lsm6dso, now_us: int) -> int:
    return int.from_bytes(sensor.read(TIMESTAMP0, 4, now_us), "little")


def test_it_answers_at_0x6a_and_says_who_it_is(steady: Trace) -> None:
    assert Lsm6dso.address == 0x6A
    assert Lsm6dso(steady).read(WHO_AM_I, 1, 0) == b"\x6c"


def test_after_power_up_the_address_increments_and_nothing_runs(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    assert sensor.read(CTRL3_C, 1, 0) == bytes([IF_INC])
    sensor.read(STATUS, 1, 10**7)
    assert sensor.ledger.produced == 0
    assert sensor.ledger.runs == []


def test_without_if_inc_a_burst_stays_at_its_register(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(FIFO_CTRL1, bytes([1, 0, 3]), 0)
    assert sensor.read(FIFO_CTRL1, 3, 0) == bytes([1, 0, 3])
    sensor.write(CTRL3_C, b"\0", 0)
    assert sensor.read(FIFO_CTRL1, 3, 0) == bytes([1, 1, 1])
    sensor.write(FIFO_CTRL1, bytes([7, 8, 9]), 0)
    assert sensor.read(FIFO_CTRL1, 1, 0) == bytes([9])


@pytest.mark.parametrize(
    ("code", "named_hz"),
    list(enumerate([12.5, 26, 52, 104, 208, 416, 833, 1667, 3333, 6667], start=1)),
)
def test_the_rates_are_those_of_the_datasheet(steady: Trace, code: int, named_hz: float) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(CTRL1_XL, bytes([code << 4]), 0)
    sensor.read(STATUS, 1, 10**6)
    run = sensor.ledger.runs[-1]
    assert run.rate_hz == pytest.approx(named_hz, rel=0.05 if code == 1 else 0.002)
    assert len(run) == int(run.rate_hz + 1e-6)


def test_1_6_hz_is_there_too(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(CTRL1_XL, bytes([11 << 4]), 0)
    sensor.read(STATUS, 1, 10**7)
    assert sensor.ledger.runs[-1].rate_hz == pytest.approx(1.6, rel=0.02)


@pytest.mark.parametrize("code", [0, 12, 15])
def test_off_and_reserved_codes_give_no_samples(steady: Trace, code: int) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(CTRL1_XL, bytes([code << 4]), 0)
    sensor.read(STATUS, 1, 10**6)
    assert sensor.ledger.produced == 0


@pytest.mark.parametrize(("code", "mg_per_lsb"), [(0, 0.061), (2, 0.122), (3, 0.244), (1, 0.488)])
def test_sensitivity_and_saturation_of_each_range(steady: Trace, code: int, mg_per_lsb: float) -> None:
    counts = [round(g * 1000 / mg_per_lsb) for g in (0.25, -0.5, 1.0)]
    assert output(at_104_hz(steady, code), 10**5) == counts
    hard = replace(steady, acc_g=steady.acc_g * 100)
    assert output(at_104_hz(hard, code), 10**5) == [
        max(-32768, min(32767, round(g * 1000 / mg_per_lsb))) for g in (25, -50, 100)
    ]
    assert -32768 in output(at_104_hz(hard, code), 10**5)
    assert 32767 in output(at_104_hz(hard, code), 10**5)


def test_the_acceleration_is_that_of_the_trace_at_the_instant_of_each_sample(ramp: Trace) -> None:
    sensor = Lsm6dso(ramp, clock_error=-0.03, jitter_us=400, seed=9, start_us=3_000_000)
    sensor.write(CTRL1_XL, bytes([ODR_104_HZ | 1 << 2]), 3_000_000)
    sensor.read(STATUS, 1, 303_000_000)
    run = sensor.ledger.runs[-1]
    seconds = run.time_us * 1e-6 - 3
    expected = np.stack((seconds, -seconds, 2 * seconds), axis=1) * 0.01 * 1000 / 0.488
    np.testing.assert_array_less(np.abs(run.values - expected), 0.501)
    assert len(run) == pytest.approx(300 * 104.17 * 0.97, rel=1e-4)


def test_data_ready_is_cleared_by_reading_the_output(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    assert sensor.read(STATUS, 1, PERIOD_104_US - 1) == b"\0"
    assert sensor.read(STATUS, 1, PERIOD_104_US) == b"\x01"
    output(sensor, PERIOD_104_US)
    assert sensor.read(STATUS, 1, PERIOD_104_US) == b"\0"
    assert sensor.read(STATUS, 1, 2 * PERIOD_104_US) == b"\x01"


def test_with_block_data_update_an_axis_read_byte_by_byte_is_of_one_sample(wrist: Trace) -> None:
    sensor = at_104_hz(wrist)
    sensor.write(CTRL3_C, bytes([BDU | IF_INC]), 0)
    low = sensor.read(OUTX_L, 1, 10 * PERIOD_104_US)
    high = sensor.read(OUTX_L + 1, 1, 20 * PERIOD_104_US)
    values = sensor.ledger.runs[-1].values
    assert int.from_bytes(low + high, "little", signed=True) == values[9, 0]


def test_reading_the_output_registers_hands_that_sample_out(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    output(sensor, 5 * PERIOD_104_US)
    assert sensor.ledger.runs[-1].handed_out.tolist() == [False, False, False, False, True]
    assert sensor.ledger.lost == 0


def test_software_reset_clears_everything_and_itself(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    sensor.write(FIFO_CTRL1, bytes([9, 1, 4, 0x46]), 0)
    sensor.write(CTRL3_C, bytes([SW_RESET]), 100_000)
    assert sensor.read(CTRL3_C, 1, 100_000) == bytes([IF_INC])
    assert sensor.read(FIFO_CTRL1, 4, 100_000) == bytes(4)
    assert sensor.read(FIFO_STATUS1, 2, 10**6) == bytes(2)


def test_boot_clears_itself_and_keeps_the_rest(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    sensor.write(CTRL3_C, bytes([BOOT | BDU | IF_INC]), 0)
    assert sensor.read(CTRL3_C, 1, 0) == bytes([BDU | IF_INC])
    assert sensor.read(CTRL1_XL, 1, 0) == bytes([ODR_104_HZ])


def test_read_only_registers_ignore_writes(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    for register in (WHO_AM_I, STATUS, OUTX_L, FIFO_STATUS1, TIMESTAMP0, FREQ_FINE, 0x78):
        before = sensor.read(register, 1, 0)
        sensor.write(register, b"\x55", 0)
        assert sensor.read(register, 1, 0) == before


def test_time_stamps_count_25_us_from_when_they_are_enabled(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    assert timestamp(sensor, 500_000) == 0
    sensor.write(CTRL10_C, bytes([TIMESTAMP_EN]), 1_000_000)
    assert timestamp(sensor, 1_000_000) == 0
    assert timestamp(sensor, 1_000_024) == 0
    assert timestamp(sensor, 1_000_025) == 1
    assert timestamp(sensor, 2_000_000) == 40_000


def test_writing_0xaa_sets_the_time_stamp_to_zero(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(CTRL10_C, bytes([TIMESTAMP_EN]), 0)
    sensor.write(TIMESTAMP2, b"\x55", 1_000_000)
    assert timestamp(sensor, 1_000_000) == 40_000
    sensor.write(TIMESTAMP2, b"\xaa", 1_000_000)
    assert timestamp(sensor, 1_500_000) == 20_000


def test_the_time_stamp_wraps_at_32_bits(steady: Trace) -> None:
    sensor = Lsm6dso(steady)
    sensor.write(CTRL10_C, bytes([TIMESTAMP_EN]), 0)
    assert timestamp(sensor, 25 * (2**32 - 1)) == 2**32 - 1
    assert timestamp(sensor, 25 * (2**32 + 5)) == 5


@pytest.mark.parametrize("clock_error", [-0.03, -0.0015, 0.0, 0.004, 0.03])
def test_freq_fine_tells_the_clock_error_and_time_stamps_share_it(steady: Trace, clock_error: float) -> None:
    sensor = at_104_hz(steady, clock_error=clock_error)
    told = int.from_bytes(sensor.read(FREQ_FINE, 1, 0), "little", signed=True)
    assert told * 0.0015 == pytest.approx(clock_error, abs=0.00075)
    sensor.write(CTRL10_C, bytes([TIMESTAMP_EN]), 0)
    assert timestamp(sensor, 10**8) == pytest.approx(4 * 10**6 * (1 + clock_error), abs=1)
    assert sensor.ledger.produced == pytest.approx(10417 * (1 + clock_error), abs=1)


def test_stuck_it_answers_but_produces_nothing(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    sensor.read(STATUS, 1, 5 * PERIOD_104_US)
    sensor.stuck = True
    assert sensor.read(WHO_AM_I, 1, 10**6) == b"\x6c"
    assert sensor.ledger.produced == 5
    sensor.stuck = False
    sensor.read(STATUS, 1, 10**6)
    assert sensor.ledger.produced == 5
    sensor.read(STATUS, 1, 10**6 + PERIOD_104_US)
    assert [len(run) for run in sensor.ledger.runs] == [5, 1]


def test_power_cycle_stops_and_forgets(steady: Trace) -> None:
    sensor = at_104_hz(steady)
    sensor.power_cycle(PERIOD_104_US * 3)
    assert sensor.read(CTRL1_XL, 1, 10**6) == b"\0"
    assert [len(run) for run in sensor.ledger.runs] == [3]
