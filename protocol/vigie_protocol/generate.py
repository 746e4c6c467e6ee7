"""Writes what is derived from the definition: the device's codec, the reference page and the golden vectors.

``python -m vigie_protocol.generate`` writes the files into the checkout it runs in, ``--check`` compares instead
and exits with 1 if one of them has drifted. The files are committed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from vigie_protocol import framing
from vigie_protocol.definition import BOTH, DEVICE, Field, Message
from vigie_protocol.messages import MESSAGES, PROTOCOL_MAJOR, PROTOCOL_MINOR
from vigie_protocol.schema import ENUMS, SCHEMA_CRC

CODEC = "firmware/bracelet/codec.py"
REFERENCE = "docs/protocol.md"
VECTORS = "tests/protocol/golden_vectors.json"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _head(message: type[Message]) -> list[Field]:
    return [field for field in message.FIELDS if not field.is_tail]


def _type(field: Field) -> str:
    """The Python type of a field of a head."""
    return "bytes" if field.format.endswith("s") else "int"


def render_codec() -> str:
    """Functions for MicroPython: packing of what the device sends, unpacking of what it receives."""
    lines = [
        '"""Generated from vigie_protocol by `make generate`: do not edit.',
        "",
        "pack_x(buffer, at, ...) writes the head of a body and returns where its tail begins, without allocating;",
        "unpack_x(buffer, at, end) returns the fields of the head and raises ValueError for any other length.",
        '"""',
        "",
        "# MicroPython's stubs leave the type of arrays open.",
        "from struct import pack_into, unpack_from  # pyright: ignore[reportUnknownVariableType]",
        "",
        "from micropython import const",
        "",
        f"PROTOCOL_MAJOR = const({PROTOCOL_MAJOR})",
        f"PROTOCOL_MINOR = const({PROTOCOL_MINOR})",
        f"SCHEMA_CRC = const(0x{SCHEMA_CRC:08X})",
        f"MAX_FRAME_BYTES = const({framing.MAX_FRAME_BYTES})",
        "",
    ]
    lines += [f"{_snake(each.__name__).upper()} = const(0x{each.KIND:02X})" for each in MESSAGES]
    lines.append("")
    lines += [
        f"{_snake(each.__name__).upper()}_HEAD_BYTES = const({sum(field.size for field in _head(each))})"
        for each in MESSAGES
        if each.HOT
    ]
    for kind in ENUMS:
        lines.append("")
        lines += [f"{_snake(kind.__name__).upper()}_{item.name} = const({item.value})" for item in kind]
    for each in MESSAGES:
        if each.RESERVED:
            continue
        head = _head(each)
        form = "<" + "".join(field.format for field in head)
        size = sum(field.size for field in head)
        name = _snake(each.__name__)
        if each.TO != DEVICE and head:
            arguments = ", ".join(f"{field.name}: {_type(field)}" for field in head)
            values = ", ".join(
                f"{field.name} & 0x{(1 << field.wire.bits) - 1:X}" if field.wire.bits else field.name
                for field in head
            )
            lines += [
                "",
                "",
                *_definition(f"def pack_{name}(", f"buffer: bytearray, at: int, {arguments}", "int"),
            ]
            lines += [*_call(f'    pack_into("{form}", buffer, at, ', values), f"    return at + {size}"]
        if each.TO in (DEVICE, BOTH) and head and not each.FIELDS[-1].is_tail:
            fields = ", ".join(_type(field) for field in head)
            result = f"tuple[{fields}]"
            lines += ["", "", *_definition(f"def unpack_{name}(", "buffer: bytes, at: int, end: int", result)]
            lines += [f"    if end - at != {size}:", f'        raise ValueError("{each.__name__}")']
            lines += [f'    return unpack_from("{form}", buffer, at)']
    return "\n".join(lines) + "\n"


def _definition(start: str, arguments: str, result: str) -> list[str]:
    line = f"{start}{arguments}) -> {result}:"
    if len(line) <= 105:
        return [line]
    return [start, *(f"    {item}," for item in arguments.split(", ")), f") -> {result}:"]


def _call(start: str, values: str) -> list[str]:
    line = f"{start}{values})"
    if len(line) <= 99:
        return [line]
    opening, rest = line.split("(", 1)
    return [f"{opening}(", *(f"        {item}," for item in rest[:-1].split(", ")), "    )"]


def render_reference() -> str:
    """The page that a reader of the wire opens."""
    text = [
        "<!-- Generated from vigie_protocol by `make generate`: do not edit. -->",
        "# Protocol reference",
        "",
        f"Version {PROTOCOL_MAJOR}.{PROTOCOL_MINOR}, schema CRC `{SCHEMA_CRC:08x}`. All numbers are little-endian "
        "unless a field says otherwise; nothing is padded.",
        "",
        "## Frames",
        "",
        "```text",
        "COBS( kind u8 | sequence u16 | body | CRC-32 u32 of all before ) 0x00",
        "```",
        "",
        f"A frame has at most {framing.MAX_FRAME_BYTES} bytes before COBS, so that one BLE notification at an ATT",
        "MTU of 247 holds it and the device encodes it in place. The CRC is that of zlib and IEEE 802.3. A zero ends",
        "a frame and is never inside one: after any garbage the receiver is in step again at the next zero.",
        "",
        "`sequence` counts the frames that a sender sent on this link, modulo 2^16: a jump is a lost frame. Answers",
        "carry the sequence of the request in their first field.",
        "",
        "No message has number 3. So `03` is never the second byte of a frame that starts with another byte than",
        "`01`, and a development build knows ctrl-C where a frame would begin (`0D 03` from mpremote, `03 03 03` from",
        "a person) and leaves for the MicroPython prompt.",
        "",
        "## Compatibility",
        "",
        "1. The layout of a published message never changes. What needs another layout gets a new number.",
        "2. `HelloRequest` and `Hello` keep number and layout for ever: any two versions can introduce themselves.",
        "3. New messages, enum values and flags raise the minor version. Who meets an unknown message ignores it and",
        "   counts it (host) or answers `Error` with `UNKNOWN_MESSAGE` (device); who meets an unknown value keeps its",
        "   number.",
        "4. Of two minor versions the lower one is spoken.",
        "5. A message that goes away, or means something else, raises the major version. Different major versions do",
        "   not speak: the host raises an error that names both.",
        "6. Two sides of the same version with different schema CRCs are not the same protocol: the same error.",
        "7. Numbers of removed messages and enum values are never used again.",
        "",
        "## Messages",
        "",
        "| number | message | to | bytes |",
        "|---|---|---|---|",
    ]
    for each in sorted(MESSAGES, key=lambda item: item.KIND):
        size = sum(field.size for field in _head(each))
        tail = " + tail" if each.FIELDS and each.FIELDS[-1].is_tail else ""
        text.append(
            f"| `0x{each.KIND:02x}` | [{each.__name__}](#{each.__name__.lower()}) | {each.TO} | {size}{tail} |"
        )
    for each in MESSAGES:
        text += [
            "",
            f"### {each.__name__}",
            "",
            f"`0x{each.KIND:02x}` to {each.TO}. {(each.__doc__ or '').strip()}",
            "",
        ]
        if not each.FIELDS:
            text.append("No fields.")
            continue
        text += ["| at | field | type | unit | |", "|---|---|---|---|---|"]
        at = 0
        for field in each.FIELDS:
            bits = f" ({field.wire.bits} bits)" if field.wire.bits else ""
            names = (
                f" [{field.wire.values.__name__}](#{field.wire.values.__name__.lower()})."
                if field.wire.values
                else ""
            )
            code = f"IEEE 11073 MDC {field.wire.mdc}. " if field.wire.mdc else ""
            text.append(
                f"| {at} | `{field.name}` | `{field.code}`{bits} | {field.wire.unit} | {code}{field.wire.doc}{names} |"
            )
            at += field.size
    text += ["", "## Named numbers"]
    for kind in ENUMS:
        text += ["", f"### {kind.__name__}", "", (kind.__doc__ or "").strip(), "", "| | |", "|---|---|"]
        text += [f"| {item.value} | `{item.name}` |" for item in kind]
    return "\n".join(text) + "\n"


def _example(field: Field, variant: str) -> Any:
    low, high = {
        "u8": (0, 255),
        "u16": (0, 0xFFFF),
        "u32": (0, 0xFFFFFFFF),
        "i8": (-(1 << 7), (1 << 7) - 1),
        "i16": (-(1 << 15), (1 << 15) - 1),
        "i32": (-(1 << 31), (1 << 31) - 1),
    }.get(field.code, (0, 0))
    if field.wire.bits:
        high = (1 << field.wire.bits) - 1
    if field.name == "channels":
        low, high = 1, 3
    if field.code == "bytes" or field.code.startswith("bytes"):
        length = int(field.code[5:] or {"low": 0, "middle": 5, "high": 40}[variant])
        return bytes((index * 37 + 11) % 256 for index in range(length))
    if field.code == "u24be[]":
        return tuple(
            (index * 9241) % (1 << 18) for index in range({"low": 0, "middle": 6, "high": 72}[variant])
        )
    if field.code == "i16x3[]":
        count = {"low": 0, "middle": 2, "high": 36}[variant]
        return tuple((index * 911 - 16384, 0, 32767 - index) for index in range(count))
    return {"low": low, "middle": min((low + high) // 2 + len(field.name), high), "high": high}[variant]


def render_vectors() -> str:
    """Three frames a message: its fields at their lowest, middle and highest, and the bytes on the wire."""
    rows: list[dict[str, Any]] = []
    for each in MESSAGES:
        for sequence, variant in enumerate(("low", "middle", "high") if each.FIELDS else ("low",)):
            values = {field.name: _example(field, variant) for field in each.FIELDS}
            body = each(**values).to_bytes()
            rows.append(
                {
                    "message": each.__name__,
                    "sequence": sequence * 257,
                    "fields": {
                        key: value.hex() if isinstance(value, bytes) else value
                        for key, value in values.items()
                    },
                    "body": body.hex(),
                    "wire": framing.encode_frame(each.KIND, sequence * 257, body).hex(),
                }
            )
    head = {"protocol": f"{PROTOCOL_MAJOR}.{PROTOCOL_MINOR}", "schema_crc": f"{SCHEMA_CRC:08x}"}
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    return json.dumps(head)[:-1] + ', "vectors": [\n' + lines + "\n]}\n"


def render() -> dict[str, str]:
    """All derived files: path in the checkout -> text."""
    return {CODEC: render_codec(), REFERENCE: render_reference(), VECTORS: render_vectors()}


def main(arguments: list[str]) -> int:
    """Write, or compare with ``--check``; return the exit status."""
    root = Path(__file__).resolve().parents[2]
    drifted = [
        name
        for name, text in render().items()
        if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for name in drifted:
            print(f"{name} has drifted from the definition: run `make generate`", file=sys.stderr)
        return 1 if drifted else 0
    for name in drifted:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(render()[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
