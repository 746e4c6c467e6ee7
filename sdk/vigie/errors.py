"""Errors of the SDK, all under one root.

    VigieError
    ├── AddressError            the address is not one: write serial:/dev/ttyACM0 or socket://host:port
    ├── LinkError               to be handled by whoever talks to a bracelet:
    │   ├── ConnectFailed       nothing that can be opened there, or no bracelet answers
    │   ├── Disconnected        the link went away; connect again
    │   ├── RequestTimeout      no answer within the deadline
    │   └── StreamStalled       a running stream brings nothing
    ├── SchemaMismatch          the bracelet speaks another protocol: update one of the two
    ├── RequestRefused          the bracelet said no where an answer was needed to go on
    ├── PromptError             the MicroPython prompt did not do as told
    └── FirmwareError           (vigie.firmware) the package's firmware cannot be used

What the bracelet refuses on request is a value, the message ``Error``, and not an exception.
"""

from __future__ import annotations


class VigieError(Exception):
    """Root of everything that this package raises on purpose."""


class AddressError(VigieError, ValueError):
    """An address that no transport understands."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"{address!r}: {reason}. Write serial:/dev/ttyACM0, serial:COM3 or socket://host:port"
        )
        self.address = address


class LinkError(VigieError):
    """Something about the link that a caller has to expect."""


class ConnectFailed(LinkError, ConnectionError):
    """No bracelet could be reached at an address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason


class Disconnected(LinkError, ConnectionError):
    """The link went away."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: disconnected: {reason}")
        self.address = address
        self.reason = reason


class RequestTimeout(LinkError, TimeoutError):
    """The bracelet did not answer in time."""

    def __init__(self, request: str, timeout_s: float) -> None:
        super().__init__(f"no answer to {request} within {timeout_s:g} s")
        self.request = request
        self.timeout_s = timeout_s


class StreamStalled(LinkError, TimeoutError):
    """A running stream brought no block for too long."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"the stream brought nothing for {timeout_s:g} s")
        self.timeout_s = timeout_s


class SchemaMismatch(VigieError):
    """Bracelet and host do not speak the same protocol."""

    def __init__(self, ours: tuple[int, int, int], theirs: tuple[int, int, int]) -> None:
        def name(version: tuple[int, int, int]) -> str:
            return f"{version[0]}.{version[1]} (schema {version[2]:08x})"

        super().__init__(
            f"the bracelet speaks protocol {name(theirs)}, this host {name(ours)}: "
            "flash the bracelet (`vigie flash`) or install the vigie that fits it"
        )
        self.ours = ours
        """Major, minor, schema CRC of this host."""
        self.theirs = theirs
        """Major, minor, schema CRC of the bracelet."""


class RequestRefused(VigieError):
    """The bracelet refused a request."""

    def __init__(self, request: str, code: int, text: str) -> None:
        super().__init__(f"the bracelet refused {request}: {text} ({getattr(code, 'name', code)})")
        self.request = request
        self.code = code
        self.text = text


class PromptError(VigieError):
    """The MicroPython prompt of a board did not do as told."""

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason + (f"\n{output}" if output else ""))
        self.reason = reason
        self.output = output
