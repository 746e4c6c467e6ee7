"""Streams kept as BDF+ (24-bit EDF+): raw counts, at the sensors' measured rates, gaps annotated."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from edfio import Bdf, BdfSignal, EdfAnnotation
from numpy.typing import NDArray

from vigie.errors import VigieError
from vigie.sample_clock import fit_sample_clock
from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_protocol.messages import Configuration

_RECORD_S: Final = 20
"""Length of a data record: rates are kept to 1/20 Hz, and a record stays below EDF's 61,440 bytes."""
_GAP_MOST: Final = 10_000_000


class NothingRecorded(VigieError):
    """There are no samples to write."""


def write_bdf(
    path: Path, blocks: Sequence[SampleBlock], configuration: Configuration, *, name: str = ""
) -> dict[Stream, int]:
    """Write the blocks of one session; return the samples written of each stream that has any, filled gaps included.

    A count of the file is a count of the sensor: PPG in nA for each mA of LED current, acceleration in g. Missing
    samples repeat the one before and are annotated ``gap PPG`` or ``gap ACC`` with their duration. With both streams
    the file is a trace that ``vigie bench`` can play again. A file that is there is replaced when the new one is whole.

    Raises
    ------
    NothingRecorded
        No block has samples.
    OSError
        The file cannot be written.
    """
    notes: list[EdfAnnotation] = []
    signals: list[BdfSignal] = []
    samples: dict[Stream, int] = {}
    columns: list[tuple[Stream, NDArray[Any], float, float, str, tuple[str, ...]]] = []
    for stream in (Stream.PPG, Stream.ACCELEROMETER):
        mine = [block for block in blocks if block.stream is stream and len(block.samples)]
        if not mine:
            continue
        rate_hz = round(fit_sample_clock(mine).rate_hz * _RECORD_S) / _RECORD_S
        rows, gaps = _join(mine)
        samples[stream] = len(rows)
        scale = mine[0].scale
        if stream is Stream.PPG:
            scale /= configuration.ppg_led_ua / 1000 or 1.0
            labels, unit = tuple(f"PPG {each}" for each in mine[0].channels), "nA/mA"
        else:
            labels, unit = tuple(f"ACC {each.upper()}" for each in mine[0].channels), "g"
        columns.append((stream, rows, rate_hz, scale, unit, labels))
        notes += [
            EdfAnnotation(round(first / rate_hz, 6), round(count / rate_hz, 6), f"gap {labels[0][:3]}")
            for first, count in gaps
        ]
    if not columns:
        raise NothingRecorded(f"no samples came: nothing is written to {path}")
    records = max(math.ceil(len(rows) / (rate_hz * _RECORD_S) - 1e-9) for _, rows, rate_hz, *_ in columns)
    for _, rows, rate_hz, scale, unit, labels in columns:
        padded = np.pad(rows, ((0, round(records * _RECORD_S * rate_hz) - len(rows)), (0, 0)), mode="edge")
        span = (-(1 << 23) * scale, ((1 << 23) - 1) * scale)
        signals += [
            BdfSignal(column * scale, rate_hz, label=label, physical_dimension=unit, physical_range=span)
            for label, column in zip(labels, padded.T, strict=True)
        ]
    info = {
        "name": name or path.stem,
        "ppg_samples": samples.get(Stream.PPG, 0),
        "acc_samples": samples.get(Stream.ACCELEROMETER, 0),
        "configuration": {
            field.name: getattr(configuration, field.name)
            for field in Configuration.FIELDS
            if field.name != "request"
        },
    }
    notes.insert(0, EdfAnnotation(0.0, None, "vigie " + json.dumps(info)))
    part = path.with_name(path.name + ".part")
    part.write_bytes(Bdf(signals, data_record_duration=_RECORD_S, annotations=notes).to_bytes())
    part.replace(path)
    return samples


def _join(blocks: Sequence[SampleBlock]) -> tuple[NDArray[Any], list[tuple[int, int]]]:
    """All samples in a row, gaps filled with the sample before, and where they are: first sample, count."""
    rows: list[NDArray[Any]] = []
    gaps: list[tuple[int, int]] = []
    begin = expected = blocks[0].first_sample
    for block in blocks:
        missing = block.first_sample - expected
        if 0 < missing < _GAP_MOST and rows:
            gaps.append((expected - begin, missing))
            rows.append(np.repeat(rows[-1][-1:], missing, axis=0))
        rows.append(block.samples)
        expected = block.first_sample + len(block.samples)
    return np.concatenate(rows), gaps
