"""The serial line between a virtual board and its host: buffers, the link's profile, faults and the pulled plug.

Inside, the board reads and writes it through the side channel. Outside stands either a transport in this process
(``LineTransport``) or a pseudo-terminal for any program (``pty_door``). Every buffer is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Literal

from vigie_rig.faults import FaultPlan
from vigie_rig.links import PERFECT, Carrier, LinkProfile, Outage, Timetable

BOARD_BUFFER_BYTES: Final = 4096
"""What the board's side holds in each direction, about that of a USB serial port."""

Reason = Literal["plug", "power", "outage", "supervision"]


class SerialLine:
    """One line; the host's end is whoever sets :attr:`to_host`. It is a perfect one until :meth:`begin`."""

    def __init__(self, faults: FaultPlan, *, profile: LinkProfile = PERFECT, seed: int = 0) -> None:
        self.profile = profile
        self._faults = faults
        self._seed = seed
        self._carriers: dict[str, Carrier] = {}
        self._shape(PERFECT)
        self._to_board = bytearray()
        self._host_waits: list[bytes] = []
        self._in_flight = {"host": 0, "board": 0}
        self._free_at_s = {"host": 0.0, "board": 0.0}
        self._away: set[Reason] = set()
        self._times_away = 0
        self._deaf = False
        self._host_pauses = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._to_host: Callable[[bytes], bool] | None = None
        self._connected_s = 0.0
        self._connected_since_s: float | None = None
        self.on_unplugged: Callable[[], None] | None = None
        self.on_input: Callable[[], None] | None = None
        """Called when bytes for the board arrived."""
        self.bytes_to_host = 0
        self.bytes_to_board = 0

    def _shape(self, profile: LinkProfile) -> None:
        self._carriers = {way: Carrier(profile, self._seed, way) for way in ("host", "board")}

    @property
    def to_host(self) -> Callable[[bytes], bool] | None:
        """Takes bytes that arrived; returns False while it can take no more (see :meth:`host_ready`)."""
        return self._to_host

    @to_host.setter
    def to_host(self, take: Callable[[bytes], bool] | None) -> None:
        self._to_host = take
        self._note_connection()

    def _note_connection(self) -> None:
        """A host came or went, or the line did."""
        if self._to_host is None and self._connected_since_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        if self._connected_since_s is not None:
            self._connected_s += now_s - self._connected_since_s
        self._connected_since_s = now_s if self._to_host is not None and not self._away else None

    def connected_s(self) -> float:
        """For how long a host was connected so far."""
        self._note_connection()
        return self._connected_s

    # When it is there

    def begin(self) -> None:
        """Let the link's profile begin now, with its timetable."""
        if self.profile is PERFECT:
            return
        self._shape(self.profile)
        timetable, now_s = Timetable(self.profile, self._seed), asyncio.get_running_loop().time()
        self._next_outage(timetable.outages(), now_s)
        self._next_pause(timetable.pauses(), now_s)

    def close(self) -> None:
        """Follow the timetable no longer, and pull the plug."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self.plugged:
            self.unplug()

    def _at(self, name: str, due_s: float, call: Callable[..., None], *given: object) -> None:
        self._timers[name] = asyncio.get_running_loop().call_at(due_s, call, *given)

    def _next_outage(self, outages: Iterator[Outage], origin_s: float) -> None:
        outage = next(outages, None)
        if outage is not None:
            self._at("outage", origin_s + outage.start_s, self._begin_outage, outage, outages, origin_s)

    def _begin_outage(self, outage: Outage, outages: Iterator[Outage], origin_s: float) -> None:
        if not outage.half_open:
            self.unplug("outage")
        else:
            self._deaf = True
            noticed_s = origin_s + outage.start_s + self.profile.supervision_s
            if self.profile.packet_bytes and noticed_s < origin_s + outage.end_s:
                self._at("supervision", noticed_s, self.unplug, "outage")
        self._at("outage", origin_s + outage.end_s, self._end_outage, outages, origin_s)

    def _end_outage(self, outages: Iterator[Outage], origin_s: float) -> None:
        self._deaf = False
        self.plug("outage")
        self._next_outage(outages, origin_s)

    def _next_pause(self, pauses: Iterator[tuple[float, float]], origin_s: float) -> None:
        pause = next(pauses, None)
        if pause is not None:
            self._at("pause", origin_s + pause[0], self._begin_pause, origin_s + pause[1], pauses, origin_s)

    def _begin_pause(self, end_s: float, pauses: Iterator[tuple[float, float]], origin_s: float) -> None:
        self._host_pauses = True
        self._at("pause", end_s, self._end_pause, pauses, origin_s)

    def _end_pause(self, pauses: Iterator[tuple[float, float]], origin_s: float) -> None:
        self._host_pauses = False
        self.host_ready()
        self._next_pause(pauses, origin_s)

    @property
    def plugged(self) -> bool:
        """Whether host and board are connected, as far as both are told."""
        return not self._away

    def unplug(self, reason: Reason = "plug") -> None:
        """Pull the plug: nothing passes, what is under way is lost, and the host's end hears of it."""
        first = not self._away
        self._away.add(reason)
        self._times_away += 1
        self._host_waits.clear()
        self._note_connection()
        if first and self.on_unplugged is not None:
            self.on_unplugged()

    def plug(self, reason: Reason = "plug") -> None:
        """Put the plug back; the line is there once no reason is left for which it is not."""
        self._away.discard(reason)
        self._note_connection()

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
        if taken and self.plugged:
            self._send(taken, now_s, "host", self._arrive_at_host)
        return len(taken)

    def print(self, data: bytes, now_s: float) -> None:
        """Bytes that the board's interpreter prints; nobody listening, they are dropped beyond the buffer."""
        listening = self.to_host is not None and not self._host_waits
        if self.plugged and data and (listening or sum(map(len, self._host_waits)) < BOARD_BUFFER_BYTES):
            self._send(data, now_s, "host", self._arrive_at_host)

    def reset_board(self) -> None:
        """Forget what the board had not read yet."""
        self._to_board.clear()

    # The host's side

    def host_write(self, data: bytes, now_s: float) -> None:
        """Send bytes to the board."""
        if self.plugged:
            self._send(data, now_s, "board", self._arrive_at_board)

    @property
    def board_room(self) -> int:
        """How many more bytes the board's side can take."""
        return BOARD_BUFFER_BYTES - len(self._to_board) - self._in_flight["board"]

    def host_ready(self) -> None:
        """The host's end can take bytes again."""
        while self._host_waits and self.to_host is not None and not self._host_pauses:
            if not self.to_host(self._host_waits[0]):
                return
            del self._host_waits[0]

    def _send(self, data: bytes, now_s: float, way: str, arrive: Callable[[bytes, int, int], None]) -> None:
        loop = asyncio.get_running_loop()
        self._in_flight[way] += len(data)
        begins_s = max(now_s + self._faults.delay_s(now_s), self._free_at_s[way])
        passage = self._carriers[way].carry(data, begins_s)
        self._free_at_s[way] = passage.sent_s
        arriving = b"" if self._deaf else self._faults.corrupt(passage.data, now_s)
        loop.call_at(passage.arrives_s, arrive, arriving, len(data), self._times_away)
        if passage.gave_up:
            self._at(f"reconnect {way}", passage.arrives_s, self._give_up)

    def _give_up(self) -> None:
        """The link layer disconnects; it can be connected again at once."""
        self.unplug("supervision")
        self.plug("supervision")

    def _arrive_at_host(self, data: bytes, sent: int, times_away: int) -> None:
        self._in_flight["host"] -= sent
        if not data or times_away != self._times_away:
            return
        self.bytes_to_host += len(data)
        if self._host_waits or self._host_pauses or self.to_host is None or not self.to_host(data):
            self._host_waits.append(data)

    def _arrive_at_board(self, data: bytes, sent: int, times_away: int) -> None:
        self._in_flight["board"] -= sent
        if not data or times_away != self._times_away:
            return
        room = BOARD_BUFFER_BYTES - len(self._to_board)
        self.bytes_to_board += min(room, len(data))
        self._to_board += data[:room]
        if self.on_input is not None:
            self.on_input()
