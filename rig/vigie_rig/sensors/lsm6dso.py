"""ST LSM6DSO inertial sensor (its accelerometer) at register level, after DS12140 and AN5192.

What the documents leave open, and what this model does:

- *Rates* are the sensor's oscillator divided down: 40 kHz / 6 / 2^n, so that "104 Hz" is 104.17 Hz and the
  time stamp moves by exactly 384 counts a sample; 12.5 Hz is 13.02 Hz. That is what AN5192's formula for the
  actual rate gives.
- *Reading an empty FIFO* gives words of zeros, whose tag is none that is defined.
- *A word leaves the FIFO* when its last byte (0x7E) is read, so that the tag can be read on its own.
- *A time stamp word* stands before the accelerometer word of its time slot.
- *FIFO mode* stops when full and stays so until bypass; what comes after is lost.
- *FIFO_OVR_IA* means completely filled, as the datasheet says; its latched form is set when that happens.
- *Changes of configuration* clear the FIFO only where the FIFO mode changes.
- Gyroscope, temperature, compression, STOP_ON_WTM, the batch counter, triggers (so continuous-to-FIFO is
  continuous, and the two bypass-to modes are bypass), filters and interrupts are not modelled; the registers keep
  what is written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..traces import Trace
from ._clock import play
from ._fifo import NO_SAMPLE, Fifo
from ._sampler import Encoded, Sampler
from .ledger import Ledger

_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
_WHO_AM_I, _CTRL1_XL, _CTRL3_C, _CTRL6_C, _CTRL10_C, _STATUS = 0x0F, 0x10, 0x12, 0x15, 0x19, 0x1E
_OUT_FIRST, _OUT_LAST = 0x28, 0x2D
_FIFO_STATUS1, _FIFO_STATUS2 = 0x3A, 0x3B
_TIMESTAMP0, _TIMESTAMP2, _TIMESTAMP3 = 0x40, 0x42, 0x43
_FREQ_FINE = 0x63
_FIFO_OUT, _FIFO_OUT_LAST = 0x78, 0x7E
_READ_ONLY = {
    _WHO_AM_I,
    _STATUS,
    *range(0x20, 0x2E),
    _FIFO_STATUS1,
    _FIFO_STATUS2,
    *range(_TIMESTAMP0, _TIMESTAMP3 + 1),
    _FREQ_FINE,
    *range(_FIFO_OUT, _FIFO_OUT_LAST + 1),
}

_BOOT, _BDU, _IF_INC, _SW_RESET = 0x80, 0x40, 0x04, 0x01
_XL_HM_MODE = 0x10
_LOW_POWER_CODES = (1, 2, 3, 4, 5, 11)
_TIMESTAMP_EN = 0x20
_TIMESTAMP_RESET = 0xAA
_TAG_ACCELEROMETER, _TAG_TIMESTAMP = 0x02, 0x04
_FIFO_MODE, _CONTINUOUS, _CONTINUOUS_TO_FIFO = 0b001, 0b110, 0b011
_WORD_BYTES = 7
_DEPTH = 512
_TICK_US = 25.0
_TICKS_FASTEST = 6
_MG_PER_LSB = (0.061, 0.488, 0.122, 0.244)
_TIMESTAMP_DECIMATION = (0, 1, 8, 32)


class Lsm6dso:
    """The accelerometer as its bus sees it: registers behind I2C address 0x6A, filled from a trace.

    Nothing happens by itself: each call says what time it is on the board, and the samples due since the
    last call are produced first. Times must not go backwards.

    Parameters
    ----------
    trace
        What moves the sensor. Its time 0 is board time `start_us`; before, its first sample is held, after
        its end the last second is played to and fro.
    clock_error
        0.01: the sensor's oscillator is 1 % fast: rates and time stamps alike. INTERNAL_FREQ_FINE tells it
        in steps of 0.15 %.
    jitter_us
        Standard deviation of the jitter of each sample.
    seed
        Of the jitter.
    start_us
        Board time of the start of the trace, and of power-up.

    Attributes
    ----------
    stuck
        A fault: while true no samples are produced; the registers still answer. Sampling begins anew, with
        a new run, at the first call after it was set to false.
    ledger
        Every sample ever produced: those batched into the FIFO while it is on, those of the output
        registers while it is not. A new run begins at each start of sampling and at each change of rate,
        range, FIFO mode, batching or time stamps.
    """

    address = 0x6A

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
        self._run_trace_us = start_us
        self._now_us = start_us
        self._was_stuck = False
        self._first_slot = 0
        self._timestamp_zero_us: float | None = None
        self._timestamp_read = bytes(4)
        self._fifo_on = self._overwrites = self._stopped = self._overrun_latched = self._fresh = False
        self._reset()

    @property
    def sampling_hz(self) -> float:
        """Nominal rate by what its registers hold now; 0 in power-down."""
        ticks = _period_ticks(self._registers[_CTRL1_XL] >> 4)
        return 0.0 if ticks is None else 1e6 / (_TICK_US * ticks)

    @property
    def low_power(self) -> bool:
        """Whether it is set to low-power mode; above 208 Hz there is none."""
        return (
            bool(self._registers[_CTRL6_C] & _XL_HM_MODE)
            and self._registers[_CTRL1_XL] >> 4 in _LOW_POWER_CODES
        )

    def play_from(self, start_us: int) -> None:
        """Let the trace begin at this board time; for what is sampled from the next start on."""
        self._start_us = start_us

    def power_cycle(self, now_us: int) -> None:
        """Cut the supply and bring it back: all registers as after power-up, the FIFO empty."""
        self._produce(now_us)
        self._reset()

    def read(self, register: int, count: int, now_us: int) -> bytes:
        """Burst read; with IF_INC the register address goes up with each byte, and from 0x7E back to 0x78."""
        self._produce(now_us)
        if not self._registers[_CTRL3_C] & _IF_INC:
            return b"".join(self._read_some(register, 1) for _ in range(count))
        answer = self._read_some(register, count)
        while len(answer) < count:
            answer += self._read_some((register + len(answer)) & 0xFF, count - len(answer))
        return answer

    def write(self, register: int, data: bytes, now_us: int) -> None:
        """Burst write; with IF_INC the register address goes up with each byte."""
        self._produce(now_us)
        for value in data:
            self._write_one(register, value, now_us)
            if self._registers[_CTRL3_C] & _IF_INC:
                register = (register + 1) & 0xFF

    def _produce(self, now_us: int) -> None:
        self._now_us = now_us
        if self.stuck:
            self._was_stuck = True
            return
        if self._was_stuck:
            self._was_stuck = False
            if self._sampler.running:
                # Nothing was reset: the counter of time slots stood still with the samples.
                self._first_slot += self._sampler.taken
            self._restart(now_us)
        for words, numbers in self._sampler.take(now_us):
            self._fresh = True
            self._latest = bytes(words[-6:])
            self._latest_number = numbers[-1:]
            if not self._fifo_on:
                continue
            lost = numbers
            if not self._stopped:
                lost = self._fifo.push(words, numbers, overwrite=self._overwrites)
            if self._fifo.count == _DEPTH:
                self._overrun_latched = True
                self._stopped = not self._overwrites
            if len(lost):
                self.ledger.mark_lost(lost)

    def _read_some(self, register: int, count: int) -> bytes:
        """At least one byte from `register` on."""
        if _FIFO_OUT <= register <= _FIFO_OUT_LAST:
            return self._read_fifo(register - _FIFO_OUT, count)
        value = self._registers[register]
        if register == _FIFO_STATUS1:
            value = self._fifo.count & 0xFF
        elif register == _FIFO_STATUS2:
            value = self._fifo_status2()
        elif _OUT_FIRST <= register <= _OUT_LAST:
            value = self._read_output(register - _OUT_FIRST)
        elif register == _STATUS:
            value = int(self._fresh)
        elif _TIMESTAMP0 <= register <= _TIMESTAMP3:
            value = self._read_timestamp(register - _TIMESTAMP0)
        return bytes([value])

    def _read_fifo(self, offset: int, count: int) -> bytes:
        end = offset + count
        words = -(-end // _WORD_BYTES)
        content = self._fifo.peek(min(words, self._fifo.count))
        _, numbers = self._fifo.pop(end // _WORD_BYTES)
        self.ledger.mark_handed_out(numbers)
        return content.ljust(words * _WORD_BYTES, b"\0")[offset:end]

    def _read_timestamp(self, offset: int) -> int:
        # The four bytes belong together: they are taken when the lowest is read.
        if offset == 0:
            self._timestamp_read = self._ticks(np.array([float(self._now_us)])).tobytes()
        return self._timestamp_read[offset]

    def _fifo_status2(self) -> int:
        count = self._fifo.count
        watermark = self._registers[_FIFO_CTRL1] | (self._registers[_FIFO_CTRL2] & 1) << 8
        latched, self._overrun_latched = self._overrun_latched, False
        return (
            (count >= watermark > 0) << 7
            | (count == _DEPTH) << 6
            | (count >= _DEPTH - 1) << 5
            | latched << 3
            | count >> 8
        )

    def _read_output(self, offset: int) -> int:
        # BDU: the halves of a value belong together: the high one is of the sample of the low one.
        held = self._registers[_CTRL3_C] & _BDU and offset & 1
        if not held:
            self._output = self._latest
            if not self._fifo_on:
                self.ledger.mark_handed_out(self._latest_number)
        if offset & 1:
            self._fresh = False
        return (self._output if held else self._latest)[offset]

    def _write_one(self, register: int, value: int, now_us: int) -> None:
        if register == _TIMESTAMP2 and value == _TIMESTAMP_RESET:
            self._timestamp_zero_us = float(now_us)
            self._new_run()
        if register in _READ_ONLY:
            return
        if register == _CTRL3_C and value & _SW_RESET:
            self._reset()
            return
        if register == _CTRL3_C:
            value &= ~_BOOT
        before = self._registers[register]
        self._registers[register] = value
        if before == value:
            return
        if register == _FIFO_CTRL4 and (before ^ value) & 0b111:
            self._fifo.clear()
            self._overrun_latched = self._stopped = False
            self._new_run()
        elif register == _CTRL1_XL and (before ^ value) >> 4:
            self._restart(now_us)
        elif register in {_CTRL1_XL, _FIFO_CTRL3, _FIFO_CTRL4}:
            self._new_run()
        elif register == _CTRL10_C and (before ^ value) & _TIMESTAMP_EN:
            self._timestamp_zero_us = float(now_us) if value & _TIMESTAMP_EN else None
            self._new_run()

    def _reset(self) -> None:
        self._sampler.stop()
        self._registers = bytearray(256)
        self._registers[_WHO_AM_I] = 0x6C
        self._registers[_CTRL3_C] = _IF_INC
        self._registers[_FREQ_FINE] = max(-128, min(127, round(self._clock_error / 0.0015))) & 0xFF
        self._fifo = Fifo(_DEPTH, _WORD_BYTES)
        self._fifo_on = self._overwrites = self._stopped = False
        self._overrun_latched = False
        self._fresh = False
        self._latest = self._output = bytes(6)
        self._latest_number = np.zeros(0, dtype=np.int64)
        self._timestamp_zero_us = None
        self._timestamp_read = bytes(4)
        self._was_stuck = False
        self._first_slot = 0

    def _restart(self, now_us: float) -> None:
        """Take up the configuration: stop, or sample from now on."""
        self._run_trace_us = self._start_us
        odr = _period_ticks(self._registers[_CTRL1_XL] >> 4)
        if odr is None:
            self._sampler.stop()
            return
        mode = self._registers[_FIFO_CTRL4] & 0b111
        batch = _period_ticks(self._registers[_FIFO_CTRL3] & 0x0F)
        self._fifo_on = batch is not None and mode in {_FIFO_MODE, _CONTINUOUS, _CONTINUOUS_TO_FIFO}
        self._overwrites = mode != _FIFO_MODE
        period_ticks = max(odr, batch) if self._fifo_on and batch is not None else odr
        self._sampler.start(now_us, 1e6 / (_TICK_US * period_ticks), 3, self._encode, _WORD_BYTES)

    def _new_run(self) -> None:
        """Go on sampling in the same rhythm, with a new run in the ledger."""
        if self._sampler.running:
            self._restart(self._sampler.phase_us)

    def _encode(self, time_us: NDArray[np.float64], first: int) -> Encoded:
        mg_per_lsb = _MG_PER_LSB[self._registers[_CTRL1_XL] >> 2 & 0b11]
        trace = self._trace
        time_s = (time_us - self._run_trace_us) * 1e-6
        acc_g = play(trace.acc_g, trace.acc_rate_hz, time_s, repeats=trace.repeats)
        values = np.clip(np.rint(acc_g.T * (1000 / mg_per_lsb)), -32768, 32767).astype(np.int16)
        index = np.arange(len(time_us))
        slot = (self._first_slot + first + index) & 0b11
        words = np.zeros((len(time_us), 2, _WORD_BYTES), dtype=np.uint8)
        words[:, 1, 0] = _tags(_TAG_ACCELEROMETER, slot)
        words[:, 1, 1:] = values.astype("<i2").view(np.uint8).reshape(-1, 6)
        stamped = np.zeros(len(time_us), dtype=np.bool_)
        decimation = _TIMESTAMP_DECIMATION[self._registers[_FIFO_CTRL4] >> 6]
        if decimation and self._timestamp_zero_us is not None:
            stamped = (first + index) % decimation == 0
            words[:, 0, 0] = _tags(_TAG_TIMESTAMP, slot)
            words[:, 0, 1:5] = self._ticks(time_us).view(np.uint8).reshape(-1, 4)
        keep = np.stack((stamped, np.ones_like(stamped)), axis=1)
        sample = np.stack((np.full_like(index, NO_SAMPLE), index), axis=1)
        return Encoded(
            values.astype(np.int32),
            words[keep].tobytes(),
            sample[keep],
            np.concatenate(([0], np.cumsum(keep.sum(axis=1)))),
        )

    def _ticks(self, time_us: NDArray[np.float64]) -> NDArray[np.uint32]:
        """The 32-bit time stamp counter at board times."""
        if self._timestamp_zero_us is None:
            return np.zeros(len(time_us), dtype="<u4")
        ticks = (time_us - self._timestamp_zero_us) * (1 + self._clock_error) / _TICK_US
        return (np.floor(ticks + 1e-6).astype(np.int64) & 0xFFFFFFFF).astype("<u4")


def _period_ticks(code: int) -> int | None:
    """Period of an ODR or BDR code in counts of 25 us; none for off and for reserved codes."""
    if 1 <= code <= 10:
        return _TICKS_FASTEST << (10 - code)
    return _TICKS_FASTEST << 12 if code == 11 else None


def _tags(sensor: int, slot: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Tag bytes: sensor, counter of the time slot, and a bit that makes the number of ones even."""
    tags = sensor << 3 | slot << 1
    parity = tags ^ tags >> 4
    parity ^= parity >> 2
    parity ^= parity >> 1
    return (tags | parity & 1).astype(np.uint8)
