"""Benches on the unix board: what they measure, what they demand, and what each fault does to them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from vigie_rig.bench import STANDARD, Bench, BenchOutcome, run_bench, standard_limits
from vigie_rig.errors import UsageError
from vigie_rig.faults import KINDS, Fault
from vigie_rig.results import Limit, exit_status, read_json, write_json
from vigie_rig.traces import Trace

pytestmark = pytest.mark.usefixtures("board_is_there")

# The names that other jobs read.
_NAMES = {
    "samples_expected", "samples_received", "samples_lost", "samples_wrong", "samples_announced_missing",
    "samples_misnumbered", "frames_bad", "heap_live_bytes", "heap_needed_bytes", "realtime_factor",
    "heart_rate_mae_bpm", "heart_rate_coverage", "steps", "falls", "worn_s", "rmssd_ms", "breathing_per_minute",
}  # fmt: skip


def _run(trace: Trace, *faults: str, seconds: float = 20, seed: int = 0) -> BenchOutcome:
    planned = tuple(map(Fault.parse, faults))
    return run_bench(Bench(trace, seconds=seconds, seed=seed, faults=planned, find_heap_needed=False))


def _values(outcome: BenchOutcome) -> dict[str, float]:
    return {each.name: each.value or 0 for each in outcome.result.measurements}


def test_a_sound_bench_passes_and_has_the_names_that_other_jobs_read(wrist: Trace, tmp_path: Path) -> None:
    outcome = run_bench(Bench(wrist))
    result, values = outcome.result, _values(outcome)
    assert result.verdict == "pass", result.reason
    assert exit_status(result) == 0
    assert set(values) >= _NAMES
    assert values["samples_received"] == values["samples_expected"] > 60 * 200
    assert values["samples_lost"] == values["samples_wrong"] == values["frames_bad"] == 0
    # Pointers are twice as long here as on a board of 128 KB.
    assert 0 < values["heap_live_bytes"] < values["heap_needed_bytes"] <= 220 * 1024
    assert values["heart_rate_mae_bpm"] < 5
    assert values["heart_rate_coverage"] > 0.6
    # 14 s and 6 s of walking, 12 s of running.
    assert values["steps"] == pytest.approx(14 * 1.83 + 12 * 2.72 + 6 * 1.75, rel=0.15)
    assert values["worn_s"] == pytest.approx(60, abs=2)
    write_json(result, tmp_path / "results.json")
    written = json.loads((tmp_path / "results.json").read_text())
    assert {"verdict", "board", "firmware", "trace", "measurements", "started_utc", "wall_s"} <= set(written)
    assert set(written["firmware"]) == {"version", "schema_crc", "micropython"}
    assert set(written["trace"]) == {"name", "sha256", "seconds"}
    assert all(set(each) == {"value", "unit", "limit", "ok"} for each in written["measurements"].values())
    assert read_json(tmp_path / "results.json") == result


def test_it_passes_on_the_heap_that_it_says_it_needs_and_not_on_less(wrist: Trace) -> None:
    needed = _values(run_bench(Bench(wrist, seconds=8)))["heap_needed_bytes"]
    on = [
        run_bench(Bench(wrist, seconds=8, heap_bytes=int(heap), find_heap_needed=False)).result.verdict
        for heap in (needed, needed - 8192)
    ]
    assert on[0] == "pass"
    assert on[1] != "pass"


def test_a_few_seconds_are_a_bench_too(wrist: Trace) -> None:
    result = _run(wrist, seconds=3).result
    assert result.verdict == "pass", result.reason
    assert result.trace.seconds == 3


def test_another_configuration(wrist: Trace) -> None:
    configuration = dataclasses.replace(
        STANDARD, ppg_rate_hz=200, ppg_channels=3, ppg_average=2, acc_rate_decihz=4160, acc_range_g=16
    )
    outcome = run_bench(Bench(wrist, configuration=configuration, seconds=10, find_heap_needed=False))
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert outcome.recording.ppg_channels == ("green", "infrared", "red")
    assert _values(outcome)["samples_received"] > 10 * (100 + 400)


@pytest.mark.parametrize("off", ["ppg_rate_hz", "acc_rate_decihz"])
def test_one_sensor_alone(wrist: Trace, off: str) -> None:
    configuration = dataclasses.replace(STANDARD, **{off: 0})
    outcome = run_bench(Bench(wrist, configuration=configuration, seconds=10, find_heap_needed=False))
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert 900 < _values(outcome)["samples_received"] < 1200


def test_what_the_chips_lack_is_a_failed_bench_that_says_so(wrist: Trace) -> None:
    configuration = dataclasses.replace(STANDARD, ppg_rate_hz=123)
    result = run_bench(Bench(wrist, configuration=configuration, seconds=5, find_heap_needed=False)).result
    assert result.verdict == "fail"
    assert "123" in result.reason
    assert exit_status(result) == 1


# What each fault does: at least so many sessions, whether what is lost is announced within its session.
_FAULTS = {
    "link-flip": ("link-flip@4+8:0.005", 1, True),
    "link-drop": ("link-drop@4+8:0.005", 1, True),
    "link-delay": ("link-delay@4+3:0.4", 1, True),
    "link-down": ("link-down@4+1", 1, True),
    "sensor-nak": ("sensor-nak@4+8:0.05", 1, True),
    "sensor-cut": ("sensor-cut@4+8:0.05", 1, True),
    "sensor-stuck": ("sensor-stuck@4+1", 1, True),
    "reset": ("reset@8", 2, False),
    "power-cut": ("power-cut@8+1", 2, False),
}


def test_every_kind_of_fault_is_tried() -> None:
    assert set(_FAULTS) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fault_strikes_nothing_wrong_is_accepted_and_losses_are_announced(
    wrist: Trace, kind: str, seed: int
) -> None:
    text, sessions, announced = _FAULTS[kind]
    outcome = _run(wrist, text, seed=seed)
    values = _values(outcome)
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert values[f"injected_{kind.replace('-', '_')}"] > 0
    assert values["samples_wrong"] == 0
    assert values["sessions"] >= sessions
    if announced:
        assert values["samples_lost"] == values["samples_announced_missing"]
        assert values["samples_misnumbered"] == 0
    # After the fault it streams on: of 20 s at most half are missing.
    assert values["samples_received"] > 2000
    assert [span.label for span in outcome.recording.faults] == [kind]


@pytest.mark.parametrize(
    "text", ["link-down@4+6", "link-delay@4+1:4", "sensor-stuck@4+6", "sensor-nak@4+4:1"]
)
def test_a_fault_that_ends_the_session_is_followed_by_another(wrist: Trace, text: str) -> None:
    outcome = _run(wrist, text)
    values = _values(outcome)
    assert outcome.result.verdict == "pass", outcome.result.reason
    assert values["sessions"] >= 2
    assert values["samples_wrong"] == 0
    assert values["samples_received"] > 2000


def test_what_faults_take_without_faults_would_fail(wrist: Trace) -> None:
    demanding = {"samples_lost": Limit(at_most=0)}
    result = run_bench(
        Bench(
            wrist,
            seconds=10,
            faults=(Fault.parse("link-down@4+1"),),
            limits=demanding,
            find_heap_needed=False,
        )
    ).result
    assert result.verdict == "fail"
    assert "samples_lost" in result.reason


def test_a_limit_on_what_is_not_measured_is_wrong_usage(wrist: Trace) -> None:
    with pytest.raises(UsageError, match=r"samples_lots.*samples_lost"):
        run_bench(Bench(wrist, seconds=3, limits={"samples_lots": Limit(at_most=0)}, find_heap_needed=False))


def test_limits_given_replace_the_standard_ones(wrist: Trace) -> None:
    bench = Bench(wrist, limits={"samples_lost": Limit(at_most=7)})
    assert standard_limits(bench)["samples_lost"] == Limit(at_most=7)
    assert standard_limits(bench)["samples_wrong"] == Limit(at_most=0)
