"""The compiled firmware that the package carries: what `vigie flash` puts on a bracelet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from vigie.errors import VigieError

_MANIFEST: Final = "manifest.json"
_MANIFEST_FORMAT: Final = 2


class FirmwareError(VigieError):
    """The firmware cannot be used: `BundleMissing`, `BundleDamaged`, `BundleStale`, `BundleUnfit`."""


class BundleMissing(FirmwareError):
    """There is no firmware for this board.

    Attributes
    ----------
    board : str
        The board asked for.
    known : tuple of str
        The boards that there are.
    """

    def __init__(self, board: str, known: tuple[str, ...]) -> None:
        self.board = board
        self.known = known
        there = (
            f"there is {', '.join(known)}" if known else "none is compiled. In a checkout run: make firmware"
        )
        super().__init__(f"no firmware for the board {board}: {there}")


class BundleDamaged(FirmwareError):
    """A file of the package is not what the manifest says; ``path`` is its path on the board."""

    def __init__(self, board: str, path: str) -> None:
        self.board = board
        self.path = path
        super().__init__(
            f"firmware for {board}: {path} is damaged. Reinstall vigie, or in a checkout run: make firmware"
        )


class BundleStale(FirmwareError):
    """The checkout's sources are newer than what was compiled; ``changed`` names them."""

    def __init__(self, board: str, changed: tuple[str, ...]) -> None:
        self.board = board
        self.changed = changed
        super().__init__(f"firmware for {board} is older than {', '.join(changed)}. Run: make firmware")


class BundleUnfit(FirmwareError):
    """The board is not one that the firmware is wired for.

    Attributes
    ----------
    board : str
        The board that the firmware is for.
    platforms : tuple of str
        What ``sys.platform`` says on such a board.
    found : str
        What it says on this one.
    """

    def __init__(self, board: str, platforms: tuple[str, ...], found: str) -> None:
        self.board = board
        self.platforms = platforms
        self.found = found
        super().__init__(
            f"the firmware for {board} is wired for sys.platform {' or '.join(platforms)}, and this board says "
            f"{found}: nothing was written. Firmware is there for {', '.join(available_boards())}"
        )


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle.

    Attributes
    ----------
    path : str
        Where it goes on the board, with slashes, without a leading one.
    size_bytes : int
        Its length.
    sha256 : str
        Its hash, hexadecimal.
    source : str
        The source it was made from, relative to the checkout.
    source_sha256 : str
        The hash of that source, hexadecimal.
    """

    path: str
    size_bytes: int
    sha256: str
    source: str
    source_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a bundle is.

    Attributes
    ----------
    version : str
        Version of the firmware.
    board : str
        The board it is wired for.
    platforms : tuple of str
        What ``sys.platform`` may say there.
    schema_crc : int
        CRC-32 of the protocol's schema that it speaks.
    mpy : str
        Bytecode version, such as ``6.3``.
    mpy_cross : str
        Version of the compiler.
    files : tuple of BundleFile
        All files, sorted by path.
    """

    version: str
    board: str
    platforms: tuple[str, ...]
    schema_crc: int
    mpy: str
    mpy_cross: str
    files: tuple[BundleFile, ...]


@dataclass(frozen=True)
class Bundle:
    """A board's firmware in memory, every file checked against its hash.

    Attributes
    ----------
    manifest : Manifest
        What it is.
    files : dict of str to bytes
        Content by path on the board, in the manifest's order.
    """

    manifest: Manifest
    files: dict[str, bytes] = field(repr=False)


def available_boards() -> tuple[str, ...]:
    """Return the boards whose compiled firmware the package carries, sorted."""
    return tuple(sorted(entry.name for entry in _folder().iterdir() if entry.joinpath(_MANIFEST).is_file()))


def load_bundle(board: str = "unix") -> Bundle:
    """Load the compiled firmware of a board from the package, and check it.

    In a checkout (editable install) the sources are compared too, so that nobody tests yesterday's firmware.

    Raises
    ------
    BundleMissing
        The package carries none for this board.
    BundleDamaged
        A file is missing or is not what was compiled.
    BundleStale
        The checkout's sources have changed since.
    """
    folder = _folder().joinpath(board)
    if board not in available_boards():
        raise BundleMissing(board, available_boards())
    manifest = _read_manifest(board, folder)
    content: dict[str, bytes] = {}
    for entry in manifest.files:
        try:
            content[entry.path] = folder.joinpath(*entry.path.split("/")).read_bytes()
        except OSError as error:
            raise BundleDamaged(board, entry.path) from error
        if _sha256(content[entry.path]) != entry.sha256:
            raise BundleDamaged(board, entry.path)
    root = Path(__file__).resolve().parents[3]
    if (root / "firmware/bracelet").is_dir() and (root / "pyproject.toml").is_file():
        changed = _changed_sources(root, manifest)
        if changed:
            raise BundleStale(board, changed)
    return Bundle(manifest, content)


def _read_manifest(board: str, folder: Traversable) -> Manifest:
    try:
        raw: dict[str, Any] = json.loads(folder.joinpath(_MANIFEST).read_text(encoding="utf-8"))
        if raw["format"] != _MANIFEST_FORMAT:
            raise BundleDamaged(board, _MANIFEST)
        return Manifest(
            version=raw["version"],
            board=raw["board"],
            platforms=tuple(raw["platforms"]),
            schema_crc=int(raw["schema_crc"], 16),
            mpy=raw["mpy"],
            mpy_cross=raw["mpy_cross"],
            files=tuple(
                BundleFile(row["path"], row["size"], row["sha256"], row["source"], row["source_sha256"])
                for row in raw["files"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(board, _MANIFEST) from error


def _changed_sources(root: Path, manifest: Manifest) -> tuple[str, ...]:
    folders = (root / "firmware/bracelet", root / "firmware/boards" / manifest.board)
    now = {
        path.relative_to(root).as_posix(): _sha256(path.read_bytes())
        for folder in folders
        for path in folder.rglob("*.py")
    }
    then = {entry.source: entry.source_sha256 for entry in manifest.files}
    return tuple(sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name)))


def _folder() -> Traversable:
    return files("vigie.firmware")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
