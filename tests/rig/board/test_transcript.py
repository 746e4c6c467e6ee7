"""On the virtual clock a run is repeated byte for byte."""

from __future__ import annotations

import pytest

from vigie_rig.bench import Bench, BenchOutcome, run_bench
from vigie_rig.faults import Fault
from vigie_rig.traces import Trace

_FAULTS = (
    Fault.parse("link-flip@1+2:0.002"),
    Fault.parse("sensor-nak@3+1:0.05"),
    Fault.parse("reset@4"),
    Fault.parse("link-drop@5+1:0.002"),
)


def _run(trace: Trace, seed: int, faults: tuple[Fault, ...] = ()) -> BenchOutcome:
    return run_bench(Bench(trace, seconds=8, seed=seed, faults=faults, find_heap_needed=False))


@pytest.mark.usefixtures("micropython")
@pytest.mark.parametrize("faults", [(), _FAULTS], ids=["sound", "faults"])
def test_the_same_seed_gives_the_same_transcript_and_another_another(
    wrist: Trace, faults: tuple[Fault, ...]
) -> None:
    first, again, other = _run(wrist, 1, faults), _run(wrist, 1, faults), _run(wrist, 2, faults)
    assert first.transcript_sha256 == again.transcript_sha256
    assert first.transcript_sha256 != other.transcript_sha256
    values = [[each.value for each in run.result.measurements if each.unit != "×"] for run in (first, again)]
    assert values[0] == values[1]
    assert first.result.verdict != "rig-fault", first.result.reason
