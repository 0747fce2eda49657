"""The threads of a reactor: a pool for a program's jobs, made at first use and ended with the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from .interfaces import IReactorThreads
from .threadpool import ThreadPool

#: How many threads a program's jobs get at most, unless `suggestThreadPoolSize` says otherwise.
DEFAULT_THREADS = 10

#: Seconds that the end of a run waits for jobs; what takes longer is named in the log and given up.
PATIENCE = 10.0


@implementer(IReactorThreads)
class Pools:
    """The part of a reactor that hands work to threads."""

    def __init__(self) -> None:
        super().__init__()
        self.threadpool: ThreadPool | None = None
        self._pool_size = DEFAULT_THREADS
        self._pool_lock = threading.Lock()

    def getThreadPool(self) -> ThreadPool:
        """The pool that `callInThread` uses, started. For any thread."""
        pool = self.threadpool  # without the lock: this is on the way of every job
        if pool is not None:
            return pool
        with self._pool_lock:
            if self.threadpool is None:
                pool = ThreadPool(0, self._pool_size, "reactor")
                pool.start()
                self.threadpool = pool
            return self.threadpool

    def callInThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Call `callable` in a thread of the pool; the result is dropped, a failure logged."""
        self.getThreadPool().callInThread(callable, *args, **kw)

    def suggestThreadPoolSize(self, size: int) -> None:
        """Let the pool have at most `size` threads, 1 or more. Raises TypeError, ValueError."""
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"suggestThreadPoolSize() takes a number of threads, not {size!r}")
        if size < 1:
            raise ValueError(f"suggestThreadPoolSize() takes 1 or more threads, not {size!r}")
        self._pool_size = size
        if self.threadpool is not None:
            self.threadpool.adjustPoolsize(0, size)

    def stop_threads(self) -> None:
        """End the pool; a later job gets a new one."""
        with self._pool_lock:
            pool, self.threadpool = self.threadpool, None
        if pool is not None:
            pool.stop(PATIENCE)

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Call `callable` soon in the reactor's thread. The reactor knows how."""
        raise NotImplementedError
