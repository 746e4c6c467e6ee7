"""Many recordings, each analysed once: found, spread over cores, kept as they are done, and joined."""

from __future__ import annotations

import csv
import glob
import json
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Final

from .columns import Columns
from .errors import NoRecordingsError, OutputError, RecordingError, SchedulerError
from .pools import cluster, processes
from .recording import SUFFIXES
from .tables import EVENTS, MINUTES, TABLE_VERSION, Part, analyze_file, has_part, merge, write_part

_AHEAD: Final = 2
"""Recordings that wait for each one being analysed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to analyse, and what its rows are called: its path as it was given or found."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be analysed."""

    recording: str
    kind: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    done: int
    failed: int
    total: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it.

    Attributes
    ----------
    recordings
        In the table.
    reused
        Of these, how many had been analysed before.
    minutes, events
        Rows of the two tables.
    failures
        In the order of their recordings.
    """

    recordings: int
    reused: int
    minutes: int
    events: int
    failures: tuple[Failure, ...]


def find_recordings(paths: Sequence[str]) -> list[Source]:
    """Files, folders (with all below them) and globs, as recordings in the order of their names.

    Whatever is named itself is taken; in folders and globs, files of other formats are passed over, and so are the
    references ``…_BPMtrace.mat`` of the Signal Processing Cup.

    Raises
    ------
    NoRecordingsError
        A path is none, or holds no recording.
    """
    found: dict[str, Source] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            files = [file for file in path.rglob("*") if _is_recording(file)]
        elif path.exists():
            files = [path]
        else:
            files = [Path(file) for file in glob.glob(given, recursive=True)]
            files = [file for file in files if _is_recording(file)]
        if not files:
            raise NoRecordingsError(f"{given}: no recording there ({', '.join(SUFFIXES)} are read)")
        for file in files:
            found.setdefault(str(file.resolve()), Source(file.as_posix(), file))
    return sorted(found.values(), key=lambda source: source.name)


def _is_recording(path: Path) -> bool:
    return (
        path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not path.stem.endswith("_BPMtrace")
        and path.is_file()
    )


def analyze_archive(
    paths: Sequence[str],
    out: Path,
    *,
    columns: Columns | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Analyse recordings and write ``out`` (one row a minute) and ``….events.parquet`` beside it.

    What each recording adds is kept in the folder ``….parts`` as soon as it is known. A later call with the same
    arguments, after an interruption or with more files, computes only what is not there. The tables do not depend
    on the number of workers nor on what was computed when. Files that cannot be analysed are listed in
    ``….failures.csv``, which is absent where there are none; they are tried again by a later call.

    Parameters
    ----------
    paths
        See `find_recordings`.
    out
        The table, ``.parquet``.
    columns
        Which columns are what, for the files that need it.
    jobs
        Processes on this machine; None takes all cores.
    scheduler
        Address of a Dask scheduler, whose workers reach the files under the same absolute paths.
    on_progress
        Called after every recording.

    Raises
    ------
    AnalysisError
        Nothing to analyse, nowhere to write, or no cluster; a bad file is no exception but a `Failure`.
    """
    sources = find_recordings(paths)
    keys = {source.name: _key(source, columns) for source in sources}
    stem = out.with_suffix("")
    parts = stem.with_name(f"{stem.name}.parts")
    try:
        parts.mkdir(parents=True, exist_ok=True)
        todo = [source for source in sources if not has_part(parts, keys[source.name])]
        reused = done = len(sources) - len(todo)
        failures: list[Failure] = []
        on_progress(Progress(done, 0, len(sources)))
        with closing(_outcomes(todo, columns, jobs, scheduler)) as outcomes:
            for source, outcome in outcomes:
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                else:
                    write_part(outcome, parts, keys[source.name])
                    done += 1
                on_progress(Progress(done, len(failures), len(sources)))
        failed = {failure.recording for failure in failures}
        kept = [keys[source.name] for source in sources if source.name not in failed]
        events = merge(parts, kept, "events", EVENTS, stem.with_name(f"{stem.name}.events.parquet"))
        minutes = merge(parts, kept, "minutes", MINUTES, out)
        failures.sort(key=lambda failure: failure.recording)
        _write_failures(failures, stem.with_name(f"{stem.name}.failures.csv"))
    except OSError as error:
        raise OutputError(f"{error.filename or out} cannot be written: {error.strerror or error}") from error
    return Summary(len(kept), reused, minutes, events, tuple(failures))


def _key(source: Source, columns: Columns | None) -> str:
    """Names what a recording adds; other for a changed file, other columns or another version of the analysis."""
    try:
        state = source.path.stat()
        stamp = (state.st_size, state.st_mtime_ns)
    except OSError:
        stamp = (0, 0)
    what = [TABLE_VERSION, version("vigie"), source.name, *stamp, asdict(columns) if columns else None]
    return sha256(json.dumps(what).encode()).hexdigest()[:32]


def _write_failures(failures: Sequence[Failure], path: Path) -> None:
    if not failures:
        path.unlink(missing_ok=True)
        return
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("recording", "kind", "problem", "remedy"))
    table.writerows((f.recording, f.kind, f.problem, f.remedy) for f in failures)
    path.write_text(text.getvalue(), encoding="utf-8")


Outcome = tuple[Source, Part | Failure]


def analyze_safely(source: Source, columns: Columns | None) -> Part | Failure:
    """What a worker does: a file that cannot be analysed is a value, so that the others go on."""
    try:
        return analyze_file(source.name, str(source.path), columns)
    except RecordingError as error:
        return Failure(source.name, type(error).__name__, error.problem, error.remedy)
    except ModuleNotFoundError as error:
        problem = f"needs {error.name}, which is not installed where it was analysed"
        return Failure(source.name, type(error).__name__, problem, "pip install 'vigie[analysis]' there")
    except Exception as error:
        return Failure(source.name, type(error).__name__, f"unexpected: {error}", "please report this")


def _outcomes(
    sources: Sequence[Source], columns: Columns | None, jobs: int | None, scheduler: str | None
) -> Generator[Outcome]:
    if not sources:
        return
    if scheduler is None:
        yield from _on_this_machine(sources, columns, min(jobs or os.cpu_count() or 1, len(sources)))
    else:
        yield from _on_a_cluster(sources, columns, scheduler)


def _on_this_machine(sources: Sequence[Source], columns: Columns | None, width: int) -> Generator[Outcome]:
    waiting, suspects = deque(sources), deque[Source]()
    while waiting:
        running: dict[Future[Part | Failure], Source] = {}
        try:
            with processes(width) as pool:
                yield from _spread(pool, waiting, running, columns, width)
        except BrokenExecutor:
            suspects += running.values()
    # A process died while these were under way: one after the other, each can only bring down itself.
    while suspects:
        try:
            with processes(1) as pool:
                while suspects:
                    outcome = pool.submit(analyze_safely, suspects[0], columns).result()
                    yield suspects.popleft(), outcome
        except BrokenExecutor:
            source = suspects.popleft()
            yield (
                source,
                Failure(
                    source.name,
                    "ProcessDied",
                    "the process that analysed it died",
                    "is there enough memory for it?",
                ),
            )


def _on_a_cluster(sources: Sequence[Source], columns: Columns | None, address: str) -> Generator[Outcome]:
    waiting = deque(Source(source.name, source.path.resolve()) for source in sources)
    with cluster(address) as (executor, width):
        try:
            yield from _spread(executor, waiting, {}, columns, width)
        except CancelledError as error:
            raise SchedulerError(
                f"the Dask scheduler at {address} went away: run the same again to go on"
            ) from error


def _spread(
    executor: Executor,
    waiting: deque[Source],
    running: dict[Future[Part | Failure], Source],
    columns: Columns | None,
    width: int,
) -> Generator[Outcome]:
    """Keep every worker busy until nothing waits; ``running`` says what is under way, should the executor break."""
    while waiting or running:
        while waiting and len(running) < (1 + _AHEAD) * width:
            source = waiting.popleft()
            running[executor.submit(analyze_safely, source, columns)] = source
        ready, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ready:
            try:
                outcome = future.result()
            except (BrokenExecutor, CancelledError):
                raise
            except Exception as error:
                name = running[future].name
                outcome = Failure(
                    name, type(error).__name__, str(error), "are all workers of one version of vigie?"
                )
            yield running.pop(future), outcome
