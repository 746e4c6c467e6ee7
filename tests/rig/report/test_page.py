"""The page tells everything the bench found, from one file, and trusts no text."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from vigie_rig.report import BenchRecording, HeartRate, LogLine, Span, write_report
from vigie_rig.results import BenchResult, Limit, Measurement, Verdict

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&\"'"


class Page(HTMLParser):
    """What a browser would load, and what a reader would see."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self._hidden = False
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden = tag in ("script", "style")
        self.loads += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "data", "poster", "srcset", "action")
        ]

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, result: BenchResult, recording: BenchRecording) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(path, result, recording)
    return path


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report)


def nothing_recorded() -> BenchRecording:
    none = np.empty(0)
    return BenchRecording(none, np.empty((1, 0)), ("green",), none, np.empty((3, 0)))


def test_nothing_is_loaded_from_anywhere(report: Path, page: Page) -> None:
    assert [target for target in page.loads if not target.startswith(("#", "data:"))] == []
    style = re.findall(r"<style>(.*?)</style>", report.read_text(encoding="utf-8"), re.DOTALL)
    assert not re.search(r"url\(|@import", "".join(style))


def test_verdict_reason_and_every_measurement_are_on_the_page(page: Page, result: BenchResult) -> None:
    assert "FAIL" in page.text
    assert result.reason in page.text
    for measurement in result.measurements:
        assert measurement.name in page.text
    assert "61 904 bytes ≤ 128 000" in page.text


def test_what_failed_stands_first(page: Page) -> None:
    assert (
        page.text.index("samples_lost")
        < page.text.index("samples_wrong")
        < page.text.index("samples_expected")
    )


def test_identities_versions_and_the_command_are_there_to_repeat_it(
    page: Page, result: BenchResult, recording: BenchRecording
) -> None:
    identities = (result.trace.sha256, result.firmware.schema_crc, result.firmware.micropython)
    for text in (*identities, *recording.versions, recording.command):
        assert text in page.text


def test_what_the_signals_say_is_on_the_page(page: Page, recording: BenchRecording) -> None:
    features = recording.features
    assert features is not None
    assert features.steps is not None
    assert f"Steps {features.steps.total} steps" in page.text
    assert f"{features.rmssd_ms:.0f} ms RMSSD" in page.text
    assert "at rest" in page.text


def test_without_features_the_page_does_not_speak_of_them(
    tmp_path: Path, result: BenchResult, short_recording: BenchRecording
) -> None:
    write_report(tmp_path / "report.html", result, dataclasses.replace(short_recording, features=None))
    assert "What the signals say" not in Page(tmp_path / "report.html").text


def test_five_minutes_stay_light(report: Path) -> None:
    assert report.stat().st_size < 4_000_000


def test_an_hour_stays_light(tmp_path: Path, result: BenchResult, recording: BenchRecording) -> None:
    hour = np.arange(0, 3600, 0.0025)
    dense = dataclasses.replace(
        recording, ppg_time_s=hour, ppg=np.stack([np.sin(8 * hour)] * 2), estimate=None, marks=(), faults=()
    )
    write_report(tmp_path / "report.html", result, dense)
    assert (tmp_path / "report.html").stat().st_size < 20_000_000


def test_text_from_outside_stays_text(
    page: Page, tmp_path: Path, result: BenchResult, short_recording: BenchRecording
) -> None:
    trace = dataclasses.replace(result.trace, name=HOSTILE)
    hostile = dataclasses.replace(
        result, verdict="fail", board=HOSTILE, reason=HOSTILE, trace=trace,
        measurements=(Measurement(HOSTILE, 1, HOSTILE, Limit(at_most=0)),),
    )  # fmt: skip
    seen = dataclasses.replace(
        short_recording,
        ppg_channels=(HOSTILE, "infrared"),
        marks=(Span(0, 9, HOSTILE),),
        faults=(Span(1, 2, HOSTILE),),
        log=(LogLine(1, HOSTILE, HOSTILE),),
        versions={HOSTILE: HOSTILE},
        command=HOSTILE,
    )
    write_report(tmp_path / "hostile.html", hostile, seen)
    told = Page(tmp_path / "hostile.html")
    assert "img" not in told.tags
    assert told.tags.count("script") == page.tags.count("script")
    assert HOSTILE in told.text


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        ("pass", "PASS"),
        ("fail", "FAIL"),
        ("firmware-fault", "FIRMWARE FAULT"),
        ("rig-fault", "RIG FAULT"),
        ("flake", "FLAKE"),
    ],
)
def test_every_verdict_has_its_word_even_when_nothing_was_recorded(
    verdict: Verdict, word: str, tmp_path: Path, result: BenchResult
) -> None:
    path = tmp_path / "report.html"
    write_report(path, dataclasses.replace(result, verdict=verdict, measurements=()), nothing_recorded())
    page = Page(path)
    assert word in page.text
    assert "Nothing was measured." in page.text
    assert "Nothing was recorded." in page.text
    assert "The device said nothing." in page.text


def test_the_drawing_library_has_nothing_to_complain_of(
    tmp_path: Path, result: BenchResult, short_recording: BenchRecording, caplog: pytest.LogCaptureFixture
) -> None:
    bare = dataclasses.replace(short_recording, marks=(), faults=(), log=())
    for seen in (nothing_recorded(), bare, short_recording):
        write_report(tmp_path / "report.html", result, seen)
    assert caplog.messages == []


def test_a_long_log_is_cut_and_says_so(tmp_path: Path, result: BenchResult) -> None:
    seen = dataclasses.replace(
        nothing_recorded(), log=tuple(LogLine(index, "info", f"line-{index}") for index in range(2100))
    )
    write_report(tmp_path / "report.html", result, seen)
    page = Page(tmp_path / "report.html")
    assert "line-1999" in page.text
    assert "100 further lines are left out" in page.text


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="ppg has shape"):
        dataclasses.replace(nothing_recorded(), ppg=np.zeros((1, 5)))
    with pytest.raises(ValueError, match="acc_g has shape"):
        dataclasses.replace(nothing_recorded(), acc_g=np.zeros((2, 0)))
    with pytest.raises(ValueError, match="its own name"):
        dataclasses.replace(nothing_recorded(), ppg=np.empty((2, 0)), ppg_channels=("green", "green"))
    with pytest.raises(ValueError, match="heart rate"):
        HeartRate(np.zeros(3), np.zeros(2))


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium on PATH to render the page with")
    return found


def rendered(chromium: str, address: str, profile: Path) -> tuple[str, str]:
    """The page after its scripts have run without any network, and what they complained of."""
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}", "--enable-logging=stderr",
            "--virtual-time-budget=8000", "--window-size=1400,2600", "--dump-dom", address,
        ],
        capture_output=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_a_browser_draws_every_panel_without_complaint(chromium: str, report: Path, tmp_path: Path) -> None:
    page, console = rendered(chromium, report.as_uri(), tmp_path)
    placed = re.findall(r'<figure id="panel-(\w+)"', page)
    assert set(placed) >= {
        "timeline",
        "says",
        "ppg",
        "pulse",
        "motion",
        "heart_rate",
        "errors",
        "link",
        "losses",
        "heap",
    }
    assert 'data-drawn="true"' in page
    assert not re.search(r"error|warn|uncaught", console, re.IGNORECASE), console


def test_zooming_in_brings_every_sample(
    chromium: str, report: Path, tmp_path: Path, recording: BenchRecording
) -> None:
    page, _ = rendered(chromium, report.as_uri() + "#t=41,51", tmp_path)
    found = re.search(r'data-in-sight="([^"]+)"', page)
    assert found is not None
    in_sight = json.loads(found[1].replace("&quot;", '"'))
    time = recording.ppg_time_s
    inside = int(((time >= 41) & (time <= 51)).sum())
    assert inside <= in_sight["ppg"] <= inside + 2
