"""What goes wrong with Deferreds themselves."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..failure import Failure


class DeferError(Exception):
    """Base of the errors that are about Deferreds."""


class AlreadyCalledError(DeferError):
    """`callback` or `errback` was called on a Deferred that has its result already."""


class CancelledError(DeferError):
    """A Deferred was cancelled and had no better result to give."""


class TimeoutError(DeferError, builtins.TimeoutError):
    """A Deferred did not fire in the time `addTimeout` allowed.

    Also a builtin `TimeoutError`, as asyncio's is, so that one `except TimeoutError` catches both.
    """

    def __str__(self) -> str:
        if len(self.args) == 2 and isinstance(self.args[0], (int, float)):
            return f"{self.args[1]} did not fire within {self.args[0]:g} s"
        return str(self.args[0]) if len(self.args) == 1 else Exception.__str__(self)


class QueueOverflow(DeferError):
    """`DeferredQueue.put` was called on a queue that is full."""


class QueueUnderflow(DeferError):
    """`DeferredQueue.get` was called with as many waiting already as the queue allows."""


class NotACoroutineError(TypeError):
    """What should be driven as a coroutine is none."""


class FirstError(DeferError):
    """The first failure of several Deferreds.

    Attributes: `subFailure` is the Failure, `index` the place of its Deferred.
    """

    def __init__(self, failure: Failure, index: int) -> None:
        super().__init__(failure, index)
        self.subFailure = failure
        self.index = index

    def __repr__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure.value!r}]"

    def __str__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure}]"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FirstError):
            return (self.index, self.subFailure) == (other.index, other.subFailure)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.index, self.subFailure))


def not_a_coroutine(given: object) -> NotACoroutineError:
    """The error that says what to do instead."""
    name = getattr(given, "__name__", None)
    hint = f": call it, ensureDeferred({name}(...))" if callable(given) and name else ""
    return NotACoroutineError(f"{given!r} is not a coroutine or a Deferred{hint}")


# They are known, shown and pickled by the name people import them by.
for _public in (
    DeferError,
    AlreadyCalledError,
    CancelledError,
    TimeoutError,
    QueueOverflow,
    QueueUnderflow,
    NotACoroutineError,
    FirstError,
):
    _public.__module__ = "wirelab.reactor.defer"
