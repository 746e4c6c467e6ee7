"""A block of samples in the making: its frame's buffer, and where the samples go.

All blocks of a configuration hold the same number of samples, so that every view is made once, beforehand.
"""

from micropython import const

from bracelet.framing import BODY_AT, BUFFER_BYTES

_TYPING = const(0)
if _TYPING:
    from roles import Link


class Block:
    """A frame of `kind` with a head of `head_bytes` and at most `samples` samples of `sample_bytes`."""

    def __init__(self, kind: int, head_bytes: int, samples: int, sample_bytes: int) -> None:
        self.buffer = bytearray(BUFFER_BYTES)
        self.samples = samples
        self.sample_bytes = sample_bytes
        self.at = BODY_AT + head_bytes
        self._kind = kind
        self._end = self.at + samples * sample_bytes
        self._view = memoryview(self.buffer)
        self.tail = self._view[self.at : self._end]
        self._whole = self._view[1 : self._end]

    def tail_of(self, samples: int) -> memoryview:
        """The first `samples` samples; allocates unless it is all."""
        if samples == self.samples:
            return self.tail
        return self._view[self.at : self.at + samples * self.sample_bytes]

    def send(self, link: "Link", samples: int) -> None:
        """Send the block with its first `samples` samples; allocates unless it is all."""
        self.buffer[1] = self._kind
        if samples == self.samples:
            link.send(self.buffer, self._whole, self._end)
        else:
            end = self.at + samples * self.sample_bytes
            link.send(self.buffer, self._view[1:end], end)
