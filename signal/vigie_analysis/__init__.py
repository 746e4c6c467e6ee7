"""Whole recordings, from the file to a table of features: one, or an archive of thousands.

`read_recording` opens a file of any format that is read, `analyze_recording` computes its features;
`vigie_analysis.archive.analyze_archive` does both for many files on many cores, and writes Parquet.
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
from .features import Event, Features, analyze_recording
from .recording import Recording, Samples, read_recording

__all__ = [
    "AnalysisError",
    "BadRecordingError",
    "ColumnMapError",
    "Columns",
    "ColumnsError",
    "Event",
    "Features",
    "NoRecordingsError",
    "OutputError",
    "Recording",
    "RecordingError",
    "Samples",
    "SchedulerError",
    "UnknownFormatError",
    "analyze_recording",
    "parse_columns",
    "read_recording",
]
