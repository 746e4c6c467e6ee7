"""The button and the vibration motor: after a fall the wearer is told, and may say that all is well."""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from bracelet import codec

_CANCEL_MS = const(30000)
_AGAIN_MS = const(3000)

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable

    from bracelet.drivers.button import Button
    from bracelet.drivers.vibration import Vibration


class Alarm:
    """Tells presses as events: BUTTON with its milliseconds, or CANCELLED with the seconds since the fall."""

    def __init__(self, button: "Button", vibration: "Vibration", tell: "Callable[[int, int], None]") -> None:
        self._button = button
        self._vibration = vibration
        self._tell = tell
        self._fell_ms = 0
        self._open = False
        self._shaking: object = None

    def fall(self) -> None:
        """A fall was seen: for half a minute the motor runs every 3 s, until the button is pressed."""
        self._fell_ms = ticks_ms()
        self._open = True
        if self._shaking is None:
            self._shaking = asyncio.create_task(self._shake())  # pyright: ignore[reportUnknownMemberType]

    async def listen(self) -> None:
        """Tell every press, until cancelled."""
        while True:
            lasted_ms = await self._button.press()
            since_ms = ticks_diff(ticks_ms(), self._fell_ms)
            if self._open and since_ms < _CANCEL_MS:
                self._open = False
                self._tell(codec.EVENT_CODE_CANCELLED, since_ms // 1000)
            else:
                self._tell(codec.EVENT_CODE_BUTTON, lasted_ms)

    async def _shake(self) -> None:
        while self._open and ticks_diff(ticks_ms(), self._fell_ms) < _CANCEL_MS:
            await self._vibration.pulse(3)
            await asyncio.sleep_ms(_AGAIN_MS)
        self._open = False
        self._shaking = None
