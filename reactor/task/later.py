"""A Deferred that fires when some time has passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..defer import Deferred, maybeDeferred


def deferLater(
    clock: Any, delay: float, callable: Callable[..., Any] | None = None, *args: Any, **kw: Any
) -> Deferred[Any]:
    """A Deferred that fires `delay` seconds from now with the result of ``callable(*args, **kw)``.

    `clock` is a reactor or a `Clock`. Without `callable` the result is None. What `callable` raises becomes
    the failure; a Deferred or coroutine that it gives is waited for. Cancelling the Deferred before its time
    cancels the call.
    """
    if callable is not None and not hasattr(callable, "__call__"):  # noqa: B004 - `callable` is the parameter here
        raise TypeError(f"deferLater() takes something to call after the delay, not {callable!r}")
    if not hasattr(clock, "callLater"):
        raise TypeError(
            f"deferLater() takes the clock to go by first, not {clock!r}: deferLater(reactor, 1, f)"
        )
    deferred: Deferred[Any] = Deferred(lambda _: call.cancel())
    call = clock.callLater(delay, deferred.callback, None)
    if callable is None:
        return deferred
    return deferred.addCallback(lambda _: maybeDeferred(callable, *args, **kw))
