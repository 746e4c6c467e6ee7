"""Reads the records of a flash log, sector by sector; what is not whole is counted and stepped over.

docs/flash-log.md has the format. The number of a record is not stored: its CRC covers it, together with the id of the
log, so that a record is only ever read as the one that it is.
"""

# The stubs leave the type of arrays open.
from struct import unpack_from  # pyright: ignore[reportUnknownVariableType]

from micropython import const

SLOT = const(16)
HEADER_BYTES = const(80)
HEAD_BYTES = const(5)
"""Kind, length of the body, time: what stands before a body."""
BODY_MOST = const(208)
BASE = const(1)
"""Kind of the unnumbered record that says to which boot what follows belongs, and when its time began."""
_BASE_BYTES = const(10)
_AHEAD = const(32)
"""How many numbers are tried where records were damaged."""

_TYPING = const(0)
if _TYPING:
    from roles import CrcInto, Flash


class Walk:
    """Goes through the records of one sector at a time, in the order of their numbers.

    After `step` returned True a record is at hand: `number`, `kind`, and buffer[at:end], its head and body; it was
    written in `boot_id`, and its time counts from `ticks_us` and `epoch`.
    """

    def __init__(self, flash: "Flash", crc_into: "CrcInto") -> None:
        self.flash = flash
        self.buffer = bytearray(flash.sector_bytes)
        self.damaged = 0
        """Records that were met and are not whole; those of a torn end are no records."""
        self.sector = -1
        self.known = 0
        """Number of the lane's next record when the sector was read."""
        self.lane = 0
        self.first = 0
        self.log_id = 0
        self.number = 0
        self.kind = 0
        self.at = 0
        self.end = 0
        self.boot_id = 0
        self.ticks_us = 0
        self.epoch = 0
        self._next_at: int = 0
        self._whole_to: int = 0
        self._next = 0
        self._limit = 0
        self._crc_into = crc_into
        self._view = memoryview(self.buffer)
        self._scratch = bytearray(8 + HEAD_BYTES + BODY_MOST + 4)
        self.scratch_view = memoryview(self._scratch)
        self._crc = bytearray(4)

    def open(self, sector: int, lane: int, first: int, log_id: int, known: int) -> None:
        """Begin with the sector whose header says so."""
        self.sector = sector
        self.lane = lane
        self.first = first
        self.log_id = log_id
        self._next = first
        self.number = -1
        self._next_at = self._whole_to = HEADER_BYTES
        self.refresh(known)
        self.boot_id, self.ticks_us, self.epoch = unpack_from("<IIH", self.buffer, 16)

    def refresh(self, known: int) -> None:
        """Read the sector again: records have been added, up to the number `known`."""
        buffer = self.buffer
        self.flash.read_into(self.sector * self.flash.sector_bytes, buffer)
        limit = len(buffer)
        while limit > HEADER_BYTES and buffer[limit - 1] == 0xFF:
            limit -= 1
        self._limit = min(self.flash.sector_bytes, (limit + SLOT - 1) // SLOT * SLOT)
        self.known = known

    @property
    def next(self) -> int:
        """Number that the next record will have, if there is one."""
        return self._next

    @property
    def free_at(self) -> int:
        """Where the sector is blank from, in whole slots, once `step` has come to its end."""
        # The last record may end in 0xFF itself, at the beginning of a slot.
        return max(self._limit, self._next_at)

    def step(self) -> bool:
        """Go to the next whole record; False at the end of the sector."""
        buffer = self.buffer
        self.number = -1  # a time base that comes now is not that of the record which was at hand
        while self._next_at < self._limit:
            at = self._next_at
            kind = buffer[at]
            end = at + HEAD_BYTES + buffer[at + 1]
            if (kind & 0x80 or kind == BASE) and buffer[at + 1] <= BODY_MOST and end + 4 <= len(buffer):
                # Each slot that was stepped over may have been a record.
                ahead = min(_AHEAD, 1 + (at - self._whole_to) // SLOT)
                for number in range(self._next, self._next + ahead):
                    if self._whole(at, end, number):
                        self._next_at = self._whole_to = (end + 4 + SLOT - 1) // SLOT * SLOT
                        self.damaged = (self.damaged + number - self._next) & 0xFFFF
                        if kind == BASE:
                            self._next = number
                            self.boot_id, self.ticks_us, self.epoch = unpack_from(
                                "<IIH", buffer, at + HEAD_BYTES
                            )
                            break
                        self.number, self.kind, self.at, self.end = number, kind, at, end
                        self._next = number + 1
                        return True
                else:
                    self._next_at = at + SLOT
            else:
                self._next_at = at + SLOT
        return False

    def _whole(self, at: int, end: int, number: int) -> bool:
        scratch = self._scratch
        prefix(scratch, number, self.log_id)
        covered = 8 + end - at
        scratch[8:covered] = self._view[at:end]
        self._crc_into(self.scratch_view[:covered], self._crc, 0)
        return self._crc == self.buffer[end : end + 4]


def prefix(scratch: bytearray, number: int, log_id: int) -> None:
    """What the CRC of a record covers first."""
    for index in range(4):
        scratch[index] = number >> (8 * index) & 0xFF
        scratch[4 + index] = log_id >> (8 * index) & 0xFF
