"""A pool of threads, and the jobs they do.

Threads are made when a job finds none idle, up to a limit; each sleeps on a lock of its own, and the one that
went idle last is woken first. A job is handed straight to the thread it wakes, so that handing over costs
one short critical section and one wake-up, and none of either when all threads are busy.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import Context
from typing import Any

from .defer import CancelledError
from .failure import Failure
from .job import Job, OnResult

log = logging.getLogger(__name__)

#: Seconds after which an idle thread beyond the pool's minimum ends.
IDLE = 60.0

#: Seconds that `stop` waits in silence; after these it says what it waits for, then each time twice as late.
PATIENCE = 2.0


class _Worker:
    """One thread: does the job it is given, then asks for the next."""

    __slots__ = ("job", "pool", "thread", "wake")

    def __init__(self, pool: ThreadPool, name: str) -> None:
        self.pool = pool
        self.job: Job | None = None
        self.wake = threading.Lock()
        self.wake.acquire()
        # An empty context: what the maker of the thread had in his is none of its jobs' business.
        self.thread = pool.threadFactory(target=Context().run, args=(self.work,), name=name, daemon=True)

    def work(self) -> None:
        take = self.pool._take
        while (job := take(self)) is not None:
            job._run()
            del job  # an idle thread must not keep its last job alive


class ThreadPool:
    """Threads that do jobs, first come first served; for any number of callers in any thread.

    min: so many threads stay when there is nothing to do. max: there are never more. The threads are
    daemons: a job that never ends keeps no program from ending, and `stop` says which one it is.
    """

    threadFactory: Callable[..., threading.Thread] = threading.Thread
    """Makes the threads; called with `target`, `args`, `name` and `daemon`."""

    def __init__(self, minthreads: int = 5, maxthreads: int = 20, name: str | None = None) -> None:
        """Raises: ValueError for sizes that make no pool."""
        self.min, self.max = _checked(minthreads, maxthreads)
        self.name = name
        self.started = False
        """Whether jobs are being done; until `start`, they queue."""
        self.joined = False
        """Whether `stop` was called; from then on no job is taken."""
        # Re-entrant, since the collector may run a finaliser that hands over a job while we hold it.
        self._lock = threading.RLock()
        self._queue: OrderedDict[Job, None] = OrderedDict()  # a queue from whose middle a job can be taken
        self._idle: list[_Worker] = []
        self._workers: dict[_Worker, None] = {}
        self._hired = 0
        self.arrivals: object = None  # where results for the latest reactor meet: see threads.py

    # -- jobs -------------------------------------------------------------------------------------------

    def callInThread(self, func: Callable[..., Any], /, *args: Any, **kw: Any) -> Job:
        """Have a thread call ``func(*args, **kw)``. The result is dropped, a failure logged."""
        return self.callInThreadWithCallback(None, func, *args, **kw)

    def callInThreadWithCallback(
        self, onResult: OnResult | None, func: Callable[..., Any], /, *args: Any, **kw: Any
    ) -> Job:
        """Have a thread call ``func(*args, **kw)``, and then, in the same thread, `onResult`.

        That is called with True and the result, or with False and a Failure: what `func` raised, or
        `CancelledError` when the pool was stopped before its turn came. Both run in a copy of the caller's
        context.

        Raises: TypeError when `func` cannot be called, RuntimeError when the pool was stopped.
        """
        if not callable(func):
            raise TypeError(
                f"a thread takes something to call, not {func!r}: pass the function and its arguments"
            )
        job = Job(self, onResult, func, args, kw)
        with self._lock:
            if self._idle:
                worker = self._idle.pop()
                worker.job = job
                job.state = "running"
                worker.wake.release()
            elif self.joined:
                raise RuntimeError(f"{self!r} was stopped and takes no more jobs: {job.name} was not called")
            else:
                self._queue[job] = None
                if self.started and len(self._workers) < self.max:
                    self._hire_for(job)
        return job

    def _take(self, worker: _Worker) -> Job | None:
        """The next job for `worker`, which waits here until there is one; None when it is to end."""
        with self._lock:
            worker.job = None
            if len(self._workers) > self.max or (self.joined and not self._queue):
                del self._workers[worker]
                return None
            if self._queue:
                job = worker.job = self._queue.popitem(last=False)[0]
                job.state = "running"
                return job
            self._idle.append(worker)
            surplus = len(self._workers) > self.min
        if not worker.wake.acquire(timeout=IDLE if surplus else -1) and self._dismiss(worker):
            return None
        return worker.job

    def _dismiss(self, worker: _Worker) -> bool:
        """Let `worker`, which was idle for long, end if it is still idle and not one of the last `min`."""
        with self._lock:
            if worker in self._idle and len(self._workers) > self.min:
                self._idle.remove(worker)
                del self._workers[worker]
                return True
        worker.wake.acquire()
        return False

    def _cancel(self, job: Job) -> bool:
        """Take `job` out of the queue; False when it is not there (any more)."""
        with self._lock:
            if job not in self._queue:
                return False
            del self._queue[job]
            job.state = "cancelled"
            return True

    # -- threads ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with the jobs that queue, and take more. A stopped pool can be started again."""
        with self._lock:
            self.started, self.joined = True, False
            self._hire_for_queue()

    def adjustPoolsize(self, minthreads: int | None = None, maxthreads: int | None = None) -> None:
        """Change the limits. Threads that are too many end when they have done their job.

        Raises: ValueError for sizes that make no pool.
        """
        with self._lock:
            self.min, self.max = _checked(
                self.min if minthreads is None else minthreads, self.max if maxthreads is None else maxthreads
            )
            if self.started:
                self._hire_for_queue()
            while self._idle and len(self._workers) > self.max:
                self._let_go(self._idle.pop())

    def _hire_for_queue(self) -> None:
        for job in list(self._queue)[: max(0, self.max - len(self._workers))]:
            self._hire_for(job)

    def _hire_for(self, job: Job) -> None:
        """Start a thread because `job` queues; when the system has no more, those that exist must do."""
        self._hired += 1
        worker = _Worker(self, f"{self.name or 'pool'}-{self._hired}")
        self._workers[worker] = None
        try:
            worker.thread.start()
        except RuntimeError as error:
            del self._workers[worker]
            if not self._workers:
                del self._queue[job]
                raise
            log.warning("%r gets no more threads than it has: %s", self, error)

    def _let_go(self, worker: _Worker) -> None:
        """End `worker`, which is idle and was taken out of the list of those."""
        del self._workers[worker]
        worker.wake.release()

    def stop(self, timeout: float | None = None) -> list[Job]:
        """Take no more jobs, do those that queue, and wait for the threads to end.

        Waiting is told in the log: which jobs, for how long, and where in the code they are. After `timeout`
        seconds (None: however long it takes) the jobs that still queue are cancelled, and those that still
        run are given up, and the result: an empty list is a clean end. May be called by a job, which is
        then not waited for.
        """
        with self._lock:
            self.joined, self.started = True, False
            workers = [worker for worker in self._workers if worker.thread is not threading.current_thread()]
            while self._idle:
                self._let_go(self._idle.pop())
            is_abandoned = not self._workers
        if is_abandoned:
            self._cancel_queue()  # the pool was never started
        stuck = self._join(workers, timeout)
        if stuck:
            log.error("%r was stopped without waiting for %s", self, _told(stuck))
            self._cancel_queue()
        return stuck

    def _join(self, workers: list[_Worker], timeout: float | None) -> list[Job]:
        """Wait until `workers` end, for at most `timeout` seconds; the jobs of those that did not."""
        begin = time.monotonic()
        patience = PATIENCE
        for worker in workers:
            while worker.thread.is_alive():
                waited = time.monotonic() - begin
                if timeout is not None and waited >= timeout:
                    return [job for other in workers if (job := other.job) is not None]
                if waited >= patience:
                    log.warning("%r still waits for %s", self, _told(self.running))
                    patience *= 2
                worker.thread.join(patience - waited if timeout is None else min(patience, timeout) - waited)
        return []

    def _cancel_queue(self) -> None:
        with self._lock:
            jobs = list(self._queue)
        for job in jobs:
            if self._cancel(job):
                job._answer(
                    False, Failure(CancelledError(f"{self!r} was stopped before {job.name} was called"))
                )

    # -- looking inside ---------------------------------------------------------------------------------

    @property
    def workers(self) -> int:
        """How many threads there are."""
        return len(self._workers)

    @property
    def threads(self) -> list[threading.Thread]:
        """All threads."""
        with self._lock:
            return [worker.thread for worker in self._workers]

    @property
    def working(self) -> list[threading.Thread]:
        """The threads that have a job."""
        with self._lock:
            return [worker.thread for worker in self._workers if worker.job is not None]

    @property
    def waiters(self) -> list[threading.Thread]:
        """The threads that have none."""
        with self._lock:
            return [worker.thread for worker in self._idle]

    @property
    def running(self) -> list[Job]:
        """The jobs that are being done."""
        with self._lock:
            return [worker.job for worker in self._workers if worker.job is not None]

    @property
    def queued(self) -> list[Job]:
        """The jobs that wait for a thread, the next one first."""
        with self._lock:
            return list(self._queue)

    def dumpStats(self) -> None:
        """Log what the pool is doing."""
        with self._lock:
            log.info("%r; queued: %s; running: %s", self, _names(self.queued), _told(self.running))

    def threadOf(self, job: Job) -> threading.Thread | None:
        """The thread that does `job` now, or None."""
        with self._lock:
            for worker in self._workers:
                if worker.job is job:
                    return worker.thread
        return None

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        state = "stopped" if self.joined else "started" if self.started else "not started"
        busy = len(self._workers) - len(self._idle)
        return (
            f"<ThreadPool{name} {state}, {busy} of {len(self._workers)} threads busy (at most {self.max}), "
            f"{len(self._queue)} jobs queued>"
        )


def _checked(minthreads: int, maxthreads: int) -> tuple[int, int]:
    """The sizes, when they make a pool."""
    if minthreads < 0:
        raise ValueError(f"a pool has 0 or more threads, not minthreads={minthreads!r}")
    if maxthreads < 1:
        raise ValueError(f"a pool needs at least 1 thread to do a job, not maxthreads={maxthreads!r}")
    if minthreads > maxthreads:
        raise ValueError(f"minthreads={minthreads!r} is more than maxthreads={maxthreads!r}")
    return minthreads, maxthreads


def _names(jobs: list[Job]) -> str:
    return ", ".join(job.name for job in jobs[:10]) + (
        f" and {len(jobs) - 10} more" if len(jobs) > 10 else ""
    )


def _told(jobs: list[Job]) -> str:
    """`jobs` in words, each with the place in the code where it is now."""
    return "; ".join(str(job) for job in jobs) or "threads that are ending"
