"""Blocks of samples decoded in bulk into NumPy arrays.

construct stays the readable truth, and the oracle of the tests; this is the fast way for the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie_protocol.definition import Message
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import AccelerometerBlock, PpgBlock

TICKS_MODULUS_US: Final = 1 << 30


def _head_dtype(kind: type[Message]) -> np.dtype[np.void]:
    formats = {"B": "u1", "H": "<u2", "I": "<u4", "b": "i1", "h": "<i2", "i": "<i4"}
    return np.dtype([(field.name, formats[field.format]) for field in kind.FIELDS if not field.is_tail])


_PPG_HEAD: Final = _head_dtype(PpgBlock)
_PPG_BITS: Final = next(field.wire.bits for field in PpgBlock.FIELDS if field.is_tail) or 24
_ACC_HEAD: Final = _head_dtype(AccelerometerBlock)


@dataclasses.dataclass(frozen=True, eq=False)
class Blocks:
    """Many blocks of one stream.

    Attributes:
        heads: structured array [blocks] with the fields of the message's head.
        counts: samples in each block [blocks].
        samples: PPG int32 [samples, channels] in counts; accelerometer int16 [samples, 3] in counts.
    """

    heads: NDArray[np.void]
    counts: NDArray[np.int64]
    samples: NDArray[Any]

    @property
    def ticks_us(self) -> NDArray[np.int64]:
        """Microseconds since boot at which each block was read, wraps taken into account."""
        epochs: NDArray[np.int64] = self.heads["epoch"].astype(np.int64)
        ticks: NDArray[np.int64] = self.heads["ticks_us"].astype(np.int64)
        return epochs * TICKS_MODULUS_US + ticks


def _split(
    kind: type[Message], head: np.dtype[np.void], bodies: Sequence[bytes]
) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.uint8]]:
    """Heads, byte counts of the tails, and all tails one after the other."""
    heads, tail_bytes, tails = _cut(kind, head, bodies)
    for field in kind.FIELDS:
        if field.wire.bits is not None and not field.is_tail and (heads[field.name] >> field.wire.bits).any():
            raise MessageError(kind.__name__, f"a {field.name} needs more than {field.wire.bits} bits")
    return heads, tail_bytes, tails


def _cut(
    kind: type[Message], head: np.dtype[np.void], bodies: Sequence[bytes]
) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.uint8]]:
    lengths = np.fromiter(map(len, bodies), np.int64, len(bodies))
    if len(bodies) and lengths.min() < head.itemsize:
        raise MessageError(
            kind.__name__, f"{lengths.min()} bytes are shorter than its head of {head.itemsize}"
        )
    joined = np.frombuffer(b"".join(bodies), np.uint8)
    if len(bodies) and (lengths == lengths[0]).all():
        table = joined.reshape(len(bodies), lengths[0])
        heads = np.ascontiguousarray(table[:, : head.itemsize]).view(head)[:, 0]
        return heads, lengths - head.itemsize, table[:, head.itemsize :].reshape(-1)
    starts = np.cumsum(lengths) - lengths
    in_head = starts[:, None] + np.arange(head.itemsize)
    heads = joined[in_head].view(head)[:, 0] if len(bodies) else np.zeros(0, head)
    in_tail = np.ones(len(joined), bool)
    in_tail[in_head.reshape(-1)] = False
    return heads, lengths - head.itemsize, joined[in_tail]


def decode_ppg_blocks(bodies: Sequence[bytes]) -> Blocks:
    """Decode the bodies of many PpgBlock messages at once; all of one channel count.

    Raises:
        MessageError: A body is shorter than its head, not a whole number of samples, or a field out of its bounds;
            or the channels differ.
    """
    heads, tail_bytes, tails = _split(PpgBlock, _PPG_HEAD, bodies)
    channels = int(heads["channels"][0]) if len(heads) else 1
    if not 1 <= channels <= 3 or (heads["channels"] != channels).any():
        raise MessageError(
            "PpgBlock",
            f"channel counts {sorted(set(heads['channels'].tolist()))}: one count of 1 to 3 at a time",
        )
    if (tail_bytes % (3 * channels)).any():
        raise MessageError("PpgBlock", f"a tail is not a whole number of samples of {channels} channels")
    # Three big-endian bytes are the low bytes of a big-endian word that begins one byte earlier.
    padded = np.empty(len(tails) + 1, np.uint8)
    padded[0] = 0
    padded[1:] = tails
    words = np.ndarray((len(tails) // 3,), ">u4", padded, strides=(3,))
    counts = words.astype(np.int32)
    counts &= 0xFFFFFF
    if len(counts) and counts.max() >> _PPG_BITS:
        raise MessageError("PpgBlock", f"a sample of {counts.max()} needs more than {_PPG_BITS} bits")
    return Blocks(heads, tail_bytes // (3 * channels), counts.reshape(-1, channels))


def decode_accelerometer_blocks(bodies: Sequence[bytes]) -> Blocks:
    """Decode the bodies of many AccelerometerBlock messages at once.

    Raises:
        MessageError: A body is shorter than its head, not a whole number of samples, or a field out of its bounds.
    """
    heads, tail_bytes, tails = _split(AccelerometerBlock, _ACC_HEAD, bodies)
    if (tail_bytes % 6).any():
        raise MessageError("AccelerometerBlock", "a tail is not a whole number of samples of 6 bytes")
    return Blocks(heads, tail_bytes // 6, tails.view("<i2").reshape(-1, 3))
