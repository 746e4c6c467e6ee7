"""The definition takes what the device can speak, and refuses the rest when it is written."""

from __future__ import annotations

import dataclasses
import enum
import zlib
from collections.abc import Callable
from typing import Annotated, Any

import construct
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_protocol import definition, schema
from vigie_protocol.definition import BOTH, HOST, Message, Wire, message
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import (
    BY_KIND,
    MESSAGES,
    AccelerometerBlock,
    Event,
    PpgBlock,
    StartStream,
    Status,
)


def define(*fields: Any, kind: int = 0xF0, hot: bool = False) -> type[Message]:
    """Define a message with fields of these forms."""
    hints = {f"field_{number}": Annotated[int, wire] for number, wire in enumerate(fields)}
    return message(kind, to=HOST, hot=hot)(type("Tried", (Message,), {"__annotations__": hints}))


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@settings(max_examples=50)
@given(data=st.data())
def test_every_message_comes_back_as_it_went_in(
    kind: type[Message], messages_of: Callable[..., Any], data: st.DataObject
) -> None:
    sent = data.draw(messages_of(kind))
    assert kind.from_bytes(sent.to_bytes()) == sent


def test_every_message_has_a_number_of_its_own() -> None:
    assert len(BY_KIND) == len(MESSAGES)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_field_says_what_it_is(kind: type[Message]) -> None:
    assert kind.__doc__
    assert all(field.wire.doc.endswith(".") for field in kind.FIELDS)


@pytest.mark.parametrize(
    "kind",
    [
        construct.Int16ub,
        construct.Int32ub,
        construct.Int64ul,
        construct.Int24ul,
        construct.Float32l,
        construct.Flag,
        construct.VarInt,
        construct.CString("utf8"),
        construct.Optional(construct.Int8ul),
        construct.If(construct.this.field_0 > 0, construct.Int8ul),
        construct.Array(3, construct.Int8ul),
        construct.Bytes(construct.this.field_0),
        construct.GreedyRange(construct.Int8ul),
        construct.GreedyRange(construct.Int24ul),
        construct.GreedyRange(construct.Array(3, construct.Int16sb)),
        construct.GreedyRange(construct.Array(2, construct.Int16sl)),
        construct.Prefixed(construct.Int8ul, construct.GreedyBytes),
        construct.BitStruct("flag" / construct.Flag),
    ],
    ids=str,
)
def test_what_the_device_cannot_speak_is_refused(kind: Any) -> None:
    with pytest.raises(MessageError, match="outside the subset"):
        define(Wire(construct.Int8ul, "Fine."), Wire(kind, "Not."))


def test_nothing_follows_an_open_array() -> None:
    with pytest.raises(MessageError, match="field_1 follows the tail field_0"):
        define(Wire(construct.GreedyBytes, "Open."), Wire(construct.Int8ul, "Late."))


@pytest.mark.parametrize("kind", [construct.Int32ul, construct.Int32sl], ids=str)
@pytest.mark.parametrize("bits", [None, 31, 32])
def test_a_wide_integer_in_the_hot_path_is_refused(kind: Any, bits: int | None) -> None:
    define(Wire(kind, "Wide.", bits=bits))
    with pytest.raises(MessageError, match="field_0 is packed while sampling: declare bits=30 or less"):
        define(Wire(kind, "Wide.", bits=bits), hot=True)


def test_an_integer_of_thirty_bits_may_be_in_the_hot_path() -> None:
    assert define(Wire(construct.Int32ul, "Narrow.", bits=definition.SMALL_INT_BITS), hot=True).HOT


@pytest.mark.parametrize("kind", [0, 3, 256])
def test_a_number_that_no_frame_can_carry_is_refused(kind: int) -> None:
    with pytest.raises(MessageError, match="no message number"):
        define(kind=kind)


def test_a_field_without_a_wire_form_is_refused() -> None:
    with pytest.raises(MessageError, match="plain says nothing of its wire form"):

        @message(0xF0, to=BOTH)
        class _Tried(Message):  # pyright: ignore[reportUnusedClass]
            plain: int


# Values


def test_a_value_beyond_its_bits_is_neither_built_nor_read() -> None:
    event = Event(ticks_us=1 << 30, epoch=0, code=1, value=0)
    with pytest.raises(MessageError, match="ticks_us=1073741824 needs more than 30 bits"):
        event.to_bytes()
    with pytest.raises(MessageError, match="ticks_us=1073741824 needs more than 30 bits"):
        Event.from_bytes(bytes((0, 0, 0, 0x40)) + bytes(7))


def test_a_sample_beyond_its_bits_is_neither_built_nor_read() -> None:
    head = bytes(14) + b"\x01"
    fits = PpgBlock.from_bytes(head + b"\x03\xff\xff" * 2)
    assert fits.samples == (0x3FFFF, 0x3FFFF)
    with pytest.raises(MessageError, match="samples=262144 needs more than 18 bits"):
        dataclasses.replace(fits, samples=(1, 0x40000)).to_bytes()
    with pytest.raises(MessageError, match="samples=262144 needs more than 18 bits"):
        PpgBlock.from_bytes(head + b"\0\0\x01" + b"\x04\0\0")


@pytest.mark.parametrize("epoch", [-1, 0x10000, "1", None])
def test_a_value_that_does_not_fit_is_not_built(epoch: Any) -> None:
    with pytest.raises(MessageError, match="cannot be built"):
        Event(ticks_us=0, epoch=epoch, code=1, value=0).to_bytes()


@pytest.mark.parametrize("kind", [each for each in MESSAGES if each.FIELDS], ids=lambda kind: kind.__name__)
def test_a_body_of_another_length_is_not_read(kind: type[Message]) -> None:
    head = sum(field.size for field in kind.FIELDS if not field.is_tail)
    lengths = {"u24be[]": (1, 2, 4), "i16x3[]": (1, 5, 7), "bytes": ()}.get(kind.FIELDS[-1].code, (1,))
    for length in (0, head - 1, *(head + more for more in lengths)):
        with pytest.raises(MessageError, match=kind.__name__):
            kind.from_bytes(bytes(length))


def test_values_that_this_host_does_not_know_keep_their_number() -> None:
    streams = StartStream.from_bytes(b"\x83").streams
    assert (streams, isinstance(streams, enum.IntFlag)) == (0x83, True)
    reason = Status.from_bytes(bytes(9) + b"\xc8" + bytes(26)).reset_reason
    assert (reason, isinstance(reason, enum.Enum)) == (200, False)


# The schema


def test_the_schema_covers_numbers_names_layouts_and_enums() -> None:
    assert zlib.crc32(schema.SCHEMA_TEXT.encode()) == schema.SCHEMA_CRC
    for each in MESSAGES:
        assert f"message {each.KIND:#04x} {each.__name__} to {each.TO}" in schema.SCHEMA_TEXT
    assert "  samples u24be[]" in schema.SCHEMA_TEXT
    assert "enum Lane EVENT=0 TREND=1 MINUTE=2 RAW=3" in schema.SCHEMA_TEXT


def test_the_blocks_of_samples_are_packed_while_sampling() -> None:
    assert [each for each in MESSAGES if each.HOT] == [PpgBlock, AccelerometerBlock]
