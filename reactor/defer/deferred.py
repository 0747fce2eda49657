"""Deferred: a result that will be there later, and what is to be done with it."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import Context, copy_context
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from ..failure import Failure, Outcome, caught
from . import origin
from .awaiting import Waiting
from .driver import Driver, start
from .errors import AlreadyCalledError, CancelledError, TimeoutError
from .recording import DeferredState
from .unhandled import Guard

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
U = TypeVar("U")

Extra = tuple[tuple[Any, ...], Mapping[str, Any]]
Entry = tuple[Any, "Extra | None", Any, "Extra | None", "Context | None"]

# In the place of an entry's context these say that the entry is no callback but a Deferred
# that waits for this one's result, or a coroutine (or a Task) to be woken with it.
_CHAINED: Final[Any] = object()
_RESUMES: Final[Any] = object()

_NOTHING: Final[Mapping[str, Any]] = {}

_shorten = reprlib.Repr()
_shorten.maxstring = _shorten.maxother = 60


class Deferred(Outcome, Generic[T]):
    """A result that will be there later."""

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_canceller",
        "_code",
        "_guard",
        "_is_running",
        "_lasti",
        "_swallows_next",
        "called",
        "paused",
        "result",
    )

    result: Any

    def __init__(self, canceller: Callable[[Deferred[T]], object] | None = None) -> None:
        self.called = False
        self.paused = 0
        self._canceller: Callable[[Any], object] | Driver | None = canceller
        self._callbacks: list[Entry] = []
        self._is_running = False
        self._swallows_next = False
        self._guard: Guard | Failure | None = None
        frame = sys._getframe(1)
        code = frame.f_code
        if origin._known.get(code.co_filename) is False:
            self._code: CodeType = code
            self._lasti: int = frame.f_lasti
        else:
            self._code, self._lasti = origin.outside(frame)

    # -- adding callbacks

    def addCallbacks(
        self,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None = None,
        callbackArgs: tuple[Any, ...] = (),
        callbackKeywords: Mapping[str, Any] = _NOTHING,
        errbackArgs: tuple[Any, ...] = (),
        errbackKeywords: Mapping[str, Any] = _NOTHING,
    ) -> Deferred[Any]:
        """Call `callback` with the result, or `errback` with the Failure."""
        if callback is not None and not callable(callback):
            raise _not_callable("addCallbacks", callback)
        if errback is not None and not callable(errback):
            raise _not_callable("addCallbacks", errback)
        context = copy_context()
        self._callbacks.append(
            (
                callback,
                (callbackArgs, callbackKeywords) if callbackArgs or callbackKeywords else None,
                errback,
                (errbackArgs, errbackKeywords) if errbackArgs or errbackKeywords else None,
                context if context else None,
            )
        )
        if self.called:
            self._run()
        return self

    def addCallback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `callback(result, *args, **kwargs)` when there is a result."""
        if not callable(callback):
            raise _not_callable("addCallback", callback)
        context = copy_context()
        self._callbacks.append(
            (callback, (args, kwargs) if args or kwargs else None, None, None, context if context else None)
        )
        if self.called:
            self._run()
        return self

    def addErrback(self, errback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `errback(failure, *args, **kwargs)` when there is a failure."""
        if not callable(errback):
            raise _not_callable("addErrback", errback)
        context = copy_context()
        self._callbacks.append(
            (None, None, errback, (args, kwargs) if args or kwargs else None, context if context else None)
        )
        if self.called:
            self._run()
        return self

    def addBoth(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `callback(result or failure, *args, **kwargs)` in either case."""
        if not callable(callback):
            raise _not_callable("addBoth", callback)
        context = copy_context()
        extra = (args, kwargs) if args or kwargs else None
        self._callbacks.append((callback, extra, callback, extra, context if context else None))
        if self.called:
            self._run()
        return self

    def chainDeferred(self, d: Deferred[Any]) -> Deferred[None]:
        """Fire `d` with the result or failure of this Deferred, whose own result becomes None."""
        return self.addCallbacks(d.callback, d.errback)

    def addTimeout(
        self,
        timeout: float,
        clock: Any,
        onTimeoutCancel: Callable[[Any, float], Any] | None = None,
    ) -> Deferred[Any]:
        """Cancel this Deferred when it has not fired within `timeout` seconds of `clock`."""
        timed = _Timeout(self, timeout, onTimeoutCancel)
        timed.call = clock.callLater(timeout, timed.expire)
        return self.addBoth(timed.finish)

    # -- firing

    def callback(self, result: T | Failure) -> None:
        """Fire with a result."""
        if self.called:
            if self._swallows_next:
                self._swallows_next = False
                return
            raise self._already_called("callback")
        if isinstance(result, Outcome) and not isinstance(result, Failure):
            raise TypeError(
                "callback() takes the result itself, not a Deferred: chain them, for example "
                "other.chainDeferred(this), or return the Deferred from a callback"
            )
        self.called = True
        self.result = result
        self._canceller = None
        self._run()

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with a failure; None means the exception that is being handled."""
        if fail is None:
            fail = Failure()
        elif not isinstance(fail, Failure):
            if not isinstance(fail, BaseException):
                raise TypeError(
                    f"errback() takes an exception or a Failure, not {_shorten.repr(fail)}: "
                    "for example errback(ValueError('...'))"
                )
            fail = Failure(fail)
        if self.called:
            if self._swallows_next:
                self._swallows_next = False
                return
            raise self._already_called("errback")
        self.called = True
        self.result = fail
        self._canceller = None
        self._run()

    def cancel(self) -> None:
        """Give up waiting."""
        if not self.called:
            canceller = self._canceller
            if type(canceller) is Driver:
                canceller.cancel()  # fires this Deferred when the coroutine has ended
                return
            if canceller is not None:
                canceller(self)
            else:
                self._swallows_next = True
            if not self.called:
                self.errback(Failure(CancelledError()))
        elif isinstance(self.result, Deferred):
            self.result.cancel()

    def pause(self) -> None:
        """Stop running callbacks until `unpause`."""
        self.paused += 1

    def unpause(self) -> None:
        """Undo one `pause`."""
        self.paused -= 1
        if self.paused <= 0 and self.called:
            self._run()

    # -- coroutines

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.called or self.paused or self._is_running:
            waiting = Waiting(self)
            result = yield waiting
            if result is None:
                result = getattr(waiting, "outcome", None)
        else:
            result = self.result
        if isinstance(result, Failure):
            self._taken()
            result.raiseException()
        return cast(T, result)

    __iter__ = __await__

    @staticmethod
    def fromCoroutine(coro: Coroutine[Any, Any, U] | Generator[Any, Any, U]) -> Deferred[U]:
        """The Deferred of a coroutine, which starts at once."""
        deferred: Deferred[U] = Deferred()
        start(coro, deferred)
        return deferred

    def asFuture(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        """An asyncio Future with this Deferred's result; the Deferred's own becomes None."""
        future: asyncio.Future[T] = loop.create_future()

        def cancelled(future: asyncio.Future[T]) -> None:
            if future.cancelled():
                self.cancel()

        def succeeded(result: T) -> None:
            if not future.done():
                future.set_result(result)

        def failed(failure: Failure) -> None:
            if not future.done():
                future.set_exception(failure.value)

        future.add_done_callback(cancelled)
        self.addCallbacks(succeeded, failed)
        return future

    @classmethod
    def fromFuture(cls, future: asyncio.Future[U]) -> Deferred[U]:
        """A Deferred that fires with the result of `future`; cancelling it cancels the future."""

        def cancel(deferred: Deferred[U]) -> None:
            future.cancel()

        deferred: Deferred[U] = Deferred(cancel)

        def done(future: asyncio.Future[U]) -> None:
            if deferred.called:
                return
            try:
                result = future.result()
            except BaseException:
                deferred.errback()
            else:
                deferred.callback(result)

        future.add_done_callback(done)
        return deferred

    # -- running the callbacks

    def _wait(self, waiter: Driver | Waiting) -> None:
        """Resume `waiter` with the result when there is one."""
        self._callbacks.append((waiter, None, waiter, None, _RESUMES))
        if self.called:
            self._run()

    def _taken(self) -> Any:
        """The result, which its taker handles if it is a Failure; it stays here."""
        result = self.result
        if isinstance(result, Failure):
            self._disarm()
            self._guard = result
        return result

    def _settle(self, result: Any) -> Deferred[T] | None:
        """The coroutine of this Deferred has ended. This Deferred when its callbacks are to be run now."""
        if self.called:
            return None
        self.called = True
        self._canceller = None
        if isinstance(result, Outcome) and not isinstance(result, Failure):
            self._callbacks.insert(0, (lambda _, inner=result: inner, None, None, None, None))
            result = None
        self.result = result
        return self

    def _disarm(self) -> None:
        guard = self._guard
        if type(guard) is Guard:
            guard.disarm()
        self._guard = None

    def _run(self) -> None:
        if self._is_running or self.paused:
            return
        is_foreign = bool(copy_context())
        below: list[Deferred[Any]] = []
        current: Deferred[Any] = self
        while True:
            current._is_running = True
            result = current.result
            failed = isinstance(result, Failure)
            following: Deferred[Any] | None = None
            waits = False
            entries = iter(current._callbacks)
            for callback, extra, errback, errextra, context in entries:
                if failed:
                    callback = errback
                    extra = errextra
                if callback is None:
                    continue
                try:
                    if context is None:
                        if is_foreign:
                            context = Context()
                            if extra is None:
                                result = context.run(callback, result)
                            else:
                                result = context.run(callback, result, *extra[0], **extra[1])
                        elif extra is None:
                            result = callback(result)
                        else:
                            result = callback(result, *extra[0], **extra[1])
                    elif context is _RESUMES:
                        if failed:
                            current._disarm()
                            current._guard = result
                        following = callback.resume(result)
                        if following is None or following.paused or following._is_running:
                            following = None
                            continue
                        break
                    elif context is _CHAINED:
                        callback.result = result
                        callback.paused -= 1
                        if failed:
                            current._disarm()
                        current.result = result = None
                        failed = False
                        if callback.paused or callback._is_running:
                            continue
                        following = callback
                        break
                    elif extra is None:
                        result = context.run(callback, result)
                    else:
                        result = context.run(callback, result, *extra[0], **extra[1])
                except BaseException as error:
                    result = caught(error)
                    if failed:
                        current._disarm()
                    failed = True
                    current.result = result
                    continue
                if failed and current._guard is not None:
                    current._disarm()
                if isinstance(result, Outcome):
                    if isinstance(result, Failure):
                        failed = True
                    else:
                        waits = current._follow(result)
                        if waits:
                            break
                        result = current.result
                        failed = isinstance(result, Failure)
                else:
                    failed = False
                current.result = result
                if current.paused:
                    break
            current._callbacks = [*entries]
            current._is_running = False
            if failed and not waits and not current._callbacks and current._guard is not result:
                if following is None:
                    current._disarm()
                    current._guard = Guard(result, current._code, current._lasti, None)
            if following is not None:
                if current._callbacks:
                    below.append(current)
                current = following
            else:
                while below:
                    current = below.pop()
                    if not current.paused and not current._is_running:
                        break
                else:
                    return

    def _follow(self, inner: Any) -> bool:
        """Take over the result of a Deferred that a callback returned; True when it is not there yet."""
        if inner is self:
            self.result = Failure(TypeError("a callback returned the very Deferred it was called by"))
            return False
        if inner.called and not inner.paused and not inner._is_running:
            self.result = inner.result
            inner._disarm()
            inner.result = None
            return False
        self.paused += 1
        self.result = inner
        inner._callbacks.append((self, None, self, None, _CHAINED))
        return True

    def _already_called(self, method: str) -> AlreadyCalledError:
        return AlreadyCalledError(f"{method}() on a Deferred that has its result already: {self!r}")

    def describe(self) -> DeferredState:
        """What this Deferred is at this moment, for a display."""
        return DeferredState(
            "fired" if self.called else "waiting", None, origin.place(self._code, self._lasti), None, (), None
        )

    def __repr__(self) -> str:
        made = origin.place(self._code, self._lasti)
        if not self.called:
            state = "waiting"
        elif isinstance(self.result, Deferred):
            state = "waiting for another Deferred"
        else:
            state = f"fired with {_shorten.repr(self.result)}"
        return f"<Deferred {state}, made at {made}>"


class _Timeout:
    """The clock on one Deferred."""

    __slots__ = ("call", "deferred", "has_expired", "on_cancel", "seconds")

    call: Any

    def __init__(
        self, deferred: Deferred[Any], seconds: float, on_cancel: Callable[[Any, float], Any] | None
    ) -> None:
        self.deferred = deferred
        self.seconds = seconds
        self.on_cancel = on_cancel
        self.has_expired = False

    def expire(self) -> None:
        self.has_expired = True
        self.deferred.cancel()

    def finish(self, result: Any) -> Any:
        del self.deferred
        if not self.has_expired:
            if self.call.active():
                self.call.cancel()
            return result
        if self.on_cancel is not None:
            return self.on_cancel(result, self.seconds)
        if isinstance(result, Failure):
            result.trap(CancelledError)
            raise TimeoutError(self.seconds, "Deferred")
        return result


def _not_callable(method: str, given: object) -> TypeError:
    hint = ""
    if isinstance(given, Deferred):
        hint = ": to pass the result on to another Deferred call chainDeferred(other)"
    return TypeError(f"{method}() takes a function, not {_shorten.repr(given)}{hint}")
