"""The flash log: records that are durable when `append` returns, in four lanes that share the sectors of a NOR flash.

Each sector belongs to one lane and begins with a header; blank sectors are kept ready. When none is left, that goes
first which is delivered, then raw windows, then minutes, then quarter-hours, and events last; records that go
undelivered leave a DroppedRecord. After any power cut the log finds its end by the headers and one sector a lane.
docs/flash-log.md has the format, and why.
"""

from array import array

# The stubs leave the type of arrays open.
from struct import pack_into, unpack_from  # pyright: ignore[reportUnknownVariableType]

from micropython import const

from bracelet import codec
from bracelet.arrays import zeros
from bracelet.log_walk import BASE, BODY_MOST, HEAD_BYTES, HEADER_BYTES, SLOT, Walk, prefix

_VERSION = const(1)
_MAGIC = const(0x4C56)
_LANES = const(4)
_DIRTY = const(0xFF)
_BLANK = const(0xFE)
_BAD = const(0xFD)
_READY = const(3)
_FEWEST_SECTORS = const(12)
_TOLD_AT = const(1440)
_TIME_MOST = const(0xFFFFFF)
_LEAD_US = const(60000000)
_ATTEMPTS = const(3)
_BASE_SLOTS = const(2)
_HEADER = "<HBBIIIIIHH12I"
_VICTIMS = (codec.LANE_RAW, codec.LANE_MINUTE, codec.LANE_TREND, codec.LANE_EVENT)

_TYPING = const(0)
if _TYPING:
    from roles import Bytes, Clock, CrcInto, Flash


class FlashLog:
    """The log of one flash; raises OSError where the flash does not do what it should."""

    VERSION = _VERSION

    def __init__(self, flash: "Flash", clock: "Clock", boot_id: int, crc_into: "CrcInto") -> None:
        """Find the log on the flash, or begin a new one where there is none."""
        self.sectors = min(flash.size_bytes // flash.sector_bytes, 0xFFFF)
        if self.sectors < _FEWEST_SECTORS:
            raise ValueError("the log needs %d sectors" % _FEWEST_SECTORS)
        self.sector_bytes = flash.sector_bytes
        self.walk = Walk(flash, crc_into)
        self.next = zeros("I", _LANES)
        """Number of the next record of each lane."""
        self.held = zeros("I", _LANES)
        self.delivered = zeros("I", _LANES)
        self.dropped = 0
        """Records dropped since boot that nobody had."""
        self.dropped_held = 0
        """Records dropped since boot that a gateway held, and the receiver had not confirmed."""
        self.flash_faults = 0
        self.log_id = boot_id
        self._flash = flash
        self._clock = clock
        self._crc_into = crc_into
        self._boot_id = boot_id
        self._lane_of = bytearray(b"\xff" * self.sectors)
        self._firsts = zeros("I", self.sectors)
        self.erases_most = 0
        """Erases of the most worn sector."""
        self._erases_ready: list[int] = []
        self._sequence = 0
        self._ready: list[int] = []
        self._gone = zeros("I", _LANES)
        self._gone_first = zeros("I", _LANES)
        self._open = array("i", [-1] * _LANES)
        self._at = zeros("H", _LANES)
        self._stale = bytearray(_LANES)
        self._base_us = zeros("I", _LANES)
        self._base_epoch = zeros("H", _LANES)
        self._scratch = bytearray(8 + (HEAD_BYTES + BODY_MOST + 4 + SLOT) // SLOT * SLOT)
        self._view = memoryview(self._scratch)
        # What was written is read back where the walk, which is at rest then, tries records.
        self._back_view = self.walk.scratch_view
        self._mount()

    # Finding the end

    def _mount(self) -> None:
        header = bytearray(HEADER_BYTES)
        covered = memoryview(header)[: HEADER_BYTES - 4]
        crc = bytearray(4)
        last = [-1] * _LANES
        last_sequence = [0] * _LANES
        newest = -1
        for sector in range(self.sectors):
            self._flash.read_into(sector * self.sector_bytes, header)
            magic, version, lane, sequence, erases = unpack_from("<HBBII", header, 0)
            if magic != _MAGIC or lane >= _LANES:
                continue
            self._crc_into(covered, crc, 0)
            if crc != header[HEADER_BYTES - 4 :]:
                continue
            if version != _VERSION:
                self._lane_of[sector] = _BAD  # another firmware's: left alone
                continue
            self._lane_of[sector] = lane
            self._firsts[sector] = unpack_from("<I", header, 28 + 4 * lane)[0]
            self.erases_most = max(self.erases_most, erases)
            if sequence > last_sequence[lane]:
                last_sequence[lane] = sequence
                last[lane] = sector
            if sequence > self._sequence:
                self._sequence = sequence
                newest = sector
        if newest < 0:
            return
        self._flash.read_into(newest * self.sector_bytes, header)
        self.log_id = unpack_from("<I", header, 12)[0]
        for lane in range(_LANES):
            self.next[lane], self.held[lane], self.delivered[lane] = (
                unpack_from("<I", header, at + 4 * lane)[0] for at in (28, 44, 60)
            )
        for lane in range(_LANES):
            if last[lane] >= 0:
                self._find_end(lane, last[lane])
                self._erase_empty(last[lane])

    def _find_end(self, lane: int, sector: int) -> None:
        walk = self.walk
        walk.open(sector, lane, self._firsts[sector], self.log_id, self.next[lane])
        while walk.step():
            pass
        self.next[lane] = max(self.next[lane], walk.next)
        if walk.next < self.next[lane]:
            return  # records behind its last one were lost: the lane goes on in a sector whose header tells its number
        self._open[lane] = sector
        self._at[lane] = walk.free_at
        self._stale[lane] = 1

    # Writing

    def append(
        self,
        lane: int,
        kind: int,
        body: "Bytes",
        when: "tuple[int, int] | None" = None,
    ) -> int:
        """Write a record and return its number; when this returns the record outlives a power cut.

        `when` is its time, (ticks_us, epoch), of this boot; now if it is left out.
        """
        if when is None:
            ticks_us = self._clock.now_us()
            when = (ticks_us, self._clock.epoch)
        slots = (HEAD_BYTES + len(body) + 4 + SLOT - 1) // SLOT
        for _ in range(_ATTEMPTS):
            time = self._make_room(lane, slots, when)
            number = self.next[lane]
            if self._write(lane, number, kind, time, body):
                self.next[lane] = number + 1
                return number
            self.flash_faults += 1
            self._open[lane] = -1
        raise OSError("the flash does not keep what is written")

    def _make_room(self, lane: int, slots: int, when: "tuple[int, int]") -> int:
        """See to it that the lane's open sector has room and counts time from this boot; return the record's time."""
        sector = self._open[lane]
        if sector >= 0:
            room = (self.sector_bytes - self._at[lane]) // SLOT
            if self._stale[lane] or self._time(lane, when) > _TIME_MOST:
                if room >= slots + _BASE_SLOTS:
                    body = bytearray(10)
                    base_us, base_epoch = self._base(when)
                    pack_into("<IIH", body, 0, self._boot_id, base_us, base_epoch)
                    if self._write(lane, self.next[lane], BASE, 0, body):
                        self._rebase(lane, base_us, base_epoch)
                        return self._time(lane, when)
                self._open[lane] = -1
            elif room < slots:
                self._open[lane] = -1
        if self._open[lane] < 0:
            self._open_sector(lane, when)
        return self._time(lane, when)

    def _base(self, when: "tuple[int, int]") -> "tuple[int, int]":
        """Where a new time base begins: a little early, for records that are told late."""
        if when[0] >= _LEAD_US:
            return when[0] - _LEAD_US, when[1]
        return 0, when[1]

    def _rebase(self, lane: int, ticks_us: int, epoch: int) -> None:
        self._base_us[lane] = ticks_us
        self._base_epoch[lane] = epoch
        self._stale[lane] = 0

    def _time(self, lane: int, when: "tuple[int, int]") -> int:
        epochs = when[1] - self._base_epoch[lane]
        if epochs < -0x8000:
            epochs += 0x10000
        return max(0, ((epochs << 30) + when[0] - self._base_us[lane]) // 10000)

    def _write(self, lane: int, number: int, kind: int, time: int, body: "Bytes") -> bool:
        """Program a record where the lane's open sector goes on; whether it can be read back."""
        scratch = self._scratch
        end = 8 + HEAD_BYTES + len(body)
        prefix(scratch, number, self.log_id)
        pack_into("<BBHB", scratch, 8, kind, len(body), time & 0xFFFF, time >> 16)
        scratch[8 + HEAD_BYTES : end] = body
        self._crc_into(self._view[:end], scratch, end)
        end += 4
        at = self._open[lane] * self.sector_bytes + self._at[lane]
        self._at[lane] += (end - 8 + SLOT - 1) // SLOT * SLOT
        return self._program(at, self._view[8:end])

    def _program(self, at: int, data: memoryview) -> bool:
        back = self._back_view[: len(data)]
        try:
            self._flash.program(at, data)
            self._flash.read_into(at, back)
        except OSError:
            return False
        return back == data

    def _open_sector(self, lane: int, when: "tuple[int, int]") -> None:
        # Events may take the last ready sector: they tell of what is dropped to make others ready.
        while len(self._ready) < (1 if lane == codec.LANE_EVENT else 2):
            self._reclaim()
        for _ in range(_ATTEMPTS):
            sector = self._ready.pop(0)
            erases = self._erases_ready.pop(0)
            self._sequence += 1
            base_us, base_epoch = self._base(when)
            header = bytearray(HEADER_BYTES)
            pack_into(
                _HEADER,
                header,
                0,
                _MAGIC,
                _VERSION,
                lane,
                self._sequence,
                erases,
                self.log_id,
                self._boot_id,
                base_us,
                base_epoch,
                0xFFFF,
                *self.next,
                *self.held,
                *self.delivered,
            )
            self._crc_into(memoryview(header)[: HEADER_BYTES - 4], header, HEADER_BYTES - 4)
            if self._program(sector * self.sector_bytes, memoryview(header)):
                self._lane_of[sector] = lane
                self._firsts[sector] = self.next[lane]
                self._open[lane] = sector
                self._at[lane] = HEADER_BYTES
                self._rebase(lane, base_us, base_epoch)
                self._erase_empty(sector)
                return
            self.flash_faults += 1
            self._lane_of[sector] = _BAD
            while not self._ready:
                self._reclaim()
        raise OSError("the flash does not keep what is written")

    # Room

    def tend(self) -> bool:
        """Erase one sector ahead of need, if it is time; whether it did: the flash stood still meanwhile."""
        if len(self._ready) >= _READY:
            return False
        self._reclaim()
        self.tell_dropped(_TOLD_AT)
        return True

    def _reclaim(self) -> None:
        sector = self._victim()
        lane = self._lane_of[sector]
        if lane < _LANES:
            first = max(self._firsts[sector], self.delivered[lane])
            end = self._end_of(sector)
            if end > first:
                held = max(0, min(end, self.held[lane]) - first)
                self.dropped += end - first - held
                self.dropped_held += held
                if not self._gone[lane]:
                    self._gone_first[lane] = first
                self._gone[lane] = end - self._gone_first[lane]
        try:
            self._erase(sector)
        except OSError:  # it is left alone from now on; the next one goes then
            self.flash_faults += 1
            self._reclaim()

    def tell_dropped(self, at_least: int = 1) -> None:
        """Write what was dropped of late as DroppedRecords: of lanes that lost so many records or more.

        Not one by one, for they would fill the log themselves; what a power cut keeps from being told is still plain:
        what is below the oldest number of its lane is gone.
        """
        for lane in range(_LANES):
            while self._gone[lane] >= at_least:
                count = min(self._gone[lane], 0xFFFF)
                body = bytearray(8)
                pack_into("<BIHB", body, 0, lane, self._gone_first[lane], count, codec.GAP_REASON_LOG_FULL)
                self.append(codec.LANE_EVENT, codec.DROPPED_RECORD, body)
                self._gone[lane] -= count
                self._gone_first[lane] += count

    def _erase_empty(self, sector: int) -> None:
        """Erase what its lane began before this sector and wrote no record to, as after a power cut.

        The order of sectors is that of their first numbers: no two may have the same.
        """
        for other in range(self.sectors):
            if (
                other != sector
                and self._lane_of[other] == self._lane_of[sector]
                and self._firsts[other] == self._firsts[sector]
            ):
                self._erase(other)

    def _erase(self, sector: int) -> None:
        # Of a sector without a whole header nobody knows: the most, then, so that none looks younger than it is.
        erases = max(1, self.erases_most)
        if self._lane_of[sector] < _LANES:
            header = bytearray(12)
            self._flash.read_into(sector * self.sector_bytes, header)
            erases = unpack_from("<I", header, 8)[0] + 1
        self._lane_of[sector] = _BAD
        self._flash.erase(sector * self.sector_bytes)
        self._lane_of[sector] = _BLANK
        self._ready.append(sector)
        self._erases_ready.append(erases)
        self.erases_most = max(self.erases_most, erases)

    def _victim(self) -> int:
        """The sector that goes next."""
        dirty = self._lane_of.find(b"\xff")
        if dirty >= 0:
            return dirty
        for delivered in (True, False):
            for lane in _VICTIMS:
                sector = self._following(lane, -1, -1)
                # Full or not, a lane's newest sector stays: it may be all that says how far its numbers are.
                if sector < 0 or self._following(lane, self._firsts[sector], sector) < 0:
                    continue
                if not delivered or self._end_of(sector) <= self.delivered[lane]:
                    return sector
        raise OSError("no sector can be freed")

    def _following(self, lane: int, first: int, sector: int) -> int:
        """The sector of a lane that comes after one, by the number of its first record; -1 after the last."""
        found = -1
        for other in range(self.sectors):
            if self._lane_of[other] != lane:
                continue
            begin = self._firsts[other]
            if (begin > first or (begin == first and other > sector)) and (
                found < 0 or begin < self._firsts[found]
            ):
                found = other
        return found

    def _end_of(self, sector: int) -> int:
        """Number after the last record of a sector."""
        lane = self._lane_of[sector]
        after = self._following(lane, self._firsts[sector], sector)
        return self.next[lane] if after < 0 else self._firsts[after]

    # Reading

    def seek(self, lane: int, number: int) -> bool:
        """Put `walk` before the first record from `number` on that is there; False if there is none."""
        if number >= self.next[lane]:
            return False
        walk = self.walk
        here = (
            walk.sector >= 0
            and walk.lane == lane
            and self._lane_of[walk.sector] == lane
            and self._firsts[walk.sector] == walk.first
        )
        if here and walk.number == number and walk.next == number + 1:
            return True
        if not here or walk.next != number:
            self._enter(self._holding(lane, number), lane)
        while walk.sector >= 0:
            while walk.step():
                if walk.number >= number:
                    return True
            # Records may have been added since it was read, and the next sector begun.
            if walk.known < self._end_of(walk.sector):
                walk.refresh(self.next[lane])
            else:
                self._enter(self._following(lane, walk.first, walk.sector), lane)
        return False

    def _enter(self, sector: int, lane: int) -> None:
        if sector < 0:
            self.walk.sector = -1
        else:
            self.walk.open(sector, lane, self._firsts[sector], self.log_id, self.next[lane])

    def _holding(self, lane: int, number: int) -> int:
        """The sector of a lane that holds a number, or the first that comes after it; -1 if there is none."""
        found = -1
        for sector in range(self.sectors):
            if (
                self._lane_of[sector] == lane
                and self._firsts[sector] <= number
                and (found < 0 or self._firsts[sector] > self._firsts[found])
            ):
                found = sector
        return found if found >= 0 else self._following(lane, -1, -1)

    def set_cursor(self, lane: int, held: int, delivered: int) -> None:
        """Note how far a gateway holds the lane, and how far it is delivered; cursors only grow."""
        if self._gone[lane]:
            self.tell_dropped()  # before the cursor passes what was not
        delivered = min(delivered, self.next[lane])
        self.delivered[lane] = max(self.delivered[lane], delivered)
        self.held[lane] = max(self.held[lane], min(held, self.next[lane]), self.delivered[lane])

    # How it is

    def oldest(self, lane: int) -> int:
        """Number of the oldest record of a lane; that of the next if there is none."""
        oldest = self.next[lane]
        for sector in range(self.sectors):
            if self._lane_of[sector] == lane:
                oldest = min(oldest, self._firsts[sector])
        return oldest

    def sectors_of(self, lane: int) -> int:
        """How many sectors hold a lane."""
        return sum(1 for each in self._lane_of if each == lane)

    def sectors_free(self) -> int:
        """How many sectors are blank, or hold nothing that is not delivered."""
        free = sum(1 for each in self._lane_of if each in (_DIRTY, _BLANK))
        for lane in range(_LANES):
            begun = sum(
                1
                for sector in range(self.sectors)
                if self._lane_of[sector] == lane and self._firsts[sector] <= self.delivered[lane]
            )
            free += max(0, begun - 1)
        return free
