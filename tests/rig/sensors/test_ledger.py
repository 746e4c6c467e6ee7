"""The judge's truth, and the clock that it is written by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_rig.sensors import Ledger, Lsm6dso, Max30101, Tally
from vigie_rig.sensors._clock import CHUNK, SampleClock, play
from vigie_rig.traces import Trace, synthesize

WRIST = synthesize(seed=3, minutes=1)


def started(sensor: Max30101 | Lsm6dso, now_us: int = 0) -> Max30101 | Lsm6dso:
    if isinstance(sensor, Max30101):
        sensor.write(0x0C, bytes([40, 40]), now_us)
        sensor.write(0x08, bytes([0x10, 3, 0b01_011_11]), now_us)
    else:
        sensor.write(0x10, b"\x60", now_us)
        sensor.write(0x07, bytes([0, 0, 6, 6]), now_us)
    return sensor


def fifo_register(sensor: Max30101 | Lsm6dso) -> int:
    return 0x07 if isinstance(sensor, Max30101) else 0x78


@pytest.mark.parametrize("kind", [Max30101, Lsm6dso])
@settings(max_examples=20, deadline=None)
@given(polls_us=st.lists(st.integers(0, 20_000_000), max_size=12), seed=st.integers(0, 3))
def test_what_is_sampled_does_not_depend_on_when_one_looks(
    kind: type[Max30101] | type[Lsm6dso], polls_us: list[int], seed: int
) -> None:
    often, once = (started(kind(WRIST, clock_error=0.017, jitter_us=150, seed=seed)) for _ in range(2))
    for at_us in sorted(polls_us):
        often.read(fifo_register(often), 42, at_us)
    often.read(0x0F, 1, 20_000_000)
    once.read(0x0F, 1, 20_000_000)
    np.testing.assert_array_equal(often.ledger.runs[-1].values, once.ledger.runs[-1].values)
    np.testing.assert_array_equal(often.ledger.runs[-1].time_us, once.ledger.runs[-1].time_us)


@pytest.mark.parametrize("kind", [Max30101, Lsm6dso])
def test_the_same_seed_gives_the_same_answers_and_another_seed_others(
    kind: type[Max30101] | type[Lsm6dso],
) -> None:
    one, same, other = (started(kind(WRIST, jitter_us=500, seed=seed)) for seed in (1, 1, 2))
    answers = [sensor.read(fifo_register(sensor), 126, 50_000) for sensor in (one, same, other)]
    assert answers[0] == answers[1]
    assert not np.array_equal(one.ledger.runs[-1].time_us, other.ledger.runs[-1].time_us)


@pytest.mark.parametrize("kind", [Max30101, Lsm6dso])
@pytest.mark.parametrize("clock_error", [-0.03, 0.0, 0.03])
def test_the_sensors_clock_is_off_by_its_error(
    kind: type[Max30101] | type[Lsm6dso], clock_error: float
) -> None:
    sensor = started(kind(WRIST, clock_error=clock_error))
    sensor.read(0x0F, 1, 100_000_000)
    run = sensor.ledger.runs[-1]
    assert len(run) == pytest.approx(100 * run.rate_hz * (1 + clock_error), abs=1)
    assert len(run) > 2 * CHUNK


@pytest.mark.parametrize("kind", [Max30101, Lsm6dso])
def test_a_million_samples_later_the_ledger_still_adds_up(kind: type[Max30101] | type[Lsm6dso]) -> None:
    sensor = started(kind(WRIST))
    handed_out = 0
    for at_us in range(0, 3_000_000_000, 300_000_000):
        sensor.read(0x0F, 1, at_us)
        before = sensor.ledger.handed_out
        sensor.read(fifo_register(sensor), 42, at_us)
        handed_out += sensor.ledger.handed_out - before
    assert sensor.ledger.produced > 1_000_000
    assert sensor.ledger.handed_out == handed_out
    assert sensor.ledger.produced - sensor.ledger.lost - handed_out <= 512


@pytest.mark.parametrize("kind", [Max30101, Lsm6dso])
def test_the_trace_may_begin_again_at_the_next_start(
    kind: type[Max30101] | type[Lsm6dso], ramp: Trace
) -> None:
    sensor = started(kind(ramp))
    sensor.read(0x0F, 1, 60_000_000)
    sensor.play_from(60_000_000)
    sensor.power_cycle(60_000_000)
    started(sensor, 60_000_000).read(0x0F, 1, 120_000_000)
    first, again = sensor.ledger.runs
    np.testing.assert_array_equal(first.values[:5000], again.values[:5000])
    assert again.time_us[0] == pytest.approx(60_000_000 + first.time_us[0])


def test_handed_out_is_never_lost() -> None:
    ledger = Ledger()
    run = ledger.open_run(0, 100, 1)
    run.add_chunk(np.arange(10.0), np.arange(10, dtype=np.int32)[:, None])
    ledger.grow(5)
    ledger.mark_handed_out(np.array([0, 1, -1]))
    ledger.mark_lost(np.array([1, 2, -1]))
    assert run.handed_out.tolist() == [True, True, False, False, False]
    assert run.lost.tolist() == [False, False, True, False, False]
    assert run.values.ravel().tolist() == [0, 1, 2, 3, 4]
    assert (ledger.handed_out, ledger.lost) == (2, 1)


def test_an_empty_run_is_forgotten() -> None:
    ledger = Ledger()
    ledger.open_run(0, 100, 1)
    second = ledger.open_run(5, 100, 1)
    assert ledger.runs == [second]
    ledger.end_run()
    assert ledger.runs == []


@given(
    rate_hz=st.sampled_from([50.0, 104.0, 3200.0]),
    clock_error=st.floats(-0.03, 0.03),
    jitter_us=st.floats(0, 1e6),
)
def test_jitter_never_swaps_samples(rate_hz: float, clock_error: float, jitter_us: float) -> None:
    clock = SampleClock(0, rate_hz, clock_error=clock_error, jitter_us=jitter_us, seed=(1,))
    instants_us = np.concatenate((clock.instants_us(0, 500), clock.instants_us(500, 500)))
    assert (np.diff(instants_us) > 0).all()
    assert np.abs(instants_us / clock.period_us - np.arange(1, 1001)).max() < 0.5


def test_between_the_samples_of_the_trace_lies_a_straight_line() -> None:
    signal = np.array([[0.0, 10.0, 0.0], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(play(signal, 1.0, np.array([0.25, 1.5])), [[2.5, 5.0], [1.25, 2.5]])


def test_the_trace_of_the_wrist_reaches_both_sensors(wrist: Trace) -> None:
    ppg, acc = started(Max30101(wrist)), started(Lsm6dso(wrist))
    for sensor in (ppg, acc):
        sensor.read(0x0F, 1, 60_000_000)
    off_us = wrist.marks_of("off-wrist")[0].start_s * 1e6
    light = ppg.ledger.runs[-1]
    assert light.values[light.time_us < off_us].min() > 20 * light.values[light.time_us > off_us + 1e6].max()
    motion = acc.ledger.runs[-1]
    assert np.linalg.norm(motion.values * 0.061e-3, axis=1).mean() == pytest.approx(1, abs=0.1)


def test_a_trace_that_repeats_begins_anew() -> None:
    signal = np.array([[0.0, 10.0, 20.0]])
    np.testing.assert_allclose(play(signal, 1.0, np.array([0.5, 2.5, 4.5]), repeats=True), [[5.0, 5.0, 5.0]])


def test_a_tally_counts_as_a_ledger_does_and_keeps_nothing() -> None:
    kept, counted = Ledger(), Tally()
    for ledger in (kept, counted):
        for _ in range(40):
            run = ledger.open_run(0.0, 50.0, 1)
            first = ledger.produced
            run.add_chunk(np.arange(4000.0), np.zeros((4000, 1), dtype=np.int32))
            ledger.grow(4000)
            ledger.mark_handed_out(np.arange(first, first + 3000))
            ledger.mark_lost(np.array([-1, first + 2999, first + 3000, first + 3999]))
    assert (counted.produced, counted.handed_out, counted.lost) == (kept.produced, kept.handed_out, kept.lost)
    assert len(counted.runs) == 1
    assert counted.runs[0].time_us.size == 0
