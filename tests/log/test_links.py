"""All records come home once over every link; `make soak` brings a million over each."""

# The log's harness stands in another folder of tests.
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from log_harness import KINDS, Clock
from memory_bracelet import FirmwareParts, MemoryBracelet

import vigie
from vigie.records import Record
from vigie.store import Store
from vigie_protocol.enums import Lane
from vigie_rig import virtual_clock
from vigie_rig.faults import FaultPlan
from vigie_rig.flash import NorFlash
from vigie_rig.line_transport import LineTransport
from vigie_rig.links import LINKS, LinkProfile
from vigie_rig.serial_line import SerialLine

AGAIN_S = 60.0
_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def parts(on_cpython: Callable[[str], Any]) -> FirmwareParts:
    return FirmwareParts(on_cpython)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is one: a million records are some thousand commits."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as path:
        yield Path(path)


def body(lane: Lane, number: int) -> bytes:
    """What tells its lane and number."""
    told = bytes((lane,)) + number.to_bytes(4, "little") + b"ok"
    return told + bytes(random.Random(number).randbytes(150)) if lane is Lane.RAW else told


def filled(parts: FirmwareParts, count: int, *, seed: int = 1) -> tuple[NorFlash, list[int]]:
    """A flash that has just so many records, and the number of each lane's next one."""
    dice = random.Random(seed)
    sectors = count * 17 // 4000 + count // 40 * 200 // 4000 + 40
    chip, clock = NorFlash(4096 * sectors), Clock()
    log = parts.mount(chip, clock, 9)
    for at in range(count):
        clock.us += 60_000_000
        lane = (
            Lane.RAW if at % 50 == 7 else dice.choices([Lane.MINUTE, Lane.TREND, Lane.EVENT], [60, 4, 1])[0]
        )
        log.append(lane, KINDS[lane], body(lane, log.next[lane]))
    assert log.dropped == 0
    return chip, list(log.next)


@dataclasses.dataclass
class Coming:
    """How the records came home."""

    came: dict[Lane, bytearray]
    """How often each number was yielded."""
    visits: int = 0
    cut: int = 0
    virtual_s: float = 0.0


def bring_home(
    parts: FirmwareParts, chip: NorFlash, link: LinkProfile, store: Path, most: int, *, seed: int = 1
) -> Coming:
    """Sync over a link, again and again until one ends by itself."""
    coming = Coming({lane: bytearray(most) for lane in Lane})

    async def run() -> None:
        loop = asyncio.get_running_loop()
        line = SerialLine(FaultPlan(), profile=link, seed=seed)
        board = MemoryBracelet(parts, chip, line, lambda: round(loop.time() * 1e6), boot_id=10)
        board.start()
        line.begin()
        with Store(store) as kept:
            while True:
                coming.visits += 1
                try:
                    async with (
                        vigie.connect(LineTransport(line)) as bracelet,
                        bracelet.sync(kept, utc_s=lambda: 1.8e9 + loop.time()) as sync,
                    ):
                        async for record in sync:
                            coming.came[record.lane][record.number] += 1
                    break
                except vigie.LinkError:
                    coming.cut += 1
                    await asyncio.sleep(AGAIN_S)
                assert board.fault is None
        coming.virtual_s = loop.time()
        await board.stop()
        line.close()

    virtual_clock.run(run())
    return coming


def all_home_once(
    parts: FirmwareParts, chip: NorFlash, numbers: list[int], link: str, folder: Path
) -> Coming:
    coming = bring_home(parts, chip, LINKS[link], folder / "store", sum(numbers) + 100)
    with Store(folder / "store", read_only=True) as store:
        (log,) = store.logs()
        assert store.conflicts(log) == []
        for lane in Lane:
            past = numbers[lane]
            has = store.lane(log, lane)
            assert has.absent == ()
            assert list(has.here) == [(0, has.here.past)], "some are lost"
            assert has.here.past >= past
            assert set(coming.came[lane][:past]) == {1}, "some came twice, or not at all"
            expected = 0
            for record in store.records(log, lane, 0, past):
                assert (record.number, record.body) == (expected, body(lane, expected))
                expected += 1
            assert expected == past
    return coming


@pytest.mark.parametrize("link", LINKS)
def test_all_records_come_home_once(parts: FirmwareParts, folder: Path, link: str) -> None:
    chip, numbers = filled(parts, 2500)
    all_home_once(parts, chip, numbers, link, folder)


@pytest.fixture(scope="module")
def million(parts: FirmwareParts) -> tuple[NorFlash, list[int]]:
    return filled(parts, 1_000_000)


@pytest.mark.soak
@pytest.mark.parametrize("link", LINKS)
def test_a_million_records_come_home_once(
    parts: FirmwareParts,
    million: tuple[NorFlash, list[int]],
    folder: Path,
    link: str,
    record_property: Callable[[str, object], None],
) -> None:
    chip, numbers = million
    coming = all_home_once(parts, chip.copy(), numbers, link, folder)
    record_property("visits", coming.visits)
    record_property("virtual_s", coming.virtual_s)


# What vanishes behind the log's back


def places(parts: FirmwareParts, chip: NorFlash) -> dict[tuple[Lane, int], tuple[int, int]]:
    """Where each record stands in the flash: address and length."""
    log = parts.mount(chip, Clock(), 9)
    found: dict[tuple[Lane, int], tuple[int, int]] = {}
    for lane in Lane:
        number = 0
        while log.seek(lane, number):
            walk = log.walk
            found[lane, walk.number] = (walk.sector * 4096 + walk.at, walk.end + 4 - walk.at)
            number = walk.number + 1
    return found


def injected(chip: NorFlash, at: dict[tuple[Lane, int], tuple[int, int]], seed: int) -> set[tuple[Lane, int]]:
    """Delete records, runs of records and whole sectors; return what is gone.

    Not from a lane's last sector: what nobody has seen and no later header tells of is not missed by its number.
    """
    dice = random.Random(seed)
    by_sector: dict[int, list[tuple[Lane, int]]] = {}
    for key, (address, _) in at.items():
        by_sector.setdefault(address // 4096, []).append(key)
    last = {max(keys for keys in by_sector.values() if keys[0][0] is lane)[0] for lane in Lane}
    open_sectors = {sector for sector, keys in by_sector.items() if last & set(keys)}
    gone: set[tuple[Lane, int]] = set()
    for sector in dice.sample(sorted(by_sector.keys() - open_sectors), 9):
        keys = by_sector[sector]
        how = dice.choice(["one", "run", "sector", "header"])
        if how == "sector":
            chip.content[sector * 4096 : sector * 4096 + 4096] = b"\xff" * 4096
        elif how == "header":
            chip.content[sector * 4096 + dice.randrange(80)] ^= 1 << dice.randrange(8)
        else:
            begin = dice.randrange(len(keys))
            keys = keys[begin : begin + (1 if how == "one" else dice.randrange(2, 31))]
            for key in keys:
                address, length = at[key]
                chip.content[address : address + length] = dice.choice((b"\xff", b"\0", b"\x80")) * length
        gone |= set(keys)
    return gone


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(each, marks=pytest.mark.soak) for each in range(3, 40))]
)
def test_what_vanishes_from_the_flash_is_found_and_named(
    parts: FirmwareParts, folder: Path, seed: int
) -> None:
    chip, numbers = filled(parts, 12_000, seed=seed)
    gone = injected(chip, places(parts, chip), seed)
    bring_home(parts, chip, LINKS["perfect"], folder / "store", sum(numbers) + 100)
    with Store(folder / "store", read_only=True) as store:
        (log,) = store.logs()
        named = {
            (lane, number)
            for lane in Lane
            for first, past, _ in store.lane(log, lane).absent
            for number in range(first, past)
        }
        home: dict[tuple[Lane, int], Record] = {
            (lane, record.number): record
            for lane in Lane
            for record in store.records(log, lane, 0, numbers[lane])
        }
    assert named == gone
    assert home.keys() == {(lane, n) for lane in Lane for n in range(numbers[lane])} - gone
    assert all(record.body == body(*key) for key, record in home.items())
