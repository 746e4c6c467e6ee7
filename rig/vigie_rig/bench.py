"""A bench: a trace, a board, a configuration, faults and limits; run it, and get a result and a recording.

A bench does not know what its board is. ``run_bench`` runs one on a clock of its own; ``Session`` in
``vigie_rig.session`` is what it does inside an event loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from vigie.errors import LinkError, VigieError
from vigie.samples import SampleBlock
from vigie_protocol.messages import Configure
from vigie_rig import judge, virtual_clock
from vigie_rig.boards import BOARDS, HEAP_BYTES
from vigie_rig.energy import Use, load_power, mah_a_day, power_file
from vigie_rig.errors import BoardMissing, FirmwareFault, RigError, UsageError
from vigie_rig.expected_use import streaming_use
from vigie_rig.faults import KINDS, Fault
from vigie_rig.links import LINKS, Timetable
from vigie_rig.report import BenchRecording, HeapHistory, HeartRate, LinkHistory, LogLine, Span
from vigie_rig.report.features import FEATURE_MEASUREMENTS, Features, extract_features
from vigie_rig.results import BenchResult, FirmwareIdentity, Limit, Measurement, TraceIdentity, Verdict
from vigie_rig.session import SessionRecord, run_session
from vigie_rig.traces import Trace
from vigie_rig.versions import versions
from vigie_signal import HeartRateTrack, track_heart_rate

STANDARD: Final = Configure(
    ppg_rate_hz=100,
    ppg_channels=2,
    ppg_pulse_width_us=411,
    ppg_range_na=4096,
    ppg_average=1,
    ppg_led_ua=6400,
    acc_rate_decihz=1040,
    acc_range_g=8,
)
"""The configuration of the main job: PPG 100 Hz on two channels, accelerometer 104 Hz."""

MEASUREMENTS: Final = frozenset(
    {
        "clock_stalled_s",
        "energy_mah_a_day",
        "frames_bad",
        "frames_lost",
        "heap_live_bytes",
        "heap_needed_bytes",
        "heart_rate_coverage",
        "heart_rate_mae_bpm",
        "realtime_factor",
        "samples_announced_missing",
        "samples_expected",
        "samples_lost",
        "samples_misnumbered",
        "samples_received",
        "samples_unannounced",
        "samples_wrong",
        "sensor_clock_error",
        "sessions",
        "uncovered_s",
        *FEATURE_MEASUREMENTS,
        *(f"injected_{kind.replace('-', '_')}" for kind in KINDS),
    }
)
"""Names that a limit can be set on; one that a bench does not measure fails its limit."""

Clock = Literal["virtual", "real"]
Progress = Callable[[str, float, float], None]
"""Called with what is being done, how far it is and how far it goes, in seconds of trace."""

Watch = Callable[[SampleBlock], None]
"""Called with every block as it comes."""


def no_progress(what: str, at: float, total: float) -> None:
    """Show nothing."""


def no_watch(block: SampleBlock) -> None:
    """Watch nothing."""


_HEAP_STEP_BYTES: Final = 4096
_HEAP_PROBE_S: Final = 6.0
_START_S: Final = 1.0
"""How long a stream may take to begin."""
_RECOVERY_S: Final = 8.0
"""How long after a fault the stream may take to run again: noticing, connecting, starting."""
_ENERGY_MOST: Final = 1.25
_ENERGY_MOST_DISTURBED: Final = 1.6
"""How many times what the configuration needs may be taken from the battery: a link that is full is asked often."""
_RATE_FIT_S: Final = 20.0
"""From how long a stream on the sensors' true rates are asked to be found."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """What to run, and what must come out."""

    trace: Trace
    board: str = "unix"
    clock: Clock = "virtual"
    configuration: Configure = STANDARD
    faults: tuple[Fault, ...] = ()
    link: str = "perfect"
    """What the link is like while it streams: a name of :data:`vigie_rig.links.LINKS`."""
    seconds: float | None = None
    """How much of the trace to play; None plays all."""
    seed: int = 0
    """Seeds sensor clocks, jitter, faults and boot ids."""
    limits: Mapping[str, Limit] = dataclasses.field(default_factory=dict[str, Limit])
    """Limits in addition to, or instead of, the standard ones (see :func:`standard_limits`)."""
    heap_bytes: int | None = None
    """Heap of the board; None is the board's own."""
    find_heap_needed: bool = True
    """Whether to look for the smallest heap on which the bench passes, by bisection on short runs."""

    @property
    def playing_s(self) -> float:
        """Seconds of the trace that are played."""
        return self.trace.duration_s if self.seconds is None else min(self.seconds, self.trace.duration_s)

    def __post_init__(self) -> None:
        if self.board not in BOARDS:
            raise UsageError(f"board {self.board!r} is unknown: one of {', '.join(BOARDS)}")
        if self.clock not in ("virtual", "real"):
            raise UsageError(f"clock {self.clock!r} is unknown: virtual or real")
        if self.link not in LINKS:
            raise UsageError(f"link {self.link!r} is unknown: one of {', '.join(LINKS)}")
        gone_for_good = LINKS[self.link].disturbs or any(each.kind == "power-cut" for each in self.faults)
        if self.clock == "real" and gone_for_good:
            raise UsageError(
                "a pseudo-terminal does not come back: power cuts and links with outages are virtual"
            )
        if self.seconds is not None and self.seconds <= 0:
            raise UsageError(f"{self.seconds:g} seconds to play: more than 0")
        unknown = sorted(set(self.limits) - MEASUREMENTS)
        if unknown:
            raise UsageError(
                f"no measurement is called {', '.join(unknown)}: there are {', '.join(sorted(MEASUREMENTS))}"
            )
        for fault in self.faults:
            if fault.start_s >= self.playing_s:
                raise UsageError(f"fault {fault} begins after the {self.playing_s:g} s that are played")


@dataclasses.dataclass(frozen=True)
class BenchOutcome:
    """The result of a bench, and what its report draws."""

    result: BenchResult
    recording: BenchRecording
    transcript_sha256: str
    """Hash over every exchange with the board: the same seed gives the same one on the virtual clock."""

    def as_flake(self) -> BenchOutcome:
        """The same, as what failed and then passed on the same input."""
        return dataclasses.replace(self, result=dataclasses.replace(self.result, verdict="flake"))


def standard_limits(bench: Bench) -> dict[str, Limit]:
    """What every bench demands; with faults or on a bad link, losses are allowed but never unseen; nothing is wrong."""
    profile = LINKS[bench.link]
    away_s = [
        outage.end_s - outage.start_s for outage in Timetable(profile, bench.seed).down(bench.playing_s)
    ]
    disturbed = bool(bench.faults) or profile.disturbs
    uncovered_s = sum(away_s, sum(each.duration_s for each in bench.faults))
    uncovered_s += _RECOVERY_S * (len(bench.faults) + len(away_s))
    limits = {
        "samples_received": Limit(at_least=1),
        "samples_wrong": Limit(at_most=0),
        "samples_unannounced": Limit(at_most=0),
        "uncovered_s": Limit(at_most=_START_S + uncovered_s),
        "heap_live_bytes": Limit(at_most=HEAP_BYTES[bench.board] * 3 // 4),
        "realtime_factor": Limit(at_least=0.9),
        "energy_mah_a_day": Limit(at_most=_energy_most_mah_a_day(bench, disturbed=disturbed)),
    }
    if bench.find_heap_needed:
        limits["heap_needed_bytes"] = Limit(at_most=HEAP_BYTES[bench.board])
    if not disturbed:
        limits |= {"samples_lost": Limit(at_most=0), "frames_bad": Limit(at_most=0)}
        if bench.playing_s >= _RATE_FIT_S:
            limits["sensor_clock_error"] = Limit(at_most=0.002)
    if bench.trace.reference is not None and bench.seconds is None and not disturbed:
        limits |= {"heart_rate_mae_bpm": Limit(at_most=5.0), "heart_rate_coverage": Limit(at_least=0.6)}
    return limits | dict(bench.limits)


def _energy_most_mah_a_day(bench: Bench, *, disturbed: bool) -> float:
    needed = _energy_mah_a_day(bench, streaming_use(bench.configuration))
    return round(needed * (_ENERGY_MOST_DISTURBED if disturbed else _ENERGY_MOST), 1)


def _energy_mah_a_day(bench: Bench, use: Use) -> float:
    return sum(mah_a_day(use, load_power(power_file(bench.board))).values())


def run_bench(
    bench: Bench,
    *,
    progress: Progress = no_progress,
    watch: Watch = no_watch,
    command: str = "",
) -> BenchOutcome:
    """Run a bench on a clock of its own, and judge it; ``watch`` sees every block as it comes.

    Raises
    ------
    BoardMissing
        The board is not there; nothing was run.
    """
    started = datetime.now(UTC)
    began = time.monotonic()
    record = SessionRecord()
    verdict: Verdict = "pass"
    reason = ""
    with tempfile.TemporaryDirectory(prefix="vigie-board-") as folder:
        try:
            _play(bench, Path(folder), record, progress, watch)
        except BoardMissing:
            raise
        except FirmwareFault as fault:
            verdict, reason = "firmware-fault", str(fault)
        except RigError as fault:
            verdict, reason = "rig-fault", f"{type(fault).__name__}: {fault}"
        except LinkError as error:
            # Without a planned fault the link is a perfect one: it is the board that went away or fell silent.
            verdict, reason = "firmware-fault", f"{type(error).__name__}: {error}"
        except VigieError as error:
            verdict, reason = "fail", f"{type(error).__name__}: {error}"
        except Exception as error:
            verdict, reason = "rig-fault", f"{type(error).__name__}: {error}"
        if bench.find_heap_needed and verdict == "pass":
            progress("smallest heap", 0, 1)
            record.heap_needed_bytes = _heap_needed(bench, record)
            progress("smallest heap", 1, 1)
    track = record.track(track_heart_rate)
    features = extract_features(*record.series("ppg"), *record.series("acc"))
    measured = _measure(bench, record, track) + features.measurements()
    limits = standard_limits(bench)
    measured += [
        Measurement(name, None, "") for name in sorted(set(bench.limits) - {each.name for each in measured})
    ]
    measurements = tuple(
        dataclasses.replace(each, limit=limits[each.name]) if each.name in limits else each
        for each in measured
    )
    if (failed := [each.name for each in measurements if not each.ok]) and verdict == "pass":
        verdict, reason = "fail", f"out of its limit: {', '.join(failed)}"
    result = BenchResult(
        verdict=verdict,
        board=bench.board,
        firmware=FirmwareIdentity(record.firmware_version, record.schema_crc, record.micropython_version),
        trace=TraceIdentity(bench.trace.name, bench.trace.sha256, bench.playing_s),
        measurements=measurements,
        started_utc=started,
        wall_s=time.monotonic() - began,
        reason=reason,
    )
    seen = _record_for_report(bench, record, track, features, command)
    return BenchOutcome(result, seen, record.transcript_sha256)


def _play(bench: Bench, folder: Path, record: SessionRecord, progress: Progress, watch: Watch) -> None:
    main = run_session(
        bench.trace,
        bench.configuration,
        open_board=BOARDS[bench.board],
        folder=folder,
        seconds=bench.playing_s,
        faults=bench.faults,
        seed=bench.seed,
        heap_bytes=bench.heap_bytes,
        on_pty=bench.clock == "real",
        link=LINKS[bench.link],
        record=record,
        progress=progress,
        watch=watch,
    )
    if bench.clock == "virtual":
        virtual_clock.run(main)
    else:
        asyncio.run(main)


def _heap_needed(bench: Bench, record: SessionRecord) -> int | None:
    """Smallest heap, to 4 KiB, on which a few seconds of the bench pass; on the virtual clock, without faults."""

    def passes(heap_bytes: int) -> bool:
        short = dataclasses.replace(
            bench,
            clock="virtual",
            faults=(),
            link="perfect",
            seconds=min(_HEAP_PROBE_S, bench.playing_s),
            heap_bytes=heap_bytes,
            find_heap_needed=False,
        )
        tried = SessionRecord()
        # A blank board, as the bench's own was: flashing over a running application takes more.
        with tempfile.TemporaryDirectory(prefix="vigie-board-") as folder:
            try:
                _play(short, Path(folder), tried, no_progress, no_watch)
            except (RigError, VigieError):
                return False
        total = tried.judge_streams()
        return total.received > 0 and total.lost == 0 and total.wrong == 0

    low = record.heap_live_bytes[0][1] // _HEAP_STEP_BYTES // 2 if record.heap_live_bytes else 1
    high = (bench.heap_bytes or HEAP_BYTES[bench.board]) // _HEAP_STEP_BYTES
    if not passes(high * _HEAP_STEP_BYTES):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle * _HEAP_STEP_BYTES):
            high = middle
        else:
            low = middle
    return high * _HEAP_STEP_BYTES


def _measure(bench: Bench, record: SessionRecord, estimate: HeartRateTrack | None) -> list[Measurement]:
    total = record.judge_streams()
    measurements = [
        Measurement("samples_expected", total.expected, "samples"),
        Measurement("samples_received", total.received, "samples"),
        Measurement("samples_lost", total.lost, "samples"),
        Measurement("samples_wrong", total.wrong, "samples"),
        Measurement("samples_announced_missing", total.announced, "samples"),
        Measurement("samples_misnumbered", total.misnumbered, "samples"),
        Measurement("samples_unannounced", total.unannounced, "samples"),
        Measurement("uncovered_s", record.uncovered_s(), "s"),
        Measurement("frames_bad", record.frames_bad, "frames"),
        Measurement("frames_lost", record.frames_lost, "frames"),
        Measurement("sessions", len(record.sessions), ""),
        Measurement("sensor_clock_error", record.sensor_clock_error(), ""),
        Measurement("heap_live_bytes", max((b for _, b in record.heap_live_bytes), default=None), "bytes"),
        Measurement("heap_needed_bytes", record.heap_needed_bytes, "bytes"),
        Measurement("realtime_factor", record.played_s / record.wall_s if record.wall_s else None, "×"),
    ]
    if bench.clock == "real":
        measurements.append(Measurement("clock_stalled_s", record.stalled_s, "s"))
    use = record.use
    energy = _energy_mah_a_day(bench, use) if use is not None and use.seconds else None
    measurements.append(Measurement("energy_mah_a_day", energy, "mAh a day, an estimate"))
    reference = bench.trace.reference
    if reference is not None:
        inside = reference.time_s + reference.window_s / 2 <= bench.playing_s
        found = (
            judge.judge_heart_rate(estimate, reference.time_s[inside], reference.bpm[inside])
            if estimate is not None
            else judge.HeartRateVerdict(None, 0.0)
        )
        measurements += [
            Measurement("heart_rate_mae_bpm", found.mae_bpm, "bpm"),
            Measurement("heart_rate_coverage", found.coverage, ""),
        ]
    for kind, times in sorted(record.injected.items()):
        measurements.append(Measurement(f"injected_{kind.replace('-', '_')}", times, ""))
    return measurements


def _record_for_report(
    bench: Bench, record: SessionRecord, estimate: HeartRateTrack | None, features: Features, command: str
) -> BenchRecording:
    ppg_time_s, ppg = record.series("ppg")
    acc_time_s, acc = record.series("acc")
    reference = bench.trace.reference
    link: Any = np.array(record.link, float).reshape(-1, 4).T
    heap: Any = np.array(record.heap_live_bytes, float).reshape(-1, 2).T
    kept = [mark for mark in bench.trace.marks if mark.start_s < bench.playing_s]
    return BenchRecording(
        ppg_time_s=ppg_time_s,
        ppg=ppg,
        ppg_channels=record.ppg_channels,
        acc_time_s=acc_time_s,
        acc_g=acc,
        estimate=None if estimate is None else HeartRate(estimate.time_s, estimate.bpm, estimate.confidence),
        reference=None if reference is None else HeartRate(reference.time_s, reference.bpm),
        features=features,
        link=LinkHistory(*link) if record.link else None,
        heap=HeapHistory(*heap) if record.heap_live_bytes else None,
        marks=tuple(Span(mark.start_s, mark.duration_s, mark.label) for mark in kept),
        faults=tuple(Span(fault.start_s, fault.duration_s, fault.kind) for fault in bench.faults),
        log=tuple(LogLine(*line) for line in record.log),
        versions=versions(),
        command=command,
    )
