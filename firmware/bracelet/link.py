"""The link to the host over any serial line: sends frames, never waits, never holds more than one back.

While the line is full the frame in hand waits and `busy` is true; whoever samples leaves its samples in the
sensor's FIFO then, where an overflow is counted, so nothing is lost unseen.
"""

from micropython import const

from bracelet.framing import BODY_AT, BUFFER_BYTES, cover

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import TypeVarTuple, Unpack

    from roles import Bytes, CrcInto, Serial

    Fields = TypeVarTuple("Fields")


class Link:
    """Frames out over a stream with MicroPython's write(buffer, offset, count)."""

    def __init__(self, serial: "Serial", crc_into: "CrcInto") -> None:
        self.serial = serial
        self.crc_into = crc_into
        self.frames_sent = 0
        self._sequence = 0
        self._waiting: bytearray | None = None
        self._at = 0
        self._end = 0
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)

    @property
    def busy(self) -> bool:
        """Whether a frame still waits for the line."""
        return self._waiting is not None

    def pump(self) -> bool:
        """Hand what waits to the line; return whether all is gone."""
        if self._waiting is None:
            return True
        taken = self.serial.write(self._waiting, self._at, self._end - self._at)
        self._at += taken or 0
        if self._at >= self._end:
            self._waiting = None
            return True
        return False

    def send(self, buffer: bytearray, view: memoryview, end: int) -> None:
        """Send the frame whose kind and body stand in buffer[1:end]; `view` is memoryview(buffer)[1:end].

        The buffer belongs to the link until `busy` is false. Not while busy.
        """
        buffer[2] = self._sequence & 0xFF
        buffer[3] = self._sequence >> 8
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.frames_sent = (self.frames_sent + 1) & 0x3FFFFFFF
        self.crc_into(view, buffer, end)
        cover(buffer, end + 4)
        self._waiting = buffer
        self._at = 0
        self._end = end + 5
        self.pump()

    def send_message(
        self,
        kind: int,
        pack: "Callable[[bytearray, int, Unpack[Fields]], int]",
        *fields: "Unpack[Fields]",
        tail: "Bytes" = b"",
    ) -> None:
        """Send a message that is not made while sampling. Not while busy."""
        buffer = self._buffer
        buffer[1] = kind
        end = pack(buffer, BODY_AT, *fields)
        tail = tail[: BUFFER_BYTES - 5 - end]
        buffer[end : end + len(tail)] = tail
        end += len(tail)
        self.send(buffer, self._view[1:end], end)
