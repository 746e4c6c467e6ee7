"""What the signals say, as a table of a few lines and as a strip on the time axis of the panels."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from bokeh.models import ColumnDataSource, FixedTicker, HoverTool

from vigie_rig.report.canvas import FAULT, Canvas
from vigie_rig.report.features import Features
from vigie_rig.report.wording import display_clock, display_duration
from vigie_signal import Intensity

__all__ = ["Said", "draw_strip", "say"]

LANES: Final = ("worn", "at rest", "steps", "activity")
WORN: Final = "#5d8a72"
REST: Final = "#2364aa"
STEPS: Final = "#c77700"
INTENSITIES: Final = {
    Intensity.INACTIVE: "#dfe4ea",
    Intensity.LIGHT: "#f2c078",
    Intensity.MODERATE: "#e8833a",
    Intensity.VIGOROUS: "#b3441e",
}
LANE_PX: Final = 22
AXIS_PX: Final = 34
MAX_FALLS_TOLD: Final = 3


class Said(NamedTuple):
    """One line of the table; `value` is empty where nothing can be said, and `detail` then says why."""

    what: str
    value: str
    unit: str
    detail: str


def say(features: Features) -> list[Said]:
    """The table, top to bottom."""
    return [
        _worn(features),
        _steps(features),
        _falls(features),
        _activity(features),
        *_at_rest(features),
    ]


def _worn(features: Features) -> Said:
    if features.worn_s is None:
        return Said("Worn", "", "", "Needs half a minute of PPG and motion.")
    detail = (
        f"of {display_duration(features.duration_s)}; spans under two minutes go with what is around them"
    )
    return Said("Worn", display_duration(features.worn_s), "", detail)


def _steps(features: Features) -> Said:
    if features.steps is None:
        return Said("Steps", "", "", "Needs 8 s of motion.")
    walking_s = sum(span.duration_s for span in features.walking)
    told = (
        ""
        if features.cadence is None
        else f"in {display_duration(walking_s)}, {features.cadence:.0f} a minute"
    )
    return Said("Steps", str(features.steps.total), "steps", told)


def _falls(features: Features) -> Said:
    if features.falls is None:
        return Said("Falls", "", "", "Needs 8 s of motion.")
    told = [
        f"at {display_clock(fall.time_s)}, score {fall.score:.2f}, still for {display_duration(fall.still_after_s)}"
        for fall in features.falls[:MAX_FALLS_TOLD]
    ]
    if len(features.falls) > MAX_FALLS_TOLD:
        told.append("…")
    return Said("Falls", str(len(features.falls)), "", "; ".join(told))


def _activity(features: Features) -> Said:
    if features.enmo_mg is None:
        return Said("Activity", "", "", "Needs 8 s of motion.")
    minutes = [f"{count} min {name}" for name, count in features.minutes_by_intensity.items()]
    return Said("Activity", f"{features.enmo_mg:.0f}", "mg ENMO", ", ".join(minutes))


def _at_rest(features: Features) -> list[Said]:
    rest_s = sum(span.duration_s for span in features.rest)
    found = f"over {display_duration(rest_s)} at rest" if rest_s else "No rest of half a minute and more."
    unclear = f"Not clear enough {found}." if rest_s else found
    said: list[Said] = []
    for what, value, unit in (
        ("Variability", features.rmssd_ms, "ms RMSSD"),
        ("Breathing", features.breathing_per_minute, "a minute"),
    ):
        said.append(Said(what, "", "", unclear) if value is None else Said(what, f"{value:.0f}", unit, found))
    return said


def draw_strip(canvas: Canvas, features: Features) -> Any:
    """Draw a lane each for wear, rest, steps and activity; red diamonds between them are falls."""
    plot = canvas.figure(
        "says", height_px=len(LANES) * LANE_PX + AXIS_PX, y_label="", y_range=(len(LANES), 0)
    )
    plot.ygrid.visible = False
    plot.yaxis.ticker = FixedTicker(ticks=[lane + 0.5 for lane in range(len(LANES))])
    plot.yaxis.major_label_overrides = {lane + 0.5: name for lane, name in enumerate(LANES)}
    boxes = _boxes(features)
    source = ColumnDataSource(
        {
            "left": [box.start_s for box in boxes],
            "right": [box.stop_s for box in boxes],
            "top": [box.lane + 0.15 for box in boxes],
            "bottom": [box.lane + 0.85 for box in boxes],
            "colour": [box.colour for box in boxes],
            "what": [box.what for box in boxes],
        }
    )
    drawn = plot.quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        source=source,
        fill_color="colour",
        line_width=0,
    )
    plot.add_tools(HoverTool(renderers=[drawn], tooltips="@what: @left{0} s to @right{0} s"))
    if features.falls:
        falls = ColumnDataSource(
            {
                "time": [fall.time_s for fall in features.falls],
                "lane": [LANES.index("steps") + 0.5] * len(features.falls),
                "score": [fall.score for fall in features.falls],
            }
        )
        dots = plot.scatter("time", "lane", source=falls, marker="diamond", size=14, color=FAULT)
        plot.add_tools(HoverTool(renderers=[dots], tooltips="fall at @time{0.0} s, score @score{0.00}"))
    return plot


class _Box(NamedTuple):
    lane: int
    start_s: float
    stop_s: float
    colour: str
    what: str


def _boxes(features: Features) -> list[_Box]:
    boxes = [
        _Box(LANES.index("worn"), span.start_s, span.stop_s, WORN, "worn")
        for span in features.wear or ()
        if span.on_wrist
    ]
    boxes += [
        _Box(LANES.index(lane), span.start_s, span.start_s + span.duration_s, colour, span.label)
        for lane, colour, spans in (("at rest", REST, features.rest), ("steps", STEPS, features.walking))
        for span in spans
    ]
    if features.activity is not None:
        minutes = zip(
            features.activity.time_s, features.activity.enmo_mg, features.activity.intensity, strict=True
        )
        boxes += [
            _Box(
                LANES.index("activity"),
                float(start_s),
                min(float(start_s) + 60, features.duration_s),
                INTENSITIES[Intensity(code)],
                f"{Intensity(code).name.lower()}, ENMO {enmo_mg:.0f} mg",
            )
            for start_s, enmo_mg, code in minutes
            if code != Intensity.UNKNOWN
        ]
    return boxes
