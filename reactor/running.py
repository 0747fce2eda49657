"""Which reactor runs in this thread: the one place that may be asked, and the only per-thread state."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core import Reactor


class _Running(threading.local):
    """The reactors that run in this thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Reactor] = []


_running = _Running()


def current() -> Reactor | None:
    """The reactor that runs in the calling thread (a hosted one counts as running), or None."""
    stack = _running.stack
    return stack[-1] if stack else None


def enter(reactor: Reactor) -> None:
    """Note that `reactor` starts to run in the calling thread."""
    _running.stack.append(reactor)


def leave(reactor: Reactor) -> None:
    """Note that `reactor` no longer runs in the calling thread; one that was never entered is ignored."""
    if reactor in _running.stack:
        _running.stack.remove(reactor)
