"""Threads as a source of Deferreds, and the ways between them and the reactor's thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from queue import SimpleQueue
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar

from . import running
from .defer import Deferred, maybeDeferred
from .failure import Failure
from .job import Job
from .proxy import reactor as default_reactor
from .threadpool import ThreadPool

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

__all__ = [
    "Job",
    "ThreadPool",
    "blockingCallFromThread",
    "callMultipleInThread",
    "deferToThread",
    "deferToThreadPool",
    "isInIOThread",
]


class _Arrivals:
    """Results on their way from the threads of one pool to one reactor.

    However many arrive before the reactor looks, it is woken once.
    """

    __slots__ = ("_arrived", "_is_told", "reactor")

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self._arrived: deque[_Ticket] = deque()
        self._is_told = False

    def add(self, ticket: _Ticket) -> None:
        """Take in a ticket that has its result. For any thread."""
        self._arrived.append(ticket)
        if not self._is_told:
            self._tell()

    def _tell(self) -> None:
        self._is_told = True
        # In an empty context: what comes of one job's result must not run in the context of another's.
        Context().run(self.reactor.callFromThread, self._hand_out)

    def _hand_out(self) -> None:
        """Fire the Deferreds; in the reactor's thread."""
        self._is_told = False  # before looking, so that what arrives after the look is told again
        arrived = self._arrived
        try:
            for _ in range(len(arrived)):
                arrived.popleft().fire()
        except BaseException:  # an interrupt of one callback is no reason to forget the other results
            self._tell()
            raise


class _Ticket:
    """Ties one job to its Deferred: the job's `onResult`, the Deferred's canceller."""

    __slots__ = ("_arrivals", "_is_success", "_result", "deferred", "job")

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._is_success = False
        self._result: Any = None
        self.deferred: Deferred[Any] | None = None
        self.job: Job | None = None

    def __call__(self, is_success: bool, result: Any) -> None:
        if is_success and isinstance(result, (Deferred, CoroutineType)):
            is_success, result = False, Failure(_misplaced(result))
        self._is_success = is_success
        self._result = result
        self._arrivals.add(self)

    def fire(self) -> None:
        deferred, self.deferred, self.job = self.deferred, None, None
        result, self._result = self._result, None
        if deferred is not None and not deferred.called:
            if self._is_success:
                deferred.callback(result)
            else:
                deferred.errback(result)
        elif not self._is_success:
            log.info("a job that was cancelled while it ran raised %r", result.value)

    def cancel(self, _: Deferred[Any]) -> None:
        if self.job is not None and self.job.cancel():
            self.job = self.deferred = None

    def hand_in(
        self,
        deferred: Deferred[T],
        threadpool: ThreadPool,
        f: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Deferred[T]:
        """Have `threadpool` do the job, for `deferred`."""
        self.deferred = deferred
        try:
            self.job = threadpool.callInThreadWithCallback(self, f, *args, **kwargs)
        except RuntimeError:
            self.deferred = None
            deferred.errback(Failure())
        return deferred


def _misplaced(result: Deferred[Any] | CoroutineType[Any, Any, Any]) -> TypeError:
    """What to say when a job gave something that only the reactor's thread can wait for."""
    if isinstance(result, CoroutineType):
        result.close()  # it would warn that it was never awaited
        return TypeError(
            f"{result.__qualname__} is an async function, which is for the reactor's thread: "
            "await it there, without deferToThread()"
        )
    return TypeError(
        "a function in a thread gave a Deferred, which is for the reactor's thread: "
        "call the function there, or let the thread wait with blockingCallFromThread(reactor, f, ...)"
    )


def deferToThreadPool(
    reactor: Any, threadpool: ThreadPool, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> Deferred[T]:
    """A Deferred of what ``f(*args, **kwargs)`` gives or raises in a thread of `threadpool`.

    It fires in the thread of `reactor`. `f` runs in a copy of the caller's context. Cancelling takes a job
    that queues out of the queue; one that runs goes on, and its result is dropped.
    """
    ticket = _Ticket(_arrivals_for(reactor, threadpool))
    # Made here and not in the ticket: the fewer frames lie between, the cheaper it is to note where the user
    # asked for it.
    deferred: Deferred[T] = Deferred(ticket.cancel)
    return ticket.hand_in(deferred, threadpool, f, args, kwargs)


def _arrivals_for(reactor: Any, threadpool: ThreadPool) -> _Arrivals:
    """Where results of `threadpool` for `reactor` meet; the pool remembers it, as most serve one reactor."""
    arrivals = threadpool.arrivals
    if not isinstance(arrivals, _Arrivals) or arrivals.reactor is not reactor:
        arrivals = threadpool.arrivals = _Arrivals(reactor)
    return arrivals


def deferToThread(f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """A Deferred of what ``f(*args, **kwargs)`` gives or raises in a thread of the reactor's pool.

    As `deferToThreadPool`, with the reactor that runs here.
    """
    reactor = _here()
    threadpool = reactor.getThreadPool()
    ticket = _Ticket(_arrivals_for(reactor, threadpool))
    deferred: Deferred[T] = Deferred(ticket.cancel)
    return ticket.hand_in(deferred, threadpool, f, args, kwargs)


def _here() -> Any:
    """The reactor that runs in this thread, or else the default one."""
    current = running.current()
    return default_reactor if current is None else current


def callMultipleInThread(
    tupleList: Iterable[tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]],
) -> None:
    """Make all calls of `tupleList`, (function, args, kwargs) each, one after the other in one thread.

    One that raises is logged and ends the series.
    """
    calls = list(tupleList)

    def call_all() -> None:
        for f, args, kwargs in calls:
            f(*args, **kwargs)

    _here().callInThread(call_all)


def isInIOThread() -> bool:
    """Whether a reactor runs in the calling thread."""
    return running.current() is not None


def blockingCallFromThread(reactor: Any, f: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
    """Call ``f(*args, **kwargs)`` in the thread of `reactor`, and wait for what it gives or raises.

    A Deferred or coroutine that it gives is waited for, without holding up the reactor. Whatever
    interrupts the waiting cancels it, and so does the reactor's shut-down.

    Raises: what `f` raised; `CancelledError` when the reactor shuts down first; RuntimeError in the reactor's
    own thread, which would wait for itself.
    """
    if running.current() is not None:
        raise RuntimeError(
            "blockingCallFromThread() would wait for itself: a reactor runs in this very thread; "
            "call the function and use its Deferred: await f(...), or f(...).addCallback(...)"
        )
    results: SimpleQueue[Any] = SimpleQueue()
    under_way: list[Deferred[Any]] = []

    def call() -> None:
        deferred: Deferred[Any] = maybeDeferred(f, *args, **kwargs)
        under_way.append(deferred)
        deferred.addBoth(results.put)
        if results.empty():
            _cancel_at_shutdown(reactor, deferred)

    def give_up() -> None:
        for deferred in under_way:
            deferred.cancel()

    reactor.callFromThread(call)
    try:
        result = results.get()
    except BaseException:
        reactor.callFromThread(give_up)
        raise
    if isinstance(result, Failure):
        result.raiseException()
    return result


def _cancel_at_shutdown(reactor: Any, deferred: Deferred[Any]) -> None:
    """Cancel `deferred` when `reactor` shuts down first: what it waits for would not come any more."""
    add = getattr(reactor, "addSystemEventTrigger", None)
    if add is None:
        return  # only IReactorFromThreads was asked for
    trigger = add("during", "shutdown", deferred.cancel)

    def remove(_: object) -> None:
        try:
            reactor.removeSystemEventTrigger(trigger)
        except ValueError:
            pass  # it was this trigger that ended the wait

    deferred.addBoth(remove)
