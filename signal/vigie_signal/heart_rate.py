"""Heart rate from wrist PPG and acceleration, in motion, with a confidence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vigie_signal import _model
from vigie_signal._features import HISTORY, STEP, WINDOW, features
from vigie_signal._grid import RATE_HZ, Feed
from vigie_signal._hmm import FixedLag
from vigie_signal._inputs import Float32, acc_as_passed, as_rate_hz, ppg_as_passed

_WINDOW_S = WINDOW / RATE_HZ
_STEP_S = STEP / RATE_HZ
_LONGEST_LAG_S = 120.0
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class HeartRateTrack:
    """Heart rate every 2 s.

    Attributes
    ----------
    time_s : float64 [windows]
        Centre of the 8 s window, seconds from the first PPG sample.
    bpm : float64 [windows]
        Heart rate in beats per minute, NaN where the tracker abstains because the window holds no usable PPG.
    confidence : float64 [windows]
        Probability that ``bpm`` is within 5 bpm of the truth; 0 where it abstains.
    """

    time_s: npt.NDArray[np.float64]
    bpm: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]


def track_heart_rate(
    ppg: npt.ArrayLike,
    acc: npt.ArrayLike | None = None,
    *,
    ppg_rate_hz: float,
    acc_rate_hz: float | None = None,
    lag_s: float = 0.0,
) -> HeartRateTrack:
    """Track the heart rate through motion.

    Per 8 s window at 25 Hz, the PPG is regressed on lags of the accelerometer axes [1]_. A small perceptron,
    the same for every rate and every recording, reads the spectra before and after and says how likely each
    rate is; a hidden Markov model follows the rate over time [2]_. The estimate of a window uses samples up
    to ``lag_s`` after its end and none beyond.

    Parameters
    ----------
    ppg : array_like [n] or [channels, n]
        One or more PPG channels in any unit and of either polarity; NaN where samples are missing.
    acc : array_like [3, m], optional
        Acceleration in g, axes in any orientation, starting with the PPG; NaN where samples are missing.
    ppg_rate_hz, acc_rate_hz : float
        Sampling rates in Hz, 10 to 2000; ``acc_rate_hz`` goes with ``acc``.
    lag_s : float
        How far beyond the end of a window its estimate may look, in seconds: 0 is what a live display can
        show, 6 is steadier.

    Returns
    -------
    HeartRateTrack

    Raises
    ------
    ValueError
        If a shape, a type, a rate or the lag cannot be meant; the message says what to pass.

    References
    ----------
    .. [1] Z. Zhang, Z. Pi, B. Liu, TROIKA, IEEE Trans. Biomed. Eng. 62(2), 2015,
       doi:10.1109/TBME.2014.2359372
    .. [2] A. Temko, Accurate heart rate monitoring during physical exercises using PPG, IEEE Trans. Biomed.
       Eng. 64(9), 2017, doi:10.1109/TBME.2017.2676243
    """
    if acc is None and acc_rate_hz is not None:
        raise ValueError("acc_rate_hz without acc: pass acc as [3, m] in g, or leave both out")
    if acc is not None and acc_rate_hz is None:
        raise ValueError("acc without acc_rate_hz: pass its sampling rate in Hz")
    tracker = HeartRateTracker(ppg_rate_hz=ppg_rate_hz, acc_rate_hz=acc_rate_hz, lag_s=lag_s)
    return _joined([tracker.update(ppg, acc), tracker.finish()])


class HeartRateTracker:
    """The estimates of `track_heart_rate`, from blocks of any size, in bounded memory.

    Parameters are those of `track_heart_rate`; leave ``acc_rate_hz`` out when there is no accelerometer.
    """

    def __init__(self, *, ppg_rate_hz: float, acc_rate_hz: float | None = None, lag_s: float = 0.0) -> None:
        self._ppg_rate_hz = as_rate_hz("ppg_rate_hz", ppg_rate_hz)
        acc_rate = None if acc_rate_hz is None else as_rate_hz("acc_rate_hz", acc_rate_hz)
        if not 0 <= lag_s <= _LONGEST_LAG_S:
            raise ValueError(f"lag_s={lag_s!r}: pass 0 to {_LONGEST_LAG_S:g} seconds")
        self._ppg: Feed | None = None
        self._acc = None if acc_rate is None else Feed(3, acc_rate)
        self._grid: Float32 = np.empty((0, 0), np.float32)
        self._rate = FixedLag(_model.transition("rate"), int(lag_s / _STEP_S))
        self._doubt = FixedLag(_model.transition("doubt"), int(lag_s / _STEP_S))
        self._online = lag_s < _STEP_S
        self._seen = 0
        self._told = 0
        self._lately: float | None = None

    def update(self, ppg: npt.ArrayLike, acc: npt.ArrayLike | None = None) -> HeartRateTrack:
        """Take the next samples, return the windows that they complete (often none).

        Blocks of PPG and acceleration need not cover the same time: what runs ahead waits.
        """
        ppg_block = ppg_as_passed(ppg)
        if self._ppg is None:
            self._ppg = Feed(len(ppg_block), self._ppg_rate_hz)
            self._grid = np.zeros((2 * len(ppg_block) + 3, HISTORY), np.float32)
        if len(ppg_block) != self._ppg.channels:
            raise ValueError(
                f"ppg has {len(ppg_block)} channels after {self._ppg.channels}: pass the same ones"
            )
        if self._acc is None:
            if acc is not None:
                raise ValueError("acc without acc_rate_hz: pass its sampling rate to HeartRateTracker")
        elif acc is None:
            raise ValueError("acc is missing: pass the next samples [3, m], NaN where there are none")
        else:
            self._acc.add(acc_as_passed(acc))
        self._ppg.add(ppg_block)
        tracks: list[HeartRateTrack] = []
        while ready := self._ready(self._ppg):
            tracks.append(self._next(self._ppg, min(ready, _CHUNK)))
        return _joined(tracks)

    def finish(self) -> HeartRateTrack:
        """Return the last windows, for which less than ``lag_s`` of what follows is known."""
        return self._track(*self._rate.finish(), self._doubt.finish()[0])

    def _ready(self, ppg: Feed) -> int:
        """How many windows are complete and not yet looked at."""
        known = ppg.known if self._acc is None else min(ppg.known, self._acc.known)
        return max((known - WINDOW) // STEP + 1 - self._seen, 0)

    def _next(self, ppg: Feed, count: int) -> HeartRateTrack:
        """Look at the next ``count`` windows, which are complete."""
        self._seen += count
        end = WINDOW + (self._seen - 1) * STEP
        shown, valid = ppg.until(end)
        if self._acc is None:
            moved: Float32 = np.zeros((3, shown.shape[1]), np.float32)
        else:
            moved, _ = self._acc.until(end)
        grid = np.concatenate([self._grid, np.concatenate([shown, valid.astype(np.float32), moved])], axis=1)
        self._grid = grid[:, count * STEP :].copy()
        found, usable = features(grid, count)
        likelihood = _model.likelihood("rate", found)
        doubting, _ = self._doubt.push(_model.likelihood("doubt", found), usable)
        fresh = likelihood if self._online else None
        return self._track(*self._rate.push(likelihood, usable), doubting, fresh)

    def _track(
        self,
        posterior: Float32,
        usable: npt.NDArray[np.bool_],
        doubting: Float32,
        fresh: Float32 | None = None,
    ) -> HeartRateTrack:
        index = np.arange(self._told, self._told + len(posterior), dtype=np.float64)
        self._told += len(posterior)
        bpm, mass, believed = _model.read(posterior, doubting, fresh)
        confidence, self._lately = _model.confidence(mass, believed, self._lately)
        bpm[~usable] = np.nan
        confidence[~usable] = 0
        return HeartRateTrack(_WINDOW_S / 2 + _STEP_S * index, bpm, confidence)


def _joined(tracks: list[HeartRateTrack]) -> HeartRateTrack:
    if not tracks:
        return HeartRateTrack(np.empty(0), np.empty(0), np.empty(0))
    if len(tracks) == 1:
        return tracks[0]

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.concatenate([getattr(track, name) for track in tracks])

    return HeartRateTrack(column("time_s"), column("bpm"), column("confidence"))
