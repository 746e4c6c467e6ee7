"""Falls: persons not learned from, false falls in other doings, beside the strength of the impact alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure

from evaluation.heart_rate import HALVES
from evaluation.report import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Goal,
    Result,
    figure,
    goals_table,
    percent,
    table,
)
from training.recordings import Float64, Recording, fall_acceleration
from vigie_signal import Fall, detect_falls

_TITLES = {
    "weda": "WEDA-FALL",
    "geotec": "GeoTec",
    "assist_iot": "ASSIST-IoT (stairs)",
    "pebble": "pebble",
    "bangle": "Bangle.js",
    "ieee_spc": "IEEE SPC 2015",
    "bami1": "BAMI-1",
    "bami2": "BAMI-2",
    "physionet_wrist": "PhysioNet wrist",
}
_SPECIFICITY = 0.97


@dataclass(frozen=True, eq=False)
class Scored:
    """One recording: whether it holds a fall, the falls found, and its strongest impact in g."""

    recording: Recording
    dataset: str
    half: str
    is_fall: bool
    is_elderly: bool
    found: list[Fall]
    impact_g: float
    hours: float

    @property
    def best(self) -> float:
        """Highest score of a fall found, 0 without one."""
        return max((fall.score for fall in self.found), default=0.0)


def score(r: Recording, dataset: str) -> Scored:
    """Return ``r`` searched for falls, at its true rate."""
    acc, rate_hz = fall_acceleration(r)
    return Scored(
        recording=r,
        dataset=dataset,
        half=r["half"],
        is_fall=bool(r.get("fall", False)),
        is_elderly=bool(r.get("elderly", False)),
        found=detect_falls(acc, rate_hz=rate_hz),
        impact_g=float(np.sqrt((acc**2).sum(axis=0)).max()),
        hours=acc.shape[1] / rate_hz / 3600,
    )


def weda_table(scored: Sequence[Scored]) -> str:
    """Return sensitivity and specificity by half, the elderly apart, and those of the impact's strength alone."""
    weda = [s for s in scored if s.dataset == "weda"]
    tuned = [s for s in weda if s.half == "tune"]
    limit_g = float(np.quantile([s.impact_g for s in tuned if not s.is_fall], _SPECIFICITY))
    rows: list[list[str]] = []
    for half, said in HALVES.items():
        here = [s for s in weda if s.half == half]
        falls = [s for s in here if s.is_fall]
        others = [s for s in here if not s.is_fall]
        elderly = [s for s in others if s.is_elderly]
        rows.append(
            [
                said,
                str(len({s.recording["subject"] for s in here})),
                _share([bool(s.found) for s in falls]),
                _share([not s.found for s in others]),
                _share([not s.found for s in elderly]),
                _share([s.impact_g > limit_g for s in falls]),
                _share([s.impact_g <= limit_g for s in others]),
            ]
        )
    header = [
        "WEDA-FALL",
        "persons",
        "falls found",
        "other activities without a false one",
        "of these, the elderly",
    ]
    return table(
        [*header, f"impact above {limit_g:.1f} g alone: falls found", "other activities without"], rows
    )


def _share(right: list[bool]) -> str:
    return f"{percent(float(np.mean(right)), 1)} ({sum(right)} of {len(right)})"


def false_falls_table(scored: Sequence[Scored]) -> str:
    """Return the falls found where nobody fell, by set and half."""
    rows: list[list[str]] = []
    for name, title in _TITLES.items():
        for half, said in HALVES.items():
            here = [s for s in scored if s.dataset == name and s.half == half and not s.is_fall]
            if here:
                count, hours = sum(len(s.found) for s in here), sum(s.hours for s in here)
                rows.append([title, said, str(len(here)), f"{hours:.2f}", str(count)])
    for half, said in HALVES.items():
        here = [s for s in scored if s.half == half and not s.is_fall]
        count, hours = sum(len(s.found) for s in here), sum(s.hours for s in here)
        rows.append([f"**all**, {said}", "", str(len(here)), f"{hours:.2f}", str(count)])
    return table(["recordings without a fall", "", "number", "hours", "false falls"], rows)


def sensitivities(falls: Float64, others: Float64, specificities: Float64) -> Float64:
    """Return the share of ``falls`` above the threshold at which each share of ``others`` is not."""
    limits = np.quantile(others, specificities, method="higher")
    return np.array([(falls > limit).mean() for limit in limits])


def falls_picture(scored: Sequence[Scored], shown: Scored) -> Figure:
    """Return the acceleration around one fall, and sensitivity against specificity for persons not learned from."""
    made, (excerpt, curve) = figure(1, 2, 3.0)
    acc, rate_hz = fall_acceleration(shown.recording)
    time_s = np.arange(acc.shape[1], dtype=np.float64) / rate_hz
    length = np.sqrt((acc**2).sum(axis=0))
    found = shown.found[0]
    near = np.abs(time_s - found.time_s) < 4
    excerpt.plot(time_s[near], length[near], color=GREEN, linewidth=1)
    excerpt.axvspan(
        float(shown.recording["fall_start_s"]),
        float(shown.recording["fall_end_s"]),
        color=ORANGE,
        alpha=0.25,
        label="fall (authors)",
    )
    excerpt.axvline(found.time_s, color=BLUE, label=f"found, score {found.score:.2f}")
    excerpt.set(
        xlabel="seconds", ylabel="acceleration, length, g", title="WEDA-FALL: a fall of a person held out"
    )
    excerpt.legend(frameon=False, fontsize=7, loc="upper left")
    weda = [s for s in scored if s.dataset == "weda" and s.half == "report"]
    specificity = np.linspace(0.85, 1, 61)
    score = {fell: np.array([s.best for s in weda if s.is_fall is fell]) for fell in (True, False)}
    impact_g = {fell: np.array([s.impact_g for s in weda if s.is_fall is fell]) for fell in (True, False)}
    for label, values, color in (
        ("score (0.5 is reported)", score, BLUE),
        ("strength of the impact alone", impact_g, GREY),
    ):
        share = sensitivities(values[True], values[False], specificity)
        curve.plot(100 * specificity, 100 * share, color=color, label=label)
    at = 100 * np.mean([not s.found for s in weda if not s.is_fall])
    curve.plot(
        at, 100 * np.mean([bool(s.found) for s in weda if s.is_fall]), "o", color=RED, label="as reported"
    )
    curve.set(xlabel="other activities without a false fall, %", ylabel="falls found, %", ylim=(0, 103))
    curve.legend(frameon=False, fontsize=7, loc="lower left")
    return made


def delay_line(scored: Sequence[Scored]) -> str:
    """Return how far the impact found lies from the end of the fall that the authors marked."""
    off_s = [
        min(s.found, key=lambda fall: -fall.score).time_s - float(s.recording["fall_end_s"])
        for s in scored
        if s.is_fall and s.found and s.half == "report"
    ]
    low, middle, high = np.quantile(off_s, [0.05, 0.5, 0.95])
    return (
        f"The time of a fall lies {-middle:.1f} s before the end that the authors marked (median; "
        f"90 % within {low:.1f} to {high:.1f} s of it)."
    )


def goals(scored: Sequence[Scored]) -> list[Goal]:
    """Return the goals of the falls, on the persons of WEDA-FALL not learned from."""
    here = [s for s in scored if s.dataset == "weda" and s.half == "report"]
    falls, others = (np.array([s.best for s in here if s.is_fall is fell]) for fell in (True, False))
    share = 100 * float(sensitivities(falls, others, np.array([_SPECIFICITY]))[0])
    return [
        Goal(
            "falls found where 97 % of the other activities are without a false one",
            90,
            95,
            share,
            " %",
            more=True,
        )
    ]


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on falls."""
    scored = [score(r, name) for name in _TITLES for r in traces.recordings(name, None)]
    shown = next(s for s in scored if s.half == "report" and s.is_fall and s.found)
    tables = {
        "falls": weda_table(scored),
        "falls-false": false_falls_table(scored),
        "falls-delay": delay_line(scored),
        "falls-goals": goals_table(goals(scored)),
    }
    return Result(tables, {"falls": falls_picture(scored, shown)})
