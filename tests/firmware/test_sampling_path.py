"""While streams run, nothing on the way from the sensors to the line allocates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from vigie.samples import SampleBlock
from vigie_protocol.enums import Stream
from vigie_protocol.messages import Configure
from vigie_rig.bench import STANDARD
from vigie_rig.judge import judge_stream, runs_read
from vigie_rig.sensors import Lsm6dso, Max30101

_LOCKED_STEPS = """
for _ in range(120):
    time.sleep_ms(sampler.period_ms)
    micropython.heap_lock()
    try:
        sampler.step()
    finally:
        micropython.heap_unlock()
sampler.stop()
print(line.all())
"""


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="standard"),
        pytest.param({"ppg_channels": 1, "acc_rate_decihz": 125}, id="slow"),
        pytest.param({"ppg_rate_hz": 200, "ppg_channels": 3, "acc_rate_decihz": 4160}, id="fast"),
    ],
)
def test_steps_need_no_heap_and_bring_every_sample(
    on_board: Callable[[str], Any],
    build_sampler: Callable[..., str],
    read_blocks: Callable[..., dict[Stream, list[SampleBlock]]],
    ppg: Max30101,
    acc: Lsm6dso,
    changes: dict[str, int],
) -> None:
    configure: Configure = dataclasses.replace(STANDARD, **changes)
    blocks = read_blocks(on_board(build_sampler(configure) + _LOCKED_STEPS), configure)
    for stream, sensor in ((Stream.PPG, ppg), (Stream.ACCELEROMETER, acc)):
        verdict = judge_stream(runs_read(sensor.ledger), blocks[stream])
        assert len(blocks[stream]) > 20
        assert (verdict.lost, verdict.wrong, verdict.misnumbered) == (0, 0, 0)


def test_a_path_that_allocates_would_be_seen(
    on_board: Callable[[str], Any], build_sampler: Callable[..., str]
) -> None:
    program = (
        build_sampler()
        + """
micropython.heap_lock()
try:
    bytearray(10)
    seen = False
except MemoryError:
    seen = True
finally:
    micropython.heap_unlock()
print(seen)
"""
    )
    assert on_board(program) is True
