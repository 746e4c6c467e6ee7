"""The side channel between a virtual board and the rig: numbered, time-stamped requests and answers.

It carries the roles of the board that reach outside the processor: its clock, its sensor bus, its serial line, its
flash, its pins. Strictly one request, one answer. ``boards/unix/runtime/_channel.py`` is the board's half.
"""

from __future__ import annotations

import enum
import hashlib
import struct
from typing import Final, NamedTuple

_HEAD: Final = struct.Struct("<IQBBH")
HEAD_BYTES: Final = _HEAD.size
_HASH_BYTES: Final = 65536
"""So much is hashed at once: a hash costs as much for a few bytes as for a thousand."""


class Kind(enum.IntEnum):
    """What the board asks for."""

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


class Wake(enum.IntFlag):
    """Why a sleep ended."""

    TIME = 0
    INPUT = 1
    INTERRUPT = 2
    PIN = 4


class Request(NamedTuple):
    """One request of the board, and the bytes that it came in."""

    number: int
    time_us: int
    kind: int
    argument: int
    payload: bytes
    data: bytes


def encode_answer(request: Request, time_us: int, argument: int, payload: bytes) -> bytes:
    """Bytes that answer ``request`` at board time ``time_us``."""
    return _HEAD.pack(request.number, time_us, request.kind, argument, len(payload)) + payload


class RequestParser:
    """Finds requests in the bytes that the board sends."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pending = self._pending + data if self._pending else data

    def next(self) -> Request | None:
        """The next whole request, or None until more bytes come."""
        data = self._pending
        if len(data) < HEAD_BYTES:
            return None
        number, time_us, kind, argument, count = _HEAD.unpack_from(data)
        end = HEAD_BYTES + count
        if len(data) < end:
            return None
        self._pending = data[end:]
        return Request(number, time_us, kind, argument, data[HEAD_BYTES:end], data[:end])


class Transcript:
    """A running hash over every request and answer: two runs are the same if and only if theirs are."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self.messages = 0

    def add(self, request: Request, answer: bytes) -> None:
        """Count one exchange in."""
        self.messages += 1
        self._waiting += request.data
        self._waiting += answer
        if len(self._waiting) > _HASH_BYTES:
            self._hash_waiting()

    def _hash_waiting(self) -> None:
        self._hash.update(self._waiting)
        self._waiting.clear()

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        self._hash_waiting()
        return self._hash.hexdigest()
