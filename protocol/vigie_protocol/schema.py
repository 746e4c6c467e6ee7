"""The canonical text of the protocol, and the CRC by which two sides know that they mean the same."""

from __future__ import annotations

import enum
import inspect
import zlib
from typing import Final

from vigie_protocol import enums
from vigie_protocol.definition import Message
from vigie_protocol.messages import MESSAGES, PROTOCOL_MAJOR, PROTOCOL_MINOR

ENUMS: Final[tuple[type[enum.IntEnum] | type[enum.IntFlag], ...]] = tuple(
    kind
    for _, kind in sorted(inspect.getmembers(enums, inspect.isclass))
    if issubclass(kind, enum.IntEnum | enum.IntFlag) and kind.__module__ == enums.__name__
)
"""All enumerations of the wire, by name."""


def _canonical(messages: tuple[type[Message], ...]) -> str:
    lines = [f"vigie protocol {PROTOCOL_MAJOR}.{PROTOCOL_MINOR}"]
    lines += [
        f"enum {kind.__name__} " + " ".join(f"{each.name}={each.value}" for each in kind) for kind in ENUMS
    ]
    for each in sorted(messages, key=lambda item: item.KIND):
        lines.append(f"message {each.KIND:#04x} {each.__name__} to {each.TO}")
        lines += [
            f"  {field.name} {field.code}" + (f" {field.wire.bits} bits" if field.wire.bits else "")
            for field in each.FIELDS
        ]
    return "\n".join(lines) + "\n"


SCHEMA_TEXT: Final = _canonical(MESSAGES)
"""Numbers, names, layouts and enums, a line each; wording of descriptions is not part of it."""

SCHEMA_CRC: Final = zlib.crc32(SCHEMA_TEXT.encode())
"""CRC-32 of :data:`SCHEMA_TEXT`; it travels in Hello."""
