"""Coroutines and generators as Deferreds: `ensureDeferred` and `inlineCallbacks`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from types import CoroutineType, GeneratorType
from typing import Any, ParamSpec, TypeVar

from .deferred import Bare, Deferred
from .driver import start
from .errors import not_a_coroutine

T = TypeVar("T")
P = ParamSpec("P")


def ensureDeferred(coro: Coroutine[Any, Any, T] | Generator[Any, Any, T] | Deferred[T]) -> Deferred[T]:
    """The Deferred of a coroutine, which starts at once; a Deferred is returned as it is."""
    if type(coro) is CoroutineType:
        return start(Bare, coro, sys._getframe(1))
    if isinstance(coro, Deferred):
        return coro
    if not isinstance(coro, (Coroutine, Generator)):
        raise not_a_coroutine(coro)
    return start(Bare, coro, sys._getframe(1))


def inlineCallbacks(f: Callable[P, Generator[Any, Any, T]]) -> Callable[P, Deferred[T]]:
    """Let a generator function wait for Deferreds by yielding them; calling it gives a Deferred."""
    if not callable(f):
        raise TypeError(f"inlineCallbacks() takes a generator function, not {f!r}")

    @wraps(f)
    def deferring(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        generator = f(*args, **kwargs)
        if type(generator) is not GeneratorType and not isinstance(generator, Generator):
            raise _not_a_generator(f, generator)
        return start(Bare, generator, sys._getframe(1))

    return deferring


def _not_a_generator(f: Callable[..., Any], given: Any) -> TypeError:
    name = getattr(f, "__name__", repr(f))
    if isinstance(given, Coroutine):
        given.close()
        return TypeError(
            f"inlineCallbacks() is for generators, and {name} is an async function: "
            f"leave the decorator out and call ensureDeferred({name}(...))"
        )
    return TypeError(
        f"inlineCallbacks() needs {name} to yield: it is no generator function, and returned {given!r}"
    )
