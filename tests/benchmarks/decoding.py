"""How fast the host decodes blocks of samples, against plain construct and against protobuf (upb).

    python tests/benchmarks/decoding.py

All sides begin with the same samples and end with the same thing: one array of heads' fields a stream and one array
of samples, equal to the last bit. *Bodies* are payloads without framing; protobuf has one message a block, its samples
as a packed repeated field. *Wire* adds COBS and CRC-32 on every side, by the same code. The sides take turns
within one run and medians are compared, of the processor time that each took. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import dataclasses
import gc
import operator
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation
from numpy.typing import NDArray

from vigie_protocol import arrays, framing
from vigie_protocol.definition import Message
from vigie_protocol.messages import AccelerometerBlock, PpgBlock

BLOCKS: Final = 2000
ROUNDS: Final = 7
TURN_S: Final = 0.02
GOALS: Final = {
    ("bodies", "construct"): 200,
    ("bodies", "protobuf"): 10,
    ("wire", "construct"): 40,
    ("wire", "protobuf"): 3,
}

Decoded = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Heads [blocks, fields] and samples [samples, channels or axes]."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Blocks of one stream as the firmware makes them."""

    title: str
    kind: type[Message]
    messages: Sequence[Any]
    columns: int

    @property
    def head_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.kind.FIELDS if not field.is_tail)


def ppg_case(title: str, samples: int, channels: int = 2) -> Case:
    """A PPG with a slow drift in the upper half of its 18 bits."""
    dice = np.random.default_rng(1)
    counts = np.clip(
        180_000 + np.cumsum(dice.integers(-90, 91, (BLOCKS, samples * channels)), 1), 0, (1 << 18) - 1
    )
    return Case(
        title,
        PpgBlock,
        [
            PpgBlock(
                first_sample=number * samples,
                ticks_us=number * samples * 10_000 % (1 << 30),
                epoch=number * samples * 10_000 >> 30,
                overflow=0,
                flags=0,
                configuration=1,
                channels=channels,
                samples=tuple(row),
            )
            for number, row in enumerate(counts.tolist())
        ],
        channels,
    )


def accelerometer_case(title: str, samples: int) -> Case:
    """An arm that moves: thousands of counts at 8 g."""
    dice = np.random.default_rng(2)
    counts = dice.normal((0, 1000, 4000), 1200, (BLOCKS, samples, 3)).astype(np.int16)
    return Case(
        title,
        AccelerometerBlock,
        [
            AccelerometerBlock(
                first_sample=number * samples,
                ticks_us=number * samples * 9615 % (1 << 30),
                epoch=number * samples * 9615 >> 30,
                overflow=0,
                flags=0,
                configuration=1,
                range_g=8,
                sensor_ticks=number * samples * 385,
                samples=tuple(map(tuple, block)),
            )
            for number, block in enumerate(counts.tolist())
        ],
        3,
    )


def protobuf_class(case: Case) -> Any:
    """The same message for protobuf: varints for the head, one packed repeated field for the samples."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{case.kind.__name__}.proto", package="benchmark", syntax="proto3"
    )
    message = file.message_type.add(name=case.kind.__name__)
    for number, field in enumerate(case.kind.FIELDS, 1):
        sample_type = types.TYPE_SINT32 if field.code == "i16x3[]" else types.TYPE_UINT32
        message.field.add(
            name=field.name,
            number=number,
            type=sample_type if field.is_tail else types.TYPE_UINT32,
            label=types.LABEL_REPEATED if field.is_tail else types.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"benchmark.{case.kind.__name__}"))


def protobuf_bodies(case: Case) -> list[bytes]:
    kind = protobuf_class(case)
    return [
        kind(
            **{name: getattr(each, name) for name in case.head_names}, samples=np.ravel(each.samples)
        ).SerializeToString()
        for each in case.messages
    ]


# Decoding: body bytes to what a program works with


def by_vigie(case: Case) -> Callable[[Sequence[bytes]], Any]:
    return arrays.decode_ppg_blocks if case.kind is PpgBlock else arrays.decode_accelerometer_blocks


def by_construct(case: Case) -> Callable[[Sequence[bytes]], Any]:
    parse, names, columns = case.kind.STRUCT.parse, case.head_names, case.columns

    def decode(bodies: Sequence[bytes]) -> Decoded:
        parsed = [parse(body) for body in bodies]
        heads = np.array([[each[name] for name in names] for each in parsed])
        # A concatenation of arrays, each made of one block's list, is the fastest that was found.
        return heads, np.concatenate([np.array(each["samples"]) for each in parsed]).reshape(-1, columns)

    return decode


def table(numbers: list[int], columns: int) -> NDArray[np.int64]:
    return np.fromiter(numbers, np.int64, len(numbers)).reshape(-1, columns)


def by_protobuf(case: Case) -> Callable[[Sequence[bytes]], Any]:
    parse = protobuf_class(case).FromString
    head = operator.attrgetter(*case.head_names)

    def decode(bodies: Sequence[bytes]) -> Decoded:
        heads: list[int] = []
        samples: list[int] = []
        for body in bodies:
            parsed = parse(body)
            heads.extend(head(parsed))
            # The fastest way found: an array a block takes twice as long.
            samples.extend(parsed.samples[:])
        return table(heads, len(case.head_names)), table(samples, case.columns)

    return decode


# Framing


def unframe(case: Case, wire: bytes) -> list[bytes]:
    """The same code on all sides."""
    return framing.bodies_by_kind(wire)[case.kind.KIND]


def frame_all(kind: int, bodies: Sequence[bytes]) -> bytes:
    """One frame after the other."""
    return b"".join(framing.encode_frame(kind, number & 0xFFFF, body) for number, body in enumerate(bodies))


# Measuring


def as_decoded(result: Any, case: Case) -> Decoded:
    if isinstance(result, arrays.Blocks):
        heads = np.stack([result.heads[name].astype(np.int64) for name in case.head_names], 1)
        return heads, result.samples.astype(np.int64)
    return result


def turn_us(side: Callable[[], Any]) -> float:
    """Microseconds a block of one side, over a turn long enough to be measured."""
    begin = time.process_time()
    calls = 0
    while (took := time.process_time() - begin) < TURN_S:
        side()
        calls += 1
    return took / calls / BLOCKS * 1e6


def medians_us(sides: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Microseconds a block of each side, taking turns."""
    gc.collect()
    gc.disable()
    turns = [{name: turn_us(side) for name, side in sides.items()} for _ in range(ROUNDS)]
    gc.enable()
    return {name: median(turn[name] for turn in turns) for name in sides}


def measure(case: Case) -> dict[str, dict[str, float]]:
    ours = [each.to_bytes() for each in case.messages]
    theirs = protobuf_bodies(case)
    our_wire, their_wire = frame_all(case.kind.KIND, ours), frame_all(case.kind.KIND, theirs)
    vigie, construct, protobuf = by_vigie(case), by_construct(case), by_protobuf(case)
    stages: dict[str, dict[str, Callable[[], Any]]] = {
        "bodies": {
            "vigie": lambda: vigie(ours),
            "construct": lambda: construct(ours),
            "protobuf": lambda: protobuf(theirs),
        },
        "wire": {
            "vigie": lambda: vigie(unframe(case, our_wire)),
            "construct": lambda: construct(unframe(case, our_wire)),
            "protobuf": lambda: protobuf(unframe(case, their_wire)),
        },
    }
    for sides in stages.values():
        results = [as_decoded(side(), case) for side in sides.values()]
        for other in results[1:]:
            for mine, yours in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(mine, yours)
    return {stage: medians_us(sides) for stage, sides in stages.items()}


def main() -> int:
    if api_implementation.Type() != "upb":
        print(f"protobuf runs on {api_implementation.Type()} here, not on upb: no comparison")
        return 1
    # What the firmware sends at its standard configuration, and nearly full frames.
    cases = [
        ppg_case("PPG 2 channels, 12 samples a block", 12),
        accelerometer_case("accelerometer, 13 samples a block", 13),
        ppg_case("PPG 2 channels, 36 samples a block", 36),
        accelerometer_case("accelerometer, 30 samples a block", 30),
    ]
    missed = 0
    print(f"{BLOCKS} blocks, medians of {ROUNDS} rounds, µs a block")
    print(f"{'':36}{'':8}{'vigie':>9}{'construct':>11}{'protobuf':>10}{'/construct':>12}{'/protobuf':>11}")
    for case in cases:
        for stage, took in measure(case).items():
            ratios = {other: took[other] / took["vigie"] for other in ("construct", "protobuf")}
            missed += sum(ratio < GOALS[stage, other] for other, ratio in ratios.items())
            print(
                f"{case.title:36}{stage:8}{took['vigie']:9.3f}{took['construct']:11.1f}{took['protobuf']:10.2f}"
                f"{ratios['construct']:11.0f}x{ratios['protobuf']:10.1f}x"
            )
    print("goals: " + ", ".join(f"{stage} >= {goal}x {other}" for (stage, other), goal in GOALS.items()))
    print("all reached" if not missed else f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
