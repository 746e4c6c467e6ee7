"""Errors of the analysis, all under one root.

::

    AnalysisError
    ├── RecordingError          one file cannot be analysed: .path, .problem, .remedy
    │   ├── UnknownFormatError  a suffix that is not read
    │   ├── ColumnsError        the file has not the columns that were asked for, or none that are recognised
    │   └── BadRecordingError   cut off, damaged, empty, or no recording of a wrist
    ├── ColumnMapError          the description of the columns cannot be understood
    ├── NoRecordingsError       the paths lead to no recording
    ├── OutputError             the table cannot be written there
    └── SchedulerError          the cluster cannot be reached, has no workers, or went away

In an archive a `RecordingError` concerns its file alone: it becomes a row of the failures, and the rest goes on.
"""

from __future__ import annotations

from pathlib import Path


class AnalysisError(Exception):
    """Root of everything that this package raises on purpose."""


class RecordingError(AnalysisError, ValueError):
    """A file cannot be analysed; the message says which one, why, and what to do."""

    def __init__(self, problem: str, *, path: Path, remedy: str) -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{path}: {problem} ({remedy})")


class UnknownFormatError(RecordingError):
    """The suffix of the file is none of those read."""


class ColumnsError(RecordingError):
    """The columns that were asked for are not there, or none are recognised."""


class BadRecordingError(RecordingError):
    """The content is cut off, damaged, empty, or no recording of a wrist."""


class ColumnMapError(AnalysisError, ValueError):
    """The description of the columns cannot be understood."""


class NoRecordingsError(AnalysisError, ValueError):
    """The paths lead to no recording."""


class OutputError(AnalysisError):
    """The table cannot be written."""


class SchedulerError(AnalysisError):
    """The cluster cannot be reached, has no workers, or went away."""
