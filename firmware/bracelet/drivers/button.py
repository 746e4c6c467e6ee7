"""A push button between a pin and ground: debounced presses, and how long they were."""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_BOUNCE_MS = const(20)

_TYPING = const(0)
if _TYPING:
    from roles import InputPin


class Button:
    """A button on its pin, which has a pull-up; it wakes a board that sleeps."""

    def __init__(self, pin: "InputPin") -> None:
        self._pin = pin
        self._moved = asyncio.ThreadSafeFlag()
        pin.irq(self._edge)

    def _edge(self, _pin: object) -> None:
        self._moved.set()

    @property
    def pressed(self) -> bool:
        """Whether it is down now, or bounces."""
        return not self._pin.value()

    async def _settled(self) -> bool:
        """Wait for an edge and the end of its bouncing; return whether it is down then."""
        await self._moved.wait()  # pyright: ignore[reportUnknownMemberType]
        await asyncio.sleep_ms(_BOUNCE_MS)
        # In this order: an edge after the look is another one.
        self._moved.clear()
        return self.pressed

    async def press(self) -> int:
        """Wait for the next press and its end; return for how many milliseconds it was down."""
        while not await self._settled():
            pass
        began_ms = ticks_ms()
        while await self._settled():
            pass
        return ticks_diff(ticks_ms(), began_ms)

    async def down(self) -> None:
        """Wait until it is pressed; how long it stays so does not matter."""
        while not await self._settled():
            pass
