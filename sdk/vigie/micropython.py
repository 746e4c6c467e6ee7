"""Find MicroPython's unix port, on which the virtual bracelet runs, or get it without root.

Looked for in this order: the program named by ``VIGIE_MICROPYTHON``; ``micropython`` on ``PATH``; the copy
that `install` unpacked into the cache folder (``VIGIE_CACHE``, else ``$XDG_CACHE_HOME/vigie``). What is older
than 1.25 is passed over. ``python -m vigie.micropython`` finds or installs it, and says which one it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vigie import _debian
from vigie.errors import VigieError

OLDEST_VERSION: Final = (1, 25, 0)
"""Oldest MicroPython that the firmware runs on."""

DEBIAN_SUITE: Final = "trixie"
"""Debian release whose package is new enough."""

INSTALL_COMMAND: Final = "python3 -m vigie.micropython"
"""What a person types to get MicroPython on Debian or Raspberry Pi OS."""

_QUESTION: Final = "import sys; print(sys.implementation[0], sys.implementation[1])"
_ANSWER: Final = re.compile(r"^micropython \((\d+), (\d+), (\d+)\b")


class MicroPythonMissing(VigieError):
    """No MicroPython that the firmware runs on; ``reason`` says why, the text ends with what to do.

    Attributes
    ----------
    reason : str
        What was looked at, and why it did not serve.
    remedy : str
        What to type, or what to set.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason}. {remedy}")


@dataclass(frozen=True)
class MicroPython:
    """A unix port that answered.

    Attributes
    ----------
    command : tuple of str
        What to run; a script and its arguments follow.
    version : tuple of int
        Major, minor, patch.
    source : str
        Where it was found, for people to read.
    word_bits : int
        32 or 64: how wide its integers and pointers are.
    """

    command: tuple[str, ...]
    version: tuple[int, int, int]
    source: str
    word_bits: int = 64 if sys.maxsize > 1 << 32 else 32

    @property
    def version_text(self) -> str:
        """Version as people write it, such as ``1.25.0``."""
        return ".".join(str(part) for part in self.version)


def cache_folder() -> Path:
    """Return the folder where Vigie keeps what it fetched; it may not exist yet."""
    own = os.environ.get("VIGIE_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "vigie"


def find(architecture: str | None = None) -> MicroPython:
    """Find a MicroPython that is already on this machine; fetches nothing.

    ``architecture`` asks for the unpacked copy of another architecture that this processor runs too: ``"i386"``.

    Raises
    ------
    MicroPythonMissing
        None was found, or ``VIGIE_MICROPYTHON`` names a program that does not serve.
    """
    if architecture is not None:
        command, source = _cached(architecture)
        version = ask_version(command) if command is not None else None
        if command is None or version is None:
            raise MicroPythonMissing(
                f"MicroPython for {architecture} was not found", f"Run: {INSTALL_COMMAND} {architecture}"
            )
        return MicroPython(command, version, source, _word_bits(architecture))
    named = os.environ.get("VIGIE_MICROPYTHON")
    if named:
        return _named(named)
    passed_over: list[str] = []
    on_path = shutil.which("micropython")
    for command, source in (((on_path,) if on_path else None, f"PATH: {on_path}"), _cached()):
        if command is None:
            continue
        version = ask_version(command)
        if version is not None and version >= OLDEST_VERSION:
            return MicroPython(command, version, source)
        passed_over.append(f"{source} {'does not run' if version is None else f'is {_text(version)}'}")
    looked_at = f" ({'; '.join(passed_over)})" if passed_over else ""
    oldest = _text(OLDEST_VERSION)
    raise MicroPythonMissing(f"MicroPython {oldest} or newer was not found{looked_at}", _remedy())


def install(architecture: str | None = None) -> MicroPython:
    """Unpack Debian's package, with its libraries, into the cache folder; for this architecture or a named one.

    Works on Debian and Raspberry Pi OS of any release, without root; nothing on the system changes.

    Raises
    ------
    MicroPythonMissing
        This is another system, or apt could not fetch the package.
    """
    root = _cached_root(architecture)
    command, source = _cached(architecture)
    if command is None or ask_version(command) is None:
        shutil.rmtree(root, ignore_errors=True)
        try:
            _debian.unpack("micropython", root, suite=DEBIAN_SUITE, architecture=architecture)
        except _debian.DebianError as error:
            raise MicroPythonMissing(f"Debian's MicroPython could not be had: {error}", _remedy()) from error
        command, source = _cached(architecture)
    version = ask_version(command) if command is not None else None
    if command is None or version is None:
        raise MicroPythonMissing(f"what was unpacked in {root} does not run", _remedy())
    return MicroPython(command, version, source, _word_bits(architecture))


def obtain(architecture: str | None = None) -> MicroPython:
    """Find MicroPython, or else install it.

    A ``VIGIE_MICROPYTHON`` that does not serve stays an error: a person's choice is never silently replaced.

    Raises
    ------
    MicroPythonMissing
        There is none and none could be had.
    """
    try:
        return find(architecture)
    except MicroPythonMissing:
        if architecture is None and os.environ.get("VIGIE_MICROPYTHON"):
            raise
        return install(architecture)


def ask_version(command: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Run a program and return the MicroPython version it answers, or None where it is no MicroPython."""
    try:
        done = subprocess.run(
            [*command, "-c", _QUESTION],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout)


def parse_version(answer: str) -> tuple[int, int, int] | None:
    """Read ``micropython (1, 25, 0, '')``, as the interpreter prints it; None for anything else."""
    match = _ANSWER.match(answer)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _named(program: str) -> MicroPython:
    path = shutil.which(os.path.expanduser(program))
    version = ask_version((path,)) if path is not None else None
    if path is None:
        fault = "is no program"
    elif version is None:
        fault = "does not answer as MicroPython"
    elif version < OLDEST_VERSION:
        fault = f"is {_text(version)}"
    else:
        return MicroPython((path,), version, f"VIGIE_MICROPYTHON: {path}")
    raise MicroPythonMissing(
        f"VIGIE_MICROPYTHON names {program}, which {fault}",
        f"Set it to MicroPython's unix port, {_text(OLDEST_VERSION)} or newer, or unset it",
    )


def _word_bits(architecture: str | None) -> int:
    return 32 if architecture == "i386" else MicroPython.word_bits


def _cached_root(architecture: str | None = None) -> Path:
    return cache_folder() / "-".join(filter(None, ("micropython", DEBIAN_SUITE, architecture)))


def _cached(architecture: str | None = None) -> tuple[tuple[str, ...] | None, str]:
    root = _cached_root(architecture)
    source = f"Debian's package, unpacked in {root}"
    program = root / "usr/bin/micropython"
    loaders = sorted((root / "usr/lib").glob("*/ld-linux*.so.*"))
    if not program.is_file() or not loaders:
        return None, source
    # Its own loader and C library: those of the system may be older than the package needs.
    return (str(loaders[0]), "--library-path", str(loaders[0].parent), str(program)), source


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)


def _remedy() -> str:
    if sys.platform == "darwin":
        return "Run: brew install micropython"
    if shutil.which("dpkg-deb"):
        return f"Run: {INSTALL_COMMAND} (needs Debian or Raspberry Pi OS; elsewhere set VIGIE_MICROPYTHON)"
    return "Build MicroPython's unix port and set VIGIE_MICROPYTHON to its path"


def _main() -> int:
    try:
        found = obtain(*sys.argv[1:2])
    except MicroPythonMissing as error:
        sys.stderr.write(f"vigie: {error}\n")
        return 1
    sys.stdout.write(f"MicroPython {found.version_text} ({found.source})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
