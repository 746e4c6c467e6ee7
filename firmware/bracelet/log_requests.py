"""What a gateway asks of the flash log: its records, its cursors, the time, the plan."""

from micropython import const

from bracelet import codec, plan
from bracelet.drivers.unsupported import Unsupported

_MOST_NUMBERS = const(1024)
_LANES = const(4)
_TAIL_BYTES = const(218)

_TYPING = const(0)
if _TYPING:
    from bracelet.app import Application
    from bracelet.log import FlashLog

_tail = bytearray(_TAIL_BYTES)
_tail_view = memoryview(_tail)


def _lane(lane: int) -> int:
    if lane >= _LANES:
        raise Unsupported(codec.ERROR_CODE_MALFORMED, "lane %d" % lane)
    return lane


async def _fetch(app: "Application", sequence: int, body: bytes) -> None:
    lane, number, count = codec.unpack_fetch(body, 0, len(body))
    log = app.flash_log()
    end = min(number + min(count, _MOST_NUMBERS), log.next[_lane(lane)])
    sent = 0
    while number < end and log.seek(lane, number) and log.walk.number < end:
        await app.drain()
        first = log.walk.number
        number, filled, base = _fill(log, lane, first, end)
        app.link.send_message(
            codec.RECORDS, codec.pack_records, sequence, lane, first, *base, tail=_tail_view[:filled]
        )
        sent += number - first
    await app.send(codec.FETCHED, codec.pack_fetched, sequence, lane, end, sent)


def _fill(log: "FlashLog", lane: int, number: int, end: int) -> "tuple[int, int, tuple[int, int, int]]":
    """Fill the tail with records that follow each other; return the next number, the length, and their time base."""
    walk = log.walk
    base = (walk.boot_id, walk.ticks_us, walk.epoch)
    filled = 0
    while number < end and log.seek(lane, number) and walk.number == number:
        size = walk.end - walk.at
        if filled + size > len(_tail) or (walk.boot_id, walk.ticks_us, walk.epoch) != base:
            break
        _tail[filled : filled + size] = memoryview(walk.buffer)[walk.at : walk.end]
        filled += size
        number += 1
    return number, filled, base


async def _cursor(app: "Application", sequence: int, body: bytes) -> None:
    lane, held, delivered = codec.unpack_cursor(body, 0, len(body))
    app.flash_log().set_cursor(_lane(lane), held, delivered)
    await app.send(codec.DONE, codec.pack_done, sequence)


async def _log_status(app: "Application", sequence: int, _body: bytes) -> None:
    log = app.flash_log()
    log.tell_dropped()
    await app.send(
        codec.LOG_STATUS,
        codec.pack_log_status,
        sequence,
        log.log_id,
        log.VERSION,
        log.sector_bytes,
        log.sectors,
        log.sectors_free(),
        log.erases_most,
        log.walk.damaged,
        log.dropped,
        log.dropped_held,
    )


async def _lane_status(app: "Application", sequence: int, body: bytes) -> None:
    log = app.flash_log()
    lane = _lane(codec.unpack_lane_request(body, 0, len(body))[0])
    await app.send(
        codec.LANE_STATUS,
        codec.pack_lane_status,
        sequence,
        lane,
        log.oldest(lane),
        log.next[lane],
        log.held[lane],
        log.delivered[lane],
        log.sectors_of(lane),
    )


async def _time(app: "Application", sequence: int, _body: bytes) -> None:
    await app.drain()
    ticks_us = app.clock.now_us()
    await app.send(codec.TIME, codec.pack_time, sequence, app.boot_id, ticks_us, app.clock.epoch)


async def _anchor(app: "Application", sequence: int, body: bytes) -> None:
    boot_id, ticks_us, epoch, utc_s = codec.unpack_set_anchor(body, 0, len(body))[:4]
    if boot_id != app.boot_id:
        raise Unsupported(codec.ERROR_CODE_OTHER_BOOT, "ask for the time again")
    app.flash_log().append(codec.LANE_EVENT, codec.ANCHOR_RECORD, body)
    app.watch.anchor(ticks_us, epoch, utc_s)
    await app.send(codec.DONE, codec.pack_done, sequence)


async def _set_plan(app: "Application", sequence: int, body: bytes) -> None:
    fields = codec.unpack_set_plan(body, 0, len(body))
    plan.check(fields)
    if app.sampler.running:
        raise Unsupported(codec.ERROR_CODE_BUSY_STREAMING, "stop the stream first")
    app.flash_log()
    plan.keep(fields, app.crc_into)
    app.watch.set_plan(fields)
    await _plan(app, sequence, b"")


async def _plan(app: "Application", sequence: int, _body: bytes) -> None:
    await app.send(codec.PLAN, codec.pack_plan, sequence, *plan.load(app.crc_into))


async def _capture(app: "Application", sequence: int, body: bytes) -> None:
    (seconds,) = codec.unpack_capture(body, 0, len(body))
    app.flash_log()
    app.watch.capture(seconds)
    await app.send(codec.DONE, codec.pack_done, sequence)


HANDLERS = {
    codec.FETCH: _fetch,
    codec.CURSOR: _cursor,
    codec.LOG_REQUEST: _log_status,
    codec.LANE_REQUEST: _lane_status,
    codec.TIME_REQUEST: _time,
    codec.SET_ANCHOR: _anchor,
    codec.SET_PLAN: _set_plan,
    codec.PLAN_REQUEST: _plan,
    codec.CAPTURE: _capture,
}
