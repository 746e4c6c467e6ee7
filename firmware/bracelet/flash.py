"""The flash role on MicroPython's extended block devices, such as esp32.Partition and rp2.Flash.

With an offset, a block device's `writeblocks` programs and never erases; `ioctl(6, block)` erases. The chip behind
rp2.Flash takes whole pages on their boundaries alone, and its driver does not look (pico-sdk, flash_range_program):
so whole pages are programmed here, 0xFF where nothing is to change, which leaves a byte as it is. Nor does it look
where its part of the chip ends: that is done here, too.
"""

from micropython import const

_PAGE = const(256)
_COUNT = const(4)
_SIZE = const(5)
_ERASE = const(6)
_EINVAL = const(22)

_TYPING = const(0)
if _TYPING:
    from roles import BlockDevice, Bytes


class BlockFlash:
    """A block device as flash; no verb allocates. Not on an encrypted partition, where no bit is what it looks like."""

    def __init__(self, device: "BlockDevice") -> None:
        self._device = device
        self.sector_bytes = device.ioctl(_SIZE, 0) or 0
        self.size_bytes = (device.ioctl(_COUNT, 0) or 0) * self.sector_bytes
        self._page = bytearray(b"\xff" * _PAGE)

    def _check(self, at: int, count: int) -> None:
        if at < 0 or at + count > self.size_bytes:
            raise OSError(_EINVAL)

    def read_into(self, at: int, buffer: "bytearray | memoryview") -> None:
        """Read len(buffer) bytes from `at` on."""
        self._check(at, len(buffer))
        self._device.readblocks(at // self.sector_bytes, buffer, at % self.sector_bytes)

    def program(self, at: int, buffer: "Bytes") -> None:
        """Clear the bits that are 0 in the buffer; it may cross pages and sectors."""
        count = len(buffer)
        self._check(at, count)
        page = self._page
        done = 0
        while done < count:
            first = at % _PAGE
            piece = min(count - done, _PAGE - first)
            for step in range(piece):
                page[first + step] = buffer[done + step]
            try:
                self._device.writeblocks(at // self.sector_bytes, page, at % self.sector_bytes - first)
            finally:
                for step in range(first, first + piece):
                    page[step] = 0xFF
            at += piece
            done += piece

    def erase(self, at: int) -> None:
        """Set all bits of the sector that begins at `at`."""
        self._check(at, self.sector_bytes)
        if at % self.sector_bytes or self._device.ioctl(_ERASE, at // self.sector_bytes):
            raise OSError(_EINVAL)
