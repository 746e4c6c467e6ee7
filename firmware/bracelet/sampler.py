"""The sampler: asks every stream in turn, and tells when a sensor falls silent."""

from micropython import const

from bracelet import codec
from bracelet.clock import elapsed_us

_STALLED_US = const(1500000)
_MOST_EVENTS = const(16)
_ATTEMPTS = const(5)

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import TypeVarTuple, Unpack

    from roles import Clock, Event, Link, Stream

    Given = TypeVarTuple("Given")


def attempt(sampler: "Sampler", verb: "Callable[[Unpack[Given]], None]", *given: "Unpack[Given]") -> None:
    """Do what may be repeated until the bus lets it pass, at most five times; then raise OSError. Faults count."""
    for left in range(_ATTEMPTS - 1, -1, -1):
        try:
            return verb(*given)
        except OSError:
            sampler.sensor_faults = (sampler.sensor_faults + 1) & 0xFFFF
            if not left:
                raise


class Sampler:
    """Runs the streams of the board; `step` is the whole sampling path."""

    def __init__(self, streams: "list[Stream]", clock: "Clock", link: "Link") -> None:
        self.streams = streams
        self.running = 0
        self.sensor_faults = 0
        self.awake = 0
        """Streams whose chip should rest and may not: it did not answer."""
        self.events: "list[Event]" = []
        """Events not sent yet, (ticks_us, epoch, code, value) each; at most 16."""
        self._clock = clock
        self._link = link
        self._ill = 0
        self._failed = 0
        self.period_ms = 1000
        self.again = False
        """Whether the last step should be made once more, soon: a FIFO may not have the room to wait for the next."""

    def start(self, wanted: int, ill: int = 0) -> None:
        """Start the streams of these bits; if one cannot, raise OSError, with all of them at rest.

        `ill`: those that are known to bring nothing; their first samples are a recovery.
        """
        self.period_ms = 1000
        self._ill = ill
        self._failed = 0
        for stream in self.streams:
            if stream.STREAM & wanted:
                self.awake |= stream.STREAM
                try:
                    attempt(self, stream.start, self._clock)
                except OSError:
                    self.rest()
                    raise
                self.period_ms = min(self.period_ms, stream.period_ms)
        self.awake &= ~wanted
        self.running = wanted

    def stop(self) -> None:
        """Stop all, sending what they still hold; a sensor that does not answer is `awake` from then on."""
        for stream in self.streams:
            if stream.STREAM & self.running:
                try:
                    attempt(self, stream.stop, self._clock, self._link)
                except OSError:
                    self.awake |= stream.STREAM
        self.running = 0
        self.rest()

    def rest(self) -> None:
        """Put the chips to rest that did not answer when they were to."""
        for stream in self.streams:
            if stream.STREAM & self.awake:
                try:
                    attempt(self, stream.chip.stop)
                    self.awake &= ~stream.STREAM
                except OSError:
                    pass

    def step(self) -> None:
        """One look at each running stream."""
        self._link.pump()
        self.again = False
        for stream in self.streams:
            bit = stream.STREAM
            if not self.running & bit:
                continue
            try:
                read = stream.poll(self._clock, self._link)
            except OSError:
                self.sensor_faults = (self.sensor_faults + 1) & 0xFFFF
                # One refused transfer is noise, two looks in a row are a fault.
                if self._failed & bit:
                    self._tell(bit, codec.EVENT_CODE_SENSOR_FAULT)
                else:
                    self.again = True
                self._failed |= bit
                continue
            self._failed &= ~bit
            if read:
                if self._ill & bit:
                    self._ill &= ~bit
                    self._event(codec.EVENT_CODE_SENSOR_RECOVERED, bit)
            elif (
                elapsed_us(stream.moved_us, self._clock.now_us()) > max(_STALLED_US, 3000 * stream.period_ms)
                and not self._link.busy
            ):
                self._tell(bit, codec.EVENT_CODE_SENSOR_STALLED)

    def _tell(self, bit: int, code: int) -> None:
        if not self._ill & bit:
            self._ill |= bit
            self._event(code, bit)

    def _event(self, code: int, value: int) -> None:
        if len(self.events) < _MOST_EVENTS:
            self.events.append((self._clock.now_us(), self._clock.epoch, code, value))
