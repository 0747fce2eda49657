"""Errors that the event loop caught: told once, and in the cell that registered what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

from .cells import Cell, current_cell

Told = Callable[[str, BaseException | None], None]
"""Called with one line and the error; `current_cell` is the cell that the failure belongs to."""


GRACE = 2.0
"""Seconds that a failed task is given to be awaited, as a failed Deferred is."""


class LoopFailures:
    """The exception handler of a session's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Told) -> None:
        self._tell = tell
        self._loop = loop
        # Before Python 3.12 a task does not give its context away, so its cell is noted as it starts.
        self._cells: WeakKeyDictionary[asyncio.Future[Any], Cell] = WeakKeyDictionary()
        loop.set_exception_handler(self._failed)
        loop.set_task_factory(self._make_task)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any] | Any, **options: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        if (cell := current_cell.get()) is not None:
            self._cells[task] = cell
            task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        """A task shown at the prompt lives on in `_`: asyncio would tell of its error only at the end."""
        if getattr(task, "_log_traceback", False):
            self._loop.call_later(GRACE, self._tell_unless_awaited, task)

    def _tell_unless_awaited(self, task: asyncio.Task[Any]) -> None:
        if getattr(task, "_log_traceback", False):
            self._failed(self._loop, {"task": task, "exception": task.exception()})

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        run_in, cell = self._owner(context)
        error = context.get("exception")
        if error is not None:
            error = error.with_traceback(_own_part(error.__traceback__))
        run_in.run(self._tell_in, cell, _headline(context), error)

    def _owner(self, context: dict[str, Any]) -> tuple[Context, Cell | None]:
        handle = context.get("handle")
        found = getattr(handle, "_context", None)
        if isinstance(found, Context):
            return found.copy(), found.get(current_cell)
        task = context.get("task") or context.get("future")
        return copy_context(), self._cells.get(task) if task is not None else current_cell.get()

    def _tell_in(self, cell: Cell | None, headline: str, error: BaseException | None) -> None:
        current_cell.set(cell)
        self._tell(headline, error)


def _headline(context: dict[str, Any]) -> str:
    """What failed, in a few words: 'callback tick raised' or asyncio's own sentence."""
    callback = getattr(context.get("handle"), "_callback", None)
    if callback is not None:
        return f"{getattr(callback, '__qualname__', None) or repr(callback)} raised"
    task = context.get("task") or context.get("future")
    if isinstance(task, asyncio.Task):
        coro: Any = task.get_coro()
        name = getattr(coro, "__qualname__", None) or task.get_name()
        if context.get("exception") is not None:
            return f"task {name} (nobody awaits it) raised"
        return f"task {name}: {context.get('message')}"
    return str(context.get("message") or "the event loop reports an error")


def _own_part(trace: TracebackType | None) -> TracebackType | None:
    """`trace` without the frames of asyncio at its start."""
    first = trace
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("asyncio"):
        trace = trace.tb_next
    return trace or first
