"""Heart-rate variability in the time domain, from beats that can be trusted."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from vigie_signal.beats import Beats

_LEAST_QUALITY = 0.7
_SHORTEST_S, _LONGEST_S = 0.3, 2.0
_UNLIKE_NEIGHBOURS = 0.25
_FEWEST_INTERVALS = 10
_NOISE_MS = 185.0
"""RMSSD that imperfect shapes alone make, per root of what their correlation lacks; fitted to fingertips at rest."""
_MOST_NOISE = 0.7


@dataclass(frozen=True, slots=True)
class HeartRateVariability:
    """Time-domain variability; NaN where fewer than ten intervals could be trusted.

    Attributes
    ----------
    rmssd_ms : float
        Root mean square of successive differences of normal intervals.
    sdnn_ms : float
        Standard deviation of normal intervals.
    pnn50 : float
        Share of successive differences above 50 ms, 0 to 1.
    mean_nn_ms : float
        Mean normal interval.
    timing_noise_ms : float
        RMSSD that the uncertainty of the beats' times makes by itself; it has been taken out of RMSSD and SDNN,
        which are NaN where little else is in them.
    coverage : float
        Share of the time between the first and the last beat that the trusted intervals cover, 0 to 1.
    """

    rmssd_ms: float
    sdnn_ms: float
    pnn50: float
    mean_nn_ms: float
    timing_noise_ms: float
    coverage: float


def heart_rate_variability(beats: Beats) -> HeartRateVariability:
    """Variability of the intervals between beats, after the Task Force [1]_.

    An interval counts if both its beats repeat the shape around them, if it is between 0.3 and 2 s, and if it is
    within 25 % of the median of the nine around it; a successive difference counts if both its intervals do.
    Beats are timed the less surely the less their shapes repeat; what that adds to the variability is taken out.
    Motion adds more than that: use records taken at rest.

    References
    ----------
    .. [1] Task Force of the European Society of Cardiology, Heart rate variability, Circulation 93(5), 1996,
       doi:10.1161/01.CIR.93.5.1043
    """
    interval_s = np.diff(beats.time_s)
    if interval_s.size < _FEWEST_INTERVALS:
        return _unknown(0.0)
    typical_s = ndimage.median_filter(interval_s, 9, mode="nearest")
    normal = (interval_s > _SHORTEST_S) & (interval_s < _LONGEST_S)
    normal &= np.abs(interval_s - typical_s) < _UNLIKE_NEIGHBOURS * typical_s
    normal &= (beats.quality[1:] >= _LEAST_QUALITY) & (beats.quality[:-1] >= _LEAST_QUALITY)
    coverage = float(interval_s[normal].sum() / (beats.time_s[-1] - beats.time_s[0]))
    step_ms = 1000 * np.diff(interval_s)[normal[1:] & normal[:-1]]
    if normal.sum() < _FEWEST_INTERVALS or step_ms.size < _FEWEST_INTERVALS - 1:
        return _unknown(coverage)
    quality = 0.5 * (beats.quality[1:] + beats.quality[:-1])[normal]
    noise_ms = _NOISE_MS * float(np.sqrt(np.mean(1 - quality)))
    # jitter enters a successive difference six times, an interval twice
    rmssd_ms = _without(noise_ms**2, float(np.mean(step_ms**2)))
    sdnn_ms = _without(noise_ms**2 / 3, float(np.var(1000 * interval_s[normal], ddof=1)))
    return HeartRateVariability(
        rmssd_ms=rmssd_ms,
        sdnn_ms=sdnn_ms,
        pnn50=float(np.mean(np.abs(step_ms) > 50)),
        mean_nn_ms=float(1000 * np.mean(interval_s[normal])),
        timing_noise_ms=noise_ms,
        coverage=coverage,
    )


def _without(noise: float, variance: float) -> float:
    """Root of the variance less the noise in it, NaN where little but noise is there."""
    return float(np.sqrt(variance - noise)) if noise <= _MOST_NOISE * variance else float("nan")


def _unknown(coverage: float) -> HeartRateVariability:
    return HeartRateVariability(np.nan, np.nan, np.nan, np.nan, np.nan, coverage)
