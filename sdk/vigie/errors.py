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
    ├── StoreError              the store's file, to be handled by whoever keeps one; nothing was acknowledged:
    │   ├── StoreNotWritable    it cannot be opened, made or written
    │   ├── StoreFull           the disk is full
    │   ├── StoreDamaged        it is no store, or broken
    │   ├── StoreBusy           another process writes to it and does not end
    │   ├── StoreVersion        a newer vigie made it
    │   ├── RecordConflict      a bracelet gave one number to two records; both are kept
    │   ├── NumbersWentBack     a bracelet is about to: its log ends before what the store has
    │   └── UnknownDevice       the store has nothing of that bracelet
    ├── PlanError               a sampling plan that is none
    ├── PromptError             the MicroPython prompt did not do as told
    └── FirmwareError           (vigie.firmware) the package's firmware cannot be used

What the bracelet refuses on request is a value, the message ``Error``, and not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


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


class PlanError(VigieError, ValueError):
    """A sampling plan that does not exist, or contradicts itself."""


class StoreError(VigieError):
    """Something about the file of a store; what was being committed is not."""


class StoreNotWritable(StoreError, OSError):
    """The file of a store cannot be opened, made or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}. Is the folder there, and may this user write in it?")
        self.path = path
        self.reason = reason


class StoreFull(StoreError, OSError):
    """The disk of a store is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: the disk is full; the bracelet keeps what was not committed. Make room")
        self.path = path


class StoreDamaged(StoreError):
    """The file is no store, or broken."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}. Put it aside and sync into a new file: the bracelet has what no receiver confirmed"
        )
        self.path = path
        self.reason = reason


class StoreBusy(StoreError, TimeoutError):
    """Another process writes to the store and does not end."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__(f"{path}: another process has been writing to it for {timeout_s:g} s")
        self.path = path
        self.timeout_s = timeout_s


class StoreVersion(StoreError):
    """The file has another layout than this vigie can use."""

    def __init__(self, path: Path, theirs: int, ours: int) -> None:
        remedy = (
            "install a newer vigie"
            if theirs > ours
            else "open it once for writing, which brings it up to date"
        )
        super().__init__(f"{path}: its layout is version {theirs}, this vigie's is {ours}: {remedy}")
        self.path = path
        self.theirs = theirs
        self.ours = ours


class RecordConflict(StoreError):
    """Records came with the numbers of others that are in the store already."""

    def __init__(self, lane: int, numbers: tuple[int, ...], committed: Sequence[Any] = ()) -> None:
        super().__init__(
            f"{len(numbers)} records of lane {getattr(lane, 'name', lane)} have the numbers of other records that are "
            f"in the store ({', '.join(map(str, numbers[:5]))}{', ...' if len(numbers) > 5 else ''}): the bracelet "
            "gave its numbers twice. Both are kept; see Store.conflicts"
        )
        self.lane = lane
        self.numbers = numbers
        self.committed = committed
        """What of the same call was new and is in the store."""


class NumbersWentBack(StoreError):
    """A lane of a bracelet's log ends before what the store has of it: numbers will be given twice."""

    def __init__(self, lane: int, following: int, known: int) -> None:
        super().__init__(
            f"lane {getattr(lane, 'name', lane)} of the bracelet ends at number {following}, but the store has records "
            f"up to {known - 1}: the bracelet has lost part of its log, and gives numbers again. All that it has was "
            "fetched; have it begin another log"
        )
        self.lane = lane
        self.following = following
        self.known = known


class UnknownDevice(StoreError, LookupError):
    """A store has nothing of the bracelet that was asked for."""

    def __init__(self, path: Path, device_id: bytes | None, known: Sequence[bytes]) -> None:
        names = ", ".join(each.rstrip(b"\0").hex() for each in known) or "none"
        asked = "which bracelet?" if device_id is None else f"nothing of {device_id.rstrip(bytes(1)).hex()}."
        super().__init__(f"{path}: {asked} It has records of: {names}")
        self.path = path
        self.device_id = device_id
        self.known = known
