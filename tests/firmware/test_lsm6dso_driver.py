"""The LSM6DSO's driver against the register model: settings, words and their tags, overrun, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vigie_protocol.enums import ErrorCode
from vigie_rig.sensors import Lsm6dso

_RATES_DECIHZ = (125, 260, 520, 1040, 2080, 4160, 8330)

_CHIP = """
import machine, time
from bracelet.drivers.lsm6dso import Lsm6dso
from bracelet.drivers.unsupported import Unsupported

i2c = machine.I2C(0)
chip = Lsm6dso(i2c)

def outcome(*settings):
    try:
        chip.configure(*settings)
    except Unsupported as error:
        assert error.text
        return error.code
    return 0
"""


def test_it_is_found_where_it_is_and_nowhere_else(on_board: Callable[[str], Any]) -> None:
    program = _CHIP + "print((chip.probe(), Lsm6dso(i2c, 0x6B).probe(), Lsm6dso(i2c, 0x57).probe()))"
    assert on_board(program) == (True, False, False)


def test_every_rate_and_range_and_nothing_else(on_board: Callable[[str], Any]) -> None:
    rates = (*_RATES_DECIHZ, 0, 124, 1000, 1041, 16660, 65535)
    ranges = (2, 4, 8, 16, 0, 1, 3, 32, 255)
    program = f"{_CHIP}\nprint([(r, g, outcome(r, g)) for r in {rates} for g in {ranges}])"
    for rate_decihz, range_g, code in on_board(program):
        if rate_decihz not in _RATES_DECIHZ:
            assert code == ErrorCode.UNSUPPORTED_RATE
        else:
            assert code == (0 if range_g in (2, 4, 8, 16) else ErrorCode.UNSUPPORTED_RANGE)


def test_a_refusal_leaves_the_registers_alone(on_board: Callable[[str], Any]) -> None:
    program = f"""{_CHIP}
assert outcome(2080, 4) == 0
chip.start()
before = i2c.readfrom_mem(0x6A, 0x07, 20)
codes = outcome(2081, 4), outcome(2080, 5)
print((codes[0] != 0, codes[1] != 0, i2c.readfrom_mem(0x6A, 0x07, 20) == before))"""
    assert on_board(program) == (True, True, True)


@pytest.mark.parametrize(("rate_decihz", "range_g"), [(125, 2), (1040, 8), (2080, 4), (4160, 16)])
def test_what_is_configured_is_what_is_sampled(
    on_board: Callable[[str], Any], acc: Lsm6dso, rate_decihz: int, range_g: int
) -> None:
    wait_ms = 1_000_000 // rate_decihz
    program = f"""{_CHIP}
assert outcome({rate_decihz}, {range_g}) == 0
chip.start()
time.sleep_ms({wait_ms})
words = chip.pending()
view = bytearray(7 * words)
chip.read_into(view)
print((bytes(view), chip.overrun))"""
    data, overrun = on_board(program)
    (run,) = acc.ledger.runs
    assert run.rate_hz == pytest.approx(rate_decihz / 10, rel=0.05)
    words = np.frombuffer(data, np.uint8).reshape(-1, 7)
    samples = words[words[:, 0] >> 3 == 2][:, 1:].copy().view("<i2")
    stamps = words[words[:, 0] >> 3 == 4]
    assert (samples == run.values).all()
    assert len(stamps) == -(-len(samples) // 32)
    assert not overrun
    # One g of gravity: the range is the one asked for.
    norm_g = np.linalg.norm(samples * 0.061e-3 * range_g / 2, axis=1)
    assert norm_g == pytest.approx(np.ones(len(samples)), abs=0.1)


def test_an_overrun_is_told_once(on_board: Callable[[str], Any], acc: Lsm6dso) -> None:
    program = f"""{_CHIP}
assert outcome(4160, 8) == 0
chip.start()
found = []
for wait_ms in (500, 2000, 1):
    time.sleep_ms(wait_ms)
    words = chip.pending()
    found.append((words, chip.overrun))
    chip.read_into(bytearray(7 * words))
print(found)"""
    (some, first), (full, second), (few, third) = on_board(program)
    assert (first, second, third) == (False, True, False)
    assert some < 512
    assert full == 512
    # Reading 512 words takes 80 ms of the bus: what came meanwhile is there, and no overrun of its own.
    assert 30 < few < 40
    assert acc.ledger.lost > 300


def test_its_clock_counts_25_us_and_runs_as_fast_as_its_samples(on_board: Callable[[str], Any]) -> None:
    program = f"""{_CHIP}
assert outcome(1040, 8) == 0
chip.start()
before = chip.ticks()
time.sleep_ms(10000)
print((chip.ticks() - before) & 0x3FFFFFFF)"""
    # The sensor is 1 % slow.
    assert on_board(program) == pytest.approx(10_000_000 * 0.99 / 25, rel=1e-3)


def test_stopped_it_takes_no_samples(on_board: Callable[[str], Any], acc: Lsm6dso) -> None:
    program = f"""{_CHIP}
assert outcome(1040, 8) == 0
time.sleep_ms(100)
chip.start()
time.sleep_ms(100)
chip.stop()
made = chip.pending()
time.sleep_ms(100)
print((made, chip.pending()))"""
    on_board(program)
    assert acc.ledger.produced in (9, 10, 11)
