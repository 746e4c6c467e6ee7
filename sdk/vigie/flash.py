"""Putting the package's compiled firmware onto a board, through its MicroPython prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from vigie.firmware import Bundle, BundleUnfit, load_bundle
from vigie.prompt import Prompt
from vigie.transports import Transport


@dataclasses.dataclass(frozen=True, slots=True)
class FlashProgress:
    """How far a deployment is."""

    path: str
    bytes_done: int
    bytes_total: int


@dataclasses.dataclass(frozen=True, slots=True)
class FlashResult:
    """What a deployment did."""

    bundle: Bundle
    written: tuple[str, ...]
    """Files that were sent."""
    unchanged: tuple[str, ...]
    """Files that were there already, by their hash."""


async def flash(
    transport: Transport,
    bundle: Bundle | None = None,
    *,
    progress: Callable[[FlashProgress], None] = lambda _: None,
) -> FlashResult:
    """Deploy a bundle: send what differs, check every file by its hash on the board, restart.

    ``main.py``, which starts the application, is written last: a deployment that is cut off leaves the old
    application or the prompt, never a mixture that starts.

    Raises
    ------
    PromptError
        The board did not take a file, or what it holds is not what was sent.
    LinkError
        The link failed.
    BundleUnfit
        The board is another than the bundle is for; nothing was written, and it was restarted.
    FirmwareError
        The package has no usable firmware for this board.
    """
    bundle = bundle or load_bundle()
    paths = sorted(bundle.files, key=lambda path: (path == "main.py", path))
    total = sum(len(bundle.files[path]) for path in paths)
    written: list[str] = []
    unchanged: list[str] = []
    done = 0
    async with Prompt(transport) as prompt:
        found = (await prompt.run("import sys\nprint(sys.platform)")).strip()
        if found not in bundle.manifest.platforms:
            await prompt.soft_reset()
            raise BundleUnfit(bundle.manifest.board, bundle.manifest.platforms, found)
        hashes = {each.path: each.sha256 for each in bundle.manifest.files}
        differing: list[str] = []
        for path in paths:
            if await prompt.sha256(path) == hashes[path]:
                unchanged.append(path)
                done += len(bundle.files[path])
            else:
                differing.append(path)
        # A source left beside a compiled module would be imported in its place.
        removed = [path.removesuffix(".mpy") + ".py" for path in paths if path.endswith(".mpy")]
        if differing:
            # The old application must not start on half of the new one.
            removed.append("main.py")
            if "main.py" in unchanged:
                unchanged.remove("main.py")
                differing.append("main.py")
                done -= len(bundle.files["main.py"])
        await prompt.remove_files(removed)
        for path in differing:
            progress(FlashProgress(path, done, total))
            await prompt.write_file(path, bundle.files[path])
            written.append(path)
            done += len(bundle.files[path])
        progress(FlashProgress("", total, total))
        await prompt.soft_reset()
    return FlashResult(bundle, tuple(written), tuple(unchanged))
