"""One call that a thread is to make: what it is, how far it is, and where in the code."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from .failure import Failure, caught

if TYPE_CHECKING:
    from .threadpool import ThreadPool

log = logging.getLogger(__name__)

OnResult = Callable[[bool, Any], object]

#: Frames of files in this folder say how a thread waits, not what for.
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_SITE_PACKAGES = os.path.join(_STANDARD_LIBRARY, "site-packages") + os.sep


class Job:
    """A call of a function in a thread of a `ThreadPool`, as `callInThread` gives it.

    state: 'queued', 'running', 'done', 'failed' (it raised) or 'cancelled'. startedAt: seconds since the
    epoch, None before its turn. finishedAt: the same for its end. name: the function's, and may be changed.
    """

    __slots__ = (
        "_args",
        "_context",
        "_func",
        "_kw",
        "_on_result",
        "_pool",
        "finishedAt",
        "name",
        "startedAt",
        "state",
    )

    def __init__(
        self,
        pool: ThreadPool,
        on_result: OnResult | None,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kw: dict[str, Any],
    ) -> None:
        self._pool = pool
        self._on_result = on_result
        self._func: Callable[..., Any] | None = func
        self._args = args
        self._kw = kw
        self._context = copy_context()
        self.name: str = getattr(func, "__qualname__", None) or _name(func)
        self.state: Literal["queued", "running", "done", "failed", "cancelled"] = "queued"
        self.startedAt: float | None = None
        self.finishedAt: float | None = None

    def cancel(self) -> bool:
        """Take the job out of the queue. True when it will not be called, and nothing be told of it.

        False when it runs already (a thread cannot be interrupted) or is over.
        """
        if not self._pool._cancel(self):
            return False
        self._forget()
        return True

    def where(self) -> str | None:
        """Where in the code the job is now, as 'file:line in function'; None when it does not run."""
        thread = self._pool.threadOf(self)
        if thread is None or thread.ident is None:
            return None
        frame = sys._current_frames().get(thread.ident)
        return None if frame is None else _place(frame)

    def _run(self) -> None:
        """Make the call and tell of it; in a thread of the pool."""
        self.startedAt = time.time()
        assert self._func is not None
        try:
            result = self._context.run(self._func, *self._args, **self._kw)
        except BaseException as error:  # a SystemExit, too, belongs to whoever waits for the result
            self.state = "failed"
            self._answer(False, caught(error))
        else:
            self.state = "done"
            self._answer(True, result)

    def _answer(self, is_success: bool, result: Any) -> None:
        """Tell whoever wanted to know, in the job's context; drop everything that only the call needed."""
        self.finishedAt = time.time()
        on_result, context = self._on_result, self._context
        self._forget()
        try:
            if on_result is not None:
                context.run(on_result, is_success, result)
            elif not is_success:
                context.run(_log_failure, self.name, result)
        except BaseException:
            context.run(log.exception, "the callback for the result of %s raised", self.name)

    def _forget(self) -> None:
        self._func = self._on_result = None
        self._args, self._kw = (), {}

    def __str__(self) -> str:
        if self.startedAt is None or self.state != "running":
            return f"{self.name} ({self.state})"
        where = self.where()
        return f"{self.name} ({time.time() - self.startedAt:.1f} s{', at ' + where if where else ''})"

    def __repr__(self) -> str:
        return f"<Job {self}>"


def _name(func: Callable[..., Any]) -> str:
    """The name of something that can be called but is no function."""
    while isinstance(func, partial):
        func = func.func
    return getattr(func, "__qualname__", None) or f"{type(func).__name__}()"


def _log_failure(name: str, failure: Failure) -> None:
    log.error("%s raised in a thread", name, exc_info=(failure.type, failure.value, failure.tb))


def _place(frame: FrameType) -> str:
    """The innermost place of the stack `frame` outside the standard library, if there is one."""
    found: FrameType | None = frame
    while found is not None:
        file = found.f_code.co_filename
        if not file.startswith("<frozen") and (
            not file.startswith(_STANDARD_LIBRARY) or file.startswith(_SITE_PACKAGES)
        ):
            return _line(found)
        found = found.f_back
    return _line(frame)


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
