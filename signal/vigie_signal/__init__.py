"""Heart rate, beats, motion and rest from wrist signals: arrays in, features out."""

from vigie_signal.heart_rate import HeartRateTrack, HeartRateTracker, track_heart_rate

__all__ = ["HeartRateTrack", "HeartRateTracker", "track_heart_rate"]
