"""LSM6DSO accelerometer, after ST's datasheet DS12140 and application note AN5192.

The FIFO holds 512 words of a tag and six bytes: here samples, and every 32nd a timestamp of the sensor's own clock.
It runs on when full and the oldest words go: a flag tells, a counter there is none.
"""

from micropython import const

from bracelet import codec
from bracelet.drivers.unsupported import Unsupported

_FIFO_CTRL1 = const(0x07)
_WHO_AM_I = const(0x0F)
_CTRL1_XL = const(0x10)
_CTRL3_C = const(0x12)
_CTRL10_C = const(0x19)
_FIFO_STATUS1 = const(0x3A)
_TIMESTAMP0 = const(0x40)
_FIFO_DATA_OUT_TAG = const(0x78)

_WHO = const(0x6C)
_SOFT_RESET = const(0x01)
_BDU_IF_INC = const(0x44)
_TIMESTAMP_EN = const(0x20)
_CONTINUOUS = const(0x06)
_STAMP_EVERY_32 = const(0xC0)
_OVER_RUN = const(0x48)  # now, or latched since the last look

WORD_BYTES = const(7)
DEPTH = const(512)
SAMPLE_TAGS = b"\x11\x12\x14\x17"
"""Tag byte of an accelerometer word, by its slot: sensor 0x02, slot modulo 4, and a bit for an even number of ones."""
STAMP_TAGS = b"\x21\x22\x24\x27"
"""The same for a timestamp, sensor 0x04; its slot is that of the sample that follows."""
STAMP_EVERY = const(32)

RATES_DECIHZ = (125, 260, 520, 1040, 2080, 4160, 8330)
_RANGES = {2: 0, 4: 2, 8: 3, 16: 1}

_TYPING = const(0)
if _TYPING:
    from roles import Bus


def sample_ticks(rate_decihz: int) -> int:
    """Ticks of 25 us a sample: exact, for both come from one oscillator."""
    return 3072 >> RATES_DECIHZ.index(rate_decihz)


class Lsm6dso:
    """The chip on its bus; every method may raise OSError when it does not answer."""

    def __init__(self, i2c: "Bus", address: int = 0x6A) -> None:
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)
        self._state = bytearray(2)
        self._stamp = bytearray(4)
        self._rate = 0
        self.overrun = False
        """Whether words were overwritten before the last `pending`."""

    def _write(self, register: int, value: int) -> None:
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def probe(self) -> bool:
        """Whether an LSM6DSO answers."""
        try:
            return self._read(_WHO_AM_I) == _WHO
        except OSError:
            return False

    def configure(self, rate_decihz: int, range_g: int) -> None:
        """Set up, and leave the chip powered down; raise Unsupported for what it lacks, before anything is written."""
        if rate_decihz not in RATES_DECIHZ:
            raise Unsupported(
                codec.ERROR_CODE_UNSUPPORTED_RATE,
                "acc_rate_decihz %d: one of %s"
                % (rate_decihz, ", ".join(str(each) for each in RATES_DECIHZ)),
            )
        if range_g not in _RANGES:
            raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_RANGE, "acc_range_g %d: 2, 4, 8 or 16" % range_g)
        self._write(_CTRL3_C, _SOFT_RESET)
        for _ in range(10):
            if not self._read(_CTRL3_C) & _SOFT_RESET:
                break
        self._write(_CTRL3_C, _BDU_IF_INC)
        self._write(_CTRL10_C, _TIMESTAMP_EN)
        self._rate = RATES_DECIHZ.index(rate_decihz) + 1
        self._control = self._rate << 4 | _RANGES[range_g] << 2

    def start(self) -> None:
        """Empty the FIFO and sample."""
        self._i2c.writeto_mem(self._address, _FIFO_CTRL1, bytes((0, 0, self._rate, 0)))  # bypass empties it
        self._write(_CTRL1_XL, self._control)
        self._write(_FIFO_CTRL1 + 3, _STAMP_EVERY_32 | _CONTINUOUS)
        self.overrun = False

    def stop(self) -> None:
        """Power down."""
        self._write(_CTRL1_XL, 0)
        self._write(_FIFO_CTRL1 + 3, 0)

    def pending(self) -> int:
        """Words in the FIFO; sets `overrun`."""
        state = self._state
        self._i2c.readfrom_mem_into(self._address, _FIFO_STATUS1, state)
        self.overrun = state[1] & _OVER_RUN != 0
        return state[0] | (state[1] & 3) << 8

    def read_into(self, view: bytearray | memoryview) -> None:
        """Read as many words as `view` has room for, as one burst."""
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_TAG, view)

    def ticks(self) -> int:
        """The sensor's clock in 25 us, modulo 2^30."""
        self._i2c.readfrom_mem_into(self._address, _TIMESTAMP0, self._stamp)
        stamp = self._stamp
        return stamp[0] | stamp[1] << 8 | stamp[2] << 16 | (stamp[3] & 0x3F) << 24
