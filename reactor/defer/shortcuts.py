"""Deferreds that have their result already, and functions turned into Deferreds."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine
from types import CodeType, CoroutineType
from typing import Any, ParamSpec, TypeVar

from ..failure import Failure, Outcome, caught
from . import origin
from .deferred import Deferred

T = TypeVar("T")
P = ParamSpec("P")


_getframe = sys._getframe
_user_files = origin.user_files


class _Fired(Deferred[T]):
    """A Deferred that is made without `Deferred.__init__`, which costs as much as everything else in `succeed`."""

    __slots__ = ()
    __init__ = object.__init__  # type: ignore[assignment]


_Fired.__name__ = _Fired.__qualname__ = "Deferred"
_outcomes = Outcome.kinds
_last_code: CodeType | None = None


def succeed(result: T) -> Deferred[T]:
    """A Deferred that has fired with `result` already."""
    global _last_code
    if type(result) in _outcomes:
        deferred: Deferred[T] = Deferred()
        deferred.callback(result)
        return deferred
    # Awaiting something that is there already is what happens most.
    deferred = _Fired()
    deferred._state = 1
    deferred._callbacks = None
    deferred._canceller = None
    deferred.result = result
    frame = _getframe(1)
    deferred._code = code = frame.f_code
    deferred._lasti = frame.f_lasti
    if code is not _last_code:
        if code.co_filename in _user_files:
            _last_code = code
        else:
            deferred._code, deferred._lasti = origin.outside(frame)
    return deferred


def fail(result: Failure | BaseException | None = None) -> Deferred[Any]:
    """A Deferred that has failed already; None means the exception that is being handled."""
    deferred: Deferred[Any] = Deferred()
    deferred.errback(result)
    return deferred


def execute(callable: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """Call a function: its result or its exception, as a Deferred."""
    try:
        result = callable(*args, **kwargs)
    except BaseException as error:
        return fail(caught(error))
    return succeed(result)


def maybeDeferred(
    f: Callable[P, Deferred[T] | Coroutine[Any, Any, T] | T], *args: P.args, **kwargs: P.kwargs
) -> Deferred[T]:
    """Call a function that may give a result, a Deferred, a coroutine or an exception: always a Deferred."""
    try:
        result: Any = f(*args, **kwargs)
    except BaseException as error:
        return fail(caught(error))
    if isinstance(result, Outcome):
        return fail(result) if isinstance(result, Failure) else result  # type: ignore[return-value]
    if isinstance(result, CoroutineType):
        return Deferred.fromCoroutine(result)
    return succeed(result)


def passthru(arg: T) -> T:
    """A callback that leaves the result as it is."""
    return arg


def logError(err: Failure) -> Failure:
    """An errback that logs the failure and passes it on."""
    logging.getLogger("wirelab.reactor.defer").error(
        "%s", err.getErrorMessage(), exc_info=(err.type, err.value, err.tb), extra={"failure": err}
    )
    return err
