"""Generated from vigie_protocol by `make generate`: do not edit.

pack_x(buffer, at, ...) writes the head of a body and returns where its tail begins, without allocating;
unpack_x(buffer, at, end) returns the fields of the head and raises ValueError for any other length.
"""

# MicroPython's stubs leave the type of arrays open.
from struct import pack_into, unpack_from  # pyright: ignore[reportUnknownVariableType]

from micropython import const

PROTOCOL_MAJOR = const(1)
PROTOCOL_MINOR = const(0)
SCHEMA_CRC = const(0x53D257D3)
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
RECORD = const(0x60)
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

EVENT_CODE_SENSOR_FAULT = const(2)
EVENT_CODE_SENSOR_STALLED = const(3)
EVENT_CODE_SENSOR_RECOVERED = const(4)
EVENT_CODE_FALL = const(16)
EVENT_CODE_OFF_WRIST = const(17)
EVENT_CODE_ON_WRIST = const(18)
EVENT_CODE_BUTTON = const(19)
EVENT_CODE_LOW_BATTERY = const(20)

LANE_URGENT = const(0)
LANE_TREND = const(1)
LANE_BULK = const(2)

LOG_LEVEL_DEBUG = const(1)
LOG_LEVEL_INFO = const(2)
LOG_LEVEL_WARNING = const(3)
LOG_LEVEL_ERROR = const(4)

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
