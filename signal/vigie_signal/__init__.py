"""Heart rate, beats, motion and rest from wrist signals: arrays in, features out."""

from vigie_signal.assessment import DayAssessment, Evidence, Grade, Sensitivity
from vigie_signal.beats import Beats, find_beats
from vigie_signal.breathing import BreathingRate, breathing_rate
from vigie_signal.daily import DailyFeatures, DayWindow, as_columns, daily_features
from vigie_signal.early_warning import assess_days
from vigie_signal.falls import Fall, detect_falls
from vigie_signal.heart_rate import HeartRateTrack, HeartRateTracker, track_heart_rate
from vigie_signal.minutes import Minutes, per_minute
from vigie_signal.movement import Activity, Intensity, activity
from vigie_signal.nightsignal import NightSignalDay, night_signal
from vigie_signal.rest import Rest, rest_periods
from vigie_signal.steps import Steps, count_steps
from vigie_signal.variability import HeartRateVariability, heart_rate_variability
from vigie_signal.wear import Wear, worn

__all__ = [
    "Activity",
    "Beats",
    "BreathingRate",
    "DailyFeatures",
    "DayAssessment",
    "DayWindow",
    "Evidence",
    "Fall",
    "Grade",
    "HeartRateTrack",
    "HeartRateTracker",
    "HeartRateVariability",
    "Intensity",
    "Minutes",
    "NightSignalDay",
    "Rest",
    "Sensitivity",
    "Steps",
    "Wear",
    "activity",
    "as_columns",
    "assess_days",
    "breathing_rate",
    "count_steps",
    "daily_features",
    "detect_falls",
    "find_beats",
    "heart_rate_variability",
    "night_signal",
    "per_minute",
    "rest_periods",
    "track_heart_rate",
    "worn",
]
