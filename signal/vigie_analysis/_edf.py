"""EDF and BDF recordings, read block by block."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from edfio import Bdf, BdfSignal, Edf, EdfSignal

from .columns import G_PER_UNIT, Columns, indices
from .errors import ColumnsError
from .files import EdfFile, signals_of
from .recording import Float32, Recording, Samples

_PPG = re.compile(r"ppg|pleth|bvp", re.IGNORECASE)
_ACC = re.compile(r"acc", re.IGNORECASE)
_INFO = "vigie "

Signals = Sequence[EdfSignal | BdfSignal]


def read(path: Path, columns: Columns) -> Recording:
    """Open a recording, see `read_recording`."""
    file = EdfFile(path)
    beginning = file.read(0, 1)
    signals = signals_of(beginning)
    ppg, acc, named = _chosen(signals, columns)
    if not ppg and not acc:
        raise ColumnsError(
            f"has no PPG and no acceleration among its signals {', '.join(s.label for s in signals)}",
            path=path,
            remedy="name them with --columns",
        )
    info = _info(beginning)
    unit = columns.acc_unit if named else None
    units = [G_PER_UNIT[unit or _unit(signals[index].physical_dimension) or "g"] for index in acc]
    return Recording(
        path,
        _samples(file, signals, ppg, [1.0] * len(ppg), info.get("ppg_samples")),
        _samples(file, signals, acc, units, info.get("acc_samples")),
        _started(beginning),
    )


def _chosen(signals: Signals, columns: Columns) -> tuple[list[int], list[int], bool]:
    """Indices of the PPG channels and of the axes, and whether they were named by the user."""
    labels = [signal.label for signal in signals]
    if columns.ppg or columns.acc:
        ppg, acc = indices(columns.ppg, labels), indices(columns.acc, labels)
        if ppg is not None and acc is not None and len(acc) in (0, 3):
            return ppg, acc, True
    ppg = [index for index, label in enumerate(labels) if _PPG.search(label)]
    ppg = [k for k in ppg if signals[k].samples_per_data_record == signals[ppg[0]].samples_per_data_record]
    in_units = [k for k, signal in enumerate(signals) if _unit(signal.physical_dimension)]
    triples = [
        three
        for three in zip(in_units, in_units[1:], in_units[2:], strict=False)
        if three[2] - three[0] == 2
        and len({(signals[k].samples_per_data_record, signals[k].physical_dimension) for k in three}) == 1
    ]
    labelled = [three for three in triples if all(_ACC.search(labels[k]) for k in three)]
    return ppg, list(next(iter(labelled or triples), ())), False


def _unit(dimension: str) -> str:
    """As it is called here, empty where it is no unit of acceleration."""
    unit = dimension.lower().replace(" ", "").replace("*", "")
    return unit if unit in G_PER_UNIT else ""


def _samples(
    file: EdfFile, signals: Signals, chosen: list[int], scales: list[float], count: int | None
) -> Samples | None:
    if not chosen:
        return None
    per_record = {signals[k].samples_per_data_record for k in chosen}
    if len(per_record) != 1:
        raise ColumnsError(
            f"its signals {', '.join(signals[k].label for k in chosen)} have different rates",
            path=file.path,
            remedy="name signals of one rate with --columns",
        )
    (each,) = per_record
    total = file.records * each
    scale = np.array(scales, np.float32)[:, None]

    def read(start: int, stop: int) -> Float32:
        return file.samples(chosen, each, start, stop) * scale

    return Samples(each / file.record_s, total if count is None else min(count, total), read)


def _info(beginning: Edf | Bdf) -> dict[str, Any]:
    """What our own files say of themselves: the last data record is padded."""
    for note in beginning.annotations:
        if note.text.startswith(_INFO):
            try:
                return dict(json.loads(note.text[len(_INFO) :]))
            except ValueError:
                return {}
    return {}


def _started(beginning: Edf | Bdf) -> datetime | None:
    try:
        return beginning.startdatetime
    except ValueError:  # hidden, as anonymised files have it
        return None
