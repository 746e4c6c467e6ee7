"""Faults as a bench describes them, and the dice that they roll."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vigie_rig.errors import UsageError
from vigie_rig.faults import KINDS, Fault, FaultPlan
from vigie_rig.sensor_bus import SensorBus
from vigie_rig.sensors import Max30101
from vigie_rig.traces import Trace

_kinds = st.sampled_from(sorted(KINDS))
_numbers = st.floats(0, 1e6).map(lambda number: round(number, 9))
_faults = st.builds(Fault, _kinds, _numbers, _numbers, _numbers)


@given(fault=_faults)
def test_a_fault_reads_back_as_it_was_written(fault: Fault) -> None:
    assert Fault.parse(str(fault)) == fault


@given(kind=_kinds, start_s=_numbers, duration_s=_numbers, amount=_numbers)
def test_each_part_of_the_text_has_its_place(
    kind: str, start_s: float, duration_s: float, amount: float
) -> None:
    assert Fault.parse(f"{kind}@{start_s:.9f}") == Fault(kind, start_s, 0, 1)
    assert Fault.parse(f"{kind}@{start_s:.9f}+{duration_s:.9f}") == Fault(kind, start_s, duration_s, 1)
    assert Fault.parse(f"{kind}@{start_s:.9f}:{amount:.9f}") == Fault(kind, start_s, 0, amount)
    assert Fault.parse(f"{kind}@{start_s:.9f}+{duration_s:.9f}:{amount:.9f}") == Fault(
        kind, start_s, duration_s, amount
    )


@pytest.mark.parametrize(
    "text",
    ["", "reset", "reset@", "@5", "reset@-1", "reset@1+", "reset@1+-2", "link-flip@1:", "link-flip@1:nan",
     "link-flip@1+2:0.1 ", "link-flip@1e3", "reset@5:1+2", "link-flip@1,5"],
)  # fmt: skip
def test_a_text_of_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="KIND@START"):
        Fault.parse(text)


def test_an_unknown_kind_is_refused_with_the_kinds_there_are() -> None:
    with pytest.raises(UsageError, match=r"gremlin.*link-flip.*reset"):
        Fault.parse("gremlin@5+1")


@pytest.mark.parametrize("numbers", [(-1.0, 0.0, 0.0), (0.0, -0.1, 0.0), (0.0, 0.0, -1.0)])
def test_negative_numbers_are_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="not negative"):
        Fault("link-flip", *numbers)


@given(text=st.text(max_size=40))
def test_any_other_text_is_a_usage_error_or_a_fault_that_says_the_same(text: str) -> None:
    try:
        fault = Fault.parse(text)
    except UsageError:
        return
    assert Fault.parse(str(fault)) == fault


def test_nothing_strikes_before_the_plan_begins() -> None:
    plan = FaultPlan([Fault(kind, 0, 100, 1) for kind in KINDS])
    assert plan.corrupt(b"bytes", 50) == b"bytes"
    assert plan.delay_s(50) == 0
    assert not plan.refuses_transfer(50)
    assert plan.cuts_transfer(7, 50) is None
    assert not plan.sensors_stuck(50)
    assert plan.injected == {}


@given(data=st.binary(min_size=1, max_size=300), seed=st.integers(0, 1000))
def test_flipped_bytes_have_one_bit_changed_and_are_counted(data: bytes, seed: int) -> None:
    plan = FaultPlan([Fault("link-flip", 10, 5, 0.5)], seed=seed)
    plan.begin(100)
    arrived = plan.corrupt(data, 112)
    changed = [here ^ there for here, there in zip(data, arrived, strict=True) if here != there]
    assert all(bits.bit_count() == 1 for bits in changed)
    assert plan.injected.get("link-flip", 0) == len(changed)


@given(data=st.binary(min_size=1, max_size=300), seed=st.integers(0, 1000))
def test_dropped_bytes_are_gone_counted_and_nothing_else_changes(data: bytes, seed: int) -> None:
    plan = FaultPlan([Fault("link-drop", 0, 1, 0.5)], seed=seed)
    plan.begin(0)
    arrived = plan.corrupt(data, 0.5)
    assert len(arrived) == len(data) - plan.injected.get("link-drop", 0)
    rest = iter(data)
    assert all(byte in rest for byte in arrived)


@given(fault=_faults, at_s=st.floats(0, 2000))
def test_a_fault_is_on_from_its_start_to_before_its_end(fault: Fault, at_s: float) -> None:
    assert fault.active(at_s) == (fault.start_s <= at_s < fault.start_s + fault.duration_s)


@given(seed=st.integers(0, 100), other=st.integers(0, 100))
def test_the_same_seed_rolls_the_same_dice(seed: int, other: int) -> None:
    assume(seed != other)

    def arrived(seed: int) -> bytes:
        plan = FaultPlan([Fault("link-flip", 0, 1, 0.5), Fault("link-drop", 0, 1, 0.2)], seed=seed)
        plan.begin(0)
        return plan.corrupt(bytes(1000), 0)

    assert arrived(seed) == arrived(seed)
    assert arrived(seed) != arrived(other)


def test_a_link_that_is_down_passes_nothing() -> None:
    plan = FaultPlan([Fault("link-down", 1, 1)])
    plan.begin(0)
    assert (plan.corrupt(b"abc", 0.9), plan.corrupt(b"abc", 1.5), plan.corrupt(b"abc", 2.0)) == (
        b"abc", b"", b"abc",
    )  # fmt: skip
    assert plan.injected == {"link-down": 3}


def test_resets_come_at_their_starts() -> None:
    plan = FaultPlan([Fault("reset", 3), Fault("link-down", 4, 1), Fault("reset", 7)])
    assert plan.resets_s() == [3, 7]


def test_power_cuts_come_at_their_starts_and_say_for_how_long() -> None:
    plan = FaultPlan([Fault("power-cut", 3, 0.5), Fault("reset", 4), Fault("power-cut", 7)])
    assert plan.power_cuts_s() == [(3, 0.5), (7, 0)]


@given(count=st.integers(1, 252), seed=st.integers(0, 1000))
def test_a_cut_transfer_ends_before_its_last_byte(count: int, seed: int) -> None:
    plan = FaultPlan([Fault("sensor-cut", 0, 1, 1)], seed=seed)
    plan.begin(0)
    cut = plan.cuts_transfer(count, 0.5)
    assert cut is not None
    assert 0 <= cut < count
    assert plan.cuts_transfer(0, 0.5) is None
    assert plan.injected == {"sensor-cut": 1}


def test_what_a_cut_burst_took_is_gone_from_the_fifo(wrist: Trace) -> None:
    sensor = Max30101(wrist)
    plan = FaultPlan([Fault("sensor-cut", 1, 1)])
    plan.begin(0)
    bus = SensorBus([sensor], plan)
    for register, value in ((0x0A, 0x27), (0x0C, 32), (0x11, 0x01), (0x09, 0x07)):
        assert bus.write(sensor.address, register, bytes([value]), 0, 0)
    assert bus.read(sensor.address, 0x07, 30, 200_000, 1.5) is None
    (before,) = bus.read(sensor.address, 0x06, 1, 200_000, 0.5) or b""
    assert sensor.ledger.handed_out == before > 0
    # A write that breaks off before its only byte changes nothing.
    assert not bus.write(sensor.address, 0x06, bytes([before + 2]), 200_000, 1.5)
    assert bus.read(sensor.address, 0x06, 1, 200_000, 0.5) == bytes([before])
