"""Sensor drivers: a chip each; a driver takes only its bus."""
