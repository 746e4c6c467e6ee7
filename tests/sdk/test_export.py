"""What a store has comes out again: raw windows with their times, tables as Parquet, recordings as BDF+."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from edfio import read_bdf
from fake_bracelet import FakeLog, LogBracelet, minute
from numpy.typing import NDArray

import vigie
from vigie import export
from vigie.store import Store
from vigie_protocol import rice
from vigie_protocol.enums import EventCode, GapReason, Lane, Stream
from vigie_protocol.messages import EventRecord, GapRecord, RawAccelerometerRecord, RawPpgRecord
from vigie_rig import virtual_clock

UTC_S = 1_800_057_600.0
PPG_RATE_HZ = 50.4
"""The sensor's own; it says 50."""


def wave(count: int, channels: int) -> NDArray[np.int32]:
    dice = np.random.default_rng(5)
    return np.cumsum(dice.integers(-40, 40, (count, channels)), axis=0, dtype=np.int32) + 2000


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Half an hour of life, with a raw window of a minute in it, of which a record was lost; and what happened."""
    path = tmp_path / "store"

    async def main() -> None:
        log = FakeLog()
        log.boot(lambda: round(asyncio.get_running_loop().time() * 1e6))
        ppg, acc = wave(3000, 1), wave(1560, 3)
        for number in range(30):
            log.append(Lane.MINUTE, minute(number), (number + 1) * 60_000_000)
        for at in range(0, 3000, 60):
            block = RawPpgRecord(
                first_sample=at,
                samples=60,
                channels=1,
                rate_hz=50,
                led_ua=6400,
                packed=rice.encode(ppg[at : at + 60]),
            )
            log.append(Lane.RAW, block, 300_000_000 + round((at + 59) / PPG_RATE_HZ * 1e6))
        for at in range(0, 1560, 26):
            block = RawAccelerometerRecord(
                first_sample=at, samples=26, rate_decihz=260, range_g=8, packed=rice.encode(acc[at : at + 26])
            )
            log.append(Lane.RAW, block, 300_000_000 + round((at + 25) / 26 * 1e6))
        lost = next(
            number
            for number, each in log.records[Lane.RAW].items()
            if each.message == log.records[Lane.RAW][90].message
        )
        del log.records[Lane.RAW][lost]
        log.append(Lane.EVENT, EventRecord(code=EventCode.FALL, value=3), 700_000_000)
        log.append(
            Lane.EVENT,
            GapRecord(reason=GapReason.LIVE, streams=Stream.PPG | Stream.ACCELEROMETER, centiseconds=6000),
            900_000_000,
        )
        await asyncio.sleep(1800)
        with Store(path) as store:
            async with vigie.connect(LogBracelet(log)) as session:
                async for _ in session.sync(store, utc_s=lambda: UTC_S + asyncio.get_running_loop().time()):
                    pass

    virtual_clock.run(main())
    return path


def test_raw_windows_have_every_sample_and_its_time(store_path: Path) -> None:
    with Store(store_path) as store:
        (window,) = store.samples(Stream.PPG)
    assert np.array_equal(window.counts, wave(3000, 1))
    assert (window.channels, window.led_ua, window.rate_hz) == (("green",), 6400, 50.0)
    true_us = (UTC_S + 300 + np.arange(3000) / PPG_RATE_HZ) * 1e6
    off_s = np.abs(window.utc.astype(np.int64) - true_us) / 1e6
    assert np.max(off_s) <= window.uncertainty_s <= 0.3


def test_a_lost_record_divides_a_window(store_path: Path) -> None:
    with Store(store_path) as store:
        before, after = store.samples(Stream.ACCELEROMETER)
    whole = wave(1560, 3)
    assert np.array_equal(before.counts, whole[: len(before.counts)])
    assert np.array_equal(after.counts, whole[-len(after.counts) :])
    assert len(before.counts) + 26 + len(after.counts) == 1560
    assert before.acceleration_g[0, 0] == pytest.approx(whole[0, 0] * 0.061e-3 * 4)


def test_bdf_files_can_be_read_and_hold_the_counts(store_path: Path, tmp_path: Path) -> None:
    with Store(store_path, read_only=True) as store:
        files = list(export.to_bdf(store, tmp_path / "out"))
        assert [file.name.split("-")[0] for file in files] == ["ppg", "acc", "acc"]
        assert list(export.to_bdf(store, tmp_path / "out", begin_s=UTC_S + 1000)) == []
        assert len(list(export.to_bdf(store, tmp_path / "out", begin_s=UTC_S + 310, end_s=UTC_S + 311))) == 2
    bdf = read_bdf(files[0])
    (signal,) = bdf.signals
    scale = 4096 / (1 << 18) / 6.4
    assert np.array_equal(np.rint(signal.data[:3000] / scale).astype(int), wave(3000, 1)[:, 0])
    assert signal.sampling_frequency == pytest.approx(PPG_RATE_HZ, abs=0.1)
    assert "vigie utc 2027-01-16" in bdf.annotations[0].text


def test_tables_as_parquet(store_path: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with Store(store_path, read_only=True) as store:
        files = {file.stem: file for file in export.to_parquet(store, tmp_path / "out")}
        table = store.minutes()
    assert set(files) == {"minutes", "quarters", "events", "gaps", "batches"}
    read = parquet.read_table(files["minutes"])
    assert read.num_rows == 30
    assert str(read.schema.field("utc").type) == "timestamp[us, tz=UTC]"
    assert read["bpm"].to_pylist() == table["bpm"].tolist()
    assert parquet.read_table(files["events"])["code"].to_pylist() == [EventCode.FALL]
    assert parquet.read_table(files["gaps"])["why"].to_pylist() == ["live"]
    assert parquet.read_table(files["batches"])["firmware"].to_pylist()[0] == "0.0.0"
