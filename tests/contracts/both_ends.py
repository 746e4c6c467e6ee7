"""Every transport with its other end, so that one suite can hold them all to the same promises."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import tty
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field

from vigie.transports import Transport
from vigie.transports.fake import FakeTransport
from vigie.transports.serial import SerialTransport
from vigie.transports.tcp import SocketTransport
from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_rig import virtual_clock
from vigie_rig.faults import FaultPlan
from vigie_rig.line_transport import LineTransport
from vigie_rig.serial_line import SerialLine

_PIECE_BYTES = 4096


@dataclass
class OtherEnd:
    """What stands at the other end of a transport, as a test moves it."""

    transport: Transport
    push: Callable[[bytes], int]
    """Give bytes to the link; returns how many it took."""
    pull: Callable[[], None]
    """Pull the plug."""
    frames: list[framing.Frame] = field(default_factory=list[framing.Frame])
    """Frames that the transport wrote."""
    sent: int = 0
    """Bytes that the link took."""

    async def send(self, data: bytes) -> None:
        """Give bytes to the link as it takes them."""
        at = 0
        while at < len(data):
            taken = self.push(data[at : at + _PIECE_BYTES])
            at += taken
            self.sent += taken
            await asyncio.sleep(0 if taken else 0.002)


@dataclass(frozen=True)
class Kind:
    """A kind of transport."""

    name: str
    ends: Callable[[], AbstractAsyncContextManager[OtherEnd]]
    """Both ends; the transport is open."""
    run: Callable[[Awaitable[None]], None]
    nothing: Callable[[], Transport] | None
    """A transport that leads nowhere."""
    holds_back: bool
    """Whether the other end feels it when nobody reads."""


@asynccontextmanager
async def _pty() -> AsyncGenerator[OtherEnd]:
    loop = asyncio.get_running_loop()
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    deframer = framing.Deframer()

    def push(data: bytes) -> int:
        try:
            return os.write(master, data)
        except BlockingIOError:
            return 0

    def take() -> None:
        with suppress(OSError):
            end.frames += deframer.feed(os.read(master, 65536))

    pulled = False

    def pull() -> None:
        nonlocal pulled
        if not pulled:
            pulled = True
            loop.remove_reader(master)
            os.close(slave)
            os.close(master)

    end = OtherEnd(SerialTransport(f"serial:{os.ttyname(slave)}"), push, pull)
    loop.add_reader(master, take)
    try:
        await end.transport.open()
        yield end
    finally:
        await end.transport.close()
        pull()


@asynccontextmanager
async def _socket() -> AsyncGenerator[OtherEnd]:
    loop = asyncio.get_running_loop()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        transport = SocketTransport(f"socket://127.0.0.1:{server.getsockname()[1]}")
        _, (peer, _) = await asyncio.gather(transport.open(), loop.sock_accept(server))
    peer.setblocking(False)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    deframer = framing.Deframer()

    def push(data: bytes) -> int:
        try:
            return peer.send(data)
        except BlockingIOError:
            return 0

    def take() -> None:
        with suppress(OSError):
            end.frames += deframer.feed(peer.recv(65536))

    def pull() -> None:
        if peer.fileno() >= 0:
            loop.remove_reader(peer)
            peer.close()

    end = OtherEnd(transport, push, pull)
    loop.add_reader(peer, take)
    try:
        yield end
    finally:
        await transport.close()
        pull()


@asynccontextmanager
async def _fake() -> AsyncGenerator[OtherEnd]:
    def answer(message: Message, sequence: int) -> Iterable[Message]:
        end.frames.append(framing.Frame(message.KIND, sequence, message.to_bytes()))
        return []

    def push(data: bytes) -> int:
        transport.send_bytes(data)
        return len(data)

    transport = FakeTransport(answer)
    end = OtherEnd(transport, push, transport.disconnect)
    await transport.open()
    yield end
    await transport.close()


@asynccontextmanager
async def _line() -> AsyncGenerator[OtherEnd]:
    loop = asyncio.get_running_loop()
    line = SerialLine(FaultPlan())
    deframer = framing.Deframer()

    def take() -> None:
        end.frames += deframer.feed(line.read(65536))

    end = OtherEnd(LineTransport(line), lambda data: line.write(data, loop.time()), line.unplug)
    line.on_input = take
    await end.transport.open()
    yield end
    await end.transport.close()


def _nowhere() -> Transport:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return SocketTransport(f"socket://127.0.0.1:{server.getsockname()[1]}")


def _unplugged() -> Transport:
    line = SerialLine(FaultPlan())
    line.unplug()
    return LineTransport(line)


def _real_time(check: Awaitable[None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await check

    asyncio.run(bounded())


def _virtual_time(check: Awaitable[None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(600):
            await check

    virtual_clock.run(bounded())


KINDS = [
    Kind(
        "serial", _pty, _real_time, lambda: SerialTransport("serial:/dev/vigie-is-not-here"), holds_back=True
    ),
    Kind("socket", _socket, _real_time, _nowhere, holds_back=True),
    Kind("fake", _fake, _virtual_time, None, holds_back=False),
    Kind("line", _line, _virtual_time, _unplugged, holds_back=True),
]
