"""Drivers of the battery gauge, the button and the vibration motor, on the virtual board against their models."""

from __future__ import annotations

import ast
import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from vigie.firmware import load_bundle
from vigie.micropython import MicroPython
from vigie.prompt import Prompt
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Button, Max17048, Vibration

_BUTTON, _MOTOR = 5, 6
Course = Callable[[UnixBoard], None]


@pytest.fixture
def play(micropython: MicroPython, tmp_path: Path) -> Callable[..., object]:
    """Run a program on the board while ``course`` moves its pins; return the Python value that it printed."""
    for path, content in load_bundle().files.items():
        if path != "main.py":
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)

    def run(program: str, *, course: Course | None = None, gauge: Max17048 | None = None) -> object:
        board = UnixBoard(micropython, tmp_path, sensors=[gauge] if gauge else [])

        async def scene() -> str:
            async with board, Prompt(LineTransport(board.line), deadline_s=36000) as prompt:
                if course is not None:
                    course(board)
                return await prompt.run(program)

        return ast.literal_eval(virtual_clock.run(scene()))

    return run


# The gauge

_GAUGE = """
import machine
from bracelet.drivers.gauge import Max17048
i2c = machine.I2C(0)
gauge = Max17048(i2c)
"""


def test_the_gauge_is_found_where_it_is_and_nowhere_else(play: Callable[..., object]) -> None:
    program = _GAUGE + "print((gauge.probe(), Max17048(i2c, 0x37).probe()))"
    assert play(program, gauge=Max17048()) == (True, False)


def test_another_chip_at_its_address_is_none(play: Callable[..., object]) -> None:
    other = Max17048()
    other._registers[0x08] = 0x0116  # pyright: ignore[reportPrivateUsage]
    assert play(_GAUGE + "print(gauge.probe())", gauge=other) is False


@pytest.mark.parametrize(
    ("charge", "percent", "millivolts"),
    [(0, 0, 3000), (20.4, 20, 3613), (20.6, 21, 3614), (99.9, 100, 4188), (104.0, 100, 4190)],
)
def test_charge_and_voltage(
    play: Callable[..., object], charge: float, percent: int, millivolts: int
) -> None:
    told = play(_GAUGE + "print((gauge.percent(), gauge.millivolts()))", gauge=Max17048(lambda _: charge))
    assert told == (percent, pytest.approx(millivolts, abs=1))


@pytest.mark.parametrize(
    ("per_hour", "charging"), [(50, True), (2, True), (0.3, False), (0, False), (-1, False)]
)
def test_whether_it_charges(play: Callable[..., object], per_hour: float, charging: bool) -> None:
    gauge = Max17048(lambda time_s: 50 + per_hour * time_s / 3600)
    program = _GAUGE + "import time; time.sleep(300); print(gauge.charging())"
    assert play(program, gauge=gauge) is charging


def test_a_gauge_that_is_gone_raises(play: Callable[..., object]) -> None:
    program = (
        _GAUGE
        + """
said = []
for verb in (gauge.percent, gauge.millivolts, gauge.charging):
    try:
        verb()
    except OSError:
        said.append(verb.__name__)
print(len(said))"""
    )
    assert play(program) == 3


def test_reading_the_gauge_allocates_nothing(play: Callable[..., object]) -> None:
    program = (
        _GAUGE
        + """
import micropython
def all():
    micropython.heap_lock()
    try:
        gauge.percent(); gauge.millivolts(); gauge.charging()
    finally:
        micropython.heap_unlock()
gauge.percent()
all()
print("well")"""
    )
    assert play(program.replace('"well"', "repr('well')"), gauge=Max17048()) == "well"


# The button

_PRESSES = f"""
import asyncio, machine, time
from bracelet.drivers.button import Button
button = Button(machine.Pin({_BUTTON}, machine.Pin.IN, machine.Pin.PULL_UP))
async def main():
    pressed = []
    async def listen():
        while True:
            pressed.append(await button.press())
    task = asyncio.create_task(listen())
    await asyncio.sleep(10)
    task.cancel()
    print(pressed)
asyncio.run(main())
"""


def _presses(times_s: list[tuple[float, float]], *, bounce_s: float, seed: int) -> Course:
    def course(board: UnixBoard) -> None:
        button = Button(board.pins, _BUTTON, bounce_s=bounce_s, seed=seed)
        for at_s, for_s in times_s:
            asyncio.get_running_loop().call_later(at_s, button.press, for_s)

    return course


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bounce_s", [0, 0.008, 0.015])
def test_every_press_is_one_press_however_it_bounces(
    play: Callable[..., object], bounce_s: float, seed: int
) -> None:
    course = _presses([(1, 0.1), (2, 0.5), (4, 3.0)], bounce_s=bounce_s, seed=seed)
    told = play(_PRESSES, course=course)
    assert isinstance(told, list)
    assert told == [pytest.approx(held_ms, abs=25) for held_ms in (100, 500, 3000)]


def test_a_spike_is_no_press(play: Callable[..., object]) -> None:
    course = _presses([(1, 0.005), (2, 0.3)], bounce_s=0, seed=1)
    assert play(_PRESSES, course=course) == [pytest.approx(300, abs=25)]


def test_nobody_presses(play: Callable[..., object]) -> None:
    assert play(_PRESSES) == []


def test_a_board_in_a_long_sleep_wakes_at_the_press(play: Callable[..., object]) -> None:
    program = f"""
import asyncio, machine, time
from bracelet.drivers.button import Button
button = Button(machine.Pin({_BUTTON}, machine.Pin.IN, machine.Pin.PULL_UP))
async def main():
    began = time.ticks_ms()
    await asyncio.wait_for(button.down(), 3600)
    print(time.ticks_diff(time.ticks_ms(), began))
asyncio.run(main())
"""
    told = play(program, course=_presses([(700, 1)], bounce_s=0, seed=1))
    assert isinstance(told, int)
    assert 699_000 < told < 701_000


def test_edges_while_the_board_is_busy_are_heard_when_it_rests(play: Callable[..., object]) -> None:
    program = f"""
import asyncio, machine, time
from bracelet.drivers.button import Button
button = Button(machine.Pin({_BUTTON}, machine.Pin.IN, machine.Pin.PULL_UP))
heard = []
machine.Pin({_BUTTON}).irq(lambda pin: heard.append(pin.value()))
flash = machine.Flash(0)
for _ in range(40):
    flash.erase(0)
before = len(heard)
time.sleep_ms(1)
print((before, len(heard)))
"""
    assert play(program, course=_presses([(0.5, 0.4)], bounce_s=0, seed=1)) == (0, 2)


# The motor


def _motor(into: list[Vibration]) -> Course:
    return lambda board: into.append(Vibration(board.pins, _MOTOR))


def test_pulses_are_as_long_and_as_many_as_asked_for(play: Callable[..., object]) -> None:
    motors: list[Vibration] = []
    program = f"""
import asyncio, machine
from bracelet.drivers.vibration import Vibration
motor = Vibration(machine.Pin({_MOTOR}, machine.Pin.OUT))
asyncio.run(motor.pulse(3, 300, 100))
print(0)
"""
    play(program, course=_motor(motors))
    runs = motors[0].runs
    assert [round((end - begin) / 1e3, -1) for begin, end in runs] == [300, 300, 300]
    assert [round((after[0] - before[1]) / 1e3, -1) for before, after in itertools.pairwise(runs)] == [
        100,
        100,
    ]
    assert not motors[0].on


@pytest.mark.parametrize("ending", ["task.cancel()", "machine.reset()"])
def test_it_rests_however_a_pulse_ends(play: Callable[..., object], ending: str) -> None:
    motors: list[Vibration] = []
    program = f"""
import asyncio, machine
from bracelet.drivers.vibration import Vibration
motor = Vibration(machine.Pin({_MOTOR}, machine.Pin.OUT))
async def main():
    task = asyncio.create_task(motor.pulse(1, 60000))
    await asyncio.sleep(1)
    {ending}
    await asyncio.sleep(1)
asyncio.run(main())
print(0)
"""
    if "reset" in ending:
        with pytest.raises(Exception):  # noqa: B017, PT011  # the prompt is gone
            play(program, course=_motor(motors))
    else:
        play(program, course=_motor(motors))
    assert not motors[0].on
    assert [round((end - begin) / 1e6) for begin, end in motors[0].runs] == [1]
