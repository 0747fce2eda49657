"""Deferreds that have their result already, and functions turned into Deferreds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar

from ..failure import Failure, Outcome, caught
from .deferred import Deferred

T = TypeVar("T")
P = ParamSpec("P")


def succeed(result: T) -> Deferred[T]:
    """A Deferred that has fired with `result` already."""
    deferred: Deferred[T] = Deferred()
    deferred.callback(result)
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
