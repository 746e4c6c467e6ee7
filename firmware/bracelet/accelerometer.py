"""The accelerometer stream: from the LSM6DSO's FIFO words to AccelerometerBlocks, tags checked and taken off."""

from micropython import const

from bracelet import codec
from bracelet.block import Block
from bracelet.drivers.lsm6dso import (
    DEPTH,
    SAMPLE_TAGS,
    STAMP_EVERY,
    STAMP_TAGS,
    WORD_BYTES,
    sample_ticks,
)
from bracelet.framing import BODY_AT

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

    def configure(self, configuration: "Configuration", number: int, unhurried: bool = False) -> None:
        """Set the chip up by a Configure's fields; raise Unsupported for what it lacks.

        `unhurried`: bursts are as long as the FIFO can bear, because no host waits for them.
        """
        rate_decihz, self._range_g = configuration[6:8]
        self.on = False
        if not rate_decihz:
            return
        self.chip.configure(rate_decihz, self._range_g)
        samples = _MOST_SAMPLES if unhurried else max(1, min(rate_decihz // 80, _MOST_SAMPLES))
        self._number = number
        self.period_ms = max(1, samples * 10000 // rate_decihz)
        self._sample_ticks = sample_ticks(rate_decihz)  # until the stamps tell
        self._block = Block(codec.ACCELEROMETER_BLOCK, codec.ACCELEROMETER_BLOCK_HEAD_BYTES, samples, 6)
        self._words = bytearray(WORD_BYTES * samples)
        self.on = True

    rate_1024 = 1024
    """The rate measured so far, in 1024ths of the configured one: here its clock's stamps tell, block by block."""

    @property
    def due_ms(self) -> int:
        """How long until blocks are there, for who comes no sooner: the FIFO has room for a dozen."""
        return 2 * self.period_ms

    def start(self, clock: "Clock") -> None:
        """Empty the FIFO and sample from number 0."""
        self.chip.start()
        self.lost = 0
        self._first = 0
        self._filled = 0
        self._flags = codec.BLOCK_FLAG_FIRST
        self._gap = 0
        self._ticks = self.chip.ticks()
        self._at = len(self._words)
        self._overran = False
        self._broken = False
        self._slot = -1
        self._holes = 0
        self._unsettled = False
        self._since_stamp = 0
        self._span_ticks = 0
        self._span_samples = 0
        self._read_us = self.moved_us = clock.now_us()
        self._read_epoch = clock.epoch

    def stop(self, clock: "Clock", link: "Link") -> None:
        """Send what was read, as far as the link takes it; power down."""
        self.poll(clock, link)
        if self._filled and not link.busy:
            self._send(link)
        self.lost += self._holes
        self._holes = 0
        self.chip.stop()

    def poll(self, clock: "Clock", link: "Link") -> int:
        """Read whole bursts while there are any and the link takes their blocks; return the words read.

        A transfer that fails raises OSError: the next look finds what this one did not read, or counts what a burst
        that broke off took out of the FIFO.
        """
        if link.busy:
            return 0
        now_us = clock.now_us()
        waiting = self.chip.pending()
        if self.chip.overrun:
            self._overran = True
        self._sort(link)
        if (self._overran or self._broken) and not link.busy:
            self._miss(link, waiting)
        read = 0
        words = self._block.samples
        while waiting >= words and not link.busy:
            self._broken = True
            self.chip.read_into(self._words)
            self._broken = False
            self._read_us = now_us
            self._read_epoch = clock.epoch
            self._at = 0
            self._sort(link)
            waiting -= words
            read += words
        if read:
            self.moved_us = now_us
        return read

    def _sort(self, link: "Link") -> None:
        """Take the words of the last burst in turn, until the line is full; the rest wait for the next look."""
        while self._at < len(self._words) and not link.busy:
            if self._word(self._at, link):
                self._at += WORD_BYTES

    def _word(self, at: int, link: "Link") -> bool:
        """Sort one word; return False if something had to be sent first, and the word is to be tried again."""
        words = self._words
        tag = words[at]
        slot = tag >> 1 & 3
        stamp = tag == STAMP_TAGS[slot]
        if not stamp and tag != SAMPLE_TAGS[slot]:
            self.bad_tags += 1
            self._holes += 1
            return True
        if (slot != self._slot or self._holes or self._unsettled) and not self._settle(slot, link):
            return False
        if stamp:
            ticks = words[at + 1] | words[at + 2] << 8 | words[at + 3] << 16 | (words[at + 4] & 0x3F) << 24
            if self._since_stamp > 0:
                self._span_ticks += (ticks - self._ticks) & 0x3FFFFFFF
                self._span_samples += self._since_stamp
                if self._span_ticks > _SPAN_TICKS:
                    self._span_ticks >>= 1
                    self._span_samples >>= 1
            self._ticks = ticks
            self._since_stamp = 0
            return True
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
        self._slot = (slot + 1) & 3
        if self._filled == self._block.samples:
            self._send(link)
        return True

    def _miss(self, link: "Link", waiting: int) -> None:
        """Words went that nobody got: work out how many samples by the sensor's own clock."""
        passed = (self.chip.ticks() - self._ticks) & 0x3FFFFFFF
        if self._broken or waiting >= DEPTH - 2:
            if self._span_ticks:
                made = (passed * self._span_samples + self._span_ticks // 2) // self._span_ticks
            else:
                made = passed // self._sample_ticks
            kept = waiting * STAMP_EVERY // (STAMP_EVERY + 1)
            missing = made - self._since_stamp - self._holes - kept
            if missing > 0:
                if self._filled:
                    self._send(link)
                self._skip(missing)
            self._unsettled = True
        self._overran = self._broken = False

    def _skip(self, samples: int) -> None:
        self._gap += samples
        self._first = (self._first + samples) & 0x3FFFFFFF
        self._since_stamp += samples
        self.lost += samples
        if self._slot >= 0:
            self._slot = (self._slot + samples) & 3

    def _settle(self, slot: int, link: "Link") -> bool:
        """Count what is missing before a word by its tag, which numbers the samples modulo 4.

        A damaged word was a sample or, now and then, a timestamp; an estimate by time is one too high at most, or two
        too low. Returns False if the line has no room for what must be sent before the gap.
        """
        least = max(0, self._holes - 3)
        if self._unsettled:
            least = self._holes - 1 if self._gap else self._holes
        missing = self._holes if self._slot < 0 else least + ((slot - self._slot - least) & 3)
        if missing and self._filled:
            self._send(link)
            if link.busy:
                return False
        self._skip(missing)
        if self._unsettled and self._gap:
            self._flags |= codec.BLOCK_FLAG_OVERFLOW_INFERRED
        self._slot = slot
        self._holes = 0
        self._unsettled = False
        return True

    def _send(self, link: "Link") -> None:
        block = self._block
        codec.pack_accelerometer_block(
            block.buffer,
            BODY_AT,
            self._first,
            self._read_us,
            self._read_epoch,
            min(self._gap, _MOST),
            self._flags,
            self._number,
            self._range_g,
            self._ticks,
        )
        block.send(link, self._filled)
        self._first = (self._first + self._filled) & 0x3FFFFFFF
        self._filled = 0
        self._flags = 0
        self._gap = 0
