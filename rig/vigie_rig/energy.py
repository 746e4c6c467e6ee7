"""From what a bracelet did to what it took from its battery: an estimate, by typical currents of datasheets.

:class:`Use` is what was done, counted on a virtual board (``energy_meter``) or worked out from a plan (``budget``);
:class:`Power` is what the parts of a board draw, from its ``power.toml``. :func:`mah_a_day` brings them together, and
is the only place where that is done.
"""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, Final, cast

from vigie_rig.errors import UsageError

CONSUMERS: Final = (
    "leds",
    "ppg_sensor",
    "accelerometer",
    "battery_gauge",
    "processor_awake",
    "processor_asleep",
    "flash",
    "radio",
)
"""What an estimate is split by. Not in it: regulators at rest, a vibration motor, the battery's own discharge."""

DAY_S: Final = 86_400.0
_BOARD_OF: Final = {"unix32": "unix"}


@dataclasses.dataclass(frozen=True)
class Power:
    """What the parts of a board draw from its battery; ``power.toml`` says where each value is from."""

    leds_battery_per_ma: float
    """Milliamperes of the battery for one through a LED."""
    ppg_sampling_ma: float
    ppg_rest_ma: float
    accelerometer_high_performance_ma: float
    accelerometer_low_power_ma: float
    accelerometer_low_power_ma_per_hz: float
    accelerometer_rest_ma: float
    gauge_always_ma: float
    processor_awake_ma: float
    processor_asleep_ma: float
    processor_acc_sample_us: float
    """Computing for each sample of acceleration; for code takes no time on a virtual board."""
    processor_ppg_sample_us: float
    processor_wake_us: float
    processor_log_byte_us: float
    processor_link_byte_us: float
    flash_program_ma: float
    flash_erase_ma: float
    flash_read_ma: float
    flash_rest_ma: float
    radio_advertising_event_uc: float
    radio_advertising_every_s: float
    radio_connection_event_uc: float
    radio_connection_every_s: float
    radio_byte_to_host_uc: float
    radio_byte_to_board_uc: float


def power_file(board: str) -> Path:
    """The ``power.toml`` of a board: in a checkout that of the firmware, else the one that came with the package.

    Raises
    ------
    UsageError
        The board has none.
    """
    name = _BOARD_OF.get(board, board)
    here = Path(__file__).parent
    for path in (
        here.parents[1] / "firmware" / "boards" / name / "power.toml",
        here / "boards" / name / "power.toml",
    ):
        if path.is_file():
            return path
    raise UsageError(
        f"nobody has told what the board {board!r} draws: it needs a power.toml beside its wiring"
    )


def load_power(path: Path) -> Power:
    """Read a ``power.toml``.

    Raises
    ------
    UsageError
        It lacks a value, has one that is unknown or no number of 0 or more, or is no TOML.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read as TOML: {error}") from error
    given: dict[str, Any] = {}
    for section, values in document.items():
        if not isinstance(values, dict):
            raise UsageError(f"{path.name}: {section} stands in no [section]")
        given |= {f"{section}_{key}": value for key, value in cast("dict[str, Any]", values).items()}
    fields = {field.name for field in dataclasses.fields(Power)}
    for what, names in (("lacks", fields - set(given)), ("has the unknown", set(given) - fields)):
        if names:
            raise UsageError(f"{path.name} {what} {', '.join(sorted(names))}")
    wrong = sorted(
        name
        for name, value in given.items()
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf")
    )
    if wrong:
        raise UsageError(f"{path.name}: {', '.join(wrong)} must be numbers of 0 or more")
    power = Power(**given)
    if not (power.radio_advertising_every_s and power.radio_connection_every_s):
        raise UsageError(f"{path.name}: the radio's intervals must be more than 0")
    return power


@dataclasses.dataclass(frozen=True)
class Use:
    """What a bracelet did, in a time or from its beginning on; of two of one board the difference is what came between.

    Bytes of the link are those in the air, with what was sent more than once.
    """

    seconds: float = 0.0
    """For which it had power."""
    led_ma_s: float = 0.0
    """Charge through the LEDs: current × time lit."""
    ppg_s: float = 0.0
    """For which the PPG sensor sampled."""
    acc_high_performance_s: float = 0.0
    acc_low_power_s: float = 0.0
    acc_low_power_samples: float = 0.0
    """Rate × time in low-power mode."""
    ppg_samples: float = 0.0
    """That the processor read."""
    acc_samples: float = 0.0
    wakes: float = 0.0
    """How often the processor woke."""
    bus_s: float = 0.0
    """For which it stood at the sensor bus."""
    flash_read_s: float = 0.0
    flash_program_s: float = 0.0
    flash_erase_s: float = 0.0
    log_bytes: float = 0.0
    """Programmed into the flash."""
    bytes_to_host: float = 0.0
    bytes_to_board: float = 0.0
    connected_s: float = 0.0

    def __sub__(self, before: Use) -> Use:
        return Use(
            *(a - b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(before), strict=True))
        )

    @property
    def flash_s(self) -> float:
        """For which the flash worked, and the processor stood still."""
        return self.flash_read_s + self.flash_program_s + self.flash_erase_s


def awake_s(use: Use, power: Power) -> float:
    """For how long the processor was awake: bus, flash, and what its code takes, as ``power.toml`` assumes."""
    code_us = (
        use.wakes * power.processor_wake_us
        + use.ppg_samples * power.processor_ppg_sample_us
        + use.acc_samples * power.processor_acc_sample_us
        + use.log_bytes * power.processor_log_byte_us
        + (use.bytes_to_host + use.bytes_to_board) * power.processor_link_byte_us
    )
    return min(use.seconds, use.bus_s + use.flash_s + code_us / 1e6)


def mah_a_day(use: Use, power: Power) -> dict[str, float]:
    """Charge that the battery gives in a day of such use, in mAh, by :data:`CONSUMERS`: an estimate.

    Raises
    ------
    UsageError
        The use lasted no time.
    """
    if use.seconds <= 0:
        raise UsageError("no time has passed: there is no use to work a day out of")
    awake = awake_s(use, power)
    acc_s = use.acc_high_performance_s + use.acc_low_power_s
    ma_s = {
        "leds": use.led_ma_s * power.leds_battery_per_ma,
        "ppg_sensor": use.ppg_s * power.ppg_sampling_ma + (use.seconds - use.ppg_s) * power.ppg_rest_ma,
        "accelerometer": use.acc_high_performance_s * power.accelerometer_high_performance_ma
        + use.acc_low_power_s * power.accelerometer_low_power_ma
        + use.acc_low_power_samples * power.accelerometer_low_power_ma_per_hz
        + (use.seconds - acc_s) * power.accelerometer_rest_ma,
        "battery_gauge": use.seconds * power.gauge_always_ma,
        "processor_awake": awake * power.processor_awake_ma,
        "processor_asleep": (use.seconds - awake) * power.processor_asleep_ma,
        "flash": use.flash_program_s * power.flash_program_ma
        + use.flash_erase_s * power.flash_erase_ma
        + use.flash_read_s * power.flash_read_ma
        + (use.seconds - use.flash_s) * power.flash_rest_ma,
        "radio": 1e-3
        * (
            (use.seconds - use.connected_s)
            / power.radio_advertising_every_s
            * power.radio_advertising_event_uc
            + use.connected_s / power.radio_connection_every_s * power.radio_connection_event_uc
            + use.bytes_to_host * power.radio_byte_to_host_uc
            + use.bytes_to_board * power.radio_byte_to_board_uc
        ),
    }
    return {name: ma_s[name] / 3600 * DAY_S / use.seconds for name in CONSUMERS}
