"""Threads that code at the prompt starts keep its context, so that what they print belongs to its cell."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import Any


class ThreadContexts:
    """Gives new threads a copy of the context that starts them, as Python 3.14 can do by itself."""

    def install(self) -> None:
        self._start = start = threading.Thread.start

        def start_in_context(thread: threading.Thread, *args: Any, **kwargs: Any) -> None:
            context, run = copy_context(), thread.run
            thread.run = lambda: context.run(run)  # type: ignore[method-assign]
            start(thread, *args, **kwargs)

        threading.Thread.start = start_in_context  # type: ignore[method-assign, assignment]

    def restore(self) -> None:
        threading.Thread.start = self._start  # type: ignore[method-assign]
