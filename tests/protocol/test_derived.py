"""What is derived from the definition is what is committed, and says on the device what construct says on the host."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vigie_protocol import framing, generate
from vigie_protocol.definition import BOTH, DEVICE, Message
from vigie_protocol.messages import BY_KIND, MESSAGES, PROTOCOL_MAJOR, PROTOCOL_MINOR
from vigie_protocol.schema import ENUMS, SCHEMA_CRC

ROOT = Path(__file__).parents[2]
GOLDEN: dict[str, Any] = json.loads((ROOT / generate.VECTORS).read_text(encoding="utf-8"))
VECTORS: list[dict[str, Any]] = GOLDEN["vectors"]
BY_NAME = {each.__name__: each for each in MESSAGES}

LIVE = [each for each in MESSAGES if not each.RESERVED]
PACKED = [each for each in LIVE if each.TO != DEVICE]
UNPACKED = [each for each in LIVE if each.TO in (DEVICE, BOTH) and each.FIELDS]


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)[1:]


def head_of(kind: type[Message]) -> list[str]:
    return [field.name for field in kind.FIELDS if not field.is_tail]


def head_bytes(kind: type[Message]) -> int:
    return sum(field.size for field in kind.FIELDS if not field.is_tail)


@pytest.fixture(scope="module")
def codec(on_cpython: Callable[[str], Any]) -> Any:
    return on_cpython("bracelet.codec")


# Golden vectors


def test_every_message_has_golden_vectors_of_this_version() -> None:
    assert {row["message"] for row in VECTORS} == set(BY_NAME)
    assert GOLDEN["protocol"] == f"{PROTOCOL_MAJOR}.{PROTOCOL_MINOR}"
    assert GOLDEN["schema_crc"] == f"{SCHEMA_CRC:08x}"


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: f"{row['message']}-{row['sequence']}")
def test_golden_vectors_read_and_write_both_ways(row: dict[str, Any]) -> None:
    kind = BY_NAME[row["message"]]
    values = {
        field.name: bytes.fromhex(value) if field.code.startswith("bytes") else as_tuple(value)
        for field, value in zip(kind.FIELDS, row["fields"].values(), strict=True)
    }
    body, wire = bytes.fromhex(row["body"]), bytes.fromhex(row["wire"])
    assert kind(**values).to_bytes() == body
    assert framing.encode_frame(kind.KIND, row["sequence"], body) == wire
    (frame,) = framing.Deframer().feed(wire)
    assert frame == (kind.KIND, row["sequence"], body)
    message = BY_KIND[frame.kind].from_bytes(frame.body)
    assert {name: getattr(message, name) for name in values} == values


def as_tuple(value: Any) -> Any:
    return tuple(as_tuple(item) for item in cast("list[Any]", value)) if isinstance(value, list) else value


# Drift


def test_nothing_committed_has_drifted_from_the_definition() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vigie_protocol.generate", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_drift_is_told_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate, "render_codec", lambda: "something else")
    assert generate.main(["--check"]) == 1
    assert f"{generate.CODEC} has drifted" in capsys.readouterr().err


# The device's codec


def test_the_codec_has_the_numbers_of_the_definition(codec: Any) -> None:
    assert codec.SCHEMA_CRC == SCHEMA_CRC
    assert (codec.PROTOCOL_MAJOR, codec.PROTOCOL_MINOR) == (PROTOCOL_MAJOR, PROTOCOL_MINOR)
    assert codec.MAX_FRAME_BYTES == framing.MAX_FRAME_BYTES
    for each in MESSAGES:
        assert getattr(codec, snake(each.__name__).upper()) == each.KIND
    for kind in ENUMS:
        for item in kind:
            assert getattr(codec, f"{snake(kind.__name__).upper()}_{item.name}") == item.value


def test_the_codec_has_only_the_direction_that_the_device_uses(codec: Any) -> None:
    functions = {name for name in dir(codec) if name.startswith(("pack_", "unpack_"))}
    functions -= {"pack_into", "unpack_from"}
    packs = {f"pack_{snake(each.__name__)}" for each in PACKED}
    assert functions == packs | {f"unpack_{snake(each.__name__)}" for each in UNPACKED}


@pytest.mark.parametrize("kind", PACKED, ids=lambda kind: kind.__name__)
@settings(max_examples=50)
@given(data=st.data(), at=st.integers(0, 9))
def test_the_device_packs_what_construct_builds(
    kind: type[Message], codec: Any, messages_of: Callable[..., Any], data: st.DataObject, at: int
) -> None:
    message = data.draw(messages_of(kind))
    buffer = bytearray(b"\xee" * 300)
    fields = [getattr(message, name) for name in head_of(kind)]
    end = getattr(codec, f"pack_{snake(kind.__name__)}")(buffer, at, *fields)
    assert end == at + head_bytes(kind)
    assert buffer[at:end] == message.to_bytes()[: end - at]
    assert buffer[:at] + buffer[end:] == b"\xee" * (300 - end + at)


@pytest.mark.parametrize("kind", UNPACKED, ids=lambda kind: kind.__name__)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), at=st.integers(0, 9))
def test_the_device_unpacks_what_construct_built(
    kind: type[Message], codec: Any, messages_of: Callable[..., Any], data: st.DataObject, at: int
) -> None:
    message = data.draw(messages_of(kind))
    body = message.to_bytes()
    buffer = b"\xee" * at + body + b"\xee" * 9
    fields = getattr(codec, f"unpack_{snake(kind.__name__)}")(buffer, at, at + len(body))
    assert list(fields) == [getattr(message, name) for name in head_of(kind)]


@pytest.mark.parametrize("kind", UNPACKED, ids=lambda kind: kind.__name__)
def test_the_device_takes_no_other_length(kind: type[Message], codec: Any) -> None:
    right = head_bytes(kind)
    for length in range(40):
        unpack = getattr(codec, f"unpack_{snake(kind.__name__)}")
        if length == right:
            assert len(unpack(bytes(60), 4, 4 + length)) == len(kind.FIELDS)
        else:
            with pytest.raises(ValueError, match=kind.__name__):
                unpack(bytes(60), 4, 4 + length)


@pytest.mark.parametrize("kind", [each for each in LIVE if each.HOT], ids=lambda kind: kind.__name__)
def test_what_grows_beyond_its_bits_wraps_on_the_device(kind: type[Message], codec: Any) -> None:
    form = "<" + "".join(field.format for field in kind.FIELDS if not field.is_tail)
    narrow = [field.wire.bits or 0 for field in kind.FIELDS if not field.is_tail]
    buffer = bytearray(60)
    getattr(codec, f"pack_{snake(kind.__name__)}")(buffer, 0, *((1 << bits) + 5 for bits in narrow))
    assert list(struct.unpack_from(form, buffer)) == [5 if bits else 6 for bits in narrow]
