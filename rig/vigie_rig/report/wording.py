"""The words for verdicts and measurements, the same on the page and in the terminal."""

from __future__ import annotations

from typing import Final, NamedTuple

from vigie_rig.results import Measurement, Verdict

__all__ = ["Headline", "display_name", "display_value", "headline", "margin"]


class Headline(NamedTuple):
    """A verdict in words: never by colour alone."""

    word: str
    symbol: str
    meaning: str


_HEADLINES: Final[dict[Verdict, Headline]] = {
    "pass": Headline("PASS", "✔", "Every limit holds."),
    "fail": Headline("FAIL", "✘", "At least one limit does not hold."),
    "firmware-fault": Headline("FIRMWARE FAULT", "✘", "The device crashed, hung or broke its protocol."),
    "rig-fault": Headline("RIG FAULT", "!", "The bench is broken; this says nothing about the firmware."),
    "flake": Headline("FLAKE", "~", "It failed, then passed on the same input."),
}

_UNIT_ENDINGS: Final = ("_bytes", "_bpm", "_s", "_ms", "_hz")
_ACRONYMS: Final = {"mae": "MAE", "ppg": "PPG", "crc": "CRC", "ble": "BLE", "mtu": "MTU", "rssi": "RSSI"}


def headline(verdict: Verdict) -> Headline:
    """The word, the symbol and the meaning of a verdict."""
    return _HEADLINES[verdict]


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
    value = measurement.value
    if value is None:
        return "not measured"
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1000):
        return f"{int(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


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
