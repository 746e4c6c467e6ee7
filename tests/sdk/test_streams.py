"""A stream brings every block in order, and ends as soon as it is known why."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from fake_bracelet import CONFIGURATION, WANTED, FakeBracelet, acc, ppg, replaced

import vigie
from vigie.transports.fake import HELLO
from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_protocol.enums import ErrorCode
from vigie_protocol.messages import (
    ConfigurationRequest,
    Configure,
    Error,
    HelloRequest,
    StartStream,
    StopStream,
)
from vigie_rig import virtual_clock

HELD = 256


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def take(stream: vigie.SampleStream, count: int) -> list[vigie.SampleBlock]:
    return [await anext(stream) for _ in range(count)]


def firsts(blocks: Iterable[vigie.SampleBlock]) -> list[int]:
    return [block.first_sample for block in blocks]


def test_blocks_come_as_they_are_sent() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            sending = asyncio.create_task(transport.send_ppg(10))
            blocks: list[vigie.SampleBlock] = []
            async with bracelet.stream(vigie.Stream.PPG) as stream:
                async for block in stream:
                    blocks.append(block)
                    if len(blocks) == 9:
                        break
            await sending
        # The first was sent before the stream was started.
        assert firsts(blocks) == [12 * number for number in range(1, 10)]
        sent = [type(message) for message in transport.received]
        assert sent.index(StartStream) < sent.index(StopStream) == len(sent) - 1

    virtual_clock.run(main())


def test_after_stop_the_blocks_at_hand_still_come() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream()
            transport_sends = asyncio.create_task(transport.send_ppg(5, every_s=0.01, first=0))
            await anext(stream)
            await transport_sends
            await stream.stop()
            assert firsts([block async for block in stream]) == [24, 36, 48]

    virtual_clock.run(main())


def test_a_stream_that_ended_can_be_followed_by_another() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            for _ in range(2):
                async with bracelet.stream() as stream:
                    sending = asyncio.create_task(transport.send_ppg(3, every_s=0.01))
                    assert len(await take(stream, 2)) == 2
                    await sending
                assert [block async for block in stream] == []

    virtual_clock.run(main())


class OneStream(FakeBracelet):
    """Streams while started, and refuses to start twice, as the firmware does."""

    def __init__(self, *, deaf_to_stops: int = 0) -> None:
        self.running = False
        self.deaf = deaf_to_stops
        self.number = 0
        super().__init__(self._special)

    def _special(self, message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, StartStream):
            if self.running:
                return [Error(request=sequence, code=ErrorCode.BUSY_STREAMING, text=b"stop the stream first")]
            self.running = True
            self.number = 0
        if isinstance(message, StopStream):
            if self.deaf:
                self.deaf -= 1
                return []
            self.running = False
        return None

    async def play(self) -> None:
        """Send blocks whenever it streams."""
        while True:
            await asyncio.sleep(0.12)
            if self.running:
                self.send(ppg(12 * self.number))
                self.number += 1


def with_one_stream(scene: Callable[[vigie.Bracelet, OneStream], Awaitable[None]], *, deaf: int = 0) -> None:
    async def main() -> None:
        transport = OneStream(deaf_to_stops=deaf)
        async with vigie.connect(transport) as bracelet:
            playing = asyncio.create_task(transport.play())
            try:
                await scene(bracelet, transport)
            finally:
                playing.cancel()

    virtual_clock.run(main())


def test_a_loop_that_was_left_does_not_stand_in_the_way_of_the_next() -> None:
    async def scene(bracelet: vigie.Bracelet, transport: OneStream) -> None:
        for _ in range(3):
            async for block in bracelet.stream():
                assert (block.first_sample, block.gap) == (0, 0)
                break
        sent = [type(each) for each in transport.received if isinstance(each, StartStream | StopStream)]
        assert sent == [StartStream, StopStream, StartStream, StopStream, StartStream]

    with_one_stream(scene)


def test_a_new_stream_ends_the_one_before_after_what_it_has() -> None:
    async def scene(bracelet: vigie.Bracelet, transport: OneStream) -> None:
        first, second = bracelet.stream(), bracelet.stream()
        assert firsts(await take(first, 2)) == [0, 12]
        await asyncio.sleep(0.3)
        assert firsts(await take(second, 2)) == [0, 12]
        assert firsts([block async for block in first]) == [24, 36]
        # What ended does not end its successor.
        await first.aclose()
        assert firsts(await take(second, 1)) == [24]

    with_one_stream(scene)


def test_streams_started_at_once_follow_each_other() -> None:
    async def scene(bracelet: vigie.Bracelet, transport: OneStream) -> None:
        streams = [bracelet.stream() for _ in range(4)]
        results = await asyncio.gather(*(anext(each, None) for each in streams))
        assert results[:3] == [None] * 3
        assert results[3] is not None
        assert firsts(await take(streams[3], 1)) == [12]

    with_one_stream(scene)


def test_after_a_stall_a_new_stream_can_be_started() -> None:
    async def scene(bracelet: vigie.Bracelet, transport: OneStream) -> None:
        with pytest.raises(vigie.StreamStalled):
            await anext(bracelet.stream(vigie.Stream.ACCELEROMETER, stall_timeout_s=0.01))
        assert firsts(await take(bracelet.stream(), 2)) == [0, 12]

    with_one_stream(scene)


def test_a_stop_that_did_not_get_through_is_made_up_for_at_the_next_start() -> None:
    async def scene(bracelet: vigie.Bracelet, transport: OneStream) -> None:
        async with bracelet.stream() as stream:
            await anext(stream)
        assert transport.running
        assert firsts(await take(bracelet.stream(), 1)) == [0]

    with_one_stream(scene, deaf=1)


def test_a_stream_that_the_bracelet_refuses_is_a_typed_error() -> None:
    def refuse(message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, StartStream):
            return [
                Error(request=sequence, code=ErrorCode.UNSUPPORTED_STREAM, text=b"streams 0x03: has 0x01")
            ]
        return None

    async def main() -> None:
        transport = FakeBracelet(refuse)
        async with vigie.connect(transport) as bracelet:
            with pytest.raises(vigie.RequestRefused, match="has 0x01"):
                await anext(bracelet.stream())

    virtual_clock.run(main())


def test_a_pulled_link_ends_the_iteration_and_requests_at_once() -> None:
    async def main() -> None:
        transport = FakeBracelet(lambda message, _: [] if type(message).__name__ == "StatusRequest" else None)
        got, ended = 0, ""
        async with vigie.connect(transport) as bracelet:
            sending = asyncio.create_task(transport.send_ppg(4, every_s=0.5))
            asyncio.get_running_loop().call_at(1.75, transport.disconnect)
            request = asyncio.create_task(bracelet.status(timeout_s=10))
            try:
                async for _ in bracelet.stream():
                    got += 1
            except vigie.Disconnected as error:
                ended = error.reason
            assert now_s() == 1.75
            with pytest.raises(vigie.Disconnected, match="unplugged"):
                await request
            assert now_s() == 1.75
            sending.cancel()
        assert now_s() == 1.75
        assert (got, ended) == (3, "unplugged")

    virtual_clock.run(main())


def test_what_came_before_the_plug_was_pulled_is_delivered_first() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream()
            sending = asyncio.create_task(transport.send_ppg(6, every_s=0.01))
            await anext(stream)
            await sending
            transport.disconnect()
            await asyncio.sleep(0.1)
            assert firsts(await take(stream, 4)) == [24, 36, 48, 60]
            with pytest.raises(vigie.Disconnected):
                await anext(stream)

    virtual_clock.run(main())


def test_a_stream_that_brings_nothing_stalls_after_its_time_and_can_go_on() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream(stall_timeout_s=2.5)
            with pytest.raises(vigie.StreamStalled, match=r"nothing for 2\.5 s") as caught:
                await anext(stream)
            assert caught.value.timeout_s == 2.5
            assert now_s() == pytest.approx(2.5, abs=2e-6)
            transport.send(ppg(0))
            assert (await anext(stream)).first_sample == 0

    virtual_clock.run(main())


def test_a_slow_consumer_loses_nothing_and_starves_no_request() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        count = 3 * HELD
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream(vigie.Stream.PPG, stall_timeout_s=1000)
            starting = asyncio.create_task(take(stream, 1))
            await asyncio.sleep(0.01)
            for number in range(count):
                transport.send(ppg(12 * number))
                await asyncio.sleep(0.01)
            # The link is not read any further than what is held.
            received = bracelet.link.frames_received
            assert received < HELD + 10
            # An answer behind all that the link still holds comes nevertheless, at once.
            began_s = now_s()
            await bracelet.status(timeout_s=1)
            assert now_s() == began_s
            blocks = await starting
            while len(blocks) < count:
                await asyncio.sleep(0.05)
                blocks.append(await anext(stream))
        assert firsts(blocks) == [12 * number for number in range(count)]
        assert sum(block.gap for block in blocks) == 0
        assert bracelet.link.frames_lost == 0

    virtual_clock.run(main())


def test_closing_a_session_whose_consumer_is_behind_does_not_hang() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet:
            stream = bracelet.stream()
            sending = asyncio.create_task(transport.send_ppg(2 * HELD, every_s=0.001))
            await anext(stream)
            await sending
            began_s = now_s()
        assert now_s() == began_s
        assert isinstance(transport.received[-1], StopStream)

    virtual_clock.run(main())


@pytest.mark.parametrize("answers", [[], [Error(request=0, code=ErrorCode.UNKNOWN_MESSAGE, text=b"")]])
def test_a_bracelet_that_does_not_stop_cannot_keep_the_session_open(answers: list[Error]) -> None:
    def stubborn(message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, StopStream):
            return [Error(request=sequence, code=each.code, text=each.text) for each in answers]
        return None

    async def main() -> None:
        transport = FakeBracelet(stubborn)
        async with vigie.connect(transport, deadline_s=2) as bracelet:
            sending = asyncio.create_task(transport.send_ppg(2, every_s=0.01))
            await anext(bracelet.stream())
            await sending
            began_s = now_s()
        assert now_s() - began_s <= 2 + 2e-6
        with pytest.raises(vigie.Disconnected):
            await transport.write(b"")

    virtual_clock.run(main())


def test_garbage_between_blocks_costs_only_what_it_broke() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet, bracelet.stream() as stream:
            starting = asyncio.create_task(take(stream, 1))
            await asyncio.sleep(0.01)
            transport.send(ppg(0))
            whole = framing.encode_frame(ppg(12).KIND, 3, ppg(12).to_bytes())
            transport.send_bytes(whole[:30] + b"\xff" + whole[31:])
            transport.send_bytes(b"\0\0\x55garbage\0")
            transport.send_bytes(framing.encode_frame(0xEE, 4, b"from the future"))
            transport.send_bytes(framing.encode_frame(ppg(0).KIND, 5, b"no block"))
            transport.send(ppg(24))
            transport.send(acc(0))
            blocks = await starting + await take(stream, 2)
            assert [(block.stream, block.first_sample, block.gap) for block in blocks] == [
                (vigie.Stream.PPG, 0, 0),
                (vigie.Stream.PPG, 24, 12),
                (vigie.Stream.ACCELEROMETER, 0, 0),
            ]
            assert bracelet.link.frames_bad == 2
            assert bracelet.link.messages_unknown == 2

    virtual_clock.run(main())


def test_nothing_that_a_bad_link_brings_ends_a_session() -> None:
    async def main() -> None:
        # From the tests of the protocol, where no type checker looks for it.
        mutator: Any = importlib.import_module("bad_link").Mutator(24)
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet, bracelet.stream() as stream:
            consuming = asyncio.create_task(take(stream, 10_000))
            await asyncio.sleep(0.01)
            for _ in range(40):
                for _ in range(50):
                    transport.send_bytes(mutator.stream().wire)
                    await asyncio.sleep(0.001)
                await bracelet.status(timeout_s=0.1)
            assert not consuming.done()
            consuming.cancel()
            assert bracelet.link.frames_bad > 100
            assert bracelet.link.messages_unknown > 100

    virtual_clock.run(main())


def test_a_block_with_other_channels_than_configured_is_not_taken_for_one() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        async with vigie.connect(transport) as bracelet, bracelet.stream() as stream:
            starting = asyncio.create_task(take(stream, 1))
            await asyncio.sleep(0.01)
            transport.send(ppg(0, channels=3))
            transport.send(ppg(12))
            assert firsts(await starting) == [12]
            assert bracelet.link.messages_unknown == 1

    virtual_clock.run(main())


@pytest.mark.parametrize("refused", [False, True])
def test_blocks_are_read_by_the_configuration_in_force_whatever_changed_it(refused: bool) -> None:
    in_force = CONFIGURATION

    def bracelet_of_changes(message: Message, sequence: int) -> Iterable[Message] | None:
        nonlocal in_force
        if isinstance(message, Configure):
            # Another number even where it refuses.
            number = in_force.configuration + 1
            in_force = replace(in_force, configuration=number, acc_range_g=8 if refused else 4)
            if refused:
                return [Error(request=sequence, code=ErrorCode.UNSUPPORTED_RATE, text=b"")]
            return [replace(in_force, request=sequence)]
        if isinstance(message, ConfigurationRequest):
            return [replace(in_force, request=sequence)]
        return None

    async def main() -> None:
        transport = FakeBracelet(bracelet_of_changes)
        async with vigie.connect(transport) as bracelet:
            for _ in range(3):
                await bracelet.configuration()
                await bracelet.configure(WANTED)
                async with bracelet.stream() as stream:
                    starting = asyncio.create_task(take(stream, 1))
                    await asyncio.sleep(0.01)
                    transport.send(acc(0, configuration=in_force.configuration - 1))
                    transport.send(
                        acc(13, configuration=in_force.configuration, range_g=in_force.acc_range_g)
                    )
                    (block,) = await starting
                    assert (block.first_sample, block.gap) == (13, 13)
                    assert block.configuration == in_force.configuration
                    assert block.scale == pytest.approx(0.244e-3 if refused else 0.122e-3)
            assert bracelet.link.messages_unknown == 3

    virtual_clock.run(main())


def test_hello_is_answered_while_a_bracelet_still_streams_to_nobody() -> None:
    async def main() -> None:
        def busy(message: Message, sequence: int) -> Iterable[Message] | None:
            if isinstance(message, HelloRequest):
                return [ppg(0), acc(0), replaced(HELLO, request=sequence), ppg(12)]
            return None

        async with vigie.connect(FakeBracelet(busy)) as bracelet:
            await bracelet.status()

    virtual_clock.run(main())
