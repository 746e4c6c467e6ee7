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
        self._id = id

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        small = _channel.small
        count = len(buf)
        small[16] = memaddr
        small[17] = count & 0xFF
        small[18] = count >> 8
        count = _channel.request(_channel.BUS_READ, addr, 3)
        if _channel.argument:
            raise OSError(19)
        _channel.answer_into(buf, count)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        data = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, data)
        return bytes(data)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        small = _channel.small
        count = len(buf)
        small[16] = memaddr
        if count < 16:
            for at in range(count):
                small[17 + at] = buf[at]
            _channel.request(_channel.BUS_WRITE, addr, 1 + count)
        else:
            _channel.request(_channel.BUS_WRITE, addr, 1, buf, count)
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
        _channel.request(_channel.INTERRUPTS, 0, 0)

    def deinit(self):
        _channel.request(_channel.INTERRUPTS, 1, 0)

    def readinto(self, buf, nbytes=None):
        _channel.body.u16 = len(buf) if nbytes is None else nbytes
        count = _channel.request(_channel.SERIAL_READ, 0, 2)
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
        _channel.request(_channel.SERIAL_WRITE, 0, 0, buf, len(buf) - offset if count is None else count, offset)
        _channel.answer_into(self._count, 2)
        return self._count[0] | self._count[1] << 8

    def ioctl(self, request, argument):
        return 0


class Flash:
    """The board's flash: NOR, of which a program only clears bits. The processor stands still while it works.

    The virtual board's own, for MicroPython's ports have it in other modules (rp2.Flash, esp32.Partition). No verb
    allocates.
    """

    def __init__(self, id=0):
        count = _channel.request(_channel.FLASH_INFO, id, 0)
        if _channel.argument:
            raise OSError(19)
        geometry = bytearray(count)
        _channel.answer_into(geometry, count)
        self.size_bytes = int.from_bytes(geometry[:4], "little")
        self.sector_bytes = int.from_bytes(geometry[4:8], "little")

    def read_into(self, at, buffer):
        """Read len(buffer) bytes from `at` on."""
        count = len(buffer)
        _channel.body.u32 = at
        _channel.body.u16_at_4 = count
        count = _channel.request(_channel.FLASH_READ, 0, 6)
        if _channel.argument:
            raise OSError(22)
        _channel.answer_into(buffer, count)

    def program(self, at, buffer):
        """Clear the bits that are 0 in the buffer; it may cross pages."""
        _channel.body.u32 = at
        _channel.request(_channel.FLASH_PROGRAM, 0, 4, buffer, len(buffer))
        if _channel.argument:
            raise OSError(22)

    def erase(self, at):
        """Set all bits of the sector that begins at `at`."""
        _channel.body.u32 = at
        _channel.request(_channel.FLASH_ERASE, 0, 4)
        if _channel.argument:
            raise OSError(22)


class Pin:
    """machine.Pin, the part that buttons and motors use. A handler runs when the board sleeps, not in mid-computation."""

    IN = 0
    OUT = 1
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=IN, pull=None, *, value=None):
        self._id = id
        self._edge = 0
        self.init(mode, pull, value=value)

    def init(self, mode=IN, pull=None, *, value=None):
        if mode == Pin.OUT:
            self.value(value or 0)

    def value(self, level=None):
        if level is None:
            _channel.request(_channel.PIN_READ, self._id, 0)
            return _channel.argument
        _channel.small[16] = 1 if level else 0
        _channel.request(_channel.PIN_WRITE, self._id, 1)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, *, hard=False):
        def edge(direction):
            handler(self)

        if handler is None:
            _channel._handlers.pop(self._id, None)
            trigger = 0
        else:
            _channel._handlers[self._id] = edge
        _channel.small[16] = trigger
        _channel.request(_channel.PIN_EDGES, self._id, 1)
