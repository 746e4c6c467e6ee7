"""The flash of a virtual board: it takes its time, stops the processor, and outlives resets and power cuts."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import vigie
from vigie.firmware import load_bundle
from vigie.micropython import MicroPython, MicroPythonMissing, find
from vigie.prompt import Prompt
from vigie_protocol.enums import ResetReason
from vigie_rig import virtual_clock
from vigie_rig.bench import Bench, run_bench
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.faults import Fault
from vigie_rig.flash import WORST, NorFlash
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace, synthesize


@pytest.fixture(scope="module")
def micropython() -> MicroPython:
    try:
        return find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


@pytest.fixture
def on_flash(micropython: MicroPython, tmp_path: Path) -> Callable[[NorFlash, str], object]:
    """Run a program on a board with a flash, and return the Python value that it printed."""

    async def run(flash: NorFlash, program: str) -> str:
        board = UnixBoard(micropython, tmp_path, flash=flash)
        async with board, Prompt(LineTransport(board.line), deadline_s=36000) as prompt:
            return await prompt.run(program)

    return lambda flash, program: ast.literal_eval(virtual_clock.run(run(flash, program)))


@pytest.fixture
def application(micropython: MicroPython, tmp_path: Path, wrist: Trace) -> Callable[..., UnixBoard]:
    """A board whose application runs from power-on."""
    for path, content in load_bundle().files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    def make(flash: NorFlash | None = None) -> UnixBoard:
        return UnixBoard(micropython, tmp_path, flash=flash, sensors=[Max30101(wrist), Lsm6dso(wrist)])

    return make


_TIMED = """
import machine, time
flash = machine.Flash(0)
def took(verb, *given):
    began = time.ticks_us()
    verb(*given)
    return time.ticks_diff(time.ticks_us(), began)
print([took(flash.erase, 0), took(flash.program, 0, bytes(256)), took(flash.program, 256, bytes(16)),
       took(flash.read_into, 0, bytearray(4096))])
"""


@pytest.mark.parametrize(
    ("flash", "times_us"),
    [
        (NorFlash(65536), [45_000, 400, 67.5, 410]),
        (NorFlash(65536, timing=WORST), [400_000, 3_000, 230, 410]),
    ],
    ids=["typical", "worst"],
)
def test_the_board_s_time_goes_on_while_it_works(
    on_flash: Callable[[NorFlash, str], list[int]], flash: NorFlash, times_us: list[float]
) -> None:
    took_us = on_flash(flash, _TIMED)
    assert all(due <= took <= due + 50 for due, took in zip(times_us, took_us, strict=True)), took_us


def test_another_task_waits_for_an_erase(on_flash: Callable[[NorFlash, str], object]) -> None:
    assert on_flash(
        NorFlash(65536, timing=WORST),
        """
import asyncio, machine, time
flash = machine.Flash(0)
async def beat():
    late = 0
    for _ in range(20):
        before = time.ticks_ms()
        await asyncio.sleep_ms(10)
        late = max(late, time.ticks_diff(time.ticks_ms(), before) - 10)
    return late
async def main():
    beating = asyncio.create_task(beat())
    await asyncio.sleep_ms(25)
    flash.erase(4096)
    print(350 < await beating < 450)
asyncio.run(main())
""",
    )


def test_the_next_boot_finds_what_the_last_one_wrote(application: Callable[..., UnixBoard]) -> None:
    board = application(NorFlash(512 * 1024))

    async def scene() -> bytes:
        async with board:
            board.flash.program(511 * 1024, b"kept")
            board.reset()
            async with vigie.connect(LineTransport(board.line)):
                return board.flash.read(511 * 1024, 4)

    assert virtual_clock.run(scene()) == b"kept"


@pytest.mark.parametrize("run", [virtual_clock.run, asyncio.run], ids=["virtual", "real"])
def test_ctrl_c_ends_a_program_that_only_erases_and_the_chip_ends_its_erase(
    run: Callable[..., None], micropython: MicroPython, tmp_path: Path
) -> None:
    flash = NorFlash(8192, timing=WORST)
    flash.program(0, bytes(8192))
    board = UnixBoard(micropython, tmp_path, flash=flash)

    async def scene() -> None:
        async with board:
            async with Prompt(LineTransport(board.line)) as prompt:
                with pytest.raises(vigie.PromptError):
                    await prompt.run(_ENDLESS_ERASE, timeout_s=1)
            async with Prompt(LineTransport(board.line)) as prompt:
                assert await prompt.run("print('free')") == "free\n"

    run(scene())
    assert flash.read(0, 8192) == b"\xff" * 4096 + bytes(4096)
    assert board.fault is None


def test_on_the_real_clock_an_erase_takes_its_time(micropython: MicroPython, tmp_path: Path) -> None:
    async def scene() -> int:
        board = UnixBoard(micropython, tmp_path, flash=NorFlash(8192, timing=WORST))
        async with board, Prompt(LineTransport(board.line)) as prompt:
            said = await prompt.run(
                "import machine, time; began = time.ticks_us(); machine.Flash(0).erase(0);"
                "print(time.ticks_diff(time.ticks_us(), began))"
            )
            return int(said)

    assert asyncio.run(scene()) >= WORST.erase_us() - 1000


# Power cuts

_ENDLESS_ERASE = """
import machine
flash = machine.Flash(0)
while True:
    flash.erase(0)
"""


async def _run_and_cut(board: UnixBoard, program: str, after_s: float, off_s: float = 1.0) -> None:
    """Begin a program at the prompt, cut the power in it, and wait until the board is back."""
    async with Prompt(LineTransport(board.line), deadline_s=60) as prompt:
        running = asyncio.create_task(prompt.run(program, timeout_s=60))
        await asyncio.sleep(after_s)
        board.power_cut(off_s)
        with pytest.raises(vigie.Disconnected):
            await running
    await asyncio.sleep(off_s + 0.1)


@pytest.mark.parametrize("after_s", [0.112, 0.13, 0.148])
def test_a_cut_within_an_erase_leaves_it_half_done(
    micropython: MicroPython, tmp_path: Path, after_s: float
) -> None:
    flash = NorFlash(8192, seed=1)
    flash.program(0, bytes(8192))
    board = UnixBoard(micropython, tmp_path, flash=flash)

    async def scene() -> None:
        async with board:
            await _run_and_cut(board, _ENDLESS_ERASE, after_s)
            async with Prompt(LineTransport(board.line)) as prompt:
                assert await prompt.run("print('back')") == "back\n"

    virtual_clock.run(scene())
    begin, rest = flash.read(0, 4096).rstrip(b"\xff"), flash.read(4096, 4096)
    assert len(begin) > 1024  # the rest of the sector holds anything
    assert rest == bytes(4096)
    assert flash.powered


def test_an_erase_goes_on_when_only_the_processor_is_reset(micropython: MicroPython, tmp_path: Path) -> None:
    flash = NorFlash(8192)
    flash.program(0, bytes(8192))
    board = UnixBoard(micropython, tmp_path, flash=flash)

    async def scene() -> None:
        async with board, Prompt(LineTransport(board.line), deadline_s=60) as prompt:
            running = asyncio.create_task(prompt.run(_ENDLESS_ERASE, timeout_s=60))
            await asyncio.sleep(0.13)
            board.reset()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    virtual_clock.run(scene())
    assert flash.read(0, 4096) == b"\xff" * 4096


def test_after_a_power_cut_it_is_another_boot_with_sensors_as_new(
    application: Callable[..., UnixBoard],
) -> None:
    board = application()

    async def scene() -> None:
        async with board:
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                boot = bracelet.hello.boot_id
                stream = bracelet.stream()
                await anext(stream)
                cut_s = asyncio.get_running_loop().time()
                board.power_cut(30)
                with pytest.raises(vigie.Disconnected):
                    async for _ in stream:
                        pass
                assert asyncio.get_running_loop().time() - cut_s < 1
            with pytest.raises(vigie.ConnectFailed):
                async with vigie.connect(LineTransport(board.line)):
                    pass
            ppg = board.bus.sensors[Max30101.address]
            assert isinstance(ppg, Max30101)
            assert ppg.read(0x0C, 1, board.now_us()) == b"\0"  # no LED current is set
            made = ppg.ledger.produced
            await asyncio.sleep(31)
            ppg.read(0x0C, 1, board.now_us())
            assert ppg.ledger.produced == made
            async with vigie.connect(LineTransport(board.line)) as bracelet:
                status = await bracelet.status()
                assert bracelet.hello.boot_id != boot
                assert status.reset_reason == ResetReason.POWER_ON
                assert status.streams == 0

    virtual_clock.run(scene())


def test_ticks_begin_again_with_each_boot_where_that_is_asked_for(
    micropython: MicroPython, tmp_path: Path
) -> None:
    async def ticks_ms(board: UnixBoard) -> list[int]:
        told: list[int] = []
        async with board:
            for _ in range(2):
                await asyncio.sleep(100)
                async with Prompt(LineTransport(board.line)) as prompt:
                    told.append(int(await prompt.run("import time; print(time.ticks_ms())")))
                board.power_cut(5)
                await asyncio.sleep(10)
        return told

    going_on = virtual_clock.run(ticks_ms(UnixBoard(micropython, tmp_path)))
    again = virtual_clock.run(ticks_ms(UnixBoard(micropython, tmp_path, ticks_restart=True)))
    assert going_on[1] - going_on[0] > 100_000
    assert 100_000 < again[0] < 102_000
    assert 104_000 < again[1] < 108_000


def test_a_bench_with_a_power_cut_loses_what_it_says_and_no_more(
    micropython: MicroPython, wrist: Trace
) -> None:
    plan = (Fault.parse("power-cut@3+2"),)
    first, again = (
        run_bench(Bench(wrist, seconds=12, faults=plan, find_heap_needed=False)) for _ in range(2)
    )
    measured = {each.name: each.value for each in first.result.measurements}
    assert first.result.verdict == "pass", first.result.reason
    assert measured["injected_power_cut"] == 1
    assert measured["sessions"] == 2
    assert first.transcript_sha256 == again.transcript_sha256


def test_on_the_real_clock_a_board_s_time_is_the_rig_s(micropython: MicroPython, tmp_path: Path) -> None:
    board = UnixBoard(micropython, tmp_path)

    async def scene() -> float:
        async with board, Prompt(LineTransport(board.line)) as prompt:
            said = await prompt.run("import time; print(time.ticks_us())")
            return (board.now_us() - int(said)) / 1e6

    assert 0 <= asyncio.run(scene()) < 60
