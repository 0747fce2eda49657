"""Nothing keeps anything alive: with the cyclic collector off, all is gone when the last name is."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from wirelab.reactor import defer
from wirelab.reactor.defer import Deferred, ensureDeferred, inlineCallbacks
from wirelab.reactor.failure import Failure


@pytest.fixture(autouse=True)
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Clock:
    """Time for one call."""

    def callLater(self, delay: float, function: Callable[[], None]) -> Clock:
        self.function: Callable[[], None] | None = function
        return self

    def active(self) -> bool:
        return self.function is not None

    def cancel(self) -> None:
        self.function = None

    def advance(self) -> None:
        function, self.function = self.function, None
        assert function is not None
        function()


class Error(Exception):
    pass


def boom(_: object) -> None:
    raise Error("boom")


def forget(failure: Failure) -> None:
    return None


def fire() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(lambda x: x).addErrback(forget).addBoth(lambda x: x)
    d.callback(1)


def raise_and_handle() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(boom).addErrback(forget)
    d.callback(1)


def raise_and_look() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(boom)
    d.callback(1)
    d.result.getTraceback()
    d.addErrback(forget)


def raise_and_pass_on() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(boom)
    d.addErrback(lambda failure: failure.trap(KeyError))
    d.addErrback(lambda failure: failure.raiseException())
    d.addErrback(forget)
    d.callback(1)


def raise_and_raise_another() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(boom)
    d.addErrback(lambda failure: 1 / 0)
    d.addErrback(forget)
    d.callback(1)


def errback() -> None:
    d: Deferred[int] = Deferred()
    try:
        raise Error
    except Error:
        d.errback()
    d.addErrback(lambda failure: failure.trap(Error))


def chain_fired() -> None:
    defer.succeed(1).addCallback(lambda _: defer.succeed(2))


def chain_waiting() -> None:
    inner: Deferred[int] = Deferred()
    outer = defer.succeed(1).addCallback(lambda _: inner)
    outer.addCallback(lambda x: x)
    inner.callback(1)


def chain_failing() -> None:
    inner: Deferred[int] = Deferred()
    inner.addCallback(boom)
    outer = defer.succeed(1).addCallback(lambda _: inner)
    outer.addErrback(forget)
    inner.callback(1)


def chainDeferred() -> None:
    first, second = Deferred[int](), Deferred[int]()
    first.chainDeferred(second)
    first.callback(1)


def cancelled() -> None:
    d: Deferred[int] = Deferred(lambda d: None)
    d.addErrback(forget)
    d.cancel()


def cancelled_by_its_canceller() -> None:
    d: Deferred[int] = Deferred()
    waiting = [d]
    d._canceller = lambda d: waiting.remove(d)
    d.addErrback(forget)
    d.cancel()


def timed_out() -> None:
    clock = Clock()
    d: Deferred[int] = Deferred()
    d.addTimeout(1, clock)
    d.addErrback(forget)
    clock.advance()


def fired_in_time() -> None:
    clock = Clock()
    d: Deferred[int] = Deferred()
    d.addTimeout(1, clock)
    d.callback(1)


async def awaiting(d: Deferred[Any]) -> Any:
    return await d


@inlineCallbacks
def yielding(d: Deferred[Any]) -> Generator[Any, Any, Any]:
    result = yield d
    return result


def awaits_fired() -> None:
    ensureDeferred(awaiting(defer.succeed(1)))


def awaits_later() -> None:
    d: Deferred[int] = Deferred()
    e = ensureDeferred(awaiting(d))
    d.callback(1)
    e.addCallback(lambda x: x)


def awaits_failed() -> None:
    ensureDeferred(awaiting(defer.fail(Error()))).addErrback(forget)


def awaits_failing_later() -> None:
    d: Deferred[int] = Deferred()
    e = ensureDeferred(awaiting(d))
    d.errback(Error())
    e.addErrback(forget)


def awaits_raising_later() -> None:
    # A frame that raises refers to those that called it. When such a frame has a name for the Deferred, which
    # keeps the awaited failure, that is a cycle which only that frame's owner could break.
    made: list[Deferred[int]] = [Deferred()]
    made[0].addCallback(boom)
    e = ensureDeferred(awaiting(made[0]))
    made.pop().callback(1)
    e.addErrback(forget)


def awaits_and_catches() -> None:
    async def catching(d: Deferred[Any]) -> None:
        try:
            await d
        except Error:
            pass
        await defer.succeed(1)

    d: Deferred[int] = Deferred()
    ensureDeferred(catching(d))
    d.errback(Error())


def awaits_failed_and_catches() -> None:
    async def catching() -> None:
        try:
            await defer.fail(Error())
        except Error:
            pass

    ensureDeferred(catching())


def awaits_and_raises_another() -> None:
    async def raising(d: Deferred[Any]) -> None:
        try:
            await d
        except Error as error:
            raise ValueError from error

    d: Deferred[int] = Deferred()
    e = ensureDeferred(raising(d))
    d.errback(Error())
    e.addErrback(forget)


def awaits_a_local_one() -> None:
    async def run() -> None:
        d: Deferred[int] = Deferred()
        made.append(d)
        await d

    made: list[Deferred[int]] = []
    e = ensureDeferred(run())
    made.pop().errback(Error())
    e.addErrback(forget)


def awaits_a_local_failed_one() -> None:
    async def run() -> None:
        d = defer.fail(Error())
        await d

    ensureDeferred(run()).addErrback(forget)


def awaits_through_several() -> None:
    async def raising(d: Deferred[int]) -> None:
        await d
        raise Error

    made: list[Deferred[int]] = [Deferred()]
    e = ensureDeferred(awaiting(yielding(ensureDeferred(raising(made[0])))))
    e.addErrback(forget)
    made.pop().callback(1)


def awaits_one_that_raised() -> None:
    async def raising() -> None:
        raise Error

    ensureDeferred(awaiting(ensureDeferred(raising()))).addErrback(forget)


def coroutine_raises() -> None:
    async def raising() -> None:
        raise Error

    ensureDeferred(raising()).addErrback(forget)


def coroutine_cancelled() -> None:
    d = ensureDeferred(awaiting(Deferred()))
    d.addErrback(forget)
    d.cancel()


def yields_later() -> None:
    d: Deferred[int] = Deferred()
    yielding(d)
    d.callback(1)


def yields_failing() -> None:
    d: Deferred[int] = Deferred()
    e = yielding(d)
    d.errback(Error())
    e.addErrback(forget)


def yields_and_raises() -> None:
    @inlineCallbacks
    def raising() -> Generator[Any, Any, None]:
        d = defer.succeed(1)
        yield d
        raise Error

    raising().addErrback(forget)


def yields_cancelled() -> None:
    d = yielding(Deferred())
    d.addErrback(forget)
    d.cancel()


def gathers() -> None:
    ds: list[Deferred[int]] = [Deferred() for _ in range(3)]
    defer.gatherResults(ds)
    for d in ds:
        d.callback(1)


def gathers_failing() -> None:
    ds: list[Deferred[int]] = [Deferred() for _ in range(3)]
    gathered = defer.gatherResults(ds, consumeErrors=True)
    gathered.addErrback(forget)
    for d in ds:
        d.errback(Error())


def races() -> None:
    ds: list[Deferred[int]] = [Deferred() for _ in range(3)]
    defer.race(ds)
    ds[1].callback(1)


def locks() -> None:
    lock = defer.DeferredLock()
    lock.run(lambda: None)
    waiting = lock.acquire()
    lock.release()
    waiting.addCallback(lambda _: None)


def queues() -> None:
    queue: defer.DeferredQueue[int] = defer.DeferredQueue()
    taken = queue.get()
    queue.put(1)
    taken.addCallback(lambda _: None)
    queue.get().addErrback(forget).cancel()


SCENARIOS = [
    fire,
    raise_and_handle,
    raise_and_look,
    raise_and_pass_on,
    raise_and_raise_another,
    errback,
    chain_fired,
    chain_waiting,
    chain_failing,
    chainDeferred,
    cancelled,
    cancelled_by_its_canceller,
    timed_out,
    fired_in_time,
    awaits_fired,
    awaits_later,
    awaits_failed,
    awaits_failing_later,
    awaits_raising_later,
    awaits_and_catches,
    awaits_failed_and_catches,
    awaits_and_raises_another,
    awaits_a_local_one,
    awaits_a_local_failed_one,
    awaits_through_several,
    awaits_one_that_raised,
    coroutine_raises,
    coroutine_cancelled,
    yields_later,
    yields_failing,
    yields_and_raises,
    yields_cancelled,
    gathers,
    gathers_failing,
    races,
    locks,
    queues,
]


@pytest.mark.parametrize("debugging", [False, True])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_cycle_is_left(scenario: Callable[[], None], debugging: bool) -> None:
    scenario()  # fills caches
    before = count()
    defer.setDebugging(debugging)
    try:
        for _ in range(20):
            scenario()
    finally:
        defer.setDebugging(False)
    left = count() - before
    assert not [name for name, number in left.items() if number >= 20]


def count() -> Counter[str]:
    """How many objects of each class there are. A test before may have left some

    the log's records are not ours.
    """
    things = gc.get_objects()
    return Counter(type(thing).__name__ for thing in things if not isinstance(thing, logging.LogRecord))


def test_what_a_fired_deferred_called_is_let_go_at_once() -> None:
    class Callback:
        def __call__(self, result: object) -> object:
            return result

    callback = Callback()
    gone = weakref.ref(callback)
    d: Deferred[int] = Deferred(callback)
    d.addCallback(callback)
    d.callback(1)
    del callback
    assert gone() is None


def test_awaited_in_a_task_and_gone() -> None:
    async def main() -> None:
        d: Deferred[int] = Deferred()
        gone = weakref.ref(d)
        asyncio.get_running_loop().call_soon(d.callback, 1)
        await d
        del d
        await asyncio.sleep(0)
        assert gone() is None

    asyncio.run(main())
