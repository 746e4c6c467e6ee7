"""Tables and pictures, and how they get into the pages of the documentation."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

BLUE, ORANGE, GREEN, GREY, RED = "#1f5fa8", "#d9822b", "#2e8b57", "#9aa0a6", "#c0392b"
_WIDTH_IN = 8.0
_DPI = 110
_MOST_BYTES = 100_000


@dataclass(frozen=True)
class Result:
    """What one feature has to show.

    Attributes
    ----------
    tables : dict
        Markdown by the name of its marker: ``<!-- NAME -->`` before it and ``<!-- /NAME -->`` after it.
    pictures : dict
        Figure by the name of its file without ``.png``.
    notes : list of str
        What was left out, and why.
    """

    tables: Mapping[str, str]
    pictures: Mapping[str, Figure]
    notes: Sequence[str] = field(default_factory=tuple)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


@dataclass(frozen=True)
class Goal:
    """A goal set before the work: reached where ``measured`` is at most ``reach``, or at least if ``more`` is better.

    ``measured`` is None where the recordings for it are not at hand; ``unit`` follows each figure.
    """

    what: str
    reach: float
    go_for: float | None
    measured: float | None
    unit: str = ""
    more: bool = False

    def row(self) -> list[str]:
        """Return the goal as a row of `goals_table`."""
        sign = "≥" if self.more else "≤"
        further = "" if self.go_for is None else f"{self.go_for:g}{self.unit}"
        row = [self.what, f"{sign} {self.reach:g}{self.unit}", further]
        if self.measured is None:
            return [*row, "", "not measured: no such recordings at hand"]
        value = float(f"{self.measured:.3g}")
        verdict = "missed"
        if self._holds(value, self.reach):
            verdict = "reached"
            if self.go_for is not None and self._holds(value, self.go_for):
                verdict = "went further"
        return [*row, f"{value:g}{self.unit}", verdict]

    def _holds(self, value: float, limit: float) -> bool:
        return value >= limit if self.more else value <= limit


def goals_table(goals: Iterable[Goal]) -> str:
    """Return what was to be reached, to be gone for, and what was measured."""
    return table(["", "to reach", "to go for", "measured", ""], [goal.row() for goal in goals])


def fill(page: str, tables: Mapping[str, str]) -> str:
    """Return ``page`` with each table between its markers.

    Raises ``KeyError`` naming the marker of a table for which the page has no place.
    """
    for name, text in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise KeyError(f"the page needs {begin} and {end}, once each")
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"
    return page


def percent(share: float, digits: int = 0) -> str:
    """Return ``share`` in percent; 100 only where it is all of them."""
    text = f"{100 * share:.{digits}f}"
    if float(text) == 100 and share < 1:
        return f"> {100 - 10**-digits:.{digits}f} %"
    return f"{text} %"


def figure(rows: int, columns: int, height_in: float, **options: Any) -> tuple[Figure, list[Any]]:
    """Return an empty figure of the documentation's width, and its ``Axes`` row by row.

    They are ``Any`` because the types that Matplotlib gives them are incomplete.
    """
    made = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    axes: list[Any] = np.ravel(made.subplots(rows, columns, squeeze=False, **options)).tolist()
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.25, linewidth=0.6)
        each.title.set_fontsize(9)
    return made, axes


def save(picture: Figure, path: Path) -> None:
    """Write ``picture`` as a small PNG.

    Raises ``ValueError`` if it takes more than 100 KB: draw less.
    """
    raw = io.BytesIO()
    drawn: Any = picture
    drawn.savefig(raw, format="png", dpi=_DPI)
    small = io.BytesIO()
    with Image.open(raw) as image:
        image.convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    if small.tell() > _MOST_BYTES:
        raise ValueError(f"{path.name} takes {small.tell()} bytes: draw less")
    path.write_bytes(small.getvalue())
