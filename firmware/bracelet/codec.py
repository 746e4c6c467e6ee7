"""Generated from vigie_protocol by `make generate`: do not edit.

pack_x(buffer, at, ...) writes the head of a body and returns where its tail begins, without allocating;
unpack_x(buffer, at, end) returns the fields of the head and raises ValueError for any other length.
"""

# MicroPython's stubs leave the type of arrays open.
from struct import pack_into, unpack_from  # pyright: ignore[reportUnknownVariableType]

from micropython import const

PROTOCOL_MAJOR = const(1)
PROTOCOL_MINOR = const(0)
SCHEMA_CRC = const(0x72A0BEC9)
MAX_FRAME_BYTES = const(242)

HELLO_REQUEST = const(0x10)
STATUS_REQUEST = const(0x11)
CONFIGURE = const(0x12)
START_STREAM = const(0x13)
STOP_STREAM = const(0x14)
RESTART = const(0x15)
CONFIGURATION_REQUEST = const(0x16)
HELLO = const(0x40)
STATUS = const(0x41)
CONFIGURATION = const(0x42)
DONE = const(0x43)
ERROR = const(0x44)
PPG_BLOCK = const(0x48)
ACCELEROMETER_BLOCK = const(0x49)
EVENT = const(0x4A)
LOG = const(0x4B)
FETCH = const(0x20)
CURSOR = const(0x21)
LOG_REQUEST = const(0x22)
LANE_REQUEST = const(0x23)
TIME_REQUEST = const(0x24)
SET_ANCHOR = const(0x25)
SET_PLAN = const(0x26)
PLAN_REQUEST = const(0x27)
CAPTURE = const(0x28)
RECORDS = const(0x60)
FETCHED = const(0x61)
LOG_STATUS = const(0x62)
LANE_STATUS = const(0x63)
TIME = const(0x64)
PLAN = const(0x65)
MINUTE_RECORD = const(0x80)
QUARTER_RECORD = const(0x81)
EVENT_RECORD = const(0x82)
GAP_RECORD = const(0x83)
DROPPED_RECORD = const(0x84)
ANCHOR_RECORD = const(0x85)
BOOT_RECORD = const(0x86)
PLAN_RECORD = const(0x87)
RAW_PPG_RECORD = const(0x88)
RAW_ACCELEROMETER_RECORD = const(0x89)
SEALED = const(0x70)

PPG_BLOCK_HEAD_BYTES = const(15)
ACCELEROMETER_BLOCK_HEAD_BYTES = const(19)

BLOCK_FLAG_OVERFLOW_INFERRED = const(1)
BLOCK_FLAG_FIRST = const(2)

CAPABILITY_REPL = const(1)
CAPABILITY_FLASH_LOG = const(2)
CAPABILITY_SEALED = const(4)

ERROR_CODE_UNKNOWN_MESSAGE = const(1)
ERROR_CODE_MALFORMED = const(2)
ERROR_CODE_UNSUPPORTED_RATE = const(3)
ERROR_CODE_UNSUPPORTED_PULSE_WIDTH = const(4)
ERROR_CODE_UNSUPPORTED_RANGE = const(5)
ERROR_CODE_UNSUPPORTED_CHANNELS = const(6)
ERROR_CODE_SENSOR_ABSENT = const(7)
ERROR_CODE_BUSY_STREAMING = const(8)
ERROR_CODE_UNSUPPORTED_STREAM = const(9)
ERROR_CODE_UNSUPPORTED_AVERAGING = const(10)
ERROR_CODE_NO_LOG = const(11)
ERROR_CODE_OTHER_BOOT = const(12)
ERROR_CODE_UNSUPPORTED_PLAN = const(13)

EVENT_CODE_SENSOR_FAULT = const(2)
EVENT_CODE_SENSOR_STALLED = const(3)
EVENT_CODE_SENSOR_RECOVERED = const(4)
EVENT_CODE_FALL = const(16)
EVENT_CODE_OFF_WRIST = const(17)
EVENT_CODE_ON_WRIST = const(18)
EVENT_CODE_BUTTON = const(19)
EVENT_CODE_LOW_BATTERY = const(20)
EVENT_CODE_CANCELLED = const(21)
EVENT_CODE_OVERFLOW = const(22)

GAP_REASON_POWER_OFF = const(1)
GAP_REASON_OFF_WRIST = const(2)
GAP_REASON_PLAN = const(3)
GAP_REASON_LOG_FULL = const(4)
GAP_REASON_SENSOR_FAULT = const(5)
GAP_REASON_OVERFLOW = const(6)
GAP_REASON_CLOCK_UNKNOWN = const(7)
GAP_REASON_LIVE = const(8)
GAP_REASON_DAMAGED = const(9)
GAP_REASON_UNEXPLAINED = const(255)

LANE_EVENT = const(0)
LANE_TREND = const(1)
LANE_MINUTE = const(2)
LANE_RAW = const(3)

LOG_LEVEL_DEBUG = const(1)
LOG_LEVEL_INFO = const(2)
LOG_LEVEL_WARNING = const(3)
LOG_LEVEL_ERROR = const(4)

MINUTE_STATE_WORN = const(8)
MINUTE_STATE_OFF_WRIST = const(16)
MINUTE_STATE_SATURATED = const(32)
MINUTE_STATE_MOVING = const(64)
MINUTE_STATE_CHARGING = const(128)

POSTURE_UNKNOWN = const(0)
POSTURE_HANGING = const(1)
POSTURE_LYING_PALM_DOWN = const(2)
POSTURE_LYING_PALM_UP = const(3)
POSTURE_LYING_ON_SIDE = const(4)
POSTURE_RAISED = const(5)

RESET_REASON_UNKNOWN = const(0)
RESET_REASON_POWER_ON = const(1)
RESET_REASON_HARD = const(2)
RESET_REASON_WATCHDOG = const(3)
RESET_REASON_DEEP_SLEEP = const(4)
RESET_REASON_SOFT = const(5)

RESTART_MODE_APPLICATION = const(0)
RESTART_MODE_PROMPT = const(1)

STREAM_PPG = const(1)
STREAM_ACCELEROMETER = const(2)


def unpack_hello_request(buffer: bytes, at: int, end: int) -> tuple[int, int, int]:
    if end - at != 6:
        raise ValueError("HelloRequest")
    return unpack_from("<BBI", buffer, at)


def unpack_status_request(buffer: bytes, at: int, end: int) -> tuple[int]:
    if end - at != 1:
        raise ValueError("StatusRequest")
    return unpack_from("<B", buffer, at)


def unpack_configure(buffer: bytes, at: int, end: int) -> tuple[int, int, int, int, int, int, int, int]:
    if end - at != 13:
        raise ValueError("Configure")
    return unpack_from("<HBHHBHHB", buffer, at)


def unpack_start_stream(buffer: bytes, at: int, end: int) -> tuple[int]:
    if end - at != 1:
        raise ValueError("StartStream")
    return unpack_from("<B", buffer, at)


def unpack_restart(buffer: bytes, at: int, end: int) -> tuple[int]:
    if end - at != 1:
        raise ValueError("Restart")
    return unpack_from("<B", buffer, at)


def pack_hello(
    buffer: bytearray,
    at: int,
    request: int,
    protocol_major: int,
    protocol_minor: int,
    schema_crc: int,
    device_id: bytes,
    boot_id: int,
    firmware_major: int,
    firmware_minor: int,
    firmware_patch: int,
    micropython_major: int,
    micropython_minor: int,
    micropython_patch: int,
    largest_frame: int,
    streams: int,
    capabilities: int,
) -> int:
    pack_into(
        "<HBBI8sIBBBBBBHBI",
        buffer,
        at,
        request,
        protocol_major,
        protocol_minor,
        schema_crc,
        device_id,
        boot_id,
        firmware_major,
        firmware_minor,
        firmware_patch,
        micropython_major,
        micropython_minor,
        micropython_patch,
        largest_frame,
        streams,
        capabilities,
    )
    return at + 33


def pack_status(
    buffer: bytearray,
    at: int,
    request: int,
    ticks_us: int,
    epoch: int,
    streams: int,
    reset_reason: int,
    battery_mv: int,
    heap_live_bytes: int,
    heap_free_bytes: int,
    frames_bad: int,
    frames_sent: int,
    ppg_lost: int,
    acc_lost: int,
    sensor_faults: int,
) -> int:
    pack_into(
        "<HIHBBHIIHIIIH",
        buffer,
        at,
        request,
        ticks_us & 0x3FFFFFFF,
        epoch,
        streams,
        reset_reason,
        battery_mv,
        heap_live_bytes,
        heap_free_bytes,
        frames_bad,
        frames_sent & 0x3FFFFFFF,
        ppg_lost & 0x3FFFFFFF,
        acc_lost & 0x3FFFFFFF,
        sensor_faults,
    )
    return at + 36


def pack_configuration(
    buffer: bytearray,
    at: int,
    request: int,
    configuration: int,
    ppg_rate_hz: int,
    ppg_channels: int,
    ppg_pulse_width_us: int,
    ppg_range_na: int,
    ppg_average: int,
    ppg_led_ua: int,
    acc_rate_decihz: int,
    acc_range_g: int,
) -> int:
    pack_into(
        "<HBHBHHBHHB",
        buffer,
        at,
        request,
        configuration,
        ppg_rate_hz,
        ppg_channels,
        ppg_pulse_width_us,
        ppg_range_na,
        ppg_average,
        ppg_led_ua,
        acc_rate_decihz,
        acc_range_g,
    )
    return at + 16


def pack_done(buffer: bytearray, at: int, request: int) -> int:
    pack_into("<H", buffer, at, request)
    return at + 2


def pack_error(buffer: bytearray, at: int, request: int, code: int) -> int:
    pack_into("<HB", buffer, at, request, code)
    return at + 3


def pack_ppg_block(
    buffer: bytearray,
    at: int,
    first_sample: int,
    ticks_us: int,
    epoch: int,
    overflow: int,
    flags: int,
    configuration: int,
    channels: int,
) -> int:
    pack_into(
        "<IIHHBBB",
        buffer,
        at,
        first_sample & 0x3FFFFFFF,
        ticks_us & 0x3FFFFFFF,
        epoch,
        overflow,
        flags,
        configuration,
        channels,
    )
    return at + 15


def pack_accelerometer_block(
    buffer: bytearray,
    at: int,
    first_sample: int,
    ticks_us: int,
    epoch: int,
    overflow: int,
    flags: int,
    configuration: int,
    range_g: int,
    sensor_ticks: int,
) -> int:
    pack_into(
        "<IIHHBBBI",
        buffer,
        at,
        first_sample & 0x3FFFFFFF,
        ticks_us & 0x3FFFFFFF,
        epoch,
        overflow,
        flags,
        configuration,
        range_g,
        sensor_ticks & 0x3FFFFFFF,
    )
    return at + 19


def pack_event(buffer: bytearray, at: int, ticks_us: int, epoch: int, code: int, value: int) -> int:
    pack_into("<IHBi", buffer, at, ticks_us & 0x3FFFFFFF, epoch, code, value)
    return at + 11


def pack_log(buffer: bytearray, at: int, ticks_us: int, epoch: int, level: int) -> int:
    pack_into("<IHB", buffer, at, ticks_us & 0x3FFFFFFF, epoch, level)
    return at + 7


def unpack_fetch(buffer: bytes, at: int, end: int) -> tuple[int, int, int]:
    if end - at != 7:
        raise ValueError("Fetch")
    return unpack_from("<BIH", buffer, at)


def unpack_cursor(buffer: bytes, at: int, end: int) -> tuple[int, int, int]:
    if end - at != 9:
        raise ValueError("Cursor")
    return unpack_from("<BII", buffer, at)


def unpack_lane_request(buffer: bytes, at: int, end: int) -> tuple[int]:
    if end - at != 1:
        raise ValueError("LaneRequest")
    return unpack_from("<B", buffer, at)


def unpack_set_anchor(buffer: bytes, at: int, end: int) -> tuple[int, int, int, int, int, int]:
    if end - at != 18:
        raise ValueError("SetAnchor")
    return unpack_from("<IIHIHH", buffer, at)


def unpack_set_plan(
    buffer: bytes,
    at: int,
    end: int,
) -> tuple[int, int, int, int, int, int, int, int, int, int, int]:
    if end - at != 20:
        raise ValueError("SetPlan")
    return unpack_from("<HBHBHHHHHHH", buffer, at)


def unpack_capture(buffer: bytes, at: int, end: int) -> tuple[int]:
    if end - at != 2:
        raise ValueError("Capture")
    return unpack_from("<H", buffer, at)


def pack_records(
    buffer: bytearray,
    at: int,
    request: int,
    lane: int,
    first: int,
    boot_id: int,
    ticks_us: int,
    epoch: int,
) -> int:
    pack_into("<HBIIIH", buffer, at, request, lane, first, boot_id, ticks_us & 0x3FFFFFFF, epoch)
    return at + 17


def pack_fetched(buffer: bytearray, at: int, request: int, lane: int, next: int, count: int) -> int:
    pack_into("<HBIH", buffer, at, request, lane, next, count)
    return at + 9


def pack_log_status(
    buffer: bytearray,
    at: int,
    request: int,
    log_id: int,
    version: int,
    sector_bytes: int,
    sectors: int,
    sectors_free: int,
    erases: int,
    damaged: int,
    dropped: int,
    dropped_held: int,
) -> int:
    pack_into(
        "<HIBHHHIHII",
        buffer,
        at,
        request,
        log_id,
        version,
        sector_bytes,
        sectors,
        sectors_free,
        erases,
        damaged,
        dropped,
        dropped_held,
    )
    return at + 27


def pack_lane_status(
    buffer: bytearray,
    at: int,
    request: int,
    lane: int,
    oldest: int,
    next: int,
    held: int,
    delivered: int,
    sectors: int,
) -> int:
    pack_into("<HBIIIIH", buffer, at, request, lane, oldest, next, held, delivered, sectors)
    return at + 21


def pack_time(buffer: bytearray, at: int, request: int, boot_id: int, ticks_us: int, epoch: int) -> int:
    pack_into("<HIIH", buffer, at, request, boot_id, ticks_us & 0x3FFFFFFF, epoch)
    return at + 12


def pack_plan(
    buffer: bytearray,
    at: int,
    request: int,
    acc_rate_decihz: int,
    acc_range_g: int,
    ppg_rate_hz: int,
    ppg_window_s: int,
    ppg_day_every_s: int,
    ppg_night_every_s: int,
    night_from_min: int,
    night_to_min: int,
    raw_at_min: int,
    raw_window_s: int,
    raw_on_event_s: int,
) -> int:
    pack_into(
        "<HHBHBHHHHHHH",
        buffer,
        at,
        request,
        acc_rate_decihz,
        acc_range_g,
        ppg_rate_hz,
        ppg_window_s,
        ppg_day_every_s,
        ppg_night_every_s,
        night_from_min,
        night_to_min,
        raw_at_min,
        raw_window_s,
        raw_on_event_s,
    )
    return at + 22


def pack_minute_record(
    buffer: bytearray,
    at: int,
    bpm: int,
    confidence: int,
    rmssd: int,
    steps: int,
    activity: int,
    state: int,
    battery: int,
) -> int:
    pack_into("<BBBBBBB", buffer, at, bpm, confidence, rmssd, steps, activity, state, battery)
    return at + 7


def pack_quarter_record(
    buffer: bytearray,
    at: int,
    bpm: int,
    minutes: int,
    rmssd: int,
    steps: int,
    activity: int,
    battery: int,
) -> int:
    pack_into("<BBBHBB", buffer, at, bpm, minutes, rmssd, steps, activity, battery)
    return at + 7


def pack_event_record(buffer: bytearray, at: int, code: int, value: int) -> int:
    pack_into("<Bi", buffer, at, code, value)
    return at + 5


def pack_gap_record(buffer: bytearray, at: int, reason: int, streams: int, centiseconds: int) -> int:
    pack_into("<BBI", buffer, at, reason, streams, centiseconds)
    return at + 6


def pack_dropped_record(
    buffer: bytearray,
    at: int,
    lane: int,
    first: int,
    count: int,
    reason: int,
) -> int:
    pack_into("<BIHB", buffer, at, lane, first, count, reason)
    return at + 8


def pack_anchor_record(
    buffer: bytearray,
    at: int,
    boot_id: int,
    ticks_us: int,
    epoch: int,
    utc_s: int,
    utc_ms: int,
    uncertainty_ms: int,
) -> int:
    pack_into(
        "<IIHIHH",
        buffer,
        at,
        boot_id,
        ticks_us & 0x3FFFFFFF,
        epoch,
        utc_s,
        utc_ms,
        uncertainty_ms,
    )
    return at + 18


def pack_boot_record(
    buffer: bytearray,
    at: int,
    reason: int,
    firmware_major: int,
    firmware_minor: int,
    firmware_patch: int,
    schema_crc: int,
) -> int:
    pack_into(
        "<BBBBI",
        buffer,
        at,
        reason,
        firmware_major,
        firmware_minor,
        firmware_patch,
        schema_crc,
    )
    return at + 8


def pack_plan_record(
    buffer: bytearray,
    at: int,
    acc_rate_decihz: int,
    acc_range_g: int,
    ppg_rate_hz: int,
    ppg_window_s: int,
    ppg_day_every_s: int,
    ppg_night_every_s: int,
    night_from_min: int,
    night_to_min: int,
    raw_at_min: int,
    raw_window_s: int,
    raw_on_event_s: int,
) -> int:
    pack_into(
        "<HBHBHHHHHHH",
        buffer,
        at,
        acc_rate_decihz,
        acc_range_g,
        ppg_rate_hz,
        ppg_window_s,
        ppg_day_every_s,
        ppg_night_every_s,
        night_from_min,
        night_to_min,
        raw_at_min,
        raw_window_s,
        raw_on_event_s,
    )
    return at + 20


def pack_raw_ppg_record(
    buffer: bytearray,
    at: int,
    first_sample: int,
    samples: int,
    channels: int,
    rate_hz: int,
    led_ua: int,
) -> int:
    pack_into("<IHBHH", buffer, at, first_sample & 0x3FFFFFFF, samples, channels, rate_hz, led_ua)
    return at + 11


def pack_raw_accelerometer_record(
    buffer: bytearray,
    at: int,
    first_sample: int,
    samples: int,
    rate_decihz: int,
    range_g: int,
) -> int:
    pack_into("<IHHB", buffer, at, first_sample & 0x3FFFFFFF, samples, rate_decihz, range_g)
    return at + 9
