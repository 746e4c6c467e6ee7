"""Sampling plans are configuration."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from vigie.errors import PlanError
from vigie.plans import OFF, PLANS, STANDARD, load_plan


def test_plans_go_by_name() -> None:
    assert {name: load_plan(name) for name in PLANS} == PLANS


def test_a_file_changes_the_standard_plan(tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.write_text("ppg_day_every_s = 900\nraw_window_s = 0\n")
    assert load_plan(path) == dataclasses.replace(STANDARD, ppg_day_every_s=900, raw_window_s=0)


def test_the_standard_plan_samples_as_is_written() -> None:
    assert (STANDARD.acc_rate_decihz, STANDARD.ppg_rate_hz, STANDARD.ppg_window_s) == (260, 50, 20)
    assert (STANDARD.ppg_night_every_s, STANDARD.ppg_day_every_s) == (60, 300)
    assert OFF.acc_rate_decihz == OFF.ppg_rate_hz == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ppg_every_s = 60", "sets ppg_every_s: a plan has acc_range_g"),
        ("ppg_window_s = 20.5", "sets ppg_window_s to what is no whole number"),
        ("ppg_window_s = true", "no whole number"),
        ("ppg_window_s = 300", "out of bounds"),
        ("ppg_window_s = ", "cannot be read as TOML"),
        ("\xff", "cannot be read as TOML"),
    ],
)
def test_a_file_that_is_no_plan_is_told_why(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PlanError, match=complaint):
        load_plan(path)


def test_a_name_that_is_none_tells_the_names() -> None:
    with pytest.raises(PlanError, match="off, standard, continuous"):
        load_plan("standart")
