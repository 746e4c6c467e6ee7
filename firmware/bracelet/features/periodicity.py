"""How like itself a signal is some samples later: the normalised square difference of 128 samples.

P. McLeod, G. Wyvill, "A smarter way to find pitch", ICMC 2005: 2 sum(x[i] x[i+lag]) / sum(x[i]^2 + x[i+lag]^2), which
lies in -1 to 1 without any window; here in 1024ths.
"""

from array import array

from micropython import const

from bracelet.arrays import zeros

SAMPLES = const(128)
HOP = const(64)

_MEAN = const(256)
_MOST = const(768)


class Periodicity:
    """128 samples, and their likeness `of` each lag up to `highest`; in half the time from every second product."""

    def __init__(self, lowest: int, highest: int, whole: bool) -> None:
        self._whole = whole
        self.lowest = lowest
        self.highest = highest
        self.samples = zeros("i", SAMPLES)
        self.of = zeros("i", highest + 1)

    def level(self) -> int:
        """Bring the samples to a mean size of 256, those of more than three times that to that; return what it was."""
        samples = self.samples
        size = 0
        for at in range(SAMPLES):
            value = samples[at]
            size += value if value >= 0 else -value
        size //= SAMPLES
        if size:
            for at in range(SAMPLES):
                value = samples[at] * _MEAN // size
                samples[at] = _MOST if value > _MOST else -_MOST if value < -_MOST else value
        return size

    def measure(self) -> None:
        """Work out the likeness of every lag from `lowest` to `highest`."""
        samples = self.samples
        of = self.of
        whole = self._whole
        precision = 11 if whole else 12
        energy = 0
        for at in range(SAMPLES):
            energy += samples[at] * samples[at]
        energy *= 2
        for lag in range(1, self.highest + 1):
            head = samples[lag - 1]
            tail = samples[SAMPLES - lag]
            energy -= head * head + tail * tail
            if lag < self.lowest:
                continue
            product = 0
            for at in range(0, SAMPLES - lag, 2):
                product += samples[at] * samples[at + lag]
            if whole:
                for at in range(1, SAMPLES - lag, 2):
                    product += samples[at] * samples[at + lag]
            scale = energy >> precision
            of[lag] = product // scale if scale else 0


def first_peak(of: "array[int]", lowest: int, highest: int) -> int:
    """The first lag between the two at which `of` has a peak of three quarters of its highest one; 0: none."""
    best = 0
    for lag in range(lowest + 1, highest):
        value = of[lag]
        if value > best and value >= of[lag - 1] and value > of[lag + 1]:
            best = value
    if best == 0:
        return 0
    for lag in range(lowest + 1, highest):
        value = of[lag]
        if 4 * value >= 3 * best and value >= of[lag - 1] and value > of[lag + 1]:
            return lag
    return 0


def refined(of: "array[int]", lag: int) -> int:
    """Where a parabola through the peak and its neighbours has its own, in 256ths of a sample."""
    before = of[lag - 1]
    after = of[lag + 1]
    return lag * 256 + (before - after) * 128 // (before - 2 * of[lag] + after)
