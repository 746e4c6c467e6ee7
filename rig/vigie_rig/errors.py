"""Errors of the rig.

RigError
├── UsageError        a bench, fault or option that cannot be: nothing was run
├── BoardMissing      the board, or what it needs on this machine, is not there
├── PowerCut          power went while a flash worked: planned, and for who planned it
├── RigFault          the rig itself failed: says nothing about the firmware
└── FirmwareFault     the board crashed, hung or spoke nonsense
"""

from __future__ import annotations


class RigError(Exception):
    """Root of everything that ``vigie_rig`` raises."""


class UsageError(RigError, ValueError):
    """A description that cannot be run; the text says what to write instead."""


class BoardMissing(RigError):
    """A board cannot be had here; the text says what to install or plug in."""


class PowerCut(RigError):
    """Power was cut in the middle of a flash operation, as planned."""


class RigFault(RigError):
    """The rig failed, not the firmware."""


class FirmwareFault(RigError):
    """The firmware crashed, hung or left the protocol."""

    def __init__(self, reason: str, console: str = "") -> None:
        super().__init__(reason + (f"\n{console}" if console else ""))
        self.reason = reason
        self.console = console
        """The last lines that the board printed."""
