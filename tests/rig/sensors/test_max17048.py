"""The battery gauge's registers are those of its datasheet, filled from a course of charge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_rig.sensors import Max17048

_S = 1_000_000


def _word(gauge: Max17048, register: int, now_us: int = 0) -> int:
    return int.from_bytes(gauge.read(register, 2, now_us), "big")


@pytest.mark.parametrize(
    ("register", "value"),
    [
        (0x0A, 0x8030),
        (0x0C, 0x971C),
        (0x14, 0x00FF),
        (0x18, 0x9600),
        (0x1A, 0x0100),
        (0xFE, 0xFFFF),
        (0x06, 0),
    ],
    ids=["HIBRT", "CONFIG", "VALRT", "VRESET", "STATUS", "CMD", "MODE"],
)
def test_registers_after_power_up(register: int, value: int) -> None:
    assert _word(Max17048(), register) == value


def test_it_says_that_it_is_one() -> None:
    assert _word(Max17048(), 0x08) >> 4 == 0x001


@given(st.floats(0, 100))
def test_the_charge_has_a_resolution_of_a_256th_of_a_percent(percent: float) -> None:
    assert _word(Max17048(lambda _: percent), 0x04) / 256 == pytest.approx(percent, abs=1 / 512 + 1e-9)


def test_the_voltage_grows_with_the_charge_within_a_cell_s_bounds() -> None:
    volts = [_word(Max17048(lambda _, charge=charge: charge), 0x02) * 78.125e-6 for charge in range(101)]
    assert volts[0] == pytest.approx(3.0, abs=1e-4)
    assert volts[100] == pytest.approx(4.19, abs=1e-4)
    assert volts == sorted(volts)
    assert len(set(volts)) == 101


@pytest.mark.parametrize("per_hour", [-30.0, -0.5, 0.0, 45.0])
def test_the_rate_is_signed(per_hour: float) -> None:
    gauge = Max17048(lambda time_s: 50 + per_hour * time_s / 3600)
    raw = _word(gauge, 0x16, 600 * _S)
    assert (raw - 0x10000 if raw & 0x8000 else raw) * 0.208 == pytest.approx(per_hour, abs=0.11)


def test_it_measures_four_times_a_second() -> None:
    gauge = Max17048(lambda time_s: 100 - time_s)
    first = _word(gauge, 0x04, 10 * _S)
    assert _word(gauge, 0x04, 10 * _S + 200_000) == first
    assert _word(gauge, 0x04, 10 * _S + 250_000) < first


def test_a_stuck_one_answers_what_it_last_measured() -> None:
    gauge = Max17048(lambda time_s: 100 - time_s)
    before = _word(gauge, 0x04, _S)
    gauge.stuck = True
    assert _word(gauge, 0x04, 60 * _S) == before
    gauge.stuck = False
    assert _word(gauge, 0x04, 61 * _S) < before


def test_only_what_can_be_written_is_and_in_whole_registers() -> None:
    gauge = Max17048(lambda _: 50)
    gauge.write(0x04, b"\xff\xff", 0)
    gauge.write(0x0C, b"\x12\x34", 0)
    gauge.write(0x0A, b"\x00", 0)
    gauge.write(0x1A, b"\x00\x00", 0)
    assert (_word(gauge, 0x04), _word(gauge, 0x0C), _word(gauge, 0x0A), _word(gauge, 0x1A)) == (
        50 * 256,
        0x1234,
        0x8030,
        0,
    )


@pytest.mark.parametrize("by_command", [True, False])
def test_a_reset_forgets_settings_and_tells_of_itself(by_command: bool) -> None:
    gauge = Max17048(lambda _: 50)
    gauge.write(0x0C, b"\x12\x34", 0)
    gauge.write(0x1A, b"\x00\x00", 0)
    if by_command:
        gauge.write(0xFE, b"\x54\x00", _S)
    else:
        gauge.power_cycle(_S)
    assert (_word(gauge, 0x0C, _S), _word(gauge, 0x1A, _S), _word(gauge, 0x04, _S)) == (
        0x971C,
        0x0100,
        50 * 256,
    )


def test_a_burst_goes_on_through_the_registers() -> None:
    gauge = Max17048(lambda _: 50)
    assert gauge.read(0x04, 8, 0) == b"\x32\x00" + b"\x00\x00" + b"\x00\x12" + b"\x80\x30"
    assert gauge.read(0x05, 1, 0) == b"\x00"


def test_the_standard_charge_stays_between_empty_and_full_for_a_month() -> None:
    gauge = Max17048()
    charges = [_word(gauge, 0x04, hour * 3600 * _S) / 256 for hour in range(31 * 24)]
    assert 20 < min(charges) < 40
    assert max(charges) == pytest.approx(100, abs=1)
