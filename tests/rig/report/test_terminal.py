"""The table at the end of a bench."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from vigie_rig.report.terminal import print_result
from vigie_rig.results import BenchResult


def printed(result: BenchResult, width: int = 100) -> str:
    written = io.StringIO()
    print_result(Console(file=written, width=width), result)
    return written.getvalue()


def test_all_measurements_and_the_verdict_are_told_without_colour(result: BenchResult) -> None:
    text = printed(result)
    for measurement in result.measurements:
        assert measurement.name in text
    assert "FAIL" in text.splitlines()[-1]
    assert "✘ no" in text


def test_what_failed_stands_first(result: BenchResult) -> None:
    text = printed(result)
    assert text.index("samples_lost") < text.index("samples_wrong")


@pytest.mark.parametrize("width", [60, 80, 160])
def test_names_stay_whole_in_any_window(width: int, result: BenchResult) -> None:
    assert "heart_rate_coverage" in printed(result, width)


def test_text_of_a_device_is_not_read_as_markup(result: BenchResult) -> None:
    broken = dataclasses.replace(result, verdict="rig-fault", reason="no [/] hello [red]")
    assert "no [/] hello [red]" in printed(broken)
