"""The PPG stream: from the MAX30101's FIFO to PpgBlocks, burst by burst, untouched."""

from bracelet import codec
from bracelet.block import Block
from bracelet.clock import elapsed_us
from bracelet.drivers.max30101 import DEPTH, OVERFLOW_MOST
from bracelet.framing import BODY_AT
from micropython import const

_HEAD_BYTES = const(15)
_MOST = const(0xFFFF)
_SPAN_US = const(0x10000000)  # over which the sensor's rate is measured, about


class PpgStream:
    """One PPG; `poll` is the sampling path and does not allocate unless samples were lost."""

    STREAM = codec.STREAM_PPG

    def __init__(self, chip):
        self.chip = chip
        self.lost = 0
        self.on = False

    def configure(self, configuration, number):
        """Set the chip up by a Configure's fields; raise Unsupported for what it lacks."""
        rate_hz, self._channels, width_us, range_na, average, led_ua = configuration[:6]
        self.on = rate_hz > 0
        if not self.on:
            return
        self.chip.configure(rate_hz, self._channels, width_us, range_na, average, led_ua)
        # An eighth of a second; of the FIFO so little that a block and a look that comes late both find room.
        samples = max(1, min(rate_hz // average // 8, DEPTH * 3 // 8))
        self._number = number
        self.period_ms = max(1, samples * 1000 * average // rate_hz)
        self._sample_us = 1000000 * average // rate_hz
        self._block = Block(codec.PPG_BLOCK, _HEAD_BYTES, samples, 3 * self._channels)

    def start(self, now_us):
        """Empty the FIFO and sample from number 0."""
        self.chip.start()
        self.lost = 0
        self._first = 0
        self._flags = codec.BLOCK_FLAG_FIRST
        self._gap = 0
        self._left = 0
        self._span_us = 0
        self._span_samples = 0
        self._looked_us = now_us
        self.moved_us = now_us

    def stop(self, clock, link):
        """Send what the FIFO still holds, as far as the link takes it; LEDs off."""
        self.poll(clock, link)
        if self._left and not link.busy:
            self._send(link, clock, clock.now_us(), self._left)
        self.chip.stop()

    def poll(self, clock, link):
        """Send whole blocks while there are any and the link takes them; return the samples read."""
        if link.busy:
            return 0
        now_us = clock.now_us()
        waiting = self.chip.pending()
        if self.chip.overflow:
            self._overflowed(clock, link, now_us, waiting)
            return waiting
        self._span_us += elapsed_us(self._looked_us, now_us)
        self._span_samples += waiting - self._left
        if self._span_us > _SPAN_US:
            self._span_us >>= 1
            self._span_samples >>= 1
        self._looked_us = now_us
        read = 0
        while waiting >= self._block.samples and not link.busy:
            self._send(link, clock, now_us, self._block.samples)
            waiting -= self._block.samples
            read += self._block.samples
        self._left = waiting
        if read:
            self.moved_us = now_us
        return read

    def _overflowed(self, clock, link, now_us, waiting):
        """The FIFO was full and lost what came after it: empty it first, so that the gap lies between blocks."""
        gap, flags = self.chip.overflow, 0
        if gap == OVERFLOW_MOST:
            passed_us = elapsed_us(self._looked_us, now_us)
            if self._span_samples:
                made = passed_us * self._span_samples // self._span_us
            else:
                made = passed_us // self._sample_us
            gap = max(gap, self._left + made - waiting)
            flags = codec.BLOCK_FLAG_OVERFLOW_INFERRED
        while waiting and not link.busy:
            samples = min(waiting, self._block.samples)
            self._send(link, clock, now_us, samples)
            waiting -= samples
        if waiting:
            # What the link does not take now would be read behind the gap: it goes the same way, and is counted.
            self.chip.read_into(bytearray(waiting * 3 * self._channels))
            gap += waiting
        self._gap = min(gap, _MOST)
        self._flags |= flags
        self._first = (self._first + gap) & 0x3FFFFFFF
        self.lost += gap
        self._left = 0
        self._looked_us = now_us
        self.moved_us = now_us

    def _send(self, link, clock, now_us, samples):
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
