"""The public tool works on the board's PTY as on a real board's port."""

from __future__ import annotations

import asyncio
import os
import sys
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import vigie
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.pty_door import PtyDoor

_LONGEST_S = 30.0


class Tool:
    """mpremote, connected to one port."""

    def __init__(self, port: str, folder: Path) -> None:
        self.port = port
        self._folder = folder

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mpremote", "connect", self.port, *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT, cwd=self._folder,
        )  # fmt: skip

    async def __call__(self, *arguments: str, status: int = 0) -> str:
        process = await self.start(*arguments)
        try:
            async with asyncio.timeout(_LONGEST_S):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode().replace("\r\n", "\n")
        assert process.returncode == status, text
        return text


@pytest.fixture
async def mpremote(blank: UnixBoard, tmp_path: Path) -> AsyncIterator[Tool]:
    async with blank, PtyDoor(blank.line) as door:
        yield Tool(door.path, tmp_path)


async def test_exec(mpremote: Tool) -> None:
    assert await mpremote("exec", "print(sum(range(10)))") == "45\n"


async def test_an_exception_on_the_board_is_the_tool_s_failure(mpremote: Tool) -> None:
    assert "ZeroDivisionError" in await mpremote("exec", "1 / 0", status=1)


async def test_files_go_both_ways_whole(mpremote: Tool, tmp_path: Path) -> None:
    content = os.urandom(7001)
    (tmp_path / "there.bin").write_bytes(content)
    await mpremote("fs", "cp", "there.bin", ":stored.bin")
    assert "7001 stored.bin" in await mpremote("fs", "ls")
    await mpremote("fs", "cp", ":stored.bin", "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == content


async def test_soft_reset_forgets_and_runs_main(mpremote: Tool, blank: UnixBoard) -> None:
    await mpremote("exec", "kept = 1")
    await mpremote("soft-reset")
    assert "NameError" in await mpremote("resume", "exec", "kept", status=1)
    assert blank.restarts >= 1


async def test_after_another_program_left_the_port(mpremote: Tool) -> None:
    await mpremote("exec", "pass")
    port = os.open(mpremote.port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    os.write(port, b"half a line")
    os.close(port)
    assert await mpremote("exec", "print('here')") == "here\n"


async def test_ctrl_c_interrupts_a_loop_that_never_looks_up(mpremote: Tool) -> None:
    endless = await mpremote.start("exec", "while True: pass")
    await asyncio.sleep(1)
    assert endless.returncode is None
    endless.kill()
    await endless.wait()
    assert await mpremote("exec", "print('again')") == "again\n"


async def test_a_running_application_makes_way_and_comes_back(board: UnixBoard, tmp_path: Path) -> None:
    async with board, PtyDoor(board.line) as door:
        mpremote = Tool(door.path, tmp_path)
        async with vigie.connect(f"serial:{door.path}") as bracelet:
            version = bracelet.firmware_version
        assert "main.py" in await mpremote("fs", "ls")
        await mpremote("reset")
        async with vigie.connect(f"serial:{door.path}") as bracelet:
            assert bracelet.firmware_version == version
