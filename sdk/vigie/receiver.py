"""A receiver to deliver to as long as there is no hospital's side: it keeps what gateways bring, and gives receipts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from vigie.errors import RecordConflict
from vigie.store import Absence, LogKey, Receipt, Session, Store
from vigie_protocol.enums import Lane

_BATCH = 5000


class StandInReceiver:
    """Takes what stores have, from any number of gateways, without duplicates.

    Its :attr:`store` is one of its own, so that all that a store can tell can be asked of it too.

    Parameters
    ----------
    path
        File of its store.
    utc_s
        Its clock, in seconds since 1970.
    """

    def __init__(self, path: str | Path, *, utc_s: Callable[[], float] = time.time) -> None:
        self.store = Store(path, gateway="receiver")
        self._utc_s = utc_s

    def take(self, store: Store) -> list[Receipt]:
        """Take all that is new in a gateway's store, and confirm what is on this disk.

        Hand the receipts to :meth:`vigie.store.Store.confirm`; the next sync tells the bracelet.

        Raises
        ------
        RecordConflict
            Two gateways brought different records under one number. All else is taken, but nothing confirmed.
        StoreError
            One of the two files cannot be used.
        """
        receipts: list[Receipt] = []
        conflict: RecordConflict | None = None
        for device_id in store.devices():
            for theirs in store.logs(device_id):
                ours = self.store.log(device_id, theirs.log_id)
                utc_us = round(self._utc_s() * 1e6)
                session = self.store.open_session(
                    ours,
                    address=store.gateway,
                    firmware="",
                    boot_id=0,
                    utc_us=utc_us,
                    anchors=store.anchors(theirs),
                )
                for lane in Lane:
                    has, mine = store.lane(theirs, lane), self.store.lane(ours, lane)
                    # What this receiver has from another gateway is nothing that it lacks.
                    absent = [each for each in has.absent if each[2] is not Absence.DELIVERED]
                    wanted = [piece for span in has.here for piece in mine.here.outside(*span)]
                    # One that both have is compared, to see that numbers mean the same records.
                    shared = max(
                        (
                            min(past, ours_past) - 1
                            for first, past in has.here
                            for ours_first, ours_past in mine.here
                            if max(first, ours_first) < min(past, ours_past)
                        ),
                        default=None,
                    )
                    if shared is not None:
                        wanted.append((shared, shared + 1))
                    try:
                        self._copy(store, theirs, session, lane, wanted)
                    except RecordConflict as error:
                        conflict = error
                        with suppress(RecordConflict):
                            self._copy(store, theirs, session, lane, list(has.here))
                    if absent:
                        self.store.commit(session, lane, (), absent, utc_us=utc_us)
                    self.store.note_lanes(ours, [(lane, has.next, 0)])
                    mine = self.store.lane(ours, lane)
                    receipts.append(Receipt(device_id, theirs.log_id, lane, mine.held))
        if conflict is not None:
            raise conflict
        return receipts

    def _copy(
        self, store: Store, log: LogKey, session: Session, lane: Lane, ranges: list[tuple[int, int]]
    ) -> None:
        conflict: RecordConflict | None = None
        for first, past in ranges:
            for low in range(first, past, _BATCH):
                records = list(store.records(log, lane, low, min(low + _BATCH, past)))
                try:
                    self.store.commit(session, lane, records, utc_us=round(self._utc_s() * 1e6))
                except RecordConflict as error:
                    conflict = error
        if conflict is not None:
            raise conflict

    def close(self) -> None:
        """Close its file."""
        self.store.close()

    def __enter__(self) -> StandInReceiver:
        """Use it until the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its file."""
        self.close()
