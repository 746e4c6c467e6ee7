"""Ctrl-C gets a developer to the prompt whatever the application is at."""

from __future__ import annotations

import asyncio

import pytest

import vigie
from vigie_protocol.framing import encode_frame
from vigie_protocol.messages import StartStream, StatusRequest
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport

_START = encode_frame(StartStream.KIND, 0, StartStream(streams=3).to_bytes())
_STATUS = encode_frame(StatusRequest.KIND, 1, StatusRequest(collect=0).to_bytes())


async def _until(transport: LineTransport, end: bytes, timeout_s: float = 2.0) -> bytes:
    received = b""
    async with asyncio.timeout(timeout_s):
        while end not in received:
            received += await transport.read()
    return received


async def _streaming(board: UnixBoard) -> LineTransport:
    transport = LineTransport(board.line)
    await transport.open()
    await asyncio.sleep(0.5)
    await transport.write(_START)
    received = b""
    while len(received) < 2000:
        received += await transport.read()
    return transport


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(b"\r\x03", id="as mpremote sends it"),
        pytest.param(b"\x03\x03\x03", id="three times"),
        pytest.param(b"\0\r\x03\x03", id="as the SDK sends it"),
        pytest.param(_STATUS + b"\r\x03", id="after a frame"),
        pytest.param(_STATUS[:-1] + b"X\0" + b"\r\x03", id="after a bad frame"),
    ],
)
def test_from_a_streaming_application_to_the_prompt(board: UnixBoard, typed: bytes) -> None:
    async def scene() -> None:
        async with board:
            transport = await _streaming(board)
            await transport.write(typed)
            await _until(transport, b">>> ")
            await transport.write(b"\r\x01")
            await _until(transport, b"raw REPL; CTRL-B to exit\r\n>")
            await transport.write(b"print(6 * 7)\x04")
            assert b"OK42" in await _until(transport, b"\x04\x04>")
            await transport.close()

    virtual_clock.run(scene())


@pytest.mark.parametrize("cut", range(1, len(_STATUS)))
def test_after_half_a_frame_and_a_silence(board: UnixBoard, cut: int) -> None:
    async def scene() -> None:
        async with board:
            transport = await _streaming(board)
            await transport.write(_STATUS[:cut])
            await asyncio.sleep(0.3)
            await transport.write(b"\r\x03")
            await _until(transport, b">>> ")
            await transport.close()

    virtual_clock.run(scene())


def test_frames_with_ctrl_c_in_them_are_answered(board: UnixBoard) -> None:
    """Every request number, so that bytes of 3 stand in the frame wherever they can."""

    async def scene() -> None:
        async with board, vigie.connect(LineTransport(board.line)) as bracelet:
            for _ in range(300):
                await bracelet.status()
            status = await bracelet.status()
            assert status.frames_bad == 0

    virtual_clock.run(scene())


def test_the_prompt_leaves_by_soft_reset_into_the_application(board: UnixBoard) -> None:
    async def scene() -> None:
        async with board:
            transport = await _streaming(board)
            await transport.write(b"\r\x03")
            await _until(transport, b">>> ")
            await transport.write(b"\x04")
            await _until(transport, b"soft reboot")
            await transport.close()
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                status = await bracelet.status()
                assert status.streams == 0
                assert board.restarts == 1

    virtual_clock.run(scene())


def test_a_board_that_offers_no_prompt_does_not_hear_ctrl_c(board: UnixBoard) -> None:
    main = "import board\nboard.capabilities = lambda: 0\nfrom bracelet import app\napp.main(board)\n"
    (board.files / "main.py").write_text(main, encoding="utf-8")

    async def scene() -> None:
        async with board:
            transport = await _streaming(board)
            for typed in (b"\r\x03", b"\x03\x03\x03", b"\0\r\x03\x03", b"\x03" * 300):
                await transport.write(typed)
                await asyncio.sleep(0.3)
            await transport.close()
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                assert bracelet.hello.capabilities == 0
                assert (await bracelet.status()).streams == 0
                assert board.restarts == 0

    virtual_clock.run(scene())
