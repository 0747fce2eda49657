"""What `await deferred` yields: as much of an asyncio Future as a Task looks at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

from ..failure import Failure
from .errors import CancelledError

if TYPE_CHECKING:
    import asyncio

    from .deferred import Deferred


#: In the place of an entry's context: the entry is no callback, but a coroutine or task to be resumed.
RESUMES: Final[Any] = object()


class Waiting:
    """One wait of one coroutine for one Deferred.

    An asyncio Task (in C or Python, on any loop) recognises it by `_asyncio_future_blocking` and uses
    `get_loop`, `add_done_callback`, `cancel` and `result`. Our own driver recognises it by its class and
    uses `deferred`.
    """

    __slots__ = ("_callbacks", "_is_cancelled", "_is_done", "_loop", "deferred", "outcome")

    # Whoever makes one fills in `deferred`: an __init__ would double the cost. The rest is filled in when a
    # Task asks; our own driver, the common case, never does.
    deferred: Deferred[Any]
    outcome: Any
    _callbacks: list[tuple[Callable[[Any], object], Context | None]]
    _is_cancelled: bool
    _is_done: bool
    _loop: asyncio.AbstractEventLoop

    @property
    def _asyncio_future_blocking(self) -> bool:
        return True

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, blocking: bool) -> None:
        # A Task clears the mark to notice a coroutine that yields a Future without `await`. This object is
        # only ever yielded from `await`.
        pass

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The asyncio loop that runs now, which is the one of the Task that asks."""
        self._loop = sys.modules["asyncio"].get_running_loop()
        self.outcome = None
        self._callbacks = []
        self._is_cancelled = self._is_done = False
        return self._loop

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Have the loop call `fn(self)` soon after the Deferred has fired."""
        self._callbacks.append((fn, context))
        if len(self._callbacks) == 1:
            self.deferred._wait((Waiting._wake, Waiting._wake, RESUMES, self))
        elif self._is_done:
            self._tell()

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """Forget `fn`; how many times it was there."""
        before = len(self._callbacks)
        self._callbacks = [entry for entry in self._callbacks if entry[0] != fn]
        return before - len(self._callbacks)

    def cancel(self, msg: object = None) -> bool:
        """Cancel the Deferred; the Task learns of it once the Deferred has finished its cleaning up."""
        if self._is_done:
            return False
        self._is_cancelled = True
        self.deferred.cancel()
        return True

    def done(self) -> bool:
        """Whether the Deferred has fired."""
        return self._is_done

    def cancelled(self) -> bool:
        """Whether the Task gave up waiting."""
        return self._is_cancelled and self._is_done

    def result(self) -> object:
        """The result of the Deferred. Raises: its failure, or asyncio's CancelledError after `cancel`."""
        if self._is_cancelled:
            raise sys.modules["asyncio"].CancelledError
        outcome = self.outcome
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome

    def exception(self) -> BaseException | None:
        """The failure of the Deferred, or None."""
        return self.outcome.value if isinstance(self.outcome, Failure) else None

    def _wake(self, result: Any) -> None:
        """The Deferred has fired: wake the Task."""
        if (
            self._is_cancelled
            and isinstance(result, Failure)
            and not isinstance(result.value, CancelledError)
        ):
            # The Task will see a cancellation, not this: it stays unhandled, to be told.
            del self.deferred._guard
        self.outcome = result
        self._is_done = True
        self._tell()

    def _tell(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for fn, context in callbacks:
            self._loop.call_soon(fn, self, context=context)


def ours(failure: Failure) -> Failure:
    """The failure as it is, but CancelledError for asyncio's: in our world a cancelling has one name."""
    asyncio = sys.modules.get("asyncio")  # when nobody imported it, it is not its exception
    if asyncio is None or not issubclass(failure.type, asyncio.CancelledError):
        return failure
    cancelled = CancelledError(*failure.value.args)
    cancelled.__cause__ = failure.value
    return Failure(cancelled, exc_tb=failure.tb)
