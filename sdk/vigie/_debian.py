"""Unpack one of Debian's packages, with its libraries, into a folder: no root, nothing installed.

A private apt configuration does it: the machine's own package source and keyring with the suite replaced,
lists, archives and package database in a folder of ours. apt resolves the libraries for this architecture and
checks every signature; its proxies and credentials hold because the machine's apt.conf is read first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vigie.errors import VigieError

APT_TIMEOUT_S: Final = 300.0
"""Longest wait for one apt command."""

_ROLLING_SUITES: Final = frozenset({"oldstable", "stable", "testing", "unstable", "sid"})
_CONFIGURATION: Final = """\
#clear APT::Update;
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{folder}";
Dir::State::Lists "{folder}/lists";
Dir::State::Status "{folder}/status";
Dir::Cache "{folder}";
Dir::Cache::Archives "{folder}/archives";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{folder}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
"""


class DebianError(VigieError):
    """Debian's packages cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class PackageSource:
    """Where packages come from: the text of an apt sources file; ``style`` is its ending, without dot."""

    text: str
    style: str


def source_for_suite(files: dict[str, str], *, codename: str, suite: str) -> PackageSource | None:
    """Derive a source for another suite from the machine's own, keeping its mirror, keyring and options.

    Parameters
    ----------
    files
        Text of each sources file by name, in apt's order; names ending in ``.sources`` are read as deb822,
        all others as one-line sources.
    codename
        Release name of this machine, such as ``bookworm``: the source that serves it is the one derived from.
    suite
        Suite wanted, such as ``trixie``; its component ``main`` is taken.

    Returns
    -------
    PackageSource or None
        None where no enabled source serves ``main`` of this release.
    """
    suites = _ROLLING_SUITES | {codename}
    for name, text in files.items():
        parse = _from_stanzas if name.endswith(".sources") else _from_lines
        found = parse(text, suites, suite)
        if found is not None:
            return found
    return None


def _from_stanzas(text: str, suites: frozenset[str], suite: str) -> PackageSource | None:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in "\n".join(line.rstrip() for line in lines).split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')}\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        usable = (
            "deb" in fields.get("types", "").split()
            and fields.get("enabled", "yes").lower() not in {"no", "false", "0"}
            and "main" in fields.get("components", "").split()
            and not suites.isdisjoint(fields.get("suites", "").split())
        )
        if usable:
            fields |= {"types": "deb", "suites": suite, "components": "main"}
            fields.pop("architectures", None)
            body = "".join(f"{key}: {value}\n" for key, value in fields.items())
            return PackageSource(body, "sources")
    return None


def _from_lines(text: str, suites: frozenset[str], suite: str) -> PackageSource | None:
    for raw in text.splitlines():
        line = " ".join(raw.partition("#")[0].split())
        kind, _, rest = line.partition(" ")
        options = ""
        if rest.startswith("["):
            options, _, rest = rest[1:].partition("]")
        words = rest.split()
        if kind != "deb" or len(words) < 3 or words[0].startswith("cdrom:"):
            continue
        uri, its_suite, *components = words
        if its_suite in suites and "main" in components:
            kept = " ".join(option for option in options.split() if not option.startswith("arch"))
            return PackageSource(f"deb {f'[{kept}] ' if kept else ''}{uri} {suite} main\n", "list")
    return None


def unpack(package: str, destination: Path, *, suite: str, architecture: str | None = None) -> None:
    """Put the files of a package and of every library it depends on under ``destination``.

    ``architecture`` is Debian's name for it; None is this machine's.

    Nothing is run, no system file is written, no root is needed. ``destination`` appears whole or not at all.

    Raises
    ------
    DebianError
        This is no Debian, apt is missing, or apt or the network refused.
    """
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise DebianError(f"{', '.join(missing)} not found: this is not a Debian system")
    release = _os_release()
    source = None
    if release.get("ID") in {"debian", "raspbian"}:
        files = _system_sources(Path("/etc/apt"))
        source = source_for_suite(files, codename=release.get("VERSION_CODENAME", ""), suite=suite)
    if source is None:
        name = release.get("PRETTY_NAME", "this system")
        raise DebianError(f"no package source of a Debian release in /etc/apt ({name})")
    architecture = architecture or _run(["dpkg", "--print-architecture"]).strip()

    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=destination.parent) as name:
        work = Path(name)
        for folder in ("lists/partial", "archives/partial", "sources", "root"):
            (work / folder).mkdir(parents=True)
        # An empty package database makes apt resolve every library, even those that the system has.
        (work / "status").touch()
        (work / f"sources/vigie.{source.style}").write_text(source.text)
        configuration = work / "apt.conf"
        configuration.write_text(_CONFIGURATION.format(folder=work, architecture=architecture))
        apt = ["apt-get", "-q", "-y", "-c", str(configuration)]
        _run([*apt, "update"])
        _run([*apt, "install", "--download-only", package])
        for archive in sorted((work / "archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(work / "root")])
        try:
            (work / "root").rename(destination)
        except OSError:
            # Another process finished first: what it unpacked is the same.
            if not destination.is_dir():
                raise


def _system_sources(folder: Path) -> dict[str, str]:
    parts = folder / "sources.list.d"
    paths = [folder / "sources.list"]
    paths += sorted([*parts.glob("*.list"), *parts.glob("*.sources")])
    return {path.name: path.read_text() for path in paths if path.is_file() and os.access(path, os.R_OK)}


def _os_release() -> dict[str, str]:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def _run(command: list[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=APT_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebianError(f"{command[0]} failed: {error}") from error
    if done.returncode != 0:
        words = " ".join(word for word in done.stderr.splitlines() if word)[-600:]
        raise DebianError(f"{command[0]} ended with status {done.returncode}: {words}")
    return done.stdout
