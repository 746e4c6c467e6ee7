"""A clock that jumps: an asyncio event loop on which nobody waits in real time.

When nothing is ready the loop moves its clock to the next timer instead of waiting for it. Host code runs on it
unchanged, deadlines included; a virtual board's sleep is one of the loop's timers, so the next event decides.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from vigie_rig.errors import RigFault

_T = TypeVar("_T")

_REAL_WAIT_S: Final = 20.0
"""How long real input, such as a thread's answer, may take when no timer is left."""


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for real input without waiting, and moves the clock instead."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_REAL_WAIT_S)
            if not ready:
                raise RigFault(
                    "on the virtual clock everything waits and no event is left: a wait without a deadline"
                )
            return ready
        self.now_s += timeout
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """The event loop; its ``time()`` begins at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # The loop compares due times within its resolution; a microsecond absorbs rounding.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now_s


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine on a new virtual clock, as ``asyncio.run`` does on the real one."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
