"""The MAX30101's driver against the register model: settings, and how full the FIFO is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from vigie_protocol.enums import ErrorCode
from vigie_rig.sensors import Max30101

# Datasheet 19-8442, tables 11 and 12: the fastest rate for each pulse width with one LED and with two.
# With three the conversions of a sample must fit its period: 3 x (412 + 696) us and so on.
_FASTEST_HZ = {
    1: {69: 3200, 118: 1600, 215: 1600, 411: 1000},
    2: {69: 1600, 118: 1000, 215: 800, 411: 400},
    3: {69: 800, 118: 800, 215: 400, 411: 200},
}
_RATES_HZ = (50, 100, 200, 400, 800, 1000, 1600, 3200)

_CHIP = """
import machine, time
from bracelet.drivers.max30101 import Max30101
from bracelet.drivers.unsupported import Unsupported

i2c = machine.I2C(0)
chip = Max30101(i2c)

def outcome(*settings):
    try:
        chip.configure(*settings)
    except Unsupported as error:
        assert error.text
        return error.code
    return 0
"""


def test_it_is_found_where_it_is_and_nowhere_else(on_board: Callable[[str], Any]) -> None:
    program = _CHIP + "print((chip.probe(), Max30101(i2c, 0x56).probe(), Max30101(i2c, 0x6A).probe()))"
    assert on_board(program) == (True, False, False)


def test_every_combination_of_rate_pulse_width_and_leds(on_board: Callable[[str], Any]) -> None:
    program = f"""{_CHIP}
found = []
for channels in (1, 2, 3):
    for width_us in (69, 118, 215, 411):
        for rate_hz in {_RATES_HZ}:
            code = outcome(rate_hz, channels, width_us, 4096, 1, 6400)
            found.append((channels, width_us, rate_hz, code, i2c.readfrom_mem(0x57, 0x0A, 1)[0] if not code else -1))
print(found)"""
    found = on_board(program)
    assert len(found) == 96
    for channels, width_us, rate_hz, code, register in found:
        has = rate_hz <= _FASTEST_HZ[channels][width_us]
        assert code == (0 if has else ErrorCode.UNSUPPORTED_PULSE_WIDTH)
        if has:
            width_code = (69, 118, 215, 411).index(width_us)
            assert register == 1 << 5 | _RATES_HZ.index(rate_hz) << 2 | width_code


@pytest.mark.parametrize(
    ("position", "has", "lacks", "refusal"),
    [
        pytest.param(
            0, (50, 100, 200, 400), (0, 1, 49, 51, 99, 3201, 65535), ErrorCode.UNSUPPORTED_RATE, id="rate"
        ),
        pytest.param(1, (1, 2), (0, 4, 255), ErrorCode.UNSUPPORTED_CHANNELS, id="channels"),
        pytest.param(
            2,
            (69, 118, 215, 411),
            (0, 68, 70, 410, 65535),
            ErrorCode.UNSUPPORTED_PULSE_WIDTH,
            id="pulse width",
        ),
        pytest.param(
            3, (2048, 4096, 8192, 16384), (0, 2047, 4095, 32768), ErrorCode.UNSUPPORTED_RANGE, id="full scale"
        ),
        pytest.param(
            4, (1, 2, 4, 8, 16, 32), (0, 3, 31, 64, 255), ErrorCode.UNSUPPORTED_AVERAGING, id="averaging"
        ),
        pytest.param(
            5, (0, 200, 6400, 51000), (1, 199, 6401, 51200, 65400), ErrorCode.UNSUPPORTED_RANGE, id="LED"
        ),
    ],
)
def test_each_setting_alone(
    on_board: Callable[[str], Any],
    position: int,
    has: tuple[int, ...],
    lacks: tuple[int, ...],
    refusal: ErrorCode,
) -> None:
    program = f"""{_CHIP}
found = []
for value in {has + lacks}:
    settings = [100, 2, 411, 4096, 1, 6400]
    settings[{position}] = value
    found.append(outcome(*settings))
print(found)"""
    assert on_board(program) == [0] * len(has) + [refusal] * len(lacks)


def test_a_refusal_leaves_the_registers_alone(on_board: Callable[[str], Any]) -> None:
    refused = [
        (101, 2, 411, 4096, 1, 6400),
        (100, 4, 411, 4096, 1, 6400),
        (100, 2, 412, 4096, 1, 6400),
        (100, 2, 411, 4097, 1, 6400),
        (100, 2, 411, 4096, 5, 6400),
        (100, 2, 411, 4096, 1, 6401),
    ]
    program = f"""{_CHIP}
assert outcome(200, 2, 215, 8192, 4, 12000) == 0
before = i2c.readfrom_mem(0x57, 0x08, 11)
print([(outcome(*each) != 0, i2c.readfrom_mem(0x57, 0x08, 11) == before) for each in {refused}])"""
    assert on_board(program) == [(True, True)] * len(refused)


@pytest.mark.parametrize(("channels", "average"), list(product((1, 2, 3), (1, 4))))
def test_what_is_configured_is_what_is_sampled(
    on_board: Callable[[str], Any], ppg: Max30101, channels: int, average: int
) -> None:
    program = f"""{_CHIP}
assert outcome(200, {channels}, 411, 8192, {average}, 6400) == 0
chip.start()
time.sleep_ms(100)
waiting = chip.pending()
view = bytearray(3 * {channels} * waiting)
chip.read_into(view)
print((waiting, bytes(view)))"""
    waiting, data = on_board(program)
    (run,) = ppg.ledger.runs
    assert run.rate_hz == 200 / average
    counts = np.frombuffer(data, np.uint8).reshape(waiting, channels, 3) @ np.array([65536, 256, 1])
    assert waiting >= 4
    assert (counts == run.values[:waiting]).all()


@pytest.mark.parametrize("made", [0, 1, 31, 32, 33, 40, 62, 63, 64, 200])
def test_full_is_told_from_empty_and_the_counter_stops_at_31(
    on_board: Callable[[str], Any], ppg: Max30101, made: int
) -> None:
    # Of a sensor 1 % fast: half a period after its last sample.
    program = f"""{_CHIP}
assert outcome(100, 2, 411, 4096, 1, 6400) == 0
chip.start()
time.sleep_us({round((made + 0.5) * 10_000 / 1.01)})
print((chip.pending(), chip.overflow))"""
    waiting, overflow = on_board(program)
    assert ppg.ledger.produced == made
    assert waiting == min(made, 32)
    assert overflow == min(max(made - 32, 0), 31)
    assert ppg.ledger.lost == max(made - 32, 0)


def test_a_fifo_that_was_emptied_is_not_taken_for_a_full_one(on_board: Callable[[str], Any]) -> None:
    program = f"""{_CHIP}
assert outcome(100, 1, 411, 4096, 1, 6400) == 0
chip.start()
found = []
for _ in range(4):
    time.sleep_ms(330)
    full = chip.pending()
    chip.read_into(bytearray(3 * full))
    found.append((full, chip.overflow, chip.pending(), chip.overflow))
print(found)"""
    for full, overflow, left, overflow_left in on_board(program):
        assert (full, overflow_left) == (32, 0)
        assert overflow in (0, 1, 2)
        assert left <= 1  # a sample may come while 32 are read


def test_stopped_it_takes_no_samples(on_board: Callable[[str], Any], ppg: Max30101) -> None:
    program = f"""{_CHIP}
assert outcome(100, 1, 411, 4096, 1, 6400) == 0
time.sleep_ms(100)
chip.start()
time.sleep_ms(105)
chip.stop()
time.sleep_ms(100)
print(chip.pending())"""
    assert on_board(program) == 10
    assert ppg.ledger.produced == 10
