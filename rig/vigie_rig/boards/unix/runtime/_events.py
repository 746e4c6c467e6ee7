"""Puts asyncio on the board's clock: waiting is an exchange with the rig instead of a poll of the system."""

import sys

import _channel
import _tasks

sys.modules["_asyncio"] = _tasks

import asyncio.core  # noqa: E402


class BoardQueue:
    """asyncio's IOQueue for a board with one serial line, and flags that handlers of pins set."""

    def __init__(self):
        self._reader = None
        self._flags = []

    @property
    def map(self):
        """Whoever waits; asyncio ends when there is nobody, and no task either."""
        return self._flags or self._reader

    def queue_read(self, stream):
        task = asyncio.core.cur_task
        task.data = self
        if isinstance(stream, asyncio.ThreadSafeFlag):
            self._flags.append((stream, task))
        else:
            self._reader = task

    def queue_write(self, _stream):
        asyncio.core._task_queue.push(asyncio.core.cur_task)

    def remove(self, task):
        if self._reader is task:
            self._reader = None
        self._flags = [each for each in self._flags if each[1] is not task]

    def _wake_flagged(self):
        woken = False
        for each in self._flags[:]:
            if each[0].state:
                self._flags.remove(each)
                asyncio.core._task_queue.push(each[1])
                woken = True
        return woken

    def wait_io_event(self, delay_ms):
        if self._flags and self._wake_flagged():
            delay_ms = 0
        if delay_ms == 0 and self._reader is None:
            return
        now_us = _channel.now_us()
        # To the end of the millisecond that asyncio waits for, and not a whole one late.
        until_us = (now_us // 1000 + delay_ms) * 1000 if delay_ms >= 0 else 1 << 62
        why = _channel.sleep_until_us(until_us, self._reader is not None)
        if why & _channel.INPUT and self._reader is not None:
            asyncio.core._task_queue.push(self._reader)
            self._reader = None
        if self._flags:
            self._wake_flagged()


asyncio.core.IOQueue = BoardQueue
asyncio.core._io_queue = BoardQueue()
