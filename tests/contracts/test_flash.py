"""What the log may expect of a flash, whoever gives it: the model, a virtual board, a port's block device.

On boards every verb runs with the heap locked: none allocates.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

# For the module that describes the implementations.
sys.path.insert(0, str(Path(__file__).parent))

from flash_kinds import FLASH_KINDS, SECTOR_BYTES, SIZE_BYTES, FlashKind, Result, Verb

Play = Callable[[Sequence[Verb]], list[Result]]


@pytest.fixture(params=FLASH_KINDS, ids=lambda kind: kind.name)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    kind: FlashKind = request.param
    return kind.make(tmp_path)


def test_a_new_one_is_erased(play: Play) -> None:
    assert play([("read", 0, SECTOR_BYTES), ("read", SIZE_BYTES - 16, 16)]) == [
        b"\xff" * SECTOR_BYTES,
        b"\xff" * 16,
    ]


def test_what_is_programmed_is_read_and_its_neighbours_are_as_before(play: Play) -> None:
    assert play(
        [
            ("program", 16, b"a slot of the log"),
            ("program", 300, b"\x00"),
            ("read", 14, 21),
            ("read", 298, 5),
        ]
    ) == [None, None, b"\xff\xffa slot of the log\xff\xff", b"\xff\xff\x00\xff\xff"]


@pytest.mark.parametrize("at", [250, SECTOR_BYTES - 6], ids=["pages", "sectors"])
def test_a_program_crosses_boundaries(play: Play, at: int) -> None:
    data = bytes(range(1, 251)) + bytes(range(1, 101))
    assert play([("program", at, data), ("read", at - 2, len(data) + 4)]) == [
        None,
        b"\xff\xff" + data + b"\xff\xff",
    ]


def test_a_program_clears_bits_and_sets_none(play: Play) -> None:
    assert play([("program", 5, b"\x0f\x3c"), ("program", 4, b"\xf0\xf1\xff"), ("read", 4, 3)]) == [
        None,
        None,
        b"\xf0\x01\x3c",
    ]


def test_an_erase_sets_its_sector_and_no_other(play: Play) -> None:
    both = bytes(2 * SECTOR_BYTES)
    assert play(
        [("program", SECTOR_BYTES // 2, both), ("erase", SECTOR_BYTES, None), ("read", 0, 3 * SECTOR_BYTES)]
    )[2] == (
        b"\xff" * (SECTOR_BYTES // 2)
        + bytes(SECTOR_BYTES // 2)
        + b"\xff" * SECTOR_BYTES
        + bytes(SECTOR_BYTES // 2)
        + b"\xff" * (SECTOR_BYTES // 2)
    )


@pytest.mark.parametrize(
    "verb",
    [
        ("read", SIZE_BYTES - 3, 4),
        ("program", SIZE_BYTES - 3, b"four"),
        ("erase", SIZE_BYTES, None),
        ("erase", 256, None),
    ],
    ids=["read beyond", "program beyond", "erase beyond", "erase between sectors"],
)
def test_what_cannot_be_is_refused_and_changes_nothing(play: Play, verb: Verb) -> None:
    before: list[Verb] = [("program", 0, b"kept"), ("program", SIZE_BYTES - 4, b"end!")]
    after: list[Verb] = [("read", 0, SECTOR_BYTES), ("read", SIZE_BYTES - 4, 4)]
    assert play([*before, verb, *after])[2:] == ["refused", b"kept".ljust(SECTOR_BYTES, b"\xff"), b"end!"]


def test_it_keeps_what_it_holds_over_a_restart(play: Play) -> None:
    assert play([("program", 1000, b"kept")]) == [None]
    assert play([("read", 1000, 4)]) == [b"kept"]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_row_of_verbs_gives_what_the_rules_say(play: Play, seed: int) -> None:
    dice = random.Random(seed)
    content, verbs, expected = bytearray(b"\xff") * SIZE_BYTES, list[Verb](), list[Result]()
    for _ in range(60):
        at, count = dice.randrange(SIZE_BYTES - 700), dice.choice((1, 16, 100, 256, 700))
        chosen = dice.randrange(5)
        if chosen == 0:
            at -= at % SECTOR_BYTES
            verbs.append(("erase", at, None))
            content[at : at + SECTOR_BYTES] = b"\xff" * SECTOR_BYTES
            expected.append(None)
        elif chosen < 3:
            data = dice.randbytes(count)
            verbs.append(("program", at, data))
            for index, byte in enumerate(data, at):
                content[index] &= byte
            expected.append(None)
        else:
            verbs.append(("read", at, count))
            expected.append(bytes(content[at : at + count]))
    assert play(verbs) == expected
