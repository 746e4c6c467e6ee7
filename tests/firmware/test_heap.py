"""What the application holds does not grow, and leaves a quarter of the board's heap free."""

from __future__ import annotations

import asyncio
import dataclasses

import vigie
from vigie.micropython import MicroPython
from vigie.plans import STANDARD
from vigie_protocol.messages import Plan, Status
from vigie_rig import virtual_clock
from vigie_rig.boards import HEAP_BYTES
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport


def name_of(micropython: MicroPython) -> str:
    return "unix" if micropython.word_bits == 64 else "unix32"


def test_what_is_live_does_not_grow(micropython: MicroPython, board: UnixBoard) -> None:
    async def scene() -> list[int]:
        live: list[int] = []
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            for _ in range(5):
                async with bracelet.stream() as stream:
                    loop = asyncio.get_running_loop()
                    end_s = loop.time() + 10
                    async for _ in stream:
                        if loop.time() >= end_s:
                            break
                    live.append((await bracelet.status(collect=True)).heap_live_bytes)
        return live

    first, *later = virtual_clock.run(scene())
    # The collector is conservative: a word on the stack may keep an object or two.
    assert max(later) <= first + 1024
    assert first <= 0.75 * HEAP_BYTES[name_of(micropython)]


def test_hours_of_the_standard_plan_do_not_make_it_grow(micropython: MicroPython, board: UnixBoard) -> None:
    async def scene() -> list[Status]:
        found: list[Status] = []
        async with board:
            async with vigie.connect(board.link()) as bracelet:
                await bracelet.demand(dataclasses.replace(STANDARD, raw_window_s=0), Plan)
            for _ in range(3):
                await asyncio.sleep(3600)
                async with vigie.connect(board.link()) as bracelet:
                    found.append(await bracelet.status(collect=True))
        return found

    live = [status.heap_live_bytes for status in virtual_clock.run(scene())]
    assert max(live) <= live[0] + 1024
    # The 32-bit board's heap also holds the rig's own runtime and all code, which silicon has in its flash.
    share = {"unix": 0.75, "unix32": 0.92}[name_of(micropython)]
    assert max(live) <= share * HEAP_BYTES[name_of(micropython)]
