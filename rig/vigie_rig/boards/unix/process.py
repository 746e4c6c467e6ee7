"""The interpreter's process of a unix board: three pipes and an exit status."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Final

from vigie.micropython import MicroPython

_RUNTIME: Final = Path(__file__).parent / "runtime"
_READ_BYTES: Final = 65536
_STEADY: Final = ("setarch", "--addr-no-randomize") if shutil.which("setarch") else ()
"""The collector is conservative: only the same addresses make the heap the same in every run."""


class Interpreter:
    """MicroPython with the board's runtime; ``requests`` and ``console`` are the descriptors to wait for."""

    def __init__(self, micropython: MicroPython, files: Path, *, heap_bytes: int, raw: bool) -> None:
        # Pipes: a message over one costs half of what it costs over a socket.
        self.requests, to_us = os.pipe()
        to_board, self._answers = os.pipe()
        self.console, printed = os.pipe()
        os.set_blocking(self.requests, False)
        os.set_blocking(self.console, False)
        command = [*micropython.command, "-X", f"heapsize={heap_bytes}", str(_RUNTIME / "_repl.py")]
        try:
            self._process = subprocess.Popen(
                [*_STEADY, *command, *(["-r"] if raw else [])],
                cwd=files,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env={"MICROPYPATH": f"{_RUNTIME}:.:lib:.frozen", "VIGIE_CHANNEL": f"{to_board} {to_us}"},
                pass_fds=(to_board, to_us),
                start_new_session=True,
            )
        finally:
            for end in (to_us, to_board, printed):
                os.close(end)
        poll = select.poll()
        # In this order: what was printed before a request is seen with it.
        poll.register(self.requests, select.POLLIN)
        poll.register(self.console, select.POLLIN)
        self._poll = poll.poll
        self.only_requests = [(self.requests, select.POLLIN)]
        """What :meth:`wait` tells when there are requests and nothing was printed."""

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        """Wait for requests or for what it prints; descriptor and events of each that there is, none in time."""
        return self._poll(timeout_s * 1000)

    def receive(self) -> bytes | None:
        """Bytes of requests; none once the process has ended, None while there are none."""
        try:
            return os.read(self.requests, _READ_BYTES)
        except BlockingIOError:
            return None

    def send(self, answer: bytes) -> None:
        """Give an answer; a process that has ended takes none."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._answers, answer)

    def read_console(self) -> bytes:
        """What it printed, none at the moment or for good."""
        printed = bytearray()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.console, _READ_BYTES):
                printed += data
        return bytes(printed)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def status(self, timeout_s: float) -> int | None:
        """Exit status, or None if it does not end in time."""
        try:
            return self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def close(self) -> bytes:
        """End it now and forget it; return what it had still printed."""
        self._process.kill()
        self._process.wait()
        printed = self.read_console()
        for end in (self.requests, self._answers, self.console):
            os.close(end)
        return printed
