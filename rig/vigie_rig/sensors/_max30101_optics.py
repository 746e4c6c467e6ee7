"""MAX30101: from the photocurrent of a trace to the counts in the FIFO."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..traces import Trace
from ._clock import play
from ._sampler import Encoded

RED, INFRARED, GREEN, GREEN_2 = range(4)
RATES_HZ = (50, 100, 200, 400, 800, 1000, 1600, 3200)
PULSE_WIDTHS_US = (69, 118, 215, 411)
ADC_BITS = 18
AMBIENT_NA = 2.0
LED_MA_PER_LSB = 0.2

_FASTEST_ONE_LED = (7, 6, 6, 5)
_FASTEST_TWO_LEDS = (6, 5, 4, 3)


def fastest_rate_code(pulse_width_code: int, leds: int) -> int:
    """Highest SPO2_SR that the pulse width leaves time for (datasheet, tables of allowed settings).

    The tables are for one LED (heart rate mode) and two (SpO2 mode). For three and four, of which the
    datasheet says nothing, that of two is taken.
    """
    return (_FASTEST_ONE_LED if leds <= 1 else _FASTEST_TWO_LEDS)[pulse_width_code]


def channel_of_leds(ppg_channels: tuple[str, ...]) -> tuple[int, int, int, int]:
    """Which channel of a trace each of red, infrared, green, second green LED sees.

    By name where the trace has that light, the second green LED the second green channel; otherwise LED n
    sees channel n, or the last one.
    """
    by_light: dict[str, list[int]] = {"red": [], "infrared": [], "green": []}
    for index, name in enumerate(ppg_channels):
        lowered = name.lower()
        for light, found in by_light.items():
            if lowered.startswith(light) or (light == "infrared" and lowered in {"ir", "i"}):
                found.append(index)

    last = len(ppg_channels) - 1
    red, infrared, green = by_light["red"], by_light["infrared"], by_light["green"]
    return (
        red[0] if red else min(RED, last),
        infrared[0] if infrared else min(INFRARED, last),
        green[0] if green else min(GREEN, last),
        green[min(1, len(green) - 1)] if green else min(GREEN_2, last),
    )


class Optics:
    """What the ADC reads under one configuration.

    Parameters
    ----------
    leds
        The LED of each slot, 0 to 3.
    current_ma
        The current of each of those.
    """

    def __init__(
        self,
        trace: Trace,
        leds: tuple[int, ...],
        current_ma: tuple[float, ...],
        *,
        start_us: float,
        range_code: int,
        pulse_width_code: int,
        average: int,
        conversion_period_us: float,
    ) -> None:
        seen = channel_of_leds(trace.ppg_channels)
        self._ppg = trace.ppg
        self._rate_hz = trace.ppg_rate_hz
        self._repeats = trace.repeats
        self._rows = [seen[led] for led in leds]
        self._gain = np.array(current_ma)[:, None] * 2**ADC_BITS / (2048 << range_code)
        self._ambient = AMBIENT_NA * 2**ADC_BITS / (2048 << range_code)
        self._start_us = start_us
        self._unused_bits = 3 - pulse_width_code
        self._average = average
        self._conversion_period_us = conversion_period_us

    def encode(self, time_us: NDArray[np.float64], first: int) -> Encoded:
        """Counts and FIFO words of the samples at these board times; `first` does not matter."""
        del first
        back = np.arange(self._average - 1, -1, -1) * self._conversion_period_us
        instants_s = ((time_us[:, None] - back).ravel() - self._start_us) * 1e-6
        signal = play(self._ppg, self._rate_hz, instants_s, repeats=self._repeats)[self._rows]
        counts = np.clip(self._ambient + self._gain * signal, 0, 2**ADC_BITS - 1).astype(np.int32)
        if self._average > 1:
            counts = counts.reshape(len(counts), -1, self._average).sum(axis=2) // self._average
        counts = counts >> self._unused_bits << self._unused_bits
        values = np.ascontiguousarray(counts.T, dtype=np.int32)
        words = values.astype(">i4").view(np.uint8).reshape(len(time_us), -1, 4)[:, :, 1:]
        return Encoded(values, words.tobytes(), np.arange(len(time_us)), np.arange(len(time_us) + 1))
