"""The bracelet on its own: samples by its plan, makes minutes and quarter-hours of it, and keeps them in the flash log.

The streams are those that a host would get live; here they send to the Recorder. A host that wants them live suspends
the watch, and the time until it gives them back is a gap with its reason.
"""

import asyncio
import gc

from micropython import const

from bracelet import codec, plan
from bracelet.alarm import Alarm
from bracelet.arrays import zeros
from bracelet.clock import elapsed_us
from bracelet.features.gain import next_led_ua
from bracelet.features.minute import MinuteFeatures
from bracelet.quarter import Quarter
from bracelet.recorder import Recorder
from bracelet.sampler import Sampler, attempt

_MINUTE_US = const(60000000)
_MASK = const(0x3FFFFFFF)
_REST_MS = const(60000)
_PPG_WIDTH_US = const(411)
_PPG_RANGE_NA = const(4096)
_PPG_LED_UA = const(6400)
_RAW_ALWAYS = const(0xFFFF)
_SECONDS_A_DAY = const(86400)
_UNKNOWN = const(255)
_LOW_PERCENT = const(15)

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable

    from roles import Board, Clock, Configuration, PlanFields, Stream

    from bracelet.log import FlashLog


class Watch:
    """Runs the plan on the board's streams, between which the live stream may come."""

    def __init__(self, board: "Board", streams: "list[Stream]", clock: "Clock", log: "FlashLog") -> None:
        self.active = False
        """Whether the streams are the watch's: there is a plan, and no host has them."""
        self.faults = 0
        """Steps that ended with an error, such as a flash that fails; the last is `fault`."""
        self.fault = ""
        self.recorder = Recorder(log)
        self._clock = clock
        self._log = log
        self._plan: "PlanFields" = plan.OFF
        self._samplers = {each.STREAM: Sampler([each], clock, self.recorder) for each in streams}
        self._wanted = asyncio.Event()
        self._features: "MinuteFeatures | None" = None
        self._features_of = (0, 0, 0)
        self._minute = 0
        self._minute_us = clock.now_us()
        self._in_window = False
        self._raw_left = 0
        self._quarter = Quarter()
        self._alarm = Alarm(board.button(), board.vibration(), self._press)
        self._gauge = board.gauge()
        self._battery = _UNKNOWN
        self._charging = False
        self._body = bytearray(7)
        self._values = zeros("i", 6)
        self._led_ua = _PPG_LED_UA
        self._ill: "dict[int, tuple[int, int] | None]" = {each.STREAM: None for each in streams}
        """Since when each stream brings nothing that it should; None: it does."""
        self._away: "tuple[int, int] | None" = None
        self._away_reason = codec.GAP_REASON_LIVE
        self._untold = 0
        self._utc_s = 0
        self._utc_at: "tuple[int, int] | None" = None

    # What the host sets

    def set_plan(self, fields: "PlanFields") -> None:
        """Follow a plan from now on."""
        if self.active:
            self.suspend()
            self._away_reason = codec.GAP_REASON_PLAN
        self._plan = fields
        self._log.append(codec.LANE_EVENT, codec.PLAN_RECORD, _packed_plan(fields))
        self.resume()

    def anchor(self, ticks_us: int, epoch: int, utc_s: int) -> None:
        """Learn what time of the day it is, for the plan's night."""
        self._utc_s = utc_s
        self._utc_at = (ticks_us, epoch)

    def capture(self, seconds: int) -> None:
        """Keep raw samples for so long from now on, and to the end of that minute; 65535 is until 0 comes."""
        if seconds and seconds < _RAW_ALWAYS:
            passed_s = elapsed_us(self._minute_us, self._clock.now_us()) // 1000000
            seconds = min(seconds + passed_s, _RAW_ALWAYS - 1)
        self._raw_left = seconds
        if not self.active:
            return
        if seconds:
            self.recorder.begin_raw()
            if self._plan[2] and not self._samplers[codec.STREAM_PPG].running:
                self._begin(codec.STREAM_PPG)
        elif self.recorder.raw:
            self.recorder.end_raw()
            if not self._in_window:
                self._stop_ppg()

    def suspend(self) -> None:
        """Give the streams to a host."""
        if not self.active:
            return
        self.active = False
        now_us = self._clock.now_us()
        self._away = (self._minute_us, self._clock.epoch - (1 if self._minute_us > now_us else 0))
        self._away_reason = codec.GAP_REASON_LIVE
        self._stop_ppg()
        if self.recorder.raw:
            self.recorder.end_raw()
        for sampler in self._samplers.values():
            if sampler.running:
                sampler.stop()
        self._guarded(self._tell_losses)

    def resume(self) -> None:
        """Take the streams back, if there is a plan for them."""
        fields = self._plan
        if self.active or not fields[0]:
            return
        recorder = self.recorder
        recorder.acc_rate_decihz, recorder.acc_range_g, recorder.ppg_rate_hz = fields[:3]
        if self._features is None or self._features_of != fields[:3]:
            self._features = recorder.features = None
            gc.collect()
            self._features = recorder.features = MinuteFeatures(fields[0], fields[1], fields[2])
            self._features_of = fields[:3]
        if self._away is not None:
            away_us, away_epoch = self._away
            self._away = None
            now_us = self._clock.now_us()
            epochs = (self._clock.epoch - away_epoch) & 0xFFFF
            away = ((epochs << 30) + now_us - away_us) // 10000
            self._gap(self._away_reason, 0, away)
            # What it knew of the pulse and of steps is old; that the bracelet is worn it goes on to know.
            self._features.lost_acceleration(min(away * fields[0] // 1000, _MASK))
        self._minute_us = self._clock.now_us()
        self.active = True
        self._begin(codec.STREAM_ACCELEROMETER)
        self._start_minute()
        self._wanted.set()

    def _configuration(self) -> "Configuration":
        acc_rate, acc_range, ppg_rate = self._plan[:3]
        return (ppg_rate, 1, _PPG_WIDTH_US, _PPG_RANGE_NA, 1, self._led_ua, acc_rate, acc_range)

    # The loop

    async def run(self) -> None:
        """Follow the plan, until cancelled."""
        # The stubs of asyncio name types that they do not bring.
        listening = asyncio.create_task(self._alarm.listen())  # pyright: ignore[reportUnknownMemberType]
        try:
            await self._follow()
        finally:
            listening.cancel()

    async def _follow(self) -> None:
        while True:
            if not self.active:
                self._wanted.clear()
                try:
                    await asyncio.wait_for_ms(self._wanted.wait(), _REST_MS)  # pyright: ignore[reportUnknownMemberType]
                except asyncio.TimeoutError:
                    pass
                continue
            self._guarded(self.step)
            await asyncio.sleep_ms(self.pause_ms())

    def _guarded(self, verb: "Callable[[], None]") -> None:
        """Do what a flash or a bus that fails must not end the watch with."""
        try:
            verb()
        except Exception as error:
            self._blame(error)

    def _blame(self, error: Exception) -> None:
        self.faults = (self.faults + 1) & 0xFFFF
        self.fault = repr(error)

    def step(self) -> None:
        """One look at the sensors, and what is due."""
        for bit, sampler in self._samplers.items():
            if sampler.running:
                sampler.step()
            while sampler.events:
                self._sensor_event(bit, *sampler.events.pop(0))
        features = self._features
        if features is None:
            return
        while features.events:
            code, value, _ = features.events[0]
            self._event(code, value)
            features.events.pop(0)
        if self.recorder.fault is not None:
            self._blame(self.recorder.fault)
            self.recorder.fault = None
        passed_us = elapsed_us(self._minute_us, self._clock.now_us())
        if self._in_window and passed_us >= self._plan[3] * 1000000:
            self._end_window()
        if passed_us >= _MINUTE_US:
            self._close_minute()
        # The FIFOs have just been emptied: if the flash must stand still, now.
        self._log.tend()

    def pause_ms(self) -> int:
        """How long until something may be due."""
        passed_ms = elapsed_us(self._minute_us, self._clock.now_us()) // 1000
        edge_ms = self._plan[3] * 1000 if self._in_window else 60000
        pause_ms = edge_ms - passed_ms
        for sampler in self._samplers.values():
            if sampler.running:
                pause_ms = min(pause_ms, 5 if sampler.again else sampler.streams[0].due_ms)
        return max(1, pause_ms)

    # Windows and minutes

    def _start_minute(self) -> None:
        utc_min = self._utc_min()
        fields = self._plan
        if fields[9] == _RAW_ALWAYS or (fields[9] and utc_min == fields[8]):
            self._raw_left = max(self._raw_left, fields[9])
        if plan.due(fields, self._minute, utc_min) and self._features is not None:
            self._in_window = True
            self._features.ppg_started(self._led_ua)
        if self._raw_left:
            self.recorder.begin_raw()
        if self._ill[codec.STREAM_ACCELEROMETER] is not None:
            self._begin(codec.STREAM_ACCELEROMETER)
        if (self._in_window or self._raw_left) and fields[2]:
            if self.recorder.led_ua != self._led_ua:
                self._stop_ppg()
            if not self._samplers[codec.STREAM_PPG].running:
                self._begin(codec.STREAM_PPG)
        else:
            self._stop_ppg()

    def _end_window(self) -> None:
        self._in_window = False
        if not self._raw_left and self._plan[3] < 60:
            self._stop_ppg()
        features = self._features
        if features is not None:
            features.pulse.rate_1024 = self._samplers[codec.STREAM_PPG].streams[0].rate_1024
            features.ppg_stopped()
            samples = self._plan[2] * self._plan[3]
            self._led_ua = next_led_ua(self._led_ua, features.ppg_level, features.ppg_saturated, samples)

    def _close_minute(self) -> None:
        features = self._features
        if features is None:
            return
        if self._in_window:  # a window of a whole minute
            self._end_window()
        values = self._values
        features.close_minute(values)
        self._look_at_battery()
        battery = self._battery
        state = values[5] | (codec.MINUTE_STATE_CHARGING if self._charging else 0)
        codec.pack_minute_record(
            self._body, 0, values[0], values[1], values[2], values[3], values[4], state, battery
        )
        self._minute_us = (self._minute_us + _MINUTE_US) & _MASK
        self._minute += 1
        self._untold += 1
        self._guarded(self._keep_minute)
        if self._quarter.add(values):
            self._quarter.pack_into(self._body, battery)
            self._guarded(self._keep_quarter)
        self._guarded(self._tell_losses)
        if self._raw_left and self._raw_left != _RAW_ALWAYS:
            self._raw_left = max(0, self._raw_left - 60)
            if not self._raw_left:
                self.recorder.end_raw()
        self._start_minute()

    def _keep_minute(self) -> None:
        if self._untold > 1:  # minutes that a failing flash did not take
            self._gap(codec.GAP_REASON_DAMAGED, 0, (self._untold - 1) * 6000)
            self._untold = 1
        self._log.append(codec.LANE_MINUTE, codec.MINUTE_RECORD, self._body)
        self._untold = 0

    def _keep_quarter(self) -> None:
        self._log.append(codec.LANE_TREND, codec.QUARTER_RECORD, self._body)
        for bit in self._ill:
            self._tell_illness(bit, self._clock.now_us(), self._clock.epoch)

    def _look_at_battery(self) -> None:
        before = self._battery
        try:
            self._battery = self._gauge.percent()
            self._charging = self._gauge.charging()
        except OSError:
            self._battery = _UNKNOWN
            self._charging = False
        if self._battery <= _LOW_PERCENT < before:
            self._event(codec.EVENT_CODE_LOW_BATTERY, self._battery)

    def _begin(self, bit: int) -> None:
        sampler = self._samplers.get(bit)
        if sampler is None:
            return
        stream = sampler.streams[0]
        if bit == codec.STREAM_PPG:
            self.recorder.led_ua = self._led_ua
        try:
            if sampler.running:
                sampler.stop()
            attempt(sampler, stream.configure, self._configuration(), 0, True)
            sampler.start(bit, bit if self._ill[bit] is not None else 0)
        except OSError:  # it is told as a fault of the sensor, and tried again with the next minute or window
            if self._ill[bit] is None:
                self._sensor_event(
                    bit, self._clock.now_us(), self._clock.epoch, codec.EVENT_CODE_SENSOR_FAULT, bit
                )

    def _stop_ppg(self) -> None:
        sampler = self._samplers.get(codec.STREAM_PPG)
        if sampler is not None and sampler.running:
            sampler.stop()
            if self.recorder.raw:
                self.recorder.flush_ppg()

    # What is told

    def _event(self, code: int, value: int) -> None:
        if code == codec.EVENT_CODE_FALL:  # felt, whatever becomes of the record
            self._alarm.fall()
            if self._plan[10]:
                self.capture(max(self._raw_left, self._plan[10]))
        body = bytearray(5)
        codec.pack_event_record(body, 0, code, value)
        self._log.append(codec.LANE_EVENT, codec.EVENT_RECORD, body)

    def _press(self, code: int, value: int) -> None:
        """What the button tells, from a task of its own."""
        try:
            self._event(code, value)
        except OSError as error:
            self._blame(error)

    def _sensor_event(self, bit: int, ticks_us: int, epoch: int, code: int, value: int) -> None:
        if code == codec.EVENT_CODE_SENSOR_RECOVERED:
            self._tell_illness(bit, ticks_us, epoch)
            self._ill[bit] = None
        elif self._ill[bit] is None:
            self._ill[bit] = (ticks_us, epoch)
        self._event(code, value)

    def _tell_illness(self, bit: int, ticks_us: int, epoch: int) -> None:
        """A stream has brought nothing since it was told last: a gap; told now and then, a power cut costs little."""
        since = self._ill[bit]
        if since is None:
            return
        span = ((epoch - since[1]) & 0xFFFF) << 30
        self._gap(codec.GAP_REASON_SENSOR_FAULT, bit, (span + ticks_us - since[0]) // 10000)
        self._ill[bit] = (ticks_us, epoch)

    def _tell_losses(self) -> None:
        recorder = self.recorder
        if recorder.acc_lost:
            centiseconds = max(1, recorder.acc_lost * 1000 // recorder.acc_rate_decihz)
            self._gap(codec.GAP_REASON_OVERFLOW, codec.STREAM_ACCELEROMETER, centiseconds)
            recorder.acc_lost = 0
        if recorder.ppg_lost:
            centiseconds = max(1, recorder.ppg_lost * 100 // max(1, recorder.ppg_rate_hz))
            self._gap(codec.GAP_REASON_OVERFLOW, codec.STREAM_PPG, centiseconds)
            recorder.ppg_lost = 0

    def _gap(self, reason: int, streams: int, centiseconds: int) -> None:
        body = bytearray(6)
        codec.pack_gap_record(body, 0, reason, streams, centiseconds)
        self._log.append(codec.LANE_EVENT, codec.GAP_RECORD, body)

    def _utc_min(self) -> int:
        """The minute of the UTC day, by the last anchor; -1 if there was none in this boot."""
        if self._utc_at is None:
            return -1
        ticks_us, epoch = self._utc_at
        now_us = self._clock.now_us()
        passed_s = ((((self._clock.epoch - epoch) & 0xFFFF) << 30) + now_us - ticks_us) // 1000000
        return (self._utc_s + passed_s) % _SECONDS_A_DAY // 60


def _packed_plan(fields: "PlanFields") -> bytearray:
    body = bytearray(20)
    codec.pack_plan_record(body, 0, *fields)
    return body
