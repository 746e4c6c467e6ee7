"""`time` of the virtual board: the same module, on the board's clock. Microseconds wrap as on a 32-bit board."""

from utime import *  # noqa: F403

import _channel

_FOREVER_US = 1 << 62


def ticks_us():
    return _channel.now_us() - _channel.boot_us & 0x3FFFFFFF


def ticks_ms():
    return (_channel.now_us() - _channel.boot_us) // 1000


def ticks_cpu():
    return ticks_us()


def sleep_us(us):
    if us > 0:
        until_us = _channel.now_us() + us
        while _channel.sleep_until_us(until_us, 0):  # woken by an edge
            pass


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1000000))
