"""A serial port that is stuck, taken or gone keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

import vigie
from vigie.transports import serial as serial_transport

LONG_S = 20.0
"""Only a hang takes that long."""


class Terminal:
    """A pseudo-terminal at whose other end nobody reads."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.address = f"serial:{os.ttyname(self.slave)}"

    def fill(self) -> None:
        """Write until not a byte more fits."""
        os.set_blocking(self.slave, False)
        with suppress(BlockingIOError):
            while True:
                os.write(self.slave, b"x" * 512)
        os.set_blocking(self.slave, True)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    os.close(terminal.slave)
    os.close(terminal.master)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that itself would wait for hours."""
    monkeypatch.setattr(serial_transport, "_WRITE_TIMEOUT_S", 10_000.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("full", [True, False])
async def test_connecting_to_a_stuck_port_fails_at_the_deadline(terminal: Terminal, full: bool) -> None:
    before = set(threading.enumerate())
    if full:
        terminal.fill()
    async with asyncio.timeout(LONG_S):
        with pytest.raises(vigie.ConnectFailed, match=r"waited 0\.5 s") as caught:
            async with vigie.connect(terminal.address, deadline_s=0.5):
                pass
    assert caught.value.address == terminal.address
    assert set(threading.enumerate()) == before


@pytest.mark.usefixtures("patient")
async def test_closing_does_not_wait_for_a_write_that_is_stuck(terminal: Terminal) -> None:
    before = set(threading.enumerate())
    transport = vigie.open_transport(terminal.address)
    async with asyncio.timeout(LONG_S):
        await transport.open()
        # More than fits, and more that waits behind it.
        writing = [asyncio.ensure_future(transport.write(bytes(1 << 16))) for _ in range(3)]
        await asyncio.sleep(0.3)
        await transport.close()
        results = await asyncio.gather(*writing, return_exceptions=True)
    assert [type(each) for each in results] == [vigie.Disconnected] * 3
    assert set(threading.enumerate()) == before


async def test_a_port_has_one_program_at_a_time(terminal: Terminal) -> None:
    first, second = vigie.open_transport(terminal.address), vigie.open_transport(terminal.address)
    await first.open()
    with pytest.raises(vigie.ConnectFailed, match="in use by another program"):
        await second.open()
    # The first has all that comes.
    os.write(terminal.master, b"whole")
    assert await first.read() == b"whole"
    await first.close()
    await second.open()
    os.write(terminal.master, b"second")
    assert await second.read() == b"second"
    await second.close()


async def test_a_port_that_another_program_holds_is_in_use_until_it_ends(terminal: Terminal) -> None:
    path = terminal.address.removeprefix("serial:")
    # Opened as mpremote opens it.
    program = (
        f"import serial; port = serial.Serial({path!r}, exclusive=True); print('open', flush=True); input()"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    transport = vigie.open_transport(terminal.address)
    with pytest.raises(vigie.ConnectFailed, match="in use by another program"):
        await transport.open()
    other.kill()
    await other.wait()
    await transport.open()
    await transport.close()


async def test_pyserials_own_addresses_open_too() -> None:
    transport = vigie.open_transport("serial:loop://")
    await transport.open()
    await transport.write(b"round")
    assert await transport.read() == b"round"
    await transport.close()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        transport = vigie.open_transport(f"serial:socket://127.0.0.1:{server.getsockname()[1]}")
        await transport.open()
        peer, _ = server.accept()
        with peer:
            await transport.write(b"there")
            assert peer.recv(5) == b"there"
            peer.send(b"back")
            assert await transport.read() == b"back"
            await transport.close()
