"""What a transport promises, whichever it is (see ``vigie.transports.Transport``)."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable

import pytest
from both_ends import Kind, OtherEnd

from vigie.errors import ConnectFailed, Disconnected
from vigie.transports import Transport
from vigie_protocol import framing
from vigie_protocol.messages import Log, StatusRequest

Keep = Callable[[Callable[[OtherEnd], Awaitable[None]]], None]

FRAME = framing.encode_frame(StatusRequest.KIND, 7, b"\x01")
LONG_FRAME = framing.encode_frame(Log.KIND, 8, bytes(8) + b"x" * 220)
LONG_S = 20.0
"""Only a hang takes that long."""


async def read_all(transport: Transport, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await transport.read()
        assert piece
        data += piece
    return data


async def write_on(transport: Transport) -> None:
    while True:
        await transport.write(FRAME)
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("piece_bytes", [1, 13, 600, 5000])
def test_bytes_arrive_whole_and_in_order_in_whatever_pieces(keep: Keep, piece_bytes: int) -> None:
    data = random.Random(piece_bytes).randbytes(piece_bytes * 60)

    async def promise(end: OtherEnd) -> None:
        async def send() -> None:
            for at in range(0, len(data), piece_bytes):
                await end.send(data[at : at + piece_bytes])

        _, received = await asyncio.gather(send(), read_all(end.transport, len(data)))
        assert received == data

    keep(promise)


@pytest.mark.parametrize("piece_bytes", [1, 11, 5000])
def test_what_is_written_arrives_whole_and_in_order_in_whatever_pieces(keep: Keep, piece_bytes: int) -> None:
    frames = [framing.Frame(StatusRequest.KIND, number, bytes((number & 1,))) for number in range(60)]
    data = b"".join(framing.encode_frame(*frame) for frame in frames)

    async def promise(end: OtherEnd) -> None:
        for at in range(0, len(data), piece_bytes):
            await end.transport.write(data[at : at + piece_bytes])
        await until(lambda: len(end.frames) == len(frames))
        assert end.frames == frames

    keep(promise)


def test_writers_at_once_do_not_mix(kind: Kind, keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        await asyncio.gather(*(end.transport.write(LONG_FRAME) for _ in range(60)))
        await until(lambda: len(end.frames) == 60)

    keep(promise)


def test_a_read_waits_for_a_byte_and_takes_what_has_come(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        reading = asyncio.ensure_future(end.transport.read())
        await asyncio.sleep(0.05)
        assert not reading.done()
        await end.send(b"x")
        assert await reading == b"x"

    keep(promise)


def test_a_read_that_is_given_up_loses_nothing(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await end.transport.read()
        await end.send(b"after")
        assert await read_all(end.transport, 5) == b"after"

    keep(promise)


def test_closing_ends_a_waiting_read(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        reading = asyncio.ensure_future(end.transport.read())
        await asyncio.sleep(0.05)
        await end.transport.close()
        with pytest.raises(Disconnected) as caught:
            await reading
        assert caught.value.address == end.transport.address

    keep(promise)


def test_a_closed_transport_neither_reads_nor_writes_and_may_be_closed_again(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        await end.transport.close()
        with pytest.raises(Disconnected):
            await end.transport.read()
        with pytest.raises(Disconnected):
            await end.transport.write(FRAME)
        await end.transport.close()

    keep(promise)


def test_what_nobody_read_is_gone_once_it_is_closed(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        await end.send(b"unread")
        await asyncio.sleep(0.3)
        await end.transport.close()
        with pytest.raises(Disconnected):
            await end.transport.read()

    keep(promise)


def test_a_pulled_link_ends_a_waiting_read_and_refuses_to_write(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        reading = asyncio.ensure_future(end.transport.read())
        await asyncio.sleep(0.05)
        end.pull()
        async with asyncio.timeout(LONG_S):
            with pytest.raises(Disconnected):
                await reading
        with pytest.raises(Disconnected):
            await end.transport.write(FRAME)
        with pytest.raises(Disconnected):
            await end.transport.read()

    keep(promise)


def test_a_pulled_link_is_noticed_by_a_writer_who_does_not_read(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        await end.transport.write(FRAME)
        end.pull()
        async with asyncio.timeout(LONG_S):
            with pytest.raises(Disconnected):
                await write_on(end.transport)

    keep(promise)


def test_what_came_before_the_plug_was_pulled_is_still_read(keep: Keep) -> None:
    async def promise(end: OtherEnd) -> None:
        await end.send(b"last words")
        await asyncio.sleep(0.3)
        end.pull()
        assert await read_all(end.transport, 10) == b"last words"
        with pytest.raises(Disconnected):
            await end.transport.read()

    keep(promise)


def test_a_transport_that_leads_nowhere_says_so(kind: Kind) -> None:
    if kind.nothing is None:
        pytest.skip(f"{kind.name}: there is always something")
    transport = kind.nothing()

    async def promise() -> None:
        with pytest.raises(ConnectFailed) as caught:
            await transport.open()
        assert caught.value.address == transport.address
        assert caught.value.reason
        await transport.close()

    before = threading.active_count()
    kind.run(promise())
    assert threading.active_count() == before


def test_a_transport_that_was_not_opened_neither_reads_nor_writes(kind: Kind) -> None:
    async def promise() -> None:
        async with kind.ends() as end:
            unopened = type(end.transport)(*([end.transport.address] if kind.nothing else []))
            for use in (unopened.read(), unopened.write(FRAME)):
                with pytest.raises(Disconnected):
                    await use
            await unopened.close()

    kind.run(promise())


@pytest.mark.parametrize("pulled", [False, True])
def test_no_thread_is_left(kind: Kind, pulled: bool) -> None:
    before = set(threading.enumerate())
    left: list[threading.Thread] = []

    async def promise() -> None:
        async with kind.ends() as end:
            await end.transport.write(FRAME)
            await end.send(b"x")
            await end.transport.read()
            if pulled:
                end.pull()
            await end.transport.close()
            left.extend(set(threading.enumerate()) - before)

    kind.run(promise())
    assert left == []


def test_a_reader_who_does_not_read_holds_the_other_end_back(kind: Kind, keep: Keep) -> None:
    if not kind.holds_back:
        pytest.skip(f"{kind.name}: the test itself is the other end")
    offered = 32 << 20
    data = bytes(range(256)) * (offered // 256)

    async def promise(end: OtherEnd) -> None:
        sending = asyncio.ensure_future(end.send(data))
        before = -1
        while end.sent > before:
            before = end.sent
            await asyncio.sleep(0.5)
        # The buffers of the transport, of the operating system and of the other end.
        assert 0 < end.sent < offered / 2
        assert (await read_all(end.transport, before))[:before] == data[:before]
        await until(lambda: end.sent > before)
        sending.cancel()

    keep(promise)
