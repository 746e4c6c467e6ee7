"""Packs the samples of a tape and prints the bytes, on MicroPython.

A line of the tape is the count of samples, that of channels, and the values.
"""

# pyright: basic, reportMissingImports=false

import sys
from array import array
from binascii import hexlify

if __name__ == "__main__":
    from bracelet import rice

    with open(sys.argv[1]) as tape:
        for line in tape:
            shape, values = line.split(") ")
            count, channels = (int(each) for each in shape[1:].split(","))
            out = bytearray(5000)
            end = rice.pack(
                array("i", [int(each) for each in values.strip()[1:-1].split(",")]),
                count,
                channels,
                out,
                0,
                5000,
            )
            print(str(hexlify(out[:end]), "ascii"))
