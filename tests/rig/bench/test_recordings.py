"""A real recording, whole and bit for bit, on the virtual clock and in real time over the PTY; and the long runs."""

from __future__ import annotations

import pytest

from vigie_rig.bench import Bench, BenchOutcome, run_bench
from vigie_rig.faults import Fault
from vigie_rig.traces import Trace, synthesize

pytestmark = pytest.mark.usefixtures("board_is_there")


def _whole(outcome: BenchOutcome, seconds: float) -> None:
    values = {each.name: each.value for each in outcome.result.measurements}
    assert outcome.result.verdict == "pass", outcome.result.reason
    # Sensor clocks are up to 3 % off.
    assert (values["samples_expected"] or 0) > (100 + 104) * seconds * 0.96
    assert values["samples_received"] == values["samples_expected"]
    assert values["samples_lost"] == values["samples_wrong"] == values["samples_misnumbered"] == 0
    assert values["frames_bad"] == values["frames_lost"] == 0


def test_five_minutes_on_the_virtual_clock(recording: Trace) -> None:
    outcome = run_bench(Bench(recording, find_heap_needed=False))
    _whole(outcome, recording.duration_s)
    values = {each.name: each.value for each in outcome.result.measurements}
    assert (values["heart_rate_mae_bpm"] or 99) < 5


def test_the_beginning_in_real_time(recording: Trace) -> None:
    _whole(run_bench(Bench(recording, clock="real", seconds=15, find_heap_needed=False)), 15)


def test_a_synthetic_wrist_in_real_time(wrist: Trace) -> None:
    _whole(run_bench(Bench(wrist, clock="real", seconds=4, find_heap_needed=False)), 4)


def test_faults_in_real_time(wrist: Trace) -> None:
    faults = (Fault.parse("link-flip@1+2:0.003"), Fault.parse("reset@4"))
    outcome = run_bench(Bench(wrist, clock="real", seconds=8, faults=faults, find_heap_needed=False))
    values = {each.name: each.value for each in outcome.result.measurements}
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert values["samples_wrong"] == 0
    assert (values["injected_link_flip"] or 0) > 0
    assert (values["sessions"] or 0) >= 2
    assert (values["samples_received"] or 0) > 600


@pytest.mark.soak
def test_five_minutes_in_real_time(recording: Trace) -> None:
    _whole(run_bench(Bench(recording, clock="real", find_heap_needed=False)), recording.duration_s)


@pytest.mark.soak
def test_an_hour_with_every_fault_and_none() -> None:
    hour = synthesize(seed=7, minutes=60)
    _whole(run_bench(Bench(hour, find_heap_needed=False)), 3600)
    faults = tuple(
        Fault.parse(text)
        for minute in range(2, 58, 4)
        for text in (
            f"link-flip@{minute * 60}+10:0.002",
            f"link-drop@{minute * 60 + 20}+10:0.002",
            f"link-delay@{minute * 60 + 40}+5:0.5",
            f"link-down@{minute * 60 + 60}+1",
            f"sensor-nak@{minute * 60 + 80}+10:0.05",
            f"sensor-stuck@{minute * 60 + 100}+4",
            f"reset@{minute * 60 + 120}",
        )
    )
    outcome = run_bench(Bench(hour, faults=faults, find_heap_needed=False))
    values = {each.name: each.value or 0 for each in outcome.result.measurements}
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert values["samples_wrong"] == 0
    assert values["injected_reset"] == 14
    # Resets and stuck sensors end sessions: each costs a few seconds of the hour.
    assert values["samples_received"] > 0.9 * 204 * 3600 * 0.96
