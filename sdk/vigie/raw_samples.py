"""Raw windows out of a store: samples with their times."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigie.records import TICK_US
from vigie.store import LogKey, Store
from vigie.tables import timeline
from vigie.timeline import Timeline
from vigie_protocol import rice
from vigie_protocol.enums import Lane, Stream
from vigie_protocol.messages import RawAccelerometerRecord, RawPpgRecord

_CHANNELS: Final = ("green", "infrared", "red")
_ACC_SENSITIVITY_G: Final = 0.061e-3 / 2
_FIT_LEAST: Final = 3
_FIT_SPAN_US: Final = 5e6
_RATE_OFF_MOST: Final = 0.05
"""Most that a sensor's own clock is off."""


@dataclasses.dataclass(frozen=True, eq=False)
class RawWindow:
    """Samples of one stream that follow each other, out of the flash log.

    Attributes
    ----------
    stream
        ``Stream.PPG`` or ``Stream.ACCELEROMETER``.
    utc
        Time of each sample [n], in µs; NaT where nobody knows.
    uncertainty_s
        How far off these may be, at most; infinite where nobody knows.
    counts
        As the sensor made them [n, channels], int32.
    rate_hz
        Nominal sampling rate.
    channels
        Names of the columns.
    range_g
        Full scale of 16 bits; 0 for the PPG.
    led_ua
        LED current; 0 for the accelerometer.
    boot_id, first_number, last_number
        Where it comes from: the boot, and its records in the lane RAW.
    batch
        Row of :meth:`Store.batches` of its first record.
    """

    stream: Stream
    utc: NDArray[np.datetime64]
    uncertainty_s: float
    counts: NDArray[np.int32]
    rate_hz: float
    channels: tuple[str, ...]
    range_g: int
    led_ua: int
    boot_id: int
    first_number: int
    last_number: int
    batch: int

    @property
    def acceleration_g(self) -> NDArray[np.float64]:
        """The samples in g; of the accelerometer alone."""
        values: NDArray[np.float64] = self.counts.astype(np.float64) * (_ACC_SENSITIVITY_G * self.range_g)
        return values


@dataclasses.dataclass(frozen=True)
class _Piece:
    number: int
    boot_id: int
    ticks_us: int
    batch: int
    first_sample: int
    counts: NDArray[np.int32]
    settings: tuple[Any, ...]

    @property
    def past_sample(self) -> int:
        return self.first_sample + len(self.counts)


def windows(
    store: Store, stream: Stream, device_id: bytes | None = None, *, times: Timeline | None = None
) -> list[RawWindow]:
    """All raw windows of a stream, in the order in which they were recorded; a lost record divides a window.

    Raises
    ------
    UnknownDevice
        The store has nothing of the bracelet.
    MessageError
        A block is not what it says it is.
    """
    times = times or timeline(store, device_id)
    found: list[RawWindow] = []
    for log in store.logs(device_id):
        run: list[_Piece] = []
        for piece in _pieces(store, log, stream):
            if run and not (
                piece.boot_id == run[-1].boot_id
                and piece.settings == run[-1].settings
                and piece.first_sample == run[-1].past_sample
            ):
                found.append(_joined(stream, run, times))
                run = []
            run.append(piece)
        if run:
            found.append(_joined(stream, run, times))
    return found


def _pieces(store: Store, log: LogKey, stream: Stream) -> list[_Piece]:
    kind = RawPpgRecord if stream is Stream.PPG else RawAccelerometerRecord
    rows = store.rows(log, Lane.RAW, [kind.KIND])
    told = [kind.from_bytes(row[4]) for row in rows]
    channels = [each.channels if isinstance(each, RawPpgRecord) else 3 for each in told]
    decoded = _unpacked([each.packed for each in told], [each.samples for each in told], channels)
    pieces: list[_Piece] = []
    for row, each, counts in zip(rows, told, decoded, strict=True):
        if isinstance(each, RawPpgRecord):
            settings = (float(each.rate_hz), _CHANNELS[: each.channels], 0, each.led_ua)
        else:
            settings = (each.rate_decihz / 10, ("x", "y", "z"), each.range_g, 0)
        pieces.append(_Piece(row[0], row[1], row[2], row[5], each.first_sample, counts, settings))
    return pieces


def _unpacked(
    packed: Sequence[bytes], samples: Sequence[int], channels: Sequence[int]
) -> list[NDArray[np.int32]]:
    """Samples [n, channels] of each block, unpacked in bulk."""
    found: list[NDArray[np.int32]] = [np.zeros((0, 1), np.int32)] * len(packed)
    for width in sorted(set(channels)):
        mine = [at for at, each in enumerate(channels) if each == width]
        counts = [samples[at] for at in mine]
        joined = rice.decode_many([packed[at] for at in mine], counts, width)
        for at, block in zip(mine, np.split(joined, np.cumsum(counts)[:-1]), strict=True):
            found[at] = block
    return found


def _joined(stream: Stream, run: Sequence[_Piece], times: Timeline) -> RawWindow:
    counts = np.concatenate([piece.counts for piece in run])
    rate_hz, channels, range_g, led_ua = run[0].settings
    lasts = np.array([piece.past_sample - 1 - run[0].first_sample for piece in run], float)
    ticks = np.array([piece.ticks_us for piece in run], float)
    # Of records that were written together the last holds the sample that was read then.
    newest = np.append(np.diff(ticks) > 0, True)
    lasts, ticks = lasts[newest], ticks[newest]
    period_us = 1e6 / rate_hz
    measured = len(ticks) >= _FIT_LEAST and ticks[-1] - ticks[0] >= _FIT_SPAN_US
    if measured:
        slope = _slope_below(lasts, ticks)
        measured = abs(slope * rate_hz / 1e6 - 1) <= _RATE_OFF_MOST
        period_us = slope if measured else period_us
    # No sample was made after it was read.
    origin_us = float(np.min(ticks - lasts * period_us))
    at_us = np.rint(origin_us + np.arange(len(counts)) * period_us).astype(np.int64)
    utc, wrong_s = times.utc(np.full(len(at_us), run[0].boot_id, np.uint32), at_us)
    drift_s = 0.0 if measured else _RATE_OFF_MOST * len(counts) * period_us / 1e6
    return RawWindow(
        stream,
        utc,
        float(np.max(wrong_s)) + (2 * period_us + TICK_US) / 1e6 + drift_s,
        counts,
        rate_hz,
        channels,
        range_g,
        led_ua,
        run[0].boot_id,
        run[0].number,
        run[-1].number,
        run[0].batch,
    )


def _slope_below(samples: NDArray[np.float64], ticks_us: NDArray[np.float64]) -> float:
    """Slope of the line below all points that is nearest to them: samples wait to be read, some hardly at all.

    Of all such lines it lies on the lower convex hull, over the mean of the samples (Moon, Skelly, Towsley 1999,
    doi 10.1109/INFCOM.1999.749287).
    """
    hull: list[int] = []
    for at in range(len(samples)):
        while len(hull) > 1:
            one, two = hull[-2], hull[-1]
            turn = (samples[two] - samples[one]) * (ticks_us[at] - ticks_us[one])
            if turn > (samples[at] - samples[one]) * (ticks_us[two] - ticks_us[one]):
                break
            hull.pop()
        hull.append(at)
    above = int(np.count_nonzero(samples[hull] < samples.mean()))
    edge = min(max(above, 1), len(hull) - 1)
    one, two = hull[edge - 1], hull[edge]
    return float((ticks_us[two] - ticks_us[one]) / (samples[two] - samples[one]))
