"""How a message is described: a frozen dataclass whose fields carry their construct type, unit and meaning.

    @message(0x41, to=HOST)
    class Status:
        battery_mv: Annotated[int, Wire(Int16ul, unit="mV", doc="Battery voltage.")]

The decorator derives the construct ``Struct`` that parses and builds it. The subset is kept small on purpose, so
that plain functions without allocation can be generated for the device: little-endian, byte-aligned, a fixed
head and at most one array at the end, no conditionals. A variant is a new message number.
"""

from __future__ import annotations

import dataclasses
import enum
import struct
from collections.abc import Callable
from typing import (
    Any,
    ClassVar,
    Final,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from construct import (
    Array,
    Bytes,
    Construct,
    ConstructError,
    FormatField,
    GreedyBytes,
    GreedyRange,
    Int16sl,
    Struct,
)
from construct import BytesInteger as ConstructBytesInteger

from vigie_protocol.errors import MessageError
from vigie_protocol.framing import INTERRUPT

DEVICE: Final = "device"
HOST: Final = "host"
BOTH: Final = "both"
LOG: Final = "log"
"""The flash log: bodies of records, which travel inside :class:`~vigie_protocol.messages.Records`."""

SMALL_INT_BITS: Final = 30
"""Widest unsigned integer that a 32-bit MicroPython holds without allocating."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wire:
    """The wire form of one field: its construct type, and what a reader of the reference needs."""

    type: Any
    doc: str
    unit: str = ""
    bits: int | None = None
    """Bits in use where the field is narrower than its type; values beyond are refused on the host."""
    values: type[enum.IntEnum] | type[enum.IntFlag] | None = None
    mdc: int | None = None
    """IEEE 11073-10101 code of the quantity, where there is one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of a message as the generators see it."""

    name: str
    wire: Wire
    code: str
    """``u8 u16 u32 i8 i16 i32 bytesN`` for the head; ``bytes u24be[] i16x3[]`` for a tail."""
    format: str
    """Its ``struct`` format, empty for a tail."""

    @property
    def is_tail(self) -> bool:
        """Whether it is the open array at the end."""
        return not self.format

    @property
    def size(self) -> int:
        """Bytes in the head."""
        return struct.calcsize("<" + self.format)


class Message:
    """Base of all messages: parsing, building and the description that the generators walk."""

    KIND: ClassVar[int]
    TO: ClassVar[str]
    HOT: ClassVar[bool]
    RESERVED: ClassVar[bool]
    FIELDS: ClassVar[tuple[Field, ...]]
    STRUCT: ClassVar[Any]

    def to_bytes(self) -> bytes:
        """Return the body: what stands between the frame's head and its CRC.

        Raises:
            MessageError: A value does not fit its field.
        """
        values: dict[str, Any] = {}
        for field in self.FIELDS:
            value = getattr(self, field.name)
            _check_bits(type(self).__name__, field, value)
            values[field.name] = value
        try:
            return bytes(self.STRUCT.build(values))
        except (ConstructError, struct.error) as error:
            raise MessageError(type(self).__name__, f"cannot be built: {error}") from error

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Parse a body.

        Raises:
            MessageError: The length is wrong or a value is out of its bounds.
        """
        try:
            parsed = cls.STRUCT.parse(body)
        except ConstructError as error:
            raise MessageError(cls.__name__, f"cannot be parsed from {len(body)} bytes: {error}") from error
        values: dict[str, Any] = {}
        for field in cls.FIELDS:
            value = parsed[field.name]
            _check_bits(cls.__name__, field, value)
            if field.code == "i16x3[]":
                value = tuple(tuple(sample) for sample in value)
            elif field.code == "u24be[]":
                value = tuple(value)
            elif field.wire.values is not None:
                value = _named(field.wire.values, value)
            values[field.name] = value
        message = cls(**values)
        if len(message.to_bytes()) != len(body):
            raise MessageError(cls.__name__, f"{len(body)} bytes are not a whole number of samples")
        return message


def _check_bits(message: str, field: Field, value: Any) -> None:
    if field.wire.bits is None:
        return
    for each in value if field.is_tail else (value,):
        if not 0 <= each < 1 << field.wire.bits:
            raise MessageError(message, f"{field.name}={each} needs more than {field.wire.bits} bits")


def _named(values: type[enum.IntEnum] | type[enum.IntFlag], value: int) -> int:
    """A newer device may use names that this host does not know: keep their number."""
    try:
        return values(value)
    except ValueError:
        return value


_FORMATS: Final = {"B": "u8", "H": "u16", "L": "u32", "b": "i8", "h": "i16", "l": "i32"}


def _describe(name: str, wire: Wire) -> Field:
    kind: Construct[Any, Any] = wire.type
    if isinstance(kind, FormatField) and kind.fmtstr[0] == "<":
        letter = kind.fmtstr[1]
        if letter in _FORMATS:
            return Field(name, wire, _FORMATS[letter], {"L": "I", "l": "i"}.get(letter, letter))
    elif isinstance(kind, FormatField) and kind.length == 1 and kind.fmtstr[1] in "Bb":
        return Field(name, wire, _FORMATS[kind.fmtstr[1]], kind.fmtstr[1])
    elif kind is GreedyBytes:
        return Field(name, wire, "bytes", "")
    elif isinstance(kind, Bytes) and isinstance(kind.length, int):
        return Field(name, wire, f"bytes{kind.length}", f"{kind.length}s")
    elif isinstance(kind, GreedyRange):
        item: Construct[Any, Any] = wire.type.subcon
        if isinstance(item, ConstructBytesInteger):
            if item.length == 3 and not item.signed and not item.swapped:
                return Field(name, wire, "u24be[]", "")
        elif isinstance(item, Array) and item.count == 3 and wire.type.subcon.subcon is Int16sl:
            return Field(name, wire, "i16x3[]", "")
    raise MessageError(name, f"{type(wire.type).__name__} is outside the subset that the device can speak")


_T = TypeVar("_T", bound=type)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def message(kind: int, *, to: str, hot: bool = False, reserved: bool = False) -> Callable[[_T], _T]:
    """Make a message of a class: a frozen dataclass with its ``STRUCT``, ``FIELDS`` and number.

    ``hot`` marks what the device packs while sampling: each of its integers must fit :data:`SMALL_INT_BITS`.
    """

    def decorate(cls: _T) -> _T:
        if not 0 < kind <= 0xFF or kind == INTERRUPT:
            raise MessageError(cls.__name__, f"{kind} is no message number: 1..255 without {INTERRUPT}")
        fields: list[Field] = []
        for name, hint in get_type_hints(cls, include_extras=True).items():
            if get_origin(hint) is ClassVar:
                continue
            wire = next((item for item in get_args(hint) if isinstance(item, Wire)), None)
            if wire is None:
                raise MessageError(
                    cls.__name__, f"{name} says nothing of its wire form: Annotated[int, Wire(...)]"
                )
            field = _describe(name, wire)
            if fields and fields[-1].is_tail:
                raise MessageError(
                    cls.__name__, f"{name} follows the tail {fields[-1].name}: only the last field is open"
                )
            if hot and field.code in ("u32", "i32") and (wire.bits is None or wire.bits > SMALL_INT_BITS):
                raise MessageError(
                    cls.__name__, f"{name} is packed while sampling: declare bits={SMALL_INT_BITS} or less"
                )
            fields.append(field)
        made = cast("Any", dataclasses.dataclass(frozen=True, kw_only=True)(cls))
        made.KIND, made.TO, made.HOT, made.RESERVED, made.FIELDS = kind, to, hot, reserved, tuple(fields)
        made.STRUCT = Struct(*(field.name / field.wire.type for field in fields))
        return made  # type: ignore[no-any-return]

    return decorate
