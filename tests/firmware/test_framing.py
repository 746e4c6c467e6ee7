"""The device's framing, run on CPython, against the cobs package and the host's own."""

from __future__ import annotations

import importlib
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vigie_protocol.framing import MAX_BODY_BYTES, MAX_FRAME_BYTES, encode_frame

cobs: Any = importlib.import_module("cobs.cobs")  # has no types

_KINDS = st.integers(1, 255).filter(lambda kind: kind != 3)
_BODIES = st.binary(max_size=MAX_BODY_BYTES)
_FRAMES = st.builds(encode_frame, _KINDS, st.integers(0, 0xFFFF), _BODIES)


@pytest.fixture(scope="module")
def device() -> Any:
    """The module bracelet.framing, with the one name it needs of MicroPython."""
    micropython = ModuleType("micropython")
    micropython.__dict__["const"] = int
    firmware = str(Path(__file__).parents[2] / "firmware")
    before = dict(sys.modules)
    sys.path.insert(0, firmware)
    sys.modules["micropython"] = micropython
    try:
        yield importlib.import_module("bracelet.framing")
    finally:
        sys.path.remove(firmware)
        for name in set(sys.modules) - set(before):
            if name == "micropython" or name.partition(".")[0] == "bracelet":
                del sys.modules[name]


def _crc_into(view: bytes, buffer: bytearray, at: int) -> None:
    buffer[at : at + 4] = zlib.crc32(view).to_bytes(4, "little")


def _feed(device: Any, deframer: Any, data: bytes) -> list[tuple[int, int, bytes]]:
    taken: list[tuple[int, int, bytes]] = []

    def take(kind: int, sequence: int, buffer: bytes, at: int, end: int) -> None:
        taken.append((kind, sequence, bytes(buffer[at:end])))

    deframer.feed(data, len(data), take)
    return taken


@given(plain=st.binary(min_size=1, max_size=MAX_FRAME_BYTES))
@example(plain=b"\0")
@example(plain=bytes(MAX_FRAME_BYTES))
@example(plain=b"\xff" * MAX_FRAME_BYTES)
def test_cover_is_cobs_and_the_closing_zero(device: Any, plain: bytes) -> None:
    buffer = bytearray(b"?" + plain + b"?" * (MAX_FRAME_BYTES + 1 - len(plain)))
    device.cover(buffer, len(plain) + 1)
    assert bytes(buffer[: len(plain) + 2]) == cobs.encode(plain) + b"\0"


@given(plain=st.binary(min_size=1, max_size=MAX_FRAME_BYTES))
def test_uncover_undoes_it(device: Any, plain: bytes) -> None:
    buffer = bytearray(cobs.encode(plain))
    end = len(buffer)
    assert device.uncover(buffer, end)
    assert bytes(buffer[1:end]) == plain


@given(encoded=st.binary(min_size=1, max_size=MAX_FRAME_BYTES + 1))
def test_uncover_takes_what_the_cobs_package_takes(device: Any, encoded: bytes) -> None:
    buffer = bytearray(encoded)
    taken = device.uncover(buffer, len(encoded))
    try:
        plain = cobs.decode(encoded)
    except cobs.DecodeError:
        assert not taken
    else:
        assert taken
        assert bytes(buffer[1:]) == plain


@given(frames=st.lists(st.tuples(_KINDS, st.integers(0, 0xFFFF), _BODIES), max_size=5), data=st.data())
def test_frames_come_out_as_they_went_in_however_the_line_cuts_them(
    device: Any, frames: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    wire = b"".join(encode_frame(*frame) for frame in frames)
    deframer = device.Deframer(_crc_into)
    taken: list[tuple[int, int, bytes]] = []
    while wire:
        cut = data.draw(st.integers(1, len(wire)))
        taken += _feed(device, deframer, wire[:cut])
        wire = wire[cut:]
    assert taken == frames
    assert deframer.frames_bad == 0


@given(garbage=st.binary(max_size=600), frame=_FRAMES)
def test_after_any_garbage_the_next_frame_is_read(device: Any, garbage: bytes, frame: bytes) -> None:
    deframer = device.Deframer(_crc_into)
    try:
        _feed(device, deframer, garbage + b"\0")
    except device.Interrupt:
        return
    assert len(_feed(device, deframer, frame)) == 1


@given(frame=_FRAMES, at=st.integers(0), change=st.integers(1, 255))
def test_a_frame_with_a_changed_byte_is_not_taken(device: Any, frame: bytes, at: int, change: int) -> None:
    damaged = bytearray(frame)
    damaged[at % len(frame)] ^= change
    deframer = device.Deframer(_crc_into)
    try:
        assert _feed(device, deframer, bytes(damaged) + b"\0") == []
    except device.Interrupt:
        return
    assert deframer.frames_bad > 0


@given(frames=st.lists(_FRAMES, min_size=1, max_size=5))
def test_no_frame_of_any_content_is_taken_for_ctrl_c(device: Any, frames: list[bytes]) -> None:
    deframer = device.Deframer(_crc_into)
    assert len(_feed(device, deframer, b"".join(frames))) == len(frames)


@given(
    frames=st.lists(_FRAMES, max_size=3), typed=st.sampled_from([b"\r\x03", b"\x03\x03\x03", b"\0\r\x03\x03"])
)
def test_ctrl_c_between_frames_interrupts(device: Any, frames: list[bytes], typed: bytes) -> None:
    deframer = device.Deframer(_crc_into)
    _feed(device, deframer, b"".join(frames))
    with pytest.raises(device.Interrupt):
        _feed(device, deframer, typed)


@given(frame=_FRAMES, cut=st.integers(1))
def test_ctrl_c_after_half_a_frame_interrupts_once_the_half_is_forgotten(
    device: Any, frame: bytes, cut: int
) -> None:
    deframer = device.Deframer(_crc_into)
    _feed(device, deframer, frame[: cut % len(frame)])
    deframer.forget()
    with pytest.raises(device.Interrupt):
        _feed(device, deframer, b"\r\x03")


def test_a_line_of_noise_without_a_zero_is_one_bad_frame(device: Any) -> None:
    deframer = device.Deframer(_crc_into)
    frame = encode_frame(0x11, 7, b"\x01")
    assert _feed(device, deframer, b"U" * 5000 + b"\0" + frame) == [(0x11, 7, b"\x01")]
    assert deframer.frames_bad == 1
