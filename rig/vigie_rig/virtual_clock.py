"""A clock that jumps: an asyncio event loop on which nobody waits in real time.

When nothing is ready the loop moves its clock to the next timer instead of waiting for it. Host code runs on it
unchanged, deadlines included; a virtual board's sleep is one of the loop's timers, so the next event decides.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from vigie_rig.errors import RigFault

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_REAL_WAIT_S: Final = 20.0
"""How long real input, such as a thread's answer, may take when no timer is left."""
_SAME_S: Final = 2e-6
_LOOK_EVERY: Final = 100
"""After so many rounds real input is looked at, whether or not any is to be expected."""


class _JumpingSelector(selectors.DefaultSelector):
    """Looks for real input without waiting, and moves the clock instead."""

    now_s = 0.0

    threads = 0
    """Calls that run in threads now."""
    _rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        # The loop's own waking is always among what is looked at; where there is no more, a look can wait.
        if len(self.get_map()) > 1 or self._rounds % _LOOK_EVERY == 0:
            ready = super().select(0)
            if ready:
                return ready
        if timeout == 0:
            return []
        if self.threads or timeout is None:
            # What a thread does takes no virtual time: else how far the clock jumps would depend on the machine.
            ready = super().select(_REAL_WAIT_S)
            if ready:
                return ready
        if timeout is None:
            raise RigFault(
                "on the virtual clock everything waits and no event is left: a wait without a deadline"
            )
        self.now_s += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """The event loop; its ``time()`` begins at 0."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._jumps = 0
        # The loop compares due times within its resolution; a microsecond absorbs rounding.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now_s

    def jump(self, to_s: float) -> bool:
        """Move the clock to a time at once, and tell so, if nothing at all is due before or with it.

        It is what the loop would do by itself, without the round through its selector; now and then it refuses, so
        that real input is looked at.
        """
        scheduled = self._scheduled
        if self._ready or self._jumping.threads or (scheduled and scheduled[0].when() <= to_s + _SAME_S):
            return False
        self._jumps += 1
        if self._jumps % _LOOK_EVERY == 0:
            return False
        self._jumping.now_s = max(to_s, self._jumping.now_s)
        return True

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[_Ts]], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Run a function in a thread; the clock stands still until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine on a new virtual clock, as ``asyncio.run`` does on the real one."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
