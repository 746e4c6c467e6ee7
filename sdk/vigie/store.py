"""The host's store: every record that a gateway brought home, in one SQLite file.

What :meth:`Store.commit` returned for is on the disk. A record is known by its device, log, lane and number, so that
bringing it home again changes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import socket
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie.errors import (
    RecordConflict,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreVersion,
    UnknownDevice,
)
from vigie.ranges import Ranges
from vigie.records import Record
from vigie_protocol.enums import Lane, Stream

if TYPE_CHECKING:
    from vigie.completeness import Completeness
    from vigie.raw_samples import RawWindow

VERSION: Final = 1
"""Version of the file's layout."""
_APPLICATION: Final = 0x56494749
_BUSY_TIMEOUT_S: Final = 10.0
_MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE log (
        id INTEGER PRIMARY KEY, device_id BLOB NOT NULL, log_id INTEGER NOT NULL, UNIQUE (device_id, log_id)
    );
    CREATE TABLE session (
        id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES log, gateway TEXT NOT NULL, address TEXT NOT NULL,
        firmware TEXT NOT NULL, boot INTEGER NOT NULL, began_us INTEGER NOT NULL
    );
    CREATE TABLE batch (
        id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session, committed_us INTEGER NOT NULL
    );
    CREATE TABLE record (
        log INTEGER NOT NULL, lane INTEGER NOT NULL, number INTEGER NOT NULL, boot INTEGER NOT NULL,
        ticks_us INTEGER NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL, batch INTEGER NOT NULL,
        PRIMARY KEY (log, lane, number)
    ) WITHOUT ROWID;
    CREATE TABLE conflict (
        log INTEGER NOT NULL, lane INTEGER NOT NULL, number INTEGER NOT NULL, boot INTEGER NOT NULL,
        ticks_us INTEGER NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL, batch INTEGER NOT NULL,
        UNIQUE (log, lane, number, boot, ticks_us, kind, body)
    );
    CREATE TABLE span (
        log INTEGER NOT NULL, lane INTEGER NOT NULL, absence INTEGER NOT NULL,
        first INTEGER NOT NULL, past INTEGER NOT NULL, PRIMARY KEY (log, lane, absence, first)
    ) WITHOUT ROWID;
    CREATE TABLE cursor (
        log INTEGER NOT NULL, lane INTEGER NOT NULL, delivered INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (log, lane)
    ) WITHOUT ROWID;
    CREATE TABLE anchor (
        log INTEGER NOT NULL, boot INTEGER NOT NULL, ticks_us INTEGER NOT NULL, utc_us INTEGER NOT NULL,
        uncertainty_us INTEGER NOT NULL, told INTEGER NOT NULL, session INTEGER NOT NULL,
        PRIMARY KEY (log, boot, ticks_us, utc_us)
    ) WITHOUT ROWID;
    """,
)


class Absence(enum.IntEnum):
    """Why a number is not, and will not be, in a store."""

    DELIVERED = 1
    """The receiver has it, by another gateway."""
    HELD = 2
    """Another gateway held it, and it is not in the log any more."""
    GONE = 3
    """It is not in the log, and no gateway is known to have had it; a ``DroppedRecord`` may say why."""


_HERE: Final = 0
"""Stands in the table of spans where the records themselves are."""


@dataclasses.dataclass(frozen=True, slots=True)
class LogKey:
    """One log of one device, as this store knows it."""

    row: int
    device_id: bytes
    log_id: int


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """One time that a gateway met a device."""

    row: int
    log: LogKey


@dataclasses.dataclass(frozen=True, slots=True)
class Anchor:
    """What UTC it was at some ticks of a boot; ``told`` if the device keeps it as a record too."""

    boot_id: int
    ticks_us: int
    utc_us: int
    uncertainty_us: int
    told: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """A receiver's word that it has all records of a lane below ``delivered``."""

    device_id: bytes
    log_id: int
    lane: Lane
    delivered: int


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What a store has of a lane."""

    here: Ranges
    """Numbers of the records that are here."""
    absent: tuple[tuple[int, int, Absence], ...]
    """Ranges (first, past, why) known not to come, ascending."""
    held: int
    """All numbers below are here or known not to come."""
    delivered: int
    """All numbers below are confirmed by the receiver."""
    next: int
    """Number that the lane's next record had when a gateway last asked."""


class Store:
    """One file with all that one gateway, or one user, brought home; of any number of bracelets.

    Several processes may have it open. Use it with ``with``, or :meth:`close` it; from one thread.

    Parameters
    ----------
    path
        The file; it is made where there is none.
    gateway
        Name of this host, kept with what it brings; the host's network name if left out.
    read_only
        Change nothing: for analysis and export.

    Raises
    ------
    StoreNotWritable
        The file cannot be opened, made or written.
    StoreDamaged
        The file is no store, or broken.
    StoreVersion
        A newer vigie made it.
    StoreBusy
        Another process is writing, and does not end.
    """

    def __init__(self, path: str | Path, *, gateway: str | None = None, read_only: bool = False) -> None:
        self.path = Path(path)
        self.gateway = gateway or socket.gethostname()
        self._read_only = read_only
        with self._typed():
            if read_only and not self.path.exists():
                raise StoreNotWritable(self.path, "there is no such file")
            self._sql = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
            )
            try:
                self._prepare()
            except BaseException:
                self._sql.close()
                raise

    def _prepare(self) -> None:
        application, version = self._pragma("application_id"), self._pragma("user_version")
        empty = not self._sql.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != _APPLICATION and not (application == 0 and empty):
            raise StoreDamaged(self.path, "it is a database of another program")
        if version > VERSION:
            raise StoreVersion(self.path, version, VERSION)
        if self._read_only:
            if version < VERSION:
                raise StoreVersion(self.path, version, VERSION)
            return
        self._sql.execute("PRAGMA journal_mode = WAL")
        # A commit returns when the disk has it: a gateway may lose its power right after.
        self._sql.execute("PRAGMA synchronous = FULL")
        if version < VERSION:
            with self._transaction():
                # Another process may have done it meanwhile.
                for script in _MIGRATIONS[self._pragma("user_version") :]:
                    for statement in script.split(";"):
                        self._sql.execute(statement)
                self._sql.execute(f"PRAGMA user_version = {VERSION}")
                self._sql.execute(f"PRAGMA application_id = {_APPLICATION}")

    def _pragma(self, name: str) -> int:
        return int(self._sql.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._sql.close()

    def __enter__(self) -> Store:
        """Use it until the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    # What a gateway does

    def log(self, device_id: bytes, log_id: int) -> LogKey:
        """The log of a device; a log that the store does not know begins empty."""
        key = (device_id, log_id)
        query = "SELECT id FROM log WHERE device_id = ? AND log_id = ?"
        with self._typed():
            found = self._sql.execute(query, key).fetchone()
            if found is None:
                with self._transaction():
                    self._sql.execute(
                        "INSERT INTO log (device_id, log_id) VALUES (?, ?) ON CONFLICT DO NOTHING", key
                    )
                    found = self._sql.execute(query, key).fetchone()
        return LogKey(found[0], device_id, log_id)

    def open_session(
        self,
        log: LogKey,
        *,
        address: str,
        firmware: str,
        boot_id: int,
        utc_us: int,
        anchors: Iterable[Anchor] = (),
    ) -> Session:
        """Note that the gateway meets the device, and what UTC it is there; what is committed then tells of it."""
        with self._typed(), self._transaction():
            row = self._sql.execute(
                "INSERT INTO session (log, gateway, address, firmware, boot, began_us) VALUES (?, ?, ?, ?, ?, ?)",
                (log.row, self.gateway, address, firmware, boot_id, utc_us),
            ).lastrowid
            assert row is not None
            session = Session(row, log)
            for anchor in anchors:
                self._add_anchor(session, anchor)
        return session

    def commit(
        self,
        session: Session,
        lane: Lane,
        records: Sequence[Record],
        absent: Iterable[tuple[int, int, Absence]] = (),
        *,
        utc_us: int,
    ) -> list[Record]:
        """Take records of a lane, and ranges of numbers that will not come; on return the disk has them.

        Returns
        -------
        list
            The records that were new to the store.

        Raises
        ------
        RecordConflict
            Some have the number of another record here. Both are kept, the first one stays the record, and the rest
            of the call is committed.
        StoreError
            Nothing of it was committed.
        """
        row = session.log.row
        with self._typed(), self._transaction():
            batch = self._sql.execute(
                "INSERT INTO batch (session, committed_us) VALUES (?, ?)", (session.row, utc_us)
            ).lastrowid
            here: dict[int, tuple[Any, ...]] = {}
            if records:
                low, high = min(each.number for each in records), max(each.number for each in records)
                found = self._sql.execute(
                    "SELECT number, boot, ticks_us, kind, body FROM record "
                    "WHERE log = ? AND lane = ? AND number BETWEEN ? AND ?",
                    (row, lane, low, high),
                )
                here = {each[0]: each for each in found}
            fresh: dict[int, Record] = {}
            conflicts: list[Record] = []
            for record in records:
                content = (record.number, record.boot_id, record.ticks_us, record.kind, record.body)
                if here.setdefault(record.number, content) != content:
                    conflicts.append(record)
                elif content is here[record.number]:
                    fresh[record.number] = record
            for table, rows in (("record", fresh.values()), ("conflict", conflicts)):
                self._sql.executemany(
                    f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                    + (" ON CONFLICT DO NOTHING" if table == "conflict" else ""),
                    [(row, lane, r.number, r.boot_id, r.ticks_us, r.kind, r.body, batch) for r in rows],
                )
            self._extend(row, lane, Ranges.of(sorted(fresh)), absent)
        if conflicts:
            raise RecordConflict(lane, tuple(each.number for each in conflicts), tuple(fresh.values()))
        return list(fresh.values())

    def _extend(
        self, row: int, lane: Lane, fresh: Ranges, absent: Iterable[tuple[int, int, Absence]]
    ) -> None:
        """Add to the spans: what is here is not absent, and what is absent has one reason, the first."""
        before = self._spans(row, lane)
        spans: dict[int, Ranges] = {absence: Ranges(ranges) for absence, ranges in before.items()}
        here = spans.setdefault(_HERE, Ranges())
        for first, past in fresh:
            here.add(first, past)
        known = Ranges(here)
        for absence in Absence:
            held = Ranges()
            for first, past in spans.get(absence, ()):
                for piece in known.outside(first, past):
                    held.add(*piece)
            for first, past in held:
                known.add(first, past)
            spans[absence] = held
        for first, past, absence in absent:
            for piece in known.outside(first, past):
                spans[absence].add(*piece)
            known.add(first, past)
        for kind, ranges in spans.items():
            wanted = set(ranges)
            there = before.get(kind, set())
            self._sql.executemany(
                "DELETE FROM span WHERE log = ? AND lane = ? AND absence = ? AND first = ?",
                [(row, lane, kind, first) for first, _ in there - wanted],
            )
            self._sql.executemany(
                "INSERT INTO span (log, lane, absence, first, past) VALUES (?, ?, ?, ?, ?)",
                [(row, lane, kind, first, past) for first, past in wanted - there],
            )

    def _spans(self, row: int, lane: Lane) -> dict[int, set[tuple[int, int]]]:
        spans: dict[int, set[tuple[int, int]]] = {}
        for absence, first, past in self._sql.execute(
            "SELECT absence, first, past FROM span WHERE log = ? AND lane = ?", (row, lane)
        ):
            spans.setdefault(absence, set()).add((first, past))
        return spans

    def note_lanes(self, log: LogKey, lanes: Iterable[tuple[Lane, int, int]]) -> None:
        """Note how far lanes of the device go (lane, next, delivered); neither number ever goes back here."""
        with self._typed():
            before = {
                lane: (following, delivered)
                for lane, following, delivered in self._sql.execute(
                    "SELECT lane, next, delivered FROM cursor WHERE log = ?", (log.row,)
                )
            }
            changed = [
                (log.row, lane, delivered, following)
                for lane, following, delivered in lanes
                if lane not in before or following > before[lane][0] or delivered > before[lane][1]
            ]
            if changed:
                with self._transaction():
                    self._sql.executemany(
                        "INSERT INTO cursor (log, lane, delivered, next) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                        "SET delivered = max(delivered, excluded.delivered), next = max(next, excluded.next)",
                        changed,
                    )

    def confirm(self, receipt: Receipt) -> None:
        """Note a receipt; the next sync tells the device, which may then forget those records first."""
        log = self.log(receipt.device_id, receipt.log_id)
        self.note_lanes(log, [(receipt.lane, receipt.delivered, receipt.delivered)])

    def add_anchor(self, session: Session, anchor: Anchor) -> None:
        """Keep what UTC it was at some ticks."""
        with self._typed(), self._transaction():
            self._add_anchor(session, anchor)

    def _add_anchor(self, session: Session, anchor: Anchor) -> None:
        self._sql.execute(
            "INSERT INTO anchor VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET told = max(told, excluded.told)",
            (
                session.log.row,
                anchor.boot_id,
                anchor.ticks_us,
                anchor.utc_us,
                anchor.uncertainty_us,
                anchor.told,
                session.row,
            ),
        )

    # What is here

    def lane(self, log: LogKey, lane: Lane) -> Held:
        """What the store has of a lane."""
        with self._typed(), self._snapshot():
            spans = self._spans(log.row, lane)
            delivered, following = self._sql.execute(
                "SELECT delivered, next FROM cursor WHERE log = ? AND lane = ?", (log.row, lane)
            ).fetchone() or (0, 0)
        here = Ranges(sorted(spans.get(_HERE, ())))
        known = Ranges(each for ranges in spans.values() for each in ranges)
        absent = tuple(
            sorted((first, past, absence) for absence in Absence for first, past in spans.get(absence, ()))
        )
        return Held(here, absent, known.prefix(), delivered, following)

    def devices(self) -> list[bytes]:
        """Ids of the bracelets that the store knows."""
        with self._typed():
            found = self._sql.execute("SELECT DISTINCT device_id FROM log ORDER BY device_id")
            return [device_id for (device_id,) in found]

    def logs(self, device_id: bytes | None = None) -> list[LogKey]:
        """The logs of a device, oldest first.

        Parameters
        ----------
        device_id
            The device; may be left out where the store knows one.

        Raises
        ------
        UnknownDevice
            The store has nothing of it, or of several and none was named.
        """
        with self._typed():
            rows = [
                LogKey(*each)
                for each in self._sql.execute("SELECT id, device_id, log_id FROM log ORDER BY id")
            ]
        devices = self.devices()
        if device_id is None and len(devices) == 1:
            device_id = devices[0]
        if device_id not in devices:
            raise UnknownDevice(self.path, device_id, devices)
        return [each for each in rows if each.device_id == device_id]

    def rows(self, log: LogKey, lane: Lane, kinds: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        """Rows (number, boot_id, ticks_us, kind, body, batch) of a lane in the order of their numbers."""
        where = f" AND kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        with self._typed():
            return self._sql.execute(
                f"SELECT number, boot, ticks_us, kind, body, batch FROM record WHERE log = ? AND lane = ?{where} "
                "ORDER BY number",
                (log.row, lane, *kinds),
            ).fetchall()

    def boots(self, log: LogKey, lane: Lane) -> list[tuple[int, int, int]]:
        """Boots (boot_id, first and last ticks in µs) of a lane's records, in the order of their numbers."""
        with self._typed():
            return self._sql.execute(
                "SELECT boot, min(ticks_us), max(ticks_us) FROM record WHERE log = ? AND lane = ? "
                "GROUP BY boot ORDER BY min(number)",
                (log.row, lane),
            ).fetchall()

    def records(self, log: LogKey, lane: Lane, first: int = 0, past: int = 1 << 32) -> Iterator[Record]:
        """Records of a lane in the order of their numbers."""
        with self._typed():
            for number, boot, ticks_us, kind, body in self._sql.execute(
                "SELECT number, boot, ticks_us, kind, body FROM record "
                "WHERE log = ? AND lane = ? AND number >= ? AND number < ? ORDER BY number",
                (log.row, lane, first, past),
            ):
                yield Record(lane, number, boot, ticks_us, kind, body)

    def conflicts(self, log: LogKey) -> list[Record]:
        """Records that came with the number of another one."""
        with self._typed():
            return [
                Record(Lane(lane), *rest)
                for lane, *rest in self._sql.execute(
                    "SELECT lane, number, boot, ticks_us, kind, body FROM conflict WHERE log = ? ORDER BY rowid",
                    (log.row,),
                )
            ]

    def anchors(self, log: LogKey) -> list[Anchor]:
        """What gateways with this store found; those of other gateways are records of the lane EVENT."""
        with self._typed():
            return [
                Anchor(boot, ticks_us, utc_us, uncertainty_us, bool(told))
                for boot, ticks_us, utc_us, uncertainty_us, told in self._sql.execute(
                    "SELECT boot, ticks_us, utc_us, uncertainty_us, told FROM anchor WHERE log = ? ORDER BY utc_us",
                    (log.row,),
                )
            ]

    def batches(self) -> list[tuple[int, str, str, str, int]]:
        """Where records came from: batch, gateway, address, firmware, when it was committed (µs UTC)."""
        with self._typed():
            return self._sql.execute(
                "SELECT batch.id, gateway, address, firmware, committed_us FROM batch "
                "JOIN session ON session.id = batch.session ORDER BY batch.id"
            ).fetchall()

    def minutes(self, device_id: bytes | None = None) -> NDArray[np.void]:
        """The minutes of life: see :func:`vigie.tables.minutes`."""
        from vigie import tables

        return tables.minutes(self, device_id)

    def quarters(self, device_id: bytes | None = None) -> NDArray[np.void]:
        """The quarter-hours: see :func:`vigie.tables.quarters`."""
        from vigie import tables

        return tables.quarters(self, device_id)

    def events(self, device_id: bytes | None = None, *, codes: Sequence[int] = ()) -> NDArray[np.void]:
        """What happened: see :func:`vigie.tables.events`."""
        from vigie import tables

        return tables.events(self, device_id, codes=codes)

    def gaps(self, device_id: bytes | None = None) -> NDArray[np.void]:
        """All times without data, and why: see :func:`vigie.completeness.gaps`."""
        from vigie import completeness

        return completeness.gaps(self, device_id)

    def completeness(self, day: datetime.date | str, device_id: bytes | None = None) -> Completeness:
        """Where the seconds of a UTC day went: see :func:`vigie.completeness.completeness`."""
        from vigie import completeness

        return completeness.completeness(self, day, device_id)

    def samples(self, stream: Stream, device_id: bytes | None = None) -> list[RawWindow]:
        """Raw windows with the time of each sample: see :func:`vigie.raw_samples.windows`."""
        from vigie import raw_samples

        return raw_samples.windows(self, stream, device_id)

    # SQLite

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._sql.execute("COMMIT")
        except BaseException:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _snapshot(self) -> Generator[None]:
        """Read several tables as they were at one moment."""
        self._sql.execute("BEGIN")
        try:
            yield
        finally:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")

    @contextlib.contextmanager
    def _typed(self) -> Generator[None]:
        """Errors of SQLite become ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise _ours(self.path, error) from error


def _ours(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    text = str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(path, _BUSY_TIMEOUT_S)
    if name == "SQLITE_FULL":
        return StoreFull(path)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreNotWritable(path, text)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreDamaged(path, text)
    return StoreError(f"{path}: {text} ({name or type(error).__name__})")
