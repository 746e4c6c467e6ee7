"""Serial ports, by pyserial; a thread reads, so that it is the same on every system."""

from __future__ import annotations

import asyncio
import errno
import io
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs

import serial

from vigie.errors import AddressError, ConnectFailed, Disconnected
from vigie.transports.inbox import Inbox

_BAUD: Final = 921_600
_POLL_S: Final = 0.1
_WRITE_TIMEOUT_S: Final = 5.0
_PIECE_BYTES: Final = 1 << 16


class SerialTransport:
    """``serial:PORT[?baud=N]``, or the bare path of a port."""

    def __init__(self, address: str) -> None:
        self._address = address
        port, _, query = address.removeprefix("serial:").partition("?")
        try:
            values = parse_qs(query, strict_parsing=True) if query else {}
            self._baud = int(values.pop("baud", [str(_BAUD)])[0])
        except ValueError as error:
            raise AddressError(address, "the only option is baud=, with a number") from error
        if values or not port:
            raise AddressError(address, f"{', '.join(values) or 'no port'} is not understood")
        self._port = port
        self._serial: serial.Serial | None = None
        self._inbox = Inbox(address)
        self._room = threading.Event()

    @property
    def address(self) -> str:
        """Where it leads."""
        return self._address

    async def open(self) -> None:
        """Open the port; see :meth:`Transport.open`."""
        self._loop = asyncio.get_running_loop()
        self._workers = ThreadPoolExecutor(1, "vigie-serial-write")
        try:
            self._serial = await self._loop.run_in_executor(self._workers, self._open_port)
        except (serial.SerialException, OSError, ValueError) as error:
            self._workers.shutdown()
            # A lock that another program holds, or a port that it opened for itself alone.
            taken = isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EBUSY)
            reason = (
                "in use by another program: end that one first" if taken else f"cannot be opened: {error}"
            )
            raise ConnectFailed(self._address, reason) from error
        self._inbox.open()
        self._closing = False
        self._read_over = asyncio.Event()
        self._reader = threading.Thread(target=self._read_port, name="vigie-serial-read", daemon=True)
        self._reader.start()

    def _open_port(self) -> serial.Serial:
        port: serial.Serial = serial.serial_for_url(
            self._port, baudrate=self._baud, timeout=_POLL_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
        )
        return port

    def _read_port(self) -> None:
        port = self._serial
        assert port is not None
        reason = "closed"
        data = bytearray()
        try:
            while not self._closing:
                data += port.read(1)
                while data and len(data) < _PIECE_BYTES and (waiting := port.in_waiting):
                    data += port.read(min(waiting, _PIECE_BYTES - len(data)))
                if data:
                    # One piece at a time, so that little is held even while the event loop is blocked.
                    self._room.clear()
                    self._loop.call_soon_threadsafe(self._take, bytes(data))
                    data.clear()
                    while not self._room.wait(_POLL_S) and not self._closing:
                        pass
        except (serial.SerialException, OSError, TypeError, ValueError) as error:
            reason = str(error)
        if not self._closing:
            if data:
                self._loop.call_soon_threadsafe(self._take, bytes(data))
            self._loop.call_soon_threadsafe(self._inbox.fail, reason)
        self._loop.call_soon_threadsafe(self._read_over.set)

    def _take(self, data: bytes) -> None:
        self._inbox.put(data)
        if not self._inbox.full:
            self._room.set()

    async def read(self) -> bytes:
        """Wait for bytes; see :meth:`Transport.read`."""
        data = await self._inbox.take()
        self._room.set()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes; see :meth:`Transport.write`."""
        self._inbox.check()
        try:
            await self._loop.run_in_executor(self._workers, self._write_port, data)
        except (serial.SerialException, OSError) as error:
            self._inbox.fail(str(error))
            raise Disconnected(self._address, str(error)) from error

    def _write_port(self, data: bytes) -> None:
        port = self._serial
        end_s = time.monotonic() + _WRITE_TIMEOUT_S
        # Where nothing fits at first, pyserial spins and is deaf to cancel_write(). Windows has no fileno.
        with suppress(io.UnsupportedOperation):
            while port is self._serial and port and not select.select((), (port.fileno(),), (), _POLL_S)[1]:
                if time.monotonic() > end_s:
                    raise serial.SerialTimeoutException(f"takes nothing for {_WRITE_TIMEOUT_S:g} s")
        if port is not self._serial or not port or port.write(data) != len(data):
            raise serial.SerialException("closed")

    async def close(self) -> None:
        """Close the port; see :meth:`Transport.close`."""
        port, self._serial = self._serial, None
        if port is None:
            return
        self._closing = True
        self._inbox.close()
        # Where the system can, what the port is at is broken off; else its timeouts end it.
        for cancel in ("cancel_read", "cancel_write"):
            with suppress(AttributeError, serial.SerialException, OSError):
                getattr(port, cancel)()
        await self._read_over.wait()
        self._reader.join()
        # What the reader had on its way.
        self._inbox.close()
        await self._loop.run_in_executor(self._workers, port.close)
        self._workers.shutdown()
