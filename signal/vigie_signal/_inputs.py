"""Checks of what callers pass: every refusal says what to pass instead."""

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

LOWEST_RATE_HZ = 10.0
HIGHEST_RATE_HZ = 2000.0


def as_rate_hz(name: str, rate_hz: float) -> float:
    """A sampling rate as a float, refused outside of what the kernels can resample."""
    rate = float(rate_hz)
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise ValueError(
            f"{name}={rate_hz!r}: pass the sampling rate in Hz, "
            f"between {LOWEST_RATE_HZ:g} and {HIGHEST_RATE_HZ:g}"
        )
    return rate


def as_ppg(ppg: npt.ArrayLike) -> Float32:
    """``ppg`` as float32 ``[channels, n]``; infinities become NaN."""
    return finite_or_nan(ppg_as_passed(ppg))


def as_acc(acc: npt.ArrayLike) -> Float32:
    """``acc`` as float32 ``[3, m]``; infinities become NaN."""
    return finite_or_nan(acc_as_passed(acc))


def ppg_as_passed(ppg: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """``ppg`` as ``[channels, n]``, not copied."""
    array = _as_real("ppg", ppg)
    if array.ndim == 1:
        array = array[None, :]
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(f"ppg has shape {array.shape}: pass [n] or [channels, n]")
    if array.shape[0] > 8 and array.shape[1] <= 8:
        raise ValueError(f"ppg has shape {array.shape}: pass [channels, n], so ppg.T here")
    return array


def acc_as_passed(acc: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """``acc`` as ``[3, m]``, not copied."""
    array = _as_real("acc", acc)
    if array.ndim != 2 or array.shape[0] != 3:
        hint = ", so acc.T here" if array.ndim == 2 and array.shape[1] == 3 else ""
        raise ValueError(f"acc has shape {array.shape}: pass [3, m] in g{hint}")
    return array


def as_acc_or_length(acc: npt.ArrayLike) -> Float32:
    """``acc`` as float32 ``[3, n]``, or ``[1, n]`` where only the acceleration's length was passed."""
    array = _as_real("acc", acc)
    if array.ndim == 1:
        array = array[None, :]
    if array.ndim != 2 or array.shape[0] not in (1, 3):
        hint = ", so acc.T here" if array.ndim == 2 and array.shape[1] == 3 else ""
        raise ValueError(f"acc has shape {array.shape}: pass [3, n] in g, or [n] for its length{hint}")
    return finite_or_nan(array)


def _as_real(name: str, values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} has dtype {array.dtype}: pass real numbers, NaN where samples are missing")
    return array


def finite_or_nan(array: npt.NDArray[np.generic]) -> Float32:
    """A float32 copy in which infinities are NaN."""
    out = array.astype(np.float32)
    out[~np.isfinite(out)] = np.nan
    return out
