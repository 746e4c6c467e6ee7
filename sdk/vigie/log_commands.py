"""The commands about the bracelet's log: sync, status, raw, export."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import rich.table
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

import vigie
from vigie import export as exporting
from vigie.log_report import read_report, reset_name
from vigie.raw_window import bring_window
from vigie.store import Store
from vigie.sync import SyncProgress

_DAY_S: Final = 86400.0
_MINUTES_A_DAY: Final = 1440
_store_path = click.Path(path_type=Path, dir_okay=False)


def _moment(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """A time as people write it, as seconds since 1970."""
    text = value.strip()
    try:
        if text.startswith("now"):
            return time.time() + float(text[3:] or 0)
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-11-22T03:00 (of this host's zone), 2026-11-22T02:00Z, now, now-600 or "
            "now+60 (seconds)",
            ctx,
            param,
        ) from None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / _DAY_S:.1f} days"


def _columns() -> tuple[BarColumn, TextColumn]:
    return BarColumn(), TextColumn("{task.description}")


def _describe(at: SyncProgress) -> str:
    parts = [f"{at.records:,} records", f"{at.minutes / _MINUTES_A_DAY:.2f} days"]
    if at.bytes_per_s:
        parts.append(f"{at.bytes_per_s / 1000:.1f} kB/s")
    if at.records_left:
        parts.append(f"{_duration(at.left_s)} left")
    return ", ".join(parts)


@click.command()
@click.argument("address")
@click.argument("store", type=_store_path)
@click.option("--gateway", help="Name of this host, kept with what it brings; else its network name.")
@click.option(
    "--everything", is_flag=True, help="Also what a receiver has confirmed and the bracelet still has."
)
def sync(address: str, store: Path, gateway: str | None, *, everything: bool) -> None:
    """Bring home all that is new into STORE; interrupted anywhere, it goes on where it was."""
    console = Console()

    async def work() -> None:
        with Store(store, gateway=gateway) as opened, Progress(*_columns(), console=console) as bar:
            task = bar.add_task("connecting", total=None)

            def show(at: SyncProgress) -> None:
                bar.update(
                    task,
                    total=at.records + at.records_left,
                    completed=at.records,
                    description=_describe(at),
                )

            async with (
                vigie.connect(address) as bracelet,
                bracelet.sync(opened, everything=everything, progress=show) as records,
            ):
                async for _ in records:
                    pass
            bar.update(task, total=1, completed=1)
        at = records.progress
        console.print(
            f"{at.records:,} new records, {at.minutes / _MINUTES_A_DAY:.2f} days of minutes, in {store}"
        )

    asyncio.run(work())


@click.command()
@click.argument("address")
def status(address: str) -> None:
    """Say how full a bracelet's log is, how its battery, its clock and its sensors are, and why it restarted."""

    async def work() -> None:
        async with vigie.connect(address) as bracelet:
            report = await read_report(bracelet)
        how, log = report.status, report.log
        until_full = report.days_until_full
        rows: dict[str, str] = {
            "battery": f"{how.battery_mv} mV" if how.battery_mv else "unknown",
            "running for": _duration(((how.epoch << 30) + how.ticks_us) / 1e6),
            "log": f"{log.sectors - log.sectors_free} of {log.sectors} sectors in use, "
            f"{log.sectors * log.sector_bytes / 1e6:.1f} MB; most worn sector: {log.erases:,} erases",
            "minutes": f"{report.days_kept:.2f} days in the log",
            "full in": f"{until_full:.0f} days at this pace" if until_full is not None else "not known yet",
            "dropped": f"{log.dropped:,} records that nobody had, {log.dropped_held:,} that a gateway held, since boot",
            "damaged": f"{log.damaged} records since boot",
            "last anchor": "none among the newest events"
            if report.anchor_age_s is None or report.anchor is None
            else f"{_duration(report.anchor_age_s)} ago, ±{report.anchor.uncertainty_ms} ms",
            "overflows": f"{report.overflows} ({report.samples_lost:,} samples) "
            f"in the newest {report.events_seen} events",
            "restarts": ", ".join(reset_name(boot.reason) for boot, _ in report.boots[:8])
            or "none among the newest events",
        }
        for lane, at in report.lanes.items():
            rows[f"lane {lane.name.lower()}"] = (
                f"{at.next - at.oldest:,} records, {at.next - max(at.held, at.oldest):,} that no gateway has, "
                f"{at.next - max(at.delivered, at.oldest):,} not delivered"
            )
        table = rich.table.Table(show_header=False, box=None, pad_edge=False)
        for name, value in rows.items():
            table.add_row(f"[dim]{name}[/]", value)
        Console().print(table)

    asyncio.run(work())


@click.command()
@click.argument("address")
@click.option("--from", "begin_s", callback=_moment, required=True, help="2026-11-22T03:00, now, now-600")
@click.option("--to", "end_s", callback=_moment, required=True, help="2026-11-22T03:03, now, now+60")
@click.option(
    "--store",
    type=_store_path,
    default=Path("bracelet.store"),
    show_default=True,
    help="Store to keep it in.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write BDF+ files to."
)
def raw(address: str, begin_s: float, end_s: float, store: Path, out: Path | None) -> None:
    """Fetch the raw samples of a time: out of the log, or recorded now if it is not over."""
    if end_s <= begin_s:
        raise click.BadParameter("it ends before it begins", param_hint="--to")
    console = Console()

    async def work() -> int:
        with Store(store) as opened:
            async with vigie.connect(address) as bracelet:
                with console.status("recording" if end_s > time.time() else "looking for it"):
                    return await bring_window(bracelet, opened, begin_s, end_s)

    records = asyncio.run(work())
    console.print(f"{records:,} raw records of that time are in {store}")
    if out is not None:
        with Store(store, read_only=True) as opened:
            for file in exporting.to_bdf(opened, out, begin_s=begin_s, end_s=end_s):
                console.print(str(file))


@click.command()
@click.argument("kind", type=click.Choice(["bdf", "parquet"]))
@click.argument("store", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--device", help="Id of the bracelet, hexadecimal, where the store knows several.")
def export(kind: str, store: Path, out: Path, device: str | None) -> None:
    """Write a store's raw windows as BDF+, or its tables as Parquet, into the folder OUT."""
    try:
        device_id = None if device is None else bytes.fromhex(device).ljust(8, b"\0")
    except ValueError:
        raise click.BadParameter(f"{device} is not hexadecimal", param_hint="--device") from None
    with Store(store, read_only=True) as opened:
        write = exporting.to_bdf if kind == "bdf" else exporting.to_parquet
        for file in write(opened, out, device_id=device_id):
            Console().print(str(file))
