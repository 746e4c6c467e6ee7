"""What the report computes before it draws keeps what matters in sight."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vigie_rig.report import BenchRecording, HeartRate, Span
from vigie_rig.report.moment import choose_moment
from vigie_rig.report.signals import break_at_gaps, envelope, errors_of, pulse_band, spectrum
from vigie_rig.report.timeline import place_labels


@given(
    values=arrays.arrays(
        np.float32, st.integers(50, 400), elements=st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))
    ),
    bins=st.integers(1, 30),
)
def test_an_envelope_keeps_the_extremes_and_invents_none(values: np.ndarray, bins: int) -> None:
    time = np.arange(len(values), dtype=np.float64)
    short_time, short = envelope(time, values[None], bins=bins)
    kept = set(short[np.isfinite(short)].tolist())
    finite = values[np.isfinite(values)]
    assert len(short_time) == short.shape[1] <= max(len(values), 2 * bins)
    assert kept <= set(finite.tolist())
    if len(finite):
        assert {float(finite.min()), float(finite.max())} <= kept


def test_an_envelope_shows_an_empty_stretch_as_a_gap() -> None:
    time = np.concatenate([np.arange(0, 10, 0.01), np.arange(20, 30, 0.01)])
    short_time, short = envelope(time, np.ones((1, len(time))), bins=30)
    in_gap = (short_time > 11) & (short_time < 19)
    assert np.isnan(short[0, in_gap]).all()
    assert not np.isnan(short[0, ~in_gap & (short_time < 9.5)]).any()


def test_lost_samples_break_the_line() -> None:
    time = np.delete(np.arange(100) * 0.01, slice(40, 45))
    broken_time, broken = break_at_gaps(time, np.ones((2, len(time)), dtype=np.int32))
    (gap,) = np.flatnonzero(np.isnan(broken[0]))
    assert 0.39 < broken_time[gap] < 0.45
    assert np.isnan(broken).sum() == 2


def test_counts_of_eighteen_bits_are_exact_on_the_page() -> None:
    counts = np.array([[2**18 - 1, 2**18 - 2, 0, 1]])
    _, kept = break_at_gaps(np.arange(4) * 0.01, counts)
    assert np.array_equal(kept, counts)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 400.0])
def test_the_pulse_is_in_per_cent_of_its_level_at_any_rate(rate_hz: float) -> None:
    time = np.arange(0, 30, 1 / rate_hz)
    ppg = 80_000 * (1 + 0.01 * np.sin(2 * np.pi * 1.2 * time))
    band = pulse_band(time, ppg[None])
    assert band is not None
    middle = (band[0] > 5) & (band[0] < 25)
    assert np.max(np.abs(band[1][0, middle])) == pytest.approx(1.0, rel=0.1)


def test_taking_the_sensor_off_is_no_pulse() -> None:
    time = np.arange(0, 40, 0.01)
    ppg = np.where(time < 20, 90_000 * (1 + 0.01 * np.sin(2 * np.pi * 1.2 * time)), 2_000.0)
    band = pulse_band(time, ppg[None])
    assert band is not None
    assert np.nanmax(np.abs(band[1])) < 2
    assert np.isnan(band[1][0, np.abs(band[0] - 20) < 0.5]).all()


@pytest.mark.parametrize("bpm", [48.0, 90.0, 171.0])
def test_the_spectrum_is_darkest_at_the_rate(bpm: float) -> None:
    time = np.arange(0, 30, 0.01)
    found = spectrum(time, np.sin(2 * np.pi * bpm / 60 * time)[None], silence=0.01)
    assert found is not None
    strongest = found.bpm[found.level.argmax(axis=0)]
    assert np.all(np.abs(strongest - bpm) < 2)
    assert found.time_s[0] == pytest.approx(4.0)


def test_noise_below_silence_stays_pale() -> None:
    time = np.arange(0, 30, 0.01)
    noise = 0.002 * np.random.default_rng(1).standard_normal((3, len(time)))
    found = spectrum(time, noise, silence=0.02)
    assert found is not None
    assert found.level.max() < 128


def test_a_window_with_a_gap_claims_nothing() -> None:
    time = np.delete(np.arange(0, 60, 0.01), slice(3000, 3300))
    found = spectrum(time, np.sin(8 * time)[None], silence=0.01)
    assert found is not None
    touched = np.abs(found.time_s - 31.5) < 4
    assert found.level[:, touched].max() == 0
    assert found.level[:, ~touched & (found.time_s < 25)].max() == 255


def test_too_short_for_a_window_is_none() -> None:
    time = np.arange(0, 3, 0.01)
    assert spectrum(time, np.sin(time)[None], silence=0.01) is None
    assert pulse_band(time, np.ones((1, len(time)))) is None


def test_errors_are_estimate_minus_reference_where_both_are_known() -> None:
    estimate = HeartRate(
        np.arange(10.0),
        np.array([70, 71, 72, 73, np.nan, np.nan, np.nan, np.nan, 78, 79.0]),
        np.full(10, 0.5),
    )
    reference = HeartRate(np.array([-5, 1.5, 5.5, 8.5, 30]), np.array([70, 70, 70, np.nan, 70.0]))
    errors = errors_of(estimate, reference)
    assert errors.time_s.tolist() == [1.5]
    assert errors.error_bpm.tolist() == [1.5]
    assert errors.confidence.tolist() == [0.5]


def test_an_abstaining_estimate_has_no_errors() -> None:
    estimate = HeartRate(np.arange(3.0), np.full(3, np.nan))
    assert not len(errors_of(estimate, HeartRate(np.arange(3.0), np.full(3, 70.0))).time_s)


def test_the_moment_avoids_motion_faults_and_gaps(recording: BenchRecording) -> None:
    everywhere_but_late_rest = (Span(0, 40, "sensor stuck"),)
    moment = choose_moment(dataclasses.replace(recording, faults=everywhere_but_late_rest))
    assert moment is not None
    assert moment.start_s >= 40
    still = (moment.stop_s <= 60) | (moment.start_s >= 0.72 * recording.duration_s)
    assert still


def test_a_recording_without_signal_has_no_moment() -> None:
    none = np.empty(0)
    assert choose_moment(BenchRecording(none, np.empty((1, 0)), ("green",), none, np.empty((3, 0)))) is None


spans = st.builds(
    Span, st.floats(0, 100), st.floats(0, 40), st.text(alphabet="abcdefgh ", min_size=1, max_size=14)
)


@given(spans=st.lists(spans, max_size=12))
def test_labelled_boxes_never_overlap_in_their_lane(spans: list[Span]) -> None:
    placed = place_labels(spans, duration_s=140)
    assert sorted(entry.span for entry in placed) == sorted(spans)
    labelled = [entry for entry in placed if entry.label_at != "nowhere"]
    for entry in labelled:
        for other in labelled:
            if entry is not other and entry.lane == other.lane and entry.span <= other.span:
                assert entry.span.start_s + entry.span.duration_s <= other.span.start_s + 1e-9


def test_few_spans_all_keep_their_labels_on_one_lane() -> None:
    placed = place_labels([Span(0, 60, "rest"), Span(60, 90, "walk"), Span(170, 1, "fall")], duration_s=300)
    assert [(entry.lane, entry.label_at) for entry in placed] == [(0, "inside"), (0, "inside"), (0, "right")]
