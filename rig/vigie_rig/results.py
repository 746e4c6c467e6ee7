"""What a bench found: measurements against limits, one verdict, and the files that other jobs read.

`write_json` writes the result that `read_json` gives back unchanged; `write_junit` writes the same for
continuous integration; `exit_status` is what a command ends with.
"""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from vigie_rig.errors import RigError

__all__ = [
    "BenchResult",
    "FirmwareIdentity",
    "Limit",
    "Measurement",
    "ResultFileError",
    "TraceIdentity",
    "Verdict",
    "exit_status",
    "read_json",
    "write_json",
    "write_junit",
]

Verdict = Literal["pass", "fail", "firmware-fault", "rig-fault", "flake"]
"""`fail`: a limit does not hold. `firmware-fault`: the device crashed, hung or broke its protocol.
`rig-fault`: the bench itself is broken and says nothing about the firmware. `flake`: it failed, and then
passed on the same input."""

_VERDICTS: Final = get_args(Verdict)
_LIMIT_PART: Final = re.compile(r"([≤≥])\s*(\S+)")
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ResultFileError(RigError, ValueError):
    """A file is not a bench result; `path` is the file and `detail` what is wrong with it."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path} is not a bench result: {detail}. Run the bench again to write a new one.")
        self.path = path
        self.detail = detail


@dataclass(frozen=True)
class Limit:
    """The values that are allowed: at most, at least, or both, bounds included."""

    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.at_most, self.at_least) if bound is not None]
        if not bounds or not all(math.isfinite(bound) for bound in bounds):
            raise ValueError(
                "a limit needs a finite at_most or at_least; where any value will do, use limit=None"
            )

    def holds(self, value: float) -> bool:
        """Whether the value is allowed; NaN never is."""
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def __str__(self) -> str:
        parts = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {_number(bound)}" for sign, bound in parts if bound is not None)

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read what `str` wrote, such as `≤ 0` or `≥ 0.5, ≤ 1`; ValueError for anything else."""
        bounds: dict[str, float] = {}
        for part in text.split(","):
            match = _LIMIT_PART.fullmatch(part.strip())
            if match is None or match[1] in bounds:
                raise ValueError(f"{text!r} is no limit: write one like '≤ 0' or '≥ 0.5, ≤ 1'")
            bounds[match[1]] = float(match[2])
        return cls(at_most=bounds.get("≤"), at_least=bounds.get("≥"))


@dataclass(frozen=True)
class Measurement:
    """One number that a bench measured; `value` is None where it could not be.

    A NaN or infinite value is kept as None: JSON has no such number, and it was not measured.
    """

    name: str
    value: float | int | None
    unit: str
    limit: Limit | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    @property
    def ok(self) -> bool:
        """Whether the limit holds; without a limit always, without a value never."""
        if self.limit is None:
            return True
        return self.value is not None and self.limit.holds(self.value)


@dataclass(frozen=True)
class FirmwareIdentity:
    """What ran on the board: its version, the CRC of the protocol's schema, and MicroPython's version."""

    version: str
    schema_crc: str
    micropython: str


@dataclass(frozen=True)
class TraceIdentity:
    """What was replayed: the name, the hash of the file's bytes and the seconds played."""

    name: str
    sha256: str
    seconds: float


@dataclass(frozen=True)
class BenchResult:
    """The outcome of one bench; `reason` says in one sentence why it is not a pass."""

    verdict: Verdict
    board: str
    firmware: FirmwareIdentity
    trace: TraceIdentity
    measurements: tuple[Measurement, ...]
    started_utc: datetime
    wall_s: float
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in _VERDICTS:
            raise ValueError(f"{self.verdict!r} is no verdict: choose one of {', '.join(_VERDICTS)}")
        offset = self.started_utc.utcoffset()
        if offset is None or offset.total_seconds() != 0:
            raise ValueError("started_utc must be in UTC: use datetime.now(timezone.utc)")
        names = [measurement.name for measurement in self.measurements]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"measured more than once: {', '.join(twice)}; give each its own name")
        failed = [measurement.name for measurement in self.measurements if not measurement.ok]
        if self.verdict == "pass" and failed:
            raise ValueError(
                f"a pass whose limits do not hold ({', '.join(failed)}): the verdict must be 'fail'"
            )


def exit_status(result: BenchResult) -> int:
    """0 for a pass, 3 for a fault of the rig, 1 for all else (2 is left to wrong usage)."""
    return {"pass": 0, "rig-fault": 3}.get(result.verdict, 1)


def write_json(result: BenchResult, path: Path | str) -> None:
    """Write the result as one JSON object, measurements by name, limits as text."""
    document = {
        "verdict": result.verdict,
        "reason": result.reason,
        "board": result.board,
        "firmware": vars(result.firmware),
        "trace": vars(result.trace),
        "measurements": {
            measurement.name: {
                "value": measurement.value,
                "unit": measurement.unit,
                "limit": None if measurement.limit is None else str(measurement.limit),
                "ok": measurement.ok,
            }
            for measurement in result.measurements
        },
        "started_utc": result.started_utc.isoformat(),
        "wall_s": result.wall_s,
    }
    Path(path).write_text(
        json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def read_json(path: Path | str) -> BenchResult:
    """Read what `write_json` wrote; ResultFileError says what is wrong with the file."""
    path = Path(path)
    try:
        document = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        measurements: dict[str, dict[str, Any]] = document["measurements"]
        return BenchResult(
            verdict=document["verdict"],
            board=document["board"],
            firmware=FirmwareIdentity(**document["firmware"]),
            trace=TraceIdentity(**document["trace"]),
            measurements=tuple(
                Measurement(
                    name=name,
                    value=entry["value"],
                    unit=entry["unit"],
                    limit=None if entry["limit"] is None else Limit.parse(entry["limit"]),
                )
                for name, entry in measurements.items()
            ),
            started_utc=datetime.fromisoformat(document["started_utc"]),
            wall_s=document["wall_s"],
            reason=document["reason"],
        )
    except KeyError as missing:
        raise ResultFileError(path, f"{missing} is missing") from missing
    except (ValueError, TypeError, AttributeError) as error:
        raise ResultFileError(path, str(error)) from error


def write_junit(result: BenchResult, path: Path | str) -> None:
    """Write JUnit XML: a test case a measurement with a limit, and one for the verdict as a whole.

    Identities travel as properties. A fault of the firmware or the rig is an error of the case `verdict`;
    what it kept from being measured is skipped, not failed.
    """
    broken = result.verdict in ("firmware-fault", "rig-fault")
    suite = ET.Element(
        "testsuite",
        name="vigie bench",
        timestamp=result.started_utc.isoformat(timespec="seconds"),
        time=f"{result.wall_s:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, text in _identities(result).items():
        ET.SubElement(properties, "property", name=name, value=_xml_text(text))

    classname = _xml_text(f"bench.{result.board}.{result.trace.name}")
    verdict = ET.SubElement(
        suite, "testcase", classname=classname, name="verdict", time=f"{result.wall_s:.3f}"
    )
    if result.verdict != "pass":
        tag = "error" if broken else "failure"
        ET.SubElement(verdict, tag, type=result.verdict, message=_xml_text(result.reason or result.verdict))
    for measurement in result.measurements:
        if measurement.limit is None:
            continue
        case = ET.SubElement(
            suite, "testcase", classname=classname, name=_xml_text(measurement.name), time="0"
        )
        if measurement.value is None and broken:
            ET.SubElement(case, "skipped", message=f"not measured: {result.verdict}")
        elif not measurement.ok:
            ET.SubElement(case, "failure", type="limit", message=_xml_text(_against_limit(measurement)))

    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _identities(result: BenchResult) -> dict[str, str]:
    return {
        "verdict": result.verdict,
        "board": result.board,
        "firmware.version": result.firmware.version,
        "firmware.schema_crc": result.firmware.schema_crc,
        "firmware.micropython": result.firmware.micropython,
        "trace.name": result.trace.name,
        "trace.sha256": result.trace.sha256,
        "trace.seconds": str(result.trace.seconds),
    }


def _against_limit(measurement: Measurement) -> str:
    unit = f" {measurement.unit}" if measurement.unit else ""
    if measurement.value is None:
        return f"{measurement.name} was not measured, limit {measurement.limit}{unit}"
    return f"{measurement.name} is {measurement.value}{unit}, limit {measurement.limit}{unit}"


def _number(value: float) -> str:
    """The shortest text that reads back as the same number: 0, not 0.0."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _xml_text(text: str) -> str:
    """XML 1.0 has no place for most control characters, not even escaped; a device may send them."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
