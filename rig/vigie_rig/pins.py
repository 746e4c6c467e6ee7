"""The pins of a virtual board: what drives its inputs, and what its outputs drive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

RISING, FALLING = 1, 2
_MOST_EDGES: Final = 32


class Pins:
    """Levels by pin number; an input that nothing drives is high, by its pull-up."""

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}
        self._watched: dict[int, int] = {}
        self._edges = bytearray()
        self._listeners: dict[int, Callable[[int, int], None]] = {}
        self.on_edge: Callable[[], None] | None = None
        """Called at an edge that the board waits for."""

    # The rig's side

    def drive(self, pin: int, level: int) -> None:
        """Set the level of an input of the board."""
        before = self.level(pin)
        self._levels[pin] = level
        edge = RISING if level > before else FALLING if level < before else 0
        if not self._watched.get(pin, 0) & edge:
            return
        if len(self._edges) < 2 * _MOST_EDGES:
            self._edges += bytes((pin, edge))
        if self.on_edge is not None:
            self.on_edge()

    def listen(self, pin: int, take: Callable[[int, int], None]) -> None:
        """Let ``take(level, now_us)`` hear of every level that the board gives this pin."""
        self._listeners[pin] = take

    # The board's side

    def level(self, pin: int) -> int:
        """Level of a pin, 0 or 1."""
        return self._levels.get(pin, 1)

    def write(self, pin: int, level: int, now_us: int) -> None:
        """Set an output."""
        self._levels[pin] = level
        if pin in self._listeners:
            self._listeners[pin](level, now_us)

    def watch(self, pin: int, edges: int) -> None:
        """Wake the board at these edges of an input, and no longer at others of it."""
        self._watched[pin] = edges

    def take_edges(self) -> bytes:
        """Edges since the last time, oldest first: pin and direction of each; at most 32."""
        edges = bytes(self._edges)
        self._edges.clear()
        return edges

    def reset_board(self, now_us: int) -> None:
        """Let go of every pin, as a processor does when it starts: what it drove is low."""
        self._watched.clear()
        self._edges.clear()
        for pin, take in self._listeners.items():
            self._levels[pin] = 0
            take(0, now_us)
