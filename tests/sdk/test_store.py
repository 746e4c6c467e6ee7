"""A store keeps what it said it has, tells what it cannot do by type, and never overwrites."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_bracelet import quick_folder
from hypothesis import given, settings
from hypothesis import strategies as st

import vigie
from vigie import store as store_module
from vigie.receiver import StandInReceiver
from vigie.records import Record
from vigie.store import Absence, Session, Store
from vigie_protocol.enums import Lane

DEVICE = b"device\0\0"


def record(number: int, *, body: bytes = b"1234567", boot_id: int = 3) -> Record:
    return Record(Lane.MINUTE, number, boot_id, 60_000_000 * number, 0x80, body)


def session(store: Store, *, device_id: bytes = DEVICE, log_id: int = 5) -> Session:
    return store.open_session(
        store.log(device_id, log_id), address="fake:", firmware="1.2.3", boot_id=3, utc_us=10**15
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, gateway="attic") as opened:
        yield opened


def test_what_is_committed_is_there_for_another_process(store: Store, path: Path) -> None:
    met = session(store)
    assert store.commit(met, Lane.MINUTE, [record(0), record(1)], utc_us=77) == [record(0), record(1)]
    with Store(path, read_only=True) as other:
        assert list(other.records(other.logs()[0], Lane.MINUTE)) == [record(0), record(1)]
        ((_, gateway, address, firmware, committed_us),) = other.batches()
        assert (gateway, address, firmware, committed_us) == ("attic", "fake:", "1.2.3", 77)


def test_bringing_it_again_changes_nothing(store: Store) -> None:
    met = session(store)
    store.commit(met, Lane.MINUTE, [record(0), record(1)], utc_us=1)
    assert store.commit(session(store), Lane.MINUTE, [record(1), record(2), record(2)], utc_us=2) == [
        record(2)
    ]
    assert [row[5] for row in store.rows(met.log, Lane.MINUTE)] == [1, 1, 2]


def test_another_content_under_a_number_is_kept_beside_and_told(store: Store) -> None:
    met = session(store)
    store.commit(met, Lane.MINUTE, [record(4)], utc_us=1)
    other = record(4, body=b"another")
    for _ in range(2):
        with pytest.raises(vigie.RecordConflict) as caught:
            store.commit(met, Lane.MINUTE, [record(3), other, record(5)], utc_us=1)
        assert caught.value.numbers == (4,)
    assert list(store.records(met.log, Lane.MINUTE)) == [record(3), record(4), record(5)]
    assert store.conflicts(met.log) == [other]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("records"), st.lists(st.integers(0, 40), max_size=8), st.just(Absence.GONE)),
            st.tuples(
                st.just("absent"),
                st.lists(st.integers(0, 40), min_size=2, max_size=2),
                st.sampled_from(Absence),
            ),
        ),
        max_size=10,
    )
)
def test_held_is_what_is_here_or_will_not_come_without_a_hole(
    steps: list[tuple[str, list[int], Absence]],
) -> None:
    here: set[int] = set()
    absent: dict[int, Absence] = {}
    with quick_folder() as folder, Store(Path(folder) / "store") as store:
        met = session(store)
        for what, numbers, why in steps:
            if what == "records":
                store.commit(met, Lane.MINUTE, [record(each) for each in numbers], utc_us=1)
                here |= set(numbers)
                for each in numbers:
                    absent.pop(each, None)
            else:
                first, past = sorted(numbers)
                store.commit(met, Lane.MINUTE, (), [(first, past, why)], utc_us=1)
                absent |= {
                    each: why for each in range(first, past) if each not in here and each not in absent
                }
            has = store.lane(met.log, Lane.MINUTE)
            assert {each for first, past in has.here for each in range(first, past)} == here
            assert {each: why for first, past, why in has.absent for each in range(first, past)} == absent
            assert has.held == next(each for each in range(99) if each not in here and each not in absent)


def test_cursors_only_grow(store: Store) -> None:
    log = store.log(DEVICE, 5)
    store.note_lanes(log, [(Lane.MINUTE, 10, 4)])
    store.confirm(store_module.Receipt(DEVICE, 5, Lane.MINUTE, 7))
    store.note_lanes(log, [(Lane.MINUTE, 9, 3)])
    has = store.lane(log, Lane.MINUTE)
    assert (has.next, has.delivered) == (10, 7)


def test_one_file_is_left_when_it_is_closed(path: Path) -> None:
    with Store(path) as store:
        store.commit(session(store), Lane.MINUTE, [record(0)], utc_us=1)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# What goes wrong


def test_a_full_disk_commits_nothing_and_says_so(store: Store) -> None:
    met = session(store)
    store.commit(met, Lane.MINUTE, [record(0)], utc_us=1)
    # SQLite's own limit gives the same error as the disk.
    store._sql.execute("PRAGMA max_page_count = 1")  # pyright: ignore[reportPrivateUsage]
    many = [record(each, body=bytes(200)) for each in range(1, 2000)]
    with pytest.raises(vigie.StoreFull):
        store.commit(met, Lane.MINUTE, many, utc_us=1)
    assert list(store.records(met.log, Lane.MINUTE)) == [record(0)]
    store._sql.execute("PRAGMA max_page_count = 1000000")  # pyright: ignore[reportPrivateUsage]
    assert len(store.commit(met, Lane.MINUTE, many, utc_us=1)) == 1999


@pytest.mark.parametrize(
    "content", [b"not a database, but something else " * 100, b"SQLite format 3\0" + bytes(4000)]
)
def test_a_file_that_is_no_store_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(vigie.StoreDamaged):
        Store(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(vigie.StoreDamaged, match="another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_broken_file_is_told_when_it_is_used(path: Path) -> None:
    with Store(path) as store:
        store.commit(
            session(store), Lane.MINUTE, [record(each, body=bytes(200)) for each in range(500)], utc_us=1
        )
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(vigie.StoreDamaged), Store(path) as store:
        store.lane(store.log(DEVICE, 5), Lane.MINUTE)


def test_what_cannot_be_opened_or_written_says_so(path: Path) -> None:
    with pytest.raises(vigie.StoreNotWritable):
        Store(path / "no such folder" / "store")
    with pytest.raises(vigie.StoreNotWritable, match="no such file"):
        Store(path, read_only=True)
    Store(path).close()
    with Store(path, read_only=True) as store, pytest.raises(vigie.StoreNotWritable):
        store.log(DEVICE, 5)


def test_a_store_of_a_newer_vigie_is_left_as_it_is(path: Path) -> None:
    with Store(path) as store:
        store._sql.execute("PRAGMA user_version = 99")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(vigie.StoreVersion, match="newer vigie") as caught:
        Store(path)
    assert (caught.value.theirs, caught.value.ours) == (99, store_module.VERSION)


def test_an_older_store_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(path) as store:
        store.commit(session(store), Lane.MINUTE, [record(0)], utc_us=1)
    later = (*store_module._MIGRATIONS, "CREATE TABLE note (text TEXT)")  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(store_module, "_MIGRATIONS", later)
    monkeypatch.setattr(store_module, "VERSION", store_module.VERSION + 1)
    with pytest.raises(vigie.StoreVersion, match="open it once for writing"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert list(store.records(store.logs()[0], Lane.MINUTE)) == [record(0)]
        assert store._sql.execute("SELECT count(*) FROM note").fetchone() == (0,)  # pyright: ignore[reportPrivateUsage]
        assert store._pragma("user_version") == store_module.VERSION  # pyright: ignore[reportPrivateUsage]


def test_another_process_that_writes_and_does_not_end_is_told(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = store.log(DEVICE, 5)
    monkeypatch.setattr(store_module, "_BUSY_TIMEOUT_S", 0.05)
    with Store(path) as other, store._transaction(), pytest.raises(vigie.StoreBusy):  # pyright: ignore[reportPrivateUsage]
        other.note_lanes(log, [(Lane.MINUTE, 10, 0)])


WRITER = """
import sys
from pathlib import Path
from vigie.records import Record
from vigie.store import Store
from vigie_protocol.enums import Lane
begin = int(sys.argv[2])
with Store(Path(sys.argv[1])) as store:
    log = store.log(b"device", 5)
    met = store.open_session(log, address="", firmware="", boot_id=3, utc_us=1)
    for number in range(begin, begin + 40):
        store.commit(met, Lane.MINUTE, [Record(Lane.MINUTE, number, 3, number, 0x80, b"body")], utc_us=1)
"""


def test_several_processes_may_write_at_once(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(begin)]) for begin in (0, 20, 40)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Store(path, read_only=True) as store:
        assert store.lane(store.logs()[0], Lane.MINUTE).held == 80


def test_a_store_with_several_bracelets_asks_which(store: Store) -> None:
    with pytest.raises(vigie.UnknownDevice, match="none"):
        store.logs()
    for device_id in (b"one\0\0\0\0\0", b"two\0\0\0\0\0"):
        session(store, device_id=device_id)
    with pytest.raises(vigie.UnknownDevice, match="which bracelet") as caught:
        store.logs()
    assert caught.value.known == [b"one\0\0\0\0\0", b"two\0\0\0\0\0"]
    assert store.logs(b"two\0\0\0\0\0")[0].device_id == b"two\0\0\0\0\0"
    with pytest.raises(LookupError):
        store.logs(b"three\0\0\0")


# The receiver


def test_a_receiver_confirms_what_it_has_without_a_hole(tmp_path: Path, store: Store) -> None:
    met = session(store)
    store.commit(met, Lane.MINUTE, [record(0), record(1), record(3)], utc_us=1)
    with StandInReceiver(tmp_path / "receiver", utc_s=time.time) as receiver:
        delivered = {each.lane: each.delivered for each in receiver.take(store)}
        assert delivered[Lane.MINUTE] == 2
        # Another gateway brings the rest, and some of the same.
        with Store(tmp_path / "other") as other:
            other.commit(session(other), Lane.MINUTE, [record(1), record(2)], utc_us=1)
            delivered = {each.lane: each.delivered for each in receiver.take(other)}
        assert delivered[Lane.MINUTE] == 4
        assert list(receiver.store.records(receiver.store.logs()[0], Lane.MINUTE)) == [
            record(each) for each in range(4)
        ]


def test_a_receiver_that_is_brought_two_records_under_one_number_confirms_nothing(
    tmp_path: Path, store: Store
) -> None:
    store.commit(session(store), Lane.MINUTE, [record(0)], utc_us=1)
    with StandInReceiver(tmp_path / "receiver") as receiver, Store(tmp_path / "other") as other:
        assert {each.lane: each.delivered for each in receiver.take(store)}[Lane.MINUTE] == 1
        other.commit(session(other), Lane.MINUTE, [record(0, body=b"another"), record(1)], utc_us=1)
        with pytest.raises(vigie.RecordConflict):
            receiver.take(other)
