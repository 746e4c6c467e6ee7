from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

# For the module that describes the transports.
sys.path.insert(0, str(Path(__file__).parent))

from both_ends import KINDS, Kind, OtherEnd


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def keep(kind: Kind) -> Callable[[Callable[[OtherEnd], Awaitable[None]]], None]:
    """Check a promise on an open transport, on the clock of its kind."""

    def check(promise: Callable[[OtherEnd], Awaitable[None]]) -> None:
        async def both() -> None:
            async with kind.ends() as end:
                await promise(end)

        kind.run(both())

    return check
