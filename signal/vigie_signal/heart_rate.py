"""Heart rate from wrist PPG and acceleration, in motion, with a confidence."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vigie_signal import _model
from vigie_signal._features import HISTORY, STEP, WINDOW, features
from vigie_signal._grid import RATE_HZ, BandPass
from vigie_signal._hmm import FixedLag
from vigie_signal._inputs import Float32, as_acc, as_ppg, as_rate_hz

_WINDOW_S = WINDOW / RATE_HZ
_STEP_S = STEP / RATE_HZ
_LONGEST_LAG_S = 120.0
_CHUNK = 64

_AHEAD = 0.35
"""Of the last change: without a lag the filter trails a changing rate by this part of a step."""
_AHEAD_CONFIDENCE = 0.8
_AHEAD_MOST_BPM = 8.0


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
        self._acc_rate_hz = None if acc_rate_hz is None else as_rate_hz("acc_rate_hz", acc_rate_hz)
        if not 0 <= lag_s <= _LONGEST_LAG_S:
            raise ValueError(f"lag_s={lag_s!r}: pass 0 to {_LONGEST_LAG_S:g} seconds")
        self._ppg: BandPass | None = None
        self._acc = None if self._acc_rate_hz is None else BandPass(3, self._acc_rate_hz)
        self._ppg_grid: Float32 = np.zeros((0, HISTORY), np.float32)
        self._valid: npt.NDArray[np.bool_] = np.zeros((0, HISTORY), np.bool_)
        self._acc_grid: Float32 = np.zeros((3, HISTORY), np.float32)
        self._filter = FixedLag(_model.transition(), int(lag_s / _STEP_S))
        self._ahead = _AHEAD if lag_s < _STEP_S else 0.0
        self._last = (np.nan, 0.0)
        self._windows = 0

    def update(self, ppg: npt.ArrayLike, acc: npt.ArrayLike | None = None) -> HeartRateTrack:
        """Take the next samples, return the windows that they complete (often none).

        Blocks of PPG and acceleration need not cover the same time: what runs ahead waits.
        """
        ppg_block = as_ppg(ppg)
        if self._ppg is None:
            self._ppg = BandPass(len(ppg_block), self._ppg_rate_hz)
            self._ppg_grid = np.zeros((len(ppg_block), HISTORY), np.float32)
            self._valid = np.zeros((len(ppg_block), HISTORY), np.bool_)
        if len(ppg_block) != len(self._ppg_grid):
            raise ValueError(
                f"ppg has {len(ppg_block)} channels after {len(self._ppg_grid)}: pass the same ones"
            )
        grid, valid = self._ppg.push(ppg_block)
        self._ppg_grid = np.concatenate([self._ppg_grid, grid], axis=1)
        self._valid = np.concatenate([self._valid, valid], axis=1)
        if self._acc is None:
            if acc is not None:
                raise ValueError("acc without acc_rate_hz: pass its sampling rate to HeartRateTracker")
            moved: Float32 = np.zeros((3, grid.shape[1]), np.float32)
        elif acc is None:
            raise ValueError("acc is missing: pass the next samples [3, m], NaN where there are none")
        else:
            moved, _ = self._acc.push(as_acc(acc))
        self._acc_grid = np.concatenate([self._acc_grid, moved], axis=1)
        return _joined(list(self._decided()))

    def finish(self) -> HeartRateTrack:
        """Return the last windows, for which less than ``lag_s`` of what follows is known."""
        return self._track(*self._filter.finish())

    def _decided(self) -> Iterator[HeartRateTrack]:
        while True:
            ready = min(self._ppg_grid.shape[1], self._acc_grid.shape[1]) - HISTORY - WINDOW
            count = min(ready // STEP + 1, _CHUNK)
            if count <= 0:
                return
            shown, usable = features(self._ppg_grid, self._valid, self._acc_grid, count)
            self._ppg_grid = self._ppg_grid[:, count * STEP :]
            self._valid = self._valid[:, count * STEP :]
            self._acc_grid = self._acc_grid[:, count * STEP :]
            yield self._track(*self._filter.push(_model.likelihood(shown), usable))

    def _track(self, posterior: Float32, usable: npt.NDArray[np.bool_]) -> HeartRateTrack:
        index = self._windows + np.arange(len(posterior))
        self._windows += len(posterior)
        bpm, confidence = _model.read(posterior)
        return HeartRateTrack(
            time_s=_WINDOW_S / 2 + _STEP_S * index.astype(np.float64),
            bpm=np.where(usable, self._leading(bpm, np.where(usable, confidence, 0)), np.nan),
            confidence=np.where(usable, confidence, 0.0),
        )

    def _leading(
        self, bpm: npt.NDArray[np.float64], confidence: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """``bpm`` moved on along its last change, where both ends of that are sure."""
        if bpm.size == 0 or not self._ahead:
            return bpm
        before = np.concatenate([[self._last[0]], bpm[:-1]])
        sure = np.minimum(confidence, np.concatenate([[self._last[1]], confidence[:-1]])) > _AHEAD_CONFIDENCE
        self._last = (float(bpm[-1]), float(confidence[-1]))
        change = bpm - before
        steady = sure & (np.abs(change) < _AHEAD_MOST_BPM)
        return np.where(steady, bpm + self._ahead * np.where(steady, change, 0), bpm)


def _joined(tracks: list[HeartRateTrack]) -> HeartRateTrack:
    if len(tracks) == 1:
        return tracks[0]

    def column(name: str) -> npt.NDArray[np.float64]:
        return np.concatenate([np.empty(0), *(getattr(track, name) for track in tracks)])

    return HeartRateTrack(column("time_s"), column("bpm"), column("confidence"))
