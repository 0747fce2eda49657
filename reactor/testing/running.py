"""Running a reactor for as long as one result takes."""

from __future__ import annotations

import inspect
from typing import Any

from ..defer import Deferred, ensureDeferred
from ..failure import Failure

TIMEOUT = 10.0
"""Seconds a result may take unless told otherwise: far more than a test needs that is well."""

IDLE_TURNS = 10
IDLE_WAIT = 0.01
"""Turns of the loop without a close, each of so many seconds at most, after which nothing more will close."""


def run_until(reactor: Any, awaitable: Any, timeout: float = TIMEOUT) -> Any:
    """Run `reactor` until `awaitable`, a Deferred or coroutine, has its result, and return or raise that.

    What is open stays open afterwards, and the reactor can be run again.

    Raises:
        TimeoutError: there was no result after `timeout` seconds; `awaitable` has been cancelled.
        RuntimeError: the reactor was stopped before there was a result.
        TypeError: `awaitable` is neither.
    """
    waiting = _Waiting(reactor, _as_deferred(awaitable))
    if not waiting.is_over:
        waiting.run(timeout)
    if not waiting.is_over:
        raise waiting.give_up(timeout)
    if isinstance(waiting.result, Failure):
        waiting.result.raiseException()
    return waiting.result


class _Waiting:
    """A result that a reactor is run for."""

    def __init__(self, reactor: Any, deferred: Deferred[Any]) -> None:
        self.is_over = False
        self.result: Any = None
        self.timed_out = False
        self._reactor = reactor
        self._deferred = deferred
        self._running = False
        deferred.addBoth(self._finish)

    def run(self, timeout: float) -> None:
        """Run until the result is there, `timeout` seconds have passed or somebody stops the reactor."""
        timer = self._reactor.callLater(timeout, self._expire)
        self._running = True
        try:
            self._reactor.run(installSignalHandlers=False)
        finally:
            self._running = False
            if timer.active():
                timer.cancel()

    def give_up(self, timeout: float) -> Exception:
        """Cancel what was waited for; the error that says so."""
        what = str(self._deferred)
        self._deferred.cancel()
        if not self.timed_out:
            return RuntimeError(f"the reactor was stopped before there was a result: {what}")
        return TimeoutError(f"no result after {timeout:g} s: {what}")

    def _finish(self, result: Any) -> None:
        self.is_over = True
        self.result = result
        if self._running:
            self._reactor.crash()

    def _expire(self) -> None:
        self.timed_out = True
        self._reactor.crash()


def settle(reactor: Any) -> None:
    """Turn the loop of `reactor` until what is closing on it has closed; not at all when nothing is open."""
    idle = 0
    while idle < IDLE_TURNS:
        now = reactor.seconds()
        is_due = any(call.getTime() <= now for call in reactor.getDelayedCalls())
        if not reactor.opened and not is_due:
            return
        before = set(reactor.opened)
        reactor.iterate(0 if is_due else IDLE_WAIT)
        idle = 0 if before - set(reactor.opened) else idle + 1


def is_awaitable(value: object) -> bool:
    """Whether `value` is something that `run_until` takes."""
    return isinstance(value, Deferred) or inspect.iscoroutine(value)


def _as_deferred(awaitable: Any) -> Deferred[Any]:
    if isinstance(awaitable, Deferred):
        return awaitable
    if inspect.iscoroutine(awaitable):
        return ensureDeferred(awaitable)
    hint = ": call it" if inspect.iscoroutinefunction(awaitable) else ""
    raise TypeError(f"run_until() takes a Deferred or a coroutine, not {awaitable!r}{hint}")
