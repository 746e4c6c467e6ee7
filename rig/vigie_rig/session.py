"""Playing a trace through a board and keeping what came out: the part of a bench inside an event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import vigie
from vigie.flash import flash
from vigie.sample_clock import SampleClock, fit_sample_clock
from vigie.samples import SampleBlock
from vigie_protocol.arrays import TICKS_MODULUS_US
from vigie_protocol.enums import EventCode, LogLevel, Stream
from vigie_protocol.messages import Configure, Error, Event, Log
from vigie_rig import judge
from vigie_rig.boards import Board, OpenBoard
from vigie_rig.energy import Use
from vigie_rig.faults import Fault, FaultPlan
from vigie_rig.links import LinkProfile
from vigie_rig.sensor_bus import SensorModel
from vigie_rig.sensors import Ledger, Lsm6dso, Max30101, Run, bracelet_sensors
from vigie_rig.traces import Trace
from vigie_signal import HeartRateTrack

_STATUS_EVERY_S: Final = 10.0
_STALL_S: Final = 2.0
_RECONNECT_S: Final = 0.5
_REPORT_EVERY_S: Final = 1.0
_GAP_MOST_S: Final = 3600.0


@dataclasses.dataclass
class SessionBlocks:
    """Blocks of one session, from StartStream to its end."""

    begin_us: int
    """Board time of the trace's beginning."""
    start_us: int
    """Board time of StartStream."""
    ppg: list[SampleBlock] = dataclasses.field(default_factory=list[SampleBlock])
    acc: list[SampleBlock] = dataclasses.field(default_factory=list[SampleBlock])


@dataclasses.dataclass
class SessionRecord:
    """All that a bench saw, as far as it came."""

    sessions: list[SessionBlocks] = dataclasses.field(default_factory=list[SessionBlocks])
    ledgers: dict[str, Ledger] = dataclasses.field(default_factory=dict[str, Ledger])
    streams: tuple[str, ...] = ()
    """Which of the ledgers' streams were asked for."""
    firmware_version: str = ""
    schema_crc: str = ""
    micropython_version: str = ""
    ppg_channels: tuple[str, ...] = ()
    frames_bad: int = 0
    frames_lost: int = 0
    played_s: float = 0.0
    wall_s: float = 0.0
    stalled_s: float = 0.0
    heap_live_bytes: list[tuple[float, int]] = dataclasses.field(default_factory=list[tuple[float, int]])
    heap_needed_bytes: int | None = None
    link: list[tuple[float, float, int, int]] = dataclasses.field(
        default_factory=list[tuple[float, float, int, int]]
    )
    """Each second: time, bytes a second, bad frames and missing samples so far."""
    log: list[tuple[float, str, str]] = dataclasses.field(default_factory=list[tuple[float, str, str]])
    use: Use | None = None
    """What the board did while the trace played that takes energy."""
    injected: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    transcript_sha256: str = ""

    def judge_streams(self) -> judge.StreamVerdict:
        """Both streams of all sessions against the ledgers."""
        total = judge.NOTHING
        for name in self.ledgers:
            for session, runs in self._runs(name):
                total += judge.judge_stream(runs, session.ppg if name == "ppg" else session.acc)
        return total

    def _runs(self, stream: str) -> list[tuple[SessionBlocks, list[Run]]]:
        """Each session, and the runs that the sensor began in it."""
        runs = judge.runs_read(self.ledgers[stream])
        begins = [*(session.start_us for session in self.sessions), float("inf")]
        return [
            (session, [run for run in runs if session.start_us <= run.start_us < end])
            for session, end in zip(self.sessions, begins[1:], strict=True)
        ]

    def clocks(self, stream: str) -> list[SampleClock]:
        """Sample clock of each session that has blocks."""
        return [fit_sample_clock(blocks) for _, blocks in self._parts(stream)]

    def uncovered_s(self) -> float:
        """Seconds played of which a stream brought neither samples nor a numbered gap; of the worse stream."""
        covered_s: list[float] = []
        for stream in self.streams:
            parts = [blocks for _, blocks in self._parts(stream)]
            covered_s.append(
                sum(
                    (blocks[-1].first_sample + len(blocks[-1].samples)) / fit_sample_clock(blocks).rate_hz
                    for blocks in parts
                )
            )
        return max(0.0, self.played_s - min(covered_s, default=0.0))

    def sensor_clock_error(self) -> float | None:
        """Largest relative difference between a sensor's true rate and the one found from the blocks' ticks."""
        errors: list[float] = []
        for name in self.ledgers:
            for session, runs in self._runs(name):
                blocks = session.ppg if name == "ppg" else session.acc
                if len(runs) != 1 or not blocks:
                    continue
                clock, times_us = fit_sample_clock(blocks), runs[0].time_us
                if clock.rate_measured and len(times_us) > 1:
                    true_hz = (len(times_us) - 1) * 1e6 / (times_us[-1] - times_us[0])
                    errors.append(abs(clock.rate_hz / true_hz - 1))
        return max(errors, default=None)

    def _parts(self, stream: str) -> list[tuple[SessionBlocks, list[SampleBlock]]]:
        parts = [(each, each.ppg if stream == "ppg" else each.acc) for each in self.sessions]
        return [(session, blocks) for session, blocks in parts if blocks]

    def series(self, stream: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Times in seconds of the trace [n], and samples [channels, n]: PPG counts, acceleration in g."""
        times: list[NDArray[np.float64]] = []
        values: list[NDArray[Any]] = []
        for session, blocks in self._parts(stream):
            clock = fit_sample_clock(blocks)
            for block in blocks:
                numbers = block.first_sample + np.arange(len(block.samples))
                at_us = (
                    clock.origin_us + numbers.astype(np.float64) * (1e6 / clock.rate_hz) - session.begin_us
                )
                times.append(at_us / 1e6)
                values.append(block.samples if stream == "ppg" else block.values)
        columns = len(self.ppg_channels) if stream == "ppg" else 3
        if not times:
            return np.zeros(0), np.zeros((columns, 0))
        return np.concatenate(times), np.concatenate(values).T

    def track(self, estimator: Callable[..., HeartRateTrack]) -> HeartRateTrack | None:
        """Heart rate over the trace from all that was received, missing samples as NaN; None without data."""
        ppg_s, ppg = self.series("ppg")
        acc_s, acc = self.series("acc")
        if len(ppg_s) < 2:
            return None
        ppg_hz, start_s = self.clocks("ppg")[0].rate_hz, ppg_s[0]
        if len(acc_s) > 1:
            acc_hz = self.clocks("acc")[0].rate_hz
            track = estimator(
                _even(ppg_s - start_s, ppg, ppg_hz),
                _even(acc_s - start_s, acc, acc_hz),
                ppg_rate_hz=ppg_hz,
                acc_rate_hz=acc_hz,
            )
        else:
            track = estimator(_even(ppg_s - start_s, ppg, ppg_hz), ppg_rate_hz=ppg_hz)
        return HeartRateTrack(track.time_s + start_s, track.bpm, track.confidence)


def _even(time_s: NDArray[np.float64], values: NDArray[Any], rate_hz: float) -> NDArray[np.float64]:
    """Samples on an even grid from time 0, NaN where there are none."""
    at = np.rint(time_s * rate_hz).astype(np.int64)
    kept = (at >= 0) & (at < _GAP_MOST_S * 24 * rate_hz)
    even = np.full((len(values), int(at[kept].max()) + 1 if kept.any() else 0), np.nan)
    even[:, at[kept]] = values[:, kept]
    return even


async def run_session(
    trace: Trace,
    configuration: Configure,
    *,
    open_board: OpenBoard,
    folder: Path,
    seconds: float,
    faults: Sequence[Fault],
    seed: int,
    heap_bytes: int | None,
    on_pty: bool,
    link: LinkProfile,
    record: SessionRecord,
    progress: Callable[[str, float, float], None],
    watch: Callable[[SampleBlock], None],
) -> None:
    """Open the board, deploy the firmware, play the trace and stream it; ``record`` fills as it goes."""
    sensors = bracelet_sensors(trace, seed=seed)
    for sensor in sensors:
        if isinstance(sensor, Max30101):
            record.ledgers["ppg"] = sensor.ledger
        elif isinstance(sensor, Lsm6dso):
            record.ledgers["acc"] = sensor.ledger
    plan = FaultPlan(faults, seed=seed)
    opened = open_board(
        folder, sensors=sensors, faults=plan, heap_bytes=heap_bytes, seed=seed, on_pty=on_pty, link=link
    )
    async with opened as board:
        try:
            progress("deploying the firmware", 0, 1)
            await flash(board.link())
            player = _Player(
                board,
                sensors=sensors,
                plan=plan,
                disturbed=bool(faults) or link.disturbs,
                configuration=configuration,
                seconds=seconds,
                record=record,
                progress=progress,
                watch=watch,
            )
            await player.play()
        except vigie.LinkError as error:
            if board.fault is not None:
                raise board.fault from error
            raise
        finally:
            record.injected = dict(plan.injected)
            record.stalled_s = board.stalled_s
            record.transcript_sha256 = board.transcript_sha256


class _Player:
    """Streams until the trace is over, connecting again where a planned fault broke the session."""

    def __init__(
        self,
        board: Board,
        *,
        sensors: Sequence[SensorModel],
        plan: FaultPlan,
        disturbed: bool,
        configuration: Configure,
        seconds: float,
        record: SessionRecord,
        progress: Callable[[str, float, float], None],
        watch: Callable[[SampleBlock], None],
    ) -> None:
        self._board = board
        self._sensors = sensors
        self._plan = plan
        self._disturbed = disturbed
        self._configuration = configuration
        self._seconds = seconds
        self._record = record
        self._progress = progress
        self._watch_block = watch
        self._begin_us: int | None = None
        self._use_before: Use | None = None
        self._missing = 0
        self._bad_before = 0
        self._resets: list[asyncio.TimerHandle] = []

    def _trace_s(self) -> float:
        return 0.0 if self._begin_us is None else (self._board.now_us() - self._begin_us) / 1e6

    async def play(self) -> None:
        began = time.monotonic()
        try:
            while self._trace_s() < self._seconds:
                try:
                    await self._one_session()
                except (vigie.LinkError, vigie.RequestRefused):
                    if self._board.fault is not None or not self._disturbed:
                        raise
                    await asyncio.sleep(_RECONNECT_S)
        finally:
            for reset in self._resets:
                reset.cancel()
            self._record.played_s = min(self._trace_s(), self._seconds)
            self._record.wall_s = time.monotonic() - began
            use = self._board.use()
            if use is not None and self._use_before is not None:
                self._record.use = use - self._use_before

    def _begin(self) -> int:
        """Start the trace, at the first session's stream; return its beginning in board time."""
        loop = asyncio.get_running_loop()
        if self._begin_us is None:
            self._begin_us = self._board.now_us()
            for sensor in self._sensors:
                sensor.play_from(self._begin_us)
            self._plan.begin(loop.time())
            self._board.begin_link()
            self._use_before = self._board.use()
            self._resets = [loop.call_later(at_s, self._reset) for at_s in self._plan.resets_s()]
            self._resets += [
                loop.call_later(at_s, self._cut, off_s) for at_s, off_s in self._plan.power_cuts_s()
            ]
        return self._begin_us

    def _reset(self) -> None:
        self._plan.count("reset")
        self._board.reset()

    def _cut(self, off_s: float) -> None:
        self._plan.count("power-cut")
        self._board.power_cut(off_s)

    async def _one_session(self) -> None:
        record = self._record
        async with vigie.connect(self._board.link()) as bracelet:
            record.firmware_version = bracelet.firmware_version
            record.micropython_version = bracelet.micropython_version
            record.schema_crc = f"{bracelet.hello.schema_crc:08x}"
            answer = await bracelet.configure(self._configuration)
            if isinstance(answer, Error):
                raise vigie.RequestRefused("Configure", answer.code, answer.text.decode(errors="replace"))
            wanted = Stream(0)
            if answer.ppg_rate_hz:
                wanted |= Stream.PPG
            if answer.acc_rate_decihz:
                wanted |= Stream.ACCELEROMETER
            names = {Stream.PPG: "ppg", Stream.ACCELEROMETER: "acc"}
            record.streams = tuple(name for stream, name in names.items() if stream & wanted)
            begin_us = self._begin()
            session = SessionBlocks(begin_us, self._board.now_us())
            record.sessions.append(session)
            stream = bracelet.stream(wanted, stall_timeout_s=_STALL_S)
            watching = asyncio.create_task(self._watch(bracelet))
            try:
                async for block in stream:
                    if block.stream is Stream.PPG:
                        session.ppg.append(block)
                        record.ppg_channels = block.channels
                    else:
                        session.acc.append(block)
                    self._missing += block.gap
                    self._watch_block(block)
                    if self._trace_s() >= self._seconds:
                        await stream.stop()
                if not self._disturbed:
                    status = await bracelet.status(collect=True)
                    record.heap_live_bytes.append((self._trace_s(), status.heap_live_bytes))
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError, vigie.LinkError):
                    await watching
                self._bad_before += bracelet.link.frames_bad
                record.frames_bad = self._bad_before
                record.frames_lost += bracelet.link.frames_lost
                self._keep_notices(bracelet)

    async def _watch(self, bracelet: vigie.Bracelet) -> None:
        """Beside the stream: progress, link and heap over time."""
        bytes_before, at_before = 0, self._trace_s()
        next_status_s = at_before + 1
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            at = self._trace_s()
            link = bracelet.link
            rate = (link.bytes_received - bytes_before) / max(at - at_before, 1e-6)
            bytes_before, at_before = link.bytes_received, at
            self._record.link.append((at, rate, self._bad_before + link.frames_bad, self._missing))
            self._progress("streaming", min(at, self._seconds), self._seconds)
            if at >= next_status_s:
                next_status_s = at + _STATUS_EVERY_S
                with suppress(vigie.RequestTimeout):
                    status = await bracelet.status(collect=True, timeout_s=1.0)
                    self._record.heap_live_bytes.append((at, status.heap_live_bytes))

    def _keep_notices(self, bracelet: vigie.Bracelet) -> None:
        if self._begin_us is None:
            return
        for notice in bracelet.notices:
            if not isinstance(notice, Log | Event):
                continue
            at_s = (notice.epoch * TICKS_MODULUS_US + notice.ticks_us - self._begin_us) / 1e6
            if isinstance(notice, Log):
                level = LogLevel(notice.level).name.lower() if notice.level in range(1, 5) else "info"
                self._record.log.append((at_s, level, notice.text.decode(errors="replace")))
            else:
                name = notice.code.name if isinstance(notice.code, EventCode) else f"event {notice.code}"
                self._record.log.append((at_s, "warning", f"{name} {notice.value}"))
