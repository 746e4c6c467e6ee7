"""A bench that cannot be run is refused before anything is run."""

from __future__ import annotations

from typing import Any

import pytest

from vigie_rig.bench import Bench
from vigie_rig.errors import UsageError
from vigie_rig.faults import Fault
from vigie_rig.traces import Trace


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"board": "toaster"}, r"toaster.*unix"),
        ({"clock": "sundial"}, r"sundial.*virtual or real"),
        ({"seconds": 0}, "more than 0"),
        ({"seconds": -3}, "more than 0"),
        ({"faults": (Fault("reset", 60),)}, "after the 60 s"),
        ({"faults": (Fault("reset", 7),), "seconds": 5}, "after the 5 s"),
    ],
)
def test_what_cannot_be_is_refused(wrist: Trace, description: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Bench(wrist, **description)


def test_more_seconds_than_there_are_play_what_there_is(wrist: Trace) -> None:
    assert Bench(wrist, seconds=1e6).playing_s == wrist.duration_s
    assert Bench(wrist).playing_s == wrist.duration_s
    assert Bench(wrist, seconds=7.5).playing_s == 7.5
