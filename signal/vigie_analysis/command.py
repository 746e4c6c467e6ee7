"""``vigie analyze``: recordings in, a table of features out."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from .archive import Failure, Progress, Summary, analyze_archive
from .columns import parse_columns
from .errors import AnalysisError, ColumnMapError, NoRecordingsError

_FAILURES_SHOWN = 20


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The table to write, .parquet: a row for each minute of each recording.",
)
@click.option(
    "--columns",
    "entries",
    multiple=True,
    metavar="KEY=NAME,...",
    help="Which columns are what: 'ppg=green,red', 'acc=ax,ay,az [mg]', 'time=t [ms]'. Once for each.",
)
@click.option(
    "--rate-hz", type=float, help="Sampling rate, where neither the file nor its time stamps say it."
)
@click.option("--acc-rate-hz", type=float, help="That of the acceleration, where it is another.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes to use; all cores by default.")
@click.option(
    "--scheduler", metavar="tcp://HOST:PORT", help="Use the workers of this Dask scheduler instead."
)
def analyze(
    *,
    paths: tuple[str, ...],
    out: Path,
    entries: tuple[str, ...],
    rate_hz: float | None,
    acc_rate_hz: float | None,
    jobs: int | None,
    scheduler: str | None,
) -> int:
    """Compute heart rate, motion and rest of recordings, minute by minute.

    PATH is a recording (.bdf, .edf, .csv, .mat, .npz), a folder with all below it, or a glob in quotes. What is
    done is kept: interrupted or with more files, the same command does only what is missing.
    """
    if out.suffix.lower() != ".parquet":
        raise click.UsageError(f"--out {out}: name it .parquet")
    if scheduler is not None and jobs is not None:
        raise click.UsageError("--jobs is for this machine, --scheduler for a cluster: use one of them")
    console = Console(stderr=True)
    latest = Progress(0, 0, 0)

    def show(progress: Progress) -> None:
        nonlocal latest
        latest = progress
        bar.update(task, total=progress.total, completed=progress.done + progress.failed)

    try:
        columns = parse_columns(entries, rate_hz=rate_hz, acc_rate_hz=acc_rate_hz)
        with Bar(
            TextColumn("analyzing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("recordings"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as bar:
            task = bar.add_task("analyzing", total=None)
            summary = analyze_archive(
                paths, out, columns=columns, jobs=jobs, scheduler=scheduler, on_progress=show
            )
    except KeyboardInterrupt:
        console.print(
            f"stopped: {latest.done} of {latest.total} recordings are done; run the same again to go on"
        )
        raise
    except (ColumnMapError, NoRecordingsError) as error:
        raise click.UsageError(str(error)) from error
    except AnalysisError as error:
        raise click.ClickException(str(error)) from error
    _say(summary, out, console)
    return 1 if summary.failures else 0


def _say(summary: Summary, out: Path, console: Console) -> None:
    if summary.failures:
        console.print(_table(summary.failures))
        left_out = len(summary.failures) - _FAILURES_SHOWN
        if left_out > 0:
            console.print(f"and {left_out} more")
        console.print(
            f"{len(summary.failures)} files could not be analyzed; all are listed in {out.stem}.failures.csv",
            soft_wrap=True,
            markup=False,
        )
    before = f", {summary.reused} of them done before" if summary.reused else ""
    click.echo(
        f"written: {out} ({summary.minutes} minutes of {summary.recordings} recordings{before}), "
        f"{out.stem}.events.parquet ({summary.events} events) beside it"
    )


def _table(failures: tuple[Failure, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "problem", "what to do"):
        table.add_column(heading, overflow="fold")
    for failure in failures[:_FAILURES_SHOWN]:
        table.add_row(*(Text(text) for text in (failure.recording, failure.problem, failure.remedy)))
    return table
