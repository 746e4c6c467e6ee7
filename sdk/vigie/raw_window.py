"""Raw samples of a time, on demand: what is in the log is found by bisection, what is to come is recorded."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from vigie.errors import RequestTimeout
from vigie.records import Record
from vigie.store import Store
from vigie.sync import ALL
from vigie.tables import timeline
from vigie.timeline import Timeline
from vigie_protocol.enums import Lane
from vigie_protocol.messages import Capture, Done, Fetch, LaneRequest, LaneStatus

if TYPE_CHECKING:
    from vigie.bracelet import Bracelet

_SILENCE_S: Final = 5.0
_ATTEMPTS: Final = 5
_AFTER_S: Final = 1.0
"""How long a sample may take from the sensor to the bracelet."""
_CAPTURE_MOST_S: Final = 0xFFFE
_MINUTE_S: Final = 60


async def bring_window(
    bracelet: Bracelet, store: Store, begin_s: float, end_s: float, *, utc_s: Callable[[], float] = time.time
) -> int:
    """Bring the raw records of a time into a store, and return how many of it the log had.

    What is not over yet is recorded first: this returns when it is.

    Parameters
    ----------
    bracelet, store
        Where they are, and where to put them.
    begin_s, end_s
        UTC in seconds since 1970.
    utc_s
        The host's clock, in seconds since 1970.

    Raises
    ------
    LinkError
        The link went away, or the bracelet does not answer.
    RequestRefused
        The bracelet keeps no log.
    StoreError
        Nothing can be committed.
    """
    now_s = utc_s()
    if end_s > now_s:
        await asyncio.sleep(max(0.0, begin_s - now_s))
        lasts_s = end_s - max(begin_s, now_s)
        # Bracelets count in whole minutes: longer than needed, and ended here if the link is still there then.
        seconds = min(math.ceil(lasts_s) + _MINUTE_S, _CAPTURE_MOST_S)
        await bracelet.demand(Capture(seconds=seconds), Done)
        await asyncio.sleep(lasts_s + _AFTER_S)
        await bracelet.demand(Capture(seconds=0), Done)
    # The anchors tell when the records were made.
    async for _ in bracelet.sync(store, only={Lane.EVENT: ALL}, utc_s=utc_s):
        pass
    lane = await bracelet.demand(LaneRequest(lane=Lane.RAW), LaneStatus)
    times = timeline(store, bracelet.hello.device_id)
    first = await _first_from(bracelet, times, lane.oldest, lane.next, begin_s)
    # The record that ends after the end still has samples before it.
    last = await _first_from(bracelet, times, first, lane.next, end_s)
    past = min(last + 2, lane.next)
    if past > first:
        async for _ in bracelet.sync(store, only={Lane.RAW: (first, past)}, everything=True, utc_s=utc_s):
            pass
    return past - first


async def _first_from(bracelet: Bracelet, times: Timeline, low: int, high: int, utc_s: float) -> int:
    """The first record that ends at a time or after it."""
    while low < high:
        middle = (low + high) // 2
        found = await _one_from(bracelet, middle, high)
        if found is None:
            high = middle
            continue
        at, _ = times.utc(np.array([found.boot_id], np.uint32), np.array([found.ticks_us], np.int64))
        # What nobody knows the time of is of an early boot, before the first anchor.
        if np.isnat(at[0]) or at.astype(np.int64)[0] < utc_s * 1e6:
            low = found.number + 1
        else:
            high = middle
    return low


async def _one_from(bracelet: Bracelet, number: int, past: int) -> Record | None:
    """The record with a number, or the next that there is below ``past``."""
    count = 1
    for _ in range(_ATTEMPTS):
        while number < past:
            fetch = await bracelet.fetch(Lane.RAW, number, min(count, past - number))
            if not await fetch.wait(_SILENCE_S) or not fetch.whole:
                if fetch.failure is not None:
                    raise fetch.failure
                break
            if fetch.records:
                return fetch.records[min(fetch.records)]
            number += fetch.count
            count = min(2 * count, 64)
        else:
            return None
    raise RequestTimeout(Fetch.__name__, _ATTEMPTS * _SILENCE_S)
