"""The real firmware on the virtual board; without MicroPython on this machine every test here skips."""

from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vigie.firmware import load_bundle
from vigie.micropython import MicroPython, MicroPythonMissing, find
from vigie.prompt import Prompt
from vigie.samples import BlockReader, SampleBlock
from vigie_protocol import framing
from vigie_protocol.enums import Stream
from vigie_protocol.messages import AccelerometerBlock, Configuration, Configure, PpgBlock
from vigie_rig import virtual_clock
from vigie_rig.bench import STANDARD
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.line_transport import LineTransport
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.traces import Trace, synthesize

# For the modules that several tests share.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", params=[None, "i386"], ids=["unix", "unix32"])
def micropython(request: pytest.FixtureRequest) -> MicroPython:
    """The interpreter of each virtual board: 64-bit, and 32-bit as a microcontroller's."""
    try:
        return find(request.param)
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


@pytest.fixture
def ppg(wrist: Trace) -> Max30101:
    return Max30101(wrist, clock_error=0.01, jitter_us=50, seed=1)


@pytest.fixture
def acc(wrist: Trace) -> Lsm6dso:
    return Lsm6dso(wrist, clock_error=-0.01, jitter_us=20, seed=1)


def _deploy(folder: Path, *, application: bool) -> None:
    for path, content in load_bundle().files.items():
        if application or path != "main.py":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


@pytest.fixture
def board(micropython: MicroPython, tmp_path: Path, ppg: Max30101, acc: Lsm6dso) -> UnixBoard:
    """A board whose application runs from power-on."""
    _deploy(tmp_path, application=True)
    return UnixBoard(micropython, tmp_path, sensors=[ppg, acc])


@pytest.fixture
def parts(micropython: MicroPython, tmp_path: Path, ppg: Max30101, acc: Lsm6dso) -> UnixBoard:
    """A board that holds the firmware's modules, and stays at the prompt; with room for what the tests keep."""
    _deploy(tmp_path, application=False)
    return UnixBoard(micropython, tmp_path, sensors=[ppg, acc], heap_bytes=1 << 20)


@pytest.fixture
def on_board(parts: UnixBoard) -> Callable[[str], Any]:
    """Run a program on the board, on the virtual clock, and return the Python value that it printed."""

    async def run(program: str) -> str:
        async with parts, Prompt(LineTransport(parts.line), deadline_s=36000) as prompt:
            return await prompt.run(program)

    return lambda program: ast.literal_eval(virtual_clock.run(run(program)))


@pytest.fixture(scope="session")
def read_blocks() -> Callable[..., dict[Stream, list[SampleBlock]]]:
    """Read the blocks of each stream from the bytes of the line, which may hold nothing else."""

    def read(wire: bytes, configure: Configure = STANDARD) -> dict[Stream, list[SampleBlock]]:
        configuration = Configuration(request=0, configuration=1, **dataclasses.asdict(configure))
        kinds = {PpgBlock.KIND: Stream.PPG, AccelerometerBlock.KIND: Stream.ACCELEROMETER}
        readers = {stream: BlockReader(stream, configuration) for stream in kinds.values()}
        blocks: dict[Stream, list[SampleBlock]] = {stream: [] for stream in kinds.values()}
        deframer = framing.Deframer()
        for frame in deframer.feed(wire):
            stream = kinds[frame.kind]
            blocks[stream].append(readers[stream].read(frame.body))
        assert deframer.frames_bad == 0
        return blocks

    return read


@pytest.fixture(scope="session")
def build_sampler() -> Callable[..., str]:
    """The beginning of a board program: the application's parts, put together by hand, and started."""

    def source(configure: Configure = STANDARD, streams: int = 3) -> str:
        return f"""
import board, gc, micropython, time
from bracelet.clock import Clock
from bracelet.link import Link
from bracelet.sampler import Sampler

class Line:
    "Keeps what is written, as far as there is room."
    def __init__(self):
        self.kept = bytearray({_KEPT_BYTES})
        self.end = 0
        self.room = {_KEPT_BYTES}
    def write(self, buffer, at, count):
        count = min(count, self.room)
        for step in range(count):
            self.kept[self.end + step] = buffer[at + step]
        self.end += count
        self.room -= count
        return count
    def all(self):
        return bytes(memoryview(self.kept)[:self.end])

clock = Clock()
line = Line()
link = Link(line, board.crc_into)
sampler = Sampler(board.streams(), clock, link)
ppg, acc = sampler.streams
for stream in sampler.streams:
    assert stream.chip.probe()
    stream.configure({dataclasses.astuple(configure)}, 1)
sampler.start({streams})
gc.collect()
"""

    return source


_KEPT_BYTES = 60_000
