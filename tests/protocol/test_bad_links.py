"""Whatever a link or a sender does, nothing crashes or hangs, and no wrong sample passes for a right one."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_link import Mutator, Stream
from hypothesis import given
from hypothesis import strategies as st

from vigie.micropython import MicroPython
from vigie_protocol import arrays, framing
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import BY_KIND, AccelerometerBlock, PpgBlock

# Written for MicroPython, so without types.
board_parser: Any = importlib.import_module("board_parser")

HOST_STREAMS = 100_000
BOARD_STREAMS = 10_000
DECODERS = {
    PpgBlock.KIND: arrays.decode_ppg_blocks,
    AccelerometerBlock.KIND: arrays.decode_accelerometer_blocks,
}
ASKS_FOR_THE_PROMPT = re.compile(rb"(?:^|\0)(?:\r\x03|\x03\x03\x03)")


def arrays_agree_with_construct(frame: framing.Frame) -> None:
    """The bulk decoder takes a block if and only if the definition does, and reads the same."""
    known = BY_KIND.get(frame.kind)
    if known is None:
        return
    try:
        message: Any = known.from_bytes(frame.body)
    except MessageError:
        message = None
    if frame.kind not in DECODERS:
        return
    if message is not None and frame.kind == PpgBlock.KIND:
        columns = message.channels
        if not 1 <= columns <= 3 or len(message.samples) % columns:
            message = None
    try:
        blocks = DECODERS[frame.kind]([frame.body])
    except MessageError:
        assert message is None
        return
    assert message is not None
    for name in blocks.heads.dtype.names or ():
        assert blocks.heads[name][0] == getattr(message, name)
    assert blocks.samples.ravel().tolist() == np.ravel(message.samples).tolist()


def test_a_hundred_thousand_bad_streams_into_the_host() -> None:
    mutator = Mutator(20)
    good = mutator.frame()
    deframer = framing.Deframer()
    whole = rejected = 0
    for _ in range(HOST_STREAMS):
        stream = mutator.stream()
        frames = deframer.feed(stream.wire)
        if stream.repaired:
            # No receiver can know that these are wrong: it must read them as they are written, or refuse them.
            assert frames == stream.frames
            for frame in frames:
                arrays_agree_with_construct(frame)
        else:
            assert all(frame in stream.frames for frame in frames)
            rejected += len(frames) < len(stream.frames)
        whole += len(frames)
        assert deframer.feed(framing.encode_frame(*good)) == [good]
    # The faults were faults, and the parser told them.
    assert whole > HOST_STREAMS / 4
    assert rejected > HOST_STREAMS / 4
    assert deframer.frames_bad > HOST_STREAMS / 4


@pytest.fixture(scope="module")
def streams() -> list[Stream]:
    mutator = Mutator(21)
    return [mutator.stream() for _ in range(BOARD_STREAMS)]


@pytest.fixture(scope="module")
def good() -> bytes:
    return framing.encode_frame(*Mutator(22).frame())


def check_board(results: Iterator[Any], streams: list[Stream]) -> None:
    """The board accepts what the host accepts, and what asks for the prompt is let through to it."""
    interrupts = 0
    for (found, bad, interrupted, in_step), stream in zip(results, streams, strict=True):
        assert in_step
        host = framing.Deframer()
        frames = [(*frame,) for frame in host.feed(stream.wire)]
        assert interrupted == bool(ASKS_FOR_THE_PROMPT.search(stream.wire))
        if interrupted:
            interrupts += 1
            assert found == frames[: len(found)]
        else:
            assert (found, bad) == (frames, host.frames_bad)
    assert 0 < interrupts < BOARD_STREAMS / 10


def test_ten_thousand_bad_streams_into_the_boards_parser_on_cpython(
    on_cpython: Callable[[str], Any], streams: list[Stream], good: bytes
) -> None:
    parser, crc = on_cpython("bracelet.framing"), on_cpython("bracelet.crc_ints")
    records = (stream.wire for stream in streams)
    check_board(board_parser.results(parser.Deframer, parser.Interrupt, crc.crc_into, records, good), streams)


def test_ten_thousand_bad_streams_into_the_boards_parser_on_micropython(
    micropython: MicroPython, tmp_path: Path, streams: list[Stream], good: bytes
) -> None:
    records = [good, *(stream.wire for stream in streams)]
    path = tmp_path / "streams"
    path.write_bytes(b"".join(len(each).to_bytes(2, "little") + each for each in records))
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*micropython.command, board_parser.__file__, str(path)],
        env={**os.environ, "MICROPYPATH": str(root / "firmware")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    check_board(map(ast.literal_eval, done.stdout.splitlines()), streams)


@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 300), min_size=1, max_size=50))
def test_pieces_of_any_size_give_the_same_frames(seed: int, cuts: list[int]) -> None:
    mutator = Mutator(seed)
    wire = b"".join(mutator.stream().wire for _ in range(4)) + bytes(mutator.dice.randbytes(400))
    whole, pieces = framing.Deframer(), framing.Deframer()
    expected = whole.feed(wire)
    frames: list[framing.Frame] = []
    at = 0
    while at < len(wire):
        size = cuts[at % len(cuts)]
        frames += pieces.feed(wire[at : at + size])
        at += size
    assert frames == expected
    assert pieces.frames_bad == whole.frames_bad


@given(st.binary(max_size=1000))
def test_garbage_costs_at_most_the_frame_that_it_runs_into(garbage: bytes) -> None:
    first, second = framing.Frame(0x43, 1, b"\x01\x02"), framing.Frame(0x43, 2, b"\x03\x00")
    deframer = framing.Deframer()
    frames = deframer.feed(garbage) + deframer.feed(framing.encode_frame(*first))
    if not garbage or garbage.endswith(b"\0"):
        assert frames == [first]
    assert deframer.feed(framing.encode_frame(*second)) == [second]
