from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from vigie.micropython import MicroPython, MicroPythonMissing, find
from vigie_protocol.definition import Field, Message

# For the modules that several tests share.
sys.path.insert(0, str(Path(__file__).parent))
_RANGES = {
    "u8": (0, 255),
    "u16": (0, 0xFFFF),
    "u32": (0, 0xFFFFFFFF),
    "i8": (-128, 127),
    "i16": (-0x8000, 0x7FFF),
    "i32": (-0x80000000, 0x7FFFFFFF),
}


def _values(field: Field) -> st.SearchStrategy[Any]:
    if field.code == "u24be[]":
        return st.lists(st.integers(0, (1 << (field.wire.bits or 24)) - 1), max_size=72).map(tuple)
    if field.code == "i16x3[]":
        axis = st.integers(-0x8000, 0x7FFF)
        return st.lists(st.tuples(axis, axis, axis), max_size=36).map(tuple)
    if field.code.startswith("bytes"):
        length = int(field.code[5:] or 0)
        return st.binary(min_size=length, max_size=length or 40)
    low, high = _RANGES[field.code]
    return st.integers(low, (1 << field.wire.bits) - 1 if field.wire.bits else high)


@pytest.fixture(scope="session")
def messages_of() -> Callable[[type[Message]], st.SearchStrategy[Any]]:
    """Any message of a kind that its definition allows."""

    def strategy(kind: type[Message]) -> st.SearchStrategy[Any]:
        return st.builds(kind, **{field.name: _values(field) for field in kind.FIELDS})

    return strategy


@pytest.fixture(scope="session")
def micropython() -> MicroPython:
    try:
        return find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
