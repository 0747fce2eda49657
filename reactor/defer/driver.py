"""Drives one coroutine or generator from Deferred to Deferred, in the one context it was started in."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

from .. import running
from ..failure import Failure, Outcome, caught, is_machinery
from . import recording
from .awaiting import RESUMES, Waiting, ours
from .errors import CancelledError
from .origin import outside, user_files
from .recording import shorten
from .unhandled import tell_lost

if TYPE_CHECKING:
    import asyncio

    from .deferred import Deferred

T = TypeVar("T")

_outcomes = Outcome.kinds

Driven = Coroutine[Any, Any, T] | Generator[Any, Any, T]


class Driver:
    """A coroutine on its way, and the Deferred that waits for its end."""

    __slots__ = (
        "_context",
        "_coroutine",
        "_deferred",
        "_entry",
        "_is_cancelling",
        "_kind",
        "_send",
        "_waits_for",
    )

    def __init__(
        self, kind: type[Deferred[Any]], coroutine: Driven[Any], deferred: Deferred[Any], context: Context
    ) -> None:
        self._kind = kind
        self._coroutine = coroutine
        self._send = coroutine.send
        self._deferred = deferred
        self._context = context
        self._waits_for: Deferred[Any] | asyncio.Future[Any] | None = None
        self._is_cancelling = False
        # What every Deferred that is waited for gets as its callback entry, made once.
        self._entry: Any = (context.run, context.run, RESUMES, self._advance)

    def cancel(self) -> Deferred[Any] | asyncio.Future[Any] | None:
        """What the coroutine waits for, for the caller to cancel; None when it runs right now.

        Then what it waits for next will be cancelled.
        """
        if self._waits_for is None:
            self._is_cancelling = True
        return self._waits_for

    def _first(self, yielded: Any) -> None:
        """Wait for the first thing that the coroutine yielded, or go on when there is nothing to wait for."""
        self._deferred._canceller = self
        result, waits = self._wait_for(yielded)
        if not waits:
            self._advance(result)  # nobody had the Deferred to add a callback yet

    def _advance(self, result: Any) -> Deferred[Any] | None:
        """Run the coroutine, in its context, until it has to wait.

        Returns its Deferred when it has ended and there are callbacks to call, else None.
        """
        self._waits_for = None
        send = self._send
        while True:
            if type(result) in _outcomes and isinstance(result, Failure):
                goes_on, yielded = _throw(self._coroutine, result)
                if not goes_on:
                    try:
                        return self._finish(yielded)
                    finally:
                        del result, yielded  # frames that raised refer to this one: it would be a cycle
            else:
                try:
                    yielded = send(result)
                except StopIteration as stop:
                    return self._finish(stop.value)
                except BaseException as error:
                    return self._finish(_ended_by(error))
            # What _wait_for does, without the calls.
            kind = type(yielded)
            if kind is Waiting:
                waited = yielded.deferred
                if waited._state == 0 and waited._callbacks is None and not self._is_cancelling:
                    self._waits_for = waited
                    waited._callbacks = self._entry
                    return None
            elif kind in _outcomes:
                if yielded._state == 1:
                    result = yielded.result
                    continue
                if yielded._state == 0 and yielded._callbacks is None and not self._is_cancelling:
                    self._waits_for = yielded
                    yielded._callbacks = self._entry
                    return None
            result, waits = self._wait_for(yielded)
            if waits:
                return None

    def _wait_for(self, yielded: Any) -> tuple[Any, bool]:
        """What to send back for a yielded thing, and whether to wait first."""
        if type(yielded) is Waiting:
            waited = yielded.deferred
        elif isinstance(yielded, Outcome) and not isinstance(yielded, Failure):
            waited = yielded  # type: ignore[assignment]  # the only other Outcome is a Deferred
        elif isinstance(yielded, CoroutineType):
            waited = start(self._kind, yielded, sys._getframe())
        else:
            return self._foreign(yielded)
        if self._is_cancelling:
            self._is_cancelling = False
            waited.cancel()  # before it has our entry: we run in the context that would be entered again
        state = waited._state
        if state == 1:
            return waited.result, False
        if state == 2:
            return waited._handled(), False
        self._waits_for = waited
        waited._wait(self._entry)
        return None, True

    def _finish(self, result: Any) -> Deferred[Any] | None:
        deferred = self._deferred
        # The coroutine, its Deferred and this object refer to each other no longer: no cycle is left.
        del self._deferred, self._coroutine, self._send, self._entry
        return finish(deferred, result)

    # -- what is not ours

    def _foreign(self, yielded: Any) -> tuple[Any, bool]:
        """Deal with a yielded thing that is no Deferred: what to send back, and whether to wait first."""
        if getattr(type(yielded), "_asyncio_future_blocking", None) is not None:
            self._wait_for_future(yielded)
            return None, True
        if isinstance(self._coroutine, GeneratorType):
            return yielded, False
        if yielded is None:
            return None, self._wait_a_turn()
        problem = TypeError(
            "a coroutine driven by wirelab can await Deferreds, coroutines and asyncio futures, "
            f"not what yields {shorten(yielded)}"
        )
        return Failure(problem), False

    def _wait_for_future(self, future: asyncio.Future[Any]) -> None:
        is_awaited = future._asyncio_future_blocking
        future._asyncio_future_blocking = False
        self._waits_for = future
        future.add_done_callback(self._future_awaited if is_awaited else self._future_yielded)
        if self._is_cancelling:
            self._is_cancelling = False
            future.cancel()

    def _future_awaited(self, future: asyncio.Future[Any]) -> None:
        self._go_on(None)  # the future's own __await__ gives the result

    def _future_yielded(self, future: asyncio.Future[Any]) -> None:
        try:
            result = future.result()
        except BaseException as error:
            result = caught(error)
        self._go_on(result)

    def _wait_a_turn(self) -> bool:
        """Go on in the next turn of the loop that runs here; False when none does."""
        asyncio = sys.modules.get("asyncio")  # when nobody imported it, none of its loops can be running
        loop = asyncio._get_running_loop() if asyncio is not None else None
        if loop is not None:
            loop.call_soon(self._turn)
            return True
        reactor = running.current()
        if reactor is not None:
            reactor.callLater(0, self._turn)
            return True
        return False

    def _turn(self) -> None:
        if self._is_cancelling:
            self._is_cancelling = False
            self._go_on(Failure(CancelledError()))
        else:
            self._go_on(None)

    def _go_on(self, result: Any) -> None:
        ended = self._context.run(self._advance, result)
        if ended is not None:
            ended._run()


def start(kind: type[Deferred[T]], coroutine: Driven[T], frame: FrameType) -> Deferred[T]:
    """Run `coroutine` to its first wait, in a copy of the current context.

    Returns the Deferred, of the class `kind` and made in `frame`, that fires when the coroutine ends.
    """
    deferred = kind()
    deferred._state = 0
    deferred._callbacks = None
    deferred._canceller = None
    code = frame.f_code
    if code.co_filename in user_files:
        deferred._code = code
        deferred._lasti = frame.f_lasti
    else:
        deferred._code, deferred._lasti = outside(frame)
    if recording.is_on:
        deferred._record = recording.Record()
    context = copy_context()
    try:
        yielded = context.run(coroutine.send, None)
    except StopIteration as stop:
        result = stop.value
        if type(result) in _outcomes:
            finish(deferred, result)
        else:
            deferred.result = result
            deferred._state = 1
    except BaseException as error:
        finish(deferred, _ended_by(error))
        try:
            return deferred
        finally:
            del deferred  # frames that raised refer to this one: it would be a cycle
    else:
        context.run(Driver(kind, coroutine, deferred, context)._first, yielded)
    return deferred


def finish(deferred: Deferred[Any], result: Any) -> Deferred[Any] | None:
    """Give a coroutine's result to its Deferred, which is returned when it has callbacks to call now."""
    if not deferred.called:
        return deferred._settle(result)
    # Somebody else fired it meanwhile. A result is dropped; a failure is told.
    if isinstance(result, Failure):
        tell_lost(result, (deferred._code, deferred._lasti))
    return None


def _throw(coroutine: Driven[Any], failure: Failure) -> tuple[bool, Any]:
    """Throw the failure into `coroutine`: True and what it yielded next, or False and what it ended with."""
    error = failure.value
    before = error.__traceback__
    ended: Any
    try:
        return True, coroutine.throw(error.with_traceback(failure.tb))
    except StopIteration as stop:
        ended = stop.value
    except BaseException as raised:
        ended = _ended_by(raised)
    finally:
        # The frames of the coroutine leave the exception again: they may hold the Deferred that holds the
        # exception, which would be a cycle. A Failure made above has them in its `tb`.
        error.__traceback__ = before
    try:
        return False, ended
    finally:
        del ended, error, failure  # frames that raised refer to this one: it would be a cycle


def _ended_by(error: BaseException) -> Failure:
    failure = ours(caught(error))
    if failure.tb is not None:
        _forget_frames(error, failure)
    return failure


def _forget_frames(error: BaseException, failure: Failure) -> None:
    """Take the frames above the last `await` of a Deferred out of the exception; `failure.tb` has them.

    They may hold that Deferred, which holds this exception: a cycle.
    """
    trace = failure.tb
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "__await__" and is_machinery(trace.tb_frame.f_code.co_filename):
            error.__traceback__ = trace.tb_next
        trace = trace.tb_next
