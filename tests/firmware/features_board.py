"""Plays a tape of calls to the features and prints what they make of it, on MicroPython.

A call is the place of its method in METHODS, the length of its bytes (two, little-endian), and these; or 65535 and
a number of four bytes. Arguments: the tape, 1 to lock the heap during each call, the settings.
"""

# pyright: basic, reportMissingImports=false

import sys

METHODS = (
    "acceleration",
    "ppg",
    "ppg_started",
    "ppg_stopped",
    "lost_acceleration",
    "lost_ppg",
    "close_minute",
)
NUMBER = 65535


def play(tape, features, locked):
    """Return the minutes and the events."""
    import micropython

    minutes = []
    events = []
    into = bytearray(7)
    while True:
        head = tape.read(3)
        if not head:
            return minutes, events
        method = METHODS[head[0]]
        size = head[1] | head[2] << 8
        given = tape.read(4 if size == NUMBER else size)
        number = given[0] | given[1] << 8 | given[2] << 16 | given[3] << 24 if size == NUMBER else 0
        call = getattr(features, method)
        samples = size // 6
        counts = size // 3
        if locked:
            micropython.heap_lock()
        try:
            if method == "acceleration":
                call(given, 0, samples)
            elif method == "ppg":
                call(given, 0, counts, 1)
            elif method == "close_minute":
                call(into)
            elif method == "ppg_stopped":
                call()
            else:
                call(number)
        finally:
            if locked:
                micropython.heap_unlock()
        if method == "close_minute":
            minutes.append(tuple(into))
        events += features.events
        features.events.clear()


if __name__ == "__main__":
    from bracelet.features.minute import MinuteFeatures

    with open(sys.argv[1], "rb") as tape:
        print(play(tape, MinuteFeatures(*(int(each) for each in sys.argv[3:])), sys.argv[2] == "1"))
