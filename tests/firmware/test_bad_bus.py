"""Sensors whose bus refuses a transfer now and then: the application goes on, and says what it does without."""

from __future__ import annotations

import asyncio

import pytest

import vigie
from vigie.micropython import MicroPython
from vigie_protocol.enums import Stream
from vigie_protocol.messages import Configuration
from vigie_rig import virtual_clock
from vigie_rig.bench import STANDARD
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.faults import FaultPlan
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101


class _Refusals(FaultPlan):
    """Refuses the transfers of these numbers, counted from when they were set."""

    def __init__(self) -> None:
        super().__init__()
        self._transfers = 0
        self._refused: range = range(0)

    def refuse(self, transfers: range) -> None:
        self._transfers = 0
        self._refused = transfers

    def refuses_transfer(self, now_s: float) -> bool:  # noqa: ARG002
        self._transfers += 1
        return self._transfers - 1 in self._refused


_FOR_EVER = 1 << 40


@pytest.fixture
def refusals() -> _Refusals:
    return _Refusals()


@pytest.fixture
def ailing(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso, refusals: _Refusals
) -> UnixBoard:
    return UnixBoard(micropython, board.files, sensors=[ppg, acc], faults=refusals)


def test_one_refusal_while_booting_is_got_over(ailing: UnixBoard, refusals: _Refusals) -> None:
    async def scene() -> None:
        async with ailing:
            for at in range(20):
                refusals.refuse(range(at, at + 1))
                ailing.reset()
                async with vigie.connect(LineTransport(ailing.line)) as bracelet:
                    assert bracelet.hello.streams == Stream.PPG | Stream.ACCELEROMETER, at
                    configuration = await bracelet.configuration()
                    assert (configuration.ppg_rate_hz, configuration.acc_rate_decihz) == (100, 1040), at
                    assert isinstance(await bracelet.configure(STANDARD), Configuration)
                    async with bracelet.stream() as stream:
                        seen = {(await anext(stream)).stream for _ in range(6)}
                        assert seen == {Stream.PPG, Stream.ACCELEROMETER}, at

    virtual_clock.run(scene())


@pytest.mark.parametrize("answers_first", [0, 1, 3, 8])
def test_a_bus_that_is_dead_while_booting_keeps_nobody_from_asking(
    ailing: UnixBoard, refusals: _Refusals, answers_first: int
) -> None:
    async def scene() -> None:
        refusals.refuse(range(answers_first, _FOR_EVER))
        async with ailing:
            await asyncio.sleep(1)
            async with vigie.connect(LineTransport(ailing.line)) as bracelet:
                assert bracelet.hello.streams == 0
                configuration = await bracelet.configuration()
                assert (configuration.ppg_rate_hz, configuration.acc_rate_decihz) == (0, 0)
                if answers_first > 1:  # the first sensor was there, and then was not
                    assert (await bracelet.status()).sensor_faults > 0
            refusals.refuse(range(0))
            async with vigie.connect(LineTransport(ailing.line)) as bracelet:
                assert bracelet.hello.streams == Stream.PPG | Stream.ACCELEROMETER
                configuration = await bracelet.configuration()
                assert (configuration.ppg_rate_hz, configuration.acc_rate_decihz) == (100, 1040)
                async with bracelet.stream() as stream:
                    await anext(stream)

    virtual_clock.run(scene())


@pytest.mark.parametrize("there", ["ppg", "acc"])
def test_the_configuration_claims_no_rate_for_a_sensor_that_is_not_there(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso, there: str
) -> None:
    poorer = UnixBoard(micropython, board.files, sensors=[ppg if there == "ppg" else acc])
    rates = (100, 0) if there == "ppg" else (0, 1040)

    async def scene() -> None:
        async with poorer, vigie.connect(LineTransport(poorer.line)) as bracelet:
            for configuration in (await bracelet.configuration(), await bracelet.configure(STANDARD)):
                assert isinstance(configuration, Configuration)
                assert (configuration.ppg_rate_hz, configuration.acc_rate_decihz) == rates

    virtual_clock.run(scene())
