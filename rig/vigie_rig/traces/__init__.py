"""Traces: recordings of a wrist that the rig plays into sensor registers, with the truth where known."""

from ._bdf import save_trace
from ._errors import BadTraceError, TraceError, TraceNotFoundError, UnknownTraceFormatError
from ._load import load_trace
from ._summary import TraceSummary, summary
from ._synth import synthesize
from ._trace import HeartRateReference, Mark, Trace

__all__ = [
    "BadTraceError",
    "HeartRateReference",
    "Mark",
    "Trace",
    "TraceError",
    "TraceNotFoundError",
    "TraceSummary",
    "UnknownTraceFormatError",
    "load_trace",
    "save_trace",
    "summary",
    "synthesize",
]
