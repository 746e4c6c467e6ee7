"""The pytest plugin: what a CI job of somebody else's project sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_BENCH = """
def test_first_seconds(bench):
    from vigie_rig.traces import synthesize
    result = bench(synthesize(seed=3, minutes=1), seconds=10).result
    assert result.verdict == "pass", result.reason
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a bench of its own."""
    pytester.makepyfile(test_it=_BENCH)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=120)


def test_without_a_board_benches_are_skipped_and_the_reason_names_the_option(suite: pytest.Pytester) -> None:
    result = run(suite, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs a board: pytest --board unix*"])


def test_an_unknown_board_is_an_error_that_names_those_there_are(suite: pytest.Pytester) -> None:
    result = run(suite, "--board", "toaster")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*--board toaster: there is unix*"])


def test_a_bench_passes_on_the_unix_board_and_leaves_its_page(
    suite: pytest.Pytester, board_is_there: Path, tmp_path: Path
) -> None:
    result = run(
        suite, "--board", "unix", "--bench-report", str(tmp_path), f"--junitxml={tmp_path}/junit.xml"
    )
    result.assert_outcomes(passed=1)
    assert len(list(tmp_path.glob("*/report.html"))) == 1
    assert "vigie_schema_crc" in (tmp_path / "junit.xml").read_text()


def test_an_integrator_talks_to_a_running_bracelet(pytester: pytest.Pytester, board_is_there: Path) -> None:
    pytester.makepyfile(
        test_it="""
        import asyncio
        import vigie

        def test_stream(bracelet_address):
            async def first_block():
                async with vigie.connect(bracelet_address) as bracelet:
                    async for block in bracelet.stream():
                        return block
            assert len(asyncio.run(first_block()).samples)
        """
    )
    run(pytester, "--board", "unix").assert_outcomes(passed=1)


def test_a_project_with_an_option_of_that_name_keeps_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--board', default='mine')")
    pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.getoption('--board') == 'theirs'")
    run(pytester, "--board", "theirs").assert_outcomes(passed=1)


def test_loading_the_plugin_imports_nothing_but_pytest_and_the_standard_library() -> None:
    program = (
        "import sys, pytest, vigie_rig.plugin\n"
        "heavy = {'numpy', 'scipy', 'construct', 'bokeh', 'vigie', 'vigie_protocol', 'vigie_signal', 'click'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
