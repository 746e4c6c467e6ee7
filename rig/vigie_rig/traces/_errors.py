"""Errors of the traces.

::

    TraceError(ValueError)            anything wrong with a trace: .path, .problem, .remedy
    ├── TraceNotFoundError            no such file
    ├── UnknownTraceFormatError       a suffix that is not read or written
    └── BadTraceError                 the content cannot be a trace, or cannot be stored
"""

from __future__ import annotations

from pathlib import Path


class TraceError(ValueError):
    """A trace cannot be used; the message says which one, why, and what to do."""

    def __init__(self, problem: str, *, path: Path | None = None, remedy: str = "") -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        where = f"{path}: " if path is not None else ""
        super().__init__(f"{where}{problem}" + (f" ({remedy})" if remedy else ""))


class TraceNotFoundError(TraceError):
    """The file of the trace does not exist."""


class UnknownTraceFormatError(TraceError):
    """The suffix of the file is none of those read or written."""


class BadTraceError(TraceError):
    """The content is damaged, is no recording of a wrist, or does not fit the format."""
