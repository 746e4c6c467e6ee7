"""The side channel between a virtual board and the rig: numbered, time-stamped requests and answers.

It carries the roles of the board that reach outside the processor: its clock, its sensor bus, its serial line;
later flash and radio. Strictly one request, one answer. ``boards/unix/runtime/_channel.py`` is the board's half.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import struct
from typing import Final

_HEAD: Final = struct.Struct("<IQBBH")
HEAD_BYTES: Final = _HEAD.size


class Kind(enum.IntEnum):
    """What the board asks for."""

    HELLO = 1
    SLEEP = 2
    BUS_READ = 3
    BUS_WRITE = 4
    SERIAL_READ = 5
    SERIAL_WRITE = 6
    INTERRUPTS = 7


class Wake(enum.IntFlag):
    """Why a sleep ended."""

    TIME = 0
    INPUT = 1
    INTERRUPT = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request of the board."""

    number: int
    time_us: int
    kind: int
    argument: int
    payload: bytes


def encode_answer(request: Request, time_us: int, argument: int, payload: bytes) -> bytes:
    """Bytes that answer ``request`` at board time ``time_us``."""
    return _HEAD.pack(request.number, time_us, request.kind, argument, len(payload)) + payload


class RequestParser:
    """Finds requests in the bytes that the board sends."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pending += data

    def next(self) -> Request | None:
        """The next whole request, or None until more bytes come."""
        if len(self._pending) < HEAD_BYTES:
            return None
        number, time_us, kind, argument, count = _HEAD.unpack_from(self._pending)
        end = HEAD_BYTES + count
        if len(self._pending) < end:
            return None
        payload = bytes(self._pending[HEAD_BYTES:end])
        del self._pending[:end]
        return Request(number, time_us, kind, argument, payload)


class Transcript:
    """A running hash over every request and answer: two runs are the same if and only if theirs are."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.messages = 0

    def add(self, request: Request, answer: bytes) -> None:
        """Count one exchange in."""
        self.messages += 1
        self._hash.update(
            _HEAD.pack(request.number, request.time_us, request.kind, request.argument, len(request.payload))
        )
        self._hash.update(request.payload)
        self._hash.update(answer)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()
