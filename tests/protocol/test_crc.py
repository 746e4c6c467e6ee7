"""Both ways in which a board makes a CRC-32 give that of zlib."""

from __future__ import annotations

import os
import platform
import random
import subprocess
import zlib
from pathlib import Path

import pytest

from vigie.micropython import MicroPython

FIRMWARE = Path(__file__).parents[2] / "firmware"
PROGRAM = """
import sys
from bracelet.{module} import crc_into
with open(sys.argv[1], "rb") as file:
    while True:
        size = file.read(1)
        if not size:
            break
        buffer = bytearray(b"\\xee" * 12)
        crc_into(memoryview(file.read(size[0])), buffer, 5)
        print(bytes(buffer))
"""
# Where MicroPython's unix port has a native emitter.
NATIVE = ("x86_64", "AMD64")


@pytest.mark.parametrize("module", ["crc_ints", "crc_viper"])
def test_the_boards_crc_is_that_of_zlib(micropython: MicroPython, tmp_path: Path, module: str) -> None:
    if module == "crc_viper" and platform.machine() not in NATIVE:
        pytest.skip(f"viper needs a native emitter, which MicroPython lacks on {platform.machine()}")
    dice = random.Random(23)
    pieces = [bytes(length) for length in (0, 1, 4, 255)] + [b"\xff" * length for length in (1, 4, 255)]
    pieces += [dice.randbytes(dice.randint(1, 255)) for _ in range(2000)]
    (tmp_path / "pieces").write_bytes(b"".join(bytes((len(piece),)) + piece for piece in pieces))
    (tmp_path / "program.py").write_text(PROGRAM.format(module=module))
    done = subprocess.run(
        [*micropython.command, str(tmp_path / "program.py"), str(tmp_path / "pieces")],
        env={**os.environ, "MICROPYPATH": str(FIRMWARE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    made = done.stdout.splitlines()
    assert made == [
        repr(b"\xee" * 5 + zlib.crc32(piece).to_bytes(4, "little") + b"\xee" * 3) for piece in pieces
    ]
