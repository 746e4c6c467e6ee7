"""Generated from vigie_protocol by `make generate`: do not edit.

pack_x(buffer, at, ...) writes the head of a body and returns where its tail begins, without allocating;
unpack_x(buffer, at, end) returns the fields of the head and raises ValueError for any other length.
"""

from struct import pack_into, unpack_from

from micropython import const

PROTOCOL_MAJOR = const(1)
PROTOCOL_MINOR = const(0)
SCHEMA_CRC = const(0x162D6441)
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


def unpack_hello_request(buffer, at, end):
    if end - at != 6:
        raise ValueError("HelloRequest")
    return unpack_from("<BBI", buffer, at)


def unpack_status_request(buffer, at, end):
    if end - at != 1:
        raise ValueError("StatusRequest")
    return unpack_from("<B", buffer, at)


def unpack_configure(buffer, at, end):
    if end - at != 13:
        raise ValueError("Configure")
    return unpack_from("<HBHHBHHB", buffer, at)


def unpack_start_stream(buffer, at, end):
    if end - at != 1:
        raise ValueError("StartStream")
    return unpack_from("<B", buffer, at)


def unpack_restart(buffer, at, end):
    if end - at != 1:
        raise ValueError("Restart")
    return unpack_from("<B", buffer, at)


def pack_hello(
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
):
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
    buffer,
    at,
    request,
    ticks_us,
    epoch,
    streams,
    reset_reason,
    battery_mv,
    heap_live_bytes,
    heap_free_bytes,
    frames_bad,
    frames_sent,
    ppg_lost,
    acc_lost,
    sensor_faults,
):
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
):
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


def pack_done(buffer, at, request):
    pack_into("<H", buffer, at, request)
    return at + 2


def pack_error(buffer, at, request, code):
    pack_into("<HB", buffer, at, request, code)
    return at + 3


def pack_ppg_block(
    buffer,
    at,
    first_sample,
    ticks_us,
    epoch,
    overflow,
    flags,
    configuration,
    channels,
):
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
    buffer,
    at,
    first_sample,
    ticks_us,
    epoch,
    overflow,
    flags,
    configuration,
    range_g,
    sensor_ticks,
):
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


def pack_event(buffer, at, ticks_us, epoch, code, value):
    pack_into("<IHBi", buffer, at, ticks_us & 0x3FFFFFFF, epoch, code, value)
    return at + 11


def pack_log(buffer, at, ticks_us, epoch, level):
    pack_into("<IHB", buffer, at, ticks_us & 0x3FFFFFFF, epoch, level)
    return at + 7
