"""MAX30101: the FIFO, its pointers and its overflow, against a model of one sample at a time."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigie_rig.sensors import Max30101
from vigie_rig.traces import Trace, synthesize

WRITE_POINTER, OVERFLOW, READ_POINTER, FIFO_DATA = 0x04, 0x05, 0x06, 0x07
FIFO_CONFIG, MODE, SPO2_CONFIG = 0x08, 0x09, 0x0A
ROLLOVER = 0x10
WRIST = synthesize(seed=2, minutes=1)


def sensor_of(trace: Trace, fifo: int, mode: int = 3, **clock: float) -> Max30101:
    sensor = Max30101(trace, **clock)  # type: ignore[arg-type]
    sensor.write(0x0C, bytes([50, 50, 50, 50]), 0)
    sensor.write(FIFO_CONFIG, bytes([fifo, mode, 0b01_001_11]), 0)
    return sensor


def words(values: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> bytes:
    return b"".join(int(value).to_bytes(3, "big") for value in values.ravel())


def test_samples_come_in_order_each_once(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    data = sensor.read(FIFO_DATA, 6 * 5, 50_000) + sensor.read(FIFO_DATA, 6 * 3, 80_000)
    assert data == words(sensor.ledger.runs[-1].values)
    assert sensor.ledger.handed_out == 8


def test_full_and_empty_have_equal_pointers(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    assert sensor.read(WRITE_POINTER, 3, 0) == bytes([0, 0, 0])
    assert sensor.read(WRITE_POINTER, 3, 320_000) == bytes([0, 0, 0])
    assert sensor.read(FIFO_DATA, 6 * 32, 320_000) == words(sensor.ledger.runs[-1].values)


@pytest.mark.parametrize("fifo", [0, ROLLOVER])
def test_the_overflow_counter_counts_what_is_lost_up_to_31(wrist: Trace, fifo: int) -> None:
    sensor = sensor_of(wrist, fifo)
    for samples, counter in ((32, 0), (33, 1), (62, 30), (63, 31), (64, 31), (500, 31)):
        assert sensor.read(OVERFLOW, 1, samples * 10_000) == bytes([counter])
        assert sensor.ledger.lost == samples - 32


def test_the_overflow_counter_is_cleared_by_a_pop(wrist: Trace) -> None:
    sensor = sensor_of(wrist, ROLLOVER)
    assert sensor.read(OVERFLOW, 1, 400_000) == bytes([8])
    sensor.read(FIFO_DATA, 6, 400_000)
    assert sensor.read(OVERFLOW, 1, 400_000) == bytes([0])


def test_without_rollover_the_newest_are_lost(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    data = sensor.read(FIFO_DATA, 6 * 32, 400_000)
    run = sensor.ledger.runs[-1]
    assert data == words(run.values[:32])
    assert run.lost.tolist() == [False] * 32 + [True] * 8


def test_without_rollover_a_full_fifo_stands_still_until_it_is_read(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    assert sensor.read(WRITE_POINTER, 3, 500_000) == bytes([0, 18, 0])
    sensor.read(FIFO_DATA, 6, 500_000)
    assert sensor.read(WRITE_POINTER, 3, 510_000) == bytes([1, 0, 1])


def test_with_rollover_the_oldest_are_lost_and_the_read_pointer_is_pushed_on(wrist: Trace) -> None:
    sensor = sensor_of(wrist, ROLLOVER)
    assert sensor.read(WRITE_POINTER, 3, 400_000) == bytes([8, 8, 8])
    data = sensor.read(FIFO_DATA, 6 * 32, 400_000)
    run = sensor.ledger.runs[-1]
    assert data == words(run.values[8:])
    assert run.lost.tolist() == [True] * 8 + [False] * 32


def test_with_rollover_hours_unread_leave_the_last_32(wrist: Trace) -> None:
    sensor = sensor_of(wrist, ROLLOVER)
    sensor.read(OVERFLOW, 1, 10_000 * 100_001)
    data = sensor.read(FIFO_DATA, 6 * 32, 10_000 * 100_001)
    run = sensor.ledger.runs[-1]
    assert len(run) == 100_001
    assert data == words(run.values[-32:])
    assert np.flatnonzero(~run.lost)[0] == 100_001 - 32


def test_an_empty_fifo_gives_stale_bytes_and_moves_no_pointer(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    sensor.read(FIFO_DATA, 6 * 3, 30_000)
    before = sensor.read(WRITE_POINTER, 3, 30_000)
    assert len(sensor.read(FIFO_DATA, 20, 30_000)) == 20
    assert sensor.read(WRITE_POINTER, 3, 30_000) == before
    assert sensor.read(FIFO_DATA, 6, 40_000) == words(sensor.ledger.runs[-1].values[3:])


def test_the_read_pointer_moves_with_the_first_byte_and_the_rest_follows(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    data = b"".join(sensor.read(FIFO_DATA, 1, 20_000) for _ in range(12))
    assert data == words(sensor.ledger.runs[-1].values)
    sensor.read(FIFO_DATA, 1, 30_000)
    assert sensor.read(READ_POINTER, 1, 30_000) == bytes([3])


def test_setting_the_read_pointer_back_reads_again(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    once = sensor.read(FIFO_DATA, 6 * 4, 50_000)
    sensor.write(READ_POINTER, bytes([2]), 50_000)
    assert sensor.read(FIFO_DATA, 6 * 2, 50_000) == once[12:]
    assert sensor.ledger.handed_out == 4


def test_clearing_the_pointers_empties_the_fifo_and_begins_a_new_run(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    sensor.read(FIFO_DATA, 6, 45_000)
    sensor.write(WRITE_POINTER, bytes(3), 45_000)
    assert sensor.read(WRITE_POINTER, 3, 45_000) == bytes(3)
    thrown_away, new = sensor.ledger.runs
    assert sensor.read(FIFO_DATA, 6, 50_000) == words(new.values)
    assert thrown_away.handed_out.tolist() == [True, False, False, False]
    assert not thrown_away.lost.any()
    assert new.time_us.tolist() == [50_000]


def test_a_mode_of_another_width_starts_with_an_empty_fifo(wrist: Trace) -> None:
    sensor = sensor_of(wrist, 0)
    sensor.read(FIFO_DATA, 1, 45_000)
    sensor.write(MODE, bytes([2]), 45_000)
    assert sensor.read(WRITE_POINTER, 3, 45_000) == bytes(3)
    assert sensor.read(FIFO_DATA, 3, 55_000) == words(sensor.ledger.runs[-1].values)


operations = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 900_000)),
        st.tuples(st.just("read"), st.integers(0, 250)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(
    operations=operations,
    rollover=st.booleans(),
    mode=st.sampled_from([2, 3]),
    clock_error=st.floats(-0.03, 0.03),
    jitter_us=st.sampled_from([0.0, 100.0, 5000.0]),
    seed=st.integers(0, 5),
)
def test_any_sequence_of_waits_and_reads_agrees_with_one_sample_at_a_time(
    operations: list[tuple[str, int]],
    rollover: bool,
    mode: int,
    clock_error: float,
    jitter_us: float,
    seed: int,
) -> None:
    sensor = sensor_of(
        WRIST, rollover * ROLLOVER, mode, clock_error=clock_error, jitter_us=jitter_us, seed=seed
    )
    now_us = 0
    seen: list[tuple[int, str, bytes]] = []
    for verb, amount in operations:
        if verb == "wait":
            now_us += amount
        elif verb == "read":
            seen.append((now_us, verb, sensor.read(FIFO_DATA, amount, now_us)))
        else:
            seen.append((now_us, verb, sensor.read(WRITE_POINTER, 3, now_us)))
    run = sensor.ledger.runs[-1]
    assert (np.diff(run.time_us) > 0).all()

    unread: deque[int] = deque()
    lost: list[int] = []
    handed_out: list[int] = []
    rest = b""
    written = popped = overflow = 0
    times_us: list[float] = run.time_us.tolist()
    coming = deque(enumerate(times_us))
    for at_us, verb, answer in seen:
        while coming and coming[0][1] <= at_us:
            sample = coming.popleft()[0]
            if len(unread) < 32:
                unread.append(sample)
                written += 1
                continue
            overflow = min(overflow + 1, 31)
            if rollover:
                lost.append(unread.popleft())
                unread.append(sample)
                written += 1
                popped += 1
            else:
                lost.append(sample)
        if verb == "look":
            assert answer == bytes([written % 32, overflow, popped % 32])
            continue
        expected = b""
        while len(expected) < len(answer) and (rest or unread):
            if not rest:
                sample = unread.popleft()
                handed_out.append(sample)
                popped += 1
                overflow = 0
                rest = words(run.values[sample])
            take = min(len(rest), len(answer) - len(expected))
            expected, rest = expected + rest[:take], rest[take:]
        assert answer[: len(expected)] == expected

    assert np.flatnonzero(run.lost).tolist() == sorted(lost)
    assert np.flatnonzero(run.handed_out).tolist() == handed_out
    assert len(lost) + len(handed_out) + len(unread) == len(run) == sensor.ledger.produced
