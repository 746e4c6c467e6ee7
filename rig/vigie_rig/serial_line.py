"""The serial line between a virtual board and its host: buffers, speed, faults and the pulled plug.

Inside, the board reads and writes it through the side channel. Outside stands either a transport in this process
(``LineTransport``) or a pseudo-terminal for any program (``pty_door``). Every buffer is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from vigie_rig.faults import FaultPlan

BOARD_BUFFER_BYTES: Final = 4096
"""What the board's side holds in each direction, about that of a USB serial port."""

USB_FULL_SPEED_BYTES_PER_S: Final = 1_000_000


class SerialLine:
    """One line; the host's end is whoever sets :attr:`to_host`."""

    def __init__(
        self, faults: FaultPlan, *, bytes_per_s: float = USB_FULL_SPEED_BYTES_PER_S, latency_s: float = 0.001
    ) -> None:
        self._faults = faults
        self._bytes_per_s = bytes_per_s
        self._latency_s = latency_s
        self._to_board = bytearray()
        self._host_waits: list[bytes] = []
        self._in_flight = {"host": 0, "board": 0}
        self._free_at_s = {"host": 0.0, "board": 0.0}
        self._plugged = True
        self.to_host: Callable[[bytes], bool] | None = None
        """Takes bytes that arrived; returns False while it can take no more (see :meth:`host_ready`)."""
        self.on_unplugged: Callable[[], None] | None = None
        self.on_input: Callable[[], None] | None = None
        """Called when bytes for the board arrived."""
        self.bytes_to_host = 0
        self.bytes_to_board = 0

    @property
    def plugged(self) -> bool:
        """Whether host and board are connected."""
        return self._plugged

    def unplug(self) -> None:
        """Pull the plug: nothing passes, and the host's end hears of it."""
        self._plugged = False
        self._host_waits.clear()
        if self.on_unplugged is not None:
            self.on_unplugged()

    def plug(self) -> None:
        """Put the plug back."""
        self._plugged = True

    # The board's side

    def read(self, count: int) -> bytes:
        """Bytes for the board, at most ``count``; empty when there are none."""
        data = bytes(self._to_board[:count])
        del self._to_board[:count]
        return data

    def take_interrupt(self) -> bool:
        """Whether ctrl-C is among the bytes for the board; it and what came before it are taken away."""
        at = self._to_board.rfind(b"\x03")
        del self._to_board[: at + 1]
        return at >= 0

    @property
    def has_input(self) -> bool:
        """Whether bytes wait for the board."""
        return bool(self._to_board)

    def write(self, data: bytes, now_s: float) -> int:
        """Take bytes of the board and return how many: fewer when the buffer towards the host is full."""
        waiting = self._in_flight["host"] + sum(map(len, self._host_waits))
        taken = data[: max(0, BOARD_BUFFER_BYTES - waiting)]
        if taken and self._plugged:
            self._send(taken, now_s, "host", self._arrive_at_host)
        return len(taken)

    def print(self, data: bytes, now_s: float) -> None:
        """Bytes that the board's interpreter prints; nobody listening, they are dropped beyond the buffer."""
        listening = self.to_host is not None and not self._host_waits
        if self._plugged and data and (listening or sum(map(len, self._host_waits)) < BOARD_BUFFER_BYTES):
            self._send(data, now_s, "host", self._arrive_at_host)

    def reset_board(self) -> None:
        """Forget what the board had not read yet."""
        self._to_board.clear()

    # The host's side

    def host_write(self, data: bytes, now_s: float) -> None:
        """Send bytes to the board."""
        if self._plugged:
            self._send(data, now_s, "board", self._arrive_at_board)

    @property
    def board_room(self) -> int:
        """How many more bytes the board's side can take."""
        return BOARD_BUFFER_BYTES - len(self._to_board) - self._in_flight["board"]

    def host_ready(self) -> None:
        """The host's end can take bytes again."""
        while self._host_waits and self.to_host is not None:
            if not self.to_host(self._host_waits[0]):
                return
            del self._host_waits[0]

    def _send(self, data: bytes, now_s: float, way: str, arrive: Callable[[bytes, int], None]) -> None:
        loop = asyncio.get_running_loop()
        self._in_flight[way] += len(data)
        begins_s = max(now_s + self._faults.delay_s(now_s), self._free_at_s[way])
        self._free_at_s[way] = begins_s + len(data) / self._bytes_per_s
        loop.call_at(
            self._free_at_s[way] + self._latency_s, arrive, self._faults.corrupt(data, now_s), len(data)
        )

    def _arrive_at_host(self, data: bytes, sent: int) -> None:
        self._in_flight["host"] -= sent
        if not data or not self._plugged:
            return
        self.bytes_to_host += len(data)
        if self._host_waits or self.to_host is None or not self.to_host(data):
            self._host_waits.append(data)

    def _arrive_at_board(self, data: bytes, sent: int) -> None:
        self._in_flight["board"] -= sent
        if not data or not self._plugged:
            return
        room = BOARD_BUFFER_BYTES - len(self._to_board)
        self.bytes_to_board += min(room, len(data))
        self._to_board += data[:room]
        if self.on_input is not None:
            self.on_input()
