"""The time limit on one Deferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..failure import Failure
from .errors import CancelledError, TimeoutError

if TYPE_CHECKING:
    from .deferred import Deferred


class TimeLimit:
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
