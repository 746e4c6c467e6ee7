"""Feeds streams from a file to the board's parser and prints what it makes of each; for MicroPython and CPython.

The file holds each stream as its length (two bytes, little-endian) and its bytes. Run on MicroPython with the
folder of the `bracelet` package in MICROPYPATH.
"""

# pyright: basic, reportMissingImports=false

import sys

CHUNK_BYTES = 64


def results(deframer_class, interrupt, crc_into, records, good):
    """Yield a stream's frames, bad frames, whether it asked for the prompt, and if a good frame is found after it."""
    for record in records:
        deframer = deframer_class(crc_into)
        frames = []

        def take(kind, sequence, buffer, at, end):
            frames.append((kind, sequence, bytes(buffer[at:end])))  # noqa: B023

        interrupted = False
        try:
            for at in range(0, len(record), CHUNK_BYTES):
                chunk = record[at : at + CHUNK_BYTES]
                deframer.feed(chunk, len(chunk), take)
        except interrupt:
            # The board is at its prompt now; the next session begins like this.
            interrupted = True
            deframer.forget()
        found, bad = list(frames), deframer.frames_bad
        frames.clear()
        deframer.feed(good, len(good), take)
        yield found, bad, interrupted, len(frames) == 1 and deframer.frames_bad == bad


def read(path):
    """Yield the streams of a file."""
    with open(path, "rb") as file:
        while True:
            size = file.read(2)
            if not size:
                return
            yield file.read(size[0] | size[1] << 8)


if __name__ == "__main__":
    from bracelet.crc_ints import crc_into
    from bracelet.framing import Deframer, Interrupt

    streams = read(sys.argv[1])
    for result in results(Deframer, Interrupt, crc_into, streams, next(streams)):
        print(result)
