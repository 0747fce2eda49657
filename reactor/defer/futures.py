"""Between a Deferred and an asyncio Future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..failure import Failure, caught
from .awaiting import ours

if TYPE_CHECKING:
    import asyncio

    from .deferred import Deferred


class ToFuture:
    """Gives the result of a Deferred to a Future, and a cancelling of the Future to the Deferred."""

    __slots__ = ("deferred", "future")

    def __init__(self, deferred: Deferred[Any], future: asyncio.Future[Any]) -> None:
        self.deferred = deferred
        self.future = future

    def succeeded(self, result: Any) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def failed(self, failure: Failure) -> None:
        if not self.future.done():
            self.future.set_exception(failure.value)

    def cancelled(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self.deferred.cancel()


class FromFuture:
    """Gives the result of a Future to a Deferred, and a cancelling of the Deferred to the Future."""

    __slots__ = ("deferred", "future")

    deferred: Deferred[Any]

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future

    def cancel(self, deferred: Deferred[Any]) -> None:
        self.future.cancel()

    def done(self, future: asyncio.Future[Any]) -> None:
        deferred = self.deferred
        del self.deferred  # it refers to this object: no cycle is left
        try:
            result = future.result()
        except BaseException as error:
            result = ours(caught(error))
        if not deferred.called:
            deferred.callback(result)
