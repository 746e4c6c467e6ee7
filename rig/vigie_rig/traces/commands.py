"""``vigie trace``: look at recordings, bring them into our format, make synthetic ones."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ._bdf import save_trace
from ._errors import TraceError
from ._load import load_trace
from ._summary import summary
from ._synth import synthesize
from ._trace import Trace


@click.group()
def trace() -> None:
    """Look at, import and make traces: recordings that a bench plays into the sensors."""


@trace.command()
@click.argument("file", type=click.Path(path_type=Path))
def info(file: Path) -> None:
    """Say what is in FILE (.bdf, .edf, .mat or .npz)."""
    try:
        _show(load_trace(file))
    except TraceError as error:
        raise _BadInput(str(error)) from error


@trace.command("import")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("destination", metavar="DST.bdf", type=click.Path(path_type=Path))
def import_(source: Path, destination: Path) -> None:
    """Read SRC (.mat, .npz, .bdf or .edf) and write it as DST.bdf."""
    try:
        loaded = load_trace(source)
        save_trace(loaded, destination)
    except TraceError as error:
        raise _BadInput(str(error)) from error
    _show(loaded)
    click.echo(f"written: {destination}")


@trace.command()
@click.argument("destination", metavar="DST.bdf", type=click.Path(path_type=Path))
@click.option(
    "--seed", default=1, show_default=True, help="The same seed gives the same file, byte for byte."
)
@click.option("--minutes", default=3.0, show_default=True, help="How long.")
def synth(destination: Path, seed: int, minutes: float) -> None:
    """Write a made-up recording with known heart rate, beats, activities and a fall to DST.bdf."""
    try:
        made = synthesize(seed=seed, minutes=minutes)
        save_trace(made, destination)
    except TraceError as error:
        raise _BadInput(str(error)) from error
    _show(made)
    click.echo(f"written: {destination}")


class _BadInput(click.ClickException):
    """A file that cannot be used, told as the user's to mend."""

    exit_code = 2


def _show(shown: Trace) -> None:
    facts = summary(shown)
    table = Table(show_header=False, box=None, pad_edge=False, collapse_padding=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("name", facts.name)
    table.add_row("sha256", facts.sha256)
    table.add_row("length", f"{int(facts.duration_s) // 60} min {facts.duration_s % 60:.1f} s")
    for name, dc, ac in zip(facts.ppg_channels, facts.ppg_dc_na_per_ma, facts.ppg_ac_percent, strict=True):
        table.add_row(f"PPG {name}", f"{facts.ppg_rate_hz:g} Hz, DC {dc:.0f} nA/mA, AC {ac:.1f} %")
    table.add_row("acceleration", f"{facts.acc_rate_hz:g} Hz, up to {facts.acc_max_g:.1f} g")
    if facts.heart_rate_bpm is None:
        table.add_row("heart rate", "no reference")
    else:
        low, high = facts.heart_rate_bpm
        table.add_row(
            "heart rate", f"{low:.0f} to {high:.0f} bpm in {facts.reference_windows} reference windows"
        )
    for label, count in facts.marks.items():
        seconds = facts.mark_seconds[label]
        table.add_row(f"mark: {label}", f"{count}" + (f", {seconds:.1f} s" if seconds else ""))
    Console().print(table)
