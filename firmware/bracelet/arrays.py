"""Arrays of zeros."""

from array import array

_TYPING = 0
if _TYPING:
    from typing import Literal


def zeros(kind: 'Literal["h", "H", "i", "I"]', count: int) -> "array[int]":
    """An array of so many zeros; `array(kind, bytes(...))` would need the heap of two."""
    values = array(kind, range(min(count, 0x7FFF)))
    for index in range(len(values)):
        values[index] = 0
    for _ in range(count - len(values)):
        values.append(0)
    return values
