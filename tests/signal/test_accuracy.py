"""What the documentation says of accuracy, as gates: on the recordings that nothing was tuned on."""

from types import ModuleType

import numpy as np
import pytest

from evaluation import beats, heart_rate, steps
from evaluation.heart_rate import Scored, joined, mean_errors_bpm, surest


@pytest.fixture(scope="module")
def online(traces: ModuleType) -> list[Scored]:
    return [s for s in heart_rate.scored(traces) if s.half == "report"]


@pytest.mark.parametrize(("dataset", "most_bpm"), [("bami1", 1.1), ("bami2", 1.1), ("physionet_wrist", 2.5)])
def test_heart_rate_online_on_persons_not_tuned_on(
    online: list[Scored], dataset: str, most_bpm: float
) -> None:
    here = [s for s in online if s.dataset == dataset]
    assert here
    assert mean_errors_bpm(here).mean() <= most_bpm


@pytest.mark.parametrize(("dataset", "most_bpm"), [("bami1", 0.8), ("bami2", 1.0)])
def test_six_seconds_later_it_is_steadier(traces: ModuleType, dataset: str, most_bpm: float) -> None:
    later = [heart_rate.score(r, dataset, 6.0) for r in traces.recordings(dataset, "report")]
    assert mean_errors_bpm(later).mean() <= most_bpm


def test_of_sure_estimates_hardly_any_is_wrong(online: list[Scored]) -> None:
    """Also where the cadence of pedals is stronger than the pulse."""
    error, confidence = joined(online)
    assert (error[confidence >= 0.9] < 5).mean() >= 0.95
    rides, sure = joined(s for s in online if s.dataset == "physionet_wrist")
    assert (sure >= 0.9).mean() > 0.5
    assert (rides[sure >= 0.9] > 10).mean() <= 0.05


def test_confidence_is_calibrated(online: list[Scored]) -> None:
    error, confidence = joined(online)
    there = (confidence >= 0.8) & (confidence < 0.95)
    assert there.sum() > 100
    assert 0.8 <= (error[there] < 5).mean() <= 0.97


def test_answering_only_the_surest_lowers_the_error(online: list[Scored]) -> None:
    error, confidence = joined(online)
    assert np.nanmean(surest(error, confidence, 0.8)) < 0.8 * np.nanmean(error)


def test_beats_in_exercise(traces: ModuleType) -> None:
    (ride,) = [
        beats.score(r, "physionet_wrist")
        for r in traces.recordings("physionet_wrist", "report")
        if np.isfinite(r["beat_lag_s"])
    ]
    assert ride.f1 >= 0.8


@pytest.mark.parametrize(("dataset", "most"), [("pebble", 0.06), ("bangle", 0.08), ("sensorwatch", 0.1)])
def test_half_of_the_walks_are_counted_closely(traces: ModuleType, dataset: str, most: float) -> None:
    walks = [s for r in traces.recordings(dataset, "report") if (s := steps.score(r, dataset)).is_walk]
    assert np.median([abs(s.found.total / s.true_steps - 1) for s in walks]) <= most
