"""The pytest plugin: benches as fixtures, on whatever board ``--board`` names.

    def test_walk(bench):
        result = bench(synthesize(seed=2), seconds=30).result
        assert result.verdict == "pass", result.reason

Only pytest and the standard library are imported until a fixture is used: a base-only install breaks nobody's pytest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from vigie_rig.bench import BenchOutcome
    from vigie_rig.traces import Trace

_GROUP: Final = "vigie"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--vigie-board`` and ``--bench-report``."""
    group = parser.getgroup(_GROUP, "Vigie: benches on a bracelet's firmware")
    group.addoption("--vigie-board", metavar="NAME", help="board that benches run on, such as unix")
    group.addoption(
        "--bench-report", metavar="DIR", help="write each bench's report.html and results.json there"
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None]:
    """Add ``--board``, unless a conftest or another plugin has an option of that name."""
    yield
    _, unknown = parser.parse_known_and_unknown_args(["--board", "NAME"])
    if "--board" in unknown:
        group = parser.getgroup(_GROUP)
        group.addoption("--board", dest="vigie_board", metavar="NAME", help="the same as --vigie-board")


@pytest.fixture
def board_name(request: pytest.FixtureRequest) -> str:
    """Name of the board that ``--board`` gives; skips without it, or where that board cannot be had."""
    name = request.config.getoption("vigie_board")
    if not name:
        pytest.skip("needs a board: pytest --board unix")
    try:
        from vigie_rig.boards import BOARDS, require
        from vigie_rig.errors import BoardMissing
    except ModuleNotFoundError as error:
        raise pytest.UsageError(f"--board needs the rig: pip install 'vigie[rig]' ({error})") from error
    if name not in BOARDS:
        raise pytest.UsageError(f"--board {name}: there is {', '.join(sorted(BOARDS))}")
    try:
        require(name)
    except BoardMissing as error:
        pytest.skip(f"--board {name}: {error}")
    return str(name)


@pytest.fixture
def bench(
    board_name: str,
    request: pytest.FixtureRequest,
    record_testsuite_property: Callable[[str, object], None],
) -> Callable[..., BenchOutcome]:
    """A function that plays a trace on the board and judges it: ``bench(trace, seconds=30, faults=(...))``.

    Takes what :class:`vigie_rig.bench.Bench` takes, and returns its outcome. The identity of the firmware is recorded
    in the suite's JUnit file; with ``--bench-report`` the page of every bench is kept.
    """
    from vigie_rig.bench import Bench, run_bench
    from vigie_rig.report import write_report
    from vigie_rig.results import write_json

    folder = request.config.getoption("--bench-report")

    def play(trace: Trace, **description: Any) -> BenchOutcome:
        standard: dict[str, Any] = {"board": board_name, "find_heap_needed": False}
        described = Bench(trace, **(standard | description))
        outcome = run_bench(described, command=f"pytest --board {board_name} {request.node.nodeid}")
        identity = outcome.result.firmware
        record_testsuite_property("vigie_firmware", identity.version)
        record_testsuite_property("vigie_schema_crc", identity.schema_crc)
        if folder:
            into = Path(folder) / re.sub(r"[^\w.-]+", "_", request.node.nodeid)
            into.mkdir(parents=True, exist_ok=True)
            write_report(into / "report.html", outcome.result, outcome.recording)
            write_json(outcome.result, into / "results.json")
        return outcome

    return play


@pytest.fixture
def bracelet_address(board_name: str, tmp_path: Path) -> Iterator[str]:
    """Address of a running bracelet with the package's firmware, such as ``serial:/dev/pts/3``.

    Its sensors see a synthetic wrist; it lives on the real clock, in a thread beside the test.
    """
    from vigie_rig.boards.serve import BoardThread
    from vigie_rig.traces import synthesize

    with BoardThread(board_name, tmp_path / "board", synthesize(seed=1)) as board:
        yield board.address
