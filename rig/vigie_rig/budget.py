"""What a sampling plan costs: days of battery, years of flash, KB a day; and the command that tells it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from vigie.errors import PlanError
from vigie.plans import load_plan
from vigie_protocol.messages import SetPlan
from vigie_rig.boards import BOARDS
from vigie_rig.energy import Power, load_power, mah_a_day, power_file
from vigie_rig.errors import UsageError
from vigie_rig.expected_use import EVENTS_A_DAY, LED_UA, SYNCS_A_DAY, LogUse, plan_use

ERASE_CYCLES: Final = 100_000
"""What a sector of NOR flash bears: W25Q series datasheets, "min. 100K program-erase cycles per sector"."""
_SECTOR_BYTES: Final = 4096
_YEAR_DAYS: Final = 365.25

_WORDS: Final = {
    "leds": "LEDs",
    "ppg_sensor": "PPG sensor",
    "accelerometer": "accelerometer",
    "battery_gauge": "battery gauge",
    "processor_awake": "processor, awake",
    "processor_asleep": "processor, asleep",
    "flash": "flash",
    "radio": "radio",
}


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a plan costs a day, and how long battery and flash bear it: an estimate."""

    energy_mah_a_day: dict[str, float]
    """By :data:`vigie_rig.energy.CONSUMERS`."""
    log: LogUse
    battery_mah: float
    flash_bytes: int

    @property
    def total_mah_a_day(self) -> float:
        """All consumers."""
        return sum(self.energy_mah_a_day.values())

    @property
    def battery_days(self) -> float:
        """How long a full battery lasts."""
        return self.battery_mah / self.total_mah_a_day

    @property
    def log_days(self) -> float:
        """How many days the flash holds before something has to go, if no gateway comes."""
        return self.flash_bytes / self.log.total

    @property
    def flash_years(self) -> float:
        """Until each sector was erased :data:`ERASE_CYCLES` times: the log goes around all of them."""
        sectors = self.flash_bytes // _SECTOR_BYTES
        return sectors * ERASE_CYCLES / self.log.erases / _YEAR_DAYS


def plan_budget(
    plan: SetPlan,
    power: Power,
    *,
    battery_mah: float,
    flash_bytes: int,
    led_ua: float = LED_UA,
    events_a_day: float = EVENTS_A_DAY,
    syncs_a_day: float = SYNCS_A_DAY,
) -> Budget:
    """The budget of a sampling plan on a bracelet whose parts draw this; options as in :func:`plan_use`."""
    use, log = plan_use(plan, led_ua=led_ua, events_a_day=events_a_day, syncs_a_day=syncs_a_day)
    return Budget(mah_a_day(use, power), log, battery_mah, flash_bytes)


def as_json(budget: Budget) -> dict[str, Any]:
    """The budget as a JSON object."""
    return {
        "estimate": True,
        "energy_mah_a_day": budget.energy_mah_a_day,
        "total_mah_a_day": budget.total_mah_a_day,
        "battery_mah": budget.battery_mah,
        "battery_days": budget.battery_days,
        "flash_kb": budget.flash_bytes / 1024,
        "kb_a_day": budget.log.total / 1024,
        "kb_a_day_by_lane": {lane: size / 1024 for lane, size in dataclasses.asdict(budget.log).items()},
        "log_days": budget.log_days,
        "flash_years": budget.flash_years,
    }


class _Usage(click.ClickException):
    exit_code = 2


_above_0 = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("plan", default="standard")
@click.option("--battery-mah", default=120.0, show_default=True, type=_above_0, help="Charge of the battery.")
@click.option(
    "--flash-kb",
    default=5120,
    show_default=True,
    type=click.IntRange(min=48),
    help="Size of the log's flash.",
)
@click.option(
    "--led-ma",
    default=LED_UA / 1000,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Current of the PPG's LED, which the bracelet sets by the wrist.",
)
@click.option(
    "--syncs",
    default=float(SYNCS_A_DAY),
    show_default=True,
    type=click.FloatRange(min=0),
    help="How often a day a gateway comes.",
)
@click.option("--board", default="unix", show_default=True, type=click.Choice(sorted(BOARDS)))
@click.option(
    "--power",
    "power_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A power.toml of other parts, instead of the board's.",
)
@click.option("--json", "wants_json", is_flag=True, help="Print a JSON object instead of the table.")
def budget(
    *,
    plan: str,
    battery_mah: float,
    flash_kb: int,
    led_ma: float,
    syncs: float,
    board: str,
    power_path: Path | None,
    wants_json: bool,
) -> int:
    """Estimate days of battery, years of flash and KB a day of a sampling plan.

    PLAN is a name (standard, continuous, off), or a TOML file of what differs from the standard plan. The currents are
    typical ones of datasheets, in the power.toml of the board; nothing was measured.
    """
    try:
        found = plan_budget(
            load_plan(plan),
            load_power(power_path or power_file(board)),
            battery_mah=battery_mah,
            flash_bytes=flash_kb << 10,
            led_ua=led_ma * 1000,
            syncs_a_day=syncs,
        )
    except (PlanError, UsageError) as error:
        raise _Usage(str(error)) from error
    if wants_json:
        click.echo(json.dumps(as_json(found), indent=1))
    else:
        _print(Console(), found)
    return 0


def _print(console: Console, found: Budget) -> None:
    table = Table(title="A day, estimated", title_justify="left", box=None, pad_edge=False)
    table.add_column("consumer")
    table.add_column("mAh", justify="right")
    table.add_column("share", justify="right")
    total = found.total_mah_a_day
    for name, mah in sorted(found.energy_mah_a_day.items(), key=lambda item: -item[1]):
        table.add_row(_WORDS[name], f"{mah:.2f}", f"{mah / total:.0%}")
    table.add_section()
    table.add_row("all", f"{total:.2f}", "")
    console.print(table)
    console.print()
    rest = Table(show_header=False, box=None, pad_edge=False)
    rest.add_column()
    rest.add_column(justify="right")
    rest.add_row(f"days of a battery of {found.battery_mah:g} mAh", f"{found.battery_days:.1f}")
    rest.add_row("KB of log a day", f"{found.log.total / 1024:,.1f}")
    rest.add_row(f"days that {found.flash_bytes >> 10:,} KB hold without a gateway", f"{found.log_days:,.1f}")
    rest.add_row("years until the flash is worn", f"{found.flash_years:,.0f}")
    console.print(rest)
    console.print(
        "By typical currents of datasheets and stated assumptions: power.toml. Nothing was measured.",
        style="dim",
    )
