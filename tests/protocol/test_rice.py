"""Packed samples come back as they were, one record or many at once; what is damaged says so."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from vigie_protocol import rice
from vigie_protocol.errors import MessageError

Samples = NDArray[np.int64]


def _samples(channels: st.SearchStrategy[int]) -> st.SearchStrategy[Samples]:
    bits = st.integers(0, 23)
    shapes = st.tuples(st.integers(1, 60), channels)
    return st.tuples(bits, shapes).flatmap(
        lambda drawn: st_numpy.arrays(
            np.int64, drawn[1], elements=st.integers(-(1 << drawn[0]), (1 << drawn[0]) - 1)
        )
    )


@given(_samples(st.integers(1, 4)))
def test_a_record_comes_back(samples: Samples) -> None:
    assert (rice.decode(rice.encode(samples), *samples.shape) == samples).all()


@given(
    st.integers(1, 4).flatmap(lambda channels: st.lists(_samples(st.just(channels)), min_size=1, max_size=20))
)
def test_many_records_come_back_in_their_order(records: list[Samples]) -> None:
    packed = [rice.encode(each) for each in records]
    back = rice.decode_many(packed, [len(each) for each in records], records[0].shape[1])
    assert (back == np.concatenate(records)).all()


def test_of_no_record_there_are_no_samples() -> None:
    assert rice.decode_many([], [], 3).shape == (0, 3)


@given(_samples(st.integers(1, 4)))
def test_what_is_cut_short_says_so(samples: Samples) -> None:
    with pytest.raises(MessageError):
        rice.decode(rice.encode(samples)[:-1], *samples.shape)


@given(st.binary(max_size=210), st.integers(-10, 0xFFFF), st.integers(-1, 5))
def test_any_bytes_are_samples_or_an_error(packed: bytes, samples: int, channels: int) -> None:
    with contextlib.suppress(MessageError):
        assert rice.decode(packed, samples, channels).shape == (samples, channels)


@pytest.mark.parametrize(
    "samples", [np.zeros((0, 1)), np.zeros((1, 5)), np.zeros(3), np.full((1, 1), 1 << 23)]
)
def test_what_cannot_be_packed_is_refused(samples: Samples) -> None:
    with pytest.raises(MessageError):
        rice.encode(samples.astype(np.int64))
