"""Activity and rest: known doings in published measures, constructed nights, and rest where nobody rested."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
from matplotlib.figure import Figure

from evaluation.report import BLUE, GREY, ORANGE, RED, Result, figure, percent, table
from training.recordings import Float64, on_even_grid
from vigie_signal import Intensity, activity, rest_periods

_RATE_HZ = 12.5
_NIGHTS = {"still": 0.5, "as usual": 2.0, "restless": 6.0, "very restless": 12.0}
_TURNS_AN_HOUR = 2.0
_COLORS = {
    Intensity.INACTIVE: GREY,
    Intensity.LIGHT: BLUE,
    Intensity.MODERATE: ORANGE,
    Intensity.VIGOROUS: RED,
}


def doings(traces: ModuleType) -> Iterator[tuple[str, Float64, float]]:
    """Yield doing, acceleration ``[3, n]`` in g and its rate in Hz of what is labelled."""
    for r in traces.recordings("bangle", None):
        yield f"Bangle.js: {r['label']}", on_even_grid(r, _RATE_HZ), _RATE_HZ
    for r in traces.recordings("pebble", None):
        if r["label"] in {"walk", "run", "not_moving", "watch_on_table", "reading_paper", "washing_up"}:
            yield f"pebble: {str(r['label']).replace('_', ' ')}", on_even_grid(r, 25), 25
    for r in traces.recordings("assist_iot", None):
        yield f"ASSIST-IoT: {str(r['label']).replace('_', ' ')}", on_even_grid(r, 10), 10


def doings_table(traces: ModuleType) -> str:
    """Return ENMO, MAD and intensity by known doing."""
    found: dict[str, list[Float64]] = {}
    for doing, acc, rate_hz in doings(traces):
        seen = activity(acc, rate_hz=rate_hz)
        found.setdefault(doing, []).append(
            np.stack([seen.enmo_mg, seen.mad_mg, seen.intensity.astype(np.float64)])
        )
    rows: list[list[str]] = []
    for doing, parts in found.items():
        enmo_mg, mad_mg, intensity = np.concatenate(parts, axis=1)
        shares = [
            percent(float((intensity == level).mean())) for level in Intensity if level != Intensity.UNKNOWN
        ]
        rows.append(
            [
                doing,
                str(intensity.size),
                f"{np.nanmedian(enmo_mg):.0f}",
                f"{np.nanmedian(mad_mg):.0f}",
                *shares,
            ]
        )
    levels = [level.name.lower() for level in Intensity if level != Intensity.UNKNOWN]
    return table(["doing", "minutes", "ENMO, mg", "MAD, mg", *levels], rows)


def night(rest_h: tuple[float, float], turns_an_hour: float, *, hours: float = 12, seed: int = 0) -> Float64:
    """Return an arm that wanders while awake, and in rest only turns over now and then: ``[3, n]`` in g."""
    rng = np.random.default_rng(seed)
    count = int(hours * 3600 / 5)
    hour = np.arange(count) * 5 / 3600
    resting = (hour >= rest_h[0]) & (hour < rest_h[1])
    wander = np.cumsum(np.where(resting, 0, 0.15)[:, None] * rng.standard_normal((count, 2)), axis=0)
    turned = np.cumsum((rng.random(count) < turns_an_hour * 5 / 3600) * rng.choice([-1.2, 1.2], count))
    tilt, roll = wander[:, 0] + turned, wander[:, 1]
    gravity = np.stack([np.cos(tilt) * np.cos(roll), np.cos(tilt) * np.sin(roll), np.sin(tilt)])
    acc = gravity.repeat(int(5 * _RATE_HZ), axis=1)
    return acc + 0.004 * rng.standard_normal(acc.shape)


def nights_table() -> str:
    """Return how far the ends of constructed nights are found from where they are."""
    rows: list[list[str]] = []
    for title, turns_an_hour in _NIGHTS.items():
        off_min: list[float] = []
        single = 0
        for seed in range(10):
            begin_h, end_h = 1.5 + 0.1 * seed, 8.0 + 0.3 * seed
            found = rest_periods(night((begin_h, end_h), turns_an_hour, seed=seed), rate_hz=_RATE_HZ)
            single += len(found) == 1
            if len(found) == 1:
                off_min += [
                    abs(found[0].start_s / 60 - 60 * begin_h),
                    abs(found[0].stop_s / 60 - 60 * end_h),
                ]
        ends = f"{np.mean(off_min):.1f} (at most {max(off_min):.1f})" if off_min else ""
        rows.append([title, f"{turns_an_hour:g}", f"{single} of 10", ends])
    return table(["night", "turns an hour", "found as one rest", "error of its ends, minutes"], rows)


def awake_table(traces: ModuleType) -> str:
    """Return the rest found in recordings of persons who were up."""
    rows: list[list[str]] = []
    for r in traces.recordings("bangle", None):
        if r["t_ms"][-1] > 15 * 60_000:
            acc = on_even_grid(r, _RATE_HZ)
            rows.append(_awake_row(f"Bangle.js `{r['name']}`", acc, _RATE_HZ))
    for r in traces.recordings("wesad", None):
        acc = np.asarray(r["acc"], np.float64)
        rows.append(_awake_row("WESAD: an hour in a laboratory", acc, float(r["acc_rate_hz"])))
    return table(["recording", "minutes", "of these called rest"], rows)


def _awake_row(name: str, acc: Float64, rate_hz: float) -> list[str]:
    rested = sum(rest.stop_s - rest.start_s for rest in rest_periods(acc, rate_hz=rate_hz))
    return [name, f"{acc.shape[1] / rate_hz / 60:.0f}", f"{rested / 60:.0f}"]


def activity_picture(traces: ModuleType) -> Figure:
    """Return the minutes of a drive and a walk by intensity, and a constructed night with its rest."""
    made, (minutes, rest) = figure(1, 2, 2.8)
    shown = {r["name"]: r for r in traces.recordings("bangle", None)}
    at = 0
    for name in ("HughB-drive-29min-0", "HughB-walk-1834"):
        seen = activity(on_even_grid(shown[name], _RATE_HZ), rate_hz=_RATE_HZ)
        for level, color in _COLORS.items():
            here = seen.intensity == level
            minutes.bar(at + np.flatnonzero(here), seen.enmo_mg[here], width=0.9, color=color)
        minutes.annotate(f"{shown[name]['label']}", (at + 1, 300))
        at += seen.intensity.size + 2
    for level, color in _COLORS.items():
        minutes.bar(0, 0, color=color, label=level.name.lower())
    minutes.set(xlabel="minutes", ylabel="ENMO, mg", ylim=(0, 330))
    minutes.legend(frameon=False, fontsize=7)
    acc = night((2, 9.5), _TURNS_AN_HOUR)
    angle = np.degrees(np.arctan2(acc[2], np.hypot(acc[0], acc[1])))[:: int(30 * _RATE_HZ)]
    rest.plot(np.arange(angle.size) / 120, angle, color=BLUE, linewidth=0.6)
    for span in rest_periods(acc, rate_hz=_RATE_HZ):
        rest.axvspan(span.start_s / 3600, span.stop_s / 3600, color=ORANGE, alpha=0.25, label="rest found")
    rest.set(xlabel="hours", ylabel="forearm, degrees", title="a constructed night, rest from 2 to 9.5 h")
    rest.legend(frameon=False, fontsize=7, loc="lower left")
    return made


def evaluate(traces: ModuleType) -> Result:
    """Return everything of the page on activity and rest."""
    tables = {
        "activity": doings_table(traces),
        "rest-nights": nights_table(),
        "rest-awake": awake_table(traces),
    }
    return Result(tables, {"activity": activity_picture(traces)})
