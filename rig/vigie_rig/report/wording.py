"""The words for verdicts and measurements, the same on the page and in the terminal."""

from __future__ import annotations

from typing import Final, NamedTuple

from vigie_rig.results import Measurement, Verdict

__all__ = [
    "Headline",
    "display_clock",
    "display_duration",
    "display_limit",
    "display_name",
    "display_value",
    "failed_first",
    "headline",
    "margin",
]


class Headline(NamedTuple):
    """A verdict in words: never by colour alone."""

    word: str
    symbol: str
    colour: str
    meaning: str


GOOD: Final = "#12724a"
BAD: Final = "#b3261e"
UNCLEAR: Final = "#9a5b00"

_HEADLINES: Final[dict[Verdict, Headline]] = {
    "pass": Headline("PASS", "✔", GOOD, "Every limit holds."),
    "fail": Headline("FAIL", "✘", BAD, "At least one limit does not hold."),
    "firmware-fault": Headline("FIRMWARE FAULT", "✘", BAD, "The device crashed, hung or broke its protocol."),
    "rig-fault": Headline(
        "RIG FAULT", "!", UNCLEAR, "The bench is broken; this says nothing about the firmware."
    ),
    "flake": Headline("FLAKE", "~", UNCLEAR, "It failed, then passed on the same input."),
}

_UNIT_ENDINGS: Final = ("_mah_a_day", "_per_minute", "_bytes", "_bpm", "_s", "_ms", "_hz")
_ACRONYMS: Final = {each.lower(): each for each in ("MAE", "PPG", "CRC", "BLE", "MTU", "RSSI", "RMSSD")}


def headline(verdict: Verdict) -> Headline:
    """The word, the symbol and the meaning of a verdict."""
    return _HEADLINES[verdict]


def failed_first(measurements: tuple[Measurement, ...]) -> list[Measurement]:
    """What failed first, then what has a limit, then the rest; otherwise in the given order."""
    return sorted(measurements, key=lambda measurement: (measurement.ok, measurement.limit is None))


def display_name(measurement: Measurement) -> str:
    """`heart_rate_mae_bpm` as `Heart rate MAE`; the unit stands with the value."""
    name = measurement.name
    for ending in _UNIT_ENDINGS:
        if measurement.unit and name.endswith(ending):
            name = name.removesuffix(ending)
    words = [_ACRONYMS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def display_value(measurement: Measurement) -> str:
    """Four significant digits, thousands apart by a narrow space; `not measured` without a value."""
    return "not measured" if measurement.value is None else _number(measurement.value)


def display_limit(measurement: Measurement) -> str:
    """The limit with its numbers written like values; empty without one."""
    limit = measurement.limit
    if limit is None:
        return ""
    parts = (("≥", limit.at_least), ("≤", limit.at_most))
    return ", ".join(f"{sign} {_number(bound)}" for sign, bound in parts if bound is not None)


def display_clock(time_s: float, digits: int = 0) -> str:
    """A time in the recording as minutes and seconds: `1:05`, or `1:05.250` with three digits."""
    units = round(max(0.0, time_s) * 10**digits)
    minutes, rest = divmod(units, 60 * 10**digits)
    seconds, fraction = divmod(rest, 10**digits)
    return f"{minutes}:{seconds:02d}" + (f".{fraction:0{digits}d}" if digits else "")


def display_duration(seconds: float) -> str:
    """`7.2 s`, `5 min`, `2 h 05 min`: as exact as anyone reads it."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def margin(measurement: Measurement) -> dict[str, float] | None:
    """Where value and limits lie on a bar from 0 to 100, or None where a bar says nothing.

    A limit at 0 has no scale to draw on, nor has a value far below zero.
    """
    value, limit = measurement.value, measurement.limit
    if value is None or limit is None or value < 0:
        return None
    bounds = [bound for bound in (limit.at_least, limit.at_most) if bound is not None and bound > 0]
    if not bounds:
        return None
    full = 1.25 * max(bounds)
    bar = {"value": min(100.0, 100 * value / full)}
    if limit.at_least is not None:
        bar["at_least"] = 100 * max(0.0, limit.at_least) / full
    if limit.at_most is not None:
        bar["at_most"] = 100 * max(0.0, limit.at_most) / full
    return bar


def _number(value: float) -> str:
    whole = float(value).is_integer()
    if whole or abs(value) >= 1e5:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"
