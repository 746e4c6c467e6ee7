"""What the application answers, refuses and tells of its own accord."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

import vigie
from vigie.micropython import MicroPython
from vigie_protocol.enums import Capability, ErrorCode, EventCode, Stream
from vigie_protocol.messages import Configuration, Done, StartStream, StopStream
from vigie_rig import virtual_clock
from vigie_rig.bench import STANDARD
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.faults import Fault, FaultPlan
from vigie_rig.judge import runs_read
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensor_bus import SensorModel
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace

_REFUSALS = [
    ({"ppg_rate_hz": 123}, ErrorCode.UNSUPPORTED_RATE),
    ({"ppg_channels": 4}, ErrorCode.UNSUPPORTED_CHANNELS),
    ({"ppg_channels": 0}, ErrorCode.UNSUPPORTED_CHANNELS),
    ({"ppg_pulse_width_us": 400}, ErrorCode.UNSUPPORTED_PULSE_WIDTH),
    ({"ppg_rate_hz": 800}, ErrorCode.UNSUPPORTED_PULSE_WIDTH),
    ({"ppg_range_na": 5000}, ErrorCode.UNSUPPORTED_RANGE),
    ({"ppg_average": 3}, ErrorCode.UNSUPPORTED_AVERAGING),
    ({"ppg_average": 0}, ErrorCode.UNSUPPORTED_AVERAGING),
    ({"ppg_led_ua": 6500}, ErrorCode.UNSUPPORTED_RANGE),
    ({"acc_rate_decihz": 1000}, ErrorCode.UNSUPPORTED_RATE),
    ({"acc_range_g": 6}, ErrorCode.UNSUPPORTED_RANGE),
]


def _fields(configuration: Configuration) -> dict[str, int]:
    values = dataclasses.asdict(configuration)
    return {field.name: values[field.name] for field in dataclasses.fields(STANDARD)}


def test_what_the_chips_lack_is_refused_and_nothing_changes(board: UnixBoard, ppg: Max30101) -> None:
    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            wanted = dataclasses.replace(STANDARD, ppg_rate_hz=200, acc_range_g=4)
            before = await bracelet.configure(wanted)
            assert isinstance(before, Configuration)
            for changes, code in _REFUSALS:
                answer = await bracelet.configure(dataclasses.replace(STANDARD, **changes))
                assert isinstance(answer, vigie.Error), changes
                assert (answer.code, bool(answer.text)) == (code, True), changes
                assert _fields(await bracelet.configuration()) == dataclasses.asdict(wanted)
            async with bracelet.stream() as stream:
                await anext(stream)

    virtual_clock.run(scene())
    # Not only told so: a refusal by the second chip left the first as it was.
    assert runs_read(ppg.ledger)[-1].rate_hz == 200


def test_a_running_stream_is_neither_configured_nor_started_again(board: UnixBoard) -> None:
    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            async with bracelet.stream() as stream:
                await anext(stream)
                configured = await bracelet.configure(STANDARD)
                started = await bracelet.request(StartStream(streams=1), Done)
                for answer in (configured, started):
                    assert isinstance(answer, vigie.Error)
                    assert answer.code == ErrorCode.BUSY_STREAMING
                assert (await bracelet.status()).streams == Stream.PPG | Stream.ACCELEROMETER
                await anext(stream)
            assert (await bracelet.status()).streams == 0
            assert isinstance(await bracelet.configure(STANDARD), Configuration)

    virtual_clock.run(scene())


@pytest.mark.parametrize("streams", [0, 4, 7])
def test_a_stream_that_is_not_there_is_refused(board: UnixBoard, streams: int) -> None:
    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            answer = await bracelet.request(StartStream(streams=streams), Done)
            assert isinstance(answer, vigie.Error)
            assert answer.code == ErrorCode.UNSUPPORTED_STREAM
            assert isinstance(await bracelet.request(StopStream(), Done), Done)

    virtual_clock.run(scene())


@pytest.mark.parametrize("there", ["ppg", "acc", "none"])
def test_a_bracelet_without_a_sensor_says_so_and_does_the_rest(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso, there: str
) -> None:
    sensors: dict[str, list[SensorModel]] = {"ppg": [ppg], "acc": [acc], "none": []}
    poorer = UnixBoard(micropython, board.files, sensors=sensors[there])
    streams = {"ppg": Stream.PPG, "acc": Stream.ACCELEROMETER, "none": Stream(0)}[there]

    async def scene() -> None:
        async with poorer, vigie.connect(LineTransport(poorer.line)) as bracelet:
            assert bracelet.hello.streams == streams
            assert bracelet.hello.capabilities == Capability.REPL
            with pytest.raises(vigie.RequestRefused):
                await anext(bracelet.stream())
            if streams:
                async with bracelet.stream(streams) as stream:
                    assert (await anext(stream)).stream is streams

    virtual_clock.run(scene())


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("sensor-stuck@3+4", [EventCode.SENSOR_STALLED, EventCode.SENSOR_RECOVERED]),
        ("sensor-nak@3+1:1", [EventCode.SENSOR_FAULT, EventCode.SENSOR_RECOVERED]),
    ],
)
def test_a_sensor_that_falls_silent_is_told_and_its_return_too(
    micropython: MicroPython,
    tmp_path: Path,
    board: UnixBoard,
    wrist: Trace,
    fault: str,
    codes: list[EventCode],
) -> None:
    plan = FaultPlan([Fault.parse(fault)])
    ailing = UnixBoard(micropython, board.files, sensors=[Max30101(wrist), Lsm6dso(wrist)], faults=plan)

    async def scene() -> list[vigie.Event]:
        loop = asyncio.get_running_loop()
        async with ailing, vigie.connect(LineTransport(ailing.line)) as bracelet:
            plan.begin(loop.time())
            end_s = loop.time() + 10
            async with bracelet.stream(stall_timeout_s=8) as stream:
                async for _ in stream:
                    if loop.time() >= end_s:
                        await stream.stop()
            return [notice for notice in bracelet.notices if isinstance(notice, vigie.Event)]

    events = virtual_clock.run(scene())
    for stream in (Stream.PPG, Stream.ACCELEROMETER):
        assert [event.code for event in events if event.value == stream] == codes


def test_faults_of_the_bus_are_counted(micropython: MicroPython, board: UnixBoard, wrist: Trace) -> None:
    plan = FaultPlan([Fault.parse("sensor-nak@0+5:0.1")], seed=3)
    ailing = UnixBoard(micropython, board.files, sensors=[Max30101(wrist), Lsm6dso(wrist)], faults=plan)

    async def scene() -> int:
        loop = asyncio.get_running_loop()
        async with ailing, vigie.connect(LineTransport(ailing.line)) as bracelet:
            stream = bracelet.stream()
            await anext(stream)
            plan.begin(loop.time())
            end_s = loop.time() + 8
            async for _ in stream:
                if loop.time() >= end_s:
                    await stream.stop()
            return (await bracelet.status()).sensor_faults

    assert virtual_clock.run(scene()) == plan.injected["sensor-nak"] > 5
