"""The live view of a stream in a terminal: waveform in braille, numbers beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream

_SHOWN_S: Final = 6.0
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_NEWLINE: Final = "\n"


def braille(values: NDArray[np.float64], width: int, height: int) -> str:
    """Draw a curve with two columns and four rows of dots a character; newest at the right.

    Parameters
    ----------
    values
        The curve [n], drawn over its own range; NaN leaves a gap.
    width, height
        Size in characters.
    """
    cells = np.zeros((height, width), int)
    if len(values) > 1:
        columns = np.linspace(0, 2 * width - 1, len(values)).astype(int)
        low, high = np.nanmin(values), np.nanmax(values)
        span = high - low or 1.0
        rows = np.full(len(values), -1)
        known = np.isfinite(values)
        rows[known] = np.rint((high - values[known]) / span * (4 * height - 1)).astype(int)
        for column in range(2 * width):
            mine = rows[(columns == column) & known]
            if len(mine):
                for row in range(int(mine.min()), int(mine.max()) + 1):
                    cells[row // 4, column // 2] |= _DOTS[row % 4][column % 2]
    return _NEWLINE.join("".join(chr(0x2800 + cell) for cell in line) for line in cells)


class LiveView:
    """Takes blocks, and renders the last seconds of pulse and motion."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._ppg: deque[float] = deque(maxlen=1)
        self._acc: deque[float] = deque(maxlen=1)
        self._received = {Stream.PPG: 0, Stream.ACCELEROMETER: 0}
        self._missing = {Stream.PPG: 0, Stream.ACCELEROMETER: 0}
        self.numbers: Mapping[str, str] = {}
        """More to show, name to value."""

    def take(self, block: SampleBlock) -> None:
        """Take the next block."""
        held = max(2, int(_SHOWN_S * block.rate_hz))
        self._received[block.stream] += len(block.samples)
        self._missing[block.stream] += block.gap
        if block.stream is Stream.PPG:
            if self._ppg.maxlen != held:
                self._ppg = deque(maxlen=held)
            self._ppg.extend([float("nan")] * min(block.gap, held))
            self._ppg.extend(block.values[:, 0].tolist())
        else:
            if self._acc.maxlen != held:
                self._acc = deque(maxlen=held)
            self._acc.extend([float("nan")] * min(block.gap, held))
            self._acc.extend(np.linalg.norm(block.values, axis=1).tolist())

    def render(self, width: int) -> RenderableType:
        """The view, ``width`` characters wide."""
        inner = max(20, width - 4)
        ppg, acc = np.array(self._ppg), np.array(self._acc)
        table = Table.grid(padding=(0, 3))
        cells = [f"{name} [bold]{value}[/]" for name, value in self.numbers.items()]
        for stream, name in ((Stream.PPG, "PPG"), (Stream.ACCELEROMETER, "motion")):
            lost = self._missing[stream]
            colour = "red" if lost else "green"
            cells.append(f"{name} [bold]{self._received[stream]:,}[/] samples, [{colour}]{lost:,} missing[/]")
        table.add_row(*cells)
        return Panel(
            Group(
                Text("pulse", style="dim"),
                Text(braille(_detrended(ppg), inner, 8), style="red"),
                Text("motion", style="dim"),
                Text(braille(acc, inner, 3), style="cyan"),
                table,
            ),
            title=self._title,
            subtitle="ctrl-C ends",
        )


def _detrended(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curve without its slow part: minus a straight line through it."""
    known = np.isfinite(values)
    if known.sum() < 3:
        return values
    at = np.arange(len(values))
    slope, offset = np.polyfit(at[known], values[known], 1)
    flat: NDArray[np.float64] = values - slope * at - offset
    return flat
