"""How like itself a signal is some samples later: the normalised square difference of 128 samples.

P. McLeod, G. Wyvill, "A smarter way to find pitch", ICMC 2005: 2 sum(x[i] x[i+lag]) / sum(x[i]^2 + x[i+lag]^2), which
lies in -1 to 1 without any window; here in 1024ths.
"""

from array import array

from micropython import const

SAMPLES = const(128)
HOP = const(64)

_MEAN = const(256)
_MOST = const(768)


class Periodicity:
    """128 samples, and their likeness `of` each lag up to `highest`."""

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest = lowest
        self.highest = highest
        self.samples = array("i", bytes(4 * SAMPLES))
        self.of = array("i", bytes(4 * (highest + 1)))

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
            for at in range(SAMPLES - lag):
                product += samples[at] * samples[at + lag]
            scale = energy >> 11
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
