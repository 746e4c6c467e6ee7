"""Decoding in bulk reads what construct reads, for any blocks, and refuses what is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_protocol import arrays
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import AccelerometerBlock, PpgBlock


def check(blocks: arrays.Blocks, sent: Sequence[Any], columns: int) -> None:
    for name in blocks.heads.dtype.names or ():
        assert blocks.heads[name].tolist() == [getattr(each, name) for each in sent]
    assert blocks.ticks_us.tolist() == [(each.epoch << 30) + each.ticks_us for each in sent]
    tables = [np.reshape(each.samples, (-1, columns)).tolist() for each in sent]
    assert blocks.counts.tolist() == [len(table) for table in tables]
    assert blocks.samples.tolist() == [row for table in tables for row in table]


@given(data=st.data(), channels=st.integers(1, 3))
def test_ppg_blocks_equal_construct(
    messages_of: Callable[..., Any], data: st.DataObject, channels: int
) -> None:
    def whole(block: PpgBlock) -> PpgBlock:
        end = len(block.samples) // channels * channels
        return dataclasses.replace(block, channels=channels, samples=block.samples[:end])

    sent = data.draw(st.lists(messages_of(PpgBlock).map(whole), min_size=1, max_size=6))
    blocks = arrays.decode_ppg_blocks([each.to_bytes() for each in sent])
    assert blocks.samples.dtype == np.int32
    check(blocks, sent, channels)


@given(data=st.data())
def test_accelerometer_blocks_equal_construct(messages_of: Callable[..., Any], data: st.DataObject) -> None:
    sent = data.draw(st.lists(messages_of(AccelerometerBlock), min_size=1, max_size=6))
    blocks = arrays.decode_accelerometer_blocks([each.to_bytes() for each in sent])
    assert blocks.samples.dtype == np.int16
    check(blocks, sent, 3)


@given(data=st.data(), count=st.integers(0, 36), copies=st.integers(2, 5))
def test_blocks_of_one_length_equal_construct_too(
    messages_of: Callable[..., Any], data: st.DataObject, count: int, copies: int
) -> None:
    axes = st.tuples(*[st.integers(-0x8000, 0x7FFF)] * 3)
    tails = st.lists(axes, min_size=count, max_size=count).map(tuple)
    sent = [
        dataclasses.replace(data.draw(messages_of(AccelerometerBlock)), samples=data.draw(tails))
        for _ in range(copies)
    ]
    check(arrays.decode_accelerometer_blocks([each.to_bytes() for each in sent]), sent, 3)


def test_no_blocks_are_no_samples() -> None:
    for decode in (arrays.decode_ppg_blocks, arrays.decode_accelerometer_blocks):
        blocks = decode([])
        assert (len(blocks.heads), len(blocks.counts), len(blocks.samples), len(blocks.ticks_us)) == (
            0,
            0,
            0,
            0,
        )


PPG_HEAD = bytes(14) + b"\x02"
ACC_HEAD = bytes(19)


@pytest.mark.parametrize("others", [[], [PPG_HEAD + bytes(12)], [PPG_HEAD, PPG_HEAD + bytes(6)]])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PPG_HEAD + bytes(7), "whole number of samples of 2 channels"),
        (PPG_HEAD + bytes(3), "whole number of samples of 2 channels"),
        (PPG_HEAD[:-1], "14 bytes are shorter than its head of 15"),
        (b"", "0 bytes are shorter than its head of 15"),
        (bytes(15), "one count of 1 to 3"),
        (bytes(14) + b"\x04" + bytes(12), "one count of 1 to 3"),
        (b"\0\0\0\x40" + PPG_HEAD[4:], "first_sample needs more than 30 bits"),
        (PPG_HEAD + bytes(9) + b"\x04\0\0", "262144 needs more than 18 bits"),
        (PPG_HEAD + b"\xff" * 6, "16777215 needs more than 18 bits"),
        (bytes(7) + b"\x80" + PPG_HEAD[8:], "ticks_us needs more than 30 bits"),
    ],
)
def test_what_is_no_ppg_block_is_refused_alone_and_among_others(
    body: bytes, reason: str, others: list[bytes]
) -> None:
    for bodies in ([body, *others], [*others, body]):
        with pytest.raises(MessageError, match=reason):
            arrays.decode_ppg_blocks(bodies)


@pytest.mark.parametrize("others", [[], [ACC_HEAD + bytes(12)], [ACC_HEAD, ACC_HEAD + bytes(6)]])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (ACC_HEAD + bytes(5), "whole number of samples of 6 bytes"),
        (ACC_HEAD + bytes(7), "whole number of samples of 6 bytes"),
        (ACC_HEAD[:-1], "18 bytes are shorter than its head of 19"),
        (ACC_HEAD[:-1] + b"\x40", "sensor_ticks needs more than 30 bits"),
    ],
)
def test_what_is_no_accelerometer_block_is_refused_alone_and_among_others(
    body: bytes, reason: str, others: list[bytes]
) -> None:
    for bodies in ([body, *others], [*others, body]):
        with pytest.raises(MessageError, match=reason):
            arrays.decode_accelerometer_blocks(bodies)


def test_channel_counts_are_not_mixed() -> None:
    with pytest.raises(MessageError, match=r"channel counts \[1, 2\]"):
        arrays.decode_ppg_blocks([PPG_HEAD, bytes(14) + b"\x01"])
