"""The end of a bench in the terminal: the measurements against their limits, then the verdict."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vigie_rig.report.wording import (
    display_duration,
    display_limit,
    display_value,
    failed_first,
    headline,
)
from vigie_rig.results import BenchResult, Measurement, Verdict

__all__ = ["print_result"]

_STYLES: Final[dict[Verdict, str]] = {
    "pass": "bold white on green4",
    "fail": "bold white on red3",
    "firmware-fault": "bold white on red3",
    "rig-fault": "bold black on orange3",
    "flake": "bold black on orange3",
}


def print_result(console: Console, result: BenchResult) -> None:
    """Print the table and, last and hardest to miss, the verdict with its reason.

    What failed stands first; nothing is told by colour alone. Text from boards and traces is never read
    as markup.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(f"{result.trace.name} on {result.board}, firmware {result.firmware.version}")
    table.add_column("measured", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", style="dim", max_width=12 if console.width >= 72 else 0)
    table.add_column("limit", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    for measurement in failed_first(result.measurements):
        style = "" if measurement.ok else "bold red"
        value = Text(display_value(measurement), style="dim" if measurement.value is None else style)
        table.add_row(
            Text(measurement.name, style=style),
            value,
            Text("" if measurement.value is None else measurement.unit),
            Text(display_limit(measurement)),
            _holds(measurement),
        )
    if result.measurements:
        console.print(table)
    words = headline(result.verdict)
    console.print(
        Text.assemble(
            (f" {words.symbol} {words.word} ", _STYLES[result.verdict]),
            " ",
            result.reason or words.meaning,
            (
                f"  ({display_duration(result.trace.seconds)} of trace in {display_duration(result.wall_s)})",
                "dim",
            ),
        )
    )


def _holds(measurement: Measurement) -> Text:
    if measurement.limit is None:
        return Text("")
    return Text("✔ yes", style="green") if measurement.ok else Text("✘ no", style="bold red")
