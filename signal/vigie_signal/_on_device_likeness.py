"""The likeness that the bracelet's steps and pulse share: McLeod's normalised square difference, in 1024ths."""

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

SAMPLES = 128
HOP = 64


def levelled(samples: Int64) -> tuple[Int64, int]:
    """Samples at a mean size of 256, cut at 768, and the mean size that they had."""
    size = int(np.abs(samples).sum()) // SAMPLES
    return (np.clip(samples * 256 // size, -768, 768) if size else samples), size


def likeness(samples: Int64, lowest: int, highest: int, *, whole: bool) -> Int64:
    """Likeness of 128 samples at each lag up to ``highest``; 0 below ``lowest``. Not ``whole``: of every other pair."""
    lags = np.arange(highest + 1)[:, None]
    index = np.arange(SAMPLES)
    later = np.where(index + lags < SAMPLES, samples[np.minimum(index + lags, SAMPLES - 1)], 0)
    pairs = slice(None, None, 1 if whole else 2)
    product = (later[:, pairs] * samples[pairs]).sum(axis=1)
    there = index + lags < SAMPLES
    energy = (later**2).sum(axis=1) + np.where(there, samples**2, 0).sum(axis=1)
    scale = energy >> (11 if whole else 12)
    of = np.where(scale > 0, product // np.maximum(scale, 1), 0)
    of[:lowest] = 0
    return of


def first_peak(of: Int64, lowest: int, highest: int) -> int:
    """The first of the peaks that reach three quarters of the highest one; 0 where there is none."""
    lag = np.arange(lowest + 1, highest)
    peak = lag[(of[lag] > 0) & (of[lag] >= of[lag - 1]) & (of[lag] > of[lag + 1])]
    high = peak[4 * of[peak] >= 3 * of[peak].max(initial=0)]
    return int(high[0]) if high.size else 0


def refined(of: Int64, lag: int) -> int:
    """The lag of the peak of a parabola, in 256ths."""
    before, there, after = (int(each) for each in of[lag - 1 : lag + 2])
    return lag * 256 + (before - after) * 128 // (before - 2 * there + after)
