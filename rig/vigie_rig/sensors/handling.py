"""What a hand does to a bracelet, and what a wrist feels of it: push button and vibration motor, on its pins."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from ..pins import Pins

_BOUNCE_S: Final = 0.008


class Button:
    """A push button between a pin and ground: pressed it is low, and at every press and release its contact bounces.

    Parameters
    ----------
    pins
        Those of the board.
    pin
        Number of its pin.
    bounce_s
        Longest time for which the contact bounces; 0 is a contact that never does.
    seed
        Seeds how it bounces.
    """

    def __init__(self, pins: Pins, pin: int, *, bounce_s: float = _BOUNCE_S, seed: int = 0) -> None:
        self._pins = pins
        self._pin = pin
        self._bounce_s = bounce_s
        self._dice = random.Random(f"button {seed}")

    def press(self, for_s: float) -> None:
        """Press it now, and let go later."""
        self._settle(0)
        asyncio.get_running_loop().call_later(for_s, self._settle, 1)

    def _settle(self, level: int) -> None:
        """Take a level, by a few that are of no meaning."""
        loop = asyncio.get_running_loop()
        self._pins.drive(self._pin, level)
        times_s = sorted(self._dice.uniform(0, self._bounce_s) for _ in range(2 * self._dice.randrange(4)))
        if self._bounce_s:
            for number, time_s in enumerate(times_s):
                loop.call_later(time_s, self._pins.drive, self._pin, level if number % 2 else 1 - level)


class Vibration:
    """A vibration motor on a pin: when it ran.

    Attributes
    ----------
    runs
        Board times in microseconds at which it began and ended, of each time that is over.
    """

    def __init__(self, pins: Pins, pin: int) -> None:
        self.runs: list[tuple[int, int]] = []
        self._since_us: int | None = None
        pins.listen(pin, self._take)

    @property
    def on(self) -> bool:
        """Whether it runs."""
        return self._since_us is not None

    def _take(self, level: int, now_us: int) -> None:
        if level and self._since_us is None:
            self._since_us = now_us
        elif not level and self._since_us is not None:
            self.runs.append((self._since_us, now_us))
            self._since_us = None
