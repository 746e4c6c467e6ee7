"""Named numbers on the wire. A name is never given another number; new names are added at the end."""

from __future__ import annotations

import enum


class Capability(enum.IntFlag):
    """What a device can do beside its streams, told in its Hello."""

    REPL = 1
    """The MicroPython prompt can be reached over this link (development builds)."""
    FLASH_LOG = 2
    SEALED = 4


class Stream(enum.IntFlag):
    """Streams, one bit each."""

    PPG = 1
    ACCELEROMETER = 2


class BlockFlag(enum.IntFlag):
    """What is special about a block of samples."""

    OVERFLOW_INFERRED = 1
    """The sensor's counter was saturated: ``overflow`` was worked out from the elapsed ticks."""
    FIRST = 2
    """First block since the stream began or the sensor was set up again."""


class EventCode(enum.IntEnum):
    """What happened."""

    SENSOR_FAULT = 2
    """A sensor does not answer; ``value`` is its stream bit."""
    SENSOR_STALLED = 3
    """A sensor answers but makes no samples; ``value`` is its stream bit."""
    SENSOR_RECOVERED = 4
    FALL = 16
    OFF_WRIST = 17
    ON_WRIST = 18
    BUTTON = 19
    LOW_BATTERY = 20


class ErrorCode(enum.IntEnum):
    """Why a request was refused."""

    UNKNOWN_MESSAGE = 1
    MALFORMED = 2
    UNSUPPORTED_RATE = 3
    UNSUPPORTED_PULSE_WIDTH = 4
    UNSUPPORTED_RANGE = 5
    UNSUPPORTED_CHANNELS = 6
    SENSOR_ABSENT = 7
    BUSY_STREAMING = 8
    """Stop the stream first."""
    UNSUPPORTED_STREAM = 9
    UNSUPPORTED_AVERAGING = 10


class LogLevel(enum.IntEnum):
    """How much a log line matters."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4


class ResetReason(enum.IntEnum):
    """Why the device started."""

    UNKNOWN = 0
    POWER_ON = 1
    HARD = 2
    WATCHDOG = 3
    DEEP_SLEEP = 4
    SOFT = 5


class RestartMode(enum.IntEnum):
    """What a Restart does."""

    APPLICATION = 0
    """Soft reset: the application starts again."""
    PROMPT = 1
    """Leave the application for the MicroPython prompt."""


class Lane(enum.IntEnum):
    """Urgency of a record (reserved)."""

    URGENT = 0
    TREND = 1
    BULK = 2
