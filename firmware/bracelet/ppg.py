"""The PPG stream: from the MAX30101's FIFO to PpgBlocks, burst by burst, untouched."""

from micropython import const

from bracelet import codec
from bracelet.block import Block
from bracelet.clock import elapsed_us
from bracelet.drivers.max30101 import DEPTH, OVERFLOW_MOST
from bracelet.framing import BODY_AT

_HEAD_BYTES = const(15)
_MOST = const(0xFFFF)
_SPAN_US = const(0x10000000)  # over which the sensor's rate is measured, about

_TYPING = const(0)
if _TYPING:
    from roles import Clock, Configuration, Link, PpgChip


class PpgStream:
    """One PPG; `poll` is the sampling path and does not allocate unless samples were lost."""

    STREAM = codec.STREAM_PPG

    def __init__(self, chip: "PpgChip") -> None:
        self.chip = chip
        self.lost = 0
        self.on = False

    def configure(self, configuration: "Configuration", number: int) -> None:
        """Set the chip up by a Configure's fields; raise Unsupported for what it lacks."""
        rate_hz, self._channels, width_us, range_na, average, led_ua = configuration[:6]
        self.on = False
        if not rate_hz:
            return
        self.chip.configure(rate_hz, self._channels, width_us, range_na, average, led_ua)
        # An eighth of a second; of the FIFO so little that a block and a look that comes late both find room.
        samples = max(1, min(rate_hz // average // 8, DEPTH * 3 // 8))
        self._number = number
        self.period_ms = max(1, samples * 1000 * average // rate_hz)
        self._sample_us = 1000000 * average // rate_hz
        self._block = Block(codec.PPG_BLOCK, _HEAD_BYTES, samples, 3 * self._channels)
        self.on = True

    def start(self, clock: "Clock") -> None:
        """Empty the FIFO and sample from number 0."""
        self.chip.start()
        self.lost = 0
        self._first = 0
        self._flags = codec.BLOCK_FLAG_FIRST
        self._gap = 0
        self._left = 0
        self._owed = 0
        self._before = 0
        self._span_us = -1  # begins with the first look: how long the first sample takes is another matter
        self._span_samples = 0
        self._looked_us = self.moved_us = clock.now_us()
        self._looked_epoch = clock.epoch

    def stop(self, clock: "Clock", link: "Link") -> None:
        """Send what the FIFO still holds, as far as the link takes it; LEDs off."""
        self.poll(clock, link)
        if self._left and not self._owed and not link.busy:
            self._send(link, clock, clock.now_us(), self._left)
        self.chip.stop()

    def poll(self, clock: "Clock", link: "Link") -> int:
        """Send whole blocks while there are any and the link takes them; return the samples read.

        A transfer that fails raises OSError and changes nothing: the next look finds what this one did not read.
        """
        if link.busy:
            return 0
        now_us = clock.now_us()
        waiting = self.chip.pending()
        if self.chip.overflow or self._owed:
            return self._poll_overflowed(clock, link, now_us, waiting)
        if self._span_us < 0:
            self._span_us = 0
        else:
            self._span_us += elapsed_us(self._looked_us, now_us)
            self._span_samples += waiting - self._left
        if self._span_us > _SPAN_US:
            self._span_us >>= 1
            self._span_samples >>= 1
        self._looked_us = now_us
        self._looked_epoch = clock.epoch
        self._left = waiting
        read = 0
        while self._left >= self._block.samples and not link.busy:
            self._send(link, clock, now_us, self._block.samples)
            self._left -= self._block.samples
            read += self._block.samples
        if read:
            self.moved_us = now_us
        return read

    def _poll_overflowed(self, clock: "Clock", link: "Link", now_us: int, waiting: int) -> int:
        """The FIFO was full and lost what came after it: empty it first, so that the gap lies between blocks."""
        read = 0
        if not self._owed:
            gap, flags = self._missing(clock, now_us, waiting)
            read = min(waiting, self._block.samples)
            self._send(link, clock, now_us, read)
            # Only now has the chip forgotten its counter.
            self._owed = gap
            self._owed_flags = flags
            self._before = self._left = waiting - read
            self._looked_us = now_us
            self._looked_epoch = clock.epoch
        elif self.chip.overflow:
            # Full again before the first gap was reached: let all of it go, counted, rather than misplace it.
            gap, flags = self._missing(clock, now_us, waiting)
            self.chip.read_into(bytearray(waiting * 3 * self._channels))
            self._owed += waiting + gap
            self._owed_flags |= flags
            self._before = 0
            read = waiting
        while self._before and not link.busy:
            samples = min(self._before, self._block.samples)
            self._send(link, clock, now_us, samples)
            self._before -= samples
            self._left -= samples
            read += samples
        if not self._before:
            self._gap = min(self._owed, _MOST)
            self._flags |= self._owed_flags
            self._first = (self._first + self._owed) & 0x3FFFFFFF
            self.lost += self._owed
            self._owed = 0
        self._left = waiting - read
        self._looked_us = now_us
        self._looked_epoch = clock.epoch
        self.moved_us = now_us
        return read

    def _missing(self, clock: "Clock", now_us: int, waiting: int) -> tuple[int, int]:
        """How many samples were lost: by the chip's counter or, where that is full, by time at the measured rate."""
        gap = self.chip.overflow
        if gap < OVERFLOW_MOST:
            return gap, 0
        passed_us = (((clock.epoch - self._looked_epoch) & 0xFFFF) << 30) + now_us - self._looked_us
        if self._span_samples > 0:
            made = (passed_us * self._span_samples + self._span_us // 2) // self._span_us
        else:
            made = passed_us // self._sample_us
        return max(gap, self._left + made - waiting), codec.BLOCK_FLAG_OVERFLOW_INFERRED

    def _send(self, link: "Link", clock: "Clock", now_us: int, samples: int) -> None:
        block = self._block
        self.chip.read_into(block.tail_of(samples))
        codec.pack_ppg_block(
            block.buffer,
            BODY_AT,
            self._first,
            now_us,
            clock.epoch,
            self._gap,
            self._flags,
            self._number,
            self._channels,
        )
        block.send(link, samples)
        self._first = (self._first + samples) & 0x3FFFFFFF
        self._flags = 0
        self._gap = 0
