"""Our own traces as files: BDF+ (24-bit EDF+), which EDFbrowser and every tool of the field open."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from edfio import Bdf, BdfSignal, EdfAnnotation
from numpy.typing import NDArray

from vigie_analysis import RecordingError
from vigie_analysis.files import EdfFile, signals_of

from ._errors import BadTraceError, TraceError, UnknownTraceFormatError
from ._trace import HeartRateReference, Mark, Trace

PPG_RANGE = (0.0, 8388.607)
ACC_RANGE = (-64.0, 64.0)
_INFO = "vigie "
_HEART_RATE = "heart-rate "


def save_trace(trace: Trace, path: str | Path) -> None:
    """Write a trace as BDF+.

    PPG and acceleration are one signal a channel, at their own rates and 24 bits. PPG spans 0 to 8388.607
    nA/mA, so one step is 0.0005 nA/mA and a value comes back within 0.00025; acceleration spans -64 to 64
    g, one step is 7.63 µg and a value comes back within 3.82 µg. Marks are annotations, the heart rate
    reference is one annotation ``heart-rate BPM`` a window, and a first annotation ``vigie {...}`` holds
    the name and the numbers of samples (the last data record is padded). Times keep the microsecond, heart
    rates 0.001 bpm.

    Raises
    ------
    TraceError
        The suffix is not ``.bdf``, values lie outside the spans, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".bdf":
        raise UnknownTraceFormatError(
            f"traces are not written as {path.suffix or 'a file without suffix'}",
            path=path,
            remedy="name it .bdf",
        )
    try:
        path.write_bytes(to_bdf_bytes(trace))
    except OSError as error:
        raise TraceError(
            f"cannot be written: {error.strerror}", path=path, remedy="choose another place"
        ) from error


def to_bdf_bytes(trace: Trace) -> bytes:
    """What `save_trace` writes: the same trace gives the same bytes."""
    record_s = _record_duration_s(trace.ppg_rate_hz, trace.acc_rate_hz)
    records = max(
        int(np.ceil(samples / (rate_hz * record_s) - 1e-9))
        for samples, rate_hz in (
            (trace.ppg.shape[1], trace.ppg_rate_hz),
            (trace.acc_g.shape[1], trace.acc_rate_hz),
        )
    )

    def signal(
        label: str, row: NDArray[np.float64], rate_hz: float, span: tuple[float, float], unit: str
    ) -> BdfSignal:
        low, high = span
        if row.min() < low or row.max() > high:
            raise BadTraceError(
                f"{label} runs from {row.min():g} to {row.max():g} {unit}, outside {low:g} to {high:g}",
                remedy="scale it before saving",
            )
        padded = np.pad(row, (0, round(records * record_s * rate_hz) - len(row)), mode="edge")
        return BdfSignal(padded, rate_hz, label=label, physical_dimension=unit, physical_range=span)

    signals = [
        signal(f"PPG {name}", row, trace.ppg_rate_hz, PPG_RANGE, "nA/mA")
        for name, row in zip(trace.ppg_channels, trace.ppg, strict=True)
    ]
    signals += [
        signal(f"ACC {axis}", row, trace.acc_rate_hz, ACC_RANGE, "g")
        for axis, row in zip("XYZ", trace.acc_g, strict=True)
    ]
    info: dict[str, Any] = {
        "name": trace.name,
        "ppg_samples": trace.ppg.shape[1],
        "acc_samples": trace.acc_g.shape[1],
    }
    notes = [EdfAnnotation(mark.start_s, mark.duration_s or None, mark.label) for mark in trace.marks]
    if trace.reference is not None:
        info["window_s"] = trace.reference.window_s
        notes += [
            EdfAnnotation(float(time_s), None, f"{_HEART_RATE}{bpm:.3f}")
            for time_s, bpm in zip(trace.reference.time_s, trace.reference.bpm, strict=True)
        ]
    notes = [EdfAnnotation(round(n.onset, 6), n.duration and round(n.duration, 6), n.text) for n in notes]
    notes.insert(0, EdfAnnotation(0.0, None, _INFO + json.dumps(info, ensure_ascii=True)))
    return Bdf(signals, data_record_duration=record_s, annotations=notes).to_bytes()


def with_own_hash(trace: Trace) -> Trace:
    """The trace with `sha256` set to that of the file it would be written as."""
    return replace(trace, sha256=sha256(to_bdf_bytes(trace)).hexdigest())


def load_bdf(path: Path, content: bytes) -> Trace:
    """Read what `save_trace` wrote; other EDF and BDF files where their signals say PPG and ACC."""
    try:
        file = EdfFile(path).read()
    except RecordingError as error:
        raise BadTraceError(error.problem, path=path, remedy=error.remedy) from error
    signals, notes = signals_of(file), list(file.annotations)
    info: dict[str, Any] = {}
    for note in notes:
        if note.text.startswith(_INFO):
            info = json.loads(note.text[len(_INFO) :])
    ppg = [signal for signal in signals if signal.label.startswith("PPG ")]
    acc = [signal for signal in signals if signal.label.startswith("ACC ")]
    if not info or not ppg or len(acc) != 3:
        raise BadTraceError(
            "is not one of our traces: no signals 'PPG ...' and 'ACC X/Y/Z' with our annotation",
            path=path,
            remedy="write it with vigie_rig.traces.save_trace",
        )
    reference = None
    rates = [note for note in notes if note.text.startswith(_HEART_RATE)]
    if "window_s" in info:
        reference = HeartRateReference(
            np.array([note.onset for note in rates]),
            np.array([float(note.text[len(_HEART_RATE) :]) for note in rates]),
            float(info["window_s"]),
        )
    return Trace(
        name=info["name"],
        sha256=sha256(content).hexdigest(),
        ppg=np.array([signal.data[: info["ppg_samples"]] for signal in ppg]),
        ppg_channels=tuple(signal.label[4:] for signal in ppg),
        ppg_rate_hz=ppg[0].sampling_frequency,
        acc_g=np.array([signal.data[: info["acc_samples"]] for signal in acc]),
        acc_rate_hz=acc[0].sampling_frequency,
        reference=reference,
        marks=tuple(
            Mark(note.onset, note.duration or 0.0, note.text)
            for note in notes
            if not note.text.startswith((_INFO, _HEART_RATE))
        ),
    )


def _record_duration_s(*rates_hz: float) -> float:
    """The shortest data record that holds a whole number of samples of every signal."""
    for duration_s in (1, 2, 4, 5, 8, 10, 16, 20, 25, 40, 50):
        if all(abs(rate_hz * duration_s - round(rate_hz * duration_s)) < 1e-9 for rate_hz in rates_hz):
            return float(duration_s)
    raise BadTraceError(
        f"BDF+ cannot hold the rates {rates_hz} Hz together", remedy="resample to whole rates"
    )
