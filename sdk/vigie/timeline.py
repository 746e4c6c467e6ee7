"""When records were made: UTC of a bracelet's ticks, found from anchors, and how far off it may be.

A boot's clock is off by a nearly constant rate (a crystal: up to 100 ppm), which wanders a little with temperature
(-0.034 ppm/K² about 25 °C). So between two anchors UTC is known to far less than a second, and beyond the last one it
is off by the uncertain part of the rate. All bounds here are worst cases, not standard deviations.

Anchors of a host whose clock was wrong do not agree with the others: the largest set of anchors that one crystal can
explain is used, the rest is told in :attr:`BootClock.rejected`. A boot without anchors lies between its neighbours.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vigie.records import TICK_US
from vigie.store import Anchor

RATE_MOST_PPM: Final = 103.0
"""Most that a bracelet's clock is off: 100 ppm, and what temperature adds."""
WANDER_PPM: Final = 3.0
"""Most that its rate changes by temperature, 16 to 34 °C on a wrist."""
_AGEING_PPM: Final = 3.0
_ANCHORS_MOST: Final = 1000
_TRIED: Final = 24
_ALTERNATIVES_MOST: Final = 8

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Boot:
    """What a log has of a boot: the ticks of its first and its last record."""

    boot_id: int
    first_us: int
    last_us: int


@dataclasses.dataclass(frozen=True, eq=False)
class BootClock:
    """The clock of one boot.

    Attributes
    ----------
    boot_id
        The boot.
    known_by
        ``anchors``; ``neighbours``, where it has none and lies between two boots that have; or ``unknown``.
    rate_ppm, rate_uncertainty_ppm
        How much faster UTC passes than the boot's ticks.
    anchors
        Anchors that are used.
    rejected
        Anchors that do not agree with them.
    alternatives
        Clocks that as many anchors speak for: nobody knows which is right, and uncertainties reach to all of them.
    """

    boot_id: int
    known_by: Literal["anchors", "neighbours", "unknown"]
    rate_ppm: float
    rate_uncertainty_ppm: float
    anchors: tuple[Anchor, ...]
    rejected: tuple[Anchor, ...]
    alternatives: tuple[BootClock, ...]
    _ticks_us: Floats
    _offsets_us: Floats
    """UTC less ticks, less `_base_us`."""
    _wrong_us: Floats
    _base_us: int

    def utc(self, ticks_us: NDArray[np.int64]) -> tuple[NDArray[np.datetime64], Floats]:
        """UTC of ticks [n], and how far off each may be, in seconds; NaT and infinity where nobody knows."""
        if self.known_by == "unknown":
            return np.full(len(ticks_us), "NaT", "M8[us]"), np.full(len(ticks_us), np.inf)
        at = ticks_us.astype(float)
        knots = self._ticks_us
        outside_us = np.maximum(knots[0] - at, 0) + np.maximum(at - knots[-1], 0)
        beyond_us: Floats = np.maximum(at - knots[-1], 0) - np.maximum(knots[0] - at, 0)
        offset_us: Floats = np.interp(at, knots, self._offsets_us) + beyond_us * self.rate_ppm * 1e-6
        wrong_us = np.interp(at, knots, self._wrong_us) + outside_us * self.rate_uncertainty_ppm * 1e-6
        if len(knots) > 1:
            right = np.clip(np.searchsorted(knots, at), 1, len(knots) - 1)
            before_us, after_us = at - knots[right - 1], knots[right] - at
            inside = (before_us > 0) & (after_us > 0)
            bow_us = before_us * after_us / (before_us + after_us) * (WANDER_PPM * 1e-6)
            wrong_us += np.where(inside, bow_us, 0.0)
        utc_us = ticks_us + self._base_us + np.rint(offset_us).astype(np.int64)
        wrong_s = wrong_us / 1e6
        for other in self.alternatives:
            other_utc, other_wrong_s = other.utc(ticks_us)
            apart_s = np.abs(other_utc.astype(np.int64) - utc_us) / 1e6
            wrong_s = np.maximum(wrong_s, apart_s + other_wrong_s)
        return utc_us.astype("M8[us]"), wrong_s

    def utc_of(self, ticks_us: int) -> tuple[float, float]:
        """UTC of one tick in µs, and how far off it may be, in µs; infinite where nobody knows."""
        utc, wrong_s = self.utc(np.array([ticks_us], np.int64))
        return float(utc.astype(np.int64)[0]), float(wrong_s[0]) * 1e6


class Timeline:
    """UTC of all records of one bracelet.

    Parameters
    ----------
    boots
        Its boots, in their order.
    anchors
        All anchors that are known of them, in any order.
    """

    def __init__(self, boots: Sequence[Boot], anchors: Sequence[Anchor]) -> None:
        of: dict[int, list[Anchor]] = {boot.boot_id: [] for boot in boots}
        for anchor in anchors:
            if anchor.boot_id in of:
                of[anchor.boot_id].append(anchor)
        clocks = [_fit(boot.boot_id, of[boot.boot_id], 0.0, RATE_MOST_PPM) for boot in boots]
        # One crystal for all boots: what the best known one tells of its rate holds for the others.
        best = min(clocks, key=lambda clock: clock.rate_uncertainty_ppm, default=None)
        if best is not None and best.rate_uncertainty_ppm < RATE_MOST_PPM / 2:
            spread_ppm = best.rate_uncertainty_ppm + WANDER_PPM + _AGEING_PPM
            clocks = [_fit(boot.boot_id, of[boot.boot_id], best.rate_ppm, spread_ppm) for boot in boots]
        rate = (best.rate_ppm, best.rate_uncertainty_ppm) if best is not None else (0.0, RATE_MOST_PPM)
        clocks = _in_order(boots, clocks)
        self.clocks: tuple[BootClock, ...] = tuple(_repaired(boots, clocks, rate))
        """The clock of each boot, in the order of the boots."""
        self.boots = tuple(boots)
        self._by_id = {clock.boot_id: clock for clock in self.clocks}

    def utc(
        self, boot_ids: NDArray[np.uint32], ticks_us: NDArray[np.int64], *, resolution_us: int = TICK_US
    ) -> tuple[NDArray[np.datetime64], Floats]:
        """UTC of records [n], and how far off each may be.

        Parameters
        ----------
        boot_ids, ticks_us
            Of the records [n].
        resolution_us
            Ticks are cut off to so much.

        Returns
        -------
        utc
            [n] in µs; NaT where nobody knows.
        uncertainty_s
            [n] in seconds; infinite where nobody knows.
        """
        utc = np.full(len(ticks_us), "NaT", "M8[us]")
        wrong_s = np.full(len(ticks_us), np.inf)
        if not len(ticks_us):
            return utc, wrong_s
        changes = np.flatnonzero(np.diff(boot_ids)) + 1
        if len(changes) > 4 * len(self._by_id):
            order = np.argsort(boot_ids, kind="stable")
            changes = np.flatnonzero(np.diff(boot_ids[order])) + 1
        else:
            order = np.arange(len(boot_ids))
        for rows in np.split(order, changes):
            clock = self._by_id.get(int(boot_ids[rows[0]]))
            if clock is not None:
                utc[rows], wrong_s[rows] = clock.utc(ticks_us[rows] + resolution_us // 2)
        return utc, wrong_s + resolution_us / 2e6

    def clock(self, boot_id: int) -> BootClock | None:
        """The clock of a boot; None if it is not known here."""
        return self._by_id.get(boot_id)


def _unknown(boot_id: int, rate_ppm: float, spread_ppm: float, rejected: tuple[Anchor, ...]) -> BootClock:
    nothing = np.zeros(0)
    return BootClock(
        boot_id, "unknown", rate_ppm, spread_ppm, (), rejected, (), nothing, nothing, nothing, _base_us=0
    )


def _fit(boot_id: int, anchors: Sequence[Anchor], rate_ppm: float, spread_ppm: float) -> BootClock:
    """The clock of a boot from its anchors, its rate being known to a spread."""
    if not anchors:
        return _unknown(boot_id, rate_ppm, spread_ppm, ())
    ordered = _thinned(sorted(anchors, key=lambda each: (each.ticks_us, each.utc_us)))
    points = _Points(ordered)
    clocks = [
        _of_chain(boot_id, points, chain, rate_ppm, spread_ppm)
        for chain in _best(points, rate_ppm, spread_ppm)
    ]
    # Of several, the one with the latest anchors: clocks of hosts that were wrong are set right.
    clocks.sort(key=lambda clock: [anchor.ticks_us for anchor in reversed(clock.anchors)])
    return dataclasses.replace(clocks[-1], alternatives=tuple(clocks[:-1]))


class _Points:
    """Anchors in columns: ticks, offset of UTC, how far off; in µs."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.anchors = tuple(anchors)
        self.base_us = anchors[0].utc_us - anchors[0].ticks_us
        self.ticks = np.array([each.ticks_us for each in anchors], float)
        self.offsets = np.array([each.utc_us - each.ticks_us - self.base_us for each in anchors], float)
        self.wrong = np.array([max(1, each.uncertainty_us) for each in anchors], float)


def _of_chain(
    boot_id: int, points: _Points, chain: NDArray[np.intp], rate_ppm: float, spread_ppm: float
) -> BootClock:
    ticks, offsets, wrong = points.ticks[chain], points.offsets[chain], points.wrong[chain]
    rate, spread = _rate(ticks, offsets, wrong, rate_ppm, spread_ppm)
    inside = set(chain.tolist())
    ticks, offsets, wrong = _tightened(ticks, offsets, wrong, rate, spread)
    return BootClock(
        boot_id,
        "anchors",
        rate,
        spread,
        tuple(points.anchors[each] for each in map(int, chain)),
        tuple(anchor for at, anchor in enumerate(points.anchors) if at not in inside),
        (),
        ticks,
        offsets,
        wrong,
        _base_us=points.base_us,
    )


def _best(points: _Points, rate_ppm: float, spread_ppm: float) -> list[NDArray[np.intp]]:
    """The largest sets of anchors that one crystal explains; several where as many speak for each."""
    everything = np.arange(len(points.ticks))
    rate, spread = _rate(points.ticks, points.offsets, points.wrong, rate_ppm, spread_ppm)
    if abs(rate - rate_ppm) <= spread_ppm + spread:
        chains = _chains(points, rate, spread)
        if len(chains[0]) == len(everything):
            return [everything]
    # Some host's clock was wrong. Which rate do most anchors agree on?
    tried = np.unique(np.linspace(0, len(everything) - 1, min(len(everything), _TRIED)).astype(int))
    some = _Points([points.anchors[each] for each in map(int, tried)])
    rates: list[tuple[int, float, float]] = []
    for one, two in itertools.combinations(range(len(tried)), 2):
        pair = np.array([one, two])
        rate, spread = _rate(some.ticks[pair], some.offsets[pair], some.wrong[pair], rate_ppm, spread_ppm)
        if abs(rate - rate_ppm) <= spread_ppm + spread:
            rates.append((len(_chains(some, rate, spread)[0]), rate, spread))
    most_of_some = max((each[0] for each in rates), default=0)
    rates = [each for each in rates if each[0] == most_of_some]
    if len(some.ticks) < len(points.ticks):
        rates = rates[:: -(-len(rates) // _ALTERNATIVES_MOST)]
    rates = rates or [(1, rate_ppm, spread_ppm)]
    best: dict[tuple[int, ...], NDArray[np.intp]] = {}
    most = 0
    for _, rate, spread in rates:
        for chain in _chains(points, rate, spread):
            if len(chain) > most:
                most = len(chain)
                best.clear()
            if len(chain) == most:
                best[tuple(chain.tolist())] = chain
    # Those that differ in little tell the same.
    kept: list[NDArray[np.intp]] = []
    for chain in best.values():
        if not any(len(np.intersect1d(chain, other)) > 0.9 * most for other in kept):
            kept.append(chain)
    return kept[:_ALTERNATIVES_MOST]


def _thinned(anchors: list[Anchor]) -> list[Anchor]:
    """At most so many, the surest of each stretch of time."""
    if len(anchors) <= _ANCHORS_MOST:
        return anchors
    begin, span = anchors[0].ticks_us, anchors[-1].ticks_us - anchors[0].ticks_us + 1
    best: dict[int, Anchor] = {}
    for each in anchors:
        at = (each.ticks_us - begin) * _ANCHORS_MOST // span
        if at not in best or each.uncertainty_us < best[at].uncertainty_us:
            best[at] = each
    return list(best.values())


def _chains(points: _Points, rate_ppm: float, spread_ppm: float) -> list[NDArray[np.intp]]:
    """The largest sets of anchors of which each agrees with the one before, at a rate within the spread."""
    ticks, offsets, wrong = points.ticks, points.offsets, points.wrong
    length = np.ones(len(ticks), int)
    before = np.full(len(ticks), -1)
    for at in range(1, len(ticks)):
        passed = ticks[at] - ticks[:at]
        off = np.abs(offsets[at] - offsets[:at] - passed * rate_ppm * 1e-6)
        lengths = np.where(off <= wrong[at] + wrong[:at] + passed * spread_ppm * 1e-6, length[:at], 0)
        # The last of the longest.
        best = at - 1 - int(np.argmax(lengths[::-1]))
        if lengths[best]:
            length[at], before[at] = lengths[best] + 1, best
    chains: list[NDArray[np.intp]] = []
    for end in np.flatnonzero(length == length.max())[-_ALTERNATIVES_MOST:]:
        chain: list[int] = []
        at = int(end)
        while at >= 0:
            chain.append(at)
            at = int(before[at])
        chains.append(np.array(chain[::-1], np.intp))
    return chains


def _rate(
    ticks: Floats, offsets: Floats, wrong: Floats, rate_ppm: float, spread_ppm: float
) -> tuple[float, float]:
    """Rate of the clock at any time and how far off it may be, both in ppm.

    The mean rate between two anchors is known to their uncertainty; that of any moment is within the wander of it.
    """
    best = (rate_ppm, spread_ppm)
    for ends in ((ticks, offsets, wrong), (ticks[::-1], offsets[::-1], wrong[::-1])):
        at, off, unsure = ends
        passed = np.abs(at[1:] - at[0])
        if not (passed > 0).any():
            continue
        passed = np.where(passed > 0, passed, np.nan)
        spreads = (unsure[1:] + unsure[0]) / passed * 1e6 + WANDER_PPM
        pick = int(np.nanargmin(spreads))
        if spreads[pick] < best[1]:
            best = (float((off[pick + 1] - off[0]) / (at[pick + 1] - at[0]) * 1e6), float(spreads[pick]))
    return best


def _tightened(
    ticks: Floats, offsets: Floats, wrong: Floats, rate_ppm: float, spread_ppm: float
) -> tuple[Floats, Floats, Floats]:
    """Anchors made surer by their neighbours: each bounds the others, less and less with distance."""
    # Anchors at one tick are one.
    ticks, at = np.unique(ticks, return_inverse=True)
    low, high = np.full(len(ticks), -np.inf), np.full(len(ticks), np.inf)
    np.maximum.at(low, at, offsets - wrong)
    np.minimum.at(high, at, offsets + wrong)
    passed = np.diff(ticks)
    slowest, fastest = passed * (rate_ppm - spread_ppm) * 1e-6, passed * (rate_ppm + spread_ppm) * 1e-6
    for each in range(1, len(ticks)):
        low[each] = max(low[each], low[each - 1] + slowest[each - 1])
        high[each] = min(high[each], high[each - 1] + fastest[each - 1])
    for each in range(len(ticks) - 2, -1, -1):
        low[each] = max(low[each], low[each + 1] - fastest[each])
        high[each] = min(high[each], high[each + 1] - slowest[each])
    # Where the bounds cross, some anchor was less sure than it said: its distance says by how much.
    return ticks, (low + high) / 2, np.abs(high - low) / 2


def _in_order(boots: Sequence[Boot], clocks: Sequence[BootClock]) -> list[BootClock]:
    """Boots follow each other: of two that would overlap, the one with fewer anchors is not believed."""
    clocks = list(clocks)
    while True:
        known = [at for at, clock in enumerate(clocks) if clock.known_by == "anchors"]
        for one, two in itertools.pairwise(known):
            end, end_wrong = clocks[one].utc_of(boots[one].last_us)
            begin, begin_wrong = clocks[two].utc_of(boots[two].first_us)
            if end - end_wrong > begin + begin_wrong:
                worse = one if len(clocks[one].anchors) <= len(clocks[two].anchors) else two
                clock = clocks[worse]
                clocks[worse] = _unknown(
                    clock.boot_id,
                    clock.rate_ppm,
                    clock.rate_uncertainty_ppm,
                    (*clock.rejected, *clock.anchors),
                )
                break
        else:
            return clocks


def _repaired(
    boots: Sequence[Boot], clocks: Sequence[BootClock], rate: tuple[float, float]
) -> list[BootClock]:
    """Put boots without anchors between the neighbours that have some."""
    clocks = list(clocks)
    at = 0
    while at < len(clocks):
        if clocks[at].known_by != "unknown":
            at += 1
            continue
        past = at
        while past < len(clocks) and clocks[past].known_by == "unknown":
            past += 1
        if at > 0 and past < len(clocks):
            end, end_wrong = clocks[at - 1].utc_of(boots[at - 1].last_us)
            begin, begin_wrong = clocks[past].utc_of(boots[past].first_us)
            # Ticks need not begin at 0: after a reset some boards go on counting.
            lasted = [(boot.last_us - boot.first_us) * (1 + rate[0] * 1e-6) for boot in boots[at:past]]
            room = begin + begin_wrong - (end - end_wrong) - sum(lasted)
            if room >= 0:
                start = end - end_wrong
                for each, lasted_us in enumerate(lasted, at):
                    wrong = room / 2 + lasted_us * rate[1] * 1e-6
                    clocks[each] = BootClock(
                        clocks[each].boot_id,
                        "neighbours",
                        rate[0],
                        rate[1],
                        (),
                        clocks[each].rejected,
                        (),
                        np.array([float(boots[each].first_us)]),
                        np.zeros(1),
                        np.array([wrong]),
                        _base_us=round(start + room / 2) - boots[each].first_us,
                    )
                    start += lasted_us
        at = past
    return clocks
