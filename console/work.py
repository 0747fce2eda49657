"""`thread` and `sleep`: work that goes on elsewhere, and time that passes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..reactor.defer import Deferred
from ..reactor.threads import deferToThreadPool
from .errors import LocalCallError, shortened
from .factories import function_name
from .waiting import Wait, checked_seconds

if TYPE_CHECKING:
    from .session import Session


def thread(
    session: Session, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Deferred[Any]:
    """What the verb does; see `Verbs.thread`."""
    if inspect.iscoroutine(function) or inspect.iscoroutinefunction(function):
        if inspect.iscoroutine(function):
            function.close()
        raise LocalCallError("thread() is for functions that block; an async one needs no thread: await it")
    if not callable(function):
        raise LocalCallError(
            f"thread() takes the function and its arguments, thread(f, x), not {shortened(function)}"
        )
    reactor = session.reactor
    job = deferToThreadPool(reactor, reactor.getThreadPool(), function, *args, **kwargs)
    wait: Wait[Any] = Wait(f"thread {function_name(function)}", lambda _: job.cancel())
    session.track(wait)
    job.addCallbacks(wait.callback, wait.errback)
    return wait


def sleep(session: Session, seconds: object) -> Deferred[None]:
    """What the verb does; see `Verbs.sleep`."""
    delay = checked_seconds("sleep()", "seconds", seconds)
    wait: Wait[None] = Wait(f"sleep {delay:g} s", lambda _: call.cancel() if call.active() else None)
    session.track(wait)
    call = session.reactor.callLater(delay, wait.callback, None)
    return wait
