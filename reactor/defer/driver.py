"""Drives one coroutine or generator from Deferred to Deferred, in the one context it was started in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from .. import running
from ..failure import Failure, Outcome, caught
from .awaiting import Waiting
from .errors import CancelledError

if TYPE_CHECKING:
    import asyncio

    from .deferred import Deferred

Driven = Coroutine[Any, Any, Any] | Generator[Any, Any, Any]


class Driver:
    """A coroutine on its way, and the Deferred that waits for its end."""

    __slots__ = ("_context", "_coroutine", "_deferred", "_is_cancelling", "_waits_for")

    def __init__(self, coroutine: Driven, deferred: Deferred[Any], context: Context) -> None:
        self._coroutine = coroutine
        self._deferred = deferred
        self._context = context
        self._waits_for: Deferred[Any] | asyncio.Future[Any] | None = None
        self._is_cancelling = False

    def resume(self, result: object) -> Deferred[Any] | None:
        """Go on with `result`. The Deferred of the whole coroutine, when that has ended and is ready to run on."""
        return self._context.run(self._advance, result)

    def cancel(self) -> None:
        """Cancel what the coroutine waits for; when it runs right now, what it waits for next."""
        if self._waits_for is None:
            self._is_cancelling = True
        else:
            self._waits_for.cancel()

    def _advance(self, result: Any) -> Deferred[Any] | None:
        coroutine = self._coroutine
        self._waits_for = None
        while True:
            thrown: Failure | None = None
            try:
                if isinstance(result, Failure):
                    thrown = result
                    yielded = coroutine.throw(result.value.with_traceback(result.tb))
                else:
                    yielded = coroutine.send(result)
            except StopIteration as stop:
                result = stop.value
                break
            except BaseException as error:
                result = caught(error)
                break
            finally:
                if thrown is not None:
                    # The frames of the coroutine leave the exception again: they may hold the Deferred that holds
                    # the exception, which would be a cycle. A Failure made just above has them in its `tb`.
                    thrown.value.__traceback__ = thrown.tb
            waited: Deferred[Any]
            if type(yielded) is Waiting:
                waited = yielded.deferred
            elif isinstance(yielded, Outcome) and not isinstance(yielded, Failure):
                waited = yielded  # type: ignore[assignment]  # the only other Outcome is a Deferred
                if waited.called and not waited.paused and not waited._is_running:
                    result = waited._taken()
                    continue
            else:
                result, waits = self._foreign(yielded)
                if waits:
                    return None
                continue
            waited._wait(self)
            self._waits_for = waited
            if self._is_cancelling:
                self._is_cancelling = False
                waited.cancel()
            return None
        return self._finish(result)

    def _finish(self, result: Any) -> Deferred[Any] | None:
        deferred = self._deferred
        del self._deferred, self._coroutine
        return deferred._settle(result)

    # -- what is not ours

    def _foreign(self, yielded: Any) -> tuple[Any, bool]:
        """Deal with a yielded thing that is no Deferred: what to send back, and whether to wait first."""
        is_generator = isinstance(self._coroutine, GeneratorType)
        if isinstance(yielded, CoroutineType):
            waited = self._deferred.fromCoroutine(yielded)
            if waited.called and not waited.paused:
                return waited._taken(), False
            waited._wait(self)
            self._waits_for = waited
            return None, True
        if getattr(type(yielded), "_asyncio_future_blocking", None) is not None:
            self._wait_for_future(yielded)
            return None, True
        if is_generator:
            return yielded, False
        if yielded is None:
            return None, self._wait_a_turn()
        return Failure(
            TypeError(
                f"a coroutine driven by wirelab can await Deferreds, coroutines and asyncio futures, not {yielded!r}"
            )
        ), False

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
        """Go on in the next turn of the loop that runs here; False when none does, and there is nothing to wait for."""
        asyncio = sys.modules.get("asyncio")
        loop = None if asyncio is None else asyncio._get_running_loop()
        soon: Callable[[Callable[[], object]], object]
        if loop is not None:
            soon = loop.call_soon
        else:
            reactor = running.current()
            if reactor is None:
                return False

            def soon(call: Callable[[], object]) -> object:
                return reactor.callLater(0, call)

        soon(self._turn)
        return True

    def _turn(self) -> None:
        if self._is_cancelling:
            self._is_cancelling = False
            self._go_on(Failure(CancelledError()))
        else:
            self._go_on(None)

    def _go_on(self, result: Any) -> None:
        ended = self.resume(result)
        if ended is not None:
            ended._run()


def start(coroutine: Driven, deferred: Deferred[Any]) -> None:
    """Run `coroutine` to its first wait, in a copy of the current context; `deferred` fires when it ends."""
    context = copy_context()
    driver = Driver(coroutine, deferred, context)
    deferred._canceller = driver
    ended = context.run(driver._advance, None)
    if ended is not None:
        ended._run()
