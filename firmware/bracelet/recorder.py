"""What the streams send to while no host listens: feeds the features, counts what is lost, and packs raw windows."""

# The stubs leave the type of arrays open.
from struct import pack_into, unpack_from  # pyright: ignore[reportUnknownVariableType]

from micropython import const

from bracelet import codec, rice
from bracelet.arrays import zeros
from bracelet.framing import BODY_AT

_TICKS_AT = const(4)
_OVERFLOW_AT = const(10)
_CHANNELS_AT = const(14)
_RAW_BODY_BYTES = const(199)  # with head and CRC thirteen slots: of all sizes it wastes the least of a sector
_PPG_SAMPLES = const(112)
_ACC_SAMPLES = const(48)

_TYPING = const(0)
if _TYPING:
    from roles import Features

    from bracelet.log import FlashLog


class Recorder:
    """Stands where the link does; takes every block at once and is never busy."""

    busy = False

    def __init__(self, log: "FlashLog") -> None:
        self.features: "Features | None" = None
        self.raw = False
        """Whether blocks are kept whole, packed, in the lane RAW."""
        self.fault: OSError | None = None
        """Why the last raw window ended early, until someone takes note."""
        self.ppg_lost = 0
        """PPG samples lost since someone set it to 0."""
        self.acc_lost = 0
        self.ppg_rate_hz = 0
        self.acc_rate_decihz = 0
        self.acc_range_g = 0
        self.led_ua = 0
        self._when_us = 0
        self._when_epoch = 0
        self._ppg = _Window(log, 1, _PPG_SAMPLES)
        self._acc = _Window(log, 3, _ACC_SAMPLES)

    def pump(self) -> bool:
        """Nothing ever waits."""
        return True

    def send(self, buffer: bytearray, view: memoryview, end: int) -> None:  # noqa: ARG002
        """Take the block whose kind and body stand in buffer[1:end]."""
        self._when_us, self._when_epoch = unpack_from("<IH", buffer, BODY_AT + _TICKS_AT)
        lost = buffer[BODY_AT + _OVERFLOW_AT] | buffer[BODY_AT + _OVERFLOW_AT + 1] << 8
        features = self.features
        if features is None:
            return
        if buffer[1] == codec.PPG_BLOCK:
            at = BODY_AT + codec.PPG_BLOCK_HEAD_BYTES
            channels = buffer[BODY_AT + _CHANNELS_AT]
            if lost:
                self.ppg_lost += lost
                features.lost_ppg(lost)
            samples = (end - at) // (3 * channels)
            features.ppg(buffer, at, samples, channels)
            if self.raw:
                window = self._ppg
                if lost:
                    window.skip(lost, self)
                for index in range(at, end, 3 * channels):
                    if window.add(buffer[index] << 16 | buffer[index + 1] << 8 | buffer[index + 2]):
                        window.write(self)
        else:
            at = BODY_AT + codec.ACCELEROMETER_BLOCK_HEAD_BYTES
            if lost:
                self.acc_lost += lost
                features.lost_acceleration(lost)
            features.acceleration(buffer, at, (end - at) // 6)
            if self.raw:
                window = self._acc
                if lost:
                    window.skip(lost, self)
                for index in range(at, end, 2):
                    value = buffer[index] | buffer[index + 1] << 8
                    if window.add(value - ((value & 0x8000) << 1)):
                        window.write(self)

    @property
    def when(self) -> "tuple[int, int]":
        """When the last block was read: ticks_us, epoch."""
        return self._when_us, self._when_epoch

    def begin_raw(self) -> None:
        """Begin a raw window: samples are counted from 0."""
        if not self.raw:
            self._ppg.begin()
            self._acc.begin()
        self.raw = True

    def end_raw(self) -> None:
        """Write what is left of the raw window."""
        self.flush_ppg()
        self._acc.write(self)
        self.raw = False

    def flush_ppg(self) -> None:
        """The PPG stops: write what is left of it."""
        self._ppg.write(self)


class _Window:
    """Samples of one stream until they make a record."""

    def __init__(self, log: "FlashLog", channels: int, samples: int) -> None:
        self._log = log
        self._channels = channels
        self._values = zeros("i", channels * samples)
        self._body = bytearray(_RAW_BODY_BYTES)
        self._view = memoryview(self._body)
        self.begin()

    def begin(self) -> None:
        self._count = 0
        self._first = 0

    def add(self, value: int) -> bool:
        """Take the next value, channel after channel; whether the window is full."""
        self._values[self._count] = value
        self._count += 1
        return self._count == len(self._values)

    def skip(self, lost: int, recorder: Recorder) -> None:
        """Samples were lost here: what follows begins a record of its own."""
        self.write(recorder)
        self._first += lost

    def write(self, recorder: Recorder) -> None:
        """Make records of all that is there; a log that fails ends the raw window, and nothing else."""
        total = self._count // self._channels
        first = self._first
        self._count = 0
        self._first = (first + total) & 0x3FFFFFFF
        try:
            while total:
                written = self._write_some(first, total, recorder)
                first = (first + written) & 0x3FFFFFFF
                total -= written
                shift = written * self._channels
                for index in range(total * self._channels):
                    self._values[index] = self._values[index + shift]
        except OSError as error:
            recorder.raw = False
            recorder.fault = error

    def _write_some(self, first: int, samples: int, recorder: Recorder) -> int:
        """Write as many samples as one record holds: all, half, a quarter...; return how many."""
        channels = self._channels
        values = self._values
        if channels == 3:
            at = codec.pack_raw_accelerometer_record(
                self._body, 0, first, samples, recorder.acc_rate_decihz, recorder.acc_range_g
            )
            kind = codec.RAW_ACCELEROMETER_RECORD
        else:
            at = codec.pack_raw_ppg_record(
                self._body, 0, first, samples, channels, recorder.ppg_rate_hz, recorder.led_ua
            )
            kind = codec.RAW_PPG_RECORD
        end = rice.pack(values, samples, channels, self._body, at, _RAW_BODY_BYTES)
        while end < 0:
            samples = (samples + 1) // 2
            pack_into("<H", self._body, 4, samples)
            end = rice.pack(values, samples, channels, self._body, at, _RAW_BODY_BYTES)
        self._log.append(codec.LANE_RAW, kind, self._view[:end], recorder.when)
        return samples
