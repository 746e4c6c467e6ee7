"""The MicroPython prompt of a board, over any transport: raw and raw-paste mode, files, soft reset.

This is the door that mpremote uses too; it is written here once more because mpremote blocks and knows only serial
ports, while firmware is deployed over every transport and on the virtual clock.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from vigie.errors import ConnectFailed, LinkError, PromptError
from vigie.transports import Transport

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
_RAW_BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
_CHUNK_BYTES: Final = 2048


class Prompt:
    """A board at its raw prompt; use it with ``async with``, which interrupts what runs there."""

    def __init__(self, transport: Transport, *, deadline_s: float = 10.0) -> None:
        self._transport = transport
        self._deadline_s = deadline_s
        self._received = bytearray()
        self._restarted = False

    async def __aenter__(self) -> Prompt:
        """Open the transport, interrupt the application and enter the raw prompt."""
        await self._transport.open()
        try:
            await self._enter()
        except BaseException:
            await self._transport.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the transport; the board stays at its friendly prompt unless it was restarted."""
        try:
            if error is None and not self._restarted:
                await self._transport.write(b"\r" + _CTRL_B)
        except LinkError:
            pass
        await self._transport.close()

    async def _enter(self) -> None:
        for _ in range(3):
            # The zero ends a frame, so that ctrl-C stands where the application looks for it.
            await self._transport.write(b"\0\r" + _CTRL_C + _CTRL_C)
            await asyncio.sleep(0.3)
            self._received.clear()
            await self._transport.write(b"\r" + _CTRL_A)
            try:
                await self._until(_RAW_BANNER, 2.0)
            except PromptError:
                continue
            return
        raise ConnectFailed(self._transport.address, "no MicroPython prompt answers ctrl-C and ctrl-A")

    async def _until(self, end: bytes, timeout_s: float) -> bytes:
        """Bytes up to ``end``, which is taken away."""
        try:
            async with asyncio.timeout(timeout_s):
                while (at := self._received.find(end)) < 0:
                    self._received += await self._transport.read()
        except TimeoutError:
            got = bytes(self._received[-400:]).decode(errors="replace")
            raise PromptError(f"the prompt did not send {end!r} within {timeout_s:g} s", got) from None
        data = bytes(self._received[:at])
        del self._received[: at + len(end)]
        return data

    async def _take(self, count: int) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_s):
                while len(self._received) < count:
                    self._received += await self._transport.read()
        except TimeoutError:
            raise PromptError(f"the prompt fell silent for {self._deadline_s:g} s") from None
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    async def run(self, source: str, *, timeout_s: float | None = None) -> str:
        """Run a program on the board and return what it printed.

        Raises
        ------
        PromptError
            It raised an exception (its traceback is ``output``), or did not end in time.
        """
        await self._paste(source.encode())
        timeout_s = self._deadline_s if timeout_s is None else timeout_s
        output = await self._until(_CTRL_D, timeout_s)
        error = await self._until(_CTRL_D + b">", timeout_s)
        if error:
            raise PromptError("the board raised an exception", error.decode(errors="replace"))
        return output.decode(errors="replace").replace("\r\n", "\n")

    async def _paste(self, source: bytes) -> None:
        """Send a program in raw-paste mode: the board grants windows, so that its buffer never overflows."""
        await self._transport.write(_CTRL_E + b"A" + _CTRL_A)
        answer = await self._take(2)
        if answer != b"R\x01":
            raise PromptError(f"the prompt has no raw-paste mode: it answers {answer!r}")
        window = int.from_bytes(await self._take(2), "little")
        room = window
        at = 0
        while at < len(source):
            while room == 0 or self._received:
                flow = await self._take(1)
                if flow == b"\x01":
                    room += window
                else:
                    raise PromptError(f"the prompt broke off the paste with {flow!r}")
            piece = source[at : at + room]
            await self._transport.write(piece)
            at += len(piece)
            room -= len(piece)
        await self._transport.write(_CTRL_D)
        while (flow := await self._take(1)) == b"\x01":
            pass
        if flow != _CTRL_D:
            raise PromptError(f"the prompt did not take the program: {flow!r}")

    async def write_file(self, path: str, data: bytes) -> None:
        """Write a file, making the folders above it; it is replaced only when all of it is there and right."""
        folder = path.rpartition("/")[0]
        parents = [
            folder[: at + 1] for at in range(len(folder)) if at + 1 == len(folder) or folder[at + 1] == "/"
        ]
        await self.run(
            "import os\n"
            f"for folder in {parents!r}:\n"
            "    try:\n        os.mkdir(folder)\n    except OSError:\n        pass\n"
            f"f = open({path + '.new'!r}, 'wb')"
        )
        for at in range(0, len(data), _CHUNK_BYTES):
            await self.run(f"f.write({data[at : at + _CHUNK_BYTES]!r})")
        await self.run("f.close()")
        await self._expect(path + ".new", data)
        await self.run(f"os.rename({path + '.new'!r}, {path!r})")

    async def remove_files(self, paths: Sequence[str]) -> None:
        """Remove files; those that are not there are no matter."""
        await self.run(
            "import os\n"
            f"for path in {list(paths)!r}:\n"
            "    try:\n        os.remove(path)\n    except OSError:\n        pass"
        )

    async def _expect(self, path: str, data: bytes) -> None:
        written = await self.sha256(path)
        if written != hashlib.sha256(data).hexdigest():
            raise PromptError(f"{path} on the board is not what was sent: its SHA-256 is {written}")

    async def sha256(self, path: str) -> str | None:
        """SHA-256 of a file on the board, or None where there is none."""
        text = await self.run(
            "import hashlib, binascii\n"
            "h = hashlib.sha256()\n"
            "try:\n"
            f"    with open({path!r}, 'rb') as f:\n"
            "        while True:\n"
            "            b = f.read(512)\n"
            "            if not b:\n                break\n"
            "            h.update(b)\n"
            "    print(binascii.hexlify(h.digest()).decode())\n"
            "except OSError:\n    print('')\n"
        )
        return text.strip() or None

    async def soft_reset(self) -> None:
        """Restart the board as from power-on: boot.py and main.py run."""
        await self._transport.write(b"\r" + _CTRL_B)
        await self._until(b">>> ", self._deadline_s)
        await self._transport.write(_CTRL_D)
        await self._until(b"soft reboot", self._deadline_s)
        self._restarted = True
