"""Links are what their data say, the same for the same seed; a session on one ends whole or with a typed error."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigie
from vigie.firmware import load_bundle
from vigie.micropython import MicroPythonMissing, find
from vigie_protocol.messages import Status
from vigie_rig import virtual_clock
from vigie_rig.bench import Bench, run_bench
from vigie_rig.boards.unix import UnixBoard
from vigie_rig.errors import UsageError
from vigie_rig.faults import Fault, FaultPlan
from vigie_rig.line_transport import LineTransport
from vigie_rig.links import LINKS, Carrier, LinkProfile, Timetable
from vigie_rig.sensors import Lsm6dso, Max30101
from vigie_rig.serial_line import SerialLine
from vigie_rig.traces import Trace, synthesize

_NAMES = list(LINKS)
_COMING_AND_GOING = [name for name in _NAMES if LINKS[name].up_s]
_LAYERED = [name for name in _NAMES if LINKS[name].packet_bytes]
_MANY = 3000


def test_the_profiles_that_the_issue_names_are_there() -> None:
    assert set(_NAMES) >= {"perfect", "usb", "ble-home", "village", "away-30d", "flapping"}
    assert max(profile.loss for profile in LINKS.values()) == 0.4
    assert all(name == profile.name for name, profile in LINKS.items())


# Timetables


@pytest.mark.parametrize("name", _COMING_AND_GOING)
def test_outages_last_and_come_as_often_as_the_data_say(name: str) -> None:
    profile = LINKS[name]
    outages = list(itertools.islice(Timetable(profile, 1).outages(), _MANY))
    away_s = sum(length_s for _, length_s in profile.away)
    down_s = sum(each.end_s - each.start_s for each in outages) - away_s
    up_s = outages[-1].end_s - down_s - away_s
    assert down_s / _MANY == pytest.approx(profile.down_s, rel=0.1)
    assert up_s / _MANY == pytest.approx(profile.up_s, rel=0.1)
    assert sum(each.half_open for each in outages) / _MANY == pytest.approx(profile.half_open, abs=0.03)


@pytest.mark.parametrize("name", _NAMES)
def test_outages_are_in_order_and_apart(name: str) -> None:
    outages = list(itertools.islice(Timetable(LINKS[name], 3).outages(), 500))
    assert all(each.start_s < each.end_s for each in outages)
    assert all(before.end_s < after.start_s for before, after in itertools.pairwise(outages))


def test_a_planned_absence_is_whole() -> None:
    start_s, length_s = LINKS["away-30d"].away[0]
    for seed in range(20):
        outages = Timetable(LINKS["away-30d"], seed).down(start_s + length_s + 1)
        assert any(each.start_s <= start_s and each.end_s >= start_s + length_s for each in outages)
        assert not any(each.half_open and each.end_s >= start_s + length_s for each in outages)


def test_a_perfect_link_is_never_away() -> None:
    assert list(Timetable(LINKS["perfect"], 1).outages()) == []
    assert list(Timetable(LINKS["perfect"], 1).pauses()) == []


@pytest.mark.parametrize("name", [name for name in _NAMES if LINKS[name].pause_every_s])
def test_a_slow_host_s_pauses_are_those_of_the_data(name: str) -> None:
    profile = LINKS[name]
    pauses = list(itertools.islice(Timetable(profile, 1).pauses(), _MANY))
    paused_s = sum(end_s - start_s for start_s, end_s in pauses)
    assert paused_s / _MANY == pytest.approx(profile.pause_s, rel=0.1)
    assert (pauses[-1][1] - paused_s) / _MANY == pytest.approx(profile.pause_every_s, rel=0.1)


@pytest.mark.parametrize("name", _COMING_AND_GOING)
def test_the_same_seed_gives_the_same_timetable_and_another_another(name: str) -> None:
    first, again, other = (
        list(itertools.islice(Timetable(LINKS[name], seed).outages(), 50)) for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


# What becomes of bytes


def _pass(profile: LinkProfile, pieces: int, *, count: int = 200, seed: int = 1) -> tuple[bytes, float]:
    """Send pieces one after the other; what arrived, and in how many seconds."""
    carrier, now_s, arrived = Carrier(profile, seed, "host"), 0.0, bytearray()
    for _ in range(pieces):
        passage = carrier.carry(b"x" * count, now_s)
        now_s = passage.sent_s
        arrived += passage.data
    return bytes(arrived), now_s


@pytest.mark.parametrize("name", _LAYERED)
def test_a_link_layer_loses_no_byte_and_takes_longer(name: str) -> None:
    profile = LINKS[name]
    arrived, took_s = _pass(profile, 20_000)
    assert len(arrived) == 20_000 * 200
    again = profile.loss / (1 - profile.loss)  # mean of the attempts that are lost before one is not
    expected_s = 200 / profile.bytes_per_s + again * profile.interval_s
    assert took_s / 20_000 == pytest.approx(expected_s, rel=0.05)


@pytest.mark.parametrize("name", [name for name in _NAMES if name not in _LAYERED])
def test_a_raw_line_loses_its_share_and_keeps_its_pace(name: str) -> None:
    profile = LINKS[name]
    arrived, took_s = _pass(profile, 20_000)
    assert 1 - len(arrived) / (20_000 * 200) == pytest.approx(profile.loss, rel=0.15)
    assert took_s == pytest.approx(20_000 * 200 / profile.bytes_per_s)


def test_a_raw_line_loses_bytes_in_bursts() -> None:
    profile = LINKS["worn-cable"]
    sent = bytes(range(250)) * 4000
    carrier, arrived = Carrier(profile, 5, "host"), bytearray()
    for at in range(0, len(sent), 1000):
        arrived += carrier.carry(sent[at : at + 1000], 0.0).data
    breaks = sum((after - before) % 250 != 1 for before, after in itertools.pairwise(arrived))
    assert (len(sent) - len(arrived)) / breaks == pytest.approx(profile.burst_bytes, rel=0.2)


@pytest.mark.parametrize("name", _NAMES)
def test_the_latency_is_that_of_the_data(name: str) -> None:
    profile = LINKS[name]
    carrier = Carrier(profile, 2, "board")
    late_s: list[float] = []
    for second in range(0, 20_000, 10):
        passage = carrier.carry(b"ping", float(second))
        late_s.append(passage.arrives_s - passage.sent_s)
    assert min(late_s) >= profile.latency_s - 1e-9
    assert sum(late_s) / len(late_s) == pytest.approx(profile.latency_s + profile.jitter_s, rel=0.1)


@given(
    name=st.sampled_from(_NAMES),
    pieces=st.lists(st.tuples(st.floats(0, 0.2), st.binary(min_size=1, max_size=600)), max_size=40),
)
def test_bytes_keep_their_order_and_none_is_made_up(name: str, pieces: list[tuple[float, bytes]]) -> None:
    carrier, again = (Carrier(LINKS[name], 9, "host") for _ in range(2))
    now_s = free_s = last_s = 0.0
    for wait_s, data in pieces:
        now_s += wait_s
        passage = carrier.carry(data, max(now_s, free_s))
        assert passage == again.carry(data, max(now_s, free_s))
        assert passage.arrives_s >= last_s
        assert passage.arrives_s > now_s
        rest = iter(data)
        assert all(byte in rest for byte in passage.data)  # a part of it, in its order
        free_s, last_s = passage.sent_s, passage.arrives_s


async def _call_out(transport: vigie.Transport) -> None:
    for _ in range(100):
        await transport.write(b"anybody there?")
        await asyncio.sleep(5)


def test_a_link_layer_that_gets_nothing_through_gives_up() -> None:
    hopeless = LinkProfile(
        "hopeless", "", 1000, 0.01, loss=0.99, packet_bytes=100, interval_s=0.1, supervision_s=2
    )

    async def scene() -> bool:
        line = SerialLine(FaultPlan(), profile=hopeless, seed=1)
        line.begin()
        transport = LineTransport(line)
        await transport.open()
        with pytest.raises(vigie.Disconnected):
            await _call_out(transport)
        await transport.close()
        return line.plugged

    assert virtual_clock.run(scene())  # and may be connected again


# Lines


def _line(**data: object) -> SerialLine:
    profile = LinkProfile("test", "", bytes_per_s=10_000, latency_s=0.01, **data)  # type: ignore[arg-type]
    return SerialLine(FaultPlan(), profile=profile, seed=1)


def test_a_noticed_outage_ends_the_session_and_the_line_comes_back() -> None:
    async def scene() -> list[float]:
        line = _line(away=((5.0, 10.0),))
        line.begin()
        loop, told_s = asyncio.get_running_loop(), list[float]()
        transport = LineTransport(line)
        await transport.open()
        with pytest.raises(vigie.Disconnected):
            await transport.read()
        told_s.append(loop.time())
        await transport.close()
        with pytest.raises(vigie.ConnectFailed):
            await LineTransport(line).open()
        await asyncio.sleep(10.1)
        await LineTransport(line).open()
        line.close()
        return told_s

    assert virtual_clock.run(scene()) == pytest.approx([5.0])


def test_nobody_is_told_of_a_half_open_link() -> None:
    async def scene() -> tuple[bytes, bool]:
        line = _line(up_s=5, down_s=50, half_open=1)
        line.begin()
        outage = Timetable(line.profile, 1).down(1000)[0]
        await asyncio.sleep((outage.start_s + outage.end_s) / 2)
        transport = LineTransport(line)
        await transport.open()
        await transport.write(b"lost")
        there = line.plugged
        await asyncio.sleep(outage.end_s - asyncio.get_running_loop().time() + 0.1)
        await transport.write(b"heard")
        await asyncio.sleep(0.2)
        await transport.close()
        line.close()
        return line.read(100), there

    assert virtual_clock.run(scene()) == (b"heard", True)


def test_a_link_layer_notices_a_half_open_link_after_its_supervision_time() -> None:
    async def scene() -> float:
        line = _line(up_s=5, down_s=5000, half_open=1, packet_bytes=100, supervision_s=6)
        line.begin()
        outage = Timetable(line.profile, 1).down(1000)[0]
        transport = LineTransport(line)
        await transport.open()
        with pytest.raises(vigie.Disconnected):
            await transport.read()
        await transport.close()
        line.close()
        return asyncio.get_running_loop().time() - outage.start_s

    assert virtual_clock.run(scene()) == pytest.approx(6)


def test_what_a_pausing_host_does_not_read_waits_and_holds_the_board_back() -> None:
    async def scene() -> tuple[bytes, int]:
        line = _line(pause_every_s=1, pause_s=50)
        line.begin()
        start_s, end_s = next(Timetable(line.profile, 1).pauses())
        transport = LineTransport(line)
        await transport.open()
        await asyncio.sleep(start_s + 0.1)
        sent = line.write(bytes(range(200)), asyncio.get_running_loop().time())
        refused = 10_000 - line.write(bytes(10_000), asyncio.get_running_loop().time())
        reading = asyncio.create_task(transport.read())
        await asyncio.sleep(end_s - start_s - 0.2)
        assert not reading.done()
        data = await reading
        await transport.close()
        line.close()
        return data[:sent], refused

    assert virtual_clock.run(scene()) == (bytes(range(200)), 10_000 - (4096 - 200))


# Sessions


@pytest.fixture(scope="module")
def wrist() -> Trace:
    return synthesize(seed=1, minutes=2)


@pytest.fixture
def bracelet_on(tmp_path: Path, wrist: Trace) -> Callable[[str], UnixBoard]:
    try:
        micropython = find()
    except MicroPythonMissing as missing:
        pytest.skip(str(missing))
    for path, content in load_bundle().files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return lambda name: UnixBoard(
        micropython, tmp_path, sensors=[Max30101(wrist), Lsm6dso(wrist)], link=LINKS[name], seed=4
    )


@pytest.mark.parametrize("name", _NAMES)
def test_a_bench_on_any_link_loses_nothing_unseen(
    name: str, wrist: Trace, bracelet_on: Callable[[str], UnixBoard]
) -> None:
    first, again = (
        run_bench(Bench(wrist, link=name, seconds=60, seed=2, find_heap_needed=False)) for _ in range(2)
    )
    measured = {each.name: each.value for each in first.result.measurements}
    assert first.result.verdict == "pass", first.result.reason
    assert measured["samples_wrong"] == 0
    assert measured["samples_unannounced"] == 0
    assert first.transcript_sha256 == again.transcript_sha256


@pytest.mark.parametrize("name", _NAMES)
def test_a_request_is_answered_or_refused_with_a_typed_error_by_its_deadline(
    name: str, bracelet_on: Callable[[str], UnixBoard]
) -> None:
    board = bracelet_on(name)
    outcomes = {"answered": 0, "refused": 0}

    async def ask(deadline_s: float) -> None:
        async with vigie.connect(board.link(), deadline_s=deadline_s) as bracelet:
            for _ in range(10):
                began_s = asyncio.get_running_loop().time()
                try:
                    assert isinstance(await bracelet.status(timeout_s=deadline_s), Status)
                    outcomes["answered"] += 1
                finally:
                    took_s = asyncio.get_running_loop().time() - began_s
                    assert took_s < deadline_s + 0.5
                await asyncio.sleep(3)

    async def scene() -> None:
        async with board:
            board.begin_link()
            for _ in range(20):
                began_s = asyncio.get_running_loop().time()
                try:
                    await ask(5.0)
                except vigie.LinkError:
                    outcomes["refused"] += 1
                assert asyncio.get_running_loop().time() - began_s < 10 * (5 + 3 + 0.5) + 30
                await asyncio.sleep(7)

    virtual_clock.run(scene())
    assert board.fault is None
    assert outcomes["answered"] > 0
    if name == "flapping":
        assert outcomes["refused"] > 0


def test_on_the_real_clock_nothing_comes_back_that_a_pseudo_terminal_lost(wrist: Trace) -> None:
    with pytest.raises(UsageError, match="does not come back"):
        Bench(wrist, clock="real", link="flapping")
    with pytest.raises(UsageError, match="does not come back"):
        Bench(wrist, clock="real", faults=(Fault.parse("power-cut@1"),))
    with pytest.raises(UsageError, match="one of perfect"):
        Bench(wrist, link="carrier-pigeon")
