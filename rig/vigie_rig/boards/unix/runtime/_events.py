"""Puts asyncio on the board's clock: waiting is an exchange with the rig instead of a poll of the system."""

import sys

import _channel
import _tasks

sys.modules["_asyncio"] = _tasks

import asyncio.core  # noqa: E402


class BoardQueue:
    """asyncio's IOQueue for a board with one serial line."""

    def __init__(self):
        self._reader = None

    def queue_read(self, _stream):
        self._reader = asyncio.core.cur_task
        self._reader.data = self

    def queue_write(self, _stream):
        asyncio.core._task_queue.push(asyncio.core.cur_task)

    def remove(self, task):
        if self._reader is task:
            self._reader = None

    def wait_io_event(self, delay_ms):
        if delay_ms == 0 and self._reader is None:
            return
        now_us = _channel.now_us()
        # To the end of the millisecond that asyncio waits for, and not a whole one late.
        until_us = (now_us // 1000 + delay_ms) * 1000 if delay_ms >= 0 else 1 << 62
        if _channel.sleep_until_us(until_us, self._reader is not None) and self._reader is not None:
            asyncio.core._task_queue.push(self._reader)
            self._reader = None


asyncio.core.IOQueue = BoardQueue
asyncio.core._io_queue = BoardQueue()
