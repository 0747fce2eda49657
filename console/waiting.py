"""Deferreds that say what they wait for, and that may stop waiting after a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeVar

from ..reactor import running
from ..reactor.defer import Deferred
from ..reactor.failure import Failure
from .errors import LocalCallError, LocalTimeoutError, shortened

T = TypeVar("T")


class Clock(Protocol):
    """What gives time: a reactor, or a test's clock."""

    def callLater(self, delay: float, callable: Callable[..., object], /, *args: Any, **kw: Any) -> Any:
        """Call `callable` after `delay` seconds."""


class Wait(Deferred[T]):
    """A Deferred of a verb, or of a conversation.

    `what` says in a few words what it waits for; displays and `jobs` show it.
    """

    __slots__ = ("_is_dropped", "what")

    def __init__(self, what: str, canceller: Callable[[Deferred[T]], object] | None = None) -> None:
        super().__init__(canceller)
        self.what = what
        self._is_dropped = False

    def drop(self) -> None:
        """Do not fire any more, unless cancelled: what would fire it is going away, and nobody asks."""
        self._is_dropped = True

    def cancel(self) -> None:
        """Give up waiting."""
        self._is_dropped = False  # a task that waits for it must hear that
        super().cancel()

    def callback(self, result: T | Failure) -> None:
        """Fire with a result, unless it was dropped."""
        if not self._is_dropped:
            super().callback(result)

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with a failure, unless it was dropped."""
        if not self._is_dropped:
            super().errback(fail)

    def stop_after(self, timeout: float | None, clock: Clock | None, text: Callable[[], str]) -> Wait[T]:
        """Fail with LocalTimeoutError, saying `text()`, unless it fires within `timeout` seconds.

        None waits for ever. `clock` is by default the reactor that runs. Answers itself.
        """
        if timeout is None:
            return self

        def too_late(result: object, _seconds: float) -> NoReturn:
            raise LocalTimeoutError(text()) from None

        self.addTimeout(timeout, clock or running.current(), too_late)
        return self


class Done(Wait[None]):
    """What a call that acts at once gives, for those who want to wait until it is done.

    It may be left alone: a failure that nobody asked for is not told, and the prompt does not show it.
    """

    __slots__ = ()

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with a failure."""
        is_left_alone = not self.describe().chain
        super().errback(fail)
        if is_left_alone:
            take(self)


def take(deferred: Deferred[Any]) -> None:
    """Have the failure of `deferred` not be told as unhandled; it stays, as after `await`."""
    failure = deferred.result
    if isinstance(failure, Failure):
        try:
            next(deferred.__await__())
        except BaseException:  # that very failure
            failure.value.__traceback__ = failure.tb  # without the frame of this function


def what_of(deferred: Deferred[Any]) -> str:
    """What `deferred` waits for, where it was told; else empty."""
    return deferred.what if isinstance(deferred, Wait) else ""


def checked_seconds(call: str, name: str, value: object) -> float:
    """`value` as a number of seconds, 0 or more.

    Raises LocalCallError for anything else; the text names the right call.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    raise LocalCallError(f"{call}: {name} is a number of seconds, 0 or more, not {shortened(value)}")


def checked_timeout(call: str, value: object) -> float | None:
    """`value` as the seconds of a `timeout=`, None for no limit. Raises LocalCallError."""
    return None if value is None else checked_seconds(call, "timeout", value)
