"""Deferred: a result that will be there later, and what is to be done with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import copy_context
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, cast

from ..failure import Failure, Outcome, caught
from . import origin, recording
from .awaiting import RESUMES, Waiting
from .driver import Driver, start
from .errors import AlreadyCalledError, CancelledError, not_a_coroutine
from .futures import FromFuture, ToFuture
from .recording import DeferredState, shorten
from .time_limit import TimeLimit
from .unhandled import Guard

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
U = TypeVar("U")

#: callback, errback, the context to call them in, and their further arguments: (args, kwargs) of either.
Entry = tuple[Any, Any, Any, Any]

# An entry that is no callback but part of the machinery has one of these in the place of its context, so
# that ordinary entries pay nothing for them. RESUMES: call `callback(extra, result)`, which returns a
# Deferred whose callbacks are to be called next, or None. WAITS: `callback` is a Deferred that waits for
# this one's result. Neither has None for `extra`, so that the ordinary entry is told by that alone.
_RESUMES: Final[Any] = RESUMES
_WAITS: Final[Any] = object()

# The states. Plain numbers in module globals: this is the hot path, and an enum costs ten times the
# comparison.
_WAITING: Final = 0  # no result yet
_FIRED: Final = 1  # has a result, and no callback left to call with it
_FAILED: Final = 2  # the same, with a Failure
_RUNNING: Final = 3  # its callbacks are being called
_CHAINED: Final = 4  # its result is another Deferred, and it waits for that one's
_PAUSED: Final = 5  # has a result, and was told to pause
_STOPPING: Final = 6  # told to pause by one of its callbacks, which is still being called
_CHAINED_HELD: Final = 7  # waits for another Deferred, and was told to pause
_HELD: Final = 8  # no result yet, and was told to pause

_NO_KEYWORDS: Final[Mapping[str, Any]] = {}

_getframe = sys._getframe

#: Deferred, Failure and their subclasses. Asking for a value's type in here is cheaper than `isinstance`,
#: which for everything else looks for a `__class__` that pretends.
_outcomes = Outcome.kinds
_user_files = origin.user_files
_last_code: CodeType | None = None


class Deferred(Outcome, Generic[T]):
    """A result that will be there later, and the functions to call with it.

    Callbacks are called in the order in which they were added, each with what the one before returned;
    after an exception, or a returned Failure, it is the errbacks that are called. A callback that returns a
    Deferred makes those after it wait for its result. Each runs in the context (`contextvars`) it was added
    in.

    `await` gives the result and leaves it in place; it works in coroutines driven by wirelab and in
    asyncio's tasks.

    `canceller(deferred)` is called by `cancel`: it stops what was to bring the result, and may fire the
    Deferred itself.

    Attributes: `called` whether it has fired, `paused` how often it was paused, `result` its present result
    (a Failure after an error), which is not there before it has fired.
    """

    # No __dict__: an attribute is read and written at a fixed offset. Slots that only some need (`_guard`,
    # `_pauses`, `_record`) are not filled when a Deferred is made.
    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_canceller",
        "_code",
        "_guard",
        "_lasti",
        "_pauses",
        "_record",
        "_state",
        "result",
    )

    result: Any
    _callbacks: Entry | list[Entry] | None  # a single one, the most frequent number, without a list around it
    _canceller: Callable[[Any], object] | Driver | None
    _code: CodeType
    _lasti: int
    _state: int
    _guard: (
        Guard | Failure
    )  # what watches over an unhandled failure, or the failure that an `await` has handled
    _pauses: int
    _record: recording.Record

    def __init__(self, canceller: Callable[[Deferred[T]], object] | None = None) -> None:
        self._state = 0
        self._callbacks = None
        if canceller is not None and not callable(canceller):
            raise TypeError(f"Deferred() takes a canceller to call, not {canceller!r}")
        self._canceller = canceller
        frame = _getframe(1)
        self._code = code = frame.f_code
        self._lasti = frame.f_lasti
        if code is not _last_code:
            self._find_origin(frame)

    def _find_origin(self, frame: FrameType) -> None:
        """Look through frames of machinery.

        The last code that is none is remembered: a loop makes many Deferreds at one place.
        """
        global _last_code
        code = frame.f_code
        if code.co_filename in _user_files:
            _last_code = code
        else:
            self._code, self._lasti = origin.outside(frame)

    @property
    def called(self) -> bool:
        """Whether it has fired."""
        return 0 < self._state < _HELD

    @property
    def paused(self) -> int:
        """How many times it is paused; waiting for another Deferred counts as one."""
        return getattr(self, "_pauses", 0) + (self._state in (_CHAINED, _CHAINED_HELD))

    # -- adding callbacks

    def addCallbacks(
        self,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None = None,
        callbackArgs: tuple[Any, ...] | None = (),
        callbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
        errbackArgs: tuple[Any, ...] | None = (),
        errbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
    ) -> Deferred[Any]:
        """Call one of the two: `callback(result, *callbackArgs, **callbackKeywords)`, or `errback` so.

        None in the place of either lets the result, or the failure, pass.
        """
        if not callable(callback) and callback is not None:
            raise _not_callable("addCallbacks", callback)
        if not callable(errback) and errback is not None:
            raise _not_callable("addCallbacks", errback)
        extra = None
        if callbackArgs or callbackKeywords or errbackArgs or errbackKeywords:
            extra = (
                callbackArgs or (),
                callbackKeywords or _NO_KEYWORDS,
                errbackArgs or (),
                errbackKeywords or _NO_KEYWORDS,
            )
        entry: Entry = (callback, errback, copy_context(), extra)
        callbacks = self._callbacks
        if callbacks is None:
            self._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            self._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        if self._state:
            self._go_on()
        return self

    def addCallback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `callback(result, *args, **kwargs)` when there is a result."""
        if not callable(callback):
            raise _not_callable("addCallback", callback)
        entry: Entry = (
            callback,
            None,
            copy_context(),
            (args, kwargs, (), _NO_KEYWORDS) if args or kwargs else None,
        )
        callbacks = self._callbacks
        if callbacks is None:
            self._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            self._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        if self._state:
            self._go_on()
        return self

    def addErrback(self, errback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `errback(failure, *args, **kwargs)` when there is a failure."""
        if not callable(errback):
            raise _not_callable("addErrback", errback)
        entry: Entry = (
            None,
            errback,
            copy_context(),
            ((), _NO_KEYWORDS, args, kwargs) if args or kwargs else None,
        )
        callbacks = self._callbacks
        if callbacks is None:
            self._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            self._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        if self._state:
            self._go_on()
        return self

    def addBoth(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call `callback(result or failure, *args, **kwargs)` in either case."""
        if not callable(callback):
            raise _not_callable("addBoth", callback)
        entry: Entry = (
            callback,
            callback,
            copy_context(),
            (args, kwargs, args, kwargs) if args or kwargs else None,
        )
        callbacks = self._callbacks
        if callbacks is None:
            self._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            self._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        if self._state:
            self._go_on()
        return self

    def chainDeferred(self, d: Deferred[Any]) -> Deferred[Any]:
        """Fire `d` with the result or failure of this Deferred, whose own result becomes None."""
        if not isinstance(d, Deferred):
            raise TypeError(
                f"chainDeferred() takes a Deferred, not {shorten(d)}: to call a function use addCallback"
            )
        self._wait((_pass_on, _pass_on, _RESUMES, (self, d)))
        return self

    def addTimeout(
        self,
        timeout: float,
        clock: Any,
        onTimeoutCancel: Callable[[Any, float], Any] | None = None,
    ) -> Deferred[Any]:
        """Cancel this Deferred when it has not fired within `timeout` seconds of `clock`, an IReactorTime.

        It then fails with TimeoutError; or `onTimeoutCancel(result, timeout)` is called with what the
        cancelling gave (as a rule a Failure of CancelledError), and what it returns or raises is the
        result.
        """
        if not hasattr(clock, "callLater"):
            raise TypeError(
                f"addTimeout() takes the clock to go by, not {clock!r}: addTimeout({timeout!r}, reactor)"
            )
        timed = TimeLimit(self, timeout, onTimeoutCancel)
        timed.call = clock.callLater(timeout, timed.expire)
        return self.addBoth(timed.finish)

    # -- firing

    def callback(self, result: T | Failure) -> None:
        """Fire with a result; a Failure as result is as good as `errback`.

        Raises: AlreadyCalledError when it has fired; TypeError for a Deferred as result.
        """
        plain: type | None = type(result)
        if self._state or plain in _outcomes:
            if not self._is_ready(result):
                return
            failed = self._state == 2
            plain = None
        else:
            self._canceller = None
            self.result = result
            callbacks: Any = self._callbacks
            if callbacks is None:
                self._state = 1
                return
            following: Deferred[Any] | None
            failed = False
            if type(callbacks) is tuple:
                # A single one is what happens most: the loop below, without the loop.
                callback, _, context, extra = callbacks
                if context is _RESUMES:
                    self._state = 3
                    try:
                        following = callback(extra, result)
                    except BaseException as error:
                        self._conclude(callbacks, caught(error))
                        return
                    if self._callbacks is not callbacks or self.result is not result:
                        self._conclude(callbacks, self.result)
                        if following is not None:
                            following._run()
                        return
                    self._callbacks = None
                    self._state = 1
                    if following is None:
                        return
                    self = following
                    failed = self._state == 2
                elif context is _WAITS:
                    if callback._state == 4 and callback._callbacks is not None:
                        self._callbacks = self.result = None
                        self._state = 1
                        callback.result = result
                        self = callback
                elif extra is None and callback is not None:
                    self._state = 3
                    try:
                        value: Any = context.run(callback, result)
                    except BaseException as error:
                        value = caught(error)
                    if type(value) not in _outcomes and self._callbacks is callbacks:
                        self._callbacks = None
                        self.result = value
                        self._state = 1
                        return
                    self._conclude(callbacks, value)
                    del self, result, callbacks, value  # see the end
                    return
        # From here on: call the callbacks of this Deferred, and of those that wait for it. One loop and a
        # list of Deferreds to come back to, instead of recursion: chains may be thousands long. It stands
        # here, and not in a method of its own, as a call less is a twentieth of it all.
        has_raised = failed
        below: list[Deferred[Any]] | None = None
        current: Deferred[Any] = self
        following = None
        while True:
            current._state = 3
            value = current.result
            callbacks = current._callbacks
            entry: Any
            for entry in (callbacks,) if type(callbacks) is tuple else callbacks:
                callback, errback, context, extra = entry
                if failed:
                    callback = errback
                if callback is None:
                    continue
                try:
                    if extra is None:
                        value = context.run(callback, value)
                    elif context is _WAITS:
                        if callback._state == 4 and callback._callbacks is not None:
                            callback.result = value
                            current.result = None
                            following = callback
                            break
                        callback._receive(value, failed)
                        value = None
                    elif context is _RESUMES:
                        if failed:
                            current._guard = value
                        following = callback(extra, value)
                        value = current.result
                        if following is not None:
                            break
                    elif failed:
                        value = context.run(callback, value, *extra[2], **extra[3])
                    else:
                        value = context.run(callback, value, *extra[0], **extra[1])
                except BaseException as error:
                    if failed and error is value.value:
                        # An errback raised again what it was given, as trap() does: the failure goes on.
                        error.__traceback__ = value.tb
                    else:
                        current.result = value = caught(error)
                        failed = has_raised = True
                    continue
                kind = type(value)
                if kind is plain or kind not in _outcomes:  # mostly one type goes all the way
                    current.result = value
                    plain = kind
                    failed = False
                    continue
                state = value._state
                if state == 1:  # what _follow would do
                    inner = value
                    current.result = value = inner.result
                    inner.result = None
                    failed = False
                elif state == -1:
                    current.result = value
                    failed = has_raised = True
                elif state == 0 and value._callbacks is None and current._state == 3:  # as well
                    value._callbacks = (current, current, _WAITS, _WAITS)
                    current.result = value
                    current._state = 4
                    break
                elif current._follow(value):
                    value = current.result
                    failed = isinstance(value, Failure)
                else:
                    break
            else:
                if current._callbacks is callbacks:
                    current._callbacks = None
                    if failed:
                        current._watch(value)
                    else:
                        current._state = 1
                    entry = None
            # Here when all was called, a callback paused this Deferred or made it wait, or another is to be
            # run first.
            if entry is not None:
                if entry is current._callbacks:  # what _leave would do
                    current._callbacks = None
                    if current._state == _STOPPING:
                        current._state = _PAUSED
                    elif current._state == 3:
                        if context is _RESUMES and isinstance(value, Failure):
                            current._watch(value)
                        else:
                            current._state = 1
                elif current._state == 4 and callbacks[0] is entry and len(callbacks) == 2:
                    current._callbacks = callbacks[1]
                else:
                    below = current._leave(entry, below)
            if following is None:
                if below is None:
                    if has_raised:
                        break
                    return
                while below:
                    following = below.pop()
                    if following._state == 3:
                        break
                    following._state = _PAUSED  # while it waited for those that waited for it
                else:
                    break
                failed = isinstance(following.result, Failure)
            elif context is _RESUMES:
                failed = isinstance(following.result, Failure)
            has_raised = has_raised or failed
            current = following
            following = None
        # The frames of what was raised refer to this one, which must not refer to the Failure: a cycle.
        following = None
        del self, current, value, callbacks, entry, callback, extra, result

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with a failure; None means the exception that is being handled.

        Raises: AlreadyCalledError when it has fired; NoCurrentExceptionError when None means nothing.
        """
        if fail is None:
            fail = Failure()
        elif not isinstance(fail, Failure):
            if not isinstance(fail, BaseException):
                raise TypeError(
                    f"errback() takes an exception or a Failure, not {shorten(fail)}: "
                    "wrap it, for example errback(ValueError('...'))"
                )
            fail = Failure(fail)
        if self._state and self._state != _HELD:
            self._fired_again("errback")
            return
        self._canceller = None
        self.result = fail
        if self._state:
            self._state = _PAUSED
        elif self._callbacks is None:
            self._watch(fail)
        else:
            self._state = 2
            self._run()

    def cancel(self) -> None:
        """Give up waiting: call the canceller, and fail with CancelledError unless that fired the Deferred.

        One that waits for another Deferred cancels that one; one that has its result is left alone. The
        Deferred of a coroutine cancels what the coroutine waits for, and fires when the coroutine has
        ended.
        """
        waited: Deferred[Any] = self
        seen = set()
        while True:  # a loop, no recursion: the chain may be thousands long
            while waited._state in (_CHAINED, _CHAINED_HELD) and id(waited) not in seen:
                seen.add(id(waited))
                waited = waited.result
            if waited.called:
                return
            canceller = waited._canceller
            if not isinstance(canceller, Driver):
                break
            instead = canceller.cancel()
            if instead is None:
                return
            if type(instead).cancel is not Deferred.cancel:  # a Future, or of a class with its own way
                instead.cancel()
                return
            waited = cast("Deferred[Any]", instead)
        if canceller is not None:
            canceller(waited)
            if waited.called:
                return
        waited.errback(Failure(CancelledError()))
        if canceller is None:
            waited._canceller = _swallow  # nobody told the firer to stop: it may still fire, once

    def pause(self) -> None:
        """Call no more callbacks until `unpause` was called as often as this."""
        self._pauses = getattr(self, "_pauses", 0) + 1
        state = self._state
        if state == _WAITING:
            self._state = _HELD
        elif state == _CHAINED:
            self._state = _CHAINED_HELD
        elif state == _RUNNING:
            self._state = _STOPPING
            callbacks = self._callbacks
            if type(callbacks) is list:
                # The loop walks over this very list: emptied, it ends after the callback that called us.
                self._callbacks = callbacks.copy()
                callbacks.clear()
            elif callbacks is not None:
                self._callbacks = [callbacks]  # type: ignore[list-item]  # a tuple, as it is no list
        elif state in (_FIRED, _FAILED):
            self._state = _PAUSED

    def unpause(self) -> None:
        """Undo one `pause`; after the last, go on. Raises: RuntimeError without a `pause`."""
        pauses = getattr(self, "_pauses", 0)
        if not pauses:
            raise RuntimeError(f"unpause() without a pause() before: {self!r}")
        self._pauses = pauses - 1
        if pauses > 1:
            return
        state = self._state
        if state == _HELD:
            self._state = _WAITING
        elif state == _CHAINED_HELD:
            self._state = _CHAINED
        elif state == _STOPPING:
            self._state = _RUNNING
        else:
            failed = isinstance(self.result, Failure)
            self._state = _FAILED if failed else _FIRED
            if self._callbacks is not None:
                self._run()
            elif failed:
                self._watch(self.result)

    # -- coroutines

    def __await__(self) -> Generator[Any, Any, T]:
        state = self._state
        if state == 1:
            return self.result  # type: ignore[no-any-return]  # typing.cast would cost a call
        if state == 2:
            failure = self._handled()
            try:
                raise failure.value.with_traceback(failure.tb)
            finally:
                del self, failure  # this frame is part of the traceback now, and would make a cycle
        waiting = Waiting()
        waiting.deferred = self
        result = yield waiting
        if result is None:  # asyncio's tasks send None whatever the result
            result = getattr(waiting, "outcome", None)
            if isinstance(result, Failure):
                try:
                    raise result.value.with_traceback(result.tb)
                finally:
                    del self, waiting, result
        return cast(T, result)

    __iter__ = __await__

    @staticmethod
    def fromCoroutine(coro: Coroutine[Any, Any, U] | Generator[Any, Any, U]) -> Deferred[U]:
        """The Deferred of a coroutine or generator, which starts at once. Raises: NotACoroutineError."""
        if not isinstance(coro, (Coroutine, Generator)):
            raise not_a_coroutine(coro)
        return start(Bare, coro, _getframe(1))

    def asFuture(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[T]:
        """An asyncio Future of `loop` with this result; the Deferred's own becomes None.

        Cancelling the Future cancels the Deferred.
        """
        if not hasattr(loop, "create_future"):
            raise TypeError(f"asFuture() takes an asyncio loop, not {loop!r}: asyncio.get_running_loop()")
        future: asyncio.Future[T] = loop.create_future()
        bridge = ToFuture(self, future)
        future.add_done_callback(bridge.cancelled)
        self.addCallbacks(bridge.succeeded, bridge.failed)
        return future

    @staticmethod
    def fromFuture(future: asyncio.Future[U]) -> Deferred[U]:
        """A Deferred with the result of an asyncio Future; cancelling it cancels the Future."""
        if not hasattr(future, "add_done_callback"):
            raise TypeError(
                f"fromFuture() takes an asyncio Future or Task, not {future!r}: for a coroutine there is "
                "ensureDeferred()"
            )
        bridge = FromFuture(future)
        deferred: Deferred[U] = Deferred(bridge.cancel)
        bridge.deferred = deferred
        future.add_done_callback(bridge.done)
        return deferred

    # -- running the callbacks

    def _run(self) -> None:
        """Call the callbacks of this Deferred, which has fired and has some."""
        _fire(self, _GO_ON)

    def _is_ready(self, result: Any) -> bool:
        """Whether `callback` has callbacks to call now; all that is rare about firing."""
        if result is _GO_ON:
            return True
        if type(result) in _outcomes and not isinstance(result, Failure):
            raise TypeError(
                "callback() takes the result itself, not a Deferred: call other.chainDeferred(this), "
                "or return the other Deferred from a callback"
            )
        if self._state and self._state != _HELD:
            self._fired_again("callback")
            return False
        self._canceller = None
        self.result = result
        failed = isinstance(result, Failure)
        if self._state:
            self._state = _PAUSED
        elif self._callbacks is not None:
            self._state = 2 if failed else 1
            return True
        elif failed:
            self._watch(result)
        else:
            self._state = 1
        return False

    def _conclude(self, entry: Entry, value: Any) -> None:
        """The only callback gave no plain value, or changed this Deferred: what is left to do."""
        if type(value) in _outcomes and not isinstance(value, Failure):
            self._follow(value)
        else:
            self.result = value
        if self._leave(entry, None):
            self._state = 2 if isinstance(self.result, Failure) else 1
            self._run()

    def _go_on(self) -> None:
        """A callback was added after the Deferred had fired: call it, if it is the time."""
        if self._state == 1:
            self._run()
        elif self._state == 2:
            self._disarm()
            self._run()

    def _settle(self, result: Any) -> Deferred[T] | None:
        """Take the result of what this Deferred waited for: another one, or its coroutine.

        Returns this Deferred when its callbacks are to be called now, else None.
        """
        self._canceller = None
        if type(result) in _outcomes:
            if not isinstance(result, Failure):
                if not self._follow(result):
                    return None
                result = self.result
            failed = isinstance(result, Failure)
        else:
            failed = False
        self.result = result
        if self._state > 4:
            self._state = _PAUSED
        elif self._callbacks is not None:
            self._state = 2 if failed else 1
            return self
        elif failed:
            self._watch(result)
        else:
            self._state = 1
        return None

    def _receive(self, result: Any, failed: bool) -> None:
        """Take the result of the Deferred that this one waited for; it has no callbacks to call now."""
        self.result = result
        if self._state != _CHAINED:
            self._state = _PAUSED
        elif failed:
            self._watch(result)
        else:
            self._state = 1

    def _follow(self, inner: Deferred[Any]) -> bool:
        """Take over the result of a Deferred that a callback returned; False when it is not there yet."""
        state = inner._state
        if state == 1:
            self.result = inner.result
            inner.result = None
            return True
        if state == 2:
            self.result = inner.result
            inner._disarm()
            inner.result = None
            inner._state = 1
            return True
        if inner is self:
            self.result = Failure(
                TypeError(
                    "a callback returned the Deferred that it is a callback of, which can never fire so"
                )
            )
            return True
        self._state = _CHAINED if self._state in (_WAITING, _RUNNING, _CHAINED) else _CHAINED_HELD
        self.result = inner
        entry: Entry = (self, self, _WAITS, _WAITS)
        callbacks = inner._callbacks
        if callbacks is None:
            inner._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            inner._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        return False

    def _leave(self, entry: Entry, below: list[Deferred[Any]] | None) -> list[Deferred[Any]] | None:
        """The loop goes elsewhere, or stops, after `entry`.

        Returns `below`, with this one when there is more to call.
        """
        callbacks = cast("list[Entry]", self._callbacks)
        if self._callbacks is entry or callbacks[-1] is entry:
            self._callbacks = None
        elif callbacks[0] is entry:
            del callbacks[0]
        else:
            called = 1
            for one in callbacks:
                if one is entry:
                    break
                called += 1
            del callbacks[:called]
        if self._state == _STOPPING:
            self._state = _PAUSED
        elif self._state == _RUNNING:
            if self._callbacks is not None:
                if below is None:
                    return [self]
                below.append(self)
            elif isinstance(self.result, Failure):
                self._watch(self.result)
            else:
                self._state = 1
        return below

    # -- those who wait, and failures for which nobody does

    def _wait(self, entry: Entry) -> None:
        """Resume a coroutine, or wake a task, when there is a result."""
        callbacks = self._callbacks
        if callbacks is None:
            self._callbacks = entry
        elif type(callbacks) is list:
            callbacks.append(entry)
        else:
            self._callbacks = [callbacks, entry]  # type: ignore[list-item]  # a tuple, as it is no list
        if self._state:
            self._go_on()

    def _handled(self) -> Failure:
        """The failure, which somebody takes over, so that it need not be told; it stays here."""
        failure: Failure = self.result
        self._disarm()
        self._guard = failure
        return failure

    def _disarm(self) -> None:
        guard = getattr(self, "_guard", None)
        if type(guard) is Guard:
            guard.disarm()
            del self._guard

    def _watch(self, failure: Failure) -> None:
        """All callbacks were called and a failure is left: have it told, unless it was handled or told."""
        self._state = _FAILED
        if failure._was_told or getattr(self, "_guard", None) is failure:
            return
        self._disarm()
        context = self._record.context if hasattr(self, "_record") else None
        fired = origin.outside(_getframe(1))
        made = (self._code, self._lasti) if hasattr(self, "_code") else fired
        self._guard = Guard(failure, made, fired, context)

    def _fired_again(self, method: str) -> None:
        """`callback` or `errback` was called a second time. Raises: AlreadyCalledError."""
        if self._canceller is _swallow:
            self._canceller = None
            return
        raise AlreadyCalledError(
            f"{method}() on a Deferred that was fired already{recording.firer(self)}: {self!r}"
        )

    # -- looking at it

    def describe(self) -> DeferredState:
        """What this Deferred is at this moment, for a display."""
        return recording.describe(self)

    def __repr__(self) -> str:
        return recording.line(self)


# What goes on with a Deferred that a subclass gives another `callback`, too.
_GO_ON: Final[Any] = object()
_fire = Deferred.callback


class Bare(Deferred[T]):
    """A Deferred made without `Deferred.__init__`, by those who fill in the slots themselves."""

    __slots__ = ()
    __init__ = object.__init__


Bare.__name__ = Bare.__qualname__ = "Deferred"


def _pass_on(chain: tuple[Deferred[Any], Deferred[Any]], result: Any) -> Deferred[Any] | None:
    """Fire the second of a chain with the result of the first."""
    first, second = chain
    first.result = None
    if second._state in (_WAITING, _HELD):
        return second._settle(result)
    second._fired_again("errback" if isinstance(result, Failure) else "callback")
    return None


def _swallow(_: object) -> NoReturn:
    """Stands in the place of the canceller of a Deferred that was cancelled without one.

    It is never called.
    """
    raise AssertionError("a fired Deferred has no canceller")


def _not_callable(method: str, given: object) -> TypeError:
    hint = ""
    if isinstance(given, Deferred):
        hint = ": to pass the result on to another Deferred call chainDeferred(other)"
    return TypeError(f"{method}() takes a function, not {shorten(given)}{hint}")
