"""The inner side of the virtual board: one channel to the rig that carries clock, sensor bus and serial line.

Every exchange is a numbered, time-stamped request and its answer (vigie_rig/channel.py holds the other half).
Nothing here allocates once imported, so that the firmware can be watched under heap_lock.
"""

import os
from utime import ticks_us as _real_us

import uctypes

_file = open(int(os.getenv("VIGIE_CHANNEL")), "r+b", 0)
_head = bytearray(16)
_fields = uctypes.struct(
    uctypes.addressof(_head),
    {
        "number": 0 | uctypes.UINT32,
        "time_us": 4 | uctypes.UINT64,
        "kind": 12 | uctypes.UINT8,
        "argument": 13 | uctypes.UINT8,
        "count": 14 | uctypes.UINT16,
    },
    uctypes.LITTLE_ENDIAN,
)
_small = bytearray(12)
_until = uctypes.struct(uctypes.addressof(_small), {"us": 0 | uctypes.UINT64}, uctypes.LITTLE_ENDIAN)
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

INPUT = 1
INTERRUPT = 2


def now_us():
    """Board time: that of the last exchange, and what passed since; virtual, a microsecond for every look at it."""
    global _now_us
    if _virtual:
        _now_us += 1
        return _now_us
    return _now_us + _real_us() - _exchanged_us


def request(kind, arg, payload, count, offset=0):
    """Send a request with `count` bytes of `payload` from `offset` on; return the length of the answer's payload."""
    global _number, _now_us, _exchanged_us, argument
    _number += 1
    number = _number
    _fields.number = number
    _fields.time_us = now_us()
    _fields.kind = kind
    _fields.argument = arg
    _fields.count = count
    _file.write(_head)
    if count:
        _file.write(payload, offset, count)
    while True:
        if not _file.readinto(_head):
            raise SystemExit  # the rig is gone
        count = _fields.count
        if _fields.number == number:
            break
        # The answer to a request that an interrupt cut off.
        while count:
            count -= _file.readinto(_small, min(count, 12))
    _now_us = _fields.time_us
    _exchanged_us = _real_us()
    argument = _fields.argument
    return count


def answer_into(buffer, count):
    """Read the answer's payload of `count` bytes into the start of `buffer`."""
    _file.readinto(buffer, count)


def sleep_until_us(until_us, wake_on_input):
    """Give the processor back until that time, or until serial input comes; raise KeyboardInterrupt on ctrl-C."""
    _until.us = max(until_us, 0)
    request(SLEEP, wake_on_input, _small, 8)
    if argument & INTERRUPT:
        raise KeyboardInterrupt
    return argument & INPUT


def random24():
    """The next of a row of random numbers that begins with the boot's."""
    global _random
    _random = (_random * 1103515245 + 12345) & 0x7FFFFFFF
    return _random >> 7


def _hello():
    global _virtual
    count = request(HELLO, 0, _small, 0)
    import struct

    info = bytearray(count)
    answer_into(info, count)
    _virtual = bool(argument)
    return struct.unpack("<8sIB", info)


unique_id, _random, reset_cause = _hello()
