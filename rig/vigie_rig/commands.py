"""The commands of the rig: bench, demo, board."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vigie.live import LiveView
from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_rig.bench import STANDARD, Bench, BenchOutcome, run_bench
from vigie_rig.boards import BOARDS, fetch, require
from vigie_rig.errors import BoardMissing, FirmwareFault, UsageError
from vigie_rig.faults import KINDS, Fault
from vigie_rig.links import LINKS
from vigie_rig.report import write_report
from vigie_rig.report.terminal import print_result
from vigie_rig.results import Limit, exit_status, write_json, write_junit
from vigie_rig.traces import Trace, TraceError, load_trace, synthesize
from vigie_signal import HeartRateTracker

_DEMO_MINUTES: Final = 1.0
_REFRESH_HZ: Final = 12
_BOARD_TRACE_MINUTES: Final = 30.0


class _Usage(click.ClickException):
    exit_code = 2


class _Missing(click.ClickException):
    exit_code = 3


def _trace(path: Path | None, *, seed: int, minutes: float) -> Trace:
    return synthesize(seed=max(1, seed), minutes=minutes) if path is None else load_trace(path)


def _limits(texts: tuple[str, ...]) -> dict[str, Limit]:
    """Read NAME<=VALUE and NAME>=VALUE."""
    limits: dict[str, Limit] = {}
    for text in texts:
        for sign in ("<=", ">="):
            name, found, value = text.partition(sign)
            if found:
                try:
                    number = float(value)
                except ValueError:
                    break
                limits[name.strip()] = Limit(at_most=number) if sign == "<=" else Limit(at_least=number)
                break
        if text.partition("<=")[0].partition(">=")[0].strip() not in limits:
            raise UsageError(f"limit {text!r}: write NAME<=VALUE or NAME>=VALUE")
    return limits


def _write(outcome: BenchOutcome, folder: Path, console: Console) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(outcome.result, folder / "results.json")
    write_junit(outcome.result, folder / "junit.xml")
    write_report(folder / "report.html", outcome.result, outcome.recording)
    console.print(f"written: {folder / 'report.html'}, results.json and junit.xml beside it", soft_wrap=True)


@click.command()
@click.argument("trace", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--board", default="unix", show_default=True, type=click.Choice(sorted(BOARDS)), help="What to run on."
)
@click.option(
    "--clock",
    default="virtual",
    show_default=True,
    type=click.Choice(["virtual", "real"]),
    help="virtual: nobody waits; real: over a pseudo-terminal, in real time.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write results.json, junit.xml and report.html there.",
)
@click.option("--seconds", type=float, help="Play only the beginning of the trace.")
@click.option(
    "--seed", default=0, show_default=True, help="Seeds sensor clocks, faults and the synthetic trace."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND@START+SECONDS:AMOUNT",
    help=f"Inject a fault, such as link-flip@10+5:0.001; may be repeated. Kinds: {', '.join(KINDS)}.",
)
@click.option(
    "--link",
    default="perfect",
    show_default=True,
    type=click.Choice(list(LINKS)),
    help="What the link is like while it streams, with its outages.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME<=VALUE",
    help="Set a limit on a measurement; may be repeated.",
)
@click.option("--heap", type=click.IntRange(16, 65536), metavar="KB", help="Heap of the board.")
@click.option(
    "--find-heap/--no-find-heap",
    default=True,
    show_default=True,
    help="Look for the smallest heap on which the bench passes.",
)
@click.option(
    "--reruns",
    default=0,
    show_default=True,
    type=click.IntRange(0, 10),
    help="Run again after a failure: a pass then is a flake, not a pass.",
)
def bench(
    *,
    trace: Path | None,
    board: str,
    clock: Any,
    report: Path | None,
    seconds: float | None,
    seed: int,
    faults: tuple[str, ...],
    link: str,
    limits: tuple[str, ...],
    heap: int | None,
    find_heap: bool,
    reruns: int,
) -> int:
    """Play a trace through a board and judge what comes out; without TRACE, the synthetic main job.

    TRACE is .bdf, .edf, .mat or .npz. Exit status: 0 pass, 1 fail, 2 usage, 3 fault of the rig.
    """  # fmt: skip
    console = Console()
    command = shlex.join(["vigie", *sys.argv[1:]])
    _fetch(board, console)
    try:
        described = Bench(
            trace=_trace(trace, seed=seed, minutes=3.0),
            board=board,
            clock=clock,
            faults=tuple(Fault.parse(each) for each in faults),
            link=link,
            seconds=seconds,
            seed=seed,
            limits=_limits(limits),
            heap_bytes=None if heap is None else heap * 1024,
            find_heap_needed=find_heap,
        )
        outcome = _run_showing(described, console, command)
        for _ in range(reruns):
            if outcome.result.verdict != "fail":
                break
            console.print(f"failed ({outcome.result.reason}); running again")
            again = _run_showing(described, console, command)
            if again.result.verdict == "pass":
                outcome = outcome.as_flake()
    except (TraceError, UsageError) as error:
        raise _Usage(str(error)) from error
    except BoardMissing as error:
        raise _Missing(str(error)) from error
    print_result(console, outcome.result)
    if report is not None:
        _write(outcome, report, console)
    return exit_status(outcome.result)


def _fetch(name: str, console: Console) -> None:
    """Get what a board needs, where the system's packages have it."""
    try:
        require(name)
    except BoardMissing:
        console.print(f"fetching MicroPython for the board {name} (once)")
        try:
            fetch(name)
        except BoardMissing as error:
            raise _Missing(str(error)) from error


def _run_showing(described: Bench, console: Console, command: str) -> BenchOutcome:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[at]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1, at="")

        def show(what: str, at: float, total: float) -> None:
            far = f"{at:.0f} of {total:.0f} s" if what == "streaming" else ""
            bar.update(task, description=what, completed=at, total=total, at=far)

        outcome = run_bench(described, progress=show, command=command)
        bar.update(task, description="done", completed=1, total=1, at="")
    return outcome


@click.command()
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("vigie-demo"),
    show_default=True,
    help="Where the report goes.",
)
@click.option(
    "--seconds", default=40.0, show_default=True, type=click.FloatRange(5, 60), help="How long it beats."
)
def demo(report: Path, seconds: float) -> int:
    """See a virtual bracelet beat: real firmware, live waveform, then a report."""
    console = Console()
    _fetch("unix", console)
    view = LiveView("a virtual bracelet: real firmware, modelled sensors")
    described = Bench(
        trace=synthesize(seed=1, minutes=_DEMO_MINUTES), clock="real", seconds=seconds, find_heap_needed=False
    )
    feed = _with_heart_rate(view)
    try:
        with Live(console=console, auto_refresh=False) as live:
            drawn = 0.0

            def watch(block: SampleBlock) -> None:
                nonlocal drawn
                feed(block)
                if time.monotonic() - drawn > 1 / _REFRESH_HZ:
                    drawn = time.monotonic()
                    live.update(view.render(console.width), refresh=True)

            outcome = run_bench(described, watch=watch, command="vigie demo")
    except BoardMissing as error:
        raise _Missing(str(error)) from error
    except KeyboardInterrupt:
        return 0
    print_result(console, outcome.result)
    _write(outcome, report, console)
    return exit_status(outcome.result)


def _with_heart_rate(view: LiveView) -> Callable[[SampleBlock], None]:
    """Feed the view, and a tracker whose newest estimate it shows."""
    tracker = HeartRateTracker(ppg_rate_hz=STANDARD.ppg_rate_hz, acc_rate_hz=STANDARD.acc_rate_decihz / 10)
    no_ppg, no_acc = np.zeros((STANDARD.ppg_channels, 0)), np.zeros((3, 0))
    view.numbers = {"heart rate": "… bpm"}

    def take(block: SampleBlock) -> None:
        view.take(block)
        if block.stream is Stream.PPG:
            found = tracker.update(block.samples.T, no_acc)
        else:
            found = tracker.update(no_ppg, block.values.T)
        if len(found.bpm) and np.isfinite(found.bpm[-1]):
            view.numbers = {"heart rate": f"{found.bpm[-1]:.0f} bpm"}

    return take


@click.group()
def board() -> None:
    """Virtual boards that stay, for any tool that speaks to a serial port."""


@board.command("list")
def list_boards() -> None:
    """List the boards that a bench can run on."""
    for name in sorted(BOARDS):
        click.echo(name)


@board.command()
@click.argument("name", type=click.Choice(sorted(BOARDS)))
@click.option("--trace", type=click.Path(path_type=Path, dir_okay=False), help="What its sensors see.")
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that is the board's file system, kept; else a new one for this run.",
)
def start(name: str, trace: Path | None, files: Path | None) -> None:
    """Start a board, print its serial port, and stay until ctrl-C."""
    from vigie_rig.boards.serve import serve

    _fetch(name, Console(stderr=True))
    # A service manager's way to say ctrl-C: the board ends as cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        playing = _trace(trace, seed=1, minutes=_BOARD_TRACE_MINUTES)
        with tempfile.TemporaryDirectory(prefix="vigie-board-") as folder:
            asyncio.run(serve(BOARDS[name], files or Path(folder), playing, click.echo))
    except TraceError as error:
        raise _Usage(str(error)) from error
    except BoardMissing as error:
        raise _Missing(str(error)) from error
    except FirmwareFault as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("board stopped")
