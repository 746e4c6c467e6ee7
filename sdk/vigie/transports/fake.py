"""A transport without a bracelet, for the tests of whoever builds on the SDK.

def answer(message):
    if isinstance(message, StatusRequest):
        return [status]
    return []

async with vigie.connect(FakeTransport(answer)) as bracelet: ...
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final

from vigie.transports.inbox import Inbox
from vigie_protocol import enums, framing
from vigie_protocol.definition import Message
from vigie_protocol.messages import BY_KIND, PROTOCOL_MAJOR, PROTOCOL_MINOR, Done, Hello, HelloRequest
from vigie_protocol.schema import SCHEMA_CRC

HELLO: Final = Hello(
    request=0,
    protocol_major=PROTOCOL_MAJOR,
    protocol_minor=PROTOCOL_MINOR,
    schema_crc=SCHEMA_CRC,
    device_id=b"fake\0\0\0\0",
    boot_id=1,
    firmware_major=0,
    firmware_minor=0,
    firmware_patch=0,
    micropython_major=0,
    micropython_minor=0,
    micropython_patch=0,
    largest_frame=framing.MAX_FRAME_BYTES,
    streams=enums.Stream.PPG | enums.Stream.ACCELEROMETER,
    capabilities=enums.Capability(0),
)
"""What the fake says of itself unless told otherwise; its ``request`` is filled in."""


class FakeTransport:
    """Answers with what a function makes of each message; Hello and Done are given where it returns None.

    Parameters
    ----------
    answer
        Called with each message that the host sends and its sequence number; returns messages to send back, or None
        for the usual ones.
    hello
        What to say to HelloRequest.
    """

    def __init__(
        self,
        answer: Callable[[Message, int], Iterable[Message] | None] = lambda _message, _sequence: None,
        *,
        hello: Hello = HELLO,
    ) -> None:
        self._answer = answer
        self._hello = hello
        self._inbox = Inbox(self.address)
        self._deframer = framing.Deframer()
        self._sequence = 0
        self.received: list[Message] = []
        """Every message that the host sent."""

    @property
    def address(self) -> str:
        """Its name."""
        return "fake:"

    async def open(self) -> None:
        """Open it."""
        self._inbox.open()

    def send(self, message: Message) -> None:
        """Let the bracelet say something of its own accord."""
        self.send_bytes(framing.encode_frame(message.KIND, self._sequence, message.to_bytes()))
        self._sequence = (self._sequence + 1) & 0xFFFF

    def send_bytes(self, data: bytes) -> None:
        """Put bytes on the line towards the host, whatever they are."""
        self._inbox.put(data)

    def disconnect(self, reason: str = "unplugged") -> None:
        """Pull the plug."""
        self._inbox.fail(reason)

    async def read(self) -> bytes:
        """Wait for bytes."""
        return await self._inbox.take()

    async def write(self, data: bytes) -> None:
        """Take the host's bytes and answer them."""
        self._inbox.check()
        for frame in self._deframer.feed(data):
            message = BY_KIND[frame.kind].from_bytes(frame.body)
            self.received.append(message)
            answers = self._answer(message, frame.sequence)
            if answers is None:
                if isinstance(message, HelloRequest):
                    answers = [dataclasses.replace(self._hello, request=frame.sequence)]
                else:
                    answers = [Done(request=frame.sequence)]
            for each in answers:
                self.send(each)

    async def close(self) -> None:
        """Close it."""
        self._inbox.close()
