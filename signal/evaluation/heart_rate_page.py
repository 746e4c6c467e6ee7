"""Everything of the page on the heart rate."""

from types import ModuleType

from evaluation.heart_rate import (
    accuracy_table,
    calibration_table,
    cut_difference_bpm,
    motion_table,
    robustness_table,
    scored,
)
from evaluation.heart_rate_peers import peers_table
from evaluation.heart_rate_pictures import confidence_picture, track_picture
from evaluation.peers import peers
from evaluation.report import Result

_SHOWN, _SHOWN_FROM_S = "BAMI1_06", 330.0


def evaluate(traces: ModuleType) -> Result:
    """Return tables and pictures; without all the peers their table stays as it is."""
    online, later = scored(traces), scored(traces, 6.0)
    ways, absent = peers()
    tables = {
        "heart-rate": accuracy_table(online, later),
        "heart-rate-motion": motion_table(online, later),
        "heart-rate-confidence": calibration_table(online),
        "heart-rate-changes": robustness_table(traces),
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
