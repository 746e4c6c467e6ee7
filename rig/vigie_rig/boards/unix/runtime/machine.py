"""`machine` of the virtual board: a bus with modelled sensors, and the serial line that is also the prompt's."""

from umachine import *  # noqa: F403

import io
import sys

import _channel

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


def unique_id():
    return _channel.unique_id


def rng():
    """A random number of 24 bits; the same ones for the same seed of the rig."""
    return _channel.random24()


def reset_cause():
    return _channel.reset_cause


def reset():
    sys.exit(77)


def soft_reset():
    sys.exit(76)


class I2C:
    """machine.I2C, the part that register devices use."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000):
        self._register = bytearray(3)
        self._written = bytearray(64)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        count = len(buf)
        register = self._register
        register[0] = memaddr
        register[1] = count & 0xFF
        register[2] = count >> 8
        count = _channel.request(_channel.BUS_READ, addr, register, 3)
        if _channel.argument:
            raise OSError(19)
        _channel.answer_into(buf, count)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        data = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, data)
        return bytes(data)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        written = self._written
        count = len(buf)
        written[0] = memaddr
        for at in range(count):
            written[at + 1] = buf[at]
        _channel.request(_channel.BUS_WRITE, addr, written, count + 1)
        if _channel.argument:
            raise OSError(19)

    def scan(self):
        found = []
        probe = bytearray(1)
        for address in range(8, 120):
            try:
                self.readfrom_mem_into(address, 0, probe)
                found.append(address)
            except OSError:
                pass
        return found


class UART(io.IOBase):
    """machine.UART(0): the board's only serial line. While it is open, ctrl-C is data."""

    def __init__(self, id=0, baudrate=115200, **_):
        self._count = bytearray(2)
        _channel.request(_channel.INTERRUPTS, 0, self._count, 0)

    def deinit(self):
        _channel.request(_channel.INTERRUPTS, 1, self._count, 0)

    def readinto(self, buf, nbytes=None):
        count = len(buf) if nbytes is None else nbytes
        self._count[0] = count & 0xFF
        self._count[1] = count >> 8
        count = _channel.request(_channel.SERIAL_READ, 0, self._count, 2)
        if not count:
            return None
        _channel.answer_into(buf, count)
        return count

    def read(self, nbytes=256):
        data = bytearray(nbytes)
        count = self.readinto(data)
        return None if count is None else bytes(data[:count])

    def write(self, buf, offset=0, count=None):
        """Return how many bytes the line took: fewer than given when its buffer is full."""
        _channel.request(_channel.SERIAL_WRITE, 0, buf, len(buf) - offset if count is None else count, offset)
        _channel.answer_into(self._count, 2)
        return self._count[0] | self._count[1] << 8

    def ioctl(self, request, argument):
        return 0
