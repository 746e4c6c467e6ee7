"""Packs samples without loss: one of sixteen linear predictors, and what it misses in Rice code.

One record is packed at a time, by integers alone. docs/blocks.md has the format; `vigie_protocol.rice` unpacks whole
days of them.
"""

from micropython import const

_PREDICTORS = const(16)
_PREDICTOR_BITS = const(4)
_K_BITS = const(5)
_WIDTH_BITS = const(5)
_GROUP = const(16)
_MOST_CHANNELS = const(4)

_TYPING = const(0)
if _TYPING:
    from array import array

# Four taps each, 32nds plus 128: how much of each of the last four differences is expected again.
TAPS = (
    b"\x81\x7c\x7e\x7e\xe0\x0a\xc7\x6e\x93\x72\x84\x7c\xa2\x71\x83\x7e"
    b"\x6f\x71\x77\x7c\xcb\x53\x75\x8d\x9d\x83\x7c\x7b\x8f\x84\x80\x7e"
    b"\x7e\x86\x88\x86\xa9\x79\x7e\x7b\xb4\x6e\x74\x86\x8d\x90\x84\x7b"
    b"\x96\x9a\x7d\x71\xaa\x84\x71\x81\xd0\x3b\x93\x81\x9c\x82\x90\x6b"
)

# The only memory that packing needs.
_missed = [0] * _GROUP
_chosen = [0] * (2 * _MOST_CHANNELS)
_measured = [0, 0]


def pack(values: "array[int]", count: int, channels: int, out: bytearray, at: int, end: int) -> int:
    """Pack `count` samples of each channel, which stand one sample after the other; return the end.

    Where there is no room: less than 0, minus the bytes that it would take, and nothing is written.

    One to four channels of up to 24 bits with their sign, one sample or more. Steps above 21 bits take heap.
    """
    width = 0
    for channel in range(channels):
        first = _folded(values[channel])
        while first >> width:
            width += 1
    here = 8 * at
    unary = here + _WIDTH_BITS + channels * (_PREDICTOR_BITS + _K_BITS + width)
    remainders = unary
    past = unary
    for channel in range(channels):
        least = 0x3FFFFFFF
        unary_bits = 0
        for predictor in range(_PREDICTORS):
            bits = _measure(values, count, channels, channel, predictor, least)
            if bits < least:
                least = bits
                _chosen[2 * channel] = predictor
                _chosen[2 * channel + 1] = _measured[0]
                unary_bits = _measured[1]
        remainders += unary_bits
        past += least
    past = (past + 7) >> 3
    if past > end:
        return at - past
    for index in range(at, past):
        out[index] = 0
    here = _put(out, here, width, _WIDTH_BITS)
    for channel in range(channels):
        here = _put(out, here, _chosen[2 * channel], _PREDICTOR_BITS)
        here = _put(out, here, _chosen[2 * channel + 1], _K_BITS)
        here = _put(out, here, _folded(values[channel]), width)
    for channel in range(channels):
        before = _chosen[2 * channel + 1]
        index = 1
        while index < count:
            size = min(count, (index | (_GROUP - 1)) + 1) - index
            k = _k(_miss(values, index, size, channels, channel, _chosen[2 * channel]), size)
            if index > 1:
                unary = _one(out, unary + _folded(k - before))
            before = k
            mask = (1 << k) - 1
            for place in range(size):
                missed = _missed[place]
                unary = _one(out, unary + (missed >> k))
                remainders = _put(out, remainders, missed & mask, k)
            index += size
    return past


def _measure(
    values: "array[int]", count: int, channels: int, channel: int, predictor: int, limit: int
) -> int:
    """How many bits a channel takes, or `limit` if not less; puts the first k and the unary bits into `_measured`."""
    unary = remainders = first_k = before = 0
    index = 1
    while index < count:
        size = min(count, (index | (_GROUP - 1)) + 1) - index
        k = _k(_miss(values, index, size, channels, channel, predictor), size)
        if index == 1:
            first_k = k
        else:
            unary += _folded(k - before) + 1
        before = k
        for place in range(size):
            unary += _missed[place] >> k
        unary += size
        remainders += size * k
        if unary + remainders >= limit:
            return limit
        index += size
    _measured[0] = first_k
    _measured[1] = unary
    return unary + remainders


def _miss(values: "array[int]", index: int, size: int, channels: int, channel: int, predictor: int) -> int:
    """Put into `_missed` by how much a predictor misses the samples from `index` on, folded; return their sum."""
    missed = _missed
    tap = 4 * predictor
    tap_1 = TAPS[tap] - 128
    tap_2 = TAPS[tap + 1] - 128
    tap_3 = TAPS[tap + 2] - 128
    tap_4 = TAPS[tap + 3] - 128
    at = index * channels + channel
    last = values[at - channels]
    # Before the first sample nothing had moved.
    before = values[max(channel, at - 2 * channels)]
    step_1 = last - before
    after = before
    before = values[max(channel, at - 3 * channels)]
    step_2 = after - before
    after = before
    before = values[max(channel, at - 4 * channels)]
    step_3 = after - before
    step_4 = before - values[max(channel, at - 5 * channels)]
    total = 0
    for place in range(size):
        value = values[at]
        at += channels
        step = value - last
        last = value
        rest = step - ((tap_1 * step_1 + tap_2 * step_2 + tap_3 * step_3 + tap_4 * step_4 + 16) >> 5)
        step_4 = step_3
        step_3 = step_2
        step_2 = step_1
        step_1 = step
        rest = rest + rest if rest >= 0 else -1 - rest - rest
        missed[place] = rest
        total += rest
    return total


def _k(total: int, size: int) -> int:
    """How many bits of each go as they are, if `size` numbers have this sum."""
    k = 0
    size += size
    while total >= size:
        size += size
        k += 1
    return k


def _folded(value: int) -> int:
    return -1 - value - value if value < 0 else value + value


def _one(out: bytearray, here: int) -> int:
    """Set the bit at `here`; return the place behind it."""
    out[here >> 3] |= 128 >> (here & 7)
    return here + 1


def _put(out: bytearray, here: int, value: int, bits: int) -> int:
    """Write so many bits of a value at bit `here`, into zeros; return the place behind them."""
    while bits:
        room = 8 - (here & 7)
        if bits <= room:
            out[here >> 3] |= value << (room - bits)
            return here + bits
        bits -= room
        out[here >> 3] |= value >> bits
        value &= (1 << bits) - 1
        here += room
    return here
