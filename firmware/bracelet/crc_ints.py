"""CRC-32 by the interpreter's own function, for boards whose integers hold 32 bits without allocating (64-bit)."""

from binascii import crc32
from struct import pack_into


def crc_into(view, buffer, at):
    """Write the CRC-32 of `view` into four bytes of `buffer`."""
    pack_into("<I", buffer, at, crc32(view))
