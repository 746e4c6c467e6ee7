"""What the application holds does not grow, and fits a board of 128 KB."""

from __future__ import annotations

import asyncio

import vigie
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport


def test_what_is_live_does_not_grow(board: UnixBoard) -> None:
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
    # Pointers of this interpreter are twice as long as those of a 32-bit board, which has 128 KB.
    assert first < 128 * 1024
