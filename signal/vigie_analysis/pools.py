"""Where recordings are analysed: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, Final

from .errors import SchedulerError

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_CONNECT_S: Final = 10
_FIRST_WORKER_S: Final = 30


@contextmanager
def processes(count: int) -> Generator[Executor]:
    """Processes of this machine; when left by an exception they end at once."""
    before = set[BaseProcess](multiprocessing.active_children())
    # One thread each: there is a process for each core, and sums are added up in one order whatever their number.
    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, max_tasks_per_child=None
    )
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin() -> None:
    """Leave Ctrl-C to the parent, say nothing, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # They would tear the progress bar; what matters about a file is its failure.
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def cluster(address: str) -> Generator[tuple[Executor, int]]:
    """A Dask cluster, and how many recordings it can analyse at once.

    Raises
    ------
    SchedulerError
        Dask is not installed, the scheduler does not answer, or it has no workers.
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise SchedulerError("a cluster needs Dask: pip install 'vigie[dask]', on its workers too") from error
    # typed as far as mypy sees, but not its constructor
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SchedulerError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError as error:
            raise SchedulerError(
                f"the Dask scheduler at {address} has no workers: start one with `dask worker {address}`"
            ) from error
        yield client.get_executor(pure=False), sum(client.nthreads().values())
    finally:
        client.close(timeout=_CONNECT_S)
