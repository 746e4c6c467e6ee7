"""Links as data: how fast, how far, what they lose, and when they are away.

A raw line, such as a UART, loses bytes for good. A link with a link layer, such as BLE or TCP, sends again what was
not acknowledged: there loss is seen as delay and as less throughput, and beyond its supervision time as a
disconnection, never as a missing byte. Everything random is drawn from a seed: the same seed gives the same timetable
and the same fate to the same bytes.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple


@dataclasses.dataclass(frozen=True, slots=True)
class LinkProfile:
    """A link. Times in seconds; a mean of 0 means never."""

    name: str
    what: str
    """What it stands for, in a few words."""
    bytes_per_s: float
    """In each direction, of bytes that arrive at the first attempt."""
    latency_s: float
    """From the last byte sent to its arrival."""
    jitter_s: float = 0.0
    """Mean of what comes to the latency by chance; the order is kept."""
    loss: float = 0.0
    """Share of the bytes that a raw line loses; share of the packets that a link layer has to send once more."""
    burst_bytes: float = 1.0
    """Raw line: how many bytes are lost together, in the mean."""
    packet_bytes: int = 0
    """Link layer: the most that one packet takes; 0 is a raw line."""
    interval_s: float = 0.0
    """Link layer: after how long it sends a packet again (BLE: the connection interval)."""
    supervision_s: float = 6.0
    """Link layer: how long nothing may get through before both ends give the connection up."""
    up_s: float = 0.0
    """Mean time for which it is there at a stretch; 0: always."""
    down_s: float = 0.0
    """Mean time for which it is away."""
    half_open: float = 0.0
    """Share of the outages that nobody is told of: bytes vanish, and the link looks as if it were there; a link layer
    finds out after its supervision time."""
    away: tuple[tuple[float, float], ...] = ()
    """Absences that are planned: begin and length of each."""
    pause_every_s: float = 0.0
    """Mean time after which a slow host stops to read."""
    pause_s: float = 0.0
    """Mean time for which it does."""

    @property
    def disturbs(self) -> bool:
        """Whether a session on it may lose bytes, or end."""
        return bool((self.loss and not self.packet_bytes) or self.up_s or self.away)


_DAY_S: Final = 86_400.0
_HOME: Final = LinkProfile(
    "ble-home",
    "BLE to a gateway at home: mostly there, sometimes the patient is in the garden",
    bytes_per_s=20_000,
    latency_s=0.015,
    jitter_s=0.005,
    loss=0.05,
    packet_bytes=244,
    interval_s=0.03,
    up_s=3_600,
    down_s=300,
    half_open=0.1,
)
LINKS: Final = {
    profile.name: profile
    for profile in (
        LinkProfile("perfect", "USB at full speed, never away", bytes_per_s=1_000_000, latency_s=0.001),
        LinkProfile(
            "usb",
            "a USB-UART bridge at 115,200 baud on a busy laptop; its cable is pulled at times",
            bytes_per_s=11_520,
            latency_s=0.002,
            jitter_s=0.002,
            up_s=8 * 3_600,
            down_s=600,
            pause_every_s=60,
            pause_s=0.2,
        ),
        LinkProfile(
            "worn-cable",
            "the same bridge on a cable with a bad contact: bytes go missing in bursts",
            bytes_per_s=11_520,
            latency_s=0.002,
            jitter_s=0.002,
            loss=0.02,
            burst_bytes=60,
            up_s=600,
            down_s=5,
            half_open=0.5,
        ),
        _HOME,
        LinkProfile(
            "village",
            "two valleys from the antenna: a gateway comes near twice a day, with poor radio and a slow program",
            bytes_per_s=8_000,
            latency_s=0.06,
            jitter_s=0.04,
            loss=0.2,
            packet_bytes=244,
            interval_s=0.05,
            up_s=2_400,
            down_s=11 * 3_600,
            half_open=0.2,
            pause_every_s=120,
            pause_s=3,
        ),
        dataclasses.replace(
            _HOME,
            name="away-30d",
            what="BLE at home, then thirty days without any gateway, then home again",
            away=((6 * 3_600, 30 * _DAY_S),),
        ),
        LinkProfile(
            "flapping",
            "BLE at the edge of its range: there for seconds, gone for seconds, half of the times unnoticed",
            bytes_per_s=10_000,
            latency_s=0.03,
            jitter_s=0.02,
            loss=0.4,
            packet_bytes=244,
            interval_s=0.03,
            supervision_s=4,
            up_s=20,
            down_s=8,
            half_open=0.5,
            pause_every_s=30,
            pause_s=1,
        ),
    )
}
"""By name. The figures are chosen to be what such links are like, not measured on one."""

PERFECT: Final = LINKS["perfect"]


class Outage(NamedTuple):
    """When a link is away, in seconds since its timetable began."""

    start_s: float
    end_s: float
    half_open: bool


class Timetable:
    """When a link of this profile is away, and when its host does not read: the same for the same seed."""

    def __init__(self, profile: LinkProfile, seed: int) -> None:
        self.profile = profile
        self._seed = seed

    def outages(self) -> Iterator[Outage]:
        """All of them in order, without end unless there are few; none overlaps another."""
        planned = (Outage(start_s, start_s + length_s, False) for start_s, length_s in self.profile.away)
        before: Outage | None = None
        for outage in heapq.merge(self._by_chance(), planned):
            if before is None:
                before = outage
            elif outage.start_s > before.end_s:
                yield before
                before = outage
            else:
                half_open = before.half_open and outage.half_open
                before = Outage(before.start_s, max(before.end_s, outage.end_s), half_open)
        if before is not None:
            yield before

    def _by_chance(self) -> Iterator[Outage]:
        profile = self.profile
        if not profile.up_s:
            return
        dice, at_s = random.Random(f"outages {profile.name} {self._seed}"), 0.0
        while True:
            start_s = at_s + dice.expovariate(1 / profile.up_s)
            at_s = start_s + dice.expovariate(1 / profile.down_s)
            yield Outage(start_s, at_s, dice.random() < profile.half_open)

    def pauses(self) -> Iterator[tuple[float, float]]:
        """Begin and end of each time in which the host does not read, in order."""
        profile = self.profile
        if not profile.pause_every_s:
            return
        dice, at_s = random.Random(f"pauses {profile.name} {self._seed}"), 0.0
        while True:
            start_s = at_s + dice.expovariate(1 / profile.pause_every_s)
            at_s = start_s + dice.expovariate(1 / profile.pause_s)
            yield start_s, at_s

    def down(self, until_s: float) -> list[Outage]:
        """The outages that begin before a time."""
        found: list[Outage] = []
        for outage in self.outages():
            if outage.start_s >= until_s:
                break
            found.append(outage)
        return found


class Passage(NamedTuple):
    """What becomes of bytes on a link."""

    sent_s: float
    """When the link is free for the next."""
    arrives_s: float
    data: bytes
    gave_up: bool
    """Whether the link layer gave the connection up over them."""


class Carrier:
    """Carries bytes one way over a link: when they arrive, and which."""

    def __init__(self, profile: LinkProfile, seed: int, way: str) -> None:
        self._profile = profile
        self._dice = random.Random(f"carrier {way} {profile.name} {seed}")
        self._last_s = 0.0
        self._bad = True
        self._bytes_left = 0
        if profile.loss and not profile.packet_bytes:
            self._change_weather()

    def carry(self, data: bytes, begins_s: float) -> Passage:
        """Send bytes at a time at which the link is free."""
        profile = self._profile
        sent_s = begins_s + len(data) / profile.bytes_per_s
        gave_up = False
        if profile.loss:
            if profile.packet_bytes:
                again = self._attempts_lost(-(-len(data) // profile.packet_bytes))
                gave_up = max(again, default=0) * profile.interval_s > profile.supervision_s
                sent_s += sum(again) * profile.interval_s
            else:
                data = self._survivors(data)
        arrives_s = sent_s + profile.latency_s
        if profile.jitter_s:
            arrives_s += self._dice.expovariate(1 / profile.jitter_s)
        self._last_s = max(arrives_s, self._last_s)
        return Passage(sent_s, self._last_s, b"" if gave_up else data, gave_up)

    def _attempts_lost(self, packets: int) -> list[int]:
        """For each packet, how often it was lost before it arrived."""
        lost: list[int] = []
        for _ in range(packets):
            times = 0
            while self._dice.random() < self._profile.loss:
                times += 1
            lost.append(times)
        return lost

    def _survivors(self, data: bytes) -> bytes:
        kept, at = bytearray(), 0
        while at < len(data):
            piece = data[at : at + self._bytes_left]
            at += len(piece)
            self._bytes_left -= len(piece)
            if not self._bad:
                kept += piece
            if not self._bytes_left:
                self._change_weather()
        return bytes(kept)

    def _change_weather(self) -> None:
        """Begin a burst of lost bytes, or end it: both last geometrically."""
        self._bad = not self._bad
        burst, loss = self._profile.burst_bytes, self._profile.loss
        mean = burst if self._bad else burst * (1 - loss) / loss
        self._bytes_left = 1 if mean <= 1 else 1 + int(self._dice.expovariate(-math.log1p(-1 / mean)))
