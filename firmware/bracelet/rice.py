"""Packs samples without loss: the smallest difference of order 0 to 3, in Rice code. docs/blocks.md has the format.

One record is packed at a time, by integers alone; `vigie_protocol.rice` unpacks whole days of them.
"""

from micropython import const

_ORDER_BITS = const(2)
_K_BITS = const(5)
_WIDTH_BITS = const(5)

_TYPING = const(0)
if _TYPING:
    from array import array

# Per channel: the order, and what it is coded with.
_MOST_CHANNELS = const(4)
_CHOSEN = bytearray(2 * _MOST_CHANNELS)


def pack(values: "array[int]", count: int, channels: int, out: bytearray, at: int, end: int) -> int:
    """Pack `count` samples of each channel, which stand one sample after the other; return the end, -1: no room.

    Values of 30 bits, one to four channels, at least one sample.
    """
    width = 0
    for channel in range(channels):
        width = max(width, _bits(_folded(values[channel])))
    head = 8 * at + _WIDTH_BITS + channels * (_ORDER_BITS + _K_BITS + width)
    unary = head
    remainders = 0
    for channel in range(channels):
        order, total = _choose(values, count, channels, channel)
        k = 0
        while total >> (k + 1) >= count:
            k += 1
        _CHOSEN[2 * channel] = order
        _CHOSEN[2 * channel + 1] = k
        unary += _unary_bits(values, count, channels, channel, order, k)
        remainders += (count - 1) * k
    past = (unary + remainders + 7) >> 3
    if past > end:
        return -1
    for index in range(at, past):
        out[index] = 0
    here = _put(out, 8 * at, width, _WIDTH_BITS)
    for channel in range(channels):
        here = _put(out, here, _CHOSEN[2 * channel], _ORDER_BITS)
        here = _put(out, here, _CHOSEN[2 * channel + 1], _K_BITS)
        here = _put(out, here, _folded(values[channel]), width)
    for channel in range(channels):
        here, unary = _write(
            values, count, channels, channel, _CHOSEN[2 * channel], _CHOSEN[2 * channel + 1], out, here, unary
        )
    return past


def _folded(value: int) -> int:
    return -2 * value - 1 if value < 0 else 2 * value


def _bits(value: int) -> int:
    bits = 0
    while value:
        value >>= 1
        bits += 1
    return bits


def _put(out: bytearray, here: int, value: int, bits: int) -> int:
    """Write so many bits of a value at bit `here` of what is zero; return where the next goes."""
    while bits:
        room = 8 - (here & 7)
        if bits <= room:
            out[here >> 3] |= (value << (room - bits)) & 0xFF
            return here + bits
        bits -= room
        out[here >> 3] |= value >> bits
        value &= (1 << bits) - 1
        here += room
    return here


def _choose(values: "array[int]", count: int, channels: int, channel: int) -> "tuple[int, int]":
    """The order of difference with the smallest sum of what is to be coded, and this sum."""
    last = values[channel]
    last_1 = last_2 = 0
    sum_0 = sum_1 = sum_2 = sum_3 = 0
    for index in range(1, count):
        value = values[index * channels + channel]
        one = value - last
        two = one - last_1 if index > 1 else one
        three = two - last_2 if index > 2 else two
        sum_0 += value if value >= 0 else -value
        sum_1 += one if one >= 0 else -one
        sum_2 += two if two >= 0 else -two
        sum_3 += three if three >= 0 else -three
        last = value
        last_1 = one
        last_2 = two
    order = 0
    total = sum_0
    if sum_1 < total:
        order = 1
        total = sum_1
    if sum_2 < total:
        order = 2
        total = sum_2
    if sum_3 < total:
        order = 3
        total = sum_3
    return order, 2 * total


def _unary_bits(values: "array[int]", count: int, channels: int, channel: int, order: int, k: int) -> int:
    last = values[channel]
    last_1 = last_2 = 0
    bits = count - 1
    for index in range(1, count):
        rest = value = values[index * channels + channel]
        if order:
            one = rest = value - last
            last = value
            if order > 1:
                two = rest = one - last_1 if index > 1 else one
                last_1 = one
                if order > 2:
                    rest = two - last_2 if index > 2 else two
                    last_2 = two
        bits += (-2 * rest - 1 if rest < 0 else 2 * rest) >> k
    return bits


def _write(
    values: "array[int]",
    count: int,
    channels: int,
    channel: int,
    order: int,
    k: int,
    out: bytearray,
    unary: int,
    remainders: int,
) -> "tuple[int, int]":
    last = values[channel]
    last_1 = last_2 = 0
    for index in range(1, count):
        rest = value = values[index * channels + channel]
        if order:
            one = rest = value - last
            last = value
            if order > 1:
                two = rest = one - last_1 if index > 1 else one
                last_1 = one
                if order > 2:
                    rest = two - last_2 if index > 2 else two
                    last_2 = two
        rest = -2 * rest - 1 if rest < 0 else 2 * rest
        unary += rest >> k
        out[unary >> 3] |= 128 >> (unary & 7)
        unary += 1
        remainders = _put(out, remainders, rest & ((1 << k) - 1), k)
    return unary, remainders
