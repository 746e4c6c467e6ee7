"""The command that lets weeks of wear pass: vigie soak."""

from __future__ import annotations

import dataclasses
import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vigie.errors import PlanError
from vigie.plans import load_plan
from vigie_rig.boards import BOARDS, fetch
from vigie_rig.errors import BoardMissing, RigFault, UsageError
from vigie_rig.links import LINKS
from vigie_rig.soak import Ledger, Soak, run_soak


class _Usage(click.ClickException):
    exit_code = 2


class _Missing(click.ClickException):
    exit_code = 3


@click.command()
@click.option("--days", default=30.0, show_default=True, help="How many days of wear.")
@click.option(
    "--link",
    default="village",
    show_default=True,
    type=click.Choice(list(LINKS)),
    help="What the link to the gateway is like.",
)
@click.option(
    "--seed", default=1, show_default=True, help="Seeds wrist, sensors, outages, resets, power cuts."
)
@click.option(
    "--plan",
    default="standard",
    show_default=True,
    help="Sampling plan: a name, or a TOML file of what differs from the standard one.",
)
@click.option("--board", default="unix", show_default=True, type=click.Choice(sorted(BOARDS)))
@click.option("--resets", default=4.0, show_default=True, help="Resets in thirty days.")
@click.option("--power-cuts", default=2.0, show_default=True, help="Power cuts in thirty days.")
@click.option("--worst-flash", is_flag=True, help="The flash takes the longest times of its datasheet.")
@click.option("--flash-kb", type=int, help="Size of the log's flash; the board's own if left out.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the ledger there."
)
@click.option(
    "--store", type=click.Path(path_type=Path, dir_okay=False), help="Keep the gateway's store there."
)
def soak(
    *,
    days: float,
    link: str,
    seed: int,
    plan: str,
    board: str,
    resets: float,
    power_cuts: float,
    worst_flash: bool,
    flash_kb: int | None,
    json_file: Path | None,
    store: Path | None,
) -> int:
    """Live through weeks of wear in minutes, and count what is missing.

    The real firmware on a virtual board samples by its plan; a gateway comes and goes as the link has it, and the board
    is reset and loses its power now and then. Exits with 1 if anything is missing that is not explained.
    """
    console = Console(stderr=True)
    wanted: Soak | None = None
    try:
        wanted = Soak(
            days=days,
            link=link,
            seed=seed,
            plan=load_plan(plan),
            board=board,
            resets=resets,
            power_cuts=power_cuts,
            worst_flash=worst_flash,
            flash_bytes=flash_kb << 10 if flash_kb else None,
        )
        fetch(board)
        if store is not None and store.exists():
            raise UsageError(f"{store} exists: a soak begins with an empty store")
        with tempfile.TemporaryDirectory(prefix="vigie-soak-") as folder, _progress(console) as progress:
            task = progress.add_task("", total=days, state="")

            def show(passed_s: float, ledger: Ledger) -> None:
                state = (
                    f"{ledger.syncs} syncs, {ledger.unreachable + ledger.syncs_cut} tries in vain or cut off"
                )
                progress.update(task, completed=passed_s / 86400, state=state)

            ledger = run_soak(
                wanted,
                store or Path(folder, "soak.sqlite"),
                files=Path(folder, "board"),
                progress=show,
            )
    except (UsageError, PlanError) as error:
        raise _Usage(str(error)) from error
    except BoardMissing as error:
        raise _Missing(str(error)) from error
    except RigFault as error:
        assert wanted is not None
        raise click.ClickException(f"{error}\nrepeat it with: {repeat_command(wanted, plan)}") from error
    _print(Console(), ledger)
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(ledger), indent=1) + "\n", encoding="utf-8")
    if not ledger.balances:
        console.print(
            f"The ledger does not balance. Repeat it with: {repeat_command(wanted, plan)}", soft_wrap=True
        )
        return 1
    return 0


def repeat_command(soak: Soak, plan: str) -> str:
    """The command that lives through the same again."""
    command = f"vigie soak --days {soak.days!r} --link {soak.link} --seed {soak.seed} --board {soak.board}"
    command += f" --plan {shlex.quote(plan)}"
    command += f" --resets {soak.resets:g} --power-cuts {soak.power_cuts:g}"
    if soak.flash_bytes is not None:
        command += f" --flash-kb {soak.flash_bytes >> 10}"
    return command + (" --worst-flash" if soak.worst_flash else "")


def as_json(ledger: Ledger) -> dict[str, Any]:
    """The ledger as a JSON object."""
    return {**dataclasses.asdict(ledger), "balances": ledger.balances}


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:g} days"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
    )


def _print(console: Console, ledger: Ledger) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")

    def row(name: str, value: object) -> None:
        table.add_row(name, str(value))

    for lane, count in ledger.records.items():
        row(f"records written, {lane}", f"{count:,}")
    row("of these home", f"{ledger.records_home:,}")
    row("dropped, and named", f"{ledger.records_dropped:,}")
    row("lost", f"{ledger.records_lost:,}")
    row("brought home twice", f"{ledger.records_duplicated:,}")
    row("syncs", ledger.syncs)
    row("cut off, and taken up again", ledger.syncs_cut)
    row("tries in vain", ledger.unreachable)
    row("boots", ledger.boots)
    row("PPG samples", f"{ledger.ppg_samples:,} ({ledger.ppg_samples_lost:,} lost in the FIFO)")
    row("accelerometer samples", f"{ledger.acc_samples:,} ({ledger.acc_samples_lost:,} lost in the FIFO)")
    row("hours of data", f"{ledger.data_seconds / 3600:,.2f}")
    for reason, seconds in ledger.gap_seconds.items():
        row(f"hours of gap, {reason}", f"{seconds / 3600:,.2f}")
    row("seconds unexplained", f"{ledger.unexplained_seconds:,.1f}")
    row("live heap, kB", " … ".join(f"{each / 1024:.1f}" for each in ledger.heap_live_bytes))
    row("erases of the most worn sector", ledger.flash_erases_most)
    row("mAh a day, an estimate", f"{sum(ledger.energy_mah_a_day.values()):.2f}")
    row("times real time", f"{ledger.realtime_factor:,.0f}")
    row("transcript", ledger.transcript_sha256[:16])
    console.print(table)
