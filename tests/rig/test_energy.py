"""The energy ledger and the budget: registers become charge, and what is worked out is what a board does."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from vigie.plans import CONTINUOUS, OFF, STANDARD
from vigie_protocol.messages import SetPlan
from vigie_rig.bench import STANDARD as CONFIGURATION
from vigie_rig.bench import Bench, run_bench
from vigie_rig.budget import budget, plan_budget
from vigie_rig.energy import CONSUMERS, Power, Use, load_power, mah_a_day, power_file
from vigie_rig.energy_meter import EnergyMeter
from vigie_rig.errors import UsageError
from vigie_rig.expected_use import night_minutes, plan_use, ppg_windows, streaming_use
from vigie_rig.faults import FaultPlan
from vigie_rig.links import LINKS
from vigie_rig.results import Limit, Measurement
from vigie_rig.sensor_bus import SensorBus
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.serial_line import SerialLine
from vigie_rig.soak import Soak, run_soak
from vigie_rig.traces import Trace, synthesize

TOLERANCE = 0.15
PPG, ACC = Max30101.address, Lsm6dso.address


@pytest.fixture(scope="module")
def power() -> Power:
    return load_power(power_file("unix"))


@pytest.fixture(scope="module")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=1)


class _Board:
    """Sensors on their bus and a line, with their meter, and a hand on their registers instead of firmware."""

    def __init__(self, trace: Trace, link: str = "perfect") -> None:
        self.bus = SensorBus([Max30101(trace), Lsm6dso(trace)], FaultPlan())
        self.meter = EnergyMeter(self.bus, SerialLine(FaultPlan(), profile=LINKS[link]))
        self.meter.look(0)

    def write(self, address: int, register: int, value: int, at_s: float) -> None:
        assert self.bus.write(address, register, bytes((value,)), round(at_s * 1e6), at_s)

    def use(self, at_s: float) -> Use:
        return self.meter.use(round(at_s * 1e6))

    def light(self, at_s: float) -> None:
        """Two LEDs at 6.4 and 12.8 mA, 100 samples a second, pulses of 411 us."""
        self.write(PPG, 0x0A, 1 << 5 | 1 << 2 | 3, at_s)
        self.write(PPG, 0x0D, 32, at_s)
        self.write(PPG, 0x0E, 64, at_s)
        self.write(PPG, 0x11, 0x23, at_s)
        self.write(PPG, 0x09, 0b111, at_s)


# From registers to use


def test_leds_draw_current_times_pulse_width_times_rate_of_each_slot_and_only_while_sampling(
    wrist: Trace,
) -> None:
    board = _Board(wrist)
    board.light(at_s=10)
    board.write(PPG, 0x09, 0x80, at_s=15)
    use = board.use(at_s=100)
    assert use.led_ma_s == pytest.approx((6.4 + 12.8) * 411e-6 * 100 * 5)
    assert use.ppg_s == pytest.approx(5)
    assert use.seconds == pytest.approx(100)


def test_a_current_that_changes_while_sampling_counts_from_then_on(wrist: Trace) -> None:
    board = _Board(wrist)
    board.light(at_s=0)
    before = board.use(at_s=10)
    board.write(PPG, 0x0D, 0, at_s=10)
    assert (board.use(at_s=20) - before).led_ma_s == pytest.approx(12.8 * 411e-6 * 100 * 10)


def test_the_accelerometer_draws_by_mode_and_rate(wrist: Trace, power: Power) -> None:
    board = _Board(wrist)
    board.write(ACC, 0x10, 2 << 4, at_s=10)  # 26 Hz, as it comes: high performance
    board.write(ACC, 0x15, 0x10, at_s=20)  # XL_HM_MODE
    board.write(ACC, 0x10, 6 << 4, at_s=40)  # 416 Hz: there is no low power
    board.write(ACC, 0x10, 0, at_s=45)
    use = board.use(at_s=60)
    assert use.acc_high_performance_s == pytest.approx(10 + 5)
    assert use.acc_low_power_s == pytest.approx(20)
    assert use.acc_low_power_samples == pytest.approx(20 * 26.04, rel=1e-3)
    low_power_ma = power.accelerometer_low_power_ma + 26.04 * power.accelerometer_low_power_ma_per_hz
    mas = 15 * power.accelerometer_high_performance_ma + 20 * low_power_ma + 25 * power.accelerometer_rest_ma
    assert mah_a_day(use, power)["accelerometer"] == pytest.approx(mas / 60 * 24, rel=1e-3)


def test_without_power_nothing_is_drawn_and_sensors_come_back_at_rest(wrist: Trace) -> None:
    board = _Board(wrist)
    board.light(at_s=0)
    for sensor in board.bus.sensors.values():
        sensor.power_cycle(10_000_000)
    board.meter.power(False, 10_000_000)
    board.meter.power(True, 70_000_000)
    use = board.use(at_s=100)
    assert use.seconds == pytest.approx(40)
    assert use.ppg_s == pytest.approx(10)


def test_what_a_link_layer_sends_again_costs_again(wrist: Trace) -> None:
    sent: dict[str, float] = {}
    for name in ("perfect", "village"):
        board = _Board(wrist, link=name)
        board.meter.sent(1000)
        sent[name] = board.use(at_s=1).bytes_to_host
    assert sent["perfect"] == 1000
    assert sent["village"] == pytest.approx(1000 / (1 - LINKS["village"].loss))


# From use to charge


def test_a_bracelet_that_does_nothing_draws_what_its_parts_draw_at_rest(power: Power) -> None:
    found = mah_a_day(Use(seconds=3600), power)
    rest_ma = (
        power.ppg_rest_ma
        + power.accelerometer_rest_ma
        + power.gauge_always_ma
        + power.processor_asleep_ma
        + power.flash_rest_ma
        + power.radio_advertising_event_uc / 1000 / power.radio_advertising_every_s
    )
    assert tuple(found) == CONSUMERS
    assert sum(found.values()) == pytest.approx(24 * rest_ma)


@given(hours=st.floats(0.01, 1000), share=st.floats(0, 1))
def test_a_day_costs_the_same_however_long_it_was_watched(hours: float, share: float) -> None:
    power = load_power(power_file("unix"))
    use, _ = plan_use(CONTINUOUS)
    scale = hours * 3600 / use.seconds

    def part(of: float) -> Use:
        return Use(*(value * of for value in dataclasses.astuple(use)))

    whole = mah_a_day(part(scale), power)
    assert whole == pytest.approx(mah_a_day(use, power), rel=1e-9)
    rest = mah_a_day(part(scale) - part(scale * share), power) if share < 0.999 else whole
    assert rest == pytest.approx(whole, rel=1e-6)


def test_no_time_is_no_day(power: Power) -> None:
    with pytest.raises(UsageError, match="no time"):
        mah_a_day(Use(), power)


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("\nawake_ma", "\nawaken_ma", "lacks processor_awake_ma"),
        ("[leds]", "[motor]\non_ma = 50\n[leds]", "unknown motor_on_ma"),
        ("awake_ma = 3.3", "awake_ma = -3.3", "processor_awake_ma must be"),
        ("awake_ma = 3.3", "awake_ma = true", "processor_awake_ma must be"),
        ("advertising_every_s = 1.0", "advertising_every_s = 0", "more than 0"),
        ("[leds]", "volts = 3\n[leds]", r"volts stands in no \[section\]"),
        ("[leds]", "[leds", "cannot be read as TOML"),
    ],
)
def test_a_power_file_that_is_none_is_told_by_name(
    there: str, instead: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "power.toml"
    text = power_file("unix").read_text(encoding="utf-8")
    assert there in text
    path.write_text(text.replace(there, instead), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        load_power(path)


def test_both_unix_boards_stand_for_one_bracelet_and_another_must_tell_what_it_draws() -> None:
    assert power_file("unix32") == power_file("unix")
    with pytest.raises(UsageError, match="'moon'"):
        power_file("moon")


# From a plan to use


@given(
    day_min=st.integers(1, 60),
    night_min=st.integers(1, 60),
    begin=st.integers(0, 1439),
    end=st.integers(0, 1439),
)
def test_windows_of_a_day_are_those_that_the_firmware_counts(
    on_cpython: Callable[[str], Any], day_min: int, night_min: int, begin: int, end: int
) -> None:
    firmware = on_cpython("bracelet.plan")
    plan = dataclasses.replace(
        STANDARD,
        ppg_day_every_s=60 * day_min,
        ppg_night_every_s=60 * night_min,
        night_from_min=begin,
        night_to_min=end,
    )
    fields = tuple(getattr(plan, field.name) for field in dataclasses.fields(plan))
    assert night_minutes(plan) == sum(firmware.is_night(fields, minute) for minute in range(1440))
    counted = sum(firmware.due(fields, minute, minute) for minute in range(1440))
    # A window more or less at each end of night and of day.
    assert ppg_windows(plan) == pytest.approx(counted, abs=3)


@pytest.mark.parametrize(
    "wrong",
    [{"acc_rate_decihz": 0}, {"ppg_window_s": 5}, {"ppg_day_every_s": 90}, {"ppg_night_every_s": 0}],
)
def test_a_plan_that_no_bracelet_takes_has_no_budget(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        plan_use(dataclasses.replace(STANDARD, **wrong))


def test_the_standard_plan_keeps_ninety_days_in_five_megabytes_and_seven_in_half_of_one(power: Power) -> None:
    def log_days(flash_kb: int) -> float:
        return plan_budget(STANDARD, power, battery_mah=120, flash_bytes=flash_kb << 10).log_days

    assert log_days(5120) >= 90
    assert log_days(512) >= 7


def test_more_sampling_costs_more_and_wears_the_flash_sooner(power: Power) -> None:
    off, standard, continuous = (
        plan_budget(plan, power, battery_mah=120, flash_bytes=5 << 20) for plan in (OFF, STANDARD, CONTINUOUS)
    )
    assert off.total_mah_a_day < standard.total_mah_a_day < continuous.total_mah_a_day
    assert off.battery_days > standard.battery_days > continuous.battery_days
    assert off.flash_years > standard.flash_years > continuous.flash_years
    assert off.energy_mah_a_day["leds"] == 0


def test_a_flash_twice_as_large_lasts_twice_as_long(power: Power) -> None:
    small, large = (plan_budget(STANDARD, power, battery_mah=1, flash_bytes=size << 20) for size in (2, 4))
    assert large.flash_years == pytest.approx(2 * small.flash_years)
    assert large.log_days == pytest.approx(2 * small.log_days)


# What is worked out is what a board does


_FIRST_SECTORS_MAH = 7 * 0.045 * 20 / 3600
"""A new log erases four sectors to begin, and three to have them ready."""
_NO_RAW = dataclasses.replace(STANDARD, raw_window_s=0, night_from_min=0, night_to_min=0)


@pytest.mark.usefixtures("board_is_there")
@pytest.mark.parametrize(
    ("plan", "days"),
    [
        (_NO_RAW, 0.1),
        (dataclasses.replace(_NO_RAW, ppg_day_every_s=60), 0.05),
        (CONTINUOUS, 0.01),
    ],
    ids=["five-minutely", "minutely", "continuous"],
)
def test_a_soak_takes_what_the_budget_says(plan: SetPlan, days: float, power: Power, tmp_path: Path) -> None:
    soak = Soak(days=days, link="perfect", seed=3, plan=plan, resets=0, power_cuts=0)
    ledger = run_soak(soak, tmp_path / "store.sqlite", files=tmp_path / "board")
    taken = ledger.energy_mah_a_day
    # Two syncs, and the events of a first boot, in this part of a day.
    use, _ = plan_use(plan, events_a_day=4 / days, syncs_a_day=2 / days)
    expected = mah_a_day(use, power)
    assert set(taken) == set(CONSUMERS)
    assert sum(taken.values()) == pytest.approx(sum(expected.values()), rel=TOLERANCE)
    for name in CONSUMERS:
        if name == "leds":  # the gain control moves away from its first current; benches below look at this
            assert 0 < taken[name] < 8 * expected[name]
        else:
            spare_mah = 0.05 + (_FIRST_SECTORS_MAH / days if name == "flash" else 0)
            assert taken[name] == pytest.approx(expected[name], rel=TOLERANCE, abs=spare_mah), name


def _energy(outcome: Any) -> Measurement:
    (found,) = (each for each in outcome.result.measurements if each.name == "energy_mah_a_day")
    return found


@pytest.mark.usefixtures("board_is_there")
def test_a_bench_takes_what_its_configuration_needs_and_has_a_limit_above_it(
    wrist: Trace, power: Power
) -> None:
    found = _energy(run_bench(Bench(wrist, seconds=15, find_heap_needed=False)))
    needed = sum(mah_a_day(streaming_use(CONFIGURATION), power).values())
    assert found.value == pytest.approx(needed, rel=0.015)
    assert "estimate" in found.unit
    assert found.limit is not None
    assert found.limit.at_most == pytest.approx(1.25 * needed, abs=0.1)


@pytest.mark.usefixtures("board_is_there")
def test_twice_the_light_costs_the_charge_of_the_light(wrist: Trace, power: Power) -> None:
    def bench(led_ua: int) -> float:
        configuration = dataclasses.replace(CONFIGURATION, ppg_led_ua=led_ua)
        return (
            _energy(
                run_bench(Bench(wrist, seconds=10, configuration=configuration, find_heap_needed=False))
            ).value
            or math.nan
        )

    more_ma = 6.4 * 2 * 411e-6 * 100 * power.leds_battery_per_ma
    assert bench(12_800) - bench(6_400) == pytest.approx(24 * more_ma, rel=0.05)


@pytest.mark.usefixtures("board_is_there")
def test_a_bench_fails_that_takes_more_than_it_may(wrist: Trace) -> None:
    bench = Bench(wrist, seconds=5, find_heap_needed=False, limits={"energy_mah_a_day": Limit(at_most=1)})
    result = run_bench(bench).result
    assert result.verdict == "fail"
    assert "energy_mah_a_day" in result.reason


# The command


def _budget(*words: str) -> Any:
    return CliRunner().invoke(budget, [*words, "--json"])


def test_the_command_tells_each_consumer_and_what_it_comes_to() -> None:
    told = json.loads(_budget("standard", "--battery-mah", "100", "--flash-kb", "1024").output)
    assert told["estimate"] is True
    assert set(told["energy_mah_a_day"]) == set(CONSUMERS)
    assert told["battery_days"] == pytest.approx(100 / sum(told["energy_mah_a_day"].values()))
    assert told["log_days"] == pytest.approx(1024 / told["kb_a_day"])


def test_the_command_takes_a_plan_of_ones_own_and_other_parts(tmp_path: Path) -> None:
    plan, parts = tmp_path / "mine.toml", tmp_path / "power.toml"
    plan.write_text("ppg_rate_hz = 0\n", encoding="utf-8")
    text = power_file("unix").read_text(encoding="utf-8")
    parts.write_text(text.replace("high_performance_ma = 0.170", "high_performance_ma = 1"), encoding="utf-8")
    told = json.loads(_budget(str(plan), "--power", str(parts)).output)
    assert told["energy_mah_a_day"]["leds"] == 0
    assert told["energy_mah_a_day"]["accelerometer"] == pytest.approx(24)


@pytest.mark.parametrize("words", [("nonsense",), ("standard", "--flash-kb", "1"), ("--battery-mah", "0")])
def test_wrong_words_are_told_and_end_with_2(words: tuple[str, ...]) -> None:
    assert _budget(*words).exit_code == 2


def test_the_table_names_all_consumers_and_says_that_it_is_an_estimate() -> None:
    told = CliRunner().invoke(budget, []).output
    for words in ("LEDs", "PPG sensor", "accelerometer", "gauge", "awake", "asleep", "flash", "radio"):
        assert words in told
    assert "estimate" in told
