"""Which columns of a file are what, as the user says it: ``ppg=green,red``, ``acc=ax,ay,az [mg]``, ``time=t [ms]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .errors import ColumnMapError

G_PER_UNIT: Final = {
    "g": 1.0,
    "mg": 1e-3,
    "m/s2": 1 / 9.80665,
    "m/s^2": 1 / 9.80665,
    "m/s²": 1 / 9.80665,
    "ms^-2": 1 / 9.80665,
    "ms-2": 1 / 9.80665,
}
"""How many g one of each unit of acceleration is."""

SECONDS_PER_UNIT: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
ISO: Final = "iso"

_ENTRY = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?P<names>[^\[\]]+?)\s*(\[\s*(?P<unit>[^\[\]]+?)\s*\])?\s*")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are what, in which units, and how often they were sampled.

    A name is that of a CSV column, of a signal of an EDF or BDF file, or of an array of a ``.npz`` or ``.mat``
    file; ``#3`` is the third column or signal.

    Attributes
    ----------
    ppg
        One or more channels, in any unit.
    acc
        The axes x, y, z; of array files also one array ``[3, m]`` or ``[m, 3]``.
    acc_unit
        ``g``, ``mg`` or ``m/s2``; None takes the unit that the file states, and g where it states none.
    time
        The column of time stamps of a CSV file; None where its rows are evenly spaced.
    time_unit
        ``s``, ``ms``, ``us``, ``ns`` or ``iso`` (2026-01-31T12:00:00.125).
    rate_hz, acc_rate_hz
        Sampling rates; None takes what the file or the time stamps say. ``acc_rate_hz`` None is as ``rate_hz``.
    """

    ppg: tuple[str, ...] = ()
    acc: tuple[str, ...] = ()
    acc_unit: str | None = None
    time: str | None = None
    time_unit: str = "s"
    rate_hz: float | None = None
    acc_rate_hz: float | None = None

    def __post_init__(self) -> None:
        if len(self.acc) not in (0, 1, 3):
            raise ColumnMapError(
                f"acc={','.join(self.acc)}: name the three axes, or one array that holds them"
            )
        if self.acc_unit is not None and self.acc_unit not in G_PER_UNIT:
            raise ColumnMapError(f"acceleration in {self.acc_unit!r}: write [g], [mg] or [m/s2]")
        if self.time_unit not in (*SECONDS_PER_UNIT, ISO):
            raise ColumnMapError(f"time in {self.time_unit!r}: write [s], [ms], [us], [ns] or [iso]")
        for rate_hz in (self.rate_hz, self.acc_rate_hz):
            if rate_hz is not None and not 10 <= rate_hz <= 2000:
                raise ColumnMapError(f"a sampling rate of {rate_hz:g} Hz: 10 to 2000 Hz can be analysed")

    @property
    def named(self) -> tuple[str, ...]:
        """Every column named."""
        return (*self.ppg, *self.acc, *([self.time] if self.time else ()))

    @property
    def g_per_unit(self) -> float:
        """What the acceleration is multiplied with, where the file states no unit."""
        return G_PER_UNIT[self.acc_unit or "g"]


def parse_columns(
    entries: Iterable[str], *, rate_hz: float | None = None, acc_rate_hz: float | None = None
) -> Columns:
    """Read entries such as ``ppg=green,red``, ``acc=ax,ay,az [mg]`` and ``time=t [ms]``.

    Raises
    ------
    ColumnMapError
        An entry is not of this kind; the message says how to write it.
    """
    columns = Columns(rate_hz=rate_hz, acc_rate_hz=acc_rate_hz)
    seen: set[str] = set()
    for entry in entries:
        match = _ENTRY.fullmatch(entry)
        key = match["key"] if match else ""
        if match is None or key not in ("ppg", "acc", "time"):
            raise ColumnMapError(
                f"{entry!r}: write ppg=NAME,... or acc=X,Y,Z [g|mg|m/s2] or time=NAME [s|ms|us|ns|iso]"
            )
        if key in seen:
            raise ColumnMapError(f"{entry!r}: {key} is named twice; name all of its columns at once")
        seen.add(key)
        names = tuple(name.strip() for name in match["names"].split(","))
        unit = match["unit"]
        if not all(names):
            raise ColumnMapError(f"{entry!r}: a name is empty")
        if key == "ppg":
            if unit is not None:
                raise ColumnMapError(f"{entry!r}: a PPG may have any unit; leave [{unit}] out")
            columns = replace(columns, ppg=names)
        elif key == "acc":
            columns = replace(columns, acc=names, acc_unit=unit)
        else:
            if len(names) != 1:
                raise ColumnMapError(f"{entry!r}: name one column of time stamps")
            columns = replace(columns, time=names[0], time_unit=unit or "s")
    if seen and not (columns.ppg or columns.acc):
        raise ColumnMapError("neither ppg= nor acc= is named: there would be nothing to analyse")
    return columns


def indices(names: Sequence[str], there: Sequence[str]) -> list[int] | None:
    """Where each name (or ``#N``, counted from 1) stands in ``there``; None unless all do."""
    found: list[int] = []
    for name in names:
        if name in there:
            found.append(list(there).index(name))
        elif re.fullmatch(r"#\d+", name) and 1 <= int(name[1:]) <= len(there):
            found.append(int(name[1:]) - 1)
        else:
            return None
    return found
