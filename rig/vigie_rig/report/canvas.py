"""What all panels share: the time axis, the look, the faults and marks behind the data, detail on zoom."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    CustomJS,
    CustomJSTicker,
    CustomJSTickFormatter,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.annotations import Span as Ruler
from bokeh.plotting import figure
from numpy.typing import NDArray

from vigie_rig.report.recording import BenchRecording, Span
from vigie_rig.report.signals import envelope

__all__ = ["FAULT", "GRID", "INK", "MUTED", "Canvas"]

INK: Final = "#1d2733"
MUTED: Final = "#64707e"
GRID: Final = "#e6e9ed"
FAULT: Final = "#b3261e"
MARK_COLOURS: Final = ("#8fb8de", "#f2c078", "#a5c882", "#d7a9e3", "#f19a9b", "#9ad1c9", "#c9c3a4")

OVERVIEW_BINS: Final = 1400
"""Stretches of the first view: about one a pixel."""

STORED_BINS: Final = 250_000
"""Longer recordings are kept as minima and maxima of this many stretches: the page stays light."""

DENSE_MARKS: Final = 20
"""Instants with one label (heart beats) above this number are drawn only when zoomed in."""


class Canvas:
    """Makes the figures of one recording; all but the timeline share one range of time and one cross-hair.

    Attributes:
        x_range: the time that all panels show, in seconds.
        stretches: the marks that are drawn behind the data.
        beats: instants too many to draw in the overview, in seconds.
    """

    def __init__(self, recording: BenchRecording) -> None:
        self.duration_s = recording.duration_s
        room_s = 0.01 * self.duration_s
        self.x_range = Range1d(
            start=0,
            end=self.duration_s,
            bounds=(-room_s, self.duration_s + room_s),
            min_interval=0.2,
            name="time",
        )
        count = Counter(mark.label for mark in recording.marks if mark.duration_s == 0)
        dense = {label for label, times in count.items() if times > DENSE_MARKS}
        self.beats = np.array([mark.start_s for mark in recording.marks if mark.label in dense])
        self.stretches = [mark for mark in recording.marks if mark.label not in dense]
        self.faults = list(recording.faults)
        labels = list(dict.fromkeys(mark.label for mark in self.stretches))
        self._colour_of = {
            label: MARK_COLOURS[index % len(MARK_COLOURS)] for index, label in enumerate(labels)
        }
        self._cross = Ruler(dimension="height", line_color=INK, line_width=1, line_alpha=0.55)
        self._mark_bands = self.bands(self.stretches)
        self._fault_bands = self.bands([fault for fault in self.faults if fault.duration_s > 0])
        self._fault_instants = self.bands([fault for fault in self.faults if fault.duration_s == 0])

    def figure(
        self, key: str, *, height_px: int, y_label: str, y_range: tuple[float, float] | None = None
    ) -> Any:
        """A panel on the shared time axis, with marks and faults; without `y_range` it follows the data.

        Bokeh declares its figures' shorthands (`axis`, `legend`) wrongly, so they pass as Any.
        """
        plot = self.bare(key, height_px=height_px, x_range=self.x_range, tools="xbox_zoom")
        if y_range is not None:
            plot.y_range = Range1d(start=y_range[0], end=y_range[1])
        plot.yaxis.axis_label = y_label
        plot.yaxis.ticker.desired_num_ticks = max(3, height_px // 32)
        plot.yaxis.formatter = NumeralTickFormatter(format="0.[00]a")
        plot.add_tools(CrosshairTool(overlay=self._cross))
        bands = {"x0": "start", "x1": "stop", "level": "underlay"}
        plot.vstrip(**bands, source=self._mark_bands, fill_color="colour", fill_alpha=0.13, line_color=None)
        plot.vstrip(
            **bands,
            source=self._fault_bands,
            fill_color=FAULT,
            fill_alpha=0.07,
            hatch_color=FAULT,
            hatch_pattern="right_diagonal_line",
            hatch_alpha=0.16,
            hatch_scale=9,
            line_color=FAULT,
            line_alpha=0.6,
        )
        plot.vspan(
            x="start", source=self._fault_instants, line_color=FAULT, line_width=1.6, line_dash="dashed"
        )
        return plot

    def bare(self, key: str, *, height_px: int, x_range: Range1d, tools: str) -> Any:
        """A figure with our look and nothing in it."""
        plot: Any = figure(
            name=key,
            height=height_px,
            sizing_mode="stretch_width",
            x_range=x_range,
            tools=tools,
            toolbar_location=None,
            min_border_left=76,
            min_border_right=18,
            min_border_top=6,
            background_fill_color=None,
            border_fill_color=None,
            outline_line_color=GRID,
        )
        plot.axis.axis_line_color = None
        plot.axis.major_tick_line_color = GRID
        plot.axis.minor_tick_line_color = None
        plot.axis.major_label_text_color = MUTED
        plot.axis.major_label_text_font_size = "12px"
        plot.axis.axis_label_text_color = MUTED
        plot.axis.axis_label_text_font_size = "12px"
        plot.axis.axis_label_text_font_style = "normal"
        plot.grid.grid_line_color = GRID
        ticker = CustomJSTicker(major_code="return vigie.ticks(cb_data.range.start, cb_data.range.end)")
        plot.xaxis.ticker = ticker
        plot.xgrid.ticker = ticker
        plot.xaxis.formatter = CustomJSTickFormatter(code="return vigie.tickLabel(tick, ticks)")
        plot.js_on_event("mousemove", CustomJS(code="vigie.cursor(cb_obj.x)"))
        plot.js_on_event("mouseleave", CustomJS(code="vigie.cursor(null)"))
        return plot

    def traces(
        self,
        plot: Any,
        time_s: NDArray[Any],
        values: NDArray[Any],
        colours: dict[str, str],
        *,
        clip: float = 0.0,
        widest: tuple[float, float] | None = None,
    ) -> None:
        """Draw one line a row of `values`, which the page's script refills in full detail when zoomed.

        The y axis follows what is in sight, apart from the share `clip` at each end, and never goes
        beyond `widest`.
        """
        full_time, full = envelope(time_s, values, bins=STORED_BINS)
        first_time, first = envelope(full_time, full, bins=OVERVIEW_BINS)
        columns = [f"c{index}" for index in range(len(colours))]
        stored = _source(full_time, columns, full)
        shown = _source(first_time, columns, first)
        for column, (name, colour) in zip(columns, colours.items(), strict=True):
            plot.line("t", column, source=shown, color=colour, line_width=1.2, name=f"{plot.name}:{name}")
        low, high = _reach(first, clip)
        plot.y_range = Range1d(start=low, end=high)
        # The tag makes the stored samples part of the page; the script finds them there.
        plot.tags = [{"stored": stored, "shown": shown, "clip": clip, "widest": widest}]

    def bands(self, spans: list[Span], **more: list[float]) -> ColumnDataSource:
        """Stretches of time as a source with start, stop, label, colour and further columns."""
        return ColumnDataSource(
            {
                **more,
                "start": [span.start_s for span in spans],
                "stop": [span.start_s + span.duration_s for span in spans],
                "label": [span.label for span in spans],
                "colour": [self._colour_of.get(span.label, FAULT) for span in spans],
            }
        )


def _source(time_s: NDArray[Any], columns: list[str], values: NDArray[Any]) -> ColumnDataSource:
    data: dict[str, Any] = {"t": np.asarray(time_s, dtype=np.float32)}
    data |= {column: np.asarray(row, dtype=np.float32) for column, row in zip(columns, values, strict=True)}
    return ColumnDataSource(data)


def _reach(values: NDArray[Any], clip: float) -> tuple[float, float]:
    seen = values[np.isfinite(values)]
    if not len(seen):
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.quantile(seen, (clip, 1 - clip)))
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room
