"""The bracelet on its own: it samples by its plan, keeps what it works out, and goes on whatever the host does."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

import vigie
from vigie.micropython import MicroPython
from vigie.plans import OFF, STANDARD
from vigie.records import Record
from vigie.store import Store
from vigie_protocol.enums import ErrorCode, EventCode, GapReason, Lane, MinuteState, ResetReason
from vigie_protocol.framing import encode_frame
from vigie_protocol.messages import (
    BootRecord,
    Capture,
    Done,
    EventRecord,
    GapRecord,
    HelloRequest,
    LogRequest,
    LogStatus,
    MinuteRecord,
    Plan,
    PlanRecord,
    PlanRequest,
    QuarterRecord,
    SetAnchor,
    SetPlan,
    StartStream,
    Time,
    TimeRequest,
)
from vigie_protocol.schema import SCHEMA_CRC
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.sensors import Button, Lsm6dso, Max17048, Max30101, Vibration
from vigie_rig.traces import Trace

T = TypeVar("T")
CALM = dataclasses.replace(STANDARD, raw_window_s=0, raw_on_event_s=0)


def on(board: UnixBoard, scene: Callable[[UnixBoard], Awaitable[T]]) -> T:
    async def run() -> T:
        async with board:
            result = await scene(board)
            assert board.fault is None
            return result

    return virtual_clock.run(run())


async def follow(board: UnixBoard, plan: SetPlan) -> Plan:
    async with vigie.connect(board.link()) as bracelet:
        return await bracelet.demand(plan, Plan)


async def home(board: UnixBoard, path: Path) -> list[Record]:
    """All that is new, in the order of lanes and numbers."""
    with Store(path) as store:
        async with vigie.connect(board.link()) as bracelet:
            found = [record async for record in bracelet.sync(store)]
    return sorted(found, key=lambda record: (record.lane, record.number))


def bodies(records: list[Record], kind: type[T]) -> list[T]:
    return [each.message for each in records if isinstance(each.message, kind)]


def test_a_bracelet_that_was_told_nothing_samples_nothing(
    board: UnixBoard, ppg: Max30101, acc: Lsm6dso
) -> None:
    async def scene(board: UnixBoard) -> Plan:
        await asyncio.sleep(300)
        async with vigie.connect(board.link()) as bracelet:
            return await bracelet.demand(PlanRequest(), Plan)

    plan = on(board, scene)
    assert (plan.acc_rate_decihz, plan.ppg_rate_hz) == (0, 0)
    assert ppg.ledger.produced == acc.ledger.produced == 0
    assert set(board.flash.content) == {0xFF}, "the flash was written to"


def test_the_plan_makes_a_minute_each_minute_and_ppg_windows_when_due(
    board: UnixBoard, tmp_path: Path, ppg: Max30101, acc: Lsm6dso
) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(16 * 60 + 5)
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    minutes = [each for each in records if each.kind == MinuteRecord.KIND]
    assert [each.number for each in minutes] == list(range(16))
    steps_us = {after.ticks_us - before.ticks_us for before, after in itertools.pairwise(minutes)}
    assert all(abs(step_us - 60_000_000) <= 3_000_000 for step_us in steps_us)
    assert len(bodies(records, QuarterRecord)) == 1
    # Nobody has said what time it is: a window of 20 s every five minutes, as by day.
    assert ppg.ledger.produced == pytest.approx(4 * 20 * 50, rel=0.05)
    assert acc.ledger.produced == pytest.approx(965 * 26, rel=0.05)
    assert ppg.ledger.lost == acc.ledger.lost == 0
    assert [each.state & MinuteState.MOVING for each in bodies(records, MinuteRecord)][1] == 0


def test_told_the_time_it_keeps_the_night(board: UnixBoard, ppg: Max30101) -> None:
    async def scene(board: UnixBoard) -> tuple[int, int]:
        await follow(board, CALM)
        async with vigie.connect(board.link()) as bracelet:
            now = await bracelet.demand(TimeRequest(), Time)
            # 19:45 UTC: a quarter of an hour before night.
            anchor = SetAnchor(
                boot_id=now.boot_id,
                ticks_us=now.ticks_us,
                epoch=now.epoch,
                utc_s=(19 * 60 + 45) * 60,
                utc_ms=0,
                uncertainty_ms=5,
            )
            await bracelet.demand(anchor, Done)
        await asyncio.sleep(15 * 60)
        by_day = ppg.ledger.produced
        await asyncio.sleep(15 * 60)
        return by_day, ppg.ledger.produced - by_day

    by_day, at_night = on(board, scene)
    assert by_day == pytest.approx(3 * 20 * 50, rel=0.05)
    assert at_night == pytest.approx(15 * 20 * 50, rel=0.1)


def test_the_plan_outlives_a_reset_and_the_boot_is_told(board: UnixBoard, tmp_path: Path) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(130)
        board.reset()
        await asyncio.sleep(130)
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    assert [each.reason for each in bodies(records, BootRecord)] == [ResetReason.POWER_ON, ResetReason.HARD]
    assert len({each.boot_id for each in records}) == 2
    assert len(bodies(records, MinuteRecord)) == 4
    assert len(bodies(records, PlanRecord)) == 2


def test_a_live_stream_takes_the_sensors_and_leaves_a_gap_with_its_reason(
    board: UnixBoard, tmp_path: Path
) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(70)
        async with vigie.connect(board.link()) as bracelet, bracelet.stream() as stream:
            loop = asyncio.get_running_loop()
            end_s = loop.time() + 100
            async for _ in stream:
                if loop.time() > end_s:
                    await stream.stop()
        await asyncio.sleep(61)
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    (gap,) = bodies(records, GapRecord)
    assert gap.reason == GapReason.LIVE
    assert gap.centiseconds / 100 == pytest.approx(110, abs=2)
    assert len(bodies(records, MinuteRecord)) == 2


def test_a_sync_disturbs_no_sample(board: UnixBoard, tmp_path: Path, ppg: Max30101, acc: Lsm6dso) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, dataclasses.replace(CALM, ppg_day_every_s=60))
        found: list[Record] = []
        for _ in range(30):
            await asyncio.sleep(20)
            found += await home(board, tmp_path / "store")
        return found

    records = on(board, scene)
    assert len(bodies(records, MinuteRecord)) == 10
    assert len({(each.lane, each.number) for each in records}) == len(records)
    assert ppg.ledger.lost == acc.ledger.lost == 0
    assert not bodies(records, GapRecord)


def test_raw_samples_on_demand_come_whole(board: UnixBoard, tmp_path: Path) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(65)
        async with vigie.connect(board.link()) as bracelet:
            await bracelet.demand(Capture(seconds=60), Done)
        await asyncio.sleep(180)
        return await home(board, tmp_path / "store")

    raw = [each for each in on(board, scene) if each.lane is Lane.RAW]
    assert raw


def test_when_a_sensor_falls_silent_the_log_says_so(board: UnixBoard, tmp_path: Path, acc: Lsm6dso) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(70)
        acc.stuck = True
        await asyncio.sleep(90)
        acc.stuck = False
        await asyncio.sleep(70)
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    assert bodies(records, EventRecord)
    gaps = [each for each in bodies(records, GapRecord) if each.reason == GapReason.SENSOR_FAULT]
    assert sum(each.centiseconds for each in gaps) / 100 == pytest.approx(90, abs=12)


@pytest.mark.parametrize(
    "wrong",
    [{"acc_rate_decihz": 0}, {"ppg_window_s": 5}, {"ppg_day_every_s": 90}, {"night_from_min": 1440}],
    ids=str,
)
def test_a_plan_that_contradicts_itself_is_refused_and_the_old_one_stays(
    board: UnixBoard, wrong: dict[str, int]
) -> None:
    async def scene(board: UnixBoard) -> tuple[object, Plan]:
        await follow(board, CALM)
        async with vigie.connect(board.link()) as bracelet:
            answer = await bracelet.request(dataclasses.replace(CALM, **wrong), Plan)
            return answer, await bracelet.demand(PlanRequest(), Plan)

    answer, plan = on(board, scene)
    assert isinstance(answer, vigie.Error)
    assert answer.code == ErrorCode.UNSUPPORTED_PLAN
    assert plan.acc_rate_decihz == CALM.acc_rate_decihz


def test_off_ends_it(board: UnixBoard, acc: Lsm6dso) -> None:
    async def scene(board: UnixBoard) -> int:
        await follow(board, CALM)
        await asyncio.sleep(30)
        await follow(board, OFF)
        before = acc.ledger.produced
        await asyncio.sleep(30)
        return acc.ledger.produced - before

    assert on(board, scene) == 0


def test_the_log_outlives_a_power_cut_in_mid_minute(board: UnixBoard, tmp_path: Path) -> None:
    async def scene(board: UnixBoard) -> tuple[list[Record], LogStatus]:
        await follow(board, CALM)
        await asyncio.sleep(200)
        board.power_cut(30)
        await asyncio.sleep(100)
        async with vigie.connect(board.link()) as bracelet:
            status = await bracelet.demand(LogRequest(), LogStatus)
        return await home(board, tmp_path / "store"), status

    records, status = on(board, scene)
    assert len(bodies(records, MinuteRecord)) == 4
    assert (status.damaged, status.dropped) == (0, 0)


FALLING = dataclasses.replace(CALM, raw_on_event_s=60)
BUTTON_PIN, MOTOR_PIN = 2, 3


@pytest.fixture
def falling(micropython: MicroPython, board: UnixBoard, wrist: Trace) -> UnixBoard:
    """A bracelet whose wearer rests, falls after half a minute, and lies still."""
    time_s = np.arange(0, 60, 0.01)
    acc_g = np.zeros((3, len(time_s)))
    acc_g[2] = 1 + 0.002 * np.sin(2 * np.pi * 0.25 * time_s)
    hit = (time_s >= 30) & (time_s < 30.9)
    acc_g[2, hit] += 3.5 * np.sin(2 * np.pi * 4 * time_s[hit])
    trace = dataclasses.replace(wrist, acc_g=acc_g, acc_rate_hz=100.0)
    return UnixBoard(micropython, board.files, sensors=[Max30101(trace, seed=1), Lsm6dso(trace, seed=1)])


def test_a_fall_is_told_and_felt_until_the_button_says_that_all_is_well(
    falling: UnixBoard, tmp_path: Path
) -> None:
    motor, button = Vibration(falling.pins, MOTOR_PIN), Button(falling.pins, BUTTON_PIN)

    async def scene(board: UnixBoard) -> tuple[list[Record], int]:
        await follow(board, FALLING)
        for _ in range(120):
            await asyncio.sleep(0.5)
            if motor.runs:
                break
        await asyncio.sleep(5)
        button.press(0.3)
        await asyncio.sleep(2)
        felt = len(motor.runs)
        await asyncio.sleep(60)
        assert len(motor.runs) == felt, "the motor ran on"
        button.press(0.5)
        await asyncio.sleep(5)
        return await home(board, tmp_path / "store"), felt

    records, felt = on(falling, scene)
    events = bodies(records, EventRecord)
    told = (EventCode.FALL, EventCode.CANCELLED, EventCode.BUTTON)
    assert [each.code for each in events if each.code in told] == list(told)
    assert felt >= 3
    pressed_ms = next(each.value for each in events if each.code == EventCode.BUTTON)
    assert pressed_ms == pytest.approx(500, abs=60)
    assert any(each.lane is Lane.RAW for each in records), "raw samples of what came after"


def test_a_fall_that_nobody_cancels_stays_told(falling: UnixBoard, tmp_path: Path) -> None:
    motor = Vibration(falling.pins, MOTOR_PIN)

    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, FALLING)
        await asyncio.sleep(180)
        return await home(board, tmp_path / "store")

    codes = [each.code for each in bodies(on(falling, scene), EventRecord)]
    assert EventCode.FALL in codes
    assert EventCode.CANCELLED not in codes
    lasted_s = (motor.runs[-1][1] - motor.runs[0][0]) / 1e6
    assert 24 < lasted_s < 34


def test_the_battery_is_in_every_minute_and_told_when_low(
    micropython: MicroPython, board: UnixBoard, tmp_path: Path, ppg: Max30101, acc: Lsm6dso
) -> None:
    gauge = Max17048(lambda time_s: 16.4 - time_s / 60)
    powered = UnixBoard(micropython, board.files, sensors=[ppg, acc, gauge])

    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(185)
        return await home(board, tmp_path / "store")

    records = on(powered, scene)
    charges = [each.battery for each in bodies(records, MinuteRecord)]
    assert charges == sorted(charges, reverse=True)
    assert 12 <= charges[-1] < charges[0] <= 16
    low = [each for each in bodies(records, EventRecord) if each.code == EventCode.LOW_BATTERY]
    assert len(low) == 1
    assert low[0].value == 15


def test_an_accelerometer_that_failed_is_tried_again_and_its_silence_is_a_gap(
    board: UnixBoard, tmp_path: Path, acc: Lsm6dso
) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        acc.stuck = True
        await follow(board, CALM)
        await asyncio.sleep(20 * 60)
        acc.stuck = False
        await asyncio.sleep(3 * 60)
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    gaps = [each for each in bodies(records, GapRecord) if each.reason == GapReason.SENSOR_FAULT]
    assert sum(each.centiseconds for each in gaps) / 100 == pytest.approx(20 * 60, abs=70)
    assert len(gaps) >= 2, "told while it lasts, too"
    assert sum(each.code == EventCode.SENSOR_RECOVERED for each in bodies(records, EventRecord)) == 1


def test_a_new_plan_leaves_a_gap_with_its_reason(board: UnixBoard, tmp_path: Path) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(90)
        await follow(board, OFF)
        await asyncio.sleep(300)
        await follow(board, CALM)
        await asyncio.sleep(65)
        return await home(board, tmp_path / "store")

    (gap,) = bodies(on(board, scene), GapRecord)
    assert gap.reason == GapReason.PLAN
    assert gap.centiseconds / 100 == pytest.approx(330, abs=5)


def test_a_plan_cannot_be_set_under_a_live_stream(board: UnixBoard) -> None:
    async def scene(board: UnixBoard) -> object:
        async with vigie.connect(board.link()) as bracelet, bracelet.stream() as stream:
            await anext(stream)
            return await bracelet.request(CALM, Plan)

    answer = on(board, scene)
    assert isinstance(answer, vigie.Error)
    assert answer.code == ErrorCode.BUSY_STREAMING


def test_a_host_that_reads_no_more_does_not_keep_the_sensors(board: UnixBoard, tmp_path: Path) -> None:
    async def scene(board: UnixBoard) -> list[Record]:
        await follow(board, CALM)
        await asyncio.sleep(65)
        forsaken = board.link()
        await forsaken.open()
        for message in (
            HelloRequest(protocol_major=1, protocol_minor=0, schema_crc=SCHEMA_CRC),
            StartStream(streams=3),
        ):
            await forsaken.write(encode_frame(message.KIND, 0, message.to_bytes()))
        await asyncio.sleep(360)  # its buffers take some of that to fill
        await forsaken.close()
        return await home(board, tmp_path / "store")

    records = on(board, scene)
    assert len(bodies(records, MinuteRecord)) >= 4
    assert any(each.reason == GapReason.LIVE for each in bodies(records, GapRecord))
