"""Where the tasks of a stress run are done: here, or in N processes. A process that dies costs the cases it had."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager

from motionbench.engine import one_thread
from motionbench.stress.choice import Task
from motionbench.stress.samples import Outcome, Setup
from motionbench.stress.worker import Worker

_WORKER: Worker | None = None
_WHILE_ALIVE = ExitStack()  # of a worker process
_DIED = "the worker process died (out of memory, or a crash in a library)"


def run_tasks(setup: Setup, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Do the tasks and yield each outcome as it is ready; the order does not matter to any number."""
    if workers == 1 or len(tasks) == 1:
        with one_thread():
            yield from map(Worker(setup), tasks)
        return
    # Not fork: it copies the locks of whatever threads the caller has running.
    pool = ProcessPoolExecutor(
        min(workers, len(tasks)), multiprocessing.get_context("spawn"), _start, (setup, os.getpid())
    )
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


def _start(setup: Setup, parent: int) -> None:
    global _WORKER
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    _WHILE_ALIVE.enter_context(one_thread())
    _WORKER = Worker(setup)


def _follow(parent: int) -> None:
    """End this process when its parent is gone; a killed run must not leave workers behind."""
    process = multiprocessing.parent_process()
    if process is not None and process.pid == parent:
        process.join()
        os._exit(1)


def _run(task: Task) -> Outcome:
    assert _WORKER is not None
    try:
        return _WORKER(task)
    except SystemExit:  # SIGTERM: the pool would take it for this task's result and begin the next one
        os._exit(143)
