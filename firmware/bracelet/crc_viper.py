"""CRC-32 in machine words, for 32-bit boards: binascii.crc32 would allocate a big integer for every frame.

Only for targets with a native emitter; compiled with the -march of the board.
"""

from array import array

import micropython


def _table() -> "array[int]":
    table = array("I", bytes(64))
    for value in range(16):
        crc = value
        for _ in range(4):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
        table[value] = crc
    return table


_TABLE = _table()
_COUNT = bytearray(4)


@micropython.viper
def _crc_into(view: ptr8, count: int, table: ptr32, out: ptr8):  # noqa: F821
    # One by one: of a tuple viper would make objects.
    low = 0xFFFF
    high = 0xFFFF
    at = 0
    while at < count:
        low ^= view[at]
        turn = 0
        while turn < 2:
            entry = int(table[low & 15])
            low = ((low >> 4) | ((high & 15) << 12)) ^ (entry & 0xFFFF)
            high = (high >> 4) ^ ((entry >> 16) & 0xFFFF)
            turn += 1
        at += 1
    low ^= 0xFFFF
    high ^= 0xFFFF
    out[0] = low
    out[1] = low >> 8
    out[2] = high
    out[3] = high >> 8


def crc_into(view: memoryview, buffer: bytearray, at: int) -> None:
    """Write the CRC-32 of `view` into four bytes of `buffer`."""
    # viper makes the pointers of the buffers.
    _crc_into(view, len(view), _TABLE, _COUNT)  # pyright: ignore[reportArgumentType]
    buffer[at] = _COUNT[0]
    buffer[at + 1] = _COUNT[1]
    buffer[at + 2] = _COUNT[2]
    buffer[at + 3] = _COUNT[3]
