"""Put the figures, the tables and the verdict on one page that needs no network."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vigie_rig.report.moment import choose_moment
from vigie_rig.report.panels import channel_colours, draw
from vigie_rig.report.recording import BenchRecording, Span
from vigie_rig.report.says import say
from vigie_rig.report.wording import (
    display_clock,
    display_duration,
    display_limit,
    display_name,
    display_value,
    failed_first,
    headline,
    margin,
)
from vigie_rig.results import BenchResult

__all__ = ["write_report"]

_MAX_LOG_LINES: Final = 2000
_MAX_JUMPS: Final = 14


def write_report(path: Path | str, result: BenchResult, recording: BenchRecording) -> None:
    """Write one self-contained HTML file: verdict, limits, zoomable traces, log, versions.

    All text from devices, traces and command lines is escaped. A 5 minute recording of 2 PPG channels at
    100 Hz and 3 axes at 104 Hz makes a page of about 3 MB; recordings above some 500,000 samples a channel
    are kept as minima and maxima.
    """
    panels = draw(recording)
    script, placed = components({panel.key: panel.plot for panel in panels}) if panels else ("", {})
    rows = _rows(result)
    log = recording.log
    page = _environment().get_template("page.html.j2")
    html = page.render(
        result=result,
        recording=recording,
        headline=headline(result.verdict),
        judged=[row for row in rows if row["limit"]],
        unjudged=[row for row in rows if not row["limit"]],
        said=[] if recording.features is None else say(recording.features),
        moment=choose_moment(recording),
        channel_colours=channel_colours(recording.ppg_channels),
        panels=[(panel, Markup(placed[panel.key])) for panel in panels],
        plots=Markup(script),
        libraries=[Markup(text) for text in Resources(mode="inline", components=["bokeh"]).js_raw],
        style=Markup(_asset("page.css")),
        behaviour=Markup(_asset("page.js")),
        jumps=_jumps(recording),
        log=log[:_MAX_LOG_LINES],
        log_left_out=max(0, len(log) - _MAX_LOG_LINES),
        log_levels=sorted({line.level for line in log}),
    )
    Path(path).write_text(html, encoding="utf-8")


def _rows(result: BenchResult) -> list[dict[str, Any]]:
    return [
        {
            "name": measurement.name,
            "title": display_name(measurement),
            "value": display_value(measurement),
            "unit": measurement.unit,
            "measured": measurement.value is not None,
            "limit": display_limit(measurement),
            "ok": measurement.ok,
            "margin": margin(measurement),
        }
        for measurement in failed_first(result.measurements)
    ]


def _jumps(recording: BenchRecording) -> list[dict[str, Any]]:
    """Stretches worth a button: the faults first, then the marks, with a little room around each."""
    faults = [(span, "fault") for span in recording.faults]
    marks = [(span, "mark") for span in recording.marks if span.duration_s > 0]
    chosen = (faults + marks)[:_MAX_JUMPS]
    labels = [span.label for span, _ in chosen]
    return [
        {
            "label": span.label,
            "at": display_clock(span.start_s) if labels.count(span.label) > 1 else "",
            "kind": kind,
            "to": _around(span),
        }
        for span, kind in chosen
    ]


def _around(span: Span) -> str:
    room_s = max(2.0, 0.1 * span.duration_s)
    return f"{max(0.0, span.start_s - room_s):.2f},{span.start_s + span.duration_s + room_s:.2f}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vigie_rig.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = display_clock
    environment.filters["duration"] = display_duration
    return environment


def _asset(name: str) -> str:
    return resources.files("vigie_rig.report").joinpath(name).read_text(encoding="utf-8")
