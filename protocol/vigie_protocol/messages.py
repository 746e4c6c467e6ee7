"""Every message between bracelet and host, once. Everything else about the wire is derived from this file.

To add a message: describe it here with a free number, run ``make generate``, commit what changed.
Number 3 is never given: a frame that began with it could not be told from ctrl-C (see docs/protocol.md).
"""

from __future__ import annotations

from typing import Annotated, Final

from construct import (
    Array,
    Bytes,
    GreedyBytes,
    GreedyRange,
    Int8ul,
    Int16sl,
    Int16ul,
    Int24ub,
    Int32sl,
    Int32ul,
)

from vigie_protocol import enums
from vigie_protocol.definition import BOTH, DEVICE, HOST, LOG, Message, Wire, message

PROTOCOL_MAJOR: Final = 1
PROTOCOL_MINOR: Final = 0

_REQUEST = Wire(Int16ul, "Sequence number of the request that this answers.")
_TICKS_US = Wire(Int32ul, "Monotonic microseconds since boot, modulo 2^30.", unit="µs", bits=30)
_EPOCH = Wire(Int16ul, "How often ticks_us has wrapped since boot.")
_CONFIGURATION = Wire(Int8ul, "Number of the configuration in force; it grows with every Configure.")
_FIRST_SAMPLE = Wire(
    Int32ul,
    "Number of the block's first sample since the stream began, lost ones counted, modulo 2^30.",
    bits=30,
)
_OVERFLOW = Wire(
    Int16ul, "Samples lost just before this block; 65535 stands for that many or more.", unit="samples"
)
_FLAGS = Wire(Int8ul, "What is special about the block.", values=enums.BlockFlag)

_PLAN_ACC_RATE = Wire(Int16ul, "Accelerometer rate, always on; 0: off.", unit="0.1 Hz")
_PLAN_ACC_RANGE = Wire(Int8ul, "Accelerometer full scale: 2, 4, 8 or 16.", unit="g")
_PLAN_PPG_RATE = Wire(Int16ul, "PPG rate, one green channel; 0: off.", unit="Hz")
_PLAN_PPG_WINDOW = Wire(Int8ul, "How long the PPG is on at a time.", unit="s")
_PLAN_DAY_EVERY = Wire(Int16ul, "A PPG window every so often by day; whole minutes.", unit="s")
_PLAN_NIGHT_EVERY = Wire(Int16ul, "A PPG window every so often at night; whole minutes.", unit="s")
_PLAN_NIGHT_FROM = Wire(Int16ul, "When night begins, in minutes of the UTC day.", unit="min")
_PLAN_NIGHT_TO = Wire(Int16ul, "When night ends, in minutes of the UTC day.", unit="min")
_PLAN_RAW_AT = Wire(Int16ul, "When the daily raw window begins, in minutes of the UTC day.", unit="min")
_PLAN_RAW_WINDOW = Wire(Int16ul, "How long the daily raw window is; 0: none.", unit="s")
_PLAN_RAW_ON_EVENT = Wire(Int16ul, "How long a raw window after a fall is; 0: none.", unit="s")


# Host to device


@message(0x10, to=DEVICE)
class HelloRequest(Message):
    """Opens a session. Its layout never changes, whatever the version."""

    protocol_major: Annotated[int, Wire(Int8ul, "Major version that the host speaks.")]
    protocol_minor: Annotated[int, Wire(Int8ul, "Newest minor version that the host knows.")]
    schema_crc: Annotated[int, Wire(Int32ul, "CRC-32 of the canonical text of the host's schema.")]


@message(0x11, to=DEVICE)
class StatusRequest(Message):
    """Asks for a Status."""

    collect: Annotated[int, Wire(Int8ul, "1: collect garbage first, so that the heap shows what is live.")]


@message(0x12, to=DEVICE)
class Configure(Message):
    """Sets up the sensors, not while streaming; answered by Configuration, or Error if a chip lacks a setting."""

    ppg_rate_hz: Annotated[int, Wire(Int16ul, "PPG sampling rate; 0 switches the PPG off.", unit="Hz")]
    ppg_channels: Annotated[int, Wire(Int8ul, "1: green; 2: green, infrared; 3: green, infrared, red.")]
    ppg_pulse_width_us: Annotated[int, Wire(Int16ul, "LED pulse width: 69, 118, 215 or 411.", unit="µs")]
    ppg_range_na: Annotated[int, Wire(Int16ul, "Full scale: 2048, 4096, 8192 or 16384.", unit="nA")]
    ppg_average: Annotated[int, Wire(Int8ul, "Samples averaged by the sensor: 1, 2, 4, 8, 16 or 32.")]
    ppg_led_ua: Annotated[int, Wire(Int16ul, "Current of each LED, in steps of 200, up to 51000.", unit="µA")]
    acc_rate_decihz: Annotated[
        int, Wire(Int16ul, "Accelerometer rate: 125, 260, 520, 1040, 2080; 0 is off.", unit="0.1 Hz")
    ]
    acc_range_g: Annotated[int, Wire(Int8ul, "Full scale: 2, 4, 8 or 16.", unit="g")]


@message(0x13, to=DEVICE)
class StartStream(Message):
    """Starts streams; answered by Done. Sample numbers begin at 0."""

    streams: Annotated[int, Wire(Int8ul, "Streams to run.", values=enums.Stream)]


@message(0x14, to=DEVICE)
class StopStream(Message):
    """Stops all streams; answered by Done after the last block."""


@message(0x15, to=DEVICE)
class Restart(Message):
    """Restarts the application or leaves it; answered by Done just before."""

    mode: Annotated[int, Wire(Int8ul, "What to start.", values=enums.RestartMode)]


@message(0x16, to=DEVICE)
class ConfigurationRequest(Message):
    """Asks for the Configuration in force."""


# Device to host


@message(0x40, to=HOST)
class Hello(Message):
    """Answers HelloRequest. Its layout never changes, whatever the version."""

    request: Annotated[int, _REQUEST]
    protocol_major: Annotated[int, Wire(Int8ul, "Major version that the device speaks.")]
    protocol_minor: Annotated[int, Wire(Int8ul, "Minor version that the device speaks.")]
    schema_crc: Annotated[int, Wire(Int32ul, "CRC-32 of the canonical text of the device's schema.")]
    device_id: Annotated[bytes, Wire(Bytes(8), "Unique id of the device, padded with zeros.")]
    boot_id: Annotated[int, Wire(Int32ul, "Random number of this boot.")]
    firmware_major: Annotated[int, Wire(Int8ul, "Firmware version.")]
    firmware_minor: Annotated[int, Wire(Int8ul, "Firmware version.")]
    firmware_patch: Annotated[int, Wire(Int8ul, "Firmware version.")]
    micropython_major: Annotated[int, Wire(Int8ul, "Interpreter version.")]
    micropython_minor: Annotated[int, Wire(Int8ul, "Interpreter version.")]
    micropython_patch: Annotated[int, Wire(Int8ul, "Interpreter version.")]
    largest_frame: Annotated[
        int, Wire(Int16ul, "Largest frame that the device takes, before COBS.", unit="bytes")
    ]
    streams: Annotated[int, Wire(Int8ul, "Streams that the device has.", values=enums.Stream)]
    capabilities: Annotated[int, Wire(Int32ul, "What else it can do.", values=enums.Capability)]


@message(0x41, to=HOST)
class Status(Message):
    """How the device is."""

    request: Annotated[int, _REQUEST]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    streams: Annotated[int, Wire(Int8ul, "Streams that run.", values=enums.Stream)]
    reset_reason: Annotated[int, Wire(Int8ul, "Why the device last started.", values=enums.ResetReason)]
    battery_mv: Annotated[int, Wire(Int16ul, "Battery voltage; 0 is unknown.", unit="mV")]
    heap_live_bytes: Annotated[int, Wire(Int32ul, "Heap in use.", unit="bytes")]
    heap_free_bytes: Annotated[int, Wire(Int32ul, "Heap left.", unit="bytes")]
    frames_bad: Annotated[int, Wire(Int16ul, "Frames received that were not whole, modulo 2^16.")]
    frames_sent: Annotated[int, Wire(Int32ul, "Frames sent since boot.", bits=30)]
    ppg_lost: Annotated[
        int, Wire(Int32ul, "PPG samples lost since the stream began.", unit="samples", bits=30)
    ]
    acc_lost: Annotated[
        int, Wire(Int32ul, "Accelerometer samples lost since the stream began.", unit="samples", bits=30)
    ]
    sensor_faults: Annotated[int, Wire(Int16ul, "Failed transfers on the sensor bus since boot.")]


@message(0x42, to=HOST)
class Configuration(Message):
    """The configuration in force: what the sensors really do."""

    request: Annotated[int, _REQUEST]
    configuration: Annotated[int, _CONFIGURATION]
    ppg_rate_hz: Annotated[int, Wire(Int16ul, "PPG sampling rate before averaging; 0: off.", unit="Hz")]
    ppg_channels: Annotated[int, Wire(Int8ul, "1: green; 2: green, infrared; 3: green, infrared, red.")]
    ppg_pulse_width_us: Annotated[int, Wire(Int16ul, "LED pulse width.", unit="µs")]
    ppg_range_na: Annotated[int, Wire(Int16ul, "Full scale of 18 bits.", unit="nA")]
    ppg_average: Annotated[int, Wire(Int8ul, "Samples averaged by the sensor.")]
    ppg_led_ua: Annotated[int, Wire(Int16ul, "Current of each LED.", unit="µA")]
    acc_rate_decihz: Annotated[int, Wire(Int16ul, "Accelerometer rate; 0: off.", unit="0.1 Hz")]
    acc_range_g: Annotated[int, Wire(Int8ul, "Full scale of 16 bits.", unit="g")]


@message(0x43, to=HOST)
class Done(Message):
    """A request was carried out."""

    request: Annotated[int, _REQUEST]


@message(0x44, to=HOST)
class Error(Message):
    """A request was refused; nothing was changed."""

    request: Annotated[int, _REQUEST]
    code: Annotated[int, Wire(Int8ul, "Why.", values=enums.ErrorCode)]
    text: Annotated[bytes, Wire(GreedyBytes, "What to do instead, UTF-8.")]


@message(0x48, to=HOST, hot=True)
class PpgBlock(Message):
    """PPG samples as they stood in the sensor's FIFO: one burst, untouched."""

    first_sample: Annotated[int, _FIRST_SAMPLE]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    overflow: Annotated[int, _OVERFLOW]
    flags: Annotated[int, _FLAGS]
    configuration: Annotated[int, _CONFIGURATION]
    channels: Annotated[int, Wire(Int8ul, "Channels a sample: 1 to 3.")]
    samples: Annotated[
        tuple[int, ...],
        Wire(
            GreedyRange(Int24ub),
            "18-bit counts, channel after channel, in three bytes *big-endian* as the MAX30101 has them. "
            "The upper 6 bits, of which its datasheet says nothing, a sender makes zero; a receiver refuses a block "
            "that has others.",
            bits=18,
        ),
    ]


@message(0x49, to=HOST, hot=True)
class AccelerometerBlock(Message):
    """Accelerometer samples as they stood in the sensor's FIFO, their tags checked and taken off."""

    first_sample: Annotated[int, _FIRST_SAMPLE]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    overflow: Annotated[int, _OVERFLOW]
    flags: Annotated[int, _FLAGS]
    configuration: Annotated[int, _CONFIGURATION]
    range_g: Annotated[int, Wire(Int8ul, "Full scale of 16 bits: 2, 4, 8 or 16.", unit="g")]
    sensor_ticks: Annotated[
        int,
        Wire(
            Int32ul,
            "The sensor's own timestamp at the last sample stamped so far, modulo 2^30.",
            unit="25 µs",
            bits=30,
        ),
    ]
    samples: Annotated[
        tuple[tuple[int, int, int], ...], Wire(GreedyRange(Array(3, Int16sl)), "Counts of x, y, z.")
    ]


@message(0x4A, to=HOST)
class Event(Message):
    """Something happened."""

    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    code: Annotated[int, Wire(Int8ul, "What.", values=enums.EventCode)]
    value: Annotated[int, Wire(Int32sl, "Detail; its meaning depends on the code.")]


@message(0x4B, to=HOST)
class Log(Message):
    """A line for the developer."""

    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    level: Annotated[int, Wire(Int8ul, "How much it matters.", values=enums.LogLevel)]
    text: Annotated[bytes, Wire(GreedyBytes, "The line, UTF-8.")]


# The flash log: what a gateway asks, and what it is told


@message(0x20, to=DEVICE)
class Fetch(Message):
    """Asks for records of a lane from a number on; answered by Records frames and then Fetched."""

    lane: Annotated[int, Wire(Int8ul, "Lane to read.", values=enums.Lane)]
    first: Annotated[int, Wire(Int32ul, "Number of the first record wanted.")]
    count: Annotated[int, Wire(Int16ul, "How many numbers from there on, at most 1024.")]


@message(0x21, to=DEVICE)
class Cursor(Message):
    """How far a gateway holds records, and how far they are delivered; answered by Done.

    Cursors only grow: a lower one than the device's is no error and changes nothing.
    """

    lane: Annotated[int, Wire(Int8ul, "Lane that it is about.", values=enums.Lane)]
    held: Annotated[int, Wire(Int32ul, "All records below this number are committed by a gateway.")]
    delivered: Annotated[int, Wire(Int32ul, "All records below this number are confirmed by the receiver.")]


@message(0x22, to=DEVICE)
class LogRequest(Message):
    """Asks for a LogStatus."""


@message(0x23, to=DEVICE)
class LaneRequest(Message):
    """Asks for a LaneStatus."""

    lane: Annotated[int, Wire(Int8ul, "Lane.", values=enums.Lane)]


@message(0x24, to=DEVICE)
class TimeRequest(Message):
    """Asks for Time, at once."""


@message(0x25, to=DEVICE)
class SetAnchor(Message):
    """Pairs the device's ticks with UTC; it is kept as an AnchorRecord and answered by Done."""

    boot_id: Annotated[int, Wire(Int32ul, "Boot that the ticks are of.")]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    utc_s: Annotated[int, Wire(Int32ul, "UTC at those ticks, seconds since 1970.", unit="s")]
    utc_ms: Annotated[int, Wire(Int16ul, "And milliseconds.", unit="ms")]
    uncertainty_ms: Annotated[int, Wire(Int16ul, "How far off it may be; 65535: that or more.", unit="ms")]


@message(0x26, to=DEVICE)
class SetPlan(Message):
    """Sets what the device samples by itself; kept across boots; answered by Plan."""

    acc_rate_decihz: Annotated[int, _PLAN_ACC_RATE]
    acc_range_g: Annotated[int, _PLAN_ACC_RANGE]
    ppg_rate_hz: Annotated[int, _PLAN_PPG_RATE]
    ppg_window_s: Annotated[int, _PLAN_PPG_WINDOW]
    ppg_day_every_s: Annotated[int, _PLAN_DAY_EVERY]
    ppg_night_every_s: Annotated[int, _PLAN_NIGHT_EVERY]
    night_from_min: Annotated[int, _PLAN_NIGHT_FROM]
    night_to_min: Annotated[int, _PLAN_NIGHT_TO]
    raw_at_min: Annotated[int, _PLAN_RAW_AT]
    raw_window_s: Annotated[int, _PLAN_RAW_WINDOW]
    raw_on_event_s: Annotated[int, _PLAN_RAW_ON_EVENT]


@message(0x27, to=DEVICE)
class PlanRequest(Message):
    """Asks for the Plan in force."""


@message(0x28, to=DEVICE)
class Capture(Message):
    """Asks for a raw window now; answered by Done, and the window comes into the lane RAW."""

    seconds: Annotated[int, Wire(Int16ul, "How long; 0 ends the window that runs.", unit="s")]


@message(0x60, to=HOST)
class Records(Message):
    """Records of one lane with numbers that follow each other, all of one boot.

    The tail holds one record after the other: kind (u8), length of the body (u8), time (u24, in 10 ms since
    ``ticks_us``), body. Kinds are the numbers of the record messages below.
    """

    request: Annotated[int, _REQUEST]
    lane: Annotated[int, Wire(Int8ul, "Lane.", values=enums.Lane)]
    first: Annotated[int, Wire(Int32ul, "Number of the first record.")]
    boot_id: Annotated[int, Wire(Int32ul, "Boot in which they were written.")]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    records: Annotated[bytes, Wire(GreedyBytes, "The records.")]


@message(0x61, to=HOST)
class Fetched(Message):
    """Ends the answer to a Fetch: what did not come of the numbers before ``next`` is not in the log."""

    request: Annotated[int, _REQUEST]
    lane: Annotated[int, Wire(Int8ul, "Lane.", values=enums.Lane)]
    next: Annotated[int, Wire(Int32ul, "Number to go on with.")]
    count: Annotated[int, Wire(Int16ul, "Records sent.")]


@message(0x62, to=HOST)
class LogStatus(Message):
    """How the flash log is."""

    request: Annotated[int, _REQUEST]
    log_id: Annotated[int, Wire(Int32ul, "Random number of this log: numbers begin anew with another one.")]
    version: Annotated[int, Wire(Int8ul, "Version of the log's format.")]
    sector_bytes: Annotated[int, Wire(Int16ul, "Size of a sector.", unit="bytes")]
    sectors: Annotated[int, Wire(Int16ul, "Sectors of the log.")]
    sectors_free: Annotated[int, Wire(Int16ul, "Sectors that hold nothing, or only what is delivered.")]
    erases: Annotated[int, Wire(Int32ul, "Erases of the most worn sector.")]
    damaged: Annotated[int, Wire(Int16ul, "Records met since boot that were not whole.")]
    dropped: Annotated[int, Wire(Int32ul, "Records dropped since boot that nobody had.")]
    dropped_held: Annotated[
        int, Wire(Int32ul, "Records dropped since boot that a gateway held, undelivered.")
    ]


@message(0x63, to=HOST)
class LaneStatus(Message):
    """How far a lane of the flash log goes."""

    request: Annotated[int, _REQUEST]
    lane: Annotated[int, Wire(Int8ul, "Lane.", values=enums.Lane)]
    oldest: Annotated[int, Wire(Int32ul, "Number of the oldest record in the log.")]
    next: Annotated[int, Wire(Int32ul, "Number that the next record will have.")]
    held: Annotated[int, Wire(Int32ul, "All records below this number are committed by a gateway.")]
    delivered: Annotated[int, Wire(Int32ul, "All records below this number are confirmed by the receiver.")]
    sectors: Annotated[int, Wire(Int16ul, "Sectors that hold the lane.")]


@message(0x64, to=HOST)
class Time(Message):
    """The device's clock, read just before this was sent."""

    request: Annotated[int, _REQUEST]
    boot_id: Annotated[int, Wire(Int32ul, "Boot that the ticks are of.")]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]


@message(0x65, to=HOST)
class Plan(Message):
    """The sampling plan in force."""

    request: Annotated[int, _REQUEST]
    acc_rate_decihz: Annotated[int, _PLAN_ACC_RATE]
    acc_range_g: Annotated[int, _PLAN_ACC_RANGE]
    ppg_rate_hz: Annotated[int, _PLAN_PPG_RATE]
    ppg_window_s: Annotated[int, _PLAN_PPG_WINDOW]
    ppg_day_every_s: Annotated[int, _PLAN_DAY_EVERY]
    ppg_night_every_s: Annotated[int, _PLAN_NIGHT_EVERY]
    night_from_min: Annotated[int, _PLAN_NIGHT_FROM]
    night_to_min: Annotated[int, _PLAN_NIGHT_TO]
    raw_at_min: Annotated[int, _PLAN_RAW_AT]
    raw_window_s: Annotated[int, _PLAN_RAW_WINDOW]
    raw_on_event_s: Annotated[int, _PLAN_RAW_ON_EVENT]


# Bodies of the log's records


@message(0x80, to=LOG)
class MinuteRecord(Message):
    """The minute that ends at the record's time."""

    bpm: Annotated[int, Wire(Int8ul, "Heart rate; 0: no answer.", unit="1/min", mdc=149530)]
    confidence: Annotated[int, Wire(Int8ul, "How likely it is right.", unit="%")]
    rmssd: Annotated[int, Wire(Int8ul, "RMSSD, when still; 0: none; 255: that or more.", unit="2 ms")]
    steps: Annotated[int, Wire(Int8ul, "Steps.")]
    activity: Annotated[
        int, Wire(Int8ul, "Mean distance of the acceleration's length from 1 g.", unit="4 mg")
    ]
    state: Annotated[int, Wire(Int8ul, "Posture in bits 0 to 2; and above.", values=enums.MinuteState)]
    battery: Annotated[int, Wire(Int8ul, "Charge; 255: unknown.", unit="%")]


@message(0x81, to=LOG)
class QuarterRecord(Message):
    """The quarter of an hour that ends at the record's time."""

    bpm: Annotated[
        int, Wire(Int8ul, "Median of the minutes' heart rates; 0: none.", unit="1/min", mdc=149530)
    ]
    minutes: Annotated[int, Wire(Int8ul, "Minutes answered in bits 0 to 3, minutes worn in 4 to 7.")]
    rmssd: Annotated[int, Wire(Int8ul, "Median of the minutes' RMSSD; 0: none.", unit="2 ms")]
    steps: Annotated[int, Wire(Int16ul, "Steps.")]
    activity: Annotated[int, Wire(Int8ul, "Mean of the minutes.", unit="4 mg")]
    battery: Annotated[int, Wire(Int8ul, "Charge; 255: unknown.", unit="%")]


@message(0x82, to=LOG)
class EventRecord(Message):
    """Something happened at the record's time."""

    code: Annotated[int, Wire(Int8ul, "What.", values=enums.EventCode)]
    value: Annotated[int, Wire(Int32sl, "Detail; its meaning depends on the code.")]


@message(0x83, to=LOG)
class GapRecord(Message):
    """There are no data for a while that ends at the record's time."""

    reason: Annotated[int, Wire(Int8ul, "Why.", values=enums.GapReason)]
    streams: Annotated[int, Wire(Int8ul, "Streams that it concerns.", values=enums.Stream)]
    centiseconds: Annotated[int, Wire(Int32ul, "How long.", unit="10 ms")]


@message(0x84, to=LOG)
class DroppedRecord(Message):
    """Records were dropped because the log was full, or lost because a sector could not be read."""

    lane: Annotated[int, Wire(Int8ul, "Lane.", values=enums.Lane)]
    first: Annotated[int, Wire(Int32ul, "Number of the first one.")]
    count: Annotated[int, Wire(Int16ul, "How many.")]
    reason: Annotated[int, Wire(Int8ul, "Why.", values=enums.GapReason)]


@message(0x85, to=LOG)
class AnchorRecord(Message):
    """A gateway said what UTC it was."""

    boot_id: Annotated[int, Wire(Int32ul, "Boot that the ticks are of.")]
    ticks_us: Annotated[int, _TICKS_US]
    epoch: Annotated[int, _EPOCH]
    utc_s: Annotated[int, Wire(Int32ul, "UTC at those ticks, seconds since 1970.", unit="s")]
    utc_ms: Annotated[int, Wire(Int16ul, "And milliseconds.", unit="ms")]
    uncertainty_ms: Annotated[int, Wire(Int16ul, "How far off it may be; 65535: that or more.", unit="ms")]


@message(0x86, to=LOG)
class BootRecord(Message):
    """The device started: the first record of every boot."""

    reason: Annotated[int, Wire(Int8ul, "Why.", values=enums.ResetReason)]
    firmware_major: Annotated[int, Wire(Int8ul, "Firmware version.")]
    firmware_minor: Annotated[int, Wire(Int8ul, "Firmware version.")]
    firmware_patch: Annotated[int, Wire(Int8ul, "Firmware version.")]
    schema_crc: Annotated[int, Wire(Int32ul, "CRC-32 of the schema that the records are written in.")]


@message(0x87, to=LOG)
class PlanRecord(Message):
    """The sampling plan from here on."""

    acc_rate_decihz: Annotated[int, _PLAN_ACC_RATE]
    acc_range_g: Annotated[int, _PLAN_ACC_RANGE]
    ppg_rate_hz: Annotated[int, _PLAN_PPG_RATE]
    ppg_window_s: Annotated[int, _PLAN_PPG_WINDOW]
    ppg_day_every_s: Annotated[int, _PLAN_DAY_EVERY]
    ppg_night_every_s: Annotated[int, _PLAN_NIGHT_EVERY]
    night_from_min: Annotated[int, _PLAN_NIGHT_FROM]
    night_to_min: Annotated[int, _PLAN_NIGHT_TO]
    raw_at_min: Annotated[int, _PLAN_RAW_AT]
    raw_window_s: Annotated[int, _PLAN_RAW_WINDOW]
    raw_on_event_s: Annotated[int, _PLAN_RAW_ON_EVENT]


@message(0x88, to=LOG)
class RawPpgRecord(Message):
    """Compressed PPG samples; the last was read from its sensor at the record's time."""

    first_sample: Annotated[int, Wire(Int32ul, "Number of the first sample in its window.", bits=30)]
    samples: Annotated[int, Wire(Int16ul, "Samples of each channel.")]
    channels: Annotated[int, Wire(Int8ul, "Channels a sample.")]
    rate_hz: Annotated[int, Wire(Int16ul, "Sampling rate by the configuration.", unit="Hz")]
    led_ua: Annotated[int, Wire(Int16ul, "LED current.", unit="µA")]
    packed: Annotated[
        bytes, Wire(GreedyBytes, "Samples, channel after channel, as `vigie_protocol.rice` has them.")
    ]


@message(0x89, to=LOG)
class RawAccelerometerRecord(Message):
    """Compressed accelerometer samples; the last was read from its sensor at the record's time."""

    first_sample: Annotated[int, Wire(Int32ul, "Number of the first sample in its window.", bits=30)]
    samples: Annotated[int, Wire(Int16ul, "Samples of each axis.")]
    rate_decihz: Annotated[int, Wire(Int16ul, "Sampling rate by the configuration.", unit="0.1 Hz")]
    range_g: Annotated[int, Wire(Int8ul, "Full scale of 16 bits.", unit="g")]
    packed: Annotated[bytes, Wire(GreedyBytes, "Samples x, y, z, as `vigie_protocol.rice` has them.")]


# Reserved: numbered now so that nothing is rewritten when sealed links come


@message(0x70, to=BOTH, reserved=True)
class Sealed(Message):
    """An encrypted and authenticated message (reserved)."""

    counter: Annotated[
        int, Wire(Int32ul, "Grows with every sealed message of a session; never repeats under a key.")
    ]
    tag: Annotated[bytes, Wire(Bytes(16), "Authentication tag.")]
    body: Annotated[bytes, Wire(GreedyBytes, "Cipher text of kind and body of the message inside.")]


MESSAGES: Final[tuple[type[Message], ...]] = tuple(
    each for each in list(vars().values()) if isinstance(each, type) and each.__module__ == __name__
)
"""All of the above, in their order."""
BY_KIND: Final[dict[int, type[Message]]] = {each.KIND: each for each in MESSAGES}
