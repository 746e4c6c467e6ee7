"""Requests are answered, refused as values, or end at their deadline: on the virtual clock, so exactly."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable

import pytest
from fake_bracelet import CONFIGURATION, STATUS, WANTED, FakeBracelet, replaced

import vigie
from vigie.transports.fake import HELLO
from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_protocol.enums import ErrorCode, LogLevel, RestartMode
from vigie_protocol.messages import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    Configure,
    Done,
    Error,
    Event,
    HelloRequest,
    Log,
    Restart,
    Status,
    StatusRequest,
)
from vigie_protocol.schema import SCHEMA_CRC
from vigie_rig import virtual_clock


def silent_to(*kinds: type[Message]) -> FakeBracelet:
    """A bracelet that does not answer these."""
    return FakeBracelet(lambda message, _: [] if isinstance(message, kinds) else None)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_the_bracelet_says_who_it_is() -> None:
    hello = dataclasses.replace(
        HELLO, boot_id=77, firmware_major=1, firmware_minor=2, firmware_patch=3, micropython_minor=25
    )
    transport = FakeBracelet(hello=hello)
    async with vigie.connect(transport) as bracelet:
        assert bracelet.hello.boot_id == 77
        assert bracelet.firmware_version == "1.2.3"
        assert bracelet.micropython_version == "0.25.0"
        assert bracelet.address == transport.address
    assert transport.received == [
        HelloRequest(protocol_major=PROTOCOL_MAJOR, protocol_minor=PROTOCOL_MINOR, schema_crc=SCHEMA_CRC)
    ]


async def test_requests_are_answered_with_what_was_asked_for() -> None:
    async with vigie.connect(FakeBracelet()) as bracelet:
        assert replaced(await bracelet.status(collect=True), request=0) == STATUS
        assert replaced(await bracelet.configuration(), request=0) == CONFIGURATION
        await bracelet.restart(RestartMode.PROMPT)


async def test_requests_at_once_get_each_its_own_answer() -> None:
    waiting: list[tuple[Message, int]] = []
    transport: FakeBracelet

    def last_first(message: Message, sequence: int) -> Iterable[Message] | None:
        if not isinstance(message, StatusRequest):
            return None
        waiting.append((message, sequence))
        if len(waiting) < 5:
            return []
        return [replaced(STATUS, request=each, battery_mv=each) for _, each in reversed(waiting)]

    transport = FakeBracelet(last_first)
    async with vigie.connect(transport) as bracelet:
        answers = await asyncio.gather(*(bracelet.status() for _ in range(5)))
    assert [each.battery_mv for each in answers] == [sequence for _, sequence in waiting]


async def test_what_the_bracelet_refuses_on_request_is_a_value() -> None:
    def refuse(message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, Configure):
            return [Error(request=sequence, code=ErrorCode.UNSUPPORTED_RATE, text=b"50, 100, 200 Hz")]
        return None

    async with vigie.connect(FakeBracelet(refuse)) as bracelet:
        got = await bracelet.configure(WANTED)
    assert isinstance(got, vigie.Error)
    assert got.code is ErrorCode.UNSUPPORTED_RATE
    assert got.text == b"50, 100, 200 Hz"


async def test_a_refusal_where_an_answer_is_needed_is_a_typed_error() -> None:
    def refuse(message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, Restart):
            return [Error(request=sequence, code=ErrorCode.UNKNOWN_MESSAGE, text=b"message 0x15")]
        return None

    async with vigie.connect(FakeBracelet(refuse)) as bracelet:
        with pytest.raises(vigie.RequestRefused, match="message 0x15") as caught:
            await bracelet.restart(RestartMode.APPLICATION)
    assert (caught.value.request, caught.value.code) == ("Restart", ErrorCode.UNKNOWN_MESSAGE)


@pytest.mark.parametrize("timeout_s", [None, 0.3, 60.0])
def test_a_request_without_an_answer_ends_at_its_deadline(timeout_s: float | None) -> None:
    async def main() -> None:
        async with vigie.connect(silent_to(StatusRequest), deadline_s=2.0) as bracelet:
            began_s = now_s()
            with pytest.raises(vigie.RequestTimeout) as caught:
                await bracelet.status(timeout_s=timeout_s)
            deadline_s = 2.0 if timeout_s is None else timeout_s
            assert now_s() - began_s == pytest.approx(deadline_s, abs=2e-6)
            assert (caught.value.request, caught.value.timeout_s) == ("StatusRequest", deadline_s)
            # The session goes on, and a late answer does not pass for another's.
            await bracelet.configuration()

    virtual_clock.run(main())


def test_an_answer_that_comes_late_is_not_taken_for_another() -> None:
    async def main() -> None:
        transport = silent_to(StatusRequest)
        async with vigie.connect(transport) as bracelet:
            with pytest.raises(vigie.RequestTimeout):
                await bracelet.status()
            second = asyncio.create_task(bracelet.status())
            await asyncio.sleep(0)
            transport.send(replaced(STATUS, request=1, battery_mv=1111))
            await asyncio.sleep(0.1)
            transport.send(replaced(STATUS, request=2, battery_mv=2222))
            assert (await second).battery_mv == 2222

    virtual_clock.run(main())


def test_an_answer_to_an_earlier_session_is_not_taken_for_ours() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        transport.send(replaced(STATUS, request=0))
        transport.send(Done(request=0))
        async with vigie.connect(transport) as bracelet:
            assert isinstance(await bracelet.status(), Status)
            assert [type(each) for each in bracelet.notices] == [Status, Done]

    virtual_clock.run(main())


def test_a_port_where_nothing_answers_fails_at_the_deadline_and_says_so() -> None:
    async def main() -> None:
        transport = silent_to(HelloRequest)
        with pytest.raises(vigie.ConnectFailed, match=r"nothing answers.*vigie flash"):
            async with vigie.connect(transport, deadline_s=3.0):
                pass
        assert now_s() == pytest.approx(3.0, abs=2e-6)
        assert len(transport.received) > 1

    virtual_clock.run(main())


def test_a_port_where_something_else_speaks_says_so() -> None:
    async def main() -> None:
        transport = silent_to(HelloRequest)
        transport.send_bytes(b"MicroPython v1.25.0\r\n>>> ")
        with pytest.raises(vigie.ConnectFailed, match="not the bracelet's application"):
            async with vigie.connect(transport):
                pass

    virtual_clock.run(main())


def test_the_first_hello_may_drown() -> None:
    async def main() -> None:
        seen: list[Message] = []

        def deaf_at_first(message: Message, _sequence: int) -> Iterable[Message] | None:
            seen.append(message)
            return [] if len(seen) < 4 else None

        async with vigie.connect(FakeBracelet(deaf_at_first)) as bracelet:
            assert bracelet.hello.device_id == HELLO.device_id
        assert len(seen) == 4

    virtual_clock.run(main())


@pytest.mark.parametrize(
    ("theirs", "speaks"),
    [
        ({"protocol_major": PROTOCOL_MAJOR + 1}, False),
        ({"schema_crc": SCHEMA_CRC ^ 1}, False),
        ({"protocol_minor": PROTOCOL_MINOR + 1, "schema_crc": SCHEMA_CRC ^ 1}, True),
    ],
)
async def test_another_schema_is_an_error_that_names_both(theirs: dict[str, int], speaks: bool) -> None:
    transport = FakeBracelet(hello=dataclasses.replace(HELLO, **theirs))
    if speaks:
        async with vigie.connect(transport) as bracelet:
            await bracelet.status()
        return
    with pytest.raises(vigie.SchemaMismatch) as caught:
        async with vigie.connect(transport):
            pass
    hello = dataclasses.replace(HELLO, **theirs)
    assert caught.value.ours == (PROTOCOL_MAJOR, PROTOCOL_MINOR, SCHEMA_CRC)
    assert caught.value.theirs == (hello.protocol_major, hello.protocol_minor, hello.schema_crc)
    assert f"{SCHEMA_CRC:08x}" in str(caught.value)
    assert f"{hello.schema_crc:08x}" in str(caught.value)
    # Nothing is left open.
    with pytest.raises(vigie.Disconnected):
        await transport.write(framing.encode_frame(StatusRequest.KIND, 0, b"\0"))


def test_a_pulled_link_ends_every_request_at_once() -> None:
    async def main() -> None:
        transport = silent_to(StatusRequest)
        async with vigie.connect(transport) as bracelet:
            requests = [asyncio.create_task(bracelet.status()) for _ in range(3)]
            await asyncio.sleep(1.0)
            transport.disconnect()
            results = await asyncio.gather(*requests, return_exceptions=True)
            assert now_s() == 1.0
            assert [type(each) for each in results] == [vigie.Disconnected] * 3
            with pytest.raises(vigie.Disconnected, match="unplugged"):
                await bracelet.status()
            assert now_s() == 1.0
        assert now_s() == 1.0

    virtual_clock.run(main())


async def test_a_session_that_is_over_says_so() -> None:
    async with vigie.connect(FakeBracelet()) as bracelet:
        pass
    with pytest.raises(vigie.Disconnected, match="closed"):
        await bracelet.status()
    await bracelet.close()


async def test_unknown_messages_and_garbage_are_counted_and_ignored() -> None:
    transport = FakeBracelet()
    async with vigie.connect(transport) as bracelet:
        transport.send_bytes(framing.encode_frame(0xEE, 1, b"from the future"))
        transport.send_bytes(framing.encode_frame(Done.KIND, 2, b"too long for Done"))
        transport.send_bytes(b"\0\x07garbage\0\xff\0")
        await bracelet.status()
        assert bracelet.link.messages_unknown == 2
        assert bracelet.link.frames_bad == 2


async def test_lost_frames_are_counted_and_a_restart_is_not_taken_for_a_loss() -> None:
    transport = FakeBracelet()
    done = Done(request=9).to_bytes()
    async with vigie.connect(transport) as bracelet:
        for sequence in (0xFFF0, 0xFFF2, 0xFFFF, 0x0000, 0x0003, 0x0000):
            transport.send_bytes(framing.encode_frame(Done.KIND, sequence, done))
        lost = bracelet.link.frames_lost
        await bracelet.status()
        # 1 after fff0, 12 after fff2, none at the wrap, 2 after 0; back to 0 is a restart.
        assert bracelet.link.frames_lost - lost == 15
        assert bracelet.link.bytes_received > 0


async def test_what_the_bracelet_tells_of_its_own_accord_is_kept() -> None:
    transport = FakeBracelet()
    event = Event(ticks_us=1, epoch=0, code=1, value=0)
    log = Log(ticks_us=2, epoch=0, level=LogLevel.WARNING, text=b"cold")
    async with vigie.connect(transport) as bracelet:
        transport.send(event)
        transport.send(log)
        await bracelet.status()
        assert list(bracelet.notices) == [event, log]


def test_notices_are_awaited_one_after_the_other_and_stay_to_be_looked_at() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        logs = [Log(ticks_us=at, epoch=0, level=LogLevel.INFO, text=b"%d" % at) for at in range(5)]
        async with vigie.connect(transport) as bracelet:
            # A burst, of which none is missed.
            for each in logs[:3]:
                transport.send(each)
            assert [await bracelet.next_notice() for _ in range(3)] == logs[:3]
            began_s = now_s()
            with pytest.raises(TimeoutError):
                await bracelet.next_notice(timeout_s=0.5)
            assert now_s() - began_s == pytest.approx(0.5, abs=2e-6)
            waiting = [asyncio.create_task(bracelet.next_notice()) for _ in range(2)]
            await asyncio.sleep(1)
            transport.send(logs[3])
            transport.send(logs[4])
            assert await asyncio.gather(*waiting) == logs[3:]
            assert list(bracelet.notices) == logs

    virtual_clock.run(main())


def test_a_pulled_link_ends_the_wait_for_a_notice_after_the_last_one() -> None:
    async def main() -> None:
        transport = FakeBracelet()
        last = Event(ticks_us=1, epoch=0, code=1, value=0)
        async with vigie.connect(transport) as bracelet:
            transport.send(last)
            asyncio.get_running_loop().call_later(2.0, transport.disconnect)
            await asyncio.sleep(0.1)
            assert await bracelet.next_notice() == last
            with pytest.raises(vigie.Disconnected, match="unplugged"):
                await bracelet.next_notice()
            assert now_s() == pytest.approx(2.0)

    virtual_clock.run(main())
