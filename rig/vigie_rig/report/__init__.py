"""One page that shows what a bench saw, and one table for the terminal."""

from vigie_rig.report.page import write_report
from vigie_rig.report.recording import BenchRecording, HeapHistory, HeartRate, LinkHistory, LogLine, Span

__all__ = ["BenchRecording", "HeapHistory", "HeartRate", "LinkHistory", "LogLine", "Span", "write_report"]
