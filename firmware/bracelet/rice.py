"""Packs samples without loss: the smallest difference of order 0 to 3, in Rice code. docs/blocks.md has the format.

A block of one channel is packed at a time, by integers alone; `vigie_protocol.rice` unpacks whole days of them.
"""

_TYPING = 0
if _TYPING:
    from array import array


def pack(values: "array[int]", count: int, channels: int, out: bytearray, at: int, end: int) -> int:
    """Pack `count` samples of each channel, which stand one sample after the other; return the end, -1: no room."""
    raise NotImplementedError
