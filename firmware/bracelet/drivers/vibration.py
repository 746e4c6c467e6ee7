"""A vibration motor on a pin, by its transistor: high runs it."""

import asyncio

from micropython import const

_TYPING = const(0)
if _TYPING:
    from roles import OutputPin


class Vibration:
    """A motor on its pin; at rest from the start."""

    def __init__(self, pin: "OutputPin") -> None:
        self._pin = pin
        pin.value(0)

    def on(self) -> None:
        """Run until told otherwise."""
        self._pin.value(1)

    def off(self) -> None:
        """Rest."""
        self._pin.value(0)

    async def pulse(self, times: int = 1, on_ms: int = 200, off_ms: int = 200) -> None:
        """Run so often for so long; it rests afterwards, cancelled or not."""
        try:
            for left in range(times - 1, -1, -1):
                self.on()
                await asyncio.sleep_ms(on_ms)
                self.off()
                if left:
                    await asyncio.sleep_ms(off_ms)
        finally:
            self.off()
