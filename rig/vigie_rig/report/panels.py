"""The panels of the report, from the raw signals down to the heap, each with one sentence on what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper
from bokeh.models.annotations import BoxAnnotation
from bokeh.models.annotations import Span as Ruler
from numpy.typing import NDArray

from vigie_rig.report.canvas import FAULT, INK, Canvas
from vigie_rig.report.recording import BenchRecording, HeartRate
from vigie_rig.report.says import draw_strip
from vigie_rig.report.signals import Spectrum, break_at_gaps, errors_of, pulse_band, spectrum
from vigie_rig.report.timeline import draw_timeline

__all__ = ["Panel", "channel_colours", "draw"]

ESTIMATE: Final = "#d9480f"
REFERENCE: Final = "#111827"
AXES: Final = {"x": "#2364aa", "y": "#c77700", "z": "#5b8c3a"}
LIGHT_COLOURS: Final = {
    "green": ("#1a8a5a", "#8ab62f", "#0b5e6b"),
    "red": ("#c92a2a", "#e8833a", "#8f1d4f"),
    "infrared": ("#6741a5", "#b07cd8", "#3b2a6b"),
    "ir": ("#6741a5", "#b07cd8", "#3b2a6b"),
}
OTHER_CHANNELS: Final = ("#2364aa", "#c77700", "#1a8a5a")
SPECTRUM_PALETTE: Final = tuple(f"#1f4e9c{round(235 * level**1.2):02x}" for level in np.linspace(0, 1, 64))

STILL_G: Final = 0.02
"""Motion below this amplitude leaves its spectrum white."""

NO_PULSE_PERCENT: Final = 0.01
"""Pulses of this amplitude are lost in the sensor's noise."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One figure with its place on the page; `legend` names its lines and their colours."""

    key: str
    title: str
    caption: str
    plot: Any
    legend: dict[str, str]


def draw(recording: BenchRecording) -> tuple[Panel, ...]:
    """Draw all panels for which there is something to draw, top to bottom; none for an empty recording."""
    canvas = Canvas(recording)
    timeline = Panel(
        "timeline",
        "Timeline",
        "Marks of the trace, in red the faults of the bench, and as thin bars the PPG and the motion received."
        " Drag or click to choose what is shown.",
        draw_timeline(canvas, recording),
        {},
    )
    drawn = [
        timeline,
        _says(canvas, recording),
        _ppg(canvas, recording),
        _pulse(canvas, recording),
        _motion(canvas, recording),
        _heart_rate(canvas, recording),
        _cadence(canvas, recording),
        _errors(canvas, recording),
        _link(canvas, recording),
        _losses(canvas, recording),
        _heap(canvas, recording),
    ]
    panels = tuple(panel for panel in drawn if panel is not None)
    return panels if len(panels) > 1 or recording.marks or recording.faults else ()


def channel_colours(names: tuple[str, ...]) -> dict[str, str]:
    """The colour of each channel: a shade of its light where the name says so."""
    colours: dict[str, str] = {}
    for name in names:
        shades = LIGHT_COLOURS.get(name.lower().rstrip("0123456789 _-"), OTHER_CHANNELS)
        free = [shade for shade in shades if shade not in colours.values()]
        colours[name] = free[0] if free else INK
    return colours


def _says(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    features = recording.features
    if features is None or features.steps is None:
        return None
    caption = "Read from the samples received; of activity, darker is more. Red diamonds are falls."
    return Panel("says", "Wear, rest, steps, activity", caption, draw_strip(canvas, features), {})


def _ppg(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    if not len(recording.ppg_time_s):
        return None
    colours = channel_colours(recording.ppg_channels)
    plot = canvas.figure("ppg", height_px=200, y_label="counts")
    canvas.traces(plot, *break_at_gaps(recording.ppg_time_s, recording.ppg), colours)
    caption = "As received, in counts of the sensor; a break in the line is a gap."
    return Panel("ppg", "PPG", caption, plot, colours)


def _pulse(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    band = pulse_band(recording.ppg_time_s, recording.ppg)
    if band is None:
        return None
    colours = channel_colours(recording.ppg_channels)
    plot = canvas.figure("pulse", height_px=220, y_label="% of level")
    canvas.traces(plot, *band, colours, clip=0.01, widest=(-25.0, 25.0))
    caption = "The same between 0.5 and 5 Hz, in per cent of its level."
    if len(canvas.beats):
        source = ColumnDataSource({"x": canvas.beats})
        beats = plot.vspan(x="x", source=source, line_color=INK, line_alpha=0.35, line_dash="dotted")
        beats.name = "beats"
        beats.visible = False
        caption += " Zoomed in, dotted lines are the beats that the trace knows of."
    return Panel("pulse", "Pulse", caption, plot, colours)


def _motion(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    if not len(recording.acc_time_s):
        return None
    plot = canvas.figure("motion", height_px=180, y_label="g")
    canvas.traces(plot, *break_at_gaps(recording.acc_time_s, recording.acc_g), AXES)
    return Panel("motion", "Motion", "Accelerometer as received.", plot, AXES)


def _heart_rate(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    band = pulse_band(recording.ppg_time_s, recording.ppg)
    found = None if band is None else spectrum(*band, silence=NO_PULSE_PERCENT)
    if found is None and recording.estimate is None and recording.reference is None:
        return None
    plot = canvas.figure("heart_rate", height_px=340, y_label="beats per minute", y_range=(30, 230))
    _draw_spectrum(plot, found)
    legend = _draw_rates(plot, recording)
    caption = "Darker is stronger, each window of 8 s by itself."
    if recording.estimate is not None and recording.estimate.confidence is not None:
        caption += " Faint dots are estimates of low confidence."
    return Panel("heart_rate", "Heart rate over the spectrum of the PPG", caption, plot, legend)


def _cadence(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    found = spectrum(recording.acc_time_s, recording.acc_g, silence=STILL_G)
    if found is None:
        return None
    plot = canvas.figure("cadence", height_px=200, y_label="per minute", y_range=(30, 230))
    _draw_spectrum(plot, found)
    legend = _draw_rates(plot, recording)
    caption = "An estimate that stays on a dark line here follows the steps, not the pulse."
    return Panel("cadence", "The same over the spectrum of motion", caption, plot, legend)


def _errors(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    if recording.estimate is None or recording.reference is None:
        return None
    errors = errors_of(recording.estimate, recording.reference)
    if not len(errors.time_s):
        return None
    size = np.abs(errors.error_bpm)
    reach = float(np.clip(1.15 * size.max(), 10, 40))
    plot = canvas.figure("errors", height_px=190, y_label="bpm", y_range=(-reach, reach))
    plot.add_layout(BoxAnnotation(bottom=-5, top=5, fill_color="#1a8a5a", fill_alpha=0.1, level="underlay"))
    plot.add_layout(Ruler(location=0, dimension="width", line_color=INK, line_alpha=0.5))
    source = ColumnDataSource(
        {
            "time": errors.time_s,
            "error": errors.error_bpm,
            "drawn": np.clip(errors.error_bpm, -0.96 * reach, 0.96 * reach),
            "alpha": _alpha(errors.confidence),
            "confidence": errors.confidence,
            "marker": np.where(size > reach, "triangle", "circle").tolist(),
        }
    )
    dots = plot.scatter(
        "time",
        "drawn",
        source=source,
        marker="marker",
        size=6,
        color=ESTIMATE,
        alpha="alpha",
        line_color=None,
    )
    tooltips = [("error", "@error{+0.0} bpm"), ("confidence", "@confidence{0.00}")]
    plot.add_tools(HoverTool(renderers=[dots], tooltips=tooltips))
    caption = (
        f"Estimate minus reference: {size.mean():.2f} bpm on average,"
        f" {np.mean(size <= 5):.0%} within ±5 bpm (the band)."
    )
    if (size > reach).any():
        caption += " Triangles lie further out."
    return Panel("errors", "Error of the estimate", caption, plot, {})


def _link(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    link = recording.link
    if link is None or not len(link.time_s):
        return None
    highest = max(1.0, float(np.max(link.bytes_per_s)))
    plot = canvas.figure("link", height_px=130, y_label="bytes/s", y_range=(0, 1.15 * highest))
    time, rate = _float32(link.time_s), _float32(link.bytes_per_s)
    plot.varea_step(
        x=time, y1=np.zeros_like(rate), y2=rate, color=AXES["x"], fill_alpha=0.18, step_mode="after"
    )
    plot.step(x=time, y=rate, color=AXES["x"], mode="after", line_width=1.3)
    return Panel("link", "Link", "Bytes a second from the device to the host.", plot, {})


def _losses(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    link = recording.link
    if link is None or not len(link.time_s):
        return None
    highest = max(1.0, float(np.max(link.frames_bad)), float(np.max(link.samples_missing)))
    plot = canvas.figure("losses", height_px=130, y_label="count", y_range=(-0.08 * highest, 1.15 * highest))
    legend = {"samples missing by their numbers": FAULT, "bad frames": AXES["y"]}
    for name, counts, dash in (
        ("samples missing by their numbers", link.samples_missing, "solid"),
        ("bad frames", link.frames_bad, "dashed"),
    ):
        plot.step(
            x=_float32(link.time_s),
            y=_float32(counts),
            mode="after",
            color=legend[name],
            line_dash=dash,
            line_width=2,
            name=f"losses:{name}",
        )
    return Panel("losses", "Lost and damaged", "Counted from the beginning; flat is good.", plot, legend)


def _heap(canvas: Canvas, recording: BenchRecording) -> Panel | None:
    heap = recording.heap
    if heap is None or not len(heap.time_s):
        return None
    kilobytes = _float32(heap.live_bytes) / 1000
    plot = canvas.figure(
        "heap", height_px=130, y_label="kB", y_range=(0, 1.2 * max(1.0, float(kilobytes.max())))
    )
    plot.step(x=_float32(heap.time_s), y=kilobytes, mode="after", color="#6741a5", line_width=1.8)
    caption = "Live bytes after a collection; a slope is a leak."
    return Panel("heap", "Heap of the device", caption, plot, {})


def _draw_rates(plot: Any, recording: BenchRecording) -> dict[str, str]:
    """Draw reference and estimate with a light rim, so that they stand out on the spectrum."""
    legend: dict[str, str] = {}
    reference, estimate = recording.reference, recording.estimate
    if reference is not None and len(reference.time_s):
        source = _rate_source(reference)
        for colour, width in (("white", 4.5), (REFERENCE, 1.7)):
            plot.line(
                "time", "bpm", source=source, color=colour, line_width=width, name=f"{plot.name}:reference"
            )
        legend["reference"] = REFERENCE
    if estimate is not None and len(estimate.time_s):
        source = _rate_source(estimate)
        name = f"{plot.name}:estimate"
        plot.line("time", "bpm", source=source, color=ESTIMATE, line_width=1, line_alpha=0.35, name=name)
        dots = plot.scatter(
            "time",
            "bpm",
            source=source,
            size=7,
            fill_color=ESTIMATE,
            alpha="alpha",
            line_color="white",
            line_width=0.6,
            name=name,
        )
        tooltips = [("estimate", "@bpm{0.0} bpm"), ("confidence", "@confidence{0.00}")]
        plot.add_tools(HoverTool(renderers=[dots], tooltips=tooltips))
        legend["estimate"] = ESTIMATE
    return legend


def _draw_spectrum(plot: Any, found: Spectrum | None) -> None:
    if found is None:
        return
    step_s = found.time_s[1] - found.time_s[0] if len(found.time_s) > 1 else 1.0
    step_bpm = found.bpm[1] - found.bpm[0]
    plot.image(
        image=[found.level],
        x=found.time_s[0] - step_s / 2,
        y=found.bpm[0] - step_bpm / 2,
        dw=step_s * len(found.time_s),
        dh=step_bpm * len(found.bpm),
        color_mapper=LinearColorMapper(palette=list(SPECTRUM_PALETTE), low=0, high=255),
        level="image",
    )
    plot.grid.visible = False


def _rate_source(rate: HeartRate) -> ColumnDataSource:
    certain = np.ones(len(rate.time_s))
    confidence = certain if rate.confidence is None else np.asarray(rate.confidence, dtype=np.float64)
    return ColumnDataSource(
        {
            "time": np.asarray(rate.time_s, dtype=np.float64),
            "bpm": np.asarray(rate.bpm, dtype=np.float64),
            "confidence": confidence,
            "alpha": _alpha(confidence),
        }
    )


def _alpha(confidence: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(0.2 + 0.8 * np.clip(np.nan_to_num(confidence), 0, 1), dtype=np.float64)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
