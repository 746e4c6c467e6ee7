"""Streams of frames as a bad link or a bad sender leaves them, from a seed."""

from __future__ import annotations

import random
from typing import NamedTuple

from vigie_protocol import framing
from vigie_protocol.definition import Message
from vigie_protocol.messages import AccelerometerBlock, PpgBlock


class Stream(NamedTuple):
    """Bytes that end with a zero, and the frames that were made into them."""

    wire: bytes
    frames: list[framing.Frame]
    repaired: bool
    """Whether the faults came before the CRC: then all frames are whole, whatever they say."""


class Mutator:
    """Frames of samples as a bracelet sends them, and what a bad link or a bad sender makes of them."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        # Made once: construct takes longer for one than all the rest.
        self._frames = [self._made() for _ in range(500)]

    def frame(self) -> framing.Frame:
        """A frame with a block of samples, right in every way."""
        return self.dice.choice(self._frames)

    def _made(self) -> framing.Frame:
        dice = self.dice
        head = {
            "first_sample": dice.getrandbits(30),
            "ticks_us": dice.getrandbits(30),
            "epoch": dice.getrandbits(16),
            "overflow": dice.choice((0, 0, 0, 31)),
            "flags": dice.getrandbits(2),
            "configuration": dice.getrandbits(8),
        }
        block: Message
        if dice.random() < 0.5:
            channels = dice.randint(1, 3)
            counts = tuple(dice.choices(range(1 << 18), k=channels * dice.randint(1, 8)))
            block = PpgBlock(**head, channels=channels, samples=counts)
        else:
            flat = [dice.randint(-0x8000, 0x7FFF) for _ in range(3 * dice.randint(1, 8))]
            axes = tuple(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
            block = AccelerometerBlock(**head, range_g=8, sensor_ticks=dice.getrandbits(30), samples=axes)
        return framing.Frame(block.KIND, dice.getrandbits(16), block.to_bytes())

    def mutated(self, data: bytes) -> bytes:
        """The bytes with one to four faults: bits flipped, bytes lost, doubled, made up, set, moved or cut off."""
        dice = self.dice
        changed = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(changed) or 1)
            fault = dice.randrange(7)
            if fault == 0 and changed:
                changed[at] ^= 1 << dice.randrange(8)
            elif fault == 1:
                del changed[at : at + dice.randint(1, 5)]
            elif fault == 2:
                changed[at:at] = changed[at : at + dice.randint(1, 20)]
            elif fault == 3:
                changed[at:at] = dice.randbytes(dice.randint(1, 20))
            elif fault == 4 and changed:
                changed[at] = dice.choice((0, 1, 3, 0x7F, 0x80, 0xFF))
            elif fault == 5:
                changed = changed[at:] + changed[:at]
            elif fault == 6:
                del changed[at:]
        return bytes(changed)

    def stream(self) -> Stream:
        """A third is noise alone, now and then after a typed ctrl-C.

        Of the rest half broke on the wire, half were wrong before the CRC was made.
        """
        dice = self.dice
        if dice.random() < 1 / 3:
            typed = dice.choice((b"\r\x03", b"\x03\x03\x03")) if dice.random() < 0.05 else b""
            return Stream(typed + dice.randbytes(dice.randint(1, 300)) + b"\0", [], repaired=False)
        sent = [self.frame() for _ in range(dice.randint(1, 2))]
        if dice.random() < 0.5:
            wire = b"".join(framing.encode_frame(*each) for each in sent)
            return Stream(self.mutated(wire) + b"\0", sent, repaired=False)
        wrong: list[framing.Frame] = []
        for each in sent:
            plain = self.mutated(bytes((each.kind,)) + each.body)[: framing.MAX_BODY_BYTES]
            usable = plain and plain[0] not in (0, framing.INTERRUPT)
            wrong.append(framing.Frame(plain[0] if usable else each.kind, each.sequence, plain[1:]))
        return Stream(b"".join(framing.encode_frame(*each) for each in wrong), wrong, repaired=True)
