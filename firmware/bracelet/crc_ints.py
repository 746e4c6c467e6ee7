"""CRC-32 by the interpreter's own function, for boards whose integers hold 32 bits without allocating (64-bit)."""

# The stubs leave types open.
from binascii import crc32  # pyright: ignore[reportUnknownVariableType]
from struct import pack_into  # pyright: ignore[reportUnknownVariableType]


def crc_into(view: memoryview, buffer: bytearray, at: int) -> None:
    """Write the CRC-32 of `view` into four bytes of `buffer`."""
    pack_into("<I", buffer, at, crc32(view))
