"""The sampling plan: what the board samples by itself, and when. Kept in a file, so that it outlives a boot."""

import os

from micropython import const

from bracelet import codec
from bracelet.drivers.unsupported import Unsupported
from bracelet.features.minute import check as check_features

_FILE = "plan.bin"
_NEW = "plan.new"
_BYTES = const(20)
_DAY_MIN = const(1440)

_TYPING = const(0)
if _TYPING:
    from roles import CrcInto, PlanFields

OFF: "PlanFields" = (0, 8, 0, 20, 300, 60, 0, 0, 0, 0, 0)
"""Nothing is sampled unless a host asks; what a board does that was never told otherwise."""


def check(fields: "PlanFields") -> None:
    """Raise Unsupported for a plan that contradicts itself; what a sensor lacks it says itself."""
    acc_rate, acc_range, ppg_rate, window_s, day_s, night_s, *minutes = fields
    if ppg_rate and not acc_rate:
        raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "a PPG window needs the accelerometer")
    if acc_rate:
        check_features(acc_rate, acc_range, ppg_rate)
    if ppg_rate and not 13 <= window_s <= 60:
        raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "a PPG window has 13 to 60 s")
    for every_s in (day_s, night_s):
        if ppg_rate and (every_s < 60 or every_s % 60):
            raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "windows every whole minutes")
    if max(minutes[:3]) >= _DAY_MIN:
        raise Unsupported(codec.ERROR_CODE_UNSUPPORTED_PLAN, "a day has minutes 0 to 1439")


def load(crc_into: "CrcInto") -> "PlanFields":
    """The plan that was kept; OFF if there is none, or it is damaged."""
    try:
        data = bytearray(_BYTES + 5)
        with open(_FILE, "rb") as file:  # pyright: ignore[reportUnknownVariableType]
            count = file.readinto(data)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if count != _BYTES + 4:
            return OFF
        crc = bytearray(4)
        crc_into(memoryview(data)[:_BYTES], crc, 0)
        if crc == data[_BYTES : _BYTES + 4]:
            return codec.unpack_set_plan(bytes(data), 0, _BYTES)
    except (OSError, ValueError):
        pass
    return OFF


def keep(fields: "PlanFields", crc_into: "CrcInto") -> None:
    """Keep the plan; a power cut leaves the old one or the new one."""
    data = bytearray(_BYTES + 4)
    codec.pack_plan_record(data, 0, *fields)
    crc_into(memoryview(data)[:_BYTES], data, _BYTES)
    with open(_NEW, "wb") as file:  # pyright: ignore[reportUnknownVariableType]
        file.write(data)  # pyright: ignore[reportUnknownMemberType]
    os.rename(_NEW, _FILE)  # pyright: ignore[reportUnknownMemberType]


def due(fields: "PlanFields", minute: int, utc_min: int) -> bool:
    """Whether a PPG window begins with this minute; `utc_min` is that of the day, -1 if nobody knows: day then."""
    if not fields[2]:
        return False
    every_s = fields[5] if is_night(fields, utc_min) else fields[4]
    return minute % (every_s // 60) == 0


def is_night(fields: "PlanFields", utc_min: int) -> bool:
    """Whether a minute of the UTC day belongs to the plan's night."""
    begin, end = fields[6], fields[7]
    if utc_min < 0 or begin == end:
        return False
    if begin < end:
        return begin <= utc_min < end
    return utc_min >= begin or utc_min < end
