"""MAX30101 pulse oximeter, after Maxim's datasheet 19-8442.

The FIFO holds 32 samples. Its pointers are equal when it is empty and when it is full: the almost-full flag, set for
"no room left", and the overflow counter tell which. The counter stops at 31 and is cleared by the next sample read.
"""

from micropython import const

from bracelet import codec
from bracelet.drivers.unsupported import Unsupported

_STATUS = const(0x00)
_FIFO_WRITE = const(0x04)
_FIFO_READ = const(0x06)
_FIFO_DATA = const(0x07)
_FIFO_CONFIG = const(0x08)
_MODE = const(0x09)
_SPO2 = const(0x0A)
_LED_GREEN = const(0x0E)
_LED_RED = const(0x0C)
_SLOTS = const(0x11)
_PART_ID = const(0xFF)

_PART = const(0x15)
_RESET = const(0x40)
_SHUTDOWN = const(0x80)
_MULTI_LED = const(0x07)
_FULL = const(0x80)

DEPTH = const(32)
OVERFLOW_MOST = const(31)

RATES_HZ = (50, 100, 200, 400, 800, 1000, 1600, 3200)
PULSE_WIDTHS_US = (69, 118, 215, 411)
RANGES_NA = (2048, 4096, 8192, 16384)
AVERAGES = (1, 2, 4, 8, 16, 32)

# Fastest rate for each pulse width, by number of LEDs. One and two: the datasheet's tables for heart-rate and SpO2
# mode. Three: no table is given; the conversions of a sample must fit its period, as in those tables.
_FASTEST_HZ = ((3200, 1600, 1600, 1000), (1600, 1000, 800, 400), (800, 800, 400, 200))

# Slots: green is LED 3, infrared LED 2, red LED 1.
_GREEN_INFRARED = const(0x23)
_GREEN_ALONE = const(0x03)
_NONE = const(0x00)
_RED = const(0x01)

_TYPING = const(0)
if _TYPING:
    from roles import Bus


def _index(values: tuple[int, ...], value: int, code: int, name: str) -> int:
    for at, each in enumerate(values):
        if each == value:
            return at
    raise Unsupported(code, "%s %d: one of %s" % (name, value, ", ".join(str(each) for each in values)))


class Max30101:
    """The chip on its bus; every method may raise OSError when it does not answer."""

    def __init__(self, i2c: "Bus", address: int = 0x57) -> None:
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)
        self._state = bytearray(7)
        self._pointers = bytearray(3)
        self.overflow = 0
        """Samples lost before the last `pending`, at most 31."""
        self.slot = 0
        """Where in the FIFO the next sample stood at the last `pending`."""

    def _write(self, register: int, value: int) -> None:
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def probe(self) -> bool:
        """Whether a MAX30101 answers."""
        try:
            return self._read(_PART_ID) == _PART
        except OSError:
            return False

    def configure(
        self, rate_hz: int, channels: int, pulse_width_us: int, range_na: int, average: int, led_ua: int
    ) -> None:
        """Set up, and leave the chip shut down; raise Unsupported for what it lacks, before anything is written."""
        if not 1 <= channels <= 3:
            raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_CHANNELS, "ppg_channels %d: 1 to 3" % channels)
        rate = _index(RATES_HZ, rate_hz, codec.ERROR_CODE_UNSUPPORTED_RATE, "ppg_rate_hz")
        width = _index(
            PULSE_WIDTHS_US, pulse_width_us, codec.ERROR_CODE_UNSUPPORTED_PULSE_WIDTH, "ppg_pulse_width_us"
        )
        span = _index(RANGES_NA, range_na, codec.ERROR_CODE_UNSUPPORTED_RANGE, "ppg_range_na")
        mean = _index(AVERAGES, average, codec.ERROR_CODE_UNSUPPORTED_AVERAGING, "ppg_average")
        fastest = _FASTEST_HZ[channels - 1][width]
        if rate_hz > fastest:
            raise Unsupported(
                codec.ERROR_CODE_UNSUPPORTED_PULSE_WIDTH,
                "%d Hz with %d LEDs: at most %d Hz at %d us" % (rate_hz, channels, fastest, pulse_width_us),
            )
        if led_ua % 200 or led_ua > 51000:
            raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_RANGE, "ppg_led_ua: steps of 200 up to 51000")
        self._write(_MODE, _RESET)
        for _ in range(10):
            if not self._read(_MODE) & _RESET:
                break
        self._write(_MODE, _SHUTDOWN)
        self._write(
            _FIFO_CONFIG, mean << 5
        )  # no rollover: what is kept is unbroken; flag when no room is left
        self._write(_SPO2, span << 5 | rate << 2 | width)
        for led in range(3):
            self._write(_LED_RED + led, led_ua // 200)
        self._write(_LED_GREEN + 1, led_ua // 200)
        self._write(_SLOTS, _GREEN_ALONE if channels == 1 else _GREEN_INFRARED)
        self._write(_SLOTS + 1, _RED if channels == 3 else _NONE)

    def start(self) -> None:
        """Empty the FIFO and sample."""
        self._i2c.writeto_mem(self._address, _FIFO_WRITE, bytes(3))
        self._write(_MODE, _MULTI_LED)
        self._read(_STATUS)
        self.overflow = 0

    def stop(self) -> None:
        """Shut down: LEDs off."""
        self._write(_MODE, _SHUTDOWN)

    def pending(self) -> int:
        """Samples in the FIFO; sets `overflow` and `slot`."""
        state = self._state
        self._i2c.readfrom_mem_into(self._address, _STATUS, state)
        self.overflow = state[5] & 31
        self.slot = state[6] & 31
        waiting = (state[4] - state[6]) & 31
        if waiting == 0 and (self.overflow or state[0] & _FULL):
            return DEPTH
        return waiting

    def seek(self, slot: int) -> None:
        """Read on from this slot, at the beginning of its sample: the datasheet's way to repeat a burst."""
        self._write(_FIFO_READ, slot)
        self.slot = slot

    def read_into(self, view: bytearray | memoryview) -> None:
        """Read as many samples as `view` has room for, as one burst."""
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA, view)
