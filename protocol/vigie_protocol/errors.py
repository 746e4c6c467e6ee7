"""Errors of the protocol.

ProtocolError
├── FrameError      a frame cannot be built or its bytes are not one (wrong CRC, too long, truncated)
└── MessageError    a body does not fit its message, or a definition leaves the subset
"""

from __future__ import annotations


class ProtocolError(ValueError):
    """Root of everything that ``vigie_protocol`` raises."""


class FrameError(ProtocolError):
    """Bytes that are not a frame, or a body that does not fit into one."""


class MessageError(ProtocolError):
    """A message whose bytes or values break its definition."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(f"{message}: {reason}")
        self.message = message
        self.reason = reason
