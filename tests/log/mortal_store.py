"""A store whose host may lose its power in the middle of a transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from vigie.store import Store


class HostCrash(Exception):
    """The host lost its power."""


class MortalStore(Store):
    """A store in which a crash can be arranged; :meth:`recover` gives what the disk then has."""

    _transactions_left: int | None = None
    _torn_at = 0.0
    _disk: tuple[bytes, bytes] | None = None

    def crash_in(self, transactions: int, torn_at: float) -> None:
        """Lose power in a transaction, after so many whole ones.

        ``torn_at``: the share of what it writes that reaches the disk; 1 is all: a crash right after the commit.
        """
        self._transactions_left = transactions
        self._torn_at = torn_at

    def spare(self) -> None:
        """Let there be no crash any more."""
        self._transactions_left = None

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        if self._transactions_left is None:
            with super()._transaction():
                yield
            return
        self._transactions_left -= 1
        if self._transactions_left >= 0:
            with super()._transaction():
                yield
            return
        before = self._files()
        with super()._transaction():
            yield
        self._disk = _torn(before, self._files(), self._torn_at)
        raise HostCrash

    def _files(self) -> tuple[bytes, bytes]:
        wal = Path(f"{self.path}-wal")
        return self.path.read_bytes(), wal.read_bytes() if wal.exists() else b""

    def recover(self) -> MortalStore:
        """The store as the host finds it when it starts again."""
        assert self._disk is not None, "there was no crash"
        self.close()
        database, wal = self._disk
        self.path.write_bytes(database)
        Path(f"{self.path}-wal").write_bytes(wal)
        return MortalStore(self.path, gateway=self.gateway)


def _torn(before: tuple[bytes, bytes], after: tuple[bytes, bytes], share: float) -> tuple[bytes, bytes]:
    """What the disk has when power went with a share of the journal's new bytes written."""
    if before[0] != after[0]:
        # Pages go to the database only when the journal is on the disk.
        return after
    old, new = before[1], after[1]
    differs = next(
        (at for at in range(min(len(old), len(new))) if old[at] != new[at]), min(len(old), len(new))
    )
    cut = differs + round(share * (len(new) - differs))
    return after[0], new[:cut] + old[cut:]
