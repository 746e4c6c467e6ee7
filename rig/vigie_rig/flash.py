"""NOR flash of a virtual board: what it obeys, how long it takes, how it wears, and what a power cut leaves.

A program only clears bits and an erase sets all bits of a sector. Work is counted in *steps*: one byte programmed is
one step, an erase is :data:`ERASE_STEPS`. Power can be cut after any number of steps, and the step that was under
way is torn: of a byte, a random part of the bits; of an erase, random bytes where it had not come yet. A bit that
was cleared by halves, and reads differently from one time to the next, is not modelled.
"""

from __future__ import annotations

import dataclasses
import os
import random
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from vigie_rig.errors import PowerCut, UsageError

ERASE_STEPS: Final = 8
"""Into how many steps an erase is divided: the sector turns to 0xFF an eighth after the other."""


@dataclasses.dataclass(frozen=True, slots=True)
class FlashTiming:
    """How long a chip takes, in microseconds; a program is ``min(page_us, first_byte_us + more * next_byte_us)``."""

    first_byte_us: float
    next_byte_us: float
    page_us: float
    sector_erase_us: float
    command_us: float
    """From the call to the chip's first clock and back: driver, command and address."""
    read_byte_us: float

    def read_us(self, count: int) -> int:
        """Time to read ``count`` bytes."""
        return round(self.command_us + count * self.read_byte_us)

    def program_us(self, at: int, count: int, page_bytes: int) -> int:
        """Time to program ``count`` bytes from ``at`` on, page after page."""
        total_us, end = 0.0, at + count
        while at < end:
            piece = min(end - at, page_bytes - at % page_bytes)
            total_us += self.command_us + min(
                self.page_us, self.first_byte_us + (piece - 1) * self.next_byte_us
            )
            at += piece
        return round(total_us)

    def erase_us(self) -> int:
        """Time to erase a sector."""
        return round(self.command_us + self.sector_erase_us)


TYPICAL: Final = FlashTiming(
    first_byte_us=30, next_byte_us=2.5, page_us=400, sector_erase_us=45_000, command_us=10, read_byte_us=0.1
)
"""Typical times of Winbond W25Q16JV and W25Q32JV (datasheets, "AC Electrical Characteristics": tBP1, tBP2, tPP,
tSE); reading at 80 Mbit/s."""

WORST: Final = FlashTiming(
    first_byte_us=50, next_byte_us=12, page_us=3_000, sector_erase_us=400_000, command_us=10, read_byte_us=0.1
)
"""The longest times that the same datasheets allow."""


class Operation(NamedTuple):
    """A program of ``data`` at ``at``; without data, an erase of the sector at ``at``."""

    at: int
    data: bytes | None

    @property
    def steps(self) -> int:
        """How many steps it is."""
        return ERASE_STEPS if self.data is None else len(self.data)


class NorFlash:
    """A flash chip; its content outlives the board's resets and power cuts.

    Parameters
    ----------
    size_bytes, sector_bytes, page_bytes
        Geometry; the size is a multiple of the sector's.
    timing
        How long operations take, for whoever plays the board's clock; nothing here waits.
    path
        File that keeps the content from run to run; made, erased, if missing. Wear is not kept.
    seed
        Seeds what a power cut tears.
    journal
        Whether to keep all operations in :attr:`journal`.

    Every verb raises ValueError for an address or a count outside of the chip, and :class:`PowerCut` while it has no
    power.
    """

    def __init__(
        self,
        size_bytes: int,
        *,
        sector_bytes: int = 4096,
        page_bytes: int = 256,
        timing: FlashTiming = TYPICAL,
        path: Path | None = None,
        seed: int = 0,
        journal: bool = False,
    ) -> None:
        if size_bytes <= 0 or size_bytes % sector_bytes or sector_bytes % page_bytes:
            raise UsageError(
                f"flash of {size_bytes} bytes: whole sectors of {sector_bytes}, of pages of {page_bytes}"
            )
        self.size_bytes = size_bytes
        self.sector_bytes = sector_bytes
        self.page_bytes = page_bytes
        self.timing = timing
        self.path = path
        self.content = bytearray(b"\xff") * size_bytes
        self.erases = array("I", bytes(4 * (size_bytes // sector_bytes)))
        """How often each sector was erased."""
        self.steps = 0
        """Steps done so far, of programs and erases."""
        self.violations = 0
        """Bytes programmed with a 1 where a 0 stood, which stays 0; 0xFF leaves a byte alone and is none."""
        self.first_violation: int | None = None
        """Address of the first of them."""
        self._left: int | None = None
        self._powered = True
        self._dice = random.Random(f"flash {seed}")
        if path is not None:
            self._load(path)
        self.journal = Journal(self) if journal else None

    def _load(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(self.content)
        if path.stat().st_size != self.size_bytes:
            raise UsageError(
                f"{path.name} holds {path.stat().st_size} bytes: a flash of {self.size_bytes} needs a new file"
            )
        self.content[:] = path.read_bytes()

    # What the board does

    def read(self, at: int, count: int) -> bytes:
        """``count`` bytes from ``at`` on."""
        self._check(at, count)
        return bytes(self.content[at : at + count])

    def program(self, at: int, data: bytes) -> None:
        """Clear the bits that are 0 in ``data``; may cross pages.

        Raises
        ------
        PowerCut
            Power was cut at or within these bytes: they are done up to there.
        """
        count = len(data)
        self._check(at, count)
        if self.journal is not None:
            self.journal.operations.append(Operation(at, bytes(data)))
        if self._left is None or self._left >= count:
            self._program(at, data)
            if self._left is not None:
                self._left -= count
            return
        done = self._left
        self._program(at, data[:done])
        torn = data[done] | self._dice.getrandbits(8)
        self._program(at + done, bytes((torn,)), torn=True)
        self._cut(at)

    def erase(self, at: int) -> None:
        """Set all bits of the sector at ``at``.

        Raises
        ------
        PowerCut
            Power was cut meanwhile: the rest of the sector holds anything.
        """
        self._check(at, self.sector_bytes)
        if at % self.sector_bytes:
            raise ValueError(f"erase at {at}: a sector begins at a multiple of {self.sector_bytes}")
        if self.journal is not None:
            self.journal.operations.append(Operation(at, None))
        done = ERASE_STEPS if self._left is None else min(self._left, ERASE_STEPS)
        erased = self.sector_bytes * done // ERASE_STEPS
        self._store(at, b"\xff" * erased + self._dice.randbytes(self.sector_bytes - erased))
        self.steps += done
        self.erases[at // self.sector_bytes] += 1
        if self._left is None:
            return
        self._left -= done
        if done < ERASE_STEPS:
            self._cut(at)

    # Power

    def cut_after(self, steps: int) -> None:
        """Cut power when so many more steps are done: the one after them is torn.

        Raises
        ------
        UsageError
            It keeps a journal, which knows whole operations alone: cut what :meth:`Journal.flash_at` gives.
        """
        if self.journal is not None:
            raise UsageError("a flash with a journal is not cut: take Journal.flash_at(steps)")
        self._left = steps

    def power_on(self) -> None:
        """Give power again, for good; the content is what it was."""
        self._left = None
        self._powered = True

    @property
    def powered(self) -> bool:
        """Whether it has power."""
        return self._powered

    def tear(self, operation: Operation, done: float) -> None:
        """Cut power in the middle of an operation: ``done`` is its share that was over, 0 to 1."""
        self.cut_after(min(int(done * operation.steps), operation.steps - 1))
        try:
            self.apply(operation)
        except PowerCut:
            self.power_on()

    def apply(self, operation: Operation) -> None:
        """Do an operation."""
        if operation.data is None:
            self.erase(operation.at)
        else:
            self.program(operation.at, operation.data)

    def operation_us(self, operation: Operation) -> int:
        """How long an operation takes."""
        if operation.data is None:
            return self.timing.erase_us()
        return self.timing.program_us(operation.at, len(operation.data), self.page_bytes)

    def copy(self, *, seed: int = 0, journal: bool = False) -> NorFlash:
        """Another chip of the same content and wear, on its own: no file, and no journal but a new one."""
        other = NorFlash.__new__(NorFlash)
        other.__dict__.update(self.__dict__)
        other.content = self.content[:]
        other.erases = self.erases[:]
        other.steps = 0
        other.violations, other.first_violation = 0, None
        other.path = other.journal = None
        other._dice = random.Random(seed)
        other.power_on()
        if journal:
            other.journal = Journal(other)
        return other

    # Inside

    def _check(self, at: int, count: int) -> None:
        if not self._powered:
            raise PowerCut("the flash has no power")
        if at < 0 or count < 0 or at + count > self.size_bytes:
            raise ValueError(f"{count} bytes at {at}: the flash ends at {self.size_bytes}")

    def _program(self, at: int, data: bytes, *, torn: bool = False) -> None:
        count = len(data)
        old = int.from_bytes(self.content[at : at + count], "little")
        new = int.from_bytes(data, "little")
        if new & ~old and not torn:
            self._note_violations(at, data)
        self._store(at, (old & new).to_bytes(count, "little"))
        if not torn:
            self.steps += count

    def _note_violations(self, at: int, data: bytes) -> None:
        bad = [
            at + index
            for index, (new, old) in enumerate(zip(data, self.content[at : at + len(data)], strict=True))
            if new & ~old and new != 0xFF
        ]
        if bad:
            self.violations += len(bad)
            if self.first_violation is None:
                self.first_violation = bad[0]

    def _store(self, at: int, data: bytes) -> None:
        self.content[at : at + len(data)] = data
        if self.path is not None and data:
            with self.path.open("r+b", buffering=0) as file:
                os.pwrite(file.fileno(), data, at)

    def _cut(self, at: int) -> None:
        self._left = None
        self._powered = False
        raise PowerCut(f"power was cut while the flash worked at {at}")


class Journal:
    """All operations of a flash since it was made, so that what a power cut had left can be made at any step."""

    def __init__(self, flash: NorFlash) -> None:
        self.operations: list[Operation] = []
        self._begin = flash.copy()
        self._rewind()

    def _rewind(self) -> None:
        self._at = self._begin.copy()
        self._next = 0

    @property
    def steps(self) -> int:
        """How many steps all operations are."""
        return sum(each.steps for each in self.operations)

    def flash_at(self, steps: int, *, torn: bool = True, seed: int = 0) -> NorFlash:
        """What a cut after so many steps leaves, powered again and independent; quickest in growing order.

        ``torn``: whether the step after them had begun. An erase cut at its first step has begun, too: without
        ``torn`` it is whole or not there.
        """
        if steps < self._at.steps:
            self._rewind()
        at = self._at
        while self._next < len(self.operations):
            operation = self.operations[self._next]
            if at.steps + operation.steps > steps:
                break
            at.apply(operation)
            self._next += 1
        flash = at.copy(seed=seed)
        if self._next == len(self.operations):
            return flash
        operation, rest = self.operations[self._next], steps - at.steps
        if torn:
            flash.cut_after(rest)
            try:
                flash.apply(operation)
            except PowerCut:
                flash.power_on()
        elif operation.data is not None and rest:
            flash.program(operation.at, operation.data[:rest])
        flash.steps = 0
        return flash

    def cuts(self, *, torn: bool = True, step: int = 1) -> Iterator[tuple[int, NorFlash]]:
        """Every ``step``-th cut: the steps that were done, and the flash that it leaves."""
        for steps in range(0, self.steps + 1, step):
            yield steps, self.flash_at(steps, torn=torn, seed=steps)
