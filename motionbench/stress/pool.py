"""Where the tasks of a stress run are done: here, or in N processes. A process that dies costs the cases it had."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from motionbench.engine import obeying, one_thread, stopping
from motionbench.stress.choice import Task
from motionbench.stress.samples import Outcome, Setup
from motionbench.stress.worker import Worker

_WORKER: Worker | None = None
_DIED = "the worker process died (out of memory, or a crash in a library)"


def run_tasks(setup: Setup, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Do the tasks and yield each outcome as it is ready; the order does not matter to any number."""
    if workers == 1 or len(tasks) == 1:
        with one_thread():
            yield from map(Worker(setup), tasks)
        return
    # Not fork: it copies the locks of whatever threads the caller has running.
    pool = ProcessPoolExecutor(min(workers, len(tasks)), multiprocessing.get_context("spawn"), _start, (setup,))
    finished = False
    try:
        with _deaf():
            futures: dict[Future[Outcome], Task] = {pool.submit(_run, task): task for task in tasks}
        for future in as_completed(list(futures)):
            task = futures.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                yield Worker(setup).failed(task, _DIED)
        finished = True
    finally:
        if not finished:
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, not even while they import: the parent decides what it means."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(setup: Setup) -> None:
    global _WORKER
    with obeying():
        _WORKER = Worker(setup)


def _run(task: Task) -> Outcome:
    assert _WORKER is not None
    with stopping():
        return _WORKER(task)
