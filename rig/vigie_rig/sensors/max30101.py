"""MAX30101 optical sensor at register level, after Maxim's (now Analog Devices') datasheet.

What the datasheet leaves open, and what this model does:

- *Reading the FIFO when it is empty*: the datasheet only says that the host should read as many samples as the
  pointers tell. Here the bytes at the read pointer come back, stale, and no pointer moves.
- *A full FIFO*: the pointers are equal, as for an empty one. With roll-over the read pointer is pushed along, so
  that it points to the oldest sample left.
- *A sample read in part*: the read pointer moves with its first byte; the rest of it comes with the next read of
  FIFO_DATA, and is forgotten when a pointer is written.
- *Status bits* are set whether or not their interrupt is enabled; the enables are for the pin, which is not
  modelled.
- *LED currents* may change while sampling: the FIFO is kept and the rhythm goes on.
- *Slot values 5 to 7* count as no LED, 4 is the second green LED; slots after the first empty one are not used.
- Proximity mode and ambient light overflow (ALC_OVF) are not modelled; die temperature is always 31.5 °C.
"""

from __future__ import annotations

from ..traces import Trace
from ._fifo import Fifo
from ._max30101_optics import (
    LED_MA_PER_LSB,
    PULSE_WIDTHS_US,
    RATES_HZ,
    Optics,
    fastest_rate_code,
)
from ._sampler import Sampler
from .ledger import Ledger

_STATUS_1, _STATUS_2 = 0x00, 0x01
_WRITE_POINTER, _OVERFLOW, _READ_POINTER, _FIFO_DATA = 0x04, 0x05, 0x06, 0x07
_FIFO_CONFIG, _MODE_CONFIG, _SPO2_CONFIG = 0x08, 0x09, 0x0A
_LED_1, _LED_4 = 0x0C, 0x0F
_SLOTS_12, _SLOTS_34 = 0x11, 0x12
_TEMPERATURE, _TEMPERATURE_FRACTION, _TEMPERATURE_CONFIG = 0x1F, 0x20, 0x21
_REVISION_ID, _PART_ID = 0xFE, 0xFF
_READ_ONLY = {
    _STATUS_1,
    _STATUS_2,
    _FIFO_DATA,
    _TEMPERATURE,
    _TEMPERATURE_FRACTION,
    _REVISION_ID,
    _PART_ID,
}
_FIVE_BITS = 0x1F

_A_FULL, _PPG_READY, _POWER_READY = 0x80, 0x40, 0x01
_TEMPERATURE_READY = 0x02
_SHUTDOWN, _RESET = 0x80, 0x40
_HEART_RATE, _SPO2, _MULTI_LED = 0b010, 0b011, 0b111
_ROLLOVER = 0x10
_DEPTH = 32
_OVERFLOW_LIMIT = 31
_TEMPERATURE_US = 29_000
_DIE_TEMPERATURE = (31, 8)


class Max30101:
    """The sensor as its bus sees it: registers behind I2C address 0x57, filled from a trace.

    Nothing happens by itself: each call says what time it is on the board, and the samples due since the
    last call are produced first. Times must not go backwards.

    Parameters
    ----------
    trace
        What the photodiode sees. Its time 0 is board time `start_us`; before, its first sample is held,
        after its end the last second is played to and fro. A photocurrent is that of the trace (nA/mA)
        times the LED current, plus 2 nA of ambient light.
    clock_error
        0.01: the sensor's oscillator is 1 % fast.
    jitter_us
        Standard deviation of the jitter of each sample.
    seed
        Of the jitter.
    start_us
        Board time of the start of the trace, and of power-up.

    Attributes
    ----------
    stuck
        A fault: while true no samples are produced and no pointer moves; the registers still answer.
        Sampling begins anew, with a new run, at the first call after it was set to false.
    ledger
        Every sample ever produced; a :class:`Tally` counts them, for weeks of wear. A new run begins at
        each start of sampling and each change of what a value means: mode, rate, averaging, range, LED
        currents, slots, and when the host clears the FIFO (writes FIFO_WR_PTR).
    """

    address = 0x57

    def __init__(
        self,
        trace: Trace,
        *,
        clock_error: float = 0.0,
        jitter_us: float = 0.0,
        seed: int = 0,
        start_us: int = 0,
        ledger: Ledger | None = None,
    ) -> None:
        self.stuck = False
        self.ledger = Ledger() if ledger is None else ledger
        self._trace = trace
        self._start_us = start_us
        self._clock_error = clock_error
        self._sampler = Sampler(self.ledger, clock_error=clock_error, jitter_us=jitter_us, seed=seed)
        self._fifo = Fifo(_DEPTH, 3)
        self._rest = b""
        self._overflow = 0
        self._status_1 = _POWER_READY
        self._status_2 = 0
        self._temperature_due_us: int | None = None
        self._was_stuck = False
        self._registers = _power_up_registers()

    @property
    def sampling(self) -> bool:
        """Whether it samples now; not while stuck, though its LEDs may be lit."""
        return bool(self._active_leds())

    @property
    def led_ma(self) -> float:
        """Mean current through its LEDs by what its registers hold now: a pulse of each slot a conversion."""
        config = self._registers[_SPO2_CONFIG]
        pulses_hz = RATES_HZ[config >> 2 & 0b111] * (1 + self._clock_error)
        lit = PULSE_WIDTHS_US[config & 0b11] * 1e-6 * pulses_hz
        return lit * LED_MA_PER_LSB * sum(self._registers[_LED_1 + led] for led in self._active_leds())

    def play_from(self, start_us: int) -> None:
        """Let the trace begin at this board time; for what is sampled from the next start on."""
        self._start_us = start_us

    def power_cycle(self, now_us: int) -> None:
        """Cut the supply and bring it back: all registers as after power-up, the FIFO empty, PWR_RDY set."""
        self._produce(now_us)
        self._reset()
        self._status_1 = _POWER_READY

    def read(self, register: int, count: int, now_us: int) -> bytes:
        """Burst read: the register address goes up with each byte, except at FIFO_DATA, where it stays."""
        self._produce(now_us)
        if register == _FIFO_DATA:
            return self._read_fifo(count)
        answer = bytearray()
        while len(answer) < count:
            if register == _FIFO_DATA:
                return bytes(answer) + self._read_fifo(count - len(answer))
            answer.append(self._read_one(register))
            register = (register + 1) & 0xFF
        return bytes(answer)

    def write(self, register: int, data: bytes, now_us: int) -> None:
        """Burst write, the register address going up with each byte, except at FIFO_DATA, where it stays."""
        self._produce(now_us)
        for value in data:
            self._write_one(register, value, now_us)
            if register != _FIFO_DATA:
                register = (register + 1) & 0xFF

    def _produce(self, now_us: int) -> None:
        if self._temperature_due_us is not None and now_us >= self._temperature_due_us:
            self._temperature_due_us = None
            self._registers[_TEMPERATURE : _TEMPERATURE_FRACTION + 1] = bytes(_DIE_TEMPERATURE)
            self._registers[_TEMPERATURE_CONFIG] = 0
            self._status_2 |= _TEMPERATURE_READY
        if self.stuck:
            self._was_stuck = True
            return
        if self._was_stuck:
            self._was_stuck = False
            self._restart(now_us)
        fifo_config = self._registers[_FIFO_CONFIG]
        for words, numbers in self._sampler.take(now_us):
            before = self._fifo.count
            lost = self._fifo.push(words, numbers, overwrite=bool(fifo_config & _ROLLOVER))
            if len(lost):
                self.ledger.mark_lost(lost)
                self._overflow = min(self._overflow + len(lost), _OVERFLOW_LIMIT)
            if self._fifo.count > before or fifo_config & _ROLLOVER:
                self._status_1 |= _PPG_READY
                if self._fifo.count >= _DEPTH - (fifo_config & 0x0F):
                    self._status_1 |= _A_FULL

    def _read_fifo(self, count: int) -> bytes:
        self._status_1 &= ~_PPG_READY
        answer, self._rest = self._rest[:count], self._rest[count:]
        missing = count - len(answer)
        if missing == 0:
            return answer
        width = self._fifo.width
        words, numbers = self._fifo.pop(-(-missing // width))
        if len(numbers):
            self.ledger.mark_handed_out(numbers)
            self._overflow = 0
            answer += words[:missing]
            self._rest = words[missing:]
        missing = count - len(answer)
        if missing:
            answer += (self._fifo.peek(1) * (missing // width + 1))[:missing]
        return answer

    def _read_one(self, register: int) -> int:
        if register == _STATUS_1:
            status, self._status_1 = self._status_1, 0
            return status
        if register == _STATUS_2:
            status, self._status_2 = self._status_2, 0
            return status
        if register == _WRITE_POINTER:
            return self._fifo.write_slot
        if register == _OVERFLOW:
            return self._overflow
        if register == _READ_POINTER:
            return self._fifo.read_slot
        if register == _TEMPERATURE_FRACTION:
            self._status_2 &= ~_TEMPERATURE_READY
        return self._registers[register]

    def _write_one(self, register: int, value: int, now_us: int) -> None:
        if register in _READ_ONLY:
            return
        if register in {_WRITE_POINTER, _OVERFLOW, _READ_POINTER}:
            self._write_pointer(register, value & _FIVE_BITS)
            return
        if register == _MODE_CONFIG and value & _RESET:
            self._reset()
            return
        before = self._registers[register]
        self._registers[register] = value
        if register == _TEMPERATURE_CONFIG:
            self._temperature_due_us = now_us + _TEMPERATURE_US if value & 1 else None
        elif register == _MODE_CONFIG and value & _SHUTDOWN:
            self._status_1 = self._status_2 = 0
        if before == value:
            return
        if register in {_MODE_CONFIG, _SPO2_CONFIG, _SLOTS_12, _SLOTS_34} or (
            register == _FIFO_CONFIG and (before ^ value) >> 5
        ):
            self._restart(now_us)
        elif _LED_1 <= register <= _LED_4:
            self._new_run()

    def _write_pointer(self, register: int, slot: int) -> None:
        if register == _OVERFLOW:
            self._overflow = slot
            return
        self._rest = b""
        if register == _READ_POINTER:
            self._fifo.set_pointers(write_slot=self._fifo.write_slot, read_slot=slot)
        else:
            self._fifo.set_pointers(write_slot=slot, read_slot=self._fifo.read_slot)
            self._new_run()

    def _reset(self) -> None:
        self._sampler.stop()
        self._registers = _power_up_registers()
        self._fifo = Fifo(_DEPTH, 3)
        self._rest = b""
        self._overflow = 0
        self._status_1 = self._status_2 = 0
        self._temperature_due_us = None
        self._was_stuck = False

    def _restart(self, now_us: float) -> None:
        """Take up the configuration: stop, or sample from now on."""
        leds = self._active_leds()
        if not leds:
            self._sampler.stop()
            return
        config = self._registers[_SPO2_CONFIG]
        pulse_width_code = config & 0b11
        rate_code = min(config >> 2 & 0b111, fastest_rate_code(pulse_width_code, len(leds)))
        self._registers[_SPO2_CONFIG] = config & ~0b11100 | rate_code << 2
        average = 1 << min(self._registers[_FIFO_CONFIG] >> 5, 5)
        optics = Optics(
            self._trace,
            leds,
            tuple(self._registers[_LED_1 + led] * LED_MA_PER_LSB for led in leds),
            start_us=self._start_us,
            range_code=config >> 5 & 0b11,
            pulse_width_code=pulse_width_code,
            average=average,
            conversion_period_us=1e6 / (RATES_HZ[rate_code] * (1 + self._clock_error)),
        )
        if self._fifo.width != 3 * len(leds):
            self._fifo = Fifo(_DEPTH, 3 * len(leds))
            self._rest = b""
        self._sampler.start(now_us, RATES_HZ[rate_code] / average, len(leds), optics.encode, self._fifo.width)

    def _new_run(self) -> None:
        """Go on sampling in the same rhythm, with a new run in the ledger."""
        if self._sampler.running:
            self._restart(self._sampler.phase_us)

    def _active_leds(self) -> tuple[int, ...]:
        mode = self._registers[_MODE_CONFIG]
        if mode & _SHUTDOWN:
            return ()
        if mode & 0b111 == _HEART_RATE:
            return (0,)
        if mode & 0b111 == _SPO2:
            return (0, 1)
        if mode & 0b111 != _MULTI_LED:
            return ()
        low, high = self._registers[_SLOTS_12], self._registers[_SLOTS_34]
        leds: list[int] = []
        for slot in (low & 0b111, low >> 4 & 0b111, high & 0b111, high >> 4 & 0b111):
            if not 1 <= slot <= 4:
                break
            leds.append(slot - 1)
        return tuple(leds)


def _power_up_registers() -> bytearray:
    registers = bytearray(256)
    registers[_REVISION_ID] = 0x03
    registers[_PART_ID] = 0x15
    return registers
