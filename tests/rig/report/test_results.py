"""A bench's result survives its files, and continuous integration reads the same story."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_rig.results import (
    BenchResult,
    FirmwareIdentity,
    Limit,
    Measurement,
    ResultFileError,
    TraceIdentity,
    Verdict,
    exit_status,
    read_json,
    write_json,
    write_junit,
)

FIRMWARE = FirmwareIdentity(version="0.1.0", schema_crc="1f2e3d4c", micropython="1.25.0")
TRACE = TraceIdentity(name="DATA_01", sha256="ab" * 32, seconds=300.0)


def bench_result(
    verdict: Verdict, *measurements: Measurement, reason: str = "", board: str = "unix"
) -> BenchResult:
    return BenchResult(
        verdict=verdict,
        board=board,
        firmware=FIRMWARE,
        trace=TRACE,
        measurements=measurements,
        started_utc=datetime(2026, 11, 22, 17, 41, tzinfo=UTC),
        wall_s=12.5,
        reason=reason,
    )


finite = st.floats(allow_nan=False, allow_infinity=False)
limits = st.builds(Limit, at_most=finite, at_least=st.none() | finite) | st.builds(Limit, at_least=finite)
measurements = st.builds(
    Measurement,
    name=st.text(min_size=1),
    value=st.none() | st.integers() | st.floats(),
    unit=st.sampled_from(["", "bpm", "bytes"]),
    limit=st.none() | limits,
)


@given(limit=limits)
def test_a_limit_reads_back_from_its_own_text(limit: Limit) -> None:
    assert Limit.parse(str(limit)) == limit


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit(at_most=0), "≤ 0"),
        (Limit(at_least=0.95), "≥ 0.95"),
        (Limit(at_most=1, at_least=0.5), "≥ 0.5, ≤ 1"),
    ],
)
def test_a_limit_reads_as_on_paper(limit: Limit, text: str) -> None:
    assert str(limit) == text


@pytest.mark.parametrize("text", ["", "0", "< 3", "≤ many", "≤ 1, ≤ 2", "≤ nan"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|float"):
        Limit.parse(text)


def test_bounds_are_allowed_values() -> None:
    limit = Limit(at_most=1, at_least=0)
    assert [limit.holds(value) for value in (-0.1, 0, 1, 1.1, float("nan"))] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_without_a_limit_anything_is_ok_and_with_one_nothing_measured_is_not() -> None:
    assert Measurement("heap_live_bytes", None, "bytes", None).ok
    assert not Measurement("heap_live_bytes", None, "bytes", Limit(at_most=9)).ok
    assert not Measurement("heart_rate_mae_bpm", float("nan"), "bpm", Limit(at_most=5)).ok


def test_a_pass_cannot_hide_a_limit_that_does_not_hold() -> None:
    with pytest.raises(ValueError, match="samples_lost"):
        bench_result("pass", Measurement("samples_lost", 3, "samples", Limit(at_most=0)))


def test_a_name_is_measured_once() -> None:
    with pytest.raises(ValueError, match="samples_lost"):
        bench_result("pass", Measurement("samples_lost", 0, ""), Measurement("samples_lost", 1, ""))


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        BenchResult("pass", "unix", FIRMWARE, TRACE, (), datetime(2026, 11, 22), 1.0)


@pytest.mark.parametrize(
    ("verdict", "status"), [("pass", 0), ("fail", 1), ("firmware-fault", 1), ("flake", 1), ("rig-fault", 3)]
)
def test_the_exit_status_tells_our_fault_from_the_firmwares(verdict: Verdict, status: int) -> None:
    assert exit_status(bench_result(verdict, reason="why")) == status


@given(rows=st.lists(measurements, unique_by=lambda row: row.name), reason=st.text())
def test_json_gives_back_the_same_result(
    rows: list[Measurement], reason: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("json") / "results.json"
    result = bench_result("fail", *rows, reason=reason)
    write_json(result, path)
    assert read_json(path) == result


def test_json_has_the_shape_that_other_jobs_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    result = bench_result(
        "fail",
        Measurement("samples_lost", 3, "samples", Limit(at_most=0)),
        Measurement("realtime_factor", 40.5, "x"),
        reason="3 samples were lost.",
    )
    write_json(result, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "verdict": "fail",
        "reason": "3 samples were lost.",
        "board": "unix",
        "firmware": {"version": "0.1.0", "schema_crc": "1f2e3d4c", "micropython": "1.25.0"},
        "trace": {"name": "DATA_01", "sha256": "ab" * 32, "seconds": 300.0},
        "measurements": {
            "samples_lost": {"value": 3, "unit": "samples", "limit": "≤ 0", "ok": False},
            "realtime_factor": {"value": 40.5, "unit": "x", "limit": None, "ok": True},
        },
        "started_utc": "2026-11-22T17:41:00+00:00",
        "wall_s": 12.5,
    }


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{}", "'measurements' is missing"),
        ("[]", "list"),
        ('{"verdict": ', "Expecting value"),
    ],
)
def test_a_file_that_is_no_result_says_why(text: str, detail: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultFileError, match=detail) as caught:
        read_json(path)
    assert caught.value.path == path


def junit(result: BenchResult, path: Path) -> ET.Element:
    write_junit(result, path)
    suite = ET.parse(path).getroot().find("testsuite")
    assert suite is not None
    return suite


def outcomes(suite: ET.Element) -> dict[str, str]:
    return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in suite.findall("testcase")}


def test_junit_has_a_case_a_limit_and_says_which_failed(tmp_path: Path) -> None:
    result = bench_result(
        "fail",
        Measurement("samples_lost", 3, "samples", Limit(at_most=0)),
        Measurement("frames_bad", 0, "frames", Limit(at_most=0)),
        Measurement("realtime_factor", 40.5, "x"),
        reason="3 samples were lost.",
    )
    suite = junit(result, tmp_path / "junit.xml")
    assert outcomes(suite) == {"verdict": "failure", "samples_lost": "failure", "frames_bad": "passed"}
    message = suite.find("testcase[@name='samples_lost']/failure")
    assert message is not None
    assert message.attrib["message"] == "samples_lost is 3 samples, limit ≤ 0 samples"
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("3", "2", "0")


def test_junit_of_a_pass_has_no_failure(tmp_path: Path) -> None:
    result = bench_result("pass", Measurement("frames_bad", 0, "frames", Limit(at_most=0)))
    assert set(outcomes(junit(result, tmp_path / "junit.xml")).values()) == {"passed"}


@pytest.mark.parametrize("verdict", ["firmware-fault", "rig-fault"])
def test_junit_tells_a_fault_as_an_error_and_skips_what_it_prevented(
    verdict: Verdict, tmp_path: Path
) -> None:
    limit = Limit(at_most=5)
    result = bench_result(verdict, Measurement("heart_rate_mae_bpm", None, "bpm", limit), reason="No hello.")
    suite = junit(result, tmp_path / "junit.xml")
    assert outcomes(suite) == {"verdict": "error", "heart_rate_mae_bpm": "skipped"}


def test_junit_carries_the_identities(tmp_path: Path) -> None:
    suite = junit(bench_result("pass"), tmp_path / "junit.xml")
    carried = {entry.attrib["name"]: entry.attrib["value"] for entry in suite.iter("property")}
    assert carried["board"] == "unix"
    assert carried["firmware.schema_crc"] == "1f2e3d4c"
    assert carried["trace.sha256"] == "ab" * 32


@given(noise=st.text())
def test_junit_stays_well_formed_whatever_the_device_said(
    noise: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("junit") / "junit.xml"
    junit(bench_result("fail", Measurement(f"m{noise}", 1, "", Limit(at_most=0)), reason=noise), path)
