"""Steps: counted walks, hours without walking, beside a plain rule; none of the libraries compared counts steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from evaluation.heart_rate import HALVES
from evaluation.report import BLUE, GREEN, GREY, ORANGE, Goal, Result, figure, goals_table, percent, table
from training.recordings import STEP_RATE_HZ, STEP_SETS, Float64, Recording, step_acceleration
from vigie_signal import Steps, count_steps

_FEWEST_STEPS = 20
_TITLES = {"pebble": "pebble", "bangle": "Bangle.js", "sensorwatch": "Sensor Watch"}
_BAND_HZ = (0.7, 3.0)
_PROMINENCE_G = 0.06
_APART_S = 0.28
_NONE = 12
"""Where a logarithmic axis shows that no step was found."""
_PACES = (
    (0, 60, "under 60: shuffling, or now and then"),
    (60, 100, "60 to 100"),
    (100, 1000, "100 and more"),
)


@dataclass(frozen=True, eq=False)
class Scored:
    """One recording: steps as counted by its maker, by us, and by the plain rule."""

    recording: Recording
    dataset: str
    half: str
    acc: Float64
    true_steps: int
    found: Steps
    plain: int
    hours: float

    @property
    def is_walk(self) -> bool:
        """Whether its count of steps is large enough for an error in percent."""
        return self.true_steps >= _FEWEST_STEPS


def plain_steps(acc: Float64, rate_hz: float) -> Float64:
    """Return the times in seconds of peaks of the band-passed length: the rule that most open counters follow."""
    length = np.sqrt((acc**2).sum(axis=0))
    sos = signal.butter(2, _BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    smooth = np.asarray(signal.sosfiltfilt(sos, length), np.float64)
    peaks, _ = signal.find_peaks(smooth, prominence=_PROMINENCE_G, distance=max(round(_APART_S * rate_hz), 1))
    return np.asarray(peaks, np.float64) / rate_hz


def score(r: Recording, dataset: str) -> Scored:
    """Return ``r`` counted, on the even grid that its time stamps allow."""
    acc = step_acceleration(r)
    return Scored(
        recording=r,
        dataset=dataset,
        half=r["half"],
        acc=acc,
        true_steps=int(r["true_steps"]),
        found=count_steps(acc, rate_hz=STEP_RATE_HZ),
        plain=plain_steps(acc, STEP_RATE_HZ).size,
        hours=acc.shape[1] / STEP_RATE_HZ / 3600,
    )


def walks_table(scored: Sequence[Scored]) -> str:
    """Return the absolute error of the walks by set and half."""
    rows: list[list[str]] = []
    for name in STEP_SETS:
        for half, said in HALVES.items():
            walks = [s for s in scored if s.dataset == name and s.half == half and s.is_walk]
            off = np.array([abs(s.found.total / s.true_steps - 1) for s in walks])
            plain = np.array([abs(s.plain / s.true_steps - 1) for s in walks])
            rows.append(
                [
                    _TITLES[name],
                    said,
                    str(len(walks)),
                    percent(off.mean(), 1),
                    percent(float(np.median(off)), 1),
                    percent((off <= 0.1).mean()),
                    percent(plain.mean(), 1),
                    percent(float(np.median(plain)), 1),
                ]
            )
    header = ["recordings", "", "walks", "error, mean", "median", "within 10 %"]
    return table([*header, "plain rule, mean", "median"], rows)


def pace_table(scored: Sequence[Scored]) -> str:
    """Return the absolute error by steps a minute of the whole recording, standing and turning included."""
    rows: list[list[str]] = []
    for low, high, title in _PACES:
        for half, said in HALVES.items():
            walks = [s for s in scored if s.half == half and s.is_walk]
            here = [s for s in walks if low <= s.true_steps / (60 * s.hours) < high]
            if here:
                off, plain = (
                    np.array([abs(count / s.true_steps - 1) for s, count in counted])
                    for counted in ([(s, s.found.total) for s in here], [(s, s.plain) for s in here])
                )
                errors = [percent(value, 1) for value in (off.mean(), float(np.median(off)), plain.mean())]
                rows.append([title, said, str(len(here)), *errors])
    return table(["steps a minute", "", "walks", "error, mean", "median", "plain rule, mean"], rows)


def false_steps_table(scored: Sequence[Scored]) -> str:
    """Return the steps found where none were taken, by set, half and doing."""
    rows: list[list[str]] = []
    for name in STEP_SETS:
        for half, said in HALVES.items():
            several = [s for s in scored if s.dataset == name and s.half == half and s.true_steps == 0]
            for doing in dict.fromkeys(str(s.recording["label"]) for s in several):
                here = [s for s in several if s.recording["label"] == doing]
                rows.append([_TITLES[name], said, doing.replace("_", " "), *_false_steps(here), "", ""])
            hours = sum(s.hours for s in several)
            rates = (
                sum(counts) / hours
                for counts in zip(*((s.found.total, s.plain) for s in several), strict=True)
            )
            rows.append(
                [
                    _TITLES[name],
                    said,
                    "**all**",
                    *_false_steps(several),
                    *(f"**{rate:.0f}**" for rate in rates),
                ]
            )
    header = ["recordings", "", "doing", "minutes", "steps found", "by the plain rule"]
    return table([*header, "found an hour", "plain rule, an hour"], rows)


def _false_steps(several: Sequence[Scored]) -> list[str]:
    minutes = 60 * sum(s.hours for s in several)
    return [f"{minutes:.1f}", str(sum(s.found.total for s in several)), str(sum(s.plain for s in several))]


def worst_table(scored: Sequence[Scored]) -> str:
    """Return the walks that are off by more than a tenth, one by one."""
    off = [s for s in scored if s.is_walk and abs(s.found.total / s.true_steps - 1) > 0.1]
    rows = [
        [
            _TITLES[s.dataset],
            HALVES[s.half],
            f"`{s.recording['name']}`",
            str(s.recording["label"]).replace("_", " "),
            str(s.true_steps),
            str(s.found.total),
        ]
        for s in sorted(off, key=lambda s: -abs(s.found.total / s.true_steps - 1))
    ]
    return table(["recordings", "", "name", "doing", "true steps", "found"], rows)


def agreement_picture(scored: Sequence[Scored], shown: Scored) -> Figure:
    """Return steps found against true ones, and the cadence over one recording."""
    made, (agreement, cadence) = figure(1, 2, 3.0, width_ratios=(1, 1.7))
    for name, color in zip(STEP_SETS, (BLUE, ORANGE, GREEN), strict=True):
        points = [
            (s.true_steps, max(s.found.total, _NONE)) for s in scored if s.dataset == name and s.is_walk
        ]
        agreement.loglog(
            *np.array(points).T, "o", color=color, markersize=3.5, alpha=0.7, label=_TITLES[name]
        )
    ends = np.array([20, 3000])
    agreement.plot(ends, ends, color=GREY, linewidth=1)
    agreement.axhline(_NONE, color=GREY, linewidth=1, linestyle=":")
    agreement.annotate("none", (1000, _NONE), (0, 2), textcoords="offset points", fontsize=7)
    agreement.set(xlabel="true steps", ylabel="steps found", xlim=ends, ylim=(0.8 * _NONE, ends[1]))
    agreement.legend(frameon=False, fontsize=7)
    minutes = shown.found.time_s / 60
    cadence.plot(minutes, shown.found.cadence, color=BLUE, linewidth=1)
    name, true = shown.recording["name"], shown.true_steps
    cadence.set(
        xlabel="minutes", ylabel="steps a minute", title=f"{name}: {true} steps, {shown.found.total} found"
    )
    return made


def excerpt_picture(walk: Scored, doing: Scored) -> Figure:
    """Return seconds of acceleration, with the peaks of the plain rule and the cadence found: a walk, and none."""
    made, axes = figure(1, 2, 2.6, sharey=True)
    for axis, shown, begin_s in ((axes[0], walk, 20.0), (axes[1], doing, _busiest_s(doing))):
        begin = round(begin_s * STEP_RATE_HZ)
        part = np.sqrt((shown.acc[:, begin : begin + 10 * STEP_RATE_HZ] ** 2).sum(axis=0))
        axis.plot(begin_s + np.arange(part.size) / STEP_RATE_HZ, part, color=GREEN, linewidth=1)
        peaks_s = plain_steps(shown.acc, STEP_RATE_HZ)
        inside = peaks_s[(peaks_s >= begin_s) & (peaks_s < begin_s + 10)]
        at = np.round(inside * STEP_RATE_HZ).astype(int) - begin
        axis.plot(
            inside, part[np.minimum(at, part.size - 1)], "o", color=GREY, markersize=3, label="plain rule"
        )
        here = (shown.found.time_s >= begin_s) & (shown.found.time_s < begin_s + 10)
        found = shown.found.cadence[here].mean()
        label = str(shown.recording["label"]).replace("_", " ")
        axis.set(xlabel="seconds", title=f"{label}: {found:.0f} steps a minute found")
    axes[0].set_ylabel("acceleration, length, g")
    axes[0].legend(frameon=False, fontsize=7)
    return made


def _busiest_s(shown: Scored) -> float:
    """Begin of the ten seconds in which the plain rule finds most steps."""
    peaks_s = plain_steps(shown.acc, STEP_RATE_HZ)
    begins_s = np.arange(0, 3600 * shown.hours - 10, 5.0)
    counts = np.searchsorted(peaks_s, begins_s + 10) - np.searchsorted(peaks_s, begins_s)
    return float(begins_s[counts.argmax()])


def goals(scored: Sequence[Scored]) -> list[Goal]:
    """Return the goals of the steps, on what was not tuned on; hours without walking on all of them."""
    out: list[Goal] = []
    for name, reach in (("pebble", 6.0), ("bangle", 8.0), ("sensorwatch", 10.0)):
        walks = [s for s in scored if s.dataset == name and s.half == "report" and s.is_walk]
        off = 100 * float(np.mean([abs(s.found.total / s.true_steps - 1) for s in walks]))
        out.append(Goal(f"{_TITLES[name]}, walks: mean error", reach, 4, off, " %"))
    still = [s for s in scored if s.dataset == "bangle" and s.true_steps == 0]
    out.append(
        Goal("Bangle.js, drive, desk, still: steps found", 0, None, float(sum(s.found.total for s in still)))
    )
    for half, said in HALVES.items():
        zero = [s for s in scored if s.dataset == "pebble" and s.half == half and s.true_steps == 0]
        rate = sum(s.found.total for s in zero) / sum(s.hours for s in zero)
        out.append(Goal(f"pebble, no walking, {said}: false steps an hour", 30, None, rate))
    return out


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on steps."""
    scored = [score(r, name) for name in STEP_SETS for r in traces.recordings(name, None)]
    by_name = {s.recording["name"]: s for s in scored}
    tables = {
        "steps": walks_table(scored),
        "steps-pace": pace_table(scored),
        "steps-false": false_steps_table(scored),
        "steps-worst": worst_table(scored),
        "steps-goals": goals_table(goals(scored)),
    }
    pictures = {
        "steps": agreement_picture(scored, by_name["HughB-mixed-390"]),
        "steps-excerpt": excerpt_picture(by_name["HughB-walk-1834"], by_name["HughB-drive-29min-0"]),
    }
    return Result(tables, pictures)
