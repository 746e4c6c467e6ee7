"""Recordings as their users have them, brought into the units of the sensors."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigie_analysis import RecordingError
from vigie_analysis.files import open_mat, open_npz

from ._bdf import load_bdf
from ._errors import BadTraceError, TraceError, TraceNotFoundError, UnknownTraceFormatError
from ._trace import HeartRateReference, Mark, Trace

DC_NA_PER_MA = 500.0
SPREAD_NA_PER_MA = 25.0
_FLOOR_NA_PER_MA = 50.0
_SPC_RATE_HZ = 125.0
_STILL_RATE_HZ = 25.0


def load_trace(path: str | Path) -> Trace:
    """Read a recording.

    - ``.bdf``, ``.edf``: our own (`save_trace`).
    - ``.mat``: an original of the IEEE Signal Processing Cup 2015 (doi 10.1109/TBME.2014.2359372), rows ECG,
      PPG 1, PPG 2, acceleration x, y, z at 125 Hz; the reference of ``DATA_01_TYPE01.mat`` is read from
      ``DATA_01_TYPE01_BPMtrace.mat`` beside it, where it is.
    - ``.npz`` with the keys ``ppg, ppg_channels, ppg_rate_hz, acc, acc_rate_hz`` and, where known,
      ``ref_time_s, ref_bpm, ref_window_s, lag_s, beat_time_s, beat_lag_s``. The lags are taken off, so that
      all times are on the clock of the PPG; a reference whose lag is not known (NaN) is left out.

    Foreign PPG has any unit and often no DC. Each channel goes through one affine map to a plausible
    photocurrent: the median becomes 500 nA/mA, and half the distance between the 0.5th and 99.5th
    percentile becomes 25 nA/mA (5 %), or less where the lowest value would come below 50 nA/mA. Channels
    that never change are left out. A recording without acceleration gets a still one (0, 0, 1 g).

    Raises
    ------
    TraceError
        See `vigie_rig.traces` for its kinds; each says what to do.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    readers = {".bdf": load_bdf, ".edf": load_bdf, ".mat": _load_mat, ".npz": _load_npz}
    if suffix not in readers:
        raise UnknownTraceFormatError(
            f"{suffix or 'a file without suffix'} is not read",
            path=path,
            remedy="use .bdf, .edf, .mat or .npz",
        )
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise TraceNotFoundError("no such file", path=path, remedy="check the path") from error
    except OSError as error:
        raise TraceError(
            f"cannot be read: {error.strerror}", path=path, remedy="check its permissions"
        ) from error
    try:
        return readers[suffix](path, content)
    except TraceError as error:
        if error.path is not None:
            raise
        raise type(error)(error.problem, path=path, remedy=error.remedy) from error


def to_photocurrent(ppg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring the channels of a PPG of any unit to nA/mA, as `load_trace` says."""
    if not np.isfinite(ppg).all():
        raise BadTraceError("samples that are not finite", remedy="fill or cut the gaps first")
    centre = np.median(ppg, axis=1, keepdims=True)
    low, high = np.percentile(ppg, (0.5, 99.5), axis=1, keepdims=True)
    scale = SPREAD_NA_PER_MA / np.maximum((high - low) / 2, np.finfo(float).tiny)
    depth = np.maximum(centre - ppg.min(axis=1, keepdims=True), np.finfo(float).tiny)
    scale = np.minimum(scale, (DC_NA_PER_MA - _FLOOR_NA_PER_MA) / depth)
    return np.asarray(DC_NA_PER_MA + (ppg - centre) * scale)


def _load_mat(path: Path, content: bytes) -> Trace:
    sig = _mat_array(path, "sig")
    if sig.ndim != 2 or len(sig) not in (5, 6):
        raise BadTraceError(
            f"'sig' has the shape {sig.shape}",
            path=path,
            remedy="6 rows are expected: ECG, PPG 1 and 2, acceleration x, y, z",
        )
    reference_path = path.with_name(f"{path.stem}_BPMtrace.mat")
    reference = None
    if reference_path.exists():
        bpm = _mat_array(reference_path, "BPM0").ravel()
        reference = HeartRateReference(4.0 + 2.0 * np.arange(len(bpm), dtype=np.float64), bpm, 8.0)
    ppg, acc_g = sig[-5:-3], sig[-3:]
    return Trace(
        name=path.stem,
        sha256=sha256(content).hexdigest(),
        ppg=to_photocurrent(ppg),
        ppg_channels=("green", "green 2"),
        ppg_rate_hz=_SPC_RATE_HZ,
        acc_g=np.ascontiguousarray(acc_g),
        acc_rate_hz=_SPC_RATE_HZ,
        reference=reference,
        marks=(),
    )


def _mat_array(path: Path, key: str) -> NDArray[np.float64]:
    try:
        return np.asarray(open_mat(path, key)[key], dtype=np.float64)
    except (RecordingError, KeyError, ValueError) as error:
        problem = (
            error.problem if isinstance(error, RecordingError) else "it is not there, or holds no numbers"
        )
        raise BadTraceError(
            f"no array '{key}' can be read: {problem}",
            path=path,
            remedy="a MATLAB 5 file of the Signal Processing Cup is expected",
        ) from error


def _load_npz(path: Path, content: bytes) -> Trace:
    try:
        data: dict[str, Any] = dict(open_npz(path))
    except RecordingError as error:
        raise BadTraceError(error.problem, path=path, remedy=error.remedy) from error
    missing = [key for key in ("ppg", "ppg_rate_hz") if key not in data]
    if missing:
        raise BadTraceError(
            f"has no {' and no '.join(missing)}",
            path=path,
            remedy="a trace needs a PPG; this may be a set of motion recordings",
        )
    raw = np.atleast_2d(np.asarray(data["ppg"], dtype=np.float64))
    names = [str(name) for name in np.atleast_1d(data.get("ppg_channels", np.arange(1, len(raw) + 1)))]
    alive = [row for row in range(len(raw)) if np.ptp(raw[row]) != 0][:3]
    if not alive:
        raise BadTraceError("the PPG never changes", path=path, remedy="choose another recording")
    ppg_rate_hz = float(data["ppg_rate_hz"])
    acc_g = np.asarray(data.get("acc", np.zeros((3, 0))), dtype=np.float64)
    acc_rate_hz = float(data.get("acc_rate_hz", np.nan))
    if acc_g.size == 0:
        acc_rate_hz = _STILL_RATE_HZ
        acc_g = np.zeros((3, max(2, round(raw.shape[1] / ppg_rate_hz * acc_rate_hz))))
        acc_g[2] = 1.0
    duration_s = raw.shape[1] / ppg_rate_hz
    beats_s = np.atleast_1d(data.get("beat_time_s", np.zeros(0))) - float(data.get("beat_lag_s", 0.0))
    return Trace(
        name=str(data.get("name", path.stem)),
        sha256=sha256(content).hexdigest(),
        ppg=to_photocurrent(raw[alive]),
        ppg_channels=tuple(names[row] for row in alive),
        ppg_rate_hz=ppg_rate_hz,
        acc_g=acc_g,
        acc_rate_hz=acc_rate_hz,
        reference=_npz_reference(data, duration_s),
        marks=tuple(Mark(float(beat_s), 0.0, "beat") for beat_s in beats_s if 0 <= beat_s < duration_s),
    )


def _npz_reference(data: dict[str, Any], duration_s: float) -> HeartRateReference | None:
    lag_s = float(data.get("lag_s", 0.0))
    if "ref_bpm" not in data or len(data["ref_bpm"]) == 0 or np.isnan(lag_s):
        return None
    time_s = np.asarray(data["ref_time_s"], dtype=np.float64) - lag_s
    bpm = np.asarray(data["ref_bpm"], dtype=np.float64)
    inside = (time_s >= 0) & (time_s <= duration_s) & np.isfinite(bpm)
    return HeartRateReference(time_s[inside], bpm[inside], float(data.get("ref_window_s", 8.0)))
