"""How fast: seconds of signal per second of processor time, beside the libraries used instead, and memory over a day.

Every side reads the same recordings with the settings of the accuracy tables; all take turns within one run, and
medians are compared, of the processor time that each took. Set ``OPENBLAS_NUM_THREADS=1`` before NumPy is imported.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from evaluation.heart_rate import WINDOW_S
from evaluation.peers import Peer, rates_bpm
from training.recordings import Float64
from vigie_signal import (
    HeartRateTracker,
    activity,
    breathing_rate,
    count_steps,
    detect_falls,
    find_beats,
    rest_periods,
    track_heart_rate,
)

STEP_S = 2.0
_TURN_S = 0.2
_HOUR_S = 3600


@dataclass(frozen=True, eq=False)
class Signal:
    """A recording to run on: ``ppg`` [channels, n], ``acc`` [3, m] in g."""

    title: str
    ppg: Float64
    acc: Float64
    ppg_rate_hz: float
    acc_rate_hz: float

    @property
    def seconds(self) -> float:
        """Length of the PPG."""
        return float(self.ppg.shape[1] / self.ppg_rate_hz)

    @property
    def rates(self) -> dict[str, float]:
        """Rates as the functions take them."""
        return {"ppg_rate_hz": self.ppg_rate_hz, "acc_rate_hz": self.acc_rate_hz}


def wrist(seconds: float, *, channels: int, ppg_rate_hz: float, acc_rate_hz: float, seed: int = 0) -> Signal:
    """Return a pulse near 80 a minute on a walking wrist, with noise: where there are no recordings."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * ppg_rate_hz), dtype=np.float64) / ppg_rate_hz
    u = np.arange(int(seconds * acc_rate_hz), dtype=np.float64) / acc_rate_hz
    phase = 2 * np.pi * (80 / 60 * t + 0.5 * np.sin(2 * np.pi * t / 60))
    wave = np.sin(phase) + 0.4 * np.sin(2 * phase + 0.7) + 0.8 * np.sin(2 * np.pi * 1.8 * t + 0.3)
    ppg = 1000 + 20 * (wave + 0.3 * rng.standard_normal((channels, t.size)))
    swing = np.sin(2 * np.pi * 1.8 * u + np.array([[0.0], [1.0], [2.0]]))
    acc = np.array([[0.1], [0.2], [0.97]]) + 0.3 * swing + 0.02 * rng.standard_normal((3, u.size))
    title = f"{channels} PPG at {ppg_rate_hz:g} Hz, acceleration at {acc_rate_hz:g} Hz, constructed"
    return Signal(title, ppg, acc, ppg_rate_hz, acc_rate_hz)


def stream(given: Signal, block_s: float) -> int:
    """Run the streaming tracker over a signal in blocks, return the number of estimates."""
    tracker = HeartRateTracker(**given.rates)
    count = 0
    for ppg, acc in blocks(given, block_s):
        count += tracker.update(ppg, acc).time_s.size
    return count + tracker.finish().time_s.size


def blocks(given: Signal, block_s: float) -> Iterator[tuple[Float64, Float64]]:
    """Yield the signal in blocks of ``block_s`` seconds."""
    for k in range(int(given.seconds / block_s)):
        edges = [round(edge * block_s * rate) for rate in given.rates.values() for edge in (k, k + 1)]
        yield given.ppg[:, edges[0] : edges[1]], given.acc[:, edges[2] : edges[3]]


def by_peer(peer: Peer, given: Signal) -> int:
    """Run a peer over every channel, in the windows of the tracker, return the number of estimates."""
    centre_s = np.arange(WINDOW_S / 2, given.seconds - WINDOW_S / 2, STEP_S, dtype=np.float64)
    return sum(
        int(np.isfinite(rates_bpm(peer, row, given.ppg_rate_hz, centre_s, WINDOW_S)).sum())
        for row in given.ppg
    )


def speeds(sides: Mapping[str, Callable[[], object]], seconds: float, rounds: int) -> dict[str, float]:
    """Return the seconds of signal that each side does in a second of processor time, taking turns.

    A side that returns 0 has given no estimate, and so no speed: NaN.
    """
    silent = {name for name, side in sides.items() if side() == 0}
    sides = {name: side for name, side in sides.items() if name not in silent}
    gc.collect()
    gc.disable()
    turns = [{name: _turn_s(side) for name, side in sides.items()} for _ in range(rounds)]
    gc.enable()
    found = {name: seconds / median(turn[name] for turn in turns) for name in sides}
    return found | dict.fromkeys(silent, np.nan)


def _turn_s(side: Callable[[], object]) -> float:
    """Processor time of one run, over a turn long enough to be measured."""
    begin = time.process_time()
    calls = 0
    while (took := time.process_time() - begin) < _TURN_S:
        side()
        calls += 1
    return took / calls


def heart_rate_sides(given: Signal, ways: Sequence[Peer]) -> dict[str, Callable[[], object]]:
    """Return ours, batch and streaming, and every peer, on one signal."""
    sides: dict[str, Callable[[], object]] = {
        "track_heart_rate": lambda: track_heart_rate(given.ppg, given.acc, **given.rates),
        "track_heart_rate, 6 s later": lambda: track_heart_rate(given.ppg, given.acc, lag_s=6, **given.rates),
        "HeartRateTracker, blocks of 2 s": lambda: stream(given, 2.0),
        "HeartRateTracker, blocks of 0.5 s": lambda: stream(given, 0.5),
    }
    for peer in ways:
        sides[peer.name] = partial(by_peer, peer, given)
    return sides


def other_sides(given: Signal) -> dict[str, Callable[[], object]]:
    """Return the other functions on one signal."""
    return {
        "find_beats": lambda: find_beats(
            given.ppg, given.acc, rate_hz=given.ppg_rate_hz, acc_rate_hz=given.acc_rate_hz
        ),
        "breathing_rate": lambda: breathing_rate(given.ppg, rate_hz=given.ppg_rate_hz),
        "count_steps": lambda: count_steps(given.acc, rate_hz=given.acc_rate_hz),
        "detect_falls": lambda: detect_falls(given.acc, rate_hz=given.acc_rate_hz),
        "activity": lambda: activity(given.acc, rate_hz=given.acc_rate_hz),
        "rest_periods": lambda: rest_periods(given.acc, rate_hz=given.acc_rate_hz),
    }


def streaming_peaks_bytes(hours: int, block_s: float = 10.0) -> list[int]:
    """Return the peak of traced memory in each hour of a stream of ``hours``, one PPG at 64 Hz, acceleration at 32."""
    given = wrist(_HOUR_S, channels=1, ppg_rate_hz=64, acc_rate_hz=32)
    tracker = HeartRateTracker(**given.rates)
    peaks: list[int] = []
    tracemalloc.start()
    for _ in range(hours):
        tracemalloc.reset_peak()
        for ppg, acc in blocks(given, block_s):
            tracker.update(ppg, acc)
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    return peaks


def batch_peak_bytes(hours: int) -> tuple[int, int]:
    """Return the size of ``hours`` of signal, and the peak of what one call takes beside it."""
    given = wrist(hours * _HOUR_S, channels=1, ppg_rate_hz=64, acc_rate_hz=32)
    tracemalloc.start()
    track_heart_rate(given.ppg, given.acc, **given.rates)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return given.ppg.nbytes + given.acc.nbytes, peak
