"""The commands of the SDK: flash, info, stream, record, plan. Each takes an address such as serial:/dev/ttyACM0."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import click
import rich.table
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

import vigie
from vigie.firmware import load_bundle
from vigie.flash import FlashProgress
from vigie.flash import flash as deploy
from vigie.live import LiveView
from vigie.plans import load_plan
from vigie.recording import NothingRecorded, write_bdf
from vigie.samples import SampleBlock
from vigie.transports import open_transport
from vigie_protocol.messages import Configuration, Plan, PlanRequest

_REFRESH_HZ: Final = 12
_seconds = click.option(
    "--seconds", type=click.FloatRange(min=0.1), help="Stop after this time; else at ctrl-C."
)


def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end or to ctrl-C, which is a way to end it."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return


@click.command()
@click.argument("address")
@click.option("--board", default="unix", show_default=True, help="Board that the firmware is for.")
def flash(address: str, board: str) -> None:
    """Deploy the firmware of this package onto a board, and check that it answers."""
    console = Console()
    bundle = load_bundle(board=board)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())

    async def work() -> None:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("checking what is there", total=sum(map(len, bundle.files.values())))

            def show(at: FlashProgress) -> None:
                bar.update(task, completed=at.bytes_done, description=at.path or "restarting")

            result = await deploy(open_transport(address), bundle, progress=show)
        console.print(
            f"{len(result.written)} files written, {len(result.unchanged)} unchanged, every one checked by SHA-256"
        )
        async with vigie.connect(address) as bracelet:
            console.print(
                f"firmware [bold]{bracelet.firmware_version}[/] answers, "
                f"on MicroPython {bracelet.micropython_version}"
            )

    asyncio.run(work())


def _names(flags: int) -> str:
    """Name of each flag; the number of one that this host does not know."""
    return str(getattr(flags, "name", None) or flags).replace("|", ", ").lower()


@click.command()
@click.argument("address")
def info(address: str) -> None:
    """Say what a bracelet is, how it is, and how it is set up."""

    async def work() -> None:
        async with vigie.connect(address) as bracelet:
            status = await bracelet.status(collect=True)
            configuration = await bracelet.configuration()
            hello = bracelet.hello
            table = rich.table.Table(show_header=False, box=None, pad_edge=False)
            rows: dict[str, object] = {
                "firmware": bracelet.firmware_version,
                "MicroPython": bracelet.micropython_version,
                "protocol": f"{hello.protocol_major}.{hello.protocol_minor}, schema {hello.schema_crc:08x}",
                "device": hello.device_id.rstrip(b"\0").hex(),
                "boot": f"{hello.boot_id:08x}",
                "streams": _names(hello.streams),
                "can": _names(hello.capabilities),
                "last start": str(getattr(status.reset_reason, "name", status.reset_reason)).lower(),
                "running for": f"{((status.epoch << 30) + status.ticks_us) / 1e6:.1f} s",
                "battery": f"{status.battery_mv} mV" if status.battery_mv else "unknown",
                "heap": f"{status.heap_live_bytes:,} bytes live, {status.heap_free_bytes:,} free",
                "PPG": f"{configuration.ppg_rate_hz} Hz, {configuration.ppg_channels} channels, "
                f"{configuration.ppg_led_ua / 1000:g} mA, {configuration.ppg_pulse_width_us} µs, "
                f"{configuration.ppg_range_na} nA",
                "accelerometer": f"{configuration.acc_rate_decihz / 10:g} Hz, ±{configuration.acc_range_g} g",
                "link": f"{status.frames_sent:,} frames sent, {status.frames_bad} bad ones received",
                "sensor faults": status.sensor_faults,
            }
            for name, value in rows.items():
                table.add_row(f"[dim]{name}[/]", str(value))
            Console().print(table)

    asyncio.run(work())


async def _stream(
    address: str,
    seconds: float | None,
    *,
    begin: Callable[[Configuration], None] = lambda _: None,
    take: Callable[[SampleBlock], None] = lambda _: None,
) -> None:
    """Stream and show until the time is over."""
    console = Console()
    async with vigie.connect(address) as bracelet:
        begin(await bracelet.configuration())
        view = LiveView(f"{address}  firmware {bracelet.firmware_version}")
        began = drawn = time.monotonic()
        stream = bracelet.stream()
        with Live(console=console, auto_refresh=False, transient=False) as live:
            async for block in stream:
                take(block)
                view.take(block)
                now = time.monotonic()
                if seconds is not None and now - began >= seconds:
                    await stream.stop()
                if now - drawn >= 1 / _REFRESH_HZ:
                    drawn = now
                    minutes, rest = divmod(now - began, 60)
                    view.numbers = {
                        "time": f"{minutes:.0f}:{rest:04.1f}",
                        "bad frames": str(bracelet.link.frames_bad),
                    }
                    live.update(view.render(console.width), refresh=True)


@click.command()
@click.argument("address")
@_seconds
def stream(address: str, seconds: float | None) -> None:
    """Show the live waveform and the numbers of a bracelet."""
    _until_interrupted(_stream(address, seconds))


@click.command()
@click.argument("address")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@_seconds
def record(address: str, file: Path, *, force: bool, seconds: float | None) -> None:
    """Stream into FILE.bdf, showing the waveform; ctrl-C or a lost link ends it and keeps what came."""
    if file.suffix.lower() != ".bdf":
        raise click.BadParameter("recordings are written as BDF+: name it .bdf", param_hint="FILE")
    if file.exists() and not force:
        raise click.BadParameter(f"{file} is there already: --force replaces it", param_hint="FILE")
    # What would keep the recording from being written is better known before it is made.
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="FILE") from error
    if not os.access(file.parent, os.W_OK):
        raise click.BadParameter(f"nothing may be written in {file.parent}", param_hint="FILE")
    blocks: list[SampleBlock] = []
    configurations: list[Configuration] = []
    try:
        _until_interrupted(_stream(address, seconds, begin=configurations.append, take=blocks.append))
    finally:
        if blocks:
            written = write_bdf(file, blocks, configurations[0])
            Console().print(
                f"{file}: {', '.join(f'{n:,} samples of {s.name}' for s, n in written.items())}, "
                f"{sum(block.gap for block in blocks)} missing"
            )
    if not blocks:
        raise NothingRecorded(f"no samples came: {file} is not written")


@click.command()
@click.argument("address")
@click.argument("plan", required=False)
def plan(address: str, plan: str | None) -> None:
    """Show what a bracelet samples by itself, or set it: off, standard, continuous, or a TOML file.

    The file sets fields over those of the standard plan; the protocol's reference describes them (SetPlan).
    """
    console = Console()
    wanted = load_plan(plan) if plan is not None else None

    async def work() -> None:
        async with vigie.connect(address) as bracelet:
            got = await bracelet.demand(PlanRequest() if wanted is None else wanted, Plan)
        table = rich.table.Table(show_header=False, box=None, pad_edge=False)
        for field in Plan.FIELDS[1:]:
            table.add_row(field.name, str(getattr(got, field.name)), field.wire.doc)
        console.print(table)

    asyncio.run(work())
