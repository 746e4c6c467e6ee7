"""What scores `vigie_signal` must itself be right: the numbers of the documentation rest on it."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from evaluation.__main__ import write
from evaluation.beats import match
from evaluation.falls import sensitivities
from evaluation.heart_rate import calibration, score, surest
from evaluation.heart_rate_changes import CHANGES
from evaluation.peers import Peer, beats_s, rates_bpm
from evaluation.report import Goal, Result, figure, fill, percent, save, table
from evaluation.speed import blocks, speeds, wrist
from evaluation.steps import plain_steps
from vigie_signal import HeartRateTrack

PAGES = Path(__file__).parents[2] / "docs" / "signal"
BEATS_S = np.cumsum(np.random.default_rng(0).uniform(0.6, 1.0, 100))


# Scores


def test_beats_moved_by_a_constant_delay_match_altogether() -> None:
    f1, delay_s, off_ms = match(BEATS_S + 0.2, BEATS_S)
    assert f1 == 1
    assert delay_s == pytest.approx(-0.2, abs=0.011)
    assert off_ms == pytest.approx(0, abs=1e-6)


def test_missed_and_false_beats_lower_f1_as_its_definition_says() -> None:
    missed = np.delete(BEATS_S, slice(10, 30))
    assert match(missed, BEATS_S)[0] == pytest.approx(2 * 80 / 180)
    doubled = np.sort(np.concatenate([BEATS_S, BEATS_S[:50] + 0.3]))
    assert match(doubled, BEATS_S)[0] == pytest.approx(2 * 100 / 250)
    assert match(np.empty(0), BEATS_S)[0] == 0


def test_beats_at_random_do_not_pass_for_found() -> None:
    random_s = np.sort(np.random.default_rng(1).uniform(0, BEATS_S[-1], 100))
    assert match(random_s, BEATS_S)[0] < 0.6


def test_interval_errors_are_those_of_neighbouring_pairs() -> None:
    jittered = BEATS_S + np.where(np.arange(100) % 2, 0.01, -0.01)
    assert match(jittered, BEATS_S)[2] == pytest.approx(20, abs=0.01)


def test_a_window_without_an_answer_is_no_error_and_no_hit() -> None:
    r = {
        "ref_time_s": np.arange(4.0, 44, 2),
        "ref_bpm": np.full(20, 80.0),
        "lag_s": 0.0,
        "name": "",
        "half": "report",
    }
    time_s = np.arange(4.0, 60, 2)
    bpm = np.where(time_s < 24, 83.0, np.nan)
    scored = score(r, "made", tracked=lambda _, __: HeartRateTrack(time_s, bpm, np.full(time_s.size, 0.9)))
    assert scored.time_s[-1] == 42
    assert np.nanmean(scored.error_bpm) == 3
    assert np.isnan(scored.error_bpm).mean() == 0.5


def test_the_surest_are_those_of_the_highest_confidence() -> None:
    error, confidence = np.array([9.0, 1, 5, 3]), np.array([0.1, 0.9, 0.5, 0.7])
    assert surest(error, confidence, 0.5).tolist() == [1, 3]


def test_a_confidence_that_holds_lies_on_the_diagonal() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0, 1, 200_000)
    error = np.where(rng.uniform(size=confidence.size) < confidence, 1.0, 20.0)
    for *_, mean, within in calibration(error, confidence, [(0, 0.3), (0.3, 0.9), (0.9, 1.01)]):
        assert within == pytest.approx(mean, abs=0.01)


def test_sensitivity_is_read_where_the_others_are_passed() -> None:
    falls, others = np.array([0.2, 0.6, 0.8, 0.9]), np.linspace(0, 1, 101) * 0.7
    assert sensitivities(falls, others, np.array([0.0, 0.5, 1.0])).tolist() == [1.0, 0.75, 0.5]


def test_the_plain_rule_counts_a_clean_walk() -> None:
    t = np.arange(0, 60, 0.04)
    swing = np.stack([np.zeros(t.size), np.zeros(t.size), 1 + 0.3 * np.sin(2 * np.pi * 1.8 * t)])
    assert plain_steps(swing, 25).size == pytest.approx(108, abs=2)


# Peers


def test_a_peer_that_fails_gives_no_answer_and_does_not_stop_the_others() -> None:
    def fails(_: object, __: float) -> float:
        raise IndexError("no peaks")

    centre_s = np.arange(4.0, 30, 2)
    silent = Peer("silent", "", rate_bpm=fails)
    assert np.isnan(rates_bpm(silent, np.zeros(1000), 25, centre_s, 8)).all()
    assert beats_s(Peer("silent", "", beats_s=fails), np.zeros(1000), 25).size == 0  # type: ignore[arg-type]


def test_beats_of_a_whole_recording_become_a_rate_a_window() -> None:
    even = Peer("even", "", beats_s=lambda _, __: np.arange(0, 60, 0.75))
    found = rates_bpm(even, np.zeros(1500), 25, np.array([10.0, 30, 100]), 8)
    assert found[:2].tolist() == [80, 80]
    assert np.isnan(found[2])


@pytest.mark.parametrize("library", ["heartpy", "neurokit2", "biosppy"])
def test_every_installed_peer_reads_a_clean_pulse(library: str) -> None:
    """A wrong call of ours would look like a failure of theirs."""
    pytest.importorskip(library, reason=f"{library} is not installed: pip install 'vigie[peers]'")
    from evaluation.peers import peers

    t = np.arange(0, 60, 0.01)
    clean = 100 + np.sin(2 * np.pi * 1.2 * t) + 0.3 * np.sin(4 * np.pi * 1.2 * t + 0.8)
    ways = [way for way in peers()[0] if way.name.startswith(library)]
    assert ways
    for way in ways:
        found = rates_bpm(way, clean, 100.0, np.arange(10.0, 50, 2), 8)
        np.testing.assert_allclose(np.nanmedian(found), 72, atol=3, err_msg=way.name)


# Changes that a recording may go through


def test_changes_leave_the_recording_as_it_was_and_its_length() -> None:
    given = wrist(60, channels=2, ppg_rate_hz=50, acc_rate_hz=50)
    r = {"ppg": given.ppg, "acc": given.acc, "ppg_rate_hz": 50.0, "acc_rate_hz": 50.0}
    before = {name: np.array(value) for name, value in r.items()}
    for title, change in CHANGES.items():
        changed = change(r)
        assert changed["ppg"].shape[1] / changed["ppg_rate_hz"] == pytest.approx(60, abs=0.1), title
        for name, value in before.items():
            np.testing.assert_array_equal(r[name], value, err_msg=title)


# Speed


def test_blocks_hold_the_whole_signal_once() -> None:
    given = wrist(20, channels=1, ppg_rate_hz=64, acc_rate_hz=31.25)
    ppg, acc = zip(*blocks(given, 0.5), strict=True)
    np.testing.assert_array_equal(np.concatenate(ppg, axis=1), given.ppg)
    np.testing.assert_array_equal(np.concatenate(acc, axis=1), given.acc)


def test_a_side_that_gives_nothing_has_no_speed() -> None:
    found = speeds({"quick": lambda: 3, "silent": lambda: 0}, 10, 1)
    assert found["quick"] > 0
    assert np.isnan(found["silent"])


# Report


def test_a_table_goes_between_its_markers_and_replaces_what_was_there() -> None:
    page = "before\n<!-- a -->\nold\n<!-- /a -->\nafter <!-- b --><!-- /b -->"
    text = table(["x", "y"], [[1, "two"]])
    once = fill(page, {"a": text})
    assert once == fill(once, {"a": text})
    assert "old" not in once
    assert "| 1 | two |" in once
    assert once.startswith("before")
    assert once.endswith("after <!-- b --><!-- /b -->")


@pytest.mark.parametrize(
    "page", ["nothing", "<!-- a --> no end", "<!-- a --><!-- /a --><!-- a --><!-- /a -->"]
)
def test_a_page_without_a_place_is_told_what_it_needs(page: str) -> None:
    with pytest.raises(KeyError, match="<!-- a -->"):
        fill(page, {"a": ""})


def test_all_is_only_said_of_all() -> None:
    assert percent(1) == "100 %"
    assert percent(0.9999) == "> 99 %"
    assert percent(0.99999, 1) == "> 99.9 %"
    assert percent(0.5) == "50 %"


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("error", 3, 2, 3.001), "reached"),
        (Goal("error", 3, 2, 3.01), "missed"),
        (Goal("error", 3, 2, 2), "went further"),
        (Goal("error", 3, None, 1), "reached"),
        (Goal("found", 90, 95, 94.9, " %", more=True), "reached"),
        (Goal("found", 90, 95, 89, " %", more=True), "missed"),
        (Goal("found", 90, 95, None), "not measured: no such recordings at hand"),
    ],
)
def test_a_goal_is_judged_by_the_figure_that_is_shown(goal: Goal, verdict: str) -> None:
    assert goal.row()[-1] == verdict


def test_pictures_are_small_or_refused(tmp_path: Path) -> None:
    made, (axis,) = figure(1, 1, 2)
    axis.plot([0, 1], [0, 1])
    write_to = tmp_path / "line.png"
    save(made, write_to)
    with Image.open(write_to) as image:
        assert image.width > 600
    noisy, (axis,) = figure(1, 1, 8)
    axis.imshow(np.random.default_rng(0).uniform(size=(800, 800)))
    with pytest.raises(ValueError, match="draw less"):
        save(noisy, tmp_path / "noise.png")


def test_a_page_is_written_with_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("<!-- n --><!-- /n -->", encoding="utf-8")
    made, _ = figure(1, 1, 2)
    write("page", Result({"n": "text"}, {"shown": made}), tmp_path)
    assert "text" in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert (tmp_path / "pictures" / "shown.png").is_file()


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_every_marker_of_a_page_is_closed_and_filled_and_every_picture_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"<!-- ([\w-]+) -->", text):
        between = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", text, re.DOTALL)
        assert between is not None, name
        assert between[1].strip(), f"run python -m evaluation --write: {name} is empty"
    for picture in re.findall(r"\((pictures/[^)]+)\)", text):
        assert (PAGES / picture).is_file()
        assert (PAGES / picture).stat().st_size < 100_000


# The recordings


@pytest.mark.parametrize("module", ["breathing", "steps"])
def test_a_quick_evaluation_fills_its_page(traces: ModuleType, module: str) -> None:
    result: Result = importlib.import_module(f"evaluation.{module}").evaluate(traces)
    page = (PAGES / f"{module}.md").read_text(encoding="utf-8")
    assert fill(page, result.tables)
    assert all("nan" not in text for text in result.tables.values())
