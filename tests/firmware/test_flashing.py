"""The package's firmware gets onto a board, also when the line is cut on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import vigie
from vigie.firmware import load_bundle
from vigie.flash import FlashProgress, FlashResult, flash
from vigie.micropython import MicroPython
from vigie.prompt import Prompt
from vigie_rig import virtual_clock
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101


@pytest.fixture
def blank(micropython: MicroPython, tmp_path: Path, ppg: Max30101, acc: Lsm6dso) -> UnixBoard:
    """A board with nothing on it."""
    return UnixBoard(micropython, tmp_path, sensors=[ppg, acc])


def _files(board: UnixBoard) -> dict[str, bytes]:
    return {
        path.relative_to(board.files).as_posix(): path.read_bytes()
        for path in board.files.rglob("*")
        if path.is_file()
    }


async def _answers(board: UnixBoard) -> str:
    async with vigie.connect(LineTransport(board.line)) as bracelet:
        return bracelet.firmware_version


def test_a_blank_board_is_flashed_and_answers(blank: UnixBoard) -> None:
    steps: list[FlashProgress] = []

    async def scene() -> tuple[FlashResult, str]:
        async with blank:
            result = await flash(LineTransport(blank.line), progress=steps.append)
            return result, await _answers(blank)

    result, version = virtual_clock.run(scene())
    bundle = load_bundle()
    assert version == bundle.manifest.version
    assert _files(blank) == bundle.files
    assert set(result.written) == set(bundle.files)
    assert result.written[-1] == "main.py"
    assert result.unchanged == ()
    done = [step.bytes_done for step in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1].bytes_total == sum(map(len, bundle.files.values()))


def test_flashed_again_nothing_is_sent(board: UnixBoard) -> None:
    async def scene() -> FlashResult:
        async with board:
            result = await flash(LineTransport(board.line))
            assert await _answers(board) == load_bundle().manifest.version
            return result

    assert virtual_clock.run(scene()).written == ()


def test_a_damaged_file_is_sent_again_and_main_py_last(board: UnixBoard) -> None:
    damaged = board.files / "bracelet" / "ppg.mpy"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")

    async def scene() -> FlashResult:
        async with board:
            result = await flash(LineTransport(board.line))
            assert await _answers(board) == load_bundle().manifest.version
            return result

    assert virtual_clock.run(scene()).written == ("bracelet/ppg.mpy", "main.py")
    assert _files(board) == load_bundle().files


@pytest.mark.parametrize("cut_after_s", [0.1, 0.33, 0.4, 0.5, 0.61, 0.75, 0.9, 1.1])
def test_cut_off_in_mid_transfer_it_starts_nothing_half_and_can_be_flashed_again(
    blank: UnixBoard, cut_after_s: float
) -> None:
    bundle = load_bundle()

    async def scene() -> None:
        async with blank:
            asyncio.get_running_loop().call_later(cut_after_s, blank.line.unplug)
            with pytest.raises(vigie.LinkError):
                await flash(LineTransport(blank.line))
            # Whole files only, and none that starts the application.
            there = {path: data for path, data in _files(blank).items() if not path.endswith(".new")}
            assert there.items() <= bundle.files.items()
            assert "main.py" not in there
            blank.line.plug()
            result = await flash(LineTransport(blank.line))
            assert set(there) <= set(result.unchanged)
            assert await _answers(blank) == bundle.manifest.version

    virtual_clock.run(scene())


def test_a_streaming_application_is_flashed_over(board: UnixBoard) -> None:
    async def scene() -> FlashResult:
        async with board:
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                stream = bracelet.stream()
                await anext(stream)
                (board.files / "bracelet" / "block.mpy").write_bytes(b"of another version")
            return await flash(LineTransport(board.line))

    assert virtual_clock.run(scene()).written == ("bracelet/block.mpy", "main.py")


def test_a_source_left_beside_a_compiled_module_is_removed(blank: UnixBoard) -> None:
    async def scene() -> None:
        async with blank:
            async with Prompt(LineTransport(blank.line)) as prompt:
                await prompt.write_file("bracelet/app.py", b"raise RuntimeError('shadows the compiled one')")
            await flash(LineTransport(blank.line))
            async with vigie.connect(LineTransport(blank.line)) as bracelet:
                assert bracelet.firmware_version

    virtual_clock.run(scene())
