"""Firmware of the Vigie bracelet, for MicroPython 1.25 or newer."""

VERSION = (0, 1, 0)
