"""Records of the bracelet's flash log, as they come home."""

from __future__ import annotations

import dataclasses
import struct
from typing import Final

from vigie_protocol.definition import Message
from vigie_protocol.enums import Lane
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import BY_KIND, Records

TICK_US: Final = 10_000
"""Resolution of a record's time."""
_HEAD: Final = struct.Struct("<HBIIIH")
_EPOCH_US: Final = 1 << 30


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One record of the log.

    Attributes
    ----------
    lane
        Lane, within which ``number`` only grows.
    number
        Number in its lane.
    boot_id
        Boot in which it was written.
    ticks_us
        Time since that boot in microseconds, to 10 ms.
    kind
        Message number of the body.
    body
        The body as it stands in flash.
    """

    lane: Lane
    number: int
    boot_id: int
    ticks_us: int
    kind: int
    body: bytes

    @property
    def message(self) -> Message | None:
        """The body, read; None if this host does not know its kind or it breaks its definition."""
        known = BY_KIND.get(self.kind)
        if known is None:
            return None
        try:
            return known.from_bytes(self.body)
        except MessageError:
            return None


def read_records(body: bytes) -> list[Record]:
    """Read the body of a ``Records`` message.

    Raises
    ------
    MessageError
        It is not whole: then none of its records can be trusted.
    """
    if len(body) < _HEAD.size:
        raise MessageError(Records.__name__, f"{len(body)} bytes are shorter than its head of {_HEAD.size}")
    _, lane, number, boot_id, base_us, epoch = _HEAD.unpack_from(body)
    try:
        lane = Lane(lane)
    except ValueError:
        raise MessageError(Records.__name__, f"lane {lane} is not known to this host") from None
    base_us += epoch * _EPOCH_US
    found: list[Record] = []
    at = _HEAD.size
    while at < len(body):
        end = at + 5
        if end > len(body) or (end := end + body[at + 1]) > len(body):
            raise MessageError(Records.__name__, f"its last record is cut off at byte {len(body)}")
        time = body[at + 2] | body[at + 3] << 8 | body[at + 4] << 16
        found.append(
            Record(lane, number, boot_id, base_us + time * TICK_US, body[at], bytes(body[at + 5 : end]))
        )
        number += 1
        at = end
    return found
