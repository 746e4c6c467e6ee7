"""Heart rate, beats, motion and rest from wrist signals: arrays in, features out."""
