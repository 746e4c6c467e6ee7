"""Compressed raw samples: a reference packer, and the decoder of whole days at once. docs/blocks.md has the format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigie_protocol.errors import MessageError

MOST_CHANNELS: Final = 4
VALUE_BITS: Final = 30

_ORDER_BITS: Final = 2
_K_BITS: Final = 5
_WIDTH_BITS: Final = 5
_TOGETHER: Final = 4096
"""Records decoded at once: what is worked with stays near the processor."""

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def encode(samples: NDArray[np.integer]) -> bytes:
    """Pack samples [n, channels] as the firmware does, to the last bit; slow, for tests.

    Raises:
        MessageError: No sample, not one to four channels, or a value of more than 30 bits.
    """
    values = np.asarray(samples, np.int64)
    if values.ndim != 2 or not 1 <= values.shape[1] <= MOST_CHANNELS or not len(values):
        raise MessageError(
            "rice", f"samples of shape {values.shape}: [1 or more, 1 to {MOST_CHANNELS}] is taken"
        )
    if (values + (1 << VALUE_BITS - 1) >> VALUE_BITS).any():
        raise MessageError("rice", f"a value needs more than {VALUE_BITS} bits")
    width = max(int(each).bit_length() for each in _fold(values[0]))
    head, unary, remainders = f"{width:05b}", "", ""
    for column in values.T:
        rests = [_differences(column, order)[1:] for order in range(1 << _ORDER_BITS)]
        sums = [int(np.abs(rest).sum()) for rest in rests]
        order = sums.index(min(sums))
        k = max(0, (2 * sums[order] // max(1, len(values))).bit_length() - 1)
        head += f"{order:02b}{k:05b}" + _binary(int(_fold(column[:1])[0]), width)
        for folded in _fold(rests[order]).tolist():
            unary += "0" * (folded >> k) + "1"
            remainders += _binary(folded & (1 << k) - 1, k)
    bits = head + unary + remainders
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _fold(values: Int64) -> Int64:
    return np.where(values < 0, -2 * values - 1, 2 * values)


def _binary(value: int, bits: int) -> str:
    return f"{value:0{bits}b}" if bits else ""


def _differences(column: Int64, order: int) -> Int64:
    """Of an order; the first values, which have too few before them, of a lower one."""
    rest = column.copy()
    for done in range(order):
        rest[done + 1 :] = np.diff(rest[done:])
    return rest


def decode(packed: bytes, samples: int, channels: int) -> Int32:
    """Unpack the samples of one record: [samples, channels].

    Raises:
        MessageError: The bytes are not a record of so many samples.
    """
    return decode_many([packed], [samples], channels)


def decode_many(packed: Sequence[bytes], samples: Sequence[int], channels: int) -> Int32:
    """Unpack many records of one channel count: the samples of all, one record after the other, [sum, channels].

    Raises:
        MessageError: Bytes that are not a record of so many samples.
    """
    if not 1 <= channels <= MOST_CHANNELS:
        raise MessageError("rice", f"{channels} channels: one to {MOST_CHANNELS} are taken")
    counts = np.asarray(samples, np.int64)
    if len(packed) != len(counts):
        raise MessageError("rice", f"{len(packed)} records and {len(counts)} counts")
    sizes = np.fromiter(map(len, packed), np.int64, len(packed))
    # Every value but the first takes a bit at least: nothing is allocated for what cannot be there.
    bad = (counts < 1) | ((counts - 1) * channels + _WIDTH_BITS > 8 * sizes)
    if bad.any():
        which = int(bad.argmax())
        raise MessageError("rice", f"{counts[which]} samples cannot stand in {sizes[which]} bytes")
    ends = np.cumsum(counts)
    out = np.empty((int(ends[-1]) if len(ends) else 0, channels), np.int32)
    # Records of like length beside each other.
    order = np.argsort(counts, kind="stable")
    for first in range(0, len(order), _TOGETHER):
        chosen = order[first : first + _TOGETHER]
        _decode_some([packed[index] for index in chosen], counts[chosen], ends[chosen] - counts[chosen], out)
    return out


def _decode_some(packed: list[bytes], counts: Int64, places: Int64, out: Int32) -> None:
    """Decode records, sorted by their counts, and put each at its place."""
    channels = out.shape[1]
    joined = np.frombuffer(b"".join(packed) + bytes(8), np.uint8)
    ends = 8 * np.cumsum(np.fromiter(map(len, packed), np.int64, len(packed)))
    begins = np.concatenate([[0], ends[:-1]])
    words = np.ndarray((len(joined) - 7,), ">u8", joined, strides=(1,)).astype(np.uint64)

    def take(at: Int64, bits: Int64) -> Int64:
        # A record that is cut short is found out by its end; until then its bits must be somewhere.
        word = words[np.minimum(at >> 3, len(words) - 1)] << (at & 7).astype(np.uint64)
        return np.where(bits > 0, word >> (64 - np.maximum(bits, 1)).astype(np.uint64), 0).astype(np.int64)

    here = begins + _WIDTH_BITS
    width = take(begins, np.full(len(packed), _WIDTH_BITS))
    orders = np.empty((channels, len(packed)), np.int64)
    ks = np.empty_like(orders)
    folded = [np.empty((int(counts[-1]), len(packed)), np.int64) for _ in range(channels)]
    for channel in range(channels):
        both = take(here, np.full(len(packed), _ORDER_BITS + _K_BITS))
        orders[channel], ks[channel] = both >> _K_BITS, both & (1 << _K_BITS) - 1
        folded[channel][0] = take(here + _ORDER_BITS + _K_BITS, width)
        here = here + _ORDER_BITS + _K_BITS + width
    ones = np.flatnonzero(np.unpackbits(joined[:-8]))
    ones = np.concatenate([ones, [1 << 40]])
    first_one = np.searchsorted(ones, here)
    last_one = first_one + (counts - 1) * channels - 1
    last = np.where(counts > 1, ones[np.minimum(last_one, len(ones) - 1)], here - 1)
    remainders = last + 1
    stop = remainders + (counts - 1) * ks.sum(0)
    if (stop > ends).any():
        raise MessageError("rice", "a record ends before its samples")
    before = here - 1
    # The records that still have a sample are the last ones of the sorted.
    since = np.searchsorted(counts, np.arange(int(counts[-1])), side="right")
    for channel in range(channels):
        k = ks[channel]
        rows = folded[channel]
        for index in range(1, int(counts[-1])):
            some = slice(int(since[index]), None)
            one = ones[first_one[some] + (index - 1)]
            rows[index, some] = one - before[some] - 1 << k[some] | take(
                remainders[some] + (index - 1) * k[some], k[some]
            )
            before[some] = one
        first_one = first_one + (counts - 1)
        remainders = remainders + (counts - 1) * k
        values = (rows >> 1) ^ -(rows & 1)
        for order in range(3, 0, -1):
            _sum_up(values, orders[channel] >= order, order)
        _check_and_place(values, counts, places, out[:, channel])


def _sum_up(values: Int64, which: NDArray[np.bool_], order: int) -> None:
    """Undo the last of the differences."""
    chosen = values[order - 1 :, which]
    values[order - 1 :, which] = np.cumsum(chosen, 0)


def _check_and_place(values: Int64, counts: Int64, places: Int64, out: Int32) -> None:
    inside = np.arange(len(values))[:, None] < counts
    if ((values + (1 << VALUE_BITS - 1) >> VALUE_BITS != 0) & inside).any():
        raise MessageError("rice", f"a value needs more than {VALUE_BITS} bits")
    rows = (places + np.arange(len(values))[:, None])[inside]
    out[rows] = values[inside]
