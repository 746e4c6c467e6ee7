"""A board that crashes, hangs or loses its line: an error that says so, in time, and nothing left running."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import vigie
from vigie.prompt import Prompt
from vigie.transports import open_transport
from vigie_protocol.enums import ResetReason
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.channel import Request
from vigie_rig.errors import FirmwareFault
from vigie_rig.line_transport import LineTransport
from vigie_rig.pty_door import PtyDoor


def _children() -> set[str]:
    """Processes of this one, zombies included."""
    return {
        pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
    }


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    threads, children = set(threading.enumerate()), _children()
    files = len(os.listdir("/proc/self/fd"))
    yield
    assert set(threading.enumerate()) <= threads
    assert _children() <= children
    assert len(os.listdir("/proc/self/fd")) <= files


@pytest.mark.parametrize(
    "program", ["import ffi; ffi.open(None).func('v', 'abort', '')()", "import sys; sys.exit(3)"]
)
def test_a_crash_of_the_interpreter(blank: UnixBoard, program: str) -> None:
    async def scene() -> None:
        async with blank, Prompt(LineTransport(blank.line)) as prompt:
            await prompt.run("import sys\nsys.stderr.write('last words')")
            with pytest.raises(vigie.Disconnected):
                await prompt.run(program)

    virtual_clock.run(scene())
    assert isinstance(blank.fault, FirmwareFault)
    assert "ended with status" in blank.fault.reason
    assert "last words" in blank.fault.console
    assert "last words" in str(blank.fault)


@pytest.mark.parametrize("on_pty", [False, True])
def test_a_crash_while_it_streams_ends_the_stream(board: UnixBoard, on_pty: bool) -> None:
    async def stream_until_it_crashes(transport: vigie.Transport) -> None:
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream()
            await anext(stream)
            assert board._process is not None  # pyright: ignore[reportPrivateUsage]
            board._process.kill()  # pyright: ignore[reportPrivateUsage]
            with pytest.raises(vigie.Disconnected):
                async for _ in stream:
                    pass

    async def scene() -> None:
        async with board:
            if not on_pty:
                await stream_until_it_crashes(LineTransport(board.line))
                return
            async with PtyDoor(board.line) as door:
                await stream_until_it_crashes(open_transport(f"serial:{door.path}"))

    asyncio.run(scene()) if on_pty else virtual_clock.run(scene())
    assert board.fault is not None
    assert "-9" in board.fault.reason


def test_a_board_that_computes_for_ever_hangs(blank: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigie_rig.boards.unix.board._HANG_S", 1.0)

    async def scene() -> None:
        async with blank, Prompt(LineTransport(blank.line)) as prompt:
            with pytest.raises(vigie.Disconnected):
                await prompt.run("while True: pass")

    virtual_clock.run(scene())
    assert blank.fault is not None
    assert "hangs" in blank.fault.reason


def test_ctrl_c_interrupts_a_board_that_sleeps(blank: UnixBoard) -> None:
    async def scene() -> None:
        async with blank:
            first = LineTransport(blank.line)
            async with Prompt(first) as prompt:
                with pytest.raises(vigie.PromptError):
                    await prompt.run("import time\nwhile True: time.sleep(1)", timeout_s=10)
            async with Prompt(LineTransport(blank.line)) as prompt:
                assert await prompt.run("print('free')") == "free\n"

    virtual_clock.run(scene())


@pytest.mark.parametrize("on_pty", [False, True])
def test_the_link_is_pulled_in_mid_stream(board: UnixBoard, on_pty: bool) -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        async with board:
            if on_pty:
                async with PtyDoor(board.line) as door:
                    return await pull(open_transport(f"serial:{door.path}"), loop)
            return await pull(LineTransport(board.line), loop)

    async def pull(transport: vigie.Transport, loop: asyncio.AbstractEventLoop) -> float:
        async with vigie.connect(transport, deadline_s=5) as bracelet:
            stream = bracelet.stream()
            await anext(stream)
            pulled_s = loop.time()
            board.line.unplug()
            with pytest.raises(vigie.Disconnected):
                async for _ in stream:
                    pass
            with pytest.raises(vigie.Disconnected):
                await bracelet.status()
            return loop.time() - pulled_s

    took_s = asyncio.run(scene()) if on_pty else virtual_clock.run(scene())
    # At once, not by a deadline: 5 s is that of one request.
    assert took_s < 5
    assert board.fault is None


def _swallow(data: bytes, now_s: float) -> None:
    """A line on which nothing gets to the board."""


def test_the_link_is_pulled_while_a_request_waits(board: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            monkeypatch.setattr(board.line, "host_write", _swallow)
            loop.call_later(1, board.line.unplug)
            began_s = loop.time()
            with pytest.raises(vigie.Disconnected):
                await bracelet.status()
            return loop.time() - began_s

    assert virtual_clock.run(scene()) == pytest.approx(1, abs=0.1)


def test_a_line_that_swallows_a_request_is_a_timeout(
    board: UnixBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            monkeypatch.setattr(board.line, "host_write", _swallow)
            with pytest.raises(vigie.RequestTimeout):
                await bracelet.status(timeout_s=2)

    virtual_clock.run(scene())


def test_plugged_in_again_it_answers(board: UnixBoard) -> None:
    async def scene() -> tuple[int, int]:
        async with board:
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                boot = bracelet.hello.boot_id
                board.line.unplug()
            with pytest.raises(vigie.ConnectFailed):
                async with vigie.connect(LineTransport(board.line)):
                    pass
            board.line.plug()
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                return boot, bracelet.hello.boot_id

    before, after = virtual_clock.run(scene())
    assert before == after


def test_the_reset_button_begins_another_boot_and_says_why(board: UnixBoard) -> None:
    async def scene() -> None:
        async with board:
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                before, boot = await bracelet.status(), bracelet.hello.boot_id
                stream = bracelet.stream(stall_timeout_s=3)
                await anext(stream)
                board.reset()
                with pytest.raises(vigie.StreamStalled):
                    async for _ in stream:
                        pass
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                after = await bracelet.status()
                assert bracelet.hello.boot_id != boot
            assert (before.reset_reason, after.reset_reason) == (ResetReason.POWER_ON, ResetReason.HARD)
            assert after.streams == 0

    virtual_clock.run(scene())


def test_board_time_never_goes_back(board: UnixBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    times_us: list[int] = []
    add = board.transcript.add

    def watch(request: Request, answer: bytes) -> None:
        times_us.extend((request.time_us, int.from_bytes(answer[4:12], "little")))
        add(request, answer)

    monkeypatch.setattr(board.transcript, "add", watch)

    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet, bracelet.stream() as stream:
            for _ in range(100):
                await anext(stream)
                await bracelet.status()

    virtual_clock.run(scene())
    assert len(times_us) > 1000
    assert times_us == sorted(times_us)
