"""What a bracelet is to do by its sampling plan, or while it streams: worked out, not run.

It knows the firmware's habits: how long bursts are, when it wakes, what a record takes. A test holds it against what a
virtual board did (tests/rig/test_energy.py), and so does every bench.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from vigie_protocol.messages import Configure, SetPlan
from vigie_rig.energy import DAY_S, Use
from vigie_rig.errors import UsageError
from vigie_rig.flash import TYPICAL
from vigie_rig.sensor_bus import transfer_us

LED_UA: Final = 6400
"""Current with which the firmware begins; then its gain control follows the wrist."""
EVENTS_A_DAY: Final = 20
SYNCS_A_DAY: Final = 6

_PULSE_WIDTH_US: Final = 411
_SLOT_BYTES: Final = 16
_SECTOR_BYTES: Final = 4096
_SECTOR_HEADER_BYTES: Final = 80
_DAY_MIN: Final = 1440
_QUARTERS: Final = 96
_RAW_ALWAYS: Final = 0xFFFF
# Bytes of the log that a packed sample takes, with head and CRC, then with what stays blank of the last slot, and
# samples a record: of one PPG channel, and of three axes at 8 g, as counted on the soak's synthetic wrist.
_RAW_PPG_BYTES, _RAW_PPG_SLOT_BYTES, _RAW_PPG_SAMPLES = 1.40, 1.45, 128
_RAW_ACC_BYTES, _RAW_ACC_SLOT_BYTES, _RAW_ACC_SAMPLES = 2.98, 3.10, 48
# On the wire a small record has neither CRC nor padding, but its share of a frame; a raw one fills a frame.
_SMALL_WIRE_BYTES: Final = 13.0
_RAW_WIRE_SHARE: Final = 1.1
# What a sync says and hears beside the records, and how long it takes beside them.
_SYNC_TO_HOST_BYTES, _SYNC_TO_BOARD_BYTES, _SYNC_S = 600.0, 220.0, 1.0
_WIRE_BYTES_PER_S: Final = 20_000.0
_BLOCK_WIRE_BYTES: Final = 28
"""Head of a block of samples, of its frame, and its CRC."""
_FIFO_WORD_BYTES, _STAMP_EVERY, _BURST_WORDS = 7, 32, 36
_ACC_LOOK_BYTES, _PPG_LOOK_BYTES = 2, 7
_WINDOW_BUS_US: Final = 2_000
"""Setting the PPG sensor up, starting and stopping it."""


@dataclasses.dataclass(frozen=True)
class LogUse:
    """Bytes of the flash that a day of the log takes, in whole slots, by lane."""

    event: float
    trend: float
    minute: float
    raw: float

    @property
    def total(self) -> float:
        """All lanes, with the headers of their sectors."""
        records = self.event + self.trend + self.minute + self.raw
        return records * _SECTOR_BYTES / (_SECTOR_BYTES - _SECTOR_HEADER_BYTES)

    @property
    def erases(self) -> float:
        """Sectors that are erased for it."""
        return self.total / _SECTOR_BYTES


def acc_hz(rate_decihz: int) -> float:
    """What the LSM6DSO makes of a nominal rate: 40 kHz, divided; 0 for 0."""
    return 40_000 / 3072 * 2 ** round(math.log2(rate_decihz / 130)) if rate_decihz else 0.0


def night_minutes(plan: SetPlan) -> int:
    """How many minutes of the day are the plan's night; none if it begins when it ends."""
    return (plan.night_to_min - plan.night_from_min) % _DAY_MIN


def ppg_windows(plan: SetPlan) -> float:
    """How many PPG windows a day has."""
    if not plan.ppg_rate_hz:
        return 0.0
    night_s = 60 * night_minutes(plan)
    return night_s / plan.ppg_night_every_s + (DAY_S - night_s) / plan.ppg_day_every_s


def raw_seconds(plan: SetPlan) -> float:
    """For how long a day raw samples are kept by schedule: whole minutes."""
    if not plan.acc_rate_decihz:
        return 0.0
    return DAY_S if plan.raw_window_s == _RAW_ALWAYS else 60.0 * math.ceil(plan.raw_window_s / 60)


def _check(plan: SetPlan) -> None:
    if not plan.ppg_rate_hz:
        return
    if not plan.acc_rate_decihz:
        raise UsageError("a plan with PPG windows needs the accelerometer: set acc_rate_decihz")
    if not 8 <= plan.ppg_window_s <= 60:
        raise UsageError(f"ppg_window_s is {plan.ppg_window_s}: a PPG window has 8 to 60 s")
    for name in ("ppg_day_every_s", "ppg_night_every_s"):
        every_s = getattr(plan, name)
        if every_s < 60 or every_s % 60:
            raise UsageError(f"{name} is {every_s}: windows come every whole minutes, 60, 120, ...")


def plan_use(
    plan: SetPlan,
    *,
    led_ua: float = LED_UA,
    events_a_day: float = EVENTS_A_DAY,
    syncs_a_day: float = SYNCS_A_DAY,
) -> tuple[Use, LogUse]:
    """A day of a plan, in which all of the day's records are brought home over a link that loses nothing.

    Parameters
    ----------
    plan
        The sampling plan.
    led_ua
        Current of the PPG's LED; the firmware's gain control moves it as the wrist needs it.
    events_a_day
        Events, gaps, anchors and boots.
    syncs_a_day
        How often a gateway comes.

    Raises
    ------
    UsageError
        No bracelet takes this plan.
    """
    _check(plan)
    sampling = bool(plan.acc_rate_decihz)
    acc_rate_hz = acc_hz(plan.acc_rate_decihz)
    raw_s = raw_seconds(plan)
    windows, window_s = (ppg_windows(plan), plan.ppg_window_s) if sampling else (0.0, 0)
    ppg_s = windows * window_s
    if plan.ppg_rate_hz and sampling:
        ppg_s += raw_s * (1 - ppg_s / DAY_S)
    acc_samples, ppg_samples = acc_rate_hz * DAY_S, plan.ppg_rate_hz * ppg_s

    # Looks: while the PPG samples one for each of its bursts, else one for two of the accelerometer's.
    acc_look_s = 2 * _BURST_WORDS / (plan.acc_rate_decihz / 10) if sampling else DAY_S
    ppg_block = max(1, min(plan.ppg_rate_hz // 2, 20))
    ppg_looks = ppg_samples / (ppg_block + 1)
    looks = ppg_looks + windows + ((DAY_S - ppg_s) / acc_look_s if sampling else 0.0)
    wakes = looks + 2 * _DAY_MIN
    bus_us = (
        looks * transfer_us(_ACC_LOOK_BYTES)
        + _acc_bursts_us(acc_samples, _BURST_WORDS)
        + ppg_looks * transfer_us(_PPG_LOOK_BYTES)
        + ppg_samples / ppg_block * transfer_us(3 * ppg_block)
        + windows * _WINDOW_BUS_US
    )

    minutes, quarters = (_DAY_MIN, _QUARTERS) if sampling else (0, 0)
    small = minutes + quarters + events_a_day
    raw_ppg = plan.ppg_rate_hz * raw_s
    raw_acc = acc_rate_hz * raw_s
    raw_bytes = raw_ppg * _RAW_PPG_BYTES + raw_acc * _RAW_ACC_BYTES
    log = LogUse(
        event=events_a_day * _SLOT_BYTES,
        trend=quarters * _SLOT_BYTES,
        minute=minutes * _SLOT_BYTES,
        raw=raw_ppg * _RAW_PPG_SLOT_BYTES + raw_acc * _RAW_ACC_SLOT_BYTES,
    )
    log_bytes = small * _SLOT_BYTES + raw_bytes
    program_us = small * TYPICAL.program_us(0, _SLOT_BYTES, 256)
    for samples, size, a_record in (
        (raw_ppg, _RAW_PPG_BYTES, _RAW_PPG_SAMPLES),
        (raw_acc, _RAW_ACC_BYTES, _RAW_ACC_SAMPLES),
    ):
        program_us += samples / a_record * TYPICAL.program_us(0, round(size * a_record), 256)
    records = small + raw_ppg / _RAW_PPG_SAMPLES + raw_acc / _RAW_ACC_SAMPLES
    # Read back once written, and once more for the gateway, in two pieces.
    read_us = 3 * records * TYPICAL.command_us + 2 * log_bytes * TYPICAL.read_byte_us
    to_host = small * _SMALL_WIRE_BYTES + raw_bytes * _RAW_WIRE_SHARE + syncs_a_day * _SYNC_TO_HOST_BYTES
    use = Use(
        seconds=DAY_S,
        led_ma_s=led_ua / 1000 * _PULSE_WIDTH_US * 1e-6 * plan.ppg_rate_hz * ppg_s,
        ppg_s=ppg_s,
        acc_high_performance_s=DAY_S if sampling else 0.0,
        ppg_samples=ppg_samples,
        acc_samples=acc_samples,
        wakes=wakes,
        bus_s=bus_us / 1e6,
        flash_read_s=read_us / 1e6,
        flash_program_s=program_us / 1e6,
        flash_erase_s=log.erases * TYPICAL.erase_us() / 1e6,
        log_bytes=log_bytes,
        bytes_to_host=to_host,
        bytes_to_board=syncs_a_day * _SYNC_TO_BOARD_BYTES,
        connected_s=min(DAY_S, syncs_a_day * _SYNC_S + to_host / _WIRE_BYTES_PER_S),
    )
    return use, log


def streaming_use(configuration: Configure) -> Use:
    """A second of a board that streams all of a configuration to a host, over a link that loses nothing."""
    acc_rate_hz = acc_hz(configuration.acc_rate_decihz)
    average = max(1, configuration.ppg_average)
    channels = configuration.ppg_channels if configuration.ppg_rate_hz else 0
    ppg_hz = configuration.ppg_rate_hz / average
    ppg_block = max(1, min(configuration.ppg_rate_hz // average // 8, 12))
    acc_block = max(1, min(configuration.acc_rate_decihz // 80, _BURST_WORDS))
    ppg_blocks, acc_blocks = ppg_hz / ppg_block, acc_rate_hz / acc_block
    looks = max(ppg_blocks, acc_blocks)
    bus_us = ppg_blocks * transfer_us(3 * channels * ppg_block) + _acc_bursts_us(acc_rate_hz, acc_block)
    if channels:
        bus_us += looks * transfer_us(_PPG_LOOK_BYTES)
    if acc_rate_hz:
        bus_us += looks * transfer_us(_ACC_LOOK_BYTES)
    pulses_hz = configuration.ppg_rate_hz * channels
    return Use(
        seconds=1.0,
        led_ma_s=configuration.ppg_led_ua / 1000 * configuration.ppg_pulse_width_us * 1e-6 * pulses_hz,
        ppg_s=1.0 if channels else 0.0,
        acc_high_performance_s=1.0 if acc_rate_hz else 0.0,
        ppg_samples=ppg_hz,
        acc_samples=acc_rate_hz,
        wakes=looks,
        bus_s=bus_us / 1e6,
        bytes_to_host=3 * channels * ppg_hz + 6 * acc_rate_hz + (ppg_blocks + acc_blocks) * _BLOCK_WIRE_BYTES,
        connected_s=1.0,
    )


def _acc_bursts_us(samples: float, words: int) -> float:
    """Time at the bus for so many samples, and the time stamps between, in bursts of so many words."""
    return samples * (1 + 1 / _STAMP_EVERY) / words * transfer_us(_FIFO_WORD_BYTES * words)
