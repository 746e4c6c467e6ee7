"""A bracelet made of the shipped FakeTransport: it answers as the firmware does, and sends blocks when told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from vigie.transports.fake import HELLO, FakeTransport
from vigie_protocol.definition import Message
from vigie_protocol.messages import (
    AccelerometerBlock,
    Configuration,
    ConfigurationRequest,
    Configure,
    Hello,
    PpgBlock,
    Status,
    StatusRequest,
)

CONFIGURATION = Configuration(
    request=0,
    configuration=1,
    ppg_rate_hz=100,
    ppg_channels=2,
    ppg_pulse_width_us=411,
    ppg_range_na=4096,
    ppg_average=1,
    ppg_led_ua=6400,
    acc_rate_decihz=1040,
    acc_range_g=8,
)
STATUS = Status(
    request=0,
    ticks_us=5,
    epoch=0,
    streams=0,
    reset_reason=1,
    battery_mv=3900,
    heap_live_bytes=30000,
    heap_free_bytes=98000,
    frames_bad=0,
    frames_sent=1,
    ppg_lost=0,
    acc_lost=0,
    sensor_faults=0,
)
WANTED = Configure(
    ppg_rate_hz=77,
    ppg_channels=2,
    ppg_pulse_width_us=411,
    ppg_range_na=4096,
    ppg_average=1,
    ppg_led_ua=6400,
    acc_rate_decihz=1040,
    acc_range_g=8,
)


def replaced(message: Message, **values: object) -> Message:
    """The message with other values."""
    return type(message)(**{field.name: getattr(message, field.name) for field in message.FIELDS} | values)


def ppg(first_sample: int, count: int = 12, **values: object) -> Message:
    """A block whose samples are their own numbers."""
    block = PpgBlock(
        first_sample=first_sample % (1 << 30),
        ticks_us=0,
        epoch=0,
        overflow=0,
        flags=0,
        configuration=1,
        channels=2,
        samples=tuple(
            number % (1 << 18) for number in range(first_sample, first_sample + count) for _ in (0, 1)
        ),
    )
    return replaced(block, **values)


def acc(first_sample: int, count: int = 13, **values: object) -> Message:
    """A block that lies still."""
    block = AccelerometerBlock(
        first_sample=first_sample % (1 << 30),
        ticks_us=0,
        epoch=0,
        overflow=0,
        flags=0,
        configuration=1,
        range_g=8,
        sensor_ticks=0,
        samples=((0, 0, 4096),) * count,
    )
    return replaced(block, **values)


class FakeBracelet(FakeTransport):
    """Answers what the firmware answers; `special` goes first, and returns None where it has nothing special."""

    def __init__(
        self,
        special: Callable[[Message, int], Iterable[Message] | None] = lambda _message, _sequence: None,
        *,
        hello: Hello = HELLO,
    ) -> None:
        def answer(message: Message, sequence: int) -> Iterable[Message] | None:
            if (answers := special(message, sequence)) is not None:
                return answers
            if isinstance(message, ConfigurationRequest):
                return [replaced(CONFIGURATION, request=sequence)]
            if isinstance(message, StatusRequest):
                return [replaced(STATUS, request=sequence)]
            return None

        super().__init__(answer, hello=hello)

    async def send_ppg(self, blocks: int, *, every_s: float = 0.12, first: int = 0) -> None:
        """Send blocks one after the other."""
        for number in range(first, first + blocks):
            self.send(ppg(12 * number))
            await asyncio.sleep(every_s)
