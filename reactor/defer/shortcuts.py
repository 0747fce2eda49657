"""Deferreds that have their result already, and functions turned into Deferreds."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar

from ..failure import Failure, Outcome, caught
from . import recording
from .deferred import Bare, Deferred
from .driver import start

T = TypeVar("T")
P = ParamSpec("P")


_outcomes = Outcome.kinds


def succeed(result: T) -> Deferred[T]:
    """A Deferred that has fired with `result` already."""
    if type(result) in _outcomes or recording.is_on:
        deferred: Deferred[T] = Deferred()
        deferred.callback(result)
        return deferred
    # What the above does at a third of its cost: to be awaited at once is what happens to it most. It has no
    # origin: it can only fail in a callback, and then where that was added says as much.
    deferred = Bare()
    deferred._state = 1
    deferred._callbacks = None
    deferred._canceller = None
    deferred.result = result
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
        return start(Bare, result, sys._getframe(1))
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
