"""Frames on the device: made in place, without allocating; found in whatever the line brings.

A frame stands in its buffer from byte 1 on: kind, sequence, body, CRC. Byte 0 is for COBS, which below 254 bytes
is one byte in front and a new value for each zero. docs/protocol.md has the format.
"""

from micropython import const

from bracelet import codec

HEAD_BYTES = const(3)
BODY_AT = const(4)
"""Where the body begins in a frame's buffer."""
_LARGEST = const(242)
BUFFER_BYTES = const(244)

_TYPING = const(0)
if _TYPING:
    from roles import CrcInto, Take


def cover(buffer: bytearray, end: int) -> None:
    """COBS in place: buffer[1:end] loses its zeros, buffer[end] becomes the closing one."""
    at = 0
    zero = buffer.find(b"\x00", 1, end)
    while zero >= 0:
        buffer[at] = zero - at
        at = zero
        zero = buffer.find(b"\x00", at + 1, end)
    buffer[at] = end - at
    buffer[end] = 0


def uncover(buffer: bytearray, end: int) -> bool:
    """Undo COBS in place for buffer[0:end], zero excluded; return False if it is none."""
    at = 0
    while at < end:
        step = buffer[at]
        if step == 0 or at + step > end:
            return False
        buffer[at] = 0
        at += step
    return True


class Interrupt(Exception):
    """The host wants the MicroPython prompt: where a frame begins stood return and ctrl-C, or ctrl-C three times."""


class Deframer:
    """Finds frames in the bytes of the line; never holds more than one."""

    def __init__(self, crc_into: "CrcInto", interrupts: bool = True) -> None:
        """`interrupts`: whether ctrl-C is heard; else it is one more byte."""
        self.frames_bad = 0
        self._interrupts = interrupts
        self._crc_into = crc_into
        self._crc = bytearray(4)
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._count = 0
        self._skipping = False

    def forget(self) -> None:
        """Begin anew after a silence: what was half received will not be finished."""
        if self._count:
            self.frames_bad = (self.frames_bad + 1) & 0xFFFF
        self._count = 0
        self._skipping = False

    def feed(self, data: bytes | bytearray, count: int, take: "Take") -> None:
        """Take the first `count` bytes; call take(kind, sequence, buffer, at, end) for each whole frame."""
        buffer = self._buffer
        for at in range(count):
            byte = data[at]
            if byte:
                if self._skipping:
                    continue
                if (
                    byte == 3
                    and self._interrupts
                    and (
                        (self._count == 1 and buffer[0] == 13)
                        or (self._count == 2 and buffer[0] == 3 and buffer[1] == 3)
                    )
                ):
                    self._count = 0
                    raise Interrupt
                if self._count == BUFFER_BYTES - 1:
                    self.forget()
                    self._skipping = True
                    continue
                buffer[self._count] = byte
                self._count += 1
            else:
                end = self._count
                self._count = 0
                if self._skipping:
                    self._skipping = False
                elif end and not self._taken(buffer, end, take):
                    self.frames_bad = (self.frames_bad + 1) & 0xFFFF

    def _taken(self, buffer: bytearray, end: int, take: "Take") -> bool:
        if end < HEAD_BYTES + 5 or not uncover(buffer, end):
            return False
        end -= 4
        self._crc_into(self._view[1:end], self._crc, 0)
        for at in range(4):
            if self._crc[at] != buffer[end + at]:
                return False
        take(buffer[1], buffer[2] | buffer[3] << 8, buffer, BODY_AT, end)
        return True


assert codec.MAX_FRAME_BYTES == _LARGEST
