"""Sampling plans: what a bracelet samples by itself; some by name, others from TOML files."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, Final

from vigie.errors import PlanError
from vigie_protocol.errors import MessageError
from vigie_protocol.messages import SetPlan

OFF: Final = SetPlan(
    acc_rate_decihz=0,
    acc_range_g=8,
    ppg_rate_hz=0,
    ppg_window_s=20,
    ppg_day_every_s=300,
    ppg_night_every_s=60,
    night_from_min=0,
    night_to_min=0,
    raw_at_min=0,
    raw_window_s=0,
    raw_on_event_s=0,
)
"""Nothing, unless a host streams: how a bracelet comes."""

STANDARD: Final = dataclasses.replace(
    OFF,
    acc_rate_decihz=260,
    ppg_rate_hz=50,
    night_from_min=20 * 60,
    night_to_min=6 * 60,
    raw_at_min=2 * 60,
    raw_window_s=180,
    raw_on_event_s=60,
)
"""Accelerometer 26 Hz always; PPG 50 Hz, 20 s a minute at night and 20 s every 5 minutes by day; three minutes of raw
samples each night. Night is that of metropolitan France, in UTC."""

CONTINUOUS: Final = dataclasses.replace(
    STANDARD, acc_rate_decihz=520, ppg_window_s=60, ppg_day_every_s=60, raw_window_s=0xFFFF
)
"""Everything, raw, all the time: for days of research, not for months at home."""

PLANS: Final = {"off": OFF, "standard": STANDARD, "continuous": CONTINUOUS}


def load_plan(name: str | Path) -> SetPlan:
    """A plan by its name in :data:`PLANS`, or from a TOML file that sets fields of SetPlan over the standard plan's.

    Raises
    ------
    PlanError
        There is no such plan, or the file is none; the text says what to do.
    """
    known = PLANS.get(str(name))
    if known is not None:
        return known
    path = Path(name)
    if not path.is_file():
        raise PlanError(f"{name} is neither a file nor one of the plans {', '.join(PLANS)}")
    try:
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"{path.name} cannot be read as TOML: {error}") from error
    fields = {field.name for field in dataclasses.fields(STANDARD)}
    unknown = sorted(set(given) - fields)
    if unknown:
        raise PlanError(f"{path.name} sets {', '.join(unknown)}: a plan has {', '.join(sorted(fields))}")
    wrong = sorted(
        key for key, value in given.items() if isinstance(value, bool) or not isinstance(value, int)
    )
    if wrong:
        raise PlanError(f"{path.name} sets {', '.join(wrong)} to what is no whole number")
    plan = dataclasses.replace(STANDARD, **given)
    try:
        plan.to_bytes()
    except MessageError as error:
        raise PlanError(f"{path.name} is out of bounds: {error}") from error
    return plan
