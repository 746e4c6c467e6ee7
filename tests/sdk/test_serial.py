"""A serial port that is stuck, taken or gone keeps nobody waiting."""

from __future__ import annotations

import asyncio
import os
import pty
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress

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
