"""Sensors whose bus refuses a transfer now and then: the application goes on, and says what it does without."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

import vigie
from vigie.micropython import MicroPython
from vigie.samples import SampleBlock
from vigie_protocol.enums import ErrorCode, Stream
from vigie_protocol.messages import Configuration, Done, StartStream, StopStream
from vigie_rig import virtual_clock
from vigie_rig.bench import STANDARD
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.faults import Fault, FaultPlan
from vigie_rig.judge import judge_stream, runs_read
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101


class _Refusals(FaultPlan):
    """Refuses the transfers of these numbers, counted from when they were set."""

    def __init__(self) -> None:
        # Of no effect: the rig asks a plan with faults alone.
        super().__init__([Fault("sensor-nak", 0, 0)])
        self._transfers = 0
        self._refused: range = range(0)

    def refuse(self, transfers: range) -> None:
        self._transfers = 0
        self._refused = transfers

    def refuses_transfer(self, now_s: float) -> bool:
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


_MODE, _SHUTDOWN = 0x09, 0x80
_CTRL1_XL = 0x10


def _at_rest(board: UnixBoard) -> tuple[bool, bool]:
    """Whether the PPG's LEDs are off, and the accelerometer is powered down."""
    now_us = board.now_us()
    (mode,) = board.bus.sensors[Max30101.address].read(_MODE, 1, now_us)
    (control,) = board.bus.sensors[Lsm6dso.address].read(_CTRL1_XL, 1, now_us)
    return bool(mode & _SHUTDOWN), control == 0


def test_a_refused_configuration_keeps_its_number(board: UnixBoard) -> None:
    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            before = await bracelet.configuration()
            refused = await bracelet.configure(dataclasses.replace(STANDARD, acc_rate_decihz=1041))
            assert isinstance(refused, vigie.Error)
            assert (await bracelet.configuration()).configuration == before.configuration
            async with bracelet.stream() as stream:
                for _ in range(6):
                    assert (await anext(stream)).configuration == before.configuration
            after = await bracelet.configure(STANDARD)
            assert isinstance(after, Configuration)
            assert after.configuration == before.configuration + 1

    virtual_clock.run(scene())


@pytest.mark.parametrize("answers_first", range(12))
def test_a_start_that_fails_is_an_error_and_leaves_all_at_rest(
    ailing: UnixBoard, refusals: _Refusals, answers_first: int
) -> None:
    async def scene() -> None:
        async with ailing, vigie.connect(LineTransport(ailing.line)) as bracelet:
            refusals.refuse(range(answers_first, _FOR_EVER))
            answer = await bracelet.request(StartStream(streams=3), Done)
            started = (await bracelet.status()).streams
            await asyncio.sleep(5)
            refusals.refuse(range(0))
            if isinstance(answer, vigie.Error):
                assert (answer.code, started) == (ErrorCode.SENSOR_ABSENT, 0)
            else:  # the start was over by then
                assert (answers_first, started) >= (7, 3)
                await bracelet.request(StopStream(), Done)
            await asyncio.sleep(5)
            assert _at_rest(ailing) == (True, True)
            async with bracelet.stream() as stream:
                assert (await anext(stream)).first_sample == 0

    virtual_clock.run(scene())


@pytest.mark.parametrize(
    "refused", [range(at, at + 1) for at in range(8)] + [range(at, at + 20) for at in range(8)]
)
def test_refusals_at_the_stop_do_not_leave_the_leds_on(
    ailing: UnixBoard, refusals: _Refusals, refused: range
) -> None:
    async def scene() -> None:
        async with ailing, vigie.connect(LineTransport(ailing.line)) as bracelet:
            async with bracelet.stream() as stream:
                await anext(stream)
                assert _at_rest(ailing) == (False, False)
                refusals.refuse(refused)
            await asyncio.sleep(3)
            assert _at_rest(ailing) == (True, True)

    virtual_clock.run(scene())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("amount", [0.03, 0.2, 0.5])
def test_what_bursts_that_break_off_took_is_announced(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso, amount: float, seed: int
) -> None:
    plan = FaultPlan([Fault("sensor-cut", 5, 30, amount)], seed=seed)
    ailing = UnixBoard(micropython, board.files, sensors=[ppg, acc], faults=plan)

    async def scene() -> dict[Stream, list[SampleBlock]]:
        blocks: dict[Stream, list[SampleBlock]] = {Stream.PPG: [], Stream.ACCELEROMETER: []}
        loop = asyncio.get_running_loop()
        async with ailing, vigie.connect(LineTransport(ailing.line)) as bracelet:
            plan.begin(loop.time())
            end_s = loop.time() + 40
            async with bracelet.stream(stall_timeout_s=10) as stream:
                async for block in stream:
                    blocks[block.stream].append(block)
                    if loop.time() >= end_s:
                        await stream.stop()
        return blocks

    blocks = virtual_clock.run(scene())
    assert plan.injected["sensor-cut"] > 20
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        verdict = judge_stream(runs_read(sensor.ledger), blocks[stream])
        gaps = sum(block.gap > 0 for block in blocks[stream])
        assert verdict.wrong == 0
        assert verdict.received > 1000
        assert verdict.misnumbered <= (gaps if stream is Stream.PPG else 0)
        assert abs(verdict.announced - verdict.lost) <= verdict.misnumbered


@pytest.mark.parametrize("cut", range(0, 72, 5))
def test_one_ppg_burst_that_breaks_off_is_read_again(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso, cut: int
) -> None:
    class OneCut(FaultPlan):
        bursts = 0

        def cuts_transfer(self, count: int, now_s: float) -> int | None:
            if count != 72:
                return None
            self.bursts += 1
            return cut if self.bursts == 5 else None

    plan = OneCut([Fault("sensor-cut", 0)])
    ailing = UnixBoard(micropython, board.files, sensors=[ppg, acc], faults=plan)

    async def scene() -> list[SampleBlock]:
        async with (
            ailing,
            vigie.connect(LineTransport(ailing.line)) as bracelet,
            bracelet.stream(Stream.PPG) as stream,
        ):
            return [await anext(stream) for _ in range(30)]

    blocks = virtual_clock.run(scene())
    verdict = judge_stream(runs_read(ppg.ledger), blocks)
    assert plan.bursts > 5
    assert sum(block.gap for block in blocks) == 0
    assert (verdict.wrong, verdict.misnumbered) == (0, 0)
