"""Ways to reach a bracelet: a file each, all with the verbs of :class:`Transport`.

To add one: a file with a class that has these verbs, and a line in :func:`open_transport`. What is called back with
bytes keeps them in an :class:`vigie.transports.inbox.Inbox`.
"""

from __future__ import annotations

from typing import Protocol

from vigie.errors import AddressError


class Transport(Protocol):
    """A byte stream to one bracelet. ``tests/contracts/test_transport.py`` is what it must do."""

    @property
    def address(self) -> str:
        """Where it leads, as :func:`open_transport` takes it."""
        ...

    async def open(self) -> None:
        """Open it.

        Raises
        ------
        ConnectFailed
            Nothing there can be opened.
        """
        ...

    async def read(self) -> bytes:
        """Wait for bytes and return all that have come, at least one.

        Raises
        ------
        Disconnected
            The link went away, or was closed.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when the link has taken them.

        Raises
        ------
        Disconnected
            The link went away, or was closed.
        """
        ...

    async def close(self) -> None:
        """Close it, end a waiting read, drop what nobody read; may be called twice, leaves no thread."""
        ...


def open_transport(address: str) -> Transport:
    """Return the transport for an address; it is not open yet.

    Parameters
    ----------
    address
        ``serial:/dev/ttyACM0``, ``serial:COM3``, ``serial:/dev/ttyUSB0?baud=115200``, ``socket://host:port``, or a
        bare path of a serial port.

    Raises
    ------
    AddressError
        No transport understands it.
    """
    scheme, separator, rest = address.partition(":")
    if not address.strip() or (separator and not rest):
        raise AddressError(address, "an address names a port")
    if scheme == "socket":
        from vigie.transports.tcp import SocketTransport

        return SocketTransport(address)
    if scheme == "serial" or address.startswith("/dev/"):
        from vigie.transports.serial import SerialTransport

        return SerialTransport(address)
    raise AddressError(address, f"{scheme}: is no kind of link that is known here")
