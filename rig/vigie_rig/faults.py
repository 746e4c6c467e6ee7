"""Faults that a bench injects: on the link, on the sensor bus, on the board.

A plan is a list of faults, each with a time window in seconds since the stream began. Written as text:
``link-flip@10+5:0.001`` flips each bit-carrying byte with probability 0.001 for five seconds from second ten.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from vigie_rig.errors import UsageError

KINDS: Final = {
    "link-flip": "probability that a byte has a bit flipped",
    "link-drop": "probability that a byte is lost",
    "link-delay": "seconds by which bytes come later",
    "link-down": "no byte passes (amount unused)",
    "sensor-nak": "probability that a bus transfer is not acknowledged",
    "sensor-cut": "probability that a bus transfer breaks off after some of its bytes",
    "sensor-stuck": "sensors make no samples (amount unused)",
    "reset": "the board is reset once, at the start of the window (amount unused)",
    "power-cut": "the board has no power for the window: memory, line and sensors' registers gone, flash torn where it "
    "worked (amount unused)",
}
"""Every kind of fault and the meaning of its amount."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, when, how much."""

    kind: str
    start_s: float
    duration_s: float = 0.0
    amount: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"fault {self.kind!r} is unknown: one of {', '.join(KINDS)}")
        if self.start_s < 0 or self.duration_s < 0 or self.amount < 0:
            raise UsageError(f"{self}: times and amounts are not negative")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``KIND@START[+DURATION][:AMOUNT]``.

        Raises:
            UsageError: The text is not of that form or the kind is unknown.
        """
        number = r"\d+(?:\.\d+)?"
        match = re.fullmatch(rf"([a-z-]+)@({number})(?:\+({number}))?(?::({number}))?", text)
        if not match:
            raise UsageError(
                f"fault {text!r}: write KIND@START+DURATION:AMOUNT, for example link-flip@10+5:0.001"
            )
        kind, start, duration, amount = match.groups()
        return cls(kind, float(start), float(duration or 0), float(amount or 1))

    def __str__(self) -> str:
        start, duration, amount = map(_plain, (self.start_s, self.duration_s, self.amount))
        return f"{self.kind}@{start}+{duration}:{amount}"

    def active(self, time_s: float) -> bool:
        """Whether it is on at this time."""
        return self.start_s <= time_s < self.start_s + self.duration_s


def _plain(number: float) -> str:
    """All digits of a number, and no exponent."""
    return format(Decimal(str(number)).normalize(), "f")


class FaultPlan:
    """The faults of a run, and the seeded dice that they use."""

    def __init__(self, faults: Sequence[Fault] = (), *, seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.injected: dict[str, int] = {}
        """How often each kind struck."""
        self._dice = random.Random(seed)
        self._origin_s: float | None = None

    def begin(self, now_s: float) -> None:
        """Start the plan's time: faults count from here."""
        self._origin_s = now_s

    def _amount(self, kind: str, now_s: float) -> float | None:
        if self._origin_s is None:
            return None
        for fault in self.faults:
            if fault.kind == kind and fault.active(now_s - self._origin_s):
                return fault.amount
        return None

    def count(self, kind: str, times: int = 1) -> None:
        """Note that a fault struck."""
        self.injected[kind] = self.injected.get(kind, 0) + times

    def corrupt(self, data: bytes, now_s: float) -> bytes:
        """What of these bytes arrives, and how."""
        if self._origin_s is None or not self.faults:
            return data
        if self._amount("link-down", now_s) is not None:
            self.count("link-down", len(data))
            return b""
        drop, flip = self._amount("link-drop", now_s), self._amount("link-flip", now_s)
        if drop is None and flip is None:
            return data
        arriving = bytearray()
        for byte in data:
            if drop is not None and self._dice.random() < drop:
                self.count("link-drop")
                continue
            if flip is not None and self._dice.random() < flip:
                self.count("link-flip")
                byte ^= 1 << self._dice.randrange(8)  # noqa: PLW2901
            arriving.append(byte)
        return bytes(arriving)

    def delay_s(self, now_s: float) -> float:
        """How much later bytes sent now arrive."""
        amount = self._amount("link-delay", now_s)
        if amount is None:
            return 0.0
        self.count("link-delay")
        return amount

    def refuses_transfer(self, now_s: float) -> bool:
        """Whether a bus transfer now is not acknowledged."""
        amount = self._amount("sensor-nak", now_s)
        if amount is None or self._dice.random() >= amount:
            return False
        self.count("sensor-nak")
        return True

    def cuts_transfer(self, count: int, now_s: float) -> int | None:
        """After how many of its ``count`` bytes a bus transfer now breaks off; None: it does not."""
        amount = self._amount("sensor-cut", now_s)
        if amount is None or count == 0 or self._dice.random() >= amount:
            return None
        self.count("sensor-cut")
        return self._dice.randrange(count)

    def sensors_stuck(self, now_s: float) -> bool:
        """Whether sensors make no samples now."""
        return self._amount("sensor-stuck", now_s) is not None

    def power_cuts_s(self) -> list[tuple[float, float]]:
        """When the board is to lose its power, in seconds since the plan began, and for how many seconds."""
        return [(fault.start_s, fault.duration_s) for fault in self.faults if fault.kind == "power-cut"]

    def resets_s(self) -> list[float]:
        """When the board is to be reset, in seconds since the plan began."""
        return [fault.start_s for fault in self.faults if fault.kind == "reset"]
