"""The accelerometer stream: from the LSM6DSO's FIFO words to AccelerometerBlocks, tags checked and taken off."""

from micropython import const

from bracelet import codec
from bracelet.block import Block
from bracelet.drivers.lsm6dso import DEPTH, STAMP_EVERY, TAG_ACCELEROMETER, TAG_TIMESTAMP, WORD_BYTES
from bracelet.framing import BODY_AT

_HEAD_BYTES = const(19)
_MOST_SAMPLES = const(36)
_MOST = const(0xFFFF)
_SPAN_TICKS = const(0x10000000)  # over which the sensor's rate is measured, about

_TYPING = const(0)
if _TYPING:
    from roles import AccelerometerChip, Clock, Configuration, Link


class AccelerometerStream:
    """One accelerometer; `poll` is the sampling path and does not allocate unless samples were lost."""

    STREAM = codec.STREAM_ACCELEROMETER

    def __init__(self, chip: "AccelerometerChip") -> None:
        self.chip = chip
        self.lost = 0
        self.bad_tags = 0
        self.on = False

    def configure(self, configuration: "Configuration", number: int) -> None:
        """Set the chip up by a Configure's fields; raise Unsupported for what it lacks."""
        rate_decihz, self._range_g = configuration[6:8]
        self.on = False
        if not rate_decihz:
            return
        self.chip.configure(rate_decihz, self._range_g)
        samples = max(1, min(rate_decihz // 80, _MOST_SAMPLES))
        self._number = number
        self.period_ms = max(1, samples * 10000 // rate_decihz)
        self._sample_ticks = 400000 // rate_decihz  # nominal 25 us ticks a sample, until the sensor tells
        # Two in turn: the rest of a burst is sorted into one while the other may still wait for the line.
        self._block = Block(codec.ACCELEROMETER_BLOCK, _HEAD_BYTES, samples, 6)
        self._other = Block(codec.ACCELEROMETER_BLOCK, _HEAD_BYTES, samples, 6)
        self._words = bytearray(WORD_BYTES * samples)
        self.on = True

    def start(self, clock: "Clock") -> None:
        """Empty the FIFO and sample from number 0."""
        self.chip.start()
        self.lost = 0
        self._first = 0
        self._filled = 0
        self._flags = codec.BLOCK_FLAG_FIRST
        self._gap = 0
        self._ticks = self.chip.ticks()
        self._overran = False
        self._slot = -1
        self._unsettled = False
        self._since_stamp = 0
        self._span_ticks = 0
        self._span_samples = 0
        self.moved_us = clock.now_us()

    def stop(self, clock: "Clock", link: "Link") -> None:
        """Send what was read, as far as the link takes it; power down."""
        self.poll(clock, link)
        if self._filled and not link.busy:
            self._send(clock, link, clock.now_us())
        self.chip.stop()

    def poll(self, clock: "Clock", link: "Link") -> int:
        """Read whole bursts while there are any and the link takes their blocks; return the words read.

        A transfer that fails raises OSError and changes nothing: the next look finds what this one did not read.
        """
        if link.busy:
            return 0
        now_us = clock.now_us()
        waiting = self.chip.pending()
        read = 0
        words = self._block.samples
        if self.chip.overrun:
            self._overran = True
        if self._overran:
            self._overrun(clock, link, now_us, waiting)
            if link.busy:
                return 0
        while waiting >= words and not link.busy:
            self.chip.read_into(self._words)
            at = 0
            while at < words * WORD_BYTES:  # a range with a step that is no literal would be allocated
                self._word(at, clock, link, now_us)
                at += WORD_BYTES
            waiting -= words
            read += words
        if read:
            self.moved_us = now_us
        return read

    def _word(self, at: int, clock: "Clock", link: "Link", now_us: int) -> None:
        words = self._words
        tag = words[at] >> 3
        if tag == TAG_ACCELEROMETER:
            if self._unsettled or self._slot < 0:
                self._settle(words[at] >> 1 & 3)
            buffer = self._block.buffer
            to = self._block.at + self._filled * 6
            buffer[to] = words[at + 1]
            buffer[to + 1] = words[at + 2]
            buffer[to + 2] = words[at + 3]
            buffer[to + 3] = words[at + 4]
            buffer[to + 4] = words[at + 5]
            buffer[to + 5] = words[at + 6]
            self._filled += 1
            self._since_stamp += 1
            if self._filled == self._block.samples:
                self._send(clock, link, now_us)
        elif tag == TAG_TIMESTAMP:
            ticks = words[at + 1] | words[at + 2] << 8 | words[at + 3] << 16 | (words[at + 4] & 0x3F) << 24
            if self._since_stamp > 0:
                self._span_ticks += (ticks - self._ticks) & 0x3FFFFFFF
                self._span_samples += self._since_stamp
                if self._span_ticks > _SPAN_TICKS:
                    self._span_ticks >>= 1
                    self._span_samples >>= 1
            self._ticks = ticks
            self._since_stamp = 0
        else:
            self.bad_tags += 1

    def _overrun(self, clock: "Clock", link: "Link", now_us: int, waiting: int) -> None:
        """The oldest words were overwritten: work out how many samples by the sensor's own clock."""
        passed = (self.chip.ticks() - self._ticks) & 0x3FFFFFFF
        self._overran = False
        if self._filled:
            self._send(clock, link, now_us)
        if waiting < DEPTH - 2:
            return
        if self._span_ticks:
            passed = (passed * self._span_samples + self._span_ticks // 2) // self._span_ticks
        else:
            passed = passed // self._sample_ticks
        kept = waiting * STAMP_EVERY // (STAMP_EVERY + 1)
        self._skip(max(0, passed - self._since_stamp - kept))
        self._unsettled = True

    def _skip(self, samples: int) -> None:
        self._gap += samples
        self._first = (self._first + samples) & 0x3FFFFFFF
        self._since_stamp += samples
        self.lost += samples

    def _settle(self, slot: int) -> None:
        """Correct the first number after an overrun by the tag, which counts the samples modulo 4."""
        if self._slot < 0:
            self._slot = (slot - self._first) & 3
        self._unsettled = False
        off = (slot - self._slot - self._first) & 3
        self._skip(off if off < 3 or not self._gap else -1)
        if self._gap:
            self._flags |= codec.BLOCK_FLAG_OVERFLOW_INFERRED

    def _send(self, clock: "Clock", link: "Link", now_us: int) -> None:
        block = self._block
        codec.pack_accelerometer_block(
            block.buffer,
            BODY_AT,
            self._first,
            now_us,
            clock.epoch,
            min(self._gap, _MOST),
            self._flags,
            self._number,
            self._range_g,
            self._ticks,
        )
        block.send(link, self._filled)
        self._block, self._other = self._other, block
        self._first = (self._first + self._filled) & 0x3FFFFFFF
        self._filled = 0
        self._flags = 0
        self._gap = 0
