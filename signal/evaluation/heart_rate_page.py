"""Everything of the page on the heart rate."""

from types import ModuleType

from evaluation.heart_rate import (
    Scored,
    accuracy_table,
    calibration_table,
    groups,
    joined,
    mean_errors_bpm,
    motion_table,
    scored,
)
from evaluation.heart_rate_changes import cut_difference_bpm, noise_table, robustness_table
from evaluation.heart_rate_peers import half_shown, peers_table
from evaluation.heart_rate_pictures import confidence_picture, track_picture
from evaluation.peers import peers
from evaluation.report import Goal, Result, goals_table

_SHOWN, _SHOWN_FROM_S = "BAMI1_06", 330.0


def goals(online: list[Scored], later: list[Scored]) -> list[Goal]:
    """Return the goals of the heart rate; on SPC what was tuned on, elsewhere what was not."""

    def mean_bpm(several: list[Scored], name: str) -> float:
        return float(mean_errors_bpm(groups(several)[name, half_shown(name)]).mean())

    unseen = [s for s in online if s.half == "report"]
    error, confidence = joined(unseen)
    rides, sure = joined(s for s in unseen if s.dataset == "physionet_wrist")
    near = (confidence >= 0.85) & (confidence < 0.95)
    rows = [
        Goal("SPC training, online, bpm", 0.95, 0.85, mean_bpm(online, "ieee_spc")),
        Goal("SPC training, 6 s later, bpm", 0.75, 0.6, mean_bpm(later, "ieee_spc")),
        Goal("SPC test, online, bpm", 2.8, 2.0, None),
        Goal("SPC test, 6 s later, bpm", 2.0, 1.5, None),
        Goal("SPC test, surest 80 %, bpm", 0.9, 0.6, None),
        Goal("BAMI-1, online, bpm", 3, 2, mean_bpm(online, "bami1")),
        Goal("BAMI-2, online, bpm", 3, 2, mean_bpm(online, "bami2")),
        Goal("PhysioNet wrist, one ride, online, bpm", 15, 12, mean_bpm(online, "physionet_wrist")),
        Goal(
            "PhysioNet wrist, one ride: off by > 10 bpm at ≥ 0.9",
            5,
            None,
            100 * float((rides[sure >= 0.9] > 10).mean()),
            " %",
        ),
    ]
    within = 100 * float((error[near] < 5).mean())
    rows.append(
        Goal(
            "confidence 0.85 to 0.95, other persons of the same sets: within 5 bpm, at least",
            85,
            None,
            within,
            " %",
            more=True,
        )
    )
    rows.append(
        Goal(
            "confidence 0.85 to 0.95, other persons of the same sets: within 5 bpm, at most",
            95,
            None,
            within,
            " %",
        )
    )
    return rows


def evaluate(traces: ModuleType) -> Result:
    """Return tables and pictures; without all the peers their table stays as it is."""
    online, later = scored(traces), scored(traces, 6.0)
    ways, absent = peers()
    tables = {
        "heart-rate": accuracy_table(online, later),
        "heart-rate-motion": motion_table(online, later),
        "heart-rate-confidence": calibration_table(online),
        "heart-rate-noise": noise_table(traces),
        "heart-rate-changes": robustness_table(traces),
        "heart-rate-goals": goals_table(goals(online, later)),
        "heart-rate-cut": f"Largest change of an online estimate: {cut_difference_bpm(traces):.3f} bpm.",
    }
    if not absent:
        tables["heart-rate-peers"] = peers_table(traces, ways, online, later)
    shown = next(s for s in online if s.recording["name"] == _SHOWN)
    pictures = {
        "heart-rate": track_picture(shown, _SHOWN_FROM_S, ways[0] if ways else None),
        "heart-rate-confidence": confidence_picture(online),
    }
    return Result(tables, pictures, absent)
