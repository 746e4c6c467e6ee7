"""asyncio's tasks and their queue on the board's clock.

MicroPython's own are in C and ask the system for the time. These have the interface that `asyncio.core` uses of
them: queue push/peek/pop/remove, and of a task coro, data, state (True: runs; a queue: others wait for it; None:
done; False: done and someone knows) and ph_key, the time at which it is due.
"""

from time import ticks_diff, ticks_ms


class TaskQueue:
    """Tasks in the order in which they are due; equal ones in the order in which they came."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, due_ms=None):
        if due_ms is None:
            due_ms = ticks_ms()
        task.data = None
        task.ph_key = due_ms
        tasks = self._tasks
        at = len(tasks)
        while at and ticks_diff(tasks[at - 1].ph_key, due_ms) > 0:
            at -= 1
        tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """A coroutine that asyncio runs; awaiting it waits for its end."""

    def __init__(self, coro, context=None):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0
        if context is not None:
            Task._context = context

    def done(self):
        return not self.state

    def cancel(self):
        if self.done():
            return False
        context = Task._context
        if self is context["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        running = context["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            running.push(task)
        elif ticks_diff(task.ph_key, ticks_ms()) > 0:
            running.remove(task)
            running.push(task)
        task.data = context["CancelledError"]
        return True

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        waiting = Task._context["cur_task"]
        self.state.push(waiting)
        waiting.data = self
