"""The clock of a virtual board."""

from __future__ import annotations

import asyncio
from typing import Final

from vigie_rig.virtual_clock import VirtualClockLoop

_BEAT_S: Final = 0.01
_STALL_S: Final = 0.05


class BoardClock:
    """Microseconds of board time, on the event loop's clock.

    On the real clock a loop that was not run for a while, because the machine had other things to do, is taken out:
    wrist, silicon and board stand still with the rig. Else a busy machine would look like a sensor that overflows.
    """

    def __init__(self, start_us: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.virtual = isinstance(self._loop, VirtualClockLoop)
        self._jump = self._loop.jump if isinstance(self._loop, VirtualClockLoop) else None
        self.stalled_s = 0.0
        """Real time that was taken out."""
        self._start_us = start_us
        self._origin_s = self._looked_s = self._loop.time()
        self._beat: asyncio.TimerHandle | None = None
        if not self.virtual:
            self._look_again()

    def close(self) -> None:
        """Stop looking at the loop."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def now_us(self) -> int:
        """Board time now."""
        now_s = self._loop.time()
        if not self.virtual:
            self.stalled_s += max(0.0, now_s - self._looked_s - _STALL_S)
            self._looked_s = now_s
        return round((now_s - self._origin_s - self.stalled_s) * 1e6) + self._start_us

    def loop_time_s(self, board_us: int) -> float:
        """The loop's time at a board time."""
        return (board_us - self._start_us) / 1e6 + self._origin_s + self.stalled_s

    def jump(self, board_us: int) -> bool:
        """Move the virtual clock to a board time at once, if nothing else is due before; tell whether it did."""
        return self._jump is not None and self._jump(self.loop_time_s(board_us))

    def reach(self, board_us: int) -> int:
        """Board time now, not before one at which the board is known to have been."""
        now_us = self.now_us()
        if board_us > now_us and not self.virtual:
            self.stalled_s -= (board_us - now_us) / 1e6
        return max(board_us, now_us)

    def _look_again(self) -> None:
        self.now_us()
        self._beat = self._loop.call_later(_BEAT_S, self._look_again)
