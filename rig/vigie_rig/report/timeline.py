"""The strip above all panels: the whole recording, its marks, the faults, and the window in sight."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, HoverTool, Range1d
from bokeh.models.annotations import BoxAnnotation

from vigie_rig.report.canvas import FAULT, INK, Canvas
from vigie_rig.report.recording import BenchRecording, LogLine, Span
from vigie_rig.report.signals import gaps_in

__all__ = ["Placed", "draw_timeline", "place_labels"]

LANE_PX: Final = 24
AXIS_PX: Final = 34
MAX_LANES: Final = 4
RECEIVED_LANES: Final = 0.75
MAX_LOG_MARKERS: Final = 500
MAX_HOLES: Final = 2000
RECEIVED: Final = "#5d8a72"
_LABEL_PX_PER_CHARACTER: Final = 6.6
_NARROW_PLOT_PX: Final = 850
"""The strip's width on a small window; labels that find room there find it anywhere."""


class Placed(NamedTuple):
    """A span with its lane from the top, and where its label goes: inside, right, left or nowhere."""

    span: Span
    lane: int
    label_at: str


def place_labels(spans: list[Span], *, duration_s: float) -> list[Placed]:
    """Give each span a lane where neither boxes nor labels overlap; what finds no room loses its label."""
    free_from_s = [float("-inf")] * MAX_LANES
    placed: list[Placed] = []
    for span in sorted(spans):
        stop_s = span.start_s + span.duration_s
        text_s = (len(span.label) * _LABEL_PX_PER_CHARACTER + 10) * duration_s / _NARROW_PLOT_PX
        if text_s <= span.duration_s:
            label_at, begin_s, end_s = "inside", span.start_s, stop_s
        elif stop_s + text_s <= duration_s:
            label_at, begin_s, end_s = "right", span.start_s, stop_s + text_s
        else:
            label_at, begin_s, end_s = "left", span.start_s - text_s, stop_s
        lane = next((index for index, free_s in enumerate(free_from_s) if free_s <= begin_s), None)
        if lane is None:
            label_at, lane = "nowhere", min(range(MAX_LANES), key=free_from_s.__getitem__)
            end_s = max(stop_s, free_from_s[lane])
        free_from_s[lane] = end_s
        placed.append(Placed(span, lane, label_at))
    return placed


def draw_timeline(canvas: Canvas, recording: BenchRecording) -> Any:
    """Draw the strip; dragging or clicking on it chooses what all other panels show."""
    marks = place_labels(canvas.stretches, duration_s=canvas.duration_s)
    faults = place_labels(canvas.faults, duration_s=canvas.duration_s)
    alarms = [line for line in recording.log if line.level not in ("debug", "info")][:MAX_LOG_MARKERS]
    mark_lanes = 1 + max((placed.lane for placed in marks), default=-1)
    fault_lanes = 1 + max((placed.lane for placed in faults), default=-1)
    lanes = mark_lanes + fault_lanes + bool(alarms) + RECEIVED_LANES

    whole = Range1d(start=0, end=canvas.duration_s)
    plot = canvas.bare("timeline", height_px=round(lanes * LANE_PX) + AXIS_PX, x_range=whole, tools="")
    plot.y_range = Range1d(start=lanes, end=0)
    plot.yaxis.visible = False
    plot.ygrid.visible = False
    window = BoxAnnotation(
        left=0, right=canvas.duration_s, fill_color=INK, fill_alpha=0.05, line_color=INK, line_alpha=0.7
    )
    canvas.x_range.js_link("start", window, "left")
    canvas.x_range.js_link("end", window, "right")
    plot.add_layout(window)
    # Bokeh's own RangeTool cannot start a new window inside the present one, which at first is all there is.
    for event in ("panstart", "pan", "tap"):
        plot.js_on_event(event, CustomJS(code="vigie.choose(cb_obj)"))
    _draw_lanes(plot, canvas, marks, first_lane=0, faults=False)
    _draw_lanes(plot, canvas, faults, first_lane=mark_lanes, faults=True)
    if alarms:
        _draw_alarms(plot, alarms, lane=mark_lanes + fault_lanes)
    _draw_received(plot, recording, top=lanes - RECEIVED_LANES)
    return plot


def _draw_lanes(plot: Any, canvas: Canvas, placed: list[Placed], *, first_lane: int, faults: bool) -> None:
    if not placed:
        return
    source = canvas.bands(
        [entry.span for entry in placed],
        top=[first_lane + entry.lane + 0.1 for entry in placed],
        bottom=[first_lane + entry.lane + 0.9 for entry in placed],
    )
    look: dict[str, Any] = {"fill_alpha": 0.8, "line_color": "colour"}
    if faults:
        look = {"fill_alpha": 0.15, "line_color": FAULT, "line_width": 1.5, "hatch_color": FAULT}
        look |= {"hatch_pattern": "right_diagonal_line", "hatch_alpha": 0.4, "hatch_scale": 9}
    boxes = plot.quad(
        left="start", right="stop", top="top", bottom="bottom", source=source, fill_color="colour", **look
    )
    plot.add_tools(HoverTool(renderers=[boxes], tooltips="@label: @start{0.0} s to @stop{0.0} s"))
    for label_at, align, offset_px in (("inside", "center", 0), ("right", "left", 5), ("left", "right", -5)):
        chosen = [entry for entry in placed if entry.label_at == label_at]
        where = {"inside": 0.5, "right": 1.0, "left": 0.0}[label_at]
        text: dict[str, Any] = {
            "x": [entry.span.start_s + where * entry.span.duration_s for entry in chosen],
            "y": [first_lane + entry.lane + 0.5 for entry in chosen],
            "label": [entry.span.label for entry in chosen],
        }
        plot.text(
            "x",
            "y",
            text="label",
            source=ColumnDataSource(text),
            x_offset=offset_px,
            text_align=align,
            text_baseline="middle",
            text_font_size="12px",
            text_color=FAULT if faults else INK,
        )


def _draw_alarms(plot: Any, alarms: list[LogLine], *, lane: int) -> None:
    source = ColumnDataSource(
        {
            "time": [line.time_s for line in alarms],
            "lane": [lane + 0.5] * len(alarms),
            "text": [f"{line.level}: {line.text}" for line in alarms],
            "colour": ["#c77700" if line.level == "warning" else FAULT for line in alarms],
        }
    )
    dots = plot.scatter("time", "lane", source=source, marker="diamond", size=10, color="colour")
    plot.add_tools(HoverTool(renderers=[dots], tooltips="@text"))


def _draw_received(plot: Any, recording: BenchRecording, *, top: float) -> None:
    """Two thin bars, PPG above motion, present where samples are: what is missing is a hole."""
    left: list[float] = []
    right: list[float] = []
    upper: list[float] = []
    what: list[str] = []
    for row, (name, time) in enumerate((("PPG", recording.ppg_time_s), ("motion", recording.acc_time_s))):
        if not len(time):
            continue
        gaps = gaps_in(time)[:MAX_HOLES]
        left += np.append(time[:1], time[gaps]).tolist()
        right += np.append(time[gaps - 1], time[-1:]).tolist()
        upper += [top + 0.1 + 0.3 * row] * (len(gaps) + 1)
        what += [f"{name} received"] * (len(gaps) + 1)
    source = ColumnDataSource(
        {"left": left, "right": right, "top": upper, "bottom": [edge + 0.2 for edge in upper], "what": what}
    )
    bars = plot.quad(
        left="left", right="right", top="top", bottom="bottom", source=source, color=RECEIVED, line_width=0
    )
    tooltips = "@what: @left{0.00} s to @right{0.00} s"
    plot.add_tools(HoverTool(renderers=[bars], tooltips=tooltips))
