"""Whole recordings, from the file to a table of features: one, or an archive of thousands.

`read_recording` opens a file of any format that is read; `vigie_analysis.features.analyze_recording` computes its
features; `vigie_analysis.archive.analyze_archive` does both for many files on many cores, and writes Parquet.
"""

from .columns import Columns, parse_columns
from .errors import (
    AnalysisError,
    BadRecordingError,
    ColumnMapError,
    ColumnsError,
    NoRecordingsError,
    OutputError,
    RecordingError,
    SchedulerError,
    UnknownFormatError,
)
from .recording import Recording, Samples, read_recording

__all__ = [
    "AnalysisError",
    "BadRecordingError",
    "ColumnMapError",
    "Columns",
    "ColumnsError",
    "NoRecordingsError",
    "OutputError",
    "Recording",
    "RecordingError",
    "Samples",
    "SchedulerError",
    "UnknownFormatError",
    "parse_columns",
    "read_recording",
]
