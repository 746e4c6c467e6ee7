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
    CANCELLED = 21
    """The wearer pressed the button after a fall was told by vibration; ``value`` is the seconds since."""
    OVERFLOW = 22
    """A FIFO was full; ``value`` is how many samples were lost."""


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
    NO_LOG = 11
    """This board keeps no flash log."""
    OTHER_BOOT = 12
    """The board has started anew since its time was asked for."""
    UNSUPPORTED_PLAN = 13


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
    """What a record of the flash log is; each lane has record numbers of its own, and its turn when the log is full."""

    EVENT = 0
    """Events, gaps, anchors, boots, plans: the last to go."""
    TREND = 1
    """Quarter-hours."""
    MINUTE = 2
    RAW = 3
    """Compressed windows of samples: the first to go."""


class GapReason(enum.IntEnum):
    """Why there are no data for a while."""

    POWER_OFF = 1
    """Nothing ran: from the last record of a boot to the next boot (worked out by the host)."""
    OFF_WRIST = 2
    PLAN = 3
    """The sampling plan did not ask for it."""
    LOG_FULL = 4
    SENSOR_FAULT = 5
    OVERFLOW = 6
    """A FIFO was full."""
    CLOCK_UNKNOWN = 7
    """There are records, but nobody knows when they were made (worked out by the host)."""
    LIVE = 8
    """A host had the sensors for a live stream."""
    DAMAGED = 9
    """The flash gave back a record that is not whole."""
    UNEXPLAINED = 255
    """Nothing says why (worked out by the host)."""


class Posture(enum.IntEnum):
    """How the forearm lies, by gravity alone."""

    UNKNOWN = 0
    HANGING = 1
    LYING_PALM_DOWN = 2
    LYING_PALM_UP = 3
    LYING_ON_SIDE = 4
    RAISED = 5


class MinuteState(enum.IntFlag):
    """Upper bits of a minute's state; its lower three are the :class:`Posture`."""

    WORN = 8
    OFF_WRIST = 16
    SATURATED = 32
    """The PPG was at its limit in part of its window."""
    MOVING = 64
    """Too much motion for a heart rate."""
    CHARGING = 128
