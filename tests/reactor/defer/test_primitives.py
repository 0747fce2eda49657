"""DeferredLock, DeferredSemaphore and DeferredQueue."""

from __future__ import annotations

from typing import Any

import pytest

from wirelab.reactor import defer
from wirelab.reactor.defer import Deferred, DeferredLock, DeferredQueue, DeferredSemaphore, ensureDeferred
from wirelab.reactor.failure import Failure


def outcome(d: Deferred[Any]) -> list[Any]:
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


@pytest.fixture(params=["lock", "semaphore"])
def turns(request: pytest.FixtureRequest) -> Any:
    return DeferredLock() if request.param == "lock" else DeferredSemaphore(1)


def test_acquire_gives_itself_at_once_when_free(turns: Any) -> None:
    assert outcome(turns.acquire()) == [turns]


def test_the_next_waits_for_the_release_in_order(turns: Any) -> None:
    turns.acquire()
    first, second = outcome(turns.acquire()), outcome(turns.acquire())
    assert len(turns.waiting) == 2
    turns.release()
    assert (first, second) == ([turns], [])
    turns.release()
    assert (first, second) == ([turns], [turns])
    turns.release()


def test_cancelled_wait_gives_up_its_place(turns: Any) -> None:
    turns.acquire()
    first, second = turns.acquire(), turns.acquire()
    first.cancel()
    assert isinstance(outcome(first)[0], defer.CancelledError)
    turns.release()
    assert outcome(second) == [turns]


def test_release_of_what_nobody_holds_is_refused(turns: Any) -> None:
    with pytest.raises(AssertionError, match=r"release\(\) of a Deferred"):
        turns.release()


def test_run_holds_it_until_the_function_is_done(turns: Any) -> None:
    working: Deferred[str] = Deferred()
    first = outcome(turns.run(lambda a, b: working, 1, b=2))
    second = outcome(turns.run(lambda: "second"))
    assert not first
    assert not second
    working.callback("first")
    assert (first, second) == (["first"], ["second"])
    assert not turns.waiting
    turns.acquire()


def test_run_releases_when_the_function_fails(turns: Any) -> None:
    assert isinstance(outcome(turns.run(lambda: 1 / 0))[0], ZeroDivisionError)
    assert outcome(turns.acquire()) == [turns]


def test_run_takes_async_functions(turns: Any) -> None:
    async def work() -> str:
        return "done"

    assert outcome(turns.run(work)) == ["done"]


def test_async_with_holds_and_releases(turns: Any) -> None:
    inside: Deferred[None] = Deferred()

    async def work() -> None:
        async with turns as held:
            assert held is turns
            await inside
            raise ValueError

    working = ensureDeferred(work())
    waiting = outcome(turns.acquire())
    assert not waiting
    inside.callback(None)
    assert isinstance(outcome(working)[0], ValueError)
    assert waiting == [turns]


def test_many_that_wait_and_release_at_once_do_not_recurse() -> None:
    lock = DeferredLock()
    lock.acquire()
    done: list[int] = []
    for number in range(10_000):
        lock.run(done.append, number)
    lock.release()
    assert done == list(range(10_000))


def test_locked_tells_whether_somebody_has_it() -> None:
    lock = DeferredLock()
    assert not lock.locked
    lock.acquire()
    assert lock.locked
    lock.release()
    assert not lock.locked


def test_semaphore_has_so_many_turns() -> None:
    semaphore = DeferredSemaphore(2)
    semaphore.acquire()
    semaphore.acquire()
    assert (semaphore.tokens, semaphore.limit) == (0, 2)
    assert not semaphore.acquire().called


@pytest.mark.parametrize("tokens", [0, -1])
def test_semaphore_needs_a_token(tokens: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1 token, not {tokens}"):
        DeferredSemaphore(tokens)


def test_queue_keeps_objects_for_takers() -> None:
    queue: DeferredQueue[int] = DeferredQueue()
    queue.put(1)
    queue.put(2)
    assert list(queue.pending) == [1, 2]
    assert outcome(queue.get()) + outcome(queue.get()) == [1, 2]


def test_queue_keeps_takers_for_objects() -> None:
    queue: DeferredQueue[int] = DeferredQueue()
    first, second = outcome(queue.get()), outcome(queue.get())
    queue.put(1)
    assert (first, second) == ([1], [])
    queue.put(2)
    assert second == [2]


def test_cancelled_taker_gives_up_its_place() -> None:
    queue: DeferredQueue[int] = DeferredQueue()
    first, second = queue.get(), queue.get()
    first.cancel()
    assert isinstance(outcome(first)[0], defer.CancelledError)
    queue.put(1)
    assert outcome(second) == [1]


def test_queue_has_limits() -> None:
    queue: DeferredQueue[int] = DeferredQueue(size=1, backlog=1)
    queue.put(1)
    with pytest.raises(defer.QueueOverflow, match="holds 1 objects, its size limit"):
        queue.put(2)
    assert outcome(queue.get()) == [1]
    queue.get()
    with pytest.raises(defer.QueueUnderflow, match="1 wait already, its backlog limit"):
        queue.get()


def test_queue_without_room_passes_objects_to_those_who_wait() -> None:
    queue: DeferredQueue[int] = DeferredQueue(size=0)
    taken = outcome(queue.get())
    queue.put(1)
    assert taken == [1]
    with pytest.raises(defer.QueueOverflow):
        queue.put(2)
