"""Where jobs run: in this process, or in N processes on this machine.

A job is one case. Outcomes are handed over as they come, in any order; nothing here adds numbers up, so the number of
workers and their order cannot change a score. A worker process that dies takes down only the case that it was on.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
import typing as t
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait

from threadpoolctl import threadpool_limits

from motionbench.job import Outcome, Setup, Worker
from motionbench.types import Case

_In = t.TypeVar("_In")
_Out = t.TypeVar("_Out")

_WORKER: Worker | None = None
_WHILE_ALIVE = ExitStack()  # of a worker process


def default_workers() -> int:
    """As many as this process may use cores, and at most eight."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV, the BLAS and the libraries of networks use one thread.

    The workers are the parallelism, more threads would only get in their way; and a sum over several threads may end in
    other last bits.
    """
    import cv2

    before, told = cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are loaded only later, with thread pools of their own
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
        if told is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = told


def run_local(setup: Setup, cases: Sequence[Case], workers: int) -> Iterator[Outcome]:
    """Score cases with `workers` processes (1: in this one) and yield each outcome as it is ready.

    When a worker process dies (killed for memory, or crashed in a library), the cases that it may have been on are
    tried again, each in a process of its own, and one that dies again yields a failed outcome.
    """
    if workers == 1:
        with one_thread():
            worker = Worker(setup)
            for case, following in itertools.zip_longest(cases, cases[1:]):
                yield worker(case, following)
        return
    waiting = list(cases)
    while waiting:
        lost = yield from _pool(setup, waiting, min(workers, len(waiting)))
        suspects, waiting = lost[:workers], lost[workers:]
        for case in suspects:
            if (yield from _pool(setup, [case], 1)):
                note = "the worker process died on this case (out of memory, or a crash in a library)"
                yield Worker(setup).failed(case, note)


def apart(function: Callable[[_In], _Out], argument: _In) -> _Out:
    """Call a function in a process of its own, so that the memory it takes is given back."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, argument).result()


def _pool(setup: Setup, cases: Sequence[Case], workers: int) -> Generator[Outcome, None, list[Case]]:
    """Yield outcomes; return the cases that were lost when a process died, in their order."""
    # Not fork: it copies the locks of whatever threads the caller has running.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (setup,))
    futures: dict[Future[Outcome], int] = {}
    lost: list[int] = []
    finished = False
    try:
        futures.update((pool.submit(_run, case), number) for number, case in enumerate(cases))
        for future in as_completed(list(futures)):
            number = futures.pop(future)  # an outcome is not kept once it has been handed over
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(number)
        finished = True
    finally:
        if not finished:
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
    return [cases[number] for number in sorted(lost)]


def _start(setup: Setup) -> None:
    """Set up a worker process."""
    global _WORKER
    with obeying():
        _WORKER = Worker(setup)


@contextmanager
def obeying() -> Iterator[None]:
    """Make this process a worker, which is set up inside: one thread, deaf to Ctrl-C, gone when its parent is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    threading.Thread(target=_follow_parent, daemon=True).start()
    _WHILE_ALIVE.enter_context(one_thread())
    yield
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # run the `finally` blocks: they stop child programs


def _follow_parent() -> None:
    """End this process when its parent is gone; a killed run must not leave workers behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # first the way that lets the main thread stop its child programs
        time.sleep(5)
        os._exit(1)


def _run(case: Case) -> Outcome:
    assert _WORKER is not None
    with stopping():
        return _WORKER(case)


@contextmanager
def stopping() -> Iterator[None]:
    """Inside, SIGTERM ends this worker: the pool would take it for the job's result and begin the next one."""
    try:
        yield
    except SystemExit:
        os._exit(143)
