"""How much and how the wrist moved: published measures of raw acceleration, minute by minute."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from vigie_signal._inputs import as_acc, as_rate_hz

Float64 = npt.NDArray[np.float64]

_EPOCH_S = 60
_LEAST_PRESENT = 0.5
_ABOVE_INACTIVE_MG, _MODERATE_MG, _VIGOROUS_MG = 44.8, 100.6, 428.8


class Intensity(IntEnum):
    """Intensity of a minute by its ENMO; ``UNKNOWN`` where more than half of it is missing."""

    UNKNOWN = -1
    INACTIVE = 0
    LIGHT = 1
    MODERATE = 2
    VIGOROUS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """Activity by minute.

    Attributes
    ----------
    time_s : float64 [minutes]
        Start of each minute, seconds from the first sample; the last one may be short.
    enmo_mg : float64 [minutes]
        Mean of the part of the acceleration's length above 1 g, in milli-g; NaN where unknown.
    mad_mg : float64 [minutes]
        Mean absolute deviation of the length from its mean, in milli-g; it needs no calibrated sensor.
    gravity : float64 [3, minutes]
        Mean direction of gravity in the sensor's axes, of length 1: the posture of the forearm.
    intensity : int8 [minutes]
        `Intensity` of each minute.
    """

    time_s: Float64
    enmo_mg: Float64
    mad_mg: Float64
    gravity: Float64
    intensity: npt.NDArray[np.int8]


def activity(acc: npt.ArrayLike, *, rate_hz: float) -> Activity:
    """Measure activity: ENMO [1]_ with the cut points of Hildebrand for the wrists of adults [2]_ [3]_, and MAD [4]_.

    Parameters
    ----------
    acc : array_like [3, n]
        Acceleration in g, axes in any orientation; NaN where samples are missing.
    rate_hz : float
        Sampling rate in Hz.

    Returns
    -------
    Activity

    Raises
    ------
    ValueError
        If the shape or the rate cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] V. T. van Hees et al., PLoS ONE 8(4), 2013, doi:10.1371/journal.pone.0061691
    .. [2] M. Hildebrand et al., Med. Sci. Sports Exerc. 46(9), 2014, doi:10.1249/MSS.0000000000000289: moderate
       from 100.6 mg, vigorous from 428.8 mg
    .. [3] M. Hildebrand et al., Scand. J. Med. Sci. Sports 27(12), 2017, doi:10.1111/sms.12795: inactive below
       44.8 mg
    .. [4] H. Vähä-Ypyä et al., Clin. Physiol. Funct. Imaging 35(1), 2015, doi:10.1111/cpf.12127
    """
    axes = as_acc(acc).astype(np.float64)
    rate = as_rate_hz("rate_hz", rate_hz)
    count = int(np.ceil(axes.shape[1] / rate / _EPOCH_S))
    enmo_mg, mad_mg = np.full(count, np.nan), np.full(count, np.nan)
    gravity = np.full((3, count), np.nan)
    for minute in range(count):
        part = axes[:, round(minute * _EPOCH_S * rate) : round((minute + 1) * _EPOCH_S * rate)]
        present = np.isfinite(part).all(axis=0)
        if not present.size or present.mean() < _LEAST_PRESENT:
            continue
        length_g = np.sqrt((part[:, present] ** 2).sum(axis=0))
        enmo_mg[minute] = 1000 * np.maximum(length_g - 1, 0).mean()
        mad_mg[minute] = 1000 * np.abs(length_g - length_g.mean()).mean()
        mean = part[:, present].mean(axis=1)
        gravity[:, minute] = mean / max(float(np.sqrt((mean**2).sum())), 1e-9)
    steps_mg = np.array([_ABOVE_INACTIVE_MG, _MODERATE_MG, _VIGOROUS_MG])
    intensity = np.where(np.isnan(enmo_mg), int(Intensity.UNKNOWN), np.digitize(enmo_mg, steps_mg))
    start_s = _EPOCH_S * np.arange(count, dtype=np.float64)
    return Activity(start_s, enmo_mg, mad_mg, gravity, intensity.astype(np.int8))
