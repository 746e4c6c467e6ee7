"""Blocks of samples as the SDK hands them out: numbered, scaled, with their gaps."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigie_protocol import arrays
from vigie_protocol.enums import Stream
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import AccelerometerBlock, Configuration, PpgBlock

_PPG_CHANNELS = ("green", "infrared", "red")
_NUMBERS = 1 << 30


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Samples of one stream that follow each other without a gap.

    Attributes
    ----------
    stream
        ``Stream.PPG`` or ``Stream.ACCELEROMETER``.
    first_sample
        Number of the first sample since the stream began; lost samples have numbers too.
    ticks_us
        Microseconds since the bracelet's boot when the newest samples were read from the sensor.
    samples
        Counts as the sensor made them: PPG int32 [n, channels], accelerometer int16 [n, 3].
    gap
        Samples missing between the block before and this one, for whatever reason.
    overflow
        The part of them that the bracelet says was lost in the sensor.
    inferred
        Whether the bracelet worked that number out from elapsed time, the sensor's counter being full.
    rate_hz
        Nominal sampling rate.
    scale
        What a count is worth: nA of photocurrent, or g.
    channels
        Names of the columns.
    configuration
        Number of the configuration under which it was sampled.
    """

    stream: Stream
    first_sample: int
    ticks_us: int
    samples: NDArray[Any]
    gap: int
    overflow: int
    inferred: bool
    rate_hz: float
    scale: float
    channels: tuple[str, ...]
    configuration: int

    @property
    def values(self) -> NDArray[np.float64]:
        """The samples in their unit: nA or g."""
        scaled: NDArray[np.float64] = self.samples * self.scale
        return scaled


class BlockReader:
    """Makes sample blocks of one stream's messages, and finds what is missing between them."""

    def __init__(self, stream: Stream, configuration: Configuration) -> None:
        self._stream = stream
        self._configuration = configuration
        self._next = 0
        if stream is Stream.PPG:
            self._decode = arrays.decode_ppg_blocks
            self._rate_hz = configuration.ppg_rate_hz / configuration.ppg_average
            self._scale = configuration.ppg_range_na / (1 << 18)
            self._channels = _PPG_CHANNELS[: configuration.ppg_channels]
        else:
            self._decode = arrays.decode_accelerometer_blocks
            self._rate_hz = configuration.acc_rate_decihz / 10
            # The datasheet's sensitivity: 0.061 mg a count at 2 g, and so on in proportion.
            self._scale = 0.061e-3 * configuration.acc_range_g / 2
            self._channels = ("x", "y", "z")

    def read(self, body: bytes) -> SampleBlock:
        """Decode one body.

        Raises
        ------
        MessageError
            It is not a block of this stream and configuration.
        """
        blocks = self._decode([body])
        head = blocks.heads[0]
        self._check(head, blocks.samples.shape[1])
        # Numbers come modulo 2^30: the nearest one to what was expected.
        ahead = (int(head["first_sample"]) - self._next + _NUMBERS // 2) % _NUMBERS - _NUMBERS // 2
        first = self._next + ahead
        self._next = first + int(blocks.counts[0])
        return SampleBlock(
            stream=self._stream,
            first_sample=first,
            ticks_us=int(blocks.ticks_us[0]),
            samples=blocks.samples,
            gap=max(0, ahead),
            overflow=int(head["overflow"]),
            inferred=bool(int(head["flags"]) & 1),
            rate_hz=self._rate_hz,
            scale=self._scale,
            channels=self._channels,
            configuration=int(head["configuration"]),
        )

    def _check(self, head: np.void, channels: int) -> None:
        """Refuse what other settings made: it would be scaled wrong."""
        wanted = self._configuration
        kind = PpgBlock if self._stream is Stream.PPG else AccelerometerBlock
        checks = [
            ("configuration", int(head["configuration"]), wanted.configuration),
            ("channels", channels, len(self._channels)),
        ]
        if kind is AccelerometerBlock:
            checks.append(("range_g", int(head["range_g"]), wanted.acc_range_g))
        for name, found, in_force in checks:
            if found != in_force:
                raise MessageError(kind.__name__, f"{name} is {found}, in force is {in_force}")
