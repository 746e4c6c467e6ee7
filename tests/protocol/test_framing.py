"""A frame comes back as it went in, in bounded memory; what is no frame is told as such."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_protocol import framing
from vigie_protocol.errors import FrameError, ProtocolError
from vigie_protocol.framing import MAX_BODY_BYTES, MAX_FRAME_BYTES, MAX_WIRE_BYTES, Deframer, Frame

KINDS = st.integers(1, 255).filter(lambda kind: kind != framing.INTERRUPT)
FRAMES = st.builds(Frame, KINDS, st.integers(0, 0xFFFF), st.binary(max_size=MAX_BODY_BYTES))


@given(FRAMES)
def test_a_frame_comes_back_as_it_went_in(frame: Frame) -> None:
    wire = framing.encode_frame(*frame)
    assert len(wire) <= MAX_WIRE_BYTES
    assert wire.index(0) == len(wire) - 1
    assert framing.decode_frame(wire[:-1]) == frame
    assert Deframer().feed(wire) == [frame]


@given(st.lists(FRAMES, max_size=20))
def test_recorded_bytes_are_sorted_by_message(frames: list[Frame]) -> None:
    wire = b"\xff\0" + b"".join(framing.encode_frame(*frame) for frame in frames)
    # A frame that was not finished does not count.
    bodies = framing.bodies_by_kind(wire + b"\x05half")
    assert bodies == {kind: [each.body for each in frames if each.kind == kind] for kind, _, _ in frames}


@pytest.mark.parametrize("kind", [0, framing.INTERRUPT, 256, -1])
def test_what_is_no_message_number_cannot_be_framed(kind: int) -> None:
    with pytest.raises(FrameError, match="no message number"):
        framing.encode_frame(kind, 0, b"")


def test_a_body_or_sequence_out_of_bounds_cannot_be_framed() -> None:
    framing.encode_frame(1, 0xFFFF, bytes(MAX_BODY_BYTES))
    with pytest.raises(FrameError, match=f"{MAX_BODY_BYTES} is the most"):
        framing.encode_frame(1, 0, bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(FrameError, match="sequence 65536"):
        framing.encode_frame(1, 0x10000, b"")


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "too few"),
        (b"\x05abc", "not COBS"),
        (b"\x01\x01\x01", "too few"),
        (bytes([MAX_FRAME_BYTES + 1]) + b"a" * (MAX_FRAME_BYTES + 1), "longer than any frame"),
        (framing.encode_frame(0x43, 7, b"ab")[:-2] + b"\xff", "wrong CRC"),
    ],
)
def test_what_is_no_frame_is_told_as_such(encoded: bytes, reason: str) -> None:
    with pytest.raises(FrameError, match=reason) as caught:
        framing.decode_frame(encoded)
    assert isinstance(caught.value, ProtocolError)


@given(FRAMES, st.integers(0, 8 * MAX_WIRE_BYTES - 1))
def test_no_flipped_bit_goes_unseen(frame: Frame, bit: int) -> None:
    wire = bytearray(framing.encode_frame(*frame))
    bit %= 8 * (len(wire) - 1)
    wire[bit // 8] ^= 1 << bit % 8
    assert Deframer().feed(bytes(wire)) == []


def test_a_stream_without_a_zero_is_held_only_as_far_as_a_frame_could_go() -> None:
    deframer = Deframer()
    before = held(deframer)
    for _ in range(1000):
        assert deframer.feed(b"\xaa" * 997) == []
        assert held(deframer) - before < 2 * MAX_WIRE_BYTES
    assert deframer.frames_bad == 1
    assert deframer.feed(b"\0" + framing.encode_frame(0x43, 0, b"ab")) == [Frame(0x43, 0, b"ab")]


def held(deframer: Deframer) -> int:
    """Bytes of all that the object holds."""
    return sum(sys.getsizeof(value) for value in vars(deframer).values())
