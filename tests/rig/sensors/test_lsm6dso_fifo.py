"""LSM6DSO: the FIFO, its tags and its overflow, against a model of one word at a time."""

from __future__ import annotations

import struct
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vigie_rig.sensors import Lsm6dso
from vigie_rig.traces import Trace, synthesize

FIFO_CTRL1, FIFO_CTRL3, FIFO_CTRL4 = 0x07, 0x09, 0x0A
CTRL1_XL, CTRL3_C, CTRL10_C = 0x10, 0x12, 0x19
FIFO_STATUS1, FIFO_STATUS2, FIFO_OUT = 0x3A, 0x3B, 0x78
BYPASS, FIFO_MODE, CONTINUOUS = 0, 1, 6
STAMP_EACH, STAMP_8, STAMP_32 = 0x40, 0x80, 0xC0
WATERMARK, OVERRUN, FULL, LATCHED = 0x80, 0x40, 0x20, 0x08
ACCELEROMETER, TIMESTAMP = 2, 4
PERIOD_US = 9600
WRIST = synthesize(seed=2, minutes=1)


def sensor_of(trace: Trace, control: int = CONTINUOUS, watermark: int = 0, **clock: float) -> Lsm6dso:
    sensor = Lsm6dso(trace, **clock)  # type: ignore[arg-type]
    sensor.write(CTRL10_C, b"\x20", 0)
    sensor.write(CTRL1_XL, b"\x4c", 0)
    sensor.write(FIFO_CTRL1, bytes([watermark & 0xFF, watermark >> 8, 4, control]), 0)
    return sensor


def level(sensor: Lsm6dso, now_us: int) -> int:
    low, high = sensor.read(FIFO_STATUS1, 2, now_us)
    return low | (high & 0b11) << 8


def words(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, 7)


def values(data: bytes) -> list[list[int]]:
    return [
        list(fields[1:]) for fields in struct.iter_unpack("<B3h", data) if fields[0] >> 3 == ACCELEROMETER
    ]


def stamps(data: bytes) -> list[int]:
    return [fields[1] for fields in struct.iter_unpack("<BIH", data) if fields[0] >> 3 == TIMESTAMP]


def test_words_are_counted_and_read_in_order(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    assert level(sensor, 10 * PERIOD_US) == 10
    data = sensor.read(FIFO_OUT, 7 * 6, 10 * PERIOD_US)
    assert level(sensor, 10 * PERIOD_US) == 4
    data += sensor.read(FIFO_OUT, 7 * 4, 10 * PERIOD_US)
    assert values(data) == sensor.ledger.runs[-1].values.tolist()
    assert sensor.ledger.runs[-1].handed_out.all()


def test_tags_count_time_slots_and_have_even_parity(wrist: Trace) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | STAMP_EACH)
    tags = words(sensor.read(FIFO_OUT, 7 * 20, 10 * PERIOD_US))[:, 0]
    assert (tags >> 3).tolist() == [TIMESTAMP, ACCELEROMETER] * 10
    assert (tags >> 1 & 3).tolist() == [k % 4 for k in range(10) for _ in range(2)]
    assert all(int(tag).bit_count() % 2 == 0 for tag in tags)


def test_a_burst_rolls_over_from_0x7e_to_0x78(wrist: Trace) -> None:
    in_one, word_by_word = sensor_of(wrist), sensor_of(wrist)
    data = in_one.read(FIFO_OUT, 7 * 5, 5 * PERIOD_US)
    assert data == b"".join(word_by_word.read(FIFO_OUT, 7, 5 * PERIOD_US) for _ in range(5))
    assert len({data[i : i + 7] for i in range(0, 35, 7)}) == 5


def test_the_tag_may_be_read_on_its_own(wrist: Trace) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | STAMP_EACH)
    for expected in [TIMESTAMP, ACCELEROMETER] * 3:
        assert sensor.read(FIFO_OUT, 1, 3 * PERIOD_US)[0] >> 3 == expected
        sensor.read(FIFO_OUT + 1, 6, 3 * PERIOD_US)
    assert level(sensor, 3 * PERIOD_US) == 0


def test_without_if_inc_the_burst_repeats_the_tag(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.write(CTRL3_C, b"\0", 3 * PERIOD_US)
    assert len(set(sensor.read(FIFO_OUT, 7, 3 * PERIOD_US))) == 1
    assert sensor.ledger.handed_out == 0


def test_an_empty_fifo_gives_words_without_a_valid_tag(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    data = sensor.read(FIFO_OUT, 21, PERIOD_US)
    assert data[0] >> 3 == ACCELEROMETER
    assert data[7:] == bytes(14)
    assert sensor.ledger.handed_out == 1


@pytest.mark.parametrize(("control", "each"), [(STAMP_EACH, 1), (STAMP_8, 8), (STAMP_32, 32)])
def test_time_stamps_are_batched_at_their_decimation(wrist: Trace, control: int, each: int) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | control)
    data = sensor.read(FIFO_OUT, 7 * level(sensor, 100 * PERIOD_US), 100 * PERIOD_US)
    assert stamps(data) == [384 * (k + 1) for k in range(0, 100, each)]
    assert len(values(data)) == 100
    assert words(data)[0, 0] >> 3 == TIMESTAMP


def test_time_stamps_tell_the_sensors_own_time(wrist: Trace) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | STAMP_EACH, clock_error=0.02, jitter_us=200.0, seed=3)
    data = sensor.read(FIFO_OUT, 7 * 400, 200 * PERIOD_US)
    run = sensor.ledger.runs[-1]
    np.testing.assert_allclose(stamps(data), run.time_us[: len(stamps(data))] * 1.02 / 25, atol=1.001)


def test_without_the_counter_no_time_stamps_are_batched(wrist: Trace) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | STAMP_EACH)
    sensor.write(CTRL10_C, b"\0", 0)
    assert level(sensor, 10 * PERIOD_US) == 10


@pytest.mark.parametrize("watermark", [1, 5, 300])
def test_the_watermark_is_told_when_reached(wrist: Trace, watermark: int) -> None:
    sensor = sensor_of(wrist, watermark=watermark)
    assert not sensor.read(FIFO_STATUS2, 1, (watermark - 1) * PERIOD_US)[0] & WATERMARK
    assert sensor.read(FIFO_STATUS2, 1, watermark * PERIOD_US)[0] & WATERMARK
    sensor.read(FIFO_OUT, 7, watermark * PERIOD_US)
    assert not sensor.read(FIFO_STATUS2, 1, watermark * PERIOD_US)[0] & WATERMARK


def test_full_is_told_one_before_and_overrun_when_filled(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    assert sensor.read(FIFO_STATUS1, 2, 510 * PERIOD_US) == bytes([0xFE, 1])
    assert sensor.read(FIFO_STATUS1, 2, 511 * PERIOD_US) == bytes([0xFF, 1 | FULL])
    assert sensor.read(FIFO_STATUS1, 2, 512 * PERIOD_US) == bytes([0x00, 2 | FULL | OVERRUN | LATCHED])


def test_the_latched_overrun_stays_until_it_is_read(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.read(FIFO_STATUS1, 1, 600 * PERIOD_US)
    sensor.read(FIFO_OUT, 7 * 500, 600 * PERIOD_US)
    assert sensor.read(FIFO_STATUS2, 1, 600 * PERIOD_US) == bytes([LATCHED])
    assert sensor.read(FIFO_STATUS2, 1, 600 * PERIOD_US) == bytes([0])


def test_continuous_mode_overwrites_the_oldest(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    data = sensor.read(FIFO_OUT, 7 * 512, 700 * PERIOD_US)
    run = sensor.ledger.runs[-1]
    assert values(data) == run.values[188:].tolist()
    assert run.lost.tolist() == [True] * 188 + [False] * 512


def test_time_stamps_take_room_from_samples(wrist: Trace) -> None:
    sensor = sensor_of(wrist, CONTINUOUS | STAMP_EACH)
    data = sensor.read(FIFO_OUT, 7 * 512, 300 * PERIOD_US)
    run = sensor.ledger.runs[-1]
    assert values(data) == run.values[44:].tolist()
    assert run.lost.sum() == 44


def test_fifo_mode_stops_when_full_until_bypass(wrist: Trace) -> None:
    sensor = sensor_of(wrist, FIFO_MODE)
    data = sensor.read(FIFO_OUT, 7 * 512, 600 * PERIOD_US)
    assert values(data) == sensor.ledger.runs[-1].values[:512].tolist()
    assert level(sensor, 650 * PERIOD_US) == 0
    assert sensor.ledger.lost == 138
    sensor.write(FIFO_CTRL4, bytes([BYPASS]), 650 * PERIOD_US)
    sensor.write(FIFO_CTRL4, bytes([FIFO_MODE]), 650 * PERIOD_US)
    assert level(sensor, 660 * PERIOD_US) == 10


def test_bypass_empties_the_fifo_and_begins_a_new_run(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.write(FIFO_CTRL4, bytes([BYPASS]), 20 * PERIOD_US)
    assert level(sensor, 25 * PERIOD_US) == 0
    sensor.write(FIFO_CTRL4, bytes([CONTINUOUS]), 25 * PERIOD_US)
    assert level(sensor, 32 * PERIOD_US) == 7
    assert [len(run) for run in sensor.ledger.runs] == [20, 5, 7]
    assert sensor.ledger.lost == 0
    times_us = np.concatenate([run.time_us for run in sensor.ledger.runs])
    np.testing.assert_allclose(times_us, PERIOD_US * np.arange(1, 33))


@pytest.mark.parametrize("mode", [BYPASS, 4, 7])
def test_modes_that_wait_for_a_trigger_stay_empty(wrist: Trace, mode: int) -> None:
    assert level(sensor_of(wrist, mode), 100 * PERIOD_US) == 0


def test_a_slower_batching_rate_decimates(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.write(FIFO_CTRL3, b"\x02", 0)
    assert level(sensor, 400 * PERIOD_US) == 100
    assert sensor.ledger.runs[-1].rate_hz == pytest.approx(26.04, abs=0.01)


def test_a_faster_batching_rate_cannot_exceed_the_data_rate(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.write(FIFO_CTRL3, b"\x06", 0)
    assert level(sensor, 100 * PERIOD_US) == 100


def test_without_batching_the_fifo_stays_empty(wrist: Trace) -> None:
    sensor = sensor_of(wrist)
    sensor.write(FIFO_CTRL3, b"\0", 0)
    assert level(sensor, 100 * PERIOD_US) == 0
    assert sensor.ledger.produced == 100


operations = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 3_000_000)),
        st.tuples(st.just("read"), st.integers(0, 7 * 600)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(
    operations=operations,
    mode=st.sampled_from([FIFO_MODE, CONTINUOUS]),
    stamping=st.sampled_from([0, STAMP_EACH, STAMP_8, STAMP_32]),
    clock_error=st.floats(-0.03, 0.03),
    jitter_us=st.sampled_from([0.0, 100.0, 5000.0]),
    seed=st.integers(0, 5),
)
def test_any_sequence_of_waits_and_reads_agrees_with_one_word_at_a_time(
    operations: list[tuple[str, int]],
    mode: int,
    stamping: int,
    clock_error: float,
    jitter_us: float,
    seed: int,
) -> None:
    sensor = sensor_of(WRIST, mode | stamping, clock_error=clock_error, jitter_us=jitter_us, seed=seed)
    now_us = 0
    offset = 0
    seen: list[tuple[int, str, bytes]] = []
    for verb, amount in operations:
        if verb == "wait":
            now_us += amount
        elif verb == "read":
            seen.append((now_us, verb, sensor.read(FIFO_OUT + offset, amount, now_us)))
            offset = (offset + amount) % 7
        else:
            seen.append((now_us, verb, sensor.read(FIFO_STATUS1, 2, now_us)))
    run = sensor.ledger.runs[-1]
    assert (np.diff(run.time_us) > 0).all()

    each = {0: 0, STAMP_EACH: 1, STAMP_8: 8, STAMP_32: 32}[stamping]
    times_us: list[float] = run.time_us.tolist()
    coming = deque(enumerate(times_us))
    unread: deque[tuple[int, int]] = deque()
    lost: list[int] = []
    handed_out: list[int] = []
    position = 0
    stopped = latched = False
    for at_us, verb, answer in seen:
        while coming and coming[0][1] <= at_us:
            sample, _ = coming.popleft()
            slot = [(ACCELEROMETER, sample)]
            if each and sample % each == 0:
                slot.insert(0, (TIMESTAMP, sample))
            for word in slot:
                dropped = None
                if stopped:
                    dropped = word
                else:
                    if len(unread) == 512:
                        dropped = unread.popleft()
                    unread.append(word)
                    if len(unread) == 512:
                        latched = True
                        stopped = mode == FIFO_MODE
                if dropped is not None and dropped[0] == ACCELEROMETER:
                    lost.append(dropped[1])
        if verb == "look":
            assert answer[0] | (answer[1] & 3) << 8 == len(unread)
            assert bool(answer[1] & LATCHED) == latched
            latched = False
            continue
        for byte in answer:
            if not unread:
                assert byte == 0
            else:
                sensor_tag, sample = unread[0]
                if position == 0:
                    assert byte >> 3 == sensor_tag
                    assert byte >> 1 & 3 == sample % 4
                elif sensor_tag == ACCELEROMETER:
                    axis, high = divmod(position - 1, 2)
                    assert byte == int(run.values[sample, axis]) >> 8 * high & 0xFF
                if position == 6:
                    unread.popleft()
                    if sensor_tag == ACCELEROMETER:
                        handed_out.append(sample)
            position = (position + 1) % 7

    assert np.flatnonzero(run.lost).tolist() == sorted(lost)
    assert np.flatnonzero(run.handed_out).tolist() == handed_out
    left = sum(tag == ACCELEROMETER for tag, _ in unread)
    assert len(lost) + len(handed_out) + left == len(run) == sensor.ledger.produced
