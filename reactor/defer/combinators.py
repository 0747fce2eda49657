"""Several Deferreds as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from .. import running
from ..failure import Failure, Outcome
from .awaiting import RESUMES
from .deferred import Deferred
from .errors import DeferError, FirstError
from .recording import shorten

T = TypeVar("T")

_outcomes = Outcome.kinds

SUCCESS = True
FAILURE = False


class DeferredList(Deferred[Any]):
    """Fires with a list of (success, result) when all of its Deferreds have fired."""

    fireOnOneCallback: bool
    fireOnOneErrback: bool

    def __init__(
        self,
        deferredList: Iterable[Deferred[Any]],
        fireOnOneCallback: bool = False,
        fireOnOneErrback: bool = False,
        consumeErrors: bool = False,
    ) -> None:
        super().__init__(_cancel_all)
        self._deferredList = _checked("DeferredList", deferredList)
        self.resultList: list[tuple[bool, Any] | None] = [None] * len(self._deferredList)
        self.fireOnOneCallback = fireOnOneCallback
        self.fireOnOneErrback = fireOnOneErrback
        self.consumeErrors = consumeErrors
        self.finishedCount = 0
        if not self._deferredList and not fireOnOneCallback:
            self.callback([])
        told = self._one_fired
        for index, deferred in enumerate(self._deferredList):
            deferred._wait((told, told, RESUMES, (index, deferred)))

    def _one_fired(self, which: tuple[int, Deferred[Any]], result: Any) -> Deferred[Any] | None:
        index, deferred = which
        succeeded = not (type(result) in _outcomes and isinstance(result, Failure))
        self.resultList[index] = (succeeded, result)
        self.finishedCount += 1
        if not succeeded:
            if self.consumeErrors:
                deferred.result = None
            else:
                del deferred._guard  # looking at a failure is not handling it
        if self._state not in (0, 8):
            return None
        if succeeded:
            if self.fireOnOneCallback:
                return self._settle((result, index))
        elif self.fireOnOneErrback:
            return self._settle(Failure(FirstError(result, index)))
        if self.finishedCount == len(self.resultList):
            return self._settle(self.resultList)
        return None


def _checked(who: str, given: Iterable[Deferred[Any]]) -> list[Deferred[Any]]:
    if isinstance(given, Deferred) or not isinstance(given, Iterable):
        raise TypeError(f"{who}() takes a list of Deferreds, not {shorten(given)}")
    ds = list(given)
    for d in ds:
        if not isinstance(d, Deferred):
            raise TypeError(
                f"{who}() takes Deferreds, not {shorten(d)}: "
                "wrap it, for example maybeDeferred(f) or ensureDeferred(coroutine)"
            )
    return ds


def _cancel_all(deferred: Deferred[Any]) -> None:
    assert isinstance(deferred, DeferredList)
    for one in deferred._deferredList:
        one.cancel()


def gatherResults(deferredList: Iterable[Deferred[T]], consumeErrors: bool = False) -> Deferred[list[T]]:
    """Fires with the list of the results; fails with FirstError at the first failure."""
    gathered: Deferred[Any] = DeferredList(deferredList, fireOnOneErrback=True, consumeErrors=consumeErrors)
    return gathered.addCallback(lambda results: [result for _, result in results])


class FailureGroup(DeferError):
    """All of several Deferreds failed. Attribute: `failures`, in the order in which they failed."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(failures)
        self.failures = failures

    def __str__(self) -> str:
        return f"all {len(self.failures)} failed: " + ", ".join(repr(one.value) for one in self.failures)


def race(ds: Sequence[Deferred[T]]) -> Deferred[tuple[int, T]]:
    """Fires with (index, result) of the first to succeed, and cancels the others.

    Fails with FailureGroup when all have failed. Cancelling it cancels them all.
    """
    contest = _Race(_checked("race", ds))
    return contest.begin()


class _Race:
    """Several Deferreds of which the first to succeed counts."""

    __slots__ = ("_contenders", "_failures", "_first", "_is_over")

    def __init__(self, contenders: list[Deferred[Any]]) -> None:
        self._contenders = contenders
        self._failures: list[Failure] = []
        self._is_over = False

    def begin(self) -> Deferred[Any]:
        first: Deferred[Any] = Deferred(self._cancelled)
        self._first = first
        if not self._contenders:
            raise ValueError("race() needs at least one Deferred")
        for index, contender in enumerate(list(self._contenders)):
            contender.addCallbacks(self._succeeded, self._failed, callbackArgs=(index,))
        return first

    def _succeeded(self, result: Any, index: int) -> None:
        if self._is_over:
            return
        self._is_over = True
        for number, other in enumerate(self._contenders):
            if number != index:
                other.cancel()
        self._end().callback((index, result))

    def _failed(self, failure: Failure) -> None:
        if self._is_over:
            return
        self._failures.append(failure)
        if len(self._failures) == len(self._contenders):
            self._is_over = True
            self._end().errback(FailureGroup(self._failures))

    def _end(self) -> Deferred[Any]:
        """Let go of all the Deferreds: they refer to this object, which would be a cycle."""
        first = self._first
        del self._first
        self._contenders = []
        return first

    def _cancelled(self, _: Deferred[Any]) -> None:
        for contender in list(self._contenders):
            contender.cancel()


def timeout_deferred(deferred: Deferred[T], timeout: float, clock: Any = None) -> Deferred[T]:
    """Cancel `deferred` when it has not fired within `timeout` seconds; it then fails with TimeoutError.

    `clock` None means the reactor that runs in this thread. Raises: RuntimeError when there is none.
    """
    if clock is None:
        clock = running.current()
        if clock is None:
            raise RuntimeError("timeout_deferred() needs a running reactor, or the `clock` to go by")
    return deferred.addTimeout(timeout, clock)
