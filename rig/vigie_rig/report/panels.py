"""The figures of the report: one shared time axis, faults and marks on every panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from bokeh.models import (
    AdaptiveTicker,
    BoxAnnotation,
    ColumnDataSource,
    CompositeTicker,
    CrosshairTool,
    CustomJSTickFormatter,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    RangeTool,
    Span as Ruler,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from vigie_rig.report.recording import BenchRecording, HeartRate, Span
from vigie_rig.report.signals import (
    Errors,
    Spectrum,
    break_at_gaps,
    envelope,
    errors_of,
    pulse_band,
    spectrum,
)

__all__ = ["Panel", "draw"]

INK: Final = "#1d2733"
MUTED: Final = "#64707e"
GRID: Final = "#e6e9ed"
FAULT: Final = "#b3261e"
ESTIMATE: Final = "#d9480f"
REFERENCE: Final = "#111827"
AXES: Final = ("#2364aa", "#c77700", "#5b8c3a")
CHANNEL_COLOURS: Final = {"green": "#1a8a5a", "red": "#c92a2a", "infrared": "#6741a5", "ir": "#6741a5"}
OTHER_CHANNELS: Final = ("#2364aa", "#c77700", "#1a8a5a")
MARK_COLOURS: Final = ("#8fb8de", "#f2c078", "#a5c882", "#d7a9e3", "#f19a9b", "#9ad1c9", "#c9c3a4")
SPECTRUM_PALETTE: Final = tuple(
    f"#{round(255 - 205 * f):02x}{round(255 - 165 * f):02x}{round(255 - 105 * f**1.3):02x}"
    for f in np.linspace(0, 1, 64)
)

OVERVIEW_BINS: Final = 1400
"""Stretches of the first view; about one a pixel."""

STORED_BINS: Final = 250_000
"""Longer recordings are kept as this many stretches of minimum and maximum, so that the page stays light."""

_MINUTES = """
const size = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
const digits = size >= 1 ? 0 : size >= 0.1 ? 1 : size >= 0.01 ? 2 : 3;
return vigieTime(tick, digits);
"""


@dataclass(frozen=True, eq=False)
class Panel:
    """One figure with its place on the page: an id, a title and one sentence on what is seen."""

    key: str
    title: str
    caption: str
    plot: figure


def draw(recording: BenchRecording) -> tuple[Panel, ...]:
    """Draw all panels for which there is something to draw, top to bottom."""
    return _Drawing(recording).panels()


class _Drawing:
    """The shared range, cross-hair and bands, so that each panel is a few lines."""

    def __init__(self, recording: BenchRecording) -> None:
        self.recording = recording
        end_s = recording.duration_s
        self.x_range = Range1d(0, end_s, bounds=(-0.02 * end_s, 1.02 * end_s), min_interval=0.2, name="time")
        self.cross = Ruler(dimension="height", line_color=MUTED, line_width=1, line_alpha=0.7)
        self.instants = [mark for mark in recording.marks if mark.duration_s == 0]
        self.stretches = [mark for mark in recording.marks if mark.duration_s > 0]
        labels = list(dict.fromkeys(mark.label for mark in self.stretches))
        self.colour_of = {
            label: MARK_COLOURS[index % len(MARK_COLOURS)] for index, label in enumerate(labels)
        }
        self.mark_bands = self._bands(self.stretches)
        self.fault_bands = self._bands([fault for fault in recording.faults if fault.duration_s > 0])
        self.fault_instants = self._bands([fault for fault in recording.faults if fault.duration_s == 0])

    def panels(self) -> tuple[Panel, ...]:
        drawn = [
            self.timeline(),
            self.ppg(),
            self.pulse(),
            self.motion(),
            *self.heart_rate(),
            self.link(),
            self.losses(),
            self.heap(),
        ]
        return tuple(panel for panel in drawn if panel is not None)

    def timeline(self) -> Panel:
        """The whole recording at a glance, never zoomed; its window is what all other panels show."""
        plot = self._figure("timeline", height=104, y_range=Range1d(0, 2), whole=True)
        plot.yaxis.visible = False
        plot.ygrid.visible = False
        self._lane(plot, self.mark_bands, bottom=0.08, top=0.92, faults=False)
        self._lane(plot, self.fault_bands, bottom=1.08, top=1.92, faults=True)
        plot.scatter(
            "start", 1.5, source=self.fault_instants, marker="inverted_triangle", size=11, color=FAULT
        )
        window = RangeTool(x_range=self.x_range, start_gesture="pan")
        window.overlay.fill_color = INK
        window.overlay.fill_alpha = 0.06
        window.overlay.line_color = INK
        window.overlay.line_alpha = 0.6
        plot.add_tools(window)
        return Panel(
            "timeline",
            "Timeline",
            "What the trace says about itself, and what the bench did to the board. Drag to choose what all panels show.",
            plot,
        )

    def ppg(self) -> Panel | None:
        recording = self.recording
        if not len(recording.ppg_time_s):
            return None
        time, values = break_at_gaps(recording.ppg_time_s, recording.ppg)
        plot = self._figure("ppg", height=200, y_label="counts")
        colours = _channel_colours(recording.ppg_channels)
        self._traces("ppg", plot, time, values, recording.ppg_channels, colours)
        return Panel(
            "ppg", "PPG", "As received, in counts of the sensor; a break in the line is a gap.", plot
        )

    def pulse(self) -> Panel | None:
        recording = self.recording
        band = pulse_band(recording.ppg_time_s, recording.ppg)
        if band is None:
            return None
        plot = self._figure("pulse", height=200, y_label="% of level")
        colours = _channel_colours(recording.ppg_channels)
        self._traces("pulse", plot, *band, recording.ppg_channels, colours, clip=0.004)
        if self.instants:
            source = ColumnDataSource({"x": np.array([mark.start_s for mark in self.instants])})
            beats = plot.vspan(x="x", source=source, line_color=MUTED, line_alpha=0.5, line_dash="dotted")
            beats.name = "instants"
            beats.visible = False
        return Panel("pulse", "Pulse", "The same between 0.5 and 5 Hz, in per cent of its level.", plot)

    def motion(self) -> Panel | None:
        recording = self.recording
        if not len(recording.acc_time_s):
            return None
        time, values = break_at_gaps(recording.acc_time_s, recording.acc_g)
        plot = self._figure("motion", height=180, y_label="g")
        self._traces("motion", plot, time, values, ("x", "y", "z"), AXES)
        return Panel("motion", "Motion", "Accelerometer as received.", plot)

    def heart_rate(self) -> list[Panel | None]:
        recording = self.recording
        ppg = spectrum(recording.ppg_time_s, recording.ppg)
        acc = spectrum(recording.acc_time_s, recording.acc_g)
        panels: list[Panel | None] = []
        if ppg is not None or recording.estimate is not None or recording.reference is not None:
            plot = self._figure(
                "heart_rate", height=340, y_label="beats per minute", y_range=Range1d(30, 230)
            )
            self._spectrum(plot, ppg)
            self._rates(plot, legend=True)
            panels.append(
                Panel(
                    "heart_rate",
                    "Heart rate over the PPG's spectrum",
                    "Darker is stronger, each window of 8 s by itself. Faint dots are estimates of low confidence.",
                    plot,
                )
            )
        if acc is not None:
            plot = self._figure("cadence", height=200, y_label="per minute", y_range=Range1d(30, 230))
            self._spectrum(plot, acc)
            self._rates(plot, legend=False)
            panels.append(
                Panel(
                    "cadence",
                    "The same rates over the spectrum of motion",
                    "An estimate that lies on a dark line here follows the steps, not the pulse.",
                    plot,
                )
            )
        if recording.estimate is not None and recording.reference is not None:
            panels.append(self._errors(errors_of(recording.estimate, recording.reference)))
        return panels

    def link(self) -> Panel | None:
        link = self.recording.link
        if link is None or not len(link.time_s):
            return None
        plot = self._figure("link", height=130, y_label="bytes/s")
        plot.y_range.start = 0  # type: ignore[attr-defined]
        plot.yaxis.formatter = NumeralTickFormatter(format="0.[0]a")
        time = np.asarray(link.time_s, dtype=np.float32)
        rate = np.asarray(link.bytes_per_s, dtype=np.float32)
        plot.varea_step(
            x=time, y1=np.zeros_like(rate), y2=rate, color=AXES[0], fill_alpha=0.18, step_mode="after"
        )
        plot.step(x=time, y=rate, color=AXES[0], mode="after", line_width=1.3)
        return Panel("link", "Link", "Bytes a second from the device to the host.", plot)

    def losses(self) -> Panel | None:
        link = self.recording.link
        if link is None or not len(link.time_s):
            return None
        time = np.asarray(link.time_s, dtype=np.float32)
        highest = max(1.0, float(np.max(link.frames_bad)), float(np.max(link.samples_lost)))
        plot = self._figure(
            "losses", height=130, y_label="count", y_range=Range1d(-0.06 * highest, 1.15 * highest)
        )
        for name, counts, colour, dash in (
            ("samples lost", link.samples_lost, FAULT, "solid"),
            ("bad frames", link.frames_bad, AXES[1], "dashed"),
        ):
            plot.step(
                x=time,
                y=np.asarray(counts, dtype=np.float32),
                mode="after",
                color=colour,
                line_dash=dash,
                line_width=2,
                legend_label=name,
            )
        _legend(plot)
        return Panel("losses", "Lost and damaged", "Counted from the beginning; flat is good.", plot)

    def heap(self) -> Panel | None:
        heap = self.recording.heap
        if heap is None or not len(heap.time_s):
            return None
        plot = self._figure("heap", height=130, y_label="kB")
        plot.step(
            x=np.asarray(heap.time_s, dtype=np.float32),
            y=np.asarray(heap.live_bytes, dtype=np.float32) / 1000,
            mode="after",
            color="#6741a5",
            line_width=1.6,
        )
        plot.y_range.start = 0  # type: ignore[attr-defined]
        return Panel("heap", "Heap of the device", "Live bytes after a collection; a slope is a leak.", plot)

    def _errors(self, errors: Errors) -> Panel | None:
        if not len(errors.time_s):
            return None
        reach = float(np.clip(1.15 * np.max(np.abs(errors.error_bpm)), 10, 40))
        plot = self._figure("errors", height=180, y_label="bpm", y_range=Range1d(-reach, reach))
        plot.add_layout(
            BoxAnnotation(bottom=-5, top=5, fill_color="#1a8a5a", fill_alpha=0.09, level="underlay")
        )
        plot.add_layout(Ruler(location=0, dimension="width", line_color=INK, line_alpha=0.5))
        outside = np.abs(errors.error_bpm) > reach
        source = ColumnDataSource(
            {
                "time": errors.time_s,
                "error": errors.error_bpm,
                "drawn": np.clip(errors.error_bpm, -0.96 * reach, 0.96 * reach),
                "alpha": _alpha(errors.confidence),
                "confidence": errors.confidence,
                "marker": np.where(outside, "triangle", "circle").tolist(),
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
        plot.add_tools(
            HoverTool(
                renderers=[dots],
                tooltips=[("error", "@error{+0.0} bpm"), ("confidence", "@confidence{0.00}")],
            )
        )
        mean = float(np.mean(np.abs(errors.error_bpm)))
        within = float(np.mean(np.abs(errors.error_bpm) <= 5))
        return Panel(
            "errors",
            "Error of the estimate",
            f"Estimate minus reference: {mean:.2f} bpm on average, {within:.0%} within ±5 bpm (the band)."
            + (" Triangles lie further out." if outside.any() else ""),
            plot,
        )

    def _rates(self, plot: figure, *, legend: bool) -> None:
        reference, estimate = self.recording.reference, self.recording.estimate
        if reference is not None and len(reference.time_s):
            named = {"legend_label": "reference"} if legend else {}
            line = {"source": _rate_source(reference), "line_join": "round"}
            plot.line("time", "bpm", line_color="white", line_width=4, line_alpha=0.75, **line)
            plot.line("time", "bpm", line_color=REFERENCE, line_width=1.6, **line, **named)
        if estimate is not None and len(estimate.time_s):
            named = {"legend_label": "estimate"} if legend else {}
            source = _rate_source(estimate)
            dots = plot.scatter(
                "time", "bpm", source=source, size=6, color=ESTIMATE, alpha="alpha", line_color=None, **named
            )
            plot.add_tools(
                HoverTool(
                    renderers=[dots],
                    tooltips=[("estimate", "@bpm{0.0} bpm"), ("confidence", "@confidence{0.00}")],
                )
            )
        if legend:
            _legend(plot)

    def _spectrum(self, plot: figure, found: Spectrum | None) -> None:
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

    def _traces(
        self,
        key: str,
        plot: figure,
        time: NDArray[Any],
        values: NDArray[Any],
        names: tuple[str, ...],
        colours: tuple[str, ...],
        *,
        clip: float = 0.0,
    ) -> None:
        """Draw lines that the page's script refills in full detail from `<key>:full` when zoomed."""
        stored_time, stored = envelope(time, values, bins=STORED_BINS)
        first_time, first = envelope(stored_time, stored, bins=OVERVIEW_BINS)
        columns = [f"c{index}" for index in range(len(names))]
        full = ColumnDataSource(
            {"t": np.asarray(stored_time, dtype=np.float32)}
            | {
                column: np.asarray(row, dtype=np.float32) for column, row in zip(columns, stored, strict=True)
            },
            name=f"{key}:full",
        )
        shown = ColumnDataSource(
            {"t": np.asarray(first_time, dtype=np.float32)}
            | {column: np.asarray(row, dtype=np.float32) for column, row in zip(columns, first, strict=True)},
            name=f"{key}:shown",
        )
        for column, name, colour in zip(columns, names, colours, strict=False):
            plot.line("t", column, source=shown, color=colour, line_width=1.2, legend_label=name)
        low, high = _reach(first, clip)
        plot.y_range = Range1d(low, high, name=f"{key}:y")
        plot.tags = [{"full": full, "clip": clip}]
        _legend(plot)

    def _figure(
        self, key: str, *, height: int, y_label: str = "", y_range: Range1d | None = None, whole: bool = False
    ) -> figure:
        options: dict[str, Any] = {} if y_range is None else {"y_range": y_range}
        end_s = self.recording.duration_s
        plot = figure(
            name=key,
            height=height,
            sizing_mode="stretch_width",
            x_range=Range1d(0, end_s) if whole else self.x_range,
            tools="" if whole else "xbox_zoom,xpan",
            toolbar_location=None,
            min_border_left=76,
            min_border_right=18,
            min_border_top=6,
            background_fill_color=None,
            border_fill_color=None,
            outline_line_color=GRID,
            output_backend="canvas",
            **options,
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
        plot.yaxis.axis_label = y_label
        plot.yaxis.formatter = NumeralTickFormatter(format="0.[00]a")
        plot.xaxis.formatter = CustomJSTickFormatter(code=_MINUTES)
        plot.xaxis.ticker = CompositeTicker(
            tickers=[
                AdaptiveTicker(base=10, mantissas=[1, 2, 5], max_interval=5, num_minor_ticks=0),
                AdaptiveTicker(base=60, mantissas=[1, 2, 5, 10, 15, 30], min_interval=5, num_minor_ticks=0),
            ]
        )
        if not whole:
            plot.add_tools(CrosshairTool(overlay=self.cross))
            self._annotate(plot)
        return plot

    def _annotate(self, plot: figure) -> None:
        plot.vstrip(
            x0="start", x1="stop", source=self.mark_bands, fill_color="colour", fill_alpha=0.13, line_color=None,
            level="underlay",
        )  # fmt: skip
        plot.vstrip(
            x0="start", x1="stop", source=self.fault_bands, fill_color=FAULT, fill_alpha=0.07, hatch_color=FAULT,
            hatch_pattern="right_diagonal_line", hatch_alpha=0.3, hatch_scale=9, line_color=FAULT, line_alpha=0.6,
        )  # fmt: skip
        plot.vspan(
            x="start", source=self.fault_instants, line_color=FAULT, line_width=1.6, line_dash="dashed"
        )

    def _bands(self, spans: list[Span]) -> ColumnDataSource:
        return ColumnDataSource(
            {
                "start": [span.start_s for span in spans],
                "stop": [span.start_s + span.duration_s for span in spans],
                "middle": [span.start_s + span.duration_s / 2 for span in spans],
                "label": [span.label for span in spans],
                "colour": [self.colour_of.get(span.label, FAULT) for span in spans],
            }
        )

    def _lane(
        self, plot: figure, bands: ColumnDataSource, *, bottom: float, top: float, faults: bool
    ) -> None:
        hatch = (
            {"hatch_pattern": "right_diagonal_line", "hatch_color": FAULT, "hatch_alpha": 0.4}
            if faults
            else {}
        )
        boxes = plot.quad(
            left="start", right="stop", bottom=bottom, top=top, source=bands, fill_color="colour",
            fill_alpha=0.2 if faults else 0.75, line_color=FAULT if faults else "white", **hatch,
        )  # fmt: skip
        plot.text(
            "middle", (bottom + top) / 2, text="label", source=bands, text_align="center",
            text_baseline="middle", text_font_size="12px", text_color=FAULT if faults else INK,
        )  # fmt: skip
        plot.add_tools(HoverTool(renderers=[boxes], tooltips="@label"))


def _channel_colours(names: tuple[str, ...]) -> tuple[str, ...]:
    found = [CHANNEL_COLOURS.get(name.lower()) for name in names]
    if None in found or len(set(found)) < len(found):
        return tuple(OTHER_CHANNELS[index % len(OTHER_CHANNELS)] for index in range(len(names)))
    return tuple(colour for colour in found if colour is not None)


def _rate_source(rate: HeartRate) -> ColumnDataSource:
    confidence = (
        np.ones(len(rate.time_s)) if rate.confidence is None else np.asarray(rate.confidence, dtype=float)
    )
    return ColumnDataSource(
        {
            "time": np.asarray(rate.time_s, dtype=float),
            "bpm": np.asarray(rate.bpm, dtype=float),
            "confidence": confidence,
            "alpha": _alpha(confidence),
        }
    )


def _alpha(confidence: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(0.2 + 0.8 * np.clip(np.nan_to_num(confidence), 0, 1), dtype=np.float64)


def _reach(values: NDArray[Any], clip: float) -> tuple[float, float]:
    seen = values[np.isfinite(values)]
    if not len(seen):
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.quantile(seen, (clip, 1 - clip)))
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _legend(plot: figure) -> None:
    plot.legend.orientation = "horizontal"
    plot.legend.location = "top_right"
    plot.legend.background_fill_alpha = 0.8
    plot.legend.border_line_color = None
    plot.legend.label_text_font_size = "12px"
    plot.legend.label_text_color = INK
    plot.legend.padding = 4
    plot.legend.margin = 4
    plot.legend.spacing = 12
    plot.legend.glyph_width = 16
    plot.legend.click_policy = "hide"
