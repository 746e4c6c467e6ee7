"""The inner side of the virtual board: one channel to the rig that carries clock, sensor bus and serial line.

Every exchange is a numbered, time-stamped request and its answer (vigie_rig/channel.py holds the other half).
Nothing here allocates once imported, so that the firmware can be watched under heap_lock.
"""

import os
from utime import ticks_us as _real_us

import uctypes

_from_rig, _to_rig = (open(int(number), "r+b", 0) for number in os.getenv("VIGIE_CHANNEL").split())
_HEAD = 16
small = bytearray(16 + 16)
"""A request: its head, and from byte 16 on the beginning of its payload, up to 16 bytes; one write takes it all."""
_fields = uctypes.struct(
    uctypes.addressof(small),
    {
        "number": 0 | uctypes.UINT32,
        "time_us": 4 | uctypes.UINT64,
        "kind": 12 | uctypes.UINT8,
        "argument": 13 | uctypes.UINT8,
        "count": 14 | uctypes.UINT16,
    },
    uctypes.LITTLE_ENDIAN,
)
body = uctypes.struct(
    uctypes.addressof(small) + _HEAD,
    {"u64": 0 | uctypes.UINT64, "u32": 0 | uctypes.UINT32, "u16": 0 | uctypes.UINT16, "u16_at_4": 4 | uctypes.UINT16},
    uctypes.LITTLE_ENDIAN,
)
_answer = bytearray(_HEAD)
_answered = uctypes.struct(
    uctypes.addressof(_answer),
    {
        "number": 0 | uctypes.UINT32,
        "time_us": 4 | uctypes.UINT64,
        "argument": 13 | uctypes.UINT8,
        "count": 14 | uctypes.UINT16,
    },
    uctypes.LITTLE_ENDIAN,
)
_edges = bytearray(64)
_handlers = {}
_number = 0
_now_us = 0
_virtual = True
_exchanged_us = 0
argument = 0

HELLO = 1
SLEEP = 2
BUS_READ = 3
BUS_WRITE = 4
SERIAL_READ = 5
SERIAL_WRITE = 6
INTERRUPTS = 7

FLASH_INFO = 8
FLASH_READ = 9
FLASH_PROGRAM = 10
FLASH_ERASE = 11
PIN_READ = 12
PIN_WRITE = 13
PIN_EDGES = 14

INPUT = 1
INTERRUPT = 2
PIN = 4


def now_us():
    """Board time: that of the last exchange, and what passed since; virtual, a microsecond for every look at it."""
    global _now_us
    if _virtual:
        _now_us += 1
        return _now_us
    return _now_us + _real_us() - _exchanged_us


def request(kind, arg, count, payload=None, more=0, offset=0):
    """Send a request whose payload is `count` bytes of `small` from 16 on, then `more` bytes of `payload` from `offset`.

    Return the length of the answer's payload, which the caller reads.
    """
    global _number, _now_us, _exchanged_us, argument
    _number += 1
    number = _number
    fields = _fields
    fields.number = number
    fields.time_us = now_us()
    fields.kind = kind
    fields.argument = arg
    fields.count = count + more
    _to_rig.write(small, 0, _HEAD + count)
    if more:
        _to_rig.write(payload, offset, more)
    while True:
        if not _from_rig.readinto(_answer):
            raise SystemExit  # the rig is gone
        count = _answered.count
        if _answered.number == number:
            break
        # The answer to a request that an interrupt cut off.
        while count:
            count -= _from_rig.readinto(_edges, min(count, 64))
    _now_us = _answered.time_us
    if not _virtual:
        _exchanged_us = _real_us()
    argument = _answered.argument
    return count


def answer_into(buffer, count):
    """Read the answer's payload of `count` bytes into the start of `buffer`."""
    _from_rig.readinto(buffer, count)


def sleep_until_us(until_us, wake_on_input):
    """Give the processor back until that time, or until serial input or an edge comes; raise KeyboardInterrupt on ctrl-C.

    Return why it ended: 0 for its time.
    """
    body.u64 = max(until_us, 0)
    count = request(SLEEP, wake_on_input, 8)
    why = argument
    if count:
        _from_rig.readinto(_edges, count)
        for at in range(0, count, 2):
            handler = _handlers.get(_edges[at])
            if handler:
                handler(_edges[at + 1])
    if why & INTERRUPT:
        raise KeyboardInterrupt
    return why


def random24():
    """The next of a row of random numbers that begins with the boot's."""
    global _random
    _random = (_random * 1103515245 + 12345) & 0x7FFFFFFF
    return _random >> 7


def _hello():
    global _virtual, _exchanged_us
    count = request(HELLO, 0, 0)
    _exchanged_us = _real_us()
    import struct

    info = bytearray(count)
    answer_into(info, count)
    _virtual = bool(argument)
    return struct.unpack("<8sIBQ", info)


unique_id, _random, reset_cause, boot_us = _hello()
boot_us -= boot_us % 1000
"""Board time at which the ticks were 0, in whole milliseconds."""
