"""The application over hours and over a line that does not take its bytes."""

from __future__ import annotations

import asyncio

import pytest

import vigie
from vigie.micropython import MicroPython
from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.judge import judge_stream, runs_read
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101

_WRAP_US = 1 << 30


async def _collect(bracelet: vigie.Bracelet, seconds: float) -> dict[Stream, list[SampleBlock]]:
    blocks: dict[Stream, list[SampleBlock]] = {Stream.PPG: [], Stream.ACCELEROMETER: []}
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    async with bracelet.stream() as stream:
        async for block in stream:
            blocks[block.stream].append(block)
            if loop.time() >= end_s:
                await stream.stop()
    return blocks


def test_a_stream_goes_on_over_the_wrap_of_the_ticks(
    micropython: MicroPython, board: UnixBoard, ppg: Max30101, acc: Lsm6dso
) -> None:
    wrapping = UnixBoard(micropython, board.files, sensors=[ppg, acc], start_us=_WRAP_US - 20_000_000)

    async def scene() -> tuple[dict[Stream, list[SampleBlock]], int, int]:
        async with wrapping, vigie.connect(LineTransport(wrapping.line)) as bracelet:
            before = await bracelet.status()
            blocks = await _collect(bracelet, 40)
            after = await bracelet.status()
            return blocks, before.epoch, after.epoch

    blocks, before, after = virtual_clock.run(scene())
    assert (before, after) == (0, 1)
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        runs = runs_read(sensor.ledger)
        verdict = judge_stream(runs, blocks[stream])
        assert verdict.received > 3900
        assert (verdict.lost, verdict.wrong, verdict.announced, verdict.misnumbered) == (0, 0, 0, 0)
        ticks_us = [block.ticks_us for block in blocks[stream]]
        assert ticks_us == sorted(ticks_us)
        assert ticks_us[0] < _WRAP_US < ticks_us[-1]
        assert ticks_us[-1] - ticks_us[0] == pytest.approx(40e6, rel=0.02)


def test_ticks_count_on_while_nobody_asks(board: UnixBoard) -> None:
    async def scene() -> tuple[int, int]:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            before = await bracelet.status()
            await asyncio.sleep(3 * 3600)
            after = await bracelet.status()
            return before.epoch * _WRAP_US + before.ticks_us, after.epoch * _WRAP_US + after.ticks_us

    before_us, after_us = virtual_clock.run(scene())
    assert (after_us - before_us) / 1e6 == pytest.approx(3 * 3600, abs=1)


class _Deaf(LineTransport):
    """A host that leaves its port unread for a while, as a program does that is swapped out."""

    def __init__(self, board: UnixBoard) -> None:
        super().__init__(board.line)
        self.listens = asyncio.Event()
        self.listens.set()

    async def read(self) -> bytes:
        await self.listens.wait()
        return await super().read()


@pytest.mark.parametrize("deaf_s", [40, 60, 75, 300])
def test_a_host_that_does_not_read(board: UnixBoard, ppg: Max30101, acc: Lsm6dso, deaf_s: int) -> None:
    async def scene() -> tuple[dict[Stream, list[SampleBlock]], int]:
        async with board:
            transport = _Deaf(board)
            loop = asyncio.get_running_loop()
            async with vigie.connect(transport) as bracelet:
                loop.call_later(20, transport.listens.clear)
                loop.call_later(20 + deaf_s, transport.listens.set)
                blocks: dict[Stream, list[SampleBlock]] = {Stream.PPG: [], Stream.ACCELEROMETER: []}
                end_s = loop.time() + 30 + deaf_s
                async with bracelet.stream(stall_timeout_s=600) as stream:
                    async for block in stream:
                        blocks[block.stream].append(block)
                        if loop.time() >= end_s:
                            await stream.stop()
                return blocks, bracelet.link.frames_lost + bracelet.link.frames_bad

    blocks, frames_missing = virtual_clock.run(scene())
    assert frames_missing == 0
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        runs = runs_read(sensor.ledger)
        verdict = judge_stream(runs, blocks[stream])
        assert verdict.wrong == 0
        assert verdict.lost == sensor.ledger.lost
        assert (verdict.lost > 0) == (deaf_s > 45)
        # The accelerometer's own clock tells exactly, the PPG's is measured: here over 65 s or more.
        error = 0 if stream is Stream.ACCELEROMETER else 1 + 2 * deaf_s / 65
        assert verdict.misnumbered <= error
