"""Compressed raw samples: a reference packer, and the decoder of whole days at once. docs/blocks.md has the format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie_protocol.errors import MessageError

MOST_CHANNELS: Final = 4
VALUE_BITS: Final = 24
TAPS: Final = (
    (1, -4, -2, -2),
    (96, -118, 71, -18),
    (19, -14, 4, -4),
    (34, -15, 3, -2),
    (-17, -15, -9, -4),
    (75, -45, -11, 13),
    (29, 3, -4, -5),
    (15, 4, 0, -2),
    (-2, 6, 8, 6),
    (41, -7, -2, -5),
    (52, -18, -12, 6),
    (13, 16, 4, -5),
    (22, 26, -3, -15),
    (42, 4, -15, 1),
    (80, -69, 19, 1),
    (28, 2, 16, -21),
)
"""How much of each of the last four differences, the latest first, a predictor expects again, in 32nds."""

_PREDICTOR_BITS: Final = 4
_K_BITS: Final = 5
_WIDTH_BITS: Final = 5
_GROUP: Final = 16
_TOGETHER: Final = 1024
"""Records decoded at once: what is worked with stays near the processor."""

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

_TAPS: Final[Int64] = np.array(TAPS, np.int64)
_SAFE: Final = 1 << 21
"""Four steps below this, with any of the taps, and what was missed make less than 2^31."""


def encode(samples: NDArray[np.integer]) -> bytes:
    """Pack samples [n, channels] as the firmware does, to the last bit.

    Raises:
        MessageError: No sample, not one to four channels, or a value of more than 24 bits.
    """
    values = np.asarray(samples, np.int64)
    if values.ndim != 2 or not 1 <= values.shape[1] <= MOST_CHANNELS or not len(values):
        raise MessageError(
            "rice", f"samples of shape {values.shape}: [1 or more, 1 to {MOST_CHANNELS}] is taken"
        )
    if _too_large(values):
        raise MessageError("rice", f"a value needs more than {VALUE_BITS} bits")
    width = int(_fold(values[0]).max()).bit_length()
    head, unary, remainders = _binary(width, _WIDTH_BITS), "", ""
    for column in values.T:
        predictor, ks, missed = _best(column)
        numbers, k_of_each = missed.tolist(), np.repeat(ks, _GROUP)[1:].tolist()
        head += _binary(predictor, _PREDICTOR_BITS) + _binary(int(ks[0]), _K_BITS)
        head += _binary(int(_fold(column[:1])[0]), width)
        changes = _fold(np.diff(ks)).tolist()
        for index, (number, k) in enumerate(zip(numbers, k_of_each, strict=False), 1):
            if index % _GROUP == 0:
                unary += "0" * changes[index // _GROUP - 1] + "1"
            unary += "0" * (number >> k) + "1"
            remainders += _binary(number & (1 << k) - 1, k)
    bits = head + unary + remainders
    size = -(-len(bits) // 8)
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")


def _best(column: Int64) -> tuple[int, Int64, Int64]:
    """The predictor that takes the fewest bits, its k of each group, and by how much it misses each sample."""
    if len(column) == 1:
        return 0, np.zeros(1, np.int64), np.zeros(0, np.int64)
    steps = np.concatenate([np.zeros(4, np.int64), np.diff(column)])
    before = np.lib.stride_tricks.sliding_window_view(steps, 4)[:-1, ::-1]
    missed = _fold(steps[4:] - (_TAPS @ before.T + 16 >> 5))
    # The first group is one shorter: its first sample stands in the head. One of a single sample has none.
    starts = np.maximum(np.arange(0, len(column), _GROUP) - 1, 0)
    sizes = np.diff(starts, append=len(column) - 1)
    halves = np.add.reduceat(missed, starts, axis=1) // (2 * sizes)
    ks = np.frexp(halves.astype(np.float64))[1].astype(np.int64)
    quotients = missed >> np.repeat(ks, sizes, axis=1)
    bits = quotients.sum(1) + ks @ sizes + _fold(np.diff(ks, axis=1)).sum(1)
    best = int(bits.argmin())
    return best, ks[best], missed[best]


def _too_large(values: Int64) -> bool:
    return (
        bool(len(values)) and not -(1 << VALUE_BITS - 1) <= values.min() <= values.max() < 1 << VALUE_BITS - 1
    )


def _fold(values: Int64) -> Int64:
    return values << 1 ^ values >> 63


def _unfold(folded: Int64) -> Int64:
    return folded >> 1 ^ -(folded & 1)


def _binary(value: int, bits: int) -> str:
    return f"{value:0{bits}b}" if bits else ""


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
    least = _WIDTH_BITS + channels * (_PREDICTOR_BITS + _K_BITS + counts - 1)
    bad = (counts < 1) | (least > 8 * sizes)
    if bad.any():
        which = int(bad.argmax())
        raise MessageError("rice", f"{counts[which]} samples cannot stand in {sizes[which]} bytes")
    ends = np.cumsum(counts)
    out = np.empty((int(ends[-1]) if len(ends) else 0, channels), np.int32)
    # Records of one length are decoded together, index after index.
    by_count = np.argsort(counts, kind="stable")
    borders = np.flatnonzero(np.diff(counts[by_count])) + 1
    for alike in np.split(by_count, borders) if len(counts) else []:
        for first in range(0, len(alike), _TOGETHER):
            chosen = alike[first : first + _TOGETHER]
            count = int(counts[chosen[0]])
            rows = (ends[chosen] - count)[:, None] + np.arange(count)
            out[rows] = _decode_alike([packed[index] for index in chosen], count, channels)
    return out


class _Bits:
    """The bits of many records, one record after the other."""

    def __init__(self, packed: list[bytes]) -> None:
        self._bytes = np.frombuffer(b"".join(packed) + bytes(8), np.uint8)
        sizes = np.fromiter(map(len, packed), np.int64, len(packed))
        self.ends: Int64 = 8 * np.cumsum(sizes)
        self.begins: Int64 = self.ends - 8 * sizes
        words = np.ndarray((len(self._bytes) - 7,), ">u8", self._bytes, strides=(1,))
        self._words = words.astype(np.uint64)

    def ones(self) -> Int64:
        ones: Int64 = np.flatnonzero(np.unpackbits(self._bytes[:-8]).view(np.bool_))
        return ones

    def take(self, at: Int64, bits: Int64) -> Int64:
        """Numbers of so many bits (at most 56) at these places; where there is nothing, anything."""
        words = self._words[np.minimum(at >> 3, len(self._words) - 1)]
        # Two shifts: one of all 64 bits would be none.
        rest = words << (at & 7).astype(np.uint64) >> np.uint64(8)
        taken: Int64 = (rest >> (56 - bits).astype(np.uint64)).astype(np.int64)
        return taken


def _decode_alike(packed: list[bytes], count: int, channels: int) -> Int32:
    """Unpack records of one count: [records, count, channels]."""
    bits = _Bits(packed)
    records = len(packed)
    here = bits.begins + _WIDTH_BITS
    width = bits.take(bits.begins, np.full(records, _WIDTH_BITS))
    predictors = np.empty((channels, records), np.int64)
    first_k = np.empty_like(predictors)
    first = np.empty_like(predictors)
    for channel in range(channels):
        both = bits.take(here, np.full(records, _PREDICTOR_BITS + _K_BITS))
        here = here + _PREDICTOR_BITS + _K_BITS
        predictors[channel], first_k[channel] = both >> _K_BITS, both & (1 << _K_BITS) - 1
        first[channel] = _unfold(bits.take(here, width))
        here = here + width
    quotients, changes, here = _unary_part(bits, here, count, channels)
    ks = np.cumsum(np.concatenate([first_k.T[..., None], _unfold(changes)], axis=2), axis=2)
    if (ks >> _K_BITS != 0).any():
        raise MessageError("rice", f"more than {(1 << _K_BITS) - 1} bits as they are")
    k_of_each = np.repeat(ks, _GROUP, axis=2)[:, :, 1:count]
    places = np.cumsum(k_of_each.reshape(records, -1), axis=1).reshape(k_of_each.shape)
    places += here[:, None, None] - k_of_each
    if (
        (places[:, -1, -1] + k_of_each[:, -1, -1] > bits.ends).any()
        if count > 1
        else (here > bits.ends).any()
    ):
        raise MessageError("rice", "a record ends before its samples")
    missed = _unfold(quotients << k_of_each | bits.take(places, k_of_each))
    values = _predict(missed.transpose(2, 1, 0), first, predictors)
    if _too_large(values):
        raise MessageError("rice", f"a value needs more than {VALUE_BITS} bits")
    return values.transpose(2, 0, 1).astype(np.int32)


def _unary_part(bits: _Bits, here: Int64, count: int, channels: int) -> tuple[Int64, Int64, Int64]:
    """The numbers in unary: quotients [records, channels, count - 1], changes of k [.., .., groups - 1]; its end."""
    groups = -(-count // _GROUP)
    each = count - 1 + groups - 1
    ones = bits.ones()
    which = np.searchsorted(ones, here)[:, None] + np.arange(channels * each)
    if which.size and (which[:, -1] >= len(ones)).any():
        raise MessageError("rice", "a record ends before its samples")
    places = np.concatenate([here[:, None] - 1, ones[which]], axis=1)
    if (places[:, -1] >= bits.ends).any():
        raise MessageError("rice", "a record ends before its samples")
    numbers = (np.diff(places, axis=1) - 1).reshape(len(here), channels, each)
    # A change of k stands before its group.
    is_change = np.zeros(each, bool)
    is_change[_GROUP - 1 :: _GROUP + 1] = True
    return numbers[:, :, ~is_change], numbers[:, :, is_change], places[:, -1] + 1


def _predict(missed: Int64, first: Int64, predictors: Int64) -> Int64:
    """The samples [count, channels, records] of by how much each but the first was missed."""
    steps = _steps(missed.astype(np.int32), predictors)
    # Half the numbers' size, twice the speed: nothing ran over if all stayed this far from it.
    if _reaches(missed) or _reaches(steps):
        steps = _steps(missed, predictors)
    return np.cumsum(np.concatenate([first[None], steps]), axis=0)


def _reaches(numbers: NDArray[np.integer]) -> bool:
    return bool(numbers.size) and not -_SAFE < numbers.min() <= numbers.max() < _SAFE


def _steps(missed: NDArray[Any], predictors: Int64) -> NDArray[Any]:
    """The differences from sample to sample, in integers of the size that is given."""
    taps = _TAPS[predictors].transpose(2, 0, 1).astype(missed.dtype, order="C")
    steps = np.zeros((len(missed) + 4, *missed.shape[1:]), missed.dtype)
    expected, part = np.empty_like(steps[0]), np.empty_like(steps[0])
    for index in range(len(missed)):
        np.multiply(taps[0], steps[index + 3], out=expected)
        for tap in range(1, 4):
            np.multiply(taps[tap], steps[index + 3 - tap], out=part)
            expected += part
        expected += 16
        expected >>= 5
        np.add(expected, missed[index], out=steps[index + 4])
    return steps[4:]
