"""How small the raw records are, beside flac and xz; how fast they are packed on the board and unpacked by the host.

    python tests/benchmarks/blocks.py [FOLDER_OF_RECORDINGS]

Every recording with a PPG or an acceleration goes through the sensors' models twice: at the rates of the standard plan
(50 Hz, 26 Hz), and sample by sample as it was recorded. It is cut as the bracelet cuts it: 128 PPG samples or 48
accelerometer samples a record, half of it where 188 or 190 bytes are not enough. What is counted are the packed bytes,
every record decodable alone; of flac the frames (whole recordings, blocks of 4096, without the file's head), of xz
whole files of samples of 3 or 2 bytes. Each recording is unpacked again and compared. Exits with 1 if a goal is missed.
"""

# The harness of the firmware's tests is not where a type checker looks.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.recordings import HEART_RATE_SETS, STEP_SETS, fall_acceleration, load
from vigie.micropython import MicroPythonMissing, find
from vigie_protocol import rice
from vigie_protocol.messages import RawAccelerometerRecord, RawPpgRecord
from vigie_rig.traces import Trace
from vigie_rig.traces._load import to_photocurrent

sys.path.insert(0, str(Path(__file__).parents[1] / "firmware"))
from features_harness import ACC_RATE_HZ, PPG_RATE_HZ, acc_of, ppg_of, trace_of

ROOT = Path(__file__).parents[2]
Int64 = npt.NDArray[np.int64]

BODY_BYTES = 199
SAMPLES = {1: 128, 3: 48}
ROOM_BYTES = {
    1: BODY_BYTES
    - len(RawPpgRecord(first_sample=0, samples=0, channels=0, rate_hz=0, led_ua=0, packed=b"").to_bytes()),
    3: BODY_BYTES
    - len(RawAccelerometerRecord(first_sample=0, samples=0, rate_decihz=0, range_g=0, packed=b"").to_bytes()),
}
WIRE_BYTES = {1: 3, 3: 2}
DAY_S = 86400
GOALS = {"/flac": 1.05, "/xz": 1.0, "M values/s": 10.0, "times real time": 50.0}

PACK_ON_BOARD = """
import sys, time
from array import array
from bracelet import rice
with open(sys.argv[1], "rb") as file:
    values = array("i", file.read())
count, channels = int(sys.argv[2]), int(sys.argv[3])
size = count * channels
records = [array("i", values[at : at + size]) for at in range(0, len(values) - size + 1, size)]
out = bytearray(1000)
begin = time.ticks_us()
for record in records:
    rice.pack(record, count, channels, out, 0, 1000)
print(time.ticks_diff(time.ticks_us(), begin) / len(records) / count)
"""


@dataclass
class Sizes:
    """Sums over recordings, in bytes."""

    values: int = 0
    ours: int = 0
    records: int = 0
    flac: int = 0
    xz: int = 0
    packed: list[bytes] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, samples: Int64) -> None:
        channels = samples.shape[1]
        packed, counts = cut(samples)
        np.testing.assert_array_equal(rice.decode_many(packed, counts, channels), samples)
        raw = samples.astype("<i4").reshape(-1, 1).view(np.uint8)[:, : WIRE_BYTES[channels]].tobytes()
        self.values += samples.size
        self.ours += sum(map(len, packed))
        self.records += len(packed)
        self.flac += flac_bytes(raw, channels)
        self.xz += len(lzma.compress(raw, preset=9))
        self.packed += packed
        self.counts += counts


def cut(samples: Int64) -> tuple[list[bytes], list[int]]:
    """Pack as the recorder does."""
    channels = samples.shape[1]
    packed: list[bytes] = []
    counts: list[int] = []
    for begin in range(0, len(samples), SAMPLES[channels]):
        window = samples[begin : begin + SAMPLES[channels]]
        while len(window):
            count = len(window)
            while len(record := rice.encode(window[:count])) > ROOM_BYTES[channels]:
                count = (count + 1) // 2
            packed.append(record)
            counts.append(count)
            window = window[count:]
    return packed, counts


def flac_bytes(raw: bytes, channels: int) -> int:
    """The frames alone."""
    options = "-8 -s --no-padding --no-seektable --force-raw-format --endian=little --sign=signed --sample-rate=8000"
    shape = [f"--channels={channels}", f"--bps={8 * WIRE_BYTES[channels]}"]
    command = ["flac", *options.split(), *shape, "-", "-c"]
    coded = subprocess.run(command, input=raw, capture_output=True, check=True).stdout
    at, last = 4, False
    while not last:
        last = coded[at] >= 0x80
        at += 4 + int.from_bytes(coded[at + 1 : at + 4], "big")
    return len(coded) - at


def recorded(folder: Path) -> Iterator[tuple[str, str, Int64]]:
    """What was measured, where, and the samples [n, channels] that the sensors' models make of it."""
    traces = load(folder)
    for name in (*HEART_RATE_SETS, "wesad"):
        for r in traces.recordings(name):
            trace = trace_of(r)
            yield from ppg(name, trace.ppg, trace.ppg_rate_hz)
            if r["acc"].shape[1]:
                yield from acc(name, np.asarray(r["acc"], np.float64), float(r["acc_rate_hz"]))
    for r in traces.recordings("rhythm"):
        # Segments of 10 s of one person, one after the other.
        yield from ppg("rhythm", to_photocurrent(np.asarray(r["ppg"], np.float64).reshape(1, -1)), 100.0)
    for name in (*STEP_SETS, "weda", "geotec", "assist_iot"):
        for r in traces.recordings(name):
            yield from acc(name, *fall_acceleration(r))


def ppg(name: str, photocurrent: npt.NDArray[np.float64], rate_hz: float) -> Iterator[tuple[str, str, Int64]]:
    for title, at_hz in (("PPG, 50 Hz", rate_hz), ("PPG, own rate", PPG_RATE_HZ)):
        still = np.zeros((3, 1 + int(photocurrent.shape[1] / at_hz)))
        trace = Trace("", "", photocurrent, ("green",), at_hz, still, 1.0, None, ())
        yield title, name, ppg_of(trace)[:, None]


def acc(name: str, acc_g: npt.NDArray[np.float64], rate_hz: float) -> Iterator[tuple[str, str, Int64]]:
    if len(acc_g) == 1:
        acc_g = np.concatenate([np.zeros((2, acc_g.shape[1])), acc_g])
    for title, at_hz in (("acceleration, 26 Hz", rate_hz), ("acceleration, own rate", ACC_RATE_HZ)):
        dark = np.zeros((1, acc_g.shape[1]))
        yield title, name, acc_of(Trace("", "", dark, ("green",), at_hz, acc_g, at_hz, None, ()))


def compare(folder: Path) -> tuple[dict[tuple[str, str], Sizes], Sizes]:
    """Print the table of sizes."""
    by_set: dict[tuple[str, str], Sizes] = {}
    for title, name, samples in recorded(folder):
        by_set.setdefault((title, name), Sizes()).add(samples)
    print(
        f"{'':24}{'':16}{'values':>10}{'bytes/rec.':>11}{'bits':>7}{'flac':>7}{'xz':>7}{'/flac':>8}{'/xz':>7}"
    )
    everything = Sizes()
    for title in dict.fromkeys(title for title, _ in by_set):
        whole = Sizes()
        for (its, name), sizes in by_set.items():
            if its == title:
                show(title, name, sizes)
                merge(whole, sizes)
        show(title, "all", whole)
        merge(everything, whole)
    show("all", "", everything)
    return by_set, everything


def merge(into: Sizes, sizes: Sizes) -> None:
    for name in ("values", "ours", "records", "flac", "xz"):
        setattr(into, name, getattr(into, name) + getattr(sizes, name))


def show(title: str, name: str, sizes: Sizes) -> None:
    bits = [8 * size / sizes.values for size in (sizes.ours, sizes.flac, sizes.xz)]
    print(
        f"{title:24}{name:16}{sizes.values:10}{sizes.ours / sizes.records:11.0f}"
        f"{bits[0]:7.2f}{bits[1]:7.2f}{bits[2]:7.2f}{bits[0] / bits[1]:8.3f}{bits[0] / bits[2]:7.3f}"
    )


def unpacked_a_second(sizes: Sizes, channels: int, rate_hz: float) -> float:
    """Millions of values that a day's records are unpacked to in a second of processor time."""
    times = 1 + int(DAY_S * rate_hz / sum(sizes.counts))
    packed, counts = sizes.packed * times, sizes.counts * times
    took_s: list[float] = []
    for _ in range(3):
        begin = time.process_time()
        rice.decode_many(packed, counts, channels)
        took_s.append(time.process_time() - begin)
    return sum(counts) * channels / min(took_s) / 1e6


def board_share(samples: Int64, rate_hz: float, cpu: str | None, folder: Path) -> float:
    """Which share of the time the unix port packs."""
    channels = samples.shape[1]
    (folder / "pack.py").write_text(PACK_ON_BOARD)
    (folder / "samples").write_bytes(samples[: 40 * SAMPLES[channels]].astype("<i4").tobytes())
    ran = subprocess.run(
        [
            *find(cpu).command,
            str(folder / "pack.py"),
            str(folder / "samples"),
            str(SAMPLES[channels]),
            str(channels),
        ],
        env={**os.environ, "MICROPYPATH": str(ROOT / "firmware")},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ran.stdout) * 1e-6 * rate_hz


def main() -> int:
    default = Path(os.environ.get("VIGIE_TRACES", ROOT / ".." / "shared" / "traces"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if shutil.which("flac") is None:
        print("skipped: no flac; install it (Debian: apt install flac)")
        return 0
    if not (folder / "load.py").is_file():
        print("skipped: no recordings; pass their folder or name it in VIGIE_TRACES")
        return 0
    by_set, everything = compare(folder)
    results = {"/flac": everything.ours / everything.flac, "/xz": everything.ours / everything.xz}
    speeds = [
        unpacked_a_second(by_set["PPG, 50 Hz", "rhythm"], 1, PPG_RATE_HZ),
        unpacked_a_second(by_set["acceleration, 26 Hz", "bangle"], 3, ACC_RATE_HZ),
    ]
    print(f"\nunpacked, a day of PPG: {speeds[0]:.1f}, of acceleration: {speeds[1]:.1f} M values/s")
    results["M values/s"] = min(speeds)
    wrist = {title: samples for title, name, samples in recorded_of(load(folder))}
    for cpu, title in ((None, "64-bit"), ("i386", "32-bit")):
        try:
            with tempfile.TemporaryDirectory() as scratch:
                share = sum(
                    board_share(wrist[stream], rate_hz, cpu, Path(scratch))
                    for stream, rate_hz in (("PPG, 50 Hz", PPG_RATE_HZ), ("acceleration, 26 Hz", ACC_RATE_HZ))
                )
        except MicroPythonMissing as missing:
            print(f"packing on {title} MicroPython not measured: {missing}")
            continue
        print(
            f"packed by MicroPython, {title}, PPG and acceleration together: {1 / share:.0f} times real time"
        )
        results["times real time"] = min(1 / share, results.get("times real time", np.inf))
    missed = [
        name
        for name, result in results.items()
        if (result > GOALS[name] if name.startswith("/") else result < GOALS[name])
    ]
    print(
        "goals: "
        + ", ".join(f"{'<=' if name[0] == '/' else '>='} {goal} {name}" for name, goal in GOALS.items())
    )
    print(f"missed: {', '.join(missed)}" if missed else "all reached")
    return 1 if missed else 0


def recorded_of(traces: object) -> Iterator[tuple[str, str, Int64]]:
    """One wrist, as `recorded` has all of them."""
    r = next(iter(traces.recordings("bami2")))  # type: ignore[attr-defined]
    trace = trace_of(r)
    yield "PPG, 50 Hz", "bami2", ppg_of(trace)[:, None]
    yield "acceleration, 26 Hz", "bami2", acc_of(trace)


if __name__ == "__main__":
    sys.exit(main())
