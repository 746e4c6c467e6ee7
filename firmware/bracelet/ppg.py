"""The PPG stream: from the MAX30101's FIFO to PpgBlocks, burst by burst, untouched."""

from micropython import const

from bracelet import codec
from bracelet.block import Block
from bracelet.clock import elapsed_us
from bracelet.drivers.max30101 import DEPTH, OVERFLOW_MOST
from bracelet.framing import BODY_AT

_MOST = const(0xFFFF)
_SPAN_US = const(0x10000000)  # over which the sensor's rate is measured, about
_MEASURED_US = const(8000000)

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

    def configure(self, configuration: "Configuration", number: int, unhurried: bool = False) -> None:
        """Set the chip up by a Configure's fields; raise Unsupported for what it lacks.

        `unhurried`: bursts are as long as the FIFO can bear, because no host waits for them.
        """
        rate_hz, self._channels, width_us, range_na, average, led_ua = configuration[:6]
        self.on = False
        if not rate_hz:
            return
        self.chip.configure(rate_hz, self._channels, width_us, range_na, average, led_ua)
        # An eighth of a second; of the FIFO so little that a block and a look that comes late both find room.
        samples = max(
            1, min(rate_hz // average // (2 if unhurried else 8), DEPTH * (5 if unhurried else 3) // 8)
        )
        self._number = number
        self.period_ms = max(1, samples * 1000 * average // rate_hz)
        self._sample_us = 1000000 * average // rate_hz
        self._block = Block(codec.PPG_BLOCK, codec.PPG_BLOCK_HEAD_BYTES, samples, 3 * self._channels)
        self.on = True

    @property
    def rate_1024(self) -> int:
        """The rate measured so far, in 1024ths of the configured one: the sensor has a clock of its own."""
        if self._span_us < _MEASURED_US:
            return 1024
        return self._span_samples * self._sample_us // (self._span_us >> 10)

    @property
    def due_ms(self) -> int:
        """How long until a block is there, for who comes no sooner: a sample late, so as not to come in vain."""
        return ((self._block.samples - self._left + 1) * self._sample_us + 999) // 1000

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
        self._slot = 0
        self._broken = False
        self._dropping = False
        self._tried = 0
        self._owed_flags = 0
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

        A transfer that fails raises OSError: the next look finds what this one did not read, goes back to what a
        burst that broke off took out of the FIFO, or counts it.
        """
        if link.busy:
            return 0
        now_us = clock.now_us()
        waiting = self.chip.pending()
        if self._broken:
            waiting = self._mend(now_us, waiting)
        self._slot = self.chip.slot
        if self.chip.overflow or self._owed or self._dropping:
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
        if not self._owed and not self._dropping:
            gap, flags = self._missing(clock, now_us, waiting)
            read = min(waiting, self._block.samples)
            self._owed_flags = flags
            self._try(clock, now_us, waiting, gap)
            self._send(link, clock, now_us, read)
            # Only now has the chip forgotten its counter.
            self._tried = 0
            self._owed = gap
            self._before = self._left = waiting - read
            self._looked_us = now_us
            self._looked_epoch = clock.epoch
        elif self.chip.overflow or self._dropping:
            # Full again before the first gap was reached, or in mid-sample: let all go, counted, not misplaced.
            gap, flags = self._missing(clock, now_us, waiting)
            self._owed_flags |= flags
            self._try(clock, now_us, waiting, gap)
            if waiting:
                self._dropping = self._broken = True
                self.chip.read_into(bytearray(waiting * 3 * self._channels))
                self._slot = (self._slot + waiting) & 31
            self._dropping = False
            self._tried = 0
            self._owed += waiting + gap
            self._before = self._left = 0
            self._looked_us = now_us
            self._looked_epoch = clock.epoch
            self.chip.seek(self._slot)
            self._broken = False
            read = waiting
        while self._before and not link.busy:
            samples = min(self._before, self._block.samples)
            self._send(link, clock, now_us, samples)
            self._before -= samples
            self._left -= samples
            read += samples
        if not self._before:
            self._gap += self._owed
            self._flags |= self._owed_flags
            self._owed_flags = 0
            self._first = (self._first + self._owed) & 0x3FFFFFFF
            self.lost += self._owed
            self._owed = 0
        self._left = waiting - read
        self._looked_us = now_us
        self._looked_epoch = clock.epoch
        self.moved_us = now_us
        return read

    def _try(self, clock: "Clock", now_us: int, waiting: int, gap: int) -> None:
        """Keep what the chip's counter said: should the burst break off, the chip has forgotten it."""
        self._tried = gap
        self._tried_us = now_us
        self._tried_epoch = clock.epoch
        self._tried_waiting = waiting

    def _mend(self, now_us: int, waiting: int) -> int:
        """After a burst that broke off: go back to where it began, or count what it took; return what waits now."""
        moved = (self.chip.slot - self._slot) & 31
        if moved and self._tried:
            if self._dropping:
                self._owed += self._tried
            else:
                self._owed = self._tried
                self._before = self._tried_waiting
            self._left = self._tried_waiting
            self._looked_us = self._tried_us
            self._looked_epoch = self._tried_epoch
        self._tried = 0
        # Both by the chip and by time: a FIFO that is just full looks empty to who missed its flag.
        made = elapsed_us(self._looked_us, now_us) // self._sample_us
        room = DEPTH - 2
        if (
            not (self._dropping or self.chip.overflow)
            and waiting + moved <= room
            and self._left + made <= room
        ):
            self.chip.seek(self._slot)
            self._broken = False
            return waiting + moved
        if self._dropping:
            self._owed += moved
        else:
            # To seek where it stands drops the rest of a sample; a full FIFO that would empty: let all of it go then.
            if waiting <= room:
                self.chip.seek(self.chip.slot)
                self._broken = False
            elif moved:
                self._dropping = True
            else:
                self._broken = False
            self._before = max(0, self._before - moved)
            self._first = (self._first + moved) & 0x3FFFFFFF
            self._gap += moved
            self.lost += moved
        self._left -= moved
        return waiting

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
        tail = block.tail_of(samples)
        self._broken = True
        self.chip.read_into(tail)
        self._broken = False
        self._slot = (self._slot + samples) & 31
        codec.pack_ppg_block(
            block.buffer,
            BODY_AT,
            self._first,
            now_us,
            clock.epoch,
            min(self._gap, _MOST),
            self._flags,
            self._number,
            self._channels,
        )
        block.send(link, samples)
        self._first = (self._first + samples) & 0x3FFFFFFF
        self._flags = 0
        self._gap = 0
