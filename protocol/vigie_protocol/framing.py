"""Frames: what keeps messages apart on a byte stream, and bad bytes out.

A frame is ``kind u8, sequence u16, body, CRC-32 of all before``, made free of zeros by COBS
(Cheshire & Baker 1999, doi 10.1109/90.769765) and ended by one zero. Any zero is a chance to start again, so
whatever garbage came before, the next whole frame is read.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple
from zlib import crc32

from cobs import cobs  # pyright: ignore[reportMissingTypeStubs]

from vigie_protocol.errors import FrameError

MAX_FRAME_BYTES: Final = 242
"""Longest frame before COBS. With its overhead byte and its zero it fits one BLE notification (ATT MTU 247),
and the device encodes it in place: below 254 bytes COBS is one byte in front."""

HEAD_BYTES: Final = 3
CRC_BYTES: Final = 4
MAX_BODY_BYTES: Final = MAX_FRAME_BYTES - HEAD_BYTES - CRC_BYTES
MAX_WIRE_BYTES: Final = MAX_FRAME_BYTES + 2

INTERRUPT: Final = 0x03
"""Ctrl-C, which is no message number: where a frame would begin it asks a development build for the prompt."""
_RESIDUE: Final = crc32(crc32(b"").to_bytes(4, "little"))
"""CRC-32 of anything that ends with its own CRC-32."""


# A named tuple because one is made for every frame received, and a frozen dataclass takes four times as long to make.
class Frame(NamedTuple):
    """A frame whose CRC was right."""

    kind: int
    sequence: int
    body: bytes


def encode_frame(kind: int, sequence: int, body: bytes) -> bytes:
    """Return the bytes for the wire, the closing zero included.

    Raises:
        FrameError: The body is longer than :data:`MAX_BODY_BYTES`, or a number is out of its range.
    """
    if len(body) > MAX_BODY_BYTES:
        raise FrameError(f"a body of {len(body)} bytes does not fit: {MAX_BODY_BYTES} is the most")
    if not 0 <= sequence <= 0xFFFF:
        raise FrameError(f"sequence {sequence} is not within 0..65535")
    if not 0 < kind <= 0xFF or kind == INTERRUPT:
        raise FrameError(f"{kind} is no message number: 1..255 without {INTERRUPT}")
    plain = bytes((kind,)) + sequence.to_bytes(2, "little") + body
    return bytes(cobs.encode(plain + crc32(plain).to_bytes(4, "little"))) + b"\0"  # pyright: ignore[reportUnknownMemberType]


def _checked(encoded: bytes) -> bytes:
    """The frame in the bytes between two zeros, COBS undone and its CRC right."""
    if len(encoded) >= MAX_WIRE_BYTES:
        raise FrameError(f"{len(encoded)} bytes without a zero: longer than any frame")
    try:
        plain: bytes = cobs.decode(encoded)  # pyright: ignore[reportUnknownMemberType]
    except cobs.DecodeError as error:
        raise FrameError(f"not COBS: {error}") from error
    if len(plain) < HEAD_BYTES + CRC_BYTES:
        raise FrameError(f"{len(plain)} bytes are too few for a frame")
    if crc32(plain) != _RESIDUE:
        raise FrameError("wrong CRC")
    return plain


def decode_frame(encoded: bytes) -> Frame:
    """Return the frame in the bytes between two zeros.

    Raises:
        FrameError: They are not a whole frame.
    """
    plain = _checked(encoded)
    return Frame(plain[0], plain[1] | plain[2] << 8, plain[3:-4])


def bodies_by_kind(wire: bytes) -> dict[int, list[bytes]]:
    """Bodies of all whole frames in recorded bytes, in order, by message number: what ``arrays`` decodes in bulk.

    Whatever is not a frame is left out; :class:`Deframer` is for a live link.
    """
    bodies: dict[int, list[bytes]] = defaultdict(list)
    *ended, _unfinished = wire.split(b"\0")
    for encoded in filter(None, ended):
        try:
            plain = _checked(encoded)
        except FrameError:
            continue
        bodies[plain[0]].append(plain[3:-4])
    return dict(bodies)


class Deframer:
    """Finds the frames in a stream that comes in pieces of any size.

    Memory is bounded by one frame; after garbage of any kind it is in step again at the next zero.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False
        self.frames_bad = 0
        """Pieces between zeros that were not a frame."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return the frames that they complete."""
        frames: list[Frame] = []
        *ended, rest = data.split(b"\0")
        if ended:
            ended[0] = b"" if self._skipping else bytes(self._pending) + ended[0]
            self._pending.clear()
            self._skipping = False
        for encoded in filter(None, ended):
            try:
                frames.append(decode_frame(encoded))
            except FrameError:
                self.frames_bad += 1
        if rest and not self._skipping:
            self._pending += rest
            if len(self._pending) >= MAX_WIRE_BYTES:
                self._pending.clear()
                self._skipping = True
                self.frames_bad += 1
        return frames
