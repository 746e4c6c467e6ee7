"""The commands as a user runs them, in processes of their own: killed, interrupted, and run again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

import pytest
from fake_bracelet import FakeLog, LogBracelet, minute

import vigie
from vigie.raw_window import bring_window
from vigie.store import Store
from vigie_protocol.definition import Message
from vigie_protocol.enums import EventCode, Lane
from vigie_protocol.messages import Capture, Cursor, Done, EventRecord, RawPpgRecord

BEGAN_S = time.time() - 5 * 86400
DEADLINE_S = 60.0


def ticks_us() -> int:
    return round((time.time() - BEGAN_S) * 1e6)


class Server:
    """A bracelet behind a socket, as slow as is told."""

    def __init__(self, log: FakeLog, bytes_per_s: float) -> None:
        self.log = log
        self.bytes_per_s = bytes_per_s
        self.bytes_sent = 0
        self.cursors: list[Cursor] = []
        self.captured: list[int] = []
        self.sessions: set[asyncio.Task[None]] = set()

    def special(self, message: Message, sequence: int) -> Iterable[Message] | None:
        if isinstance(message, Cursor):
            self.cursors.append(message)
        if isinstance(message, Capture):
            self.captured.append(message.seconds)
            return [Done(request=sequence)]
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.sessions.add(task)
        bracelet = LogBracelet(self.log, self.special)
        await bracelet.open()

        async def out() -> None:
            while True:
                data = await bracelet.read()
                for at in range(0, len(data), 512):
                    writer.write(data[at : at + 512])
                    await writer.drain()
                    self.bytes_sent += len(data[at : at + 512])
                    await asyncio.sleep(512 / self.bytes_per_s)

        sending = asyncio.create_task(out())
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(4096):
                    await bracelet.write(data)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def served(log: FakeLog, *, bytes_per_s: float = 1e6) -> AsyncGenerator[tuple[Server, str]]:
    served_by = Server(log, bytes_per_s)
    async with await asyncio.start_server(served_by.serve, "127.0.0.1", 0) as server:
        try:
            yield served_by, f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.gather(*served_by.sessions, return_exceptions=True)


def a_log(minutes: int) -> FakeLog:
    log = FakeLog()
    log.boot(ticks_us)
    log.append(Lane.EVENT, EventRecord(code=EventCode.OVERFLOW, value=12))
    for number in range(minutes):
        log.append(Lane.MINUTE, minute(number), (number + 1) * 60_000_000)
    return log


async def started(*words: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from vigie.cli import main; main()",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(DEADLINE_S):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def until(condition: str, server: Server, value: float) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while getattr(server, condition) < value:
            await asyncio.sleep(0.005)


def on_the_disk(path: Path, lane: Lane) -> int:
    with Store(path, read_only=True) as store:
        return store.lane(store.logs()[0], lane).held


@pytest.mark.parametrize("ends_by", [signal.SIGKILL, signal.SIGINT])
async def test_a_sync_that_is_killed_goes_on_where_it_was(tmp_path: Path, ends_by: signal.Signals) -> None:
    log = a_log(6000)
    path = tmp_path / "store"
    async with served(log, bytes_per_s=60_000) as (server, url):
        for sent in (8_000, 30_000, 50_000):
            process = await started("sync", url, path)
            await until("bytes_sent", server, sent)
            process.send_signal(ends_by)
            status, output = await ended(process)
            assert status == (130 if ends_by == signal.SIGINT else -signal.SIGKILL), output
            # What the bracelet was told is on the disk.
            for lane in Lane:
                assert log.held[lane] <= on_the_disk(path, lane)
        status, output = await ended(await started("sync", url, path))
        assert status == 0, output
        assert "new records" in output
    with Store(path) as store:
        known = store.logs()[0]
        assert {each.number: each for each in store.records(known, Lane.MINUTE)} == log.records[Lane.MINUTE]
        assert log.held[Lane.MINUTE] == 6000
    # Nothing was brought home twice, but for what was on its way, and a record a lane that is compared.
    assert server.bytes_sent < 1.5 * 6000 * 13.5


async def test_status_says_how_the_log_is(tmp_path: Path) -> None:
    async with served(a_log(3000)) as (_, url):
        status, output = await ended(await started("status", url))
        assert status == 0
        for words in (
            "2.08 days in the log",
            "none among the newest events",
            "1 (12 samples)",
            "power on",
            "3900 mV",
        ):
            assert words in " ".join(output.split()), output
        await ended(await started("sync", url, tmp_path / "store"))
        _, output = await ended(await started("status", url))
        assert "0 that no gateway has" in output
        assert "ago" in output


async def test_a_store_that_cannot_be_written_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    async with served(a_log(1)) as (_, url):
        status, output = await ended(await started("sync", url, tmp_path / "no folder" / "store"))
    assert status == 1
    assert "Is the folder there" in output
    assert "Traceback" not in output


async def test_an_export_names_the_files_that_it_wrote(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    async with served(a_log(100)) as (_, url):
        await ended(await started("sync", url, tmp_path / "store", "--gateway", "attic"))
    status, output = await ended(await started("export", "parquet", tmp_path / "store", tmp_path / "out"))
    assert status == 0, output
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == [f"{each}.parquet" for each in ("batches", "events", "gaps", "minutes", "quarters")]
    assert all(name in output.replace("\n", "") for name in names)


def raw_record(number: int) -> RawPpgRecord:
    return RawPpgRecord(
        first_sample=100 * number, samples=100, channels=1, rate_hz=50, led_ua=6400, packed=bytes(100)
    )


async def test_a_raw_window_of_the_past_is_found_and_nothing_else_is_fetched(tmp_path: Path) -> None:
    log = a_log(10)
    for number in range(2000):
        log.append(Lane.RAW, raw_record(number), 86_400_000_000 + 2_000_000 * number)
    begin_s = BEGAN_S + 86_400 + 1000
    async with served(log) as (_, url):
        with Store(tmp_path / "store") as store:
            async with vigie.connect(url) as bracelet:
                assert await bring_window(bracelet, store, begin_s, begin_s + 100) > 50
            known = store.logs()[0]
            numbers = [each.number for each in store.records(known, Lane.RAW)]
    assert numbers == list(range(500, 552))


async def test_a_raw_window_that_is_not_over_is_recorded(tmp_path: Path) -> None:
    log = a_log(10)
    async with served(log) as (server, url):
        with Store(tmp_path / "store") as store:
            async with vigie.connect(url) as bracelet:
                now_s = time.time()
                assert await bring_window(bracelet, store, now_s, now_s + 1) == 0
        assert server.captured == [61, 0]


@pytest.mark.parametrize(
    "words", [["--from", "yesterday", "--to", "now"], ["--from", "now", "--to", "now-5"]]
)
async def test_times_that_are_none_are_refused_with_what_to_write(words: list[str]) -> None:
    status, output = await ended(await started("raw", "socket://127.0.0.1:1", *words))
    assert status == 2
    assert "now" in output or "ends before it begins" in output
