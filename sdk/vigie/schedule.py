"""Which records are fetched next: the urgent ones first, and none starved.

The order of urgency is

1. events (with boots, anchors and gaps), the newest first;
2. today's minutes, the newest first;
3. quarter-hours, the newest first;
4. the other minutes, the oldest first;
5. raw windows, the oldest first;
6. what another gateway holds already, the oldest first.

But each :data:`FAIR_EVERY`-th window goes to the oldest records of one lane, whatever is more urgent, and the lanes
take turns at that. So a record with ``w`` windows of older wanted records before it in its lane is asked for within
``FAIR_EVERY * 4 * (w + 1)`` windows, however many urgent records come in meanwhile.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from vigie_protocol.enums import Lane

FAIR_EVERY: Final = 4
"""Each so many windows one goes to the oldest records of a lane."""
STARVATION_BOUND: Final = FAIR_EVERY * len(Lane)
"""Windows within which each lane's oldest wanted records are asked for at least once."""


@dataclasses.dataclass(frozen=True, slots=True)
class LaneView:
    """What a gateway wants of a lane."""

    wanted: Sequence[tuple[int, int]]
    """Ranges (first, past) that are neither here nor asked for, ascending."""
    held: int = 0
    """Numbers below are held by some gateway."""
    today: int = 0
    """Numbers from here on are today's."""


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Numbers of one lane to ask for at once."""

    lane: Lane
    first: int
    count: int

    @property
    def past(self) -> int:
        """One more than the last number."""
        return self.first + self.count


def next_window(lanes: Mapping[Lane, LaneView], turn: int, sizes: Mapping[Lane, int]) -> Window | None:
    """Return the window to ask for next, or None if nothing is wanted.

    Parameters
    ----------
    lanes
        What is wanted of each lane; one that is left out has nothing.
    turn
        How many windows were asked for before in this sync.
    sizes
        Most records of a window, by lane.
    """
    if turn % FAIR_EVERY == FAIR_EVERY - 1:
        order = list(Lane)
        shift = turn // FAIR_EVERY % len(order)
        for lane in order[shift:] + order[:shift]:
            if (view := lanes.get(lane)) is not None and view.wanted:
                return _oldest(lane, view.wanted, sizes[lane])
    for lane, oldest_first, above in _urgency(lanes):
        view = lanes.get(lane)
        wanted = [] if view is None else _from(view.wanted, above)
        if wanted:
            return (_oldest if oldest_first else _newest)(lane, wanted, sizes[lane])
    return None


def _urgency(lanes: Mapping[Lane, LaneView]) -> list[tuple[Lane, bool, int]]:
    """Lane, whether its oldest come first, and the number below which it is another's turn."""
    nothing = LaneView(())
    held = {lane: lanes.get(lane, nothing).held for lane in Lane}
    today = max(held[Lane.MINUTE], lanes.get(Lane.MINUTE, nothing).today)
    return [
        (Lane.EVENT, False, 0),
        (Lane.MINUTE, False, today),
        (Lane.TREND, False, held[Lane.TREND]),
        (Lane.MINUTE, True, held[Lane.MINUTE]),
        (Lane.RAW, True, held[Lane.RAW]),
        (Lane.MINUTE, True, 0),
        (Lane.TREND, True, 0),
        (Lane.RAW, True, 0),
    ]


def _from(wanted: Sequence[tuple[int, int]], above: int) -> list[tuple[int, int]]:
    return [(max(first, above), past) for first, past in wanted if past > above]


def _oldest(lane: Lane, wanted: Sequence[tuple[int, int]], size: int) -> Window:
    first, past = wanted[0]
    return Window(lane, first, min(size, past - first))


def _newest(lane: Lane, wanted: Sequence[tuple[int, int]], size: int) -> Window:
    first, past = wanted[-1]
    first = max(first, past - size)
    return Window(lane, first, past - first)
