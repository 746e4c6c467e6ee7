"""The page of the early warning: tables and pictures."""

from collections import Counter
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from evaluation.cohort import Patient, simulate
from evaluation.early_warning import (
    INJECTED_DAYS,
    Days,
    Tally,
    alerts,
    as_days,
    assessed,
    by_chance,
    by_night_signal,
    episodes,
    even,
    injected,
    recorded,
    scaled,
    score_recorded,
    score_simulated,
)
from evaluation.report import BLUE, GREEN, GREY, ORANGE, RED, Result, figure, percent, table
from vigie_signal.assessment import Grade
from vigie_signal.baseline import LAG_DAYS, WINDOW_DAYS

PATIENTS, SEED = 800, 2027
FACTORS = (0.5, 0.65, 0.8, 1.0, 1.25, 1.6)
RISES_BPM = (0.0, 3.0, 5.0, 8.0)
RED_BPM = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
_KINDS = ("heart failure", "COPD")
_SHOWN_DAYS = 120
Float64 = npt.NDArray[np.float64]
Curve = list[tuple[float, Tally]]


def evaluate(traces: ModuleType) -> Result:
    """Measure both methods on the recordings and on the simulated cohort."""
    people = {half: recorded(traces, half) for half in ("tune", "report")}
    patients = even(simulate(PATIENTS, seed=SEED))
    simulated = as_days(patients)
    usual = assessed(simulated)
    by_grade = {grade: alerts(simulated, usual, grade) for grade in (Grade.VIGILANCE, Grade.DECOMPENSATION)}
    ours = _curves(people["report"], patients, simulated)
    theirs = {
        "recorded": [
            (bpm, score_recorded(people["report"], by_night_signal(people["report"], bpm))) for bpm in RED_BPM
        ],
        "simulated": [(bpm, score_simulated(patients, by_night_signal(simulated, bpm))) for bpm in RED_BPM],
    }
    return Result(
        tables={
            "recorded": _recorded_table(people),
            "injected": _injected_table(people["report"]),
            "simulated": _simulated_table(patients, simulated, by_grade),
            "causes": _causes_table(patients, by_grade),
            "curve": _curve_table(ours, theirs),
        },
        pictures={
            "early-warning-curve": _curve_picture(ours, theirs),
            "early-warning-patient": _patient_picture(patients),
        },
    )


def _curves(
    people: Sequence[Days], patients: Sequence[Patient], simulated: Sequence[Days]
) -> dict[str, Curve]:
    """Tallies by what the limits were multiplied with."""
    curves: dict[str, Curve] = {"recorded": [], "simulated": [], "simulated G3": []}
    for factor in FACTORS:
        found = assessed(people, scaled(factor))
        curves["recorded"].append((factor, score_recorded(people, alerts(people, found, Grade.VIGILANCE))))
        found = assessed(simulated, scaled(factor))
        for name, grade in (("simulated", Grade.VIGILANCE), ("simulated G3", Grade.DECOMPENSATION)):
            curves[name].append((factor, score_simulated(patients, alerts(simulated, found, grade))))
    return curves


def _recorded_row(name: str, half: str, tally: Tally) -> list[str]:
    before = sum(days >= 0 for days in tally.lead_days)
    return [
        name,
        {"tune": "tuned on", "report": "not tuned on"}[half],
        f"{tally.found} of {tally.onsets}",
        f"{by_chance(tally):.1f}",
        str(before),
        f"{tally.median_lead_days:.0f}",
        f"{tally.false_a_month:.2f}",
        f"{tally.false_days_a_month:.2f}",
    ]


def _recorded_table(people: dict[str, list[Days]]) -> str:
    rows: list[list[str]] = []
    for half, several in people.items():
        found = assessed(several)
        rows.append(
            _recorded_row("NightSignal, red", half, score_recorded(several, by_night_signal(several)))
        )
        for label, grade in (("Vigie, G2 and above", Grade.VIGILANCE), ("Vigie, G3", Grade.DECOMPENSATION)):
            rows.append(_recorded_row(label, half, score_recorded(several, alerts(several, found, grade))))
    header = (
        "method",
        "persons",
        "onsets found",
        "by chance alone",
        "at or before the first symptoms",
        "median lead, days",
        "false episodes per person-month",
        "false alert days per person-month",
    )
    return table(header, rows)


def _injected_table(people: Sequence[Days]) -> str:
    """Shares found of rises that were put into recorded days."""
    rows: list[list[str]] = []
    for rise_bpm in RISES_BPM:
        changed = [days for person in people for days in injected(person, rise_bpm)]
        found = assessed(changed)
        methods = [
            by_night_signal(changed),
            by_night_signal(changed, RED_BPM[-1]),
            alerts(changed, found, Grade.VIGILANCE),
            alerts(changed, found, Grade.DECOMPENSATION),
        ]
        rows.append(
            [
                f"+{rise_bpm:g} bpm, steps −30 %" if rise_bpm else "nothing",
                str(len(changed)),
                *(percent(_share_found(alerted)) for alerted in methods),
            ]
        )
    header = (
        "put in",
        "times",
        "NightSignal, red",
        f"NightSignal, red at +{RED_BPM[-1]:g} bpm",
        "Vigie, G2 and above",
        "Vigie, G3",
    )
    return table(header, rows)


def _share_found(alerted: Sequence[set[int]]) -> float:
    hits = [any(0 <= day < INJECTED_DAYS for day in episodes(days)) for days in alerted]
    return sum(hits) / len(hits)


def _simulated_table(
    patients: Sequence[Patient], simulated: Sequence[Days], by_grade: dict[Grade, list[set[int]]]
) -> str:
    methods = {
        "NightSignal, red": by_night_signal(simulated),
        "Vigie, G2 and above": by_grade[Grade.VIGILANCE],
        "Vigie, G3": by_grade[Grade.DECOMPENSATION],
    }
    rows: list[list[str]] = []
    for name, alerted in methods.items():
        tally = score_simulated(patients, alerted)
        kinds = [score_simulated(patients, alerted, kind) for kind in _KINDS]
        rows.append(
            [
                name,
                f"{tally.found} of {tally.onsets}, {percent(tally.found_share)}",
                *(f"{kind.found} of {kind.onsets}, {percent(kind.found_share)}" for kind in kinds),
                percent(tally.covered / tally.onsets),
                f"{tally.median_lead_days:.0f}",
                *(f"{kind.median_lead_days:.0f}" for kind in kinds),
                f"{tally.false_a_year:.2f}",
            ]
        )
    header = (
        "method",
        "events found",
        "heart failure",
        "COPD",
        "found, or open already",
        "median lead, days",
        "heart failure",
        "COPD",
        "false episodes per patient-year",
    )
    return table(header, rows)


def _causes_table(patients: Sequence[Patient], by_grade: dict[Grade, list[set[int]]]) -> str:
    """During what false episodes began."""
    years = score_simulated(patients, by_grade[Grade.VIGILANCE]).watched_days / 365.25
    counts: dict[Grade, Counter[str]] = {}
    for grade, alerted in by_grade.items():
        counts[grade] = Counter(
            cause for patient, days in zip(patients, alerted, strict=True) for cause in _causes(patient, days)
        )
    causes = [cause for cause, _ in sum(counts.values(), Counter[str]()).most_common()]
    rows = [[cause, *(f"{counts[grade][cause] / years:.2f}" for grade in by_grade)] for cause in causes]
    return table(("during", "G2 and above, per patient-year", "G3, per patient-year"), rows)


def _causes(patient: Patient, alert_days: set[int]) -> list[str]:
    quiet = score_simulated([patient], [alert_days]).false_begins
    found: list[str] = []
    for day in quiet:
        kinds = [one.kind for one in patient.incidents if one.start <= day < one.stop + 3]
        found.append(kinds[0] if kinds else "nothing in particular")
    return found


def _curve_table(ours: dict[str, Curve], theirs: dict[str, Curve]) -> str:
    rows: list[list[str]] = []
    for name, bpm in (("NightSignal, red at +{:g} bpm", True), ("Vigie, limits × {:g}", False)):
        curves = theirs if bpm else ours
        for (factor, recorded_), (_, simulated) in zip(curves["recorded"], curves["simulated"], strict=True):
            severe = "" if bpm else f"{dict(ours['simulated G3'])[factor].false_a_year:.2f}"
            found = "" if bpm else percent(dict(ours["simulated G3"])[factor].found_share)
            rows.append(
                [
                    name.format(factor),
                    f"{recorded_.found} of {recorded_.onsets}",
                    f"{recorded_.false_a_month:.2f}",
                    percent(simulated.found_share),
                    f"{simulated.median_lead_days:.0f}",
                    f"{simulated.false_a_year:.2f}",
                    found,
                    severe,
                ]
            )
    header = (
        "method",
        "recordings: onsets found",
        "false a month",
        "simulation: events found",
        "median lead, days",
        "false a year",
        "found at G3",
        "false G3 a year",
    )
    return table(header, rows)


def _curve_picture(ours: dict[str, Curve], theirs: dict[str, Curve]) -> Figure:
    made, (left, right) = figure(1, 2, 3.4)
    left.plot(
        *_points(theirs["recorded"], monthly=True),
        "o-",
        color=ORANGE,
        markersize=4,
        label="NightSignal, +3 to +8 bpm",
    )
    left.plot(
        *_points(ours["recorded"], monthly=True), "o-", color=BLUE, markersize=4, label="Vigie, G2 and above"
    )
    onsets = ours["recorded"][0][1].onsets
    rate = np.linspace(0, 2, 50)
    chance = 100 * (1 - np.exp(-rate * 22 / 30.44))
    left.plot(rate, chance, color=GREY, linewidth=1, label="chance alone")
    left.set(
        xlabel="false episodes per person-month",
        ylabel="onsets found, %",
        title=f"recordings, {onsets} onsets, not tuned on",
        xlim=(0, 2),
        ylim=(0, 100),
    )
    right.plot(
        *_points(theirs["simulated"]), "o-", color=ORANGE, markersize=4, label="NightSignal, +3 to +8 bpm"
    )
    right.plot(*_points(ours["simulated"]), "o-", color=BLUE, markersize=4, label="Vigie, G2 and above")
    right.plot(*_points(ours["simulated G3"]), "o-", color=RED, markersize=4, label="Vigie, G3")
    right.set(
        xlabel="false episodes per patient-year",
        ylabel="events found, %",
        title="simulated cohort",
        xlim=(0, None),
        ylim=(0, 100),
    )
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=7, loc="lower right")
    return made


def _points(curve: Curve, *, monthly: bool = False) -> tuple[list[float], list[float]]:
    rates = [tally.false_a_month if monthly else tally.false_a_year for _, tally in curve]
    return rates, [100 * tally.found_share for _, tally in curve]


def _patient_picture(patients: Sequence[Patient]) -> Figure:
    """Show the first simulated patient with heart failure who is found early, from before until after."""
    for patient in patients:
        event = patient.event
        changed = any("beta" in incident.kind for incident in patient.incidents)
        if event is None or event.kind != "heart failure" or event.start < 90 or changed:
            continue
        days = as_days([patient])
        found = assessed(days)
        begins = episodes(alerts(days, found, Grade.DECOMPENSATION)[0])
        if any(event.start + 5 <= day <= event.stop - 6 for day in begins):
            break
    else:
        raise ValueError("no such patient: simulate more of them")
    first, last = event.stop - _SHOWN_DAYS + 30, event.stop + 30
    made, axes = figure(3, 1, 5.2, sharex=True, height_ratios=(3, 2, 1))
    day = patient.day - event.stop
    for panel, name, label in (
        (axes[0], "resting_bpm", "resting rate, bpm"),
        (axes[1], "amplitude_bpm", "amplitude, bpm"),
    ):
        panel.plot(day, patient.features[name], ".", color=GREY, markersize=4)
        known = [[piece for piece in one.evidence if piece.feature == name] for one in found[0]]
        centre = _bridged([pieces[0].baseline if pieces else np.nan for pieces in known])
        spread = _bridged([pieces[0].spread if pieces else np.nan for pieces in known])
        panel.plot(day, centre, color=GREEN, linewidth=1.2, label="usual")
        panel.fill_between(day, centre - spread, centre + spread, color=GREEN, alpha=0.15, linewidth=0)
        panel.set(ylabel=label)
    axes[0].legend(frameon=False, fontsize=7, loc="upper left")
    colors = {
        Grade.SILENCE: "white",
        Grade.USUAL: "#e4e7ea",
        Grade.TREND: "#f5d7a6",
        Grade.VIGILANCE: ORANGE,
        Grade.DECOMPENSATION: RED,
    }
    for at, one in zip(day.tolist(), found[0], strict=True):
        axes[2].bar(at, 1, width=1, color=colors[one.grade])
    for grade, text in ((Grade.TREND, "G1"), (Grade.VIGILANCE, "G2"), (Grade.DECOMPENSATION, "G3")):
        axes[2].bar(0, 0, color=colors[grade], label=text)
    axes[2].set(yticks=[], ylabel="grade", xlabel="days from the event (white: G0, nothing measured)")
    axes[2].legend(frameon=False, fontsize=7, loc=(0.77, 0.1))
    for panel in axes:
        panel.axvline(0, color="black", linewidth=1)
        panel.set(xlim=(first - event.stop, last - event.stop))
    axes[0].set(
        title=f"simulated patient: heart failure, baseline of {WINDOW_DAYS} days, {LAG_DAYS} days ago"
    )
    return made


def _bridged(values: Sequence[float]) -> Float64:
    """Single missing days as the day before, longer gaps as they are: a line for the eye."""
    line = np.array(values)
    for day in range(1, len(line)):
        if np.isnan(values[day]) and day + 1 < len(values) and np.isfinite(values[day + 1]):
            line[day] = line[day - 1]
    return line
