"""Coroutines and generators as Deferreds: ensureDeferred, fromCoroutine, inlineCallbacks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Generator
from typing import Any

import pytest

from wirelab.reactor import defer, running
from wirelab.reactor.defer import Deferred, ensureDeferred, inlineCallbacks
from wirelab.reactor.failure import Failure

MANY = 10_000


def outcome(d: Deferred[Any]) -> list[Any]:
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


async def awaiting(d: Any) -> Any:
    return await d


@inlineCallbacks
def yielding(d: Any) -> Generator[Any, Any, Any]:
    result = yield d
    return result


def awaited(d: Any) -> Deferred[Any]:
    return ensureDeferred(awaiting(d))


WAITS = pytest.mark.parametrize("wait", [awaited, yielding], ids=["await", "yield"])
Wait = Callable[[Any], Deferred[Any]]


@WAITS
def test_result_of_a_fired_deferred(wait: Wait) -> None:
    assert outcome(wait(defer.succeed(3))) == [3]


@WAITS
def test_result_of_a_deferred_that_fires_later(wait: Wait) -> None:
    for result in (3, None):
        d: Deferred[Any] = Deferred()
        found = outcome(wait(d))
        assert not found
        d.callback(result)
        assert found == [result]


@WAITS
@pytest.mark.parametrize("later", [False, True])
def test_failure_is_raised_and_handled(wait: Wait, later: bool) -> None:
    error = ValueError("x")
    d: Deferred[Any] = Deferred()
    if not later:
        d.errback(error)
    found = outcome(wait(d))
    if later:
        d.errback(error)
    assert found == [error]


@WAITS
def test_waiting_leaves_the_result_in_place(wait: Wait) -> None:
    early, late = defer.succeed(3), Deferred[int]()
    first, second = wait(late), wait(late)
    late.callback(4)
    assert outcome(wait(early)) + outcome(wait(early)) == [3, 3]
    assert outcome(first) + outcome(second) + outcome(wait(late)) == [4, 4, 4]
    assert early.result == 3
    assert late.result == 4


@WAITS
def test_failure_may_be_awaited_twice(wait: Wait) -> None:
    error = ValueError()
    d = defer.fail(error)
    assert outcome(wait(d)) + outcome(wait(d)) == [error, error]


@WAITS
def test_waits_for_a_paused_deferred(wait: Wait) -> None:
    d = defer.succeed(3)
    d.pause()
    found = outcome(wait(d))
    assert not found
    d.unpause()
    assert found == [3]


@WAITS
def test_waits_for_the_end_of_a_chain(wait: Wait) -> None:
    inner: Deferred[int] = Deferred()
    d = defer.succeed(0).addCallback(lambda _: inner).addCallback(lambda x: x + 1)
    found = outcome(wait(d))
    inner.callback(1)
    assert found == [2]


@WAITS
def test_waits_for_a_deferred_that_runs_its_callbacks(wait: Wait) -> None:
    d: Deferred[Any] = Deferred()
    found: list[list[Any]] = []
    d.addCallback(lambda x: found.append(outcome(wait(d))) or x + 1)
    d.callback(1)
    assert found == [[2]]


@WAITS
def test_callbacks_added_after_the_wait_run_after_it(wait: Wait) -> None:
    d: Deferred[int] = Deferred()
    found = outcome(wait(d))
    d.addCallback(lambda x: x * 100)
    d.callback(1)
    assert found == [1]
    assert d.result == 100


@WAITS
def test_many_fired_deferreds_do_not_recurse(wait: Wait) -> None:
    async def awaits() -> int:
        return sum([await defer.succeed(1) for _ in range(MANY)])

    @inlineCallbacks
    def yields() -> Generator[Any, Any, int]:
        total = 0
        for _ in range(MANY):
            total += yield defer.succeed(1)
        return total

    assert outcome(ensureDeferred(awaits()) if wait is awaited else yields()) == [MANY]


@WAITS
@pytest.mark.parametrize("fails", [False, True])
def test_many_coroutines_each_waiting_for_the_one_before_do_not_recurse(wait: Wait, fails: bool) -> None:
    innermost: Deferred[Any] = Deferred()
    d = innermost
    for _ in range(MANY // 10 if fails else MANY):  # a traceback gets a line at every level
        d = wait(d)
    error = ValueError()
    if fails:
        innermost.errback(error)
    else:
        innermost.callback(3)
    assert outcome(d) == [error if fails else 3]


@pytest.mark.parametrize("waiters", [1, 2])
def test_coroutine_may_add_callbacks_to_what_it_waited_for(waiters: int) -> None:
    d: Deferred[Any] = Deferred()
    order: list[str] = []

    async def run() -> None:
        await d
        d.addCallback(lambda _: order.append("added"))
        order.append("coroutine")

    for _ in range(waiters):
        ensureDeferred(run()).addCallback(lambda _: order.append("end"))
    d.callback(1)
    assert sorted(order) == sorted(["coroutine", "added", "end"] * waiters)
    assert order.index("coroutine") < order.index("added")


@pytest.mark.parametrize("waiters", [1, 2])
def test_coroutine_may_pause_what_it_waited_for(waiters: int) -> None:
    d: Deferred[Any] = Deferred()
    order: list[str] = []

    async def run() -> None:
        await d
        d.pause()

    for _ in range(waiters):
        ensureDeferred(run()).addCallback(lambda _: order.append("end"))
    d.addCallback(lambda _: order.append("after"))
    d.callback(1)
    assert order == ["end"]
    for _ in range(waiters):
        d.unpause()
    assert order == ["end"] * waiters + ["after"]


def test_coroutine_starts_at_once() -> None:
    started: list[int] = []

    async def start() -> None:
        started.append(1)

    ensureDeferred(start())
    assert started == [1]


def test_exceptions_are_caught_inside() -> None:
    async def catching(d: Deferred[Any]) -> str:
        try:
            await d
        except ValueError as error:
            return f"caught {error}"
        return "nothing"

    d: Deferred[Any] = Deferred()
    found = outcome(ensureDeferred(catching(d)))
    d.errback(ValueError("x"))
    assert found == ["caught x"]
    assert outcome(ensureDeferred(catching(defer.fail(ValueError("y"))))) == ["caught y"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_every_exception_becomes_the_failure(error: BaseException) -> None:
    async def raising() -> None:
        raise error

    assert outcome(ensureDeferred(raising())) == [error]


def test_raised_failure_is_the_exception_it_carries() -> None:
    error = ValueError("inside")

    async def raising() -> None:
        raise Failure(error)

    assert outcome(ensureDeferred(raising())) == [error]


@pytest.mark.parametrize("returned", ["fired", "failed", "later", "failure"])
def test_returned_deferred_or_failure_is_the_outcome(returned: str) -> None:
    error = ValueError()
    later: Deferred[str] = Deferred()
    made = {
        "fired": lambda: defer.succeed("fired"),
        "failed": lambda: defer.fail(error),
        "later": lambda: later,
        "failure": lambda: Failure(error),
    }[returned]

    async def returning() -> Any:
        return made()

    @inlineCallbacks
    def generating() -> Generator[Any, Any, Any]:
        yield defer.succeed(0)
        return made()

    found = outcome(ensureDeferred(returning()))
    if returned == "later":
        later.callback("later")
        assert found == ["later"]
        return
    assert found == outcome(generating()) == [error if "fail" in returned else returned]


def test_fromCoroutine_is_ensureDeferred_of_a_coroutine() -> None:
    assert outcome(Deferred.fromCoroutine(awaiting(defer.succeed(3)))) == [3]


def test_generator_is_driven_as_a_coroutine() -> None:
    def generator() -> Generator[Any, Any, int]:
        x: int = yield defer.succeed(3)
        return x + 1

    assert outcome(ensureDeferred(generator())) == [4]
    assert outcome(Deferred.fromCoroutine(generator())) == [4]


def test_ensureDeferred_returns_a_deferred_as_it_is() -> None:
    d: Deferred[int] = Deferred()
    assert ensureDeferred(d) is d


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (awaiting, r"is not a coroutine or a Deferred: call it, ensureDeferred\(awaiting\(\.\.\.\)\)"),
        (5, "5 is not a coroutine or a Deferred"),
    ],
)
def test_ensureDeferred_of_something_else_names_the_right_call(given: Any, message: str) -> None:
    with pytest.raises(defer.NotACoroutineError, match=message):
        ensureDeferred(given)
    with pytest.raises(defer.NotACoroutineError):
        Deferred.fromCoroutine(given)


def test_inlineCallbacks_of_a_plain_function_is_refused() -> None:
    @inlineCallbacks  # type: ignore[arg-type]
    def plain() -> int:
        return 3

    with pytest.raises(TypeError, match="plain to yield: it is no generator function, and returned 3"):
        plain()


def test_inlineCallbacks_of_an_async_function_names_ensureDeferred() -> None:
    with pytest.raises(TypeError, match=r"async function: .* ensureDeferred\(awaiting\(\.\.\.\)\)"):
        inlineCallbacks(awaiting)(defer.succeed(1))  # type: ignore[arg-type]


def test_inlineCallbacks_keeps_name_and_docstring() -> None:
    @inlineCallbacks
    def documented() -> Generator[Any, Any, None]:
        """What it does."""
        yield

    assert documented.__name__ == "documented"
    assert documented.__doc__ == "What it does."


def test_inlineCallbacks_sends_plain_values_straight_back() -> None:
    @inlineCallbacks
    def run() -> Generator[Any, Any, Any]:
        return [(yield 1), (yield None), (yield "x")]

    assert outcome(run()) == [[1, None, "x"]]


def test_inlineCallbacks_drives_yielded_coroutines() -> None:
    later: Deferred[int] = Deferred()

    @inlineCallbacks
    def run() -> Generator[Any, Any, Any]:
        first = yield awaiting(defer.succeed(1))
        second = yield awaiting(later)
        try:
            yield awaiting(defer.fail(ValueError("x")))
        except ValueError as error:
            return [first, second, str(error)]

    found = outcome(run())
    later.callback(2)
    assert found == [[1, 2, "x"]]


def test_yield_from_a_deferred() -> None:
    @inlineCallbacks
    def run(d: Deferred[int]) -> Generator[Any, Any, int]:
        return (yield from d) + 1

    d: Deferred[int] = Deferred()
    found = outcome(run(d))
    d.callback(1)
    assert found == [2]


def test_foreign_awaitable_is_refused_inside_the_coroutine() -> None:
    class Foreign:
        def __await__(self) -> Generator[str, None, None]:
            yield "something"

    async def run() -> str:
        try:
            await Foreign()
        except TypeError as error:
            return str(error)
        return ""

    (message,) = outcome(ensureDeferred(run()))
    assert "can await Deferreds, coroutines and asyncio futures, not what yields 'something'" in message


def test_bare_yield_goes_on_at_once_where_no_loop_runs() -> None:
    async def run() -> str:
        await asyncio.sleep(0)
        return "done"

    assert outcome(ensureDeferred(run())) == ["done"]


def test_bare_yield_waits_a_turn_of_the_running_reactor() -> None:
    class Turns:
        def __init__(self) -> None:
            self.calls: list[Any] = []

        def seconds(self) -> float:
            return 0.0

        def callLater(self, delay: float, function: Any, *args: Any) -> None:
            if delay == 0:
                self.calls.append(function)

    async def run() -> str:
        await asyncio.sleep(0)
        return "done"

    turns: Any = Turns()
    running.enter(turns)
    try:
        d = ensureDeferred(run())
        assert not d.called
        turns.calls.pop()()
        cancelled = ensureDeferred(run())
        cancelled.cancel()
        assert not cancelled.called
        turns.calls.pop()()
    finally:
        running.leave(turns)
    assert outcome(d) == ["done"]
    assert isinstance(outcome(cancelled)[0], defer.CancelledError)


# -- cancelling


@WAITS
def test_cancel_cancels_what_is_waited_for(wait: Wait) -> None:
    cancelled: list[Any] = []
    waited: Deferred[int] = Deferred(cancelled.append)
    d = wait(waited)
    d.cancel()
    assert cancelled == [waited]
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_cancelled_coroutine_may_clean_up_and_end_well() -> None:
    cleaning: Deferred[None] = Deferred()
    order: list[str] = []

    async def run() -> str:
        try:
            await Deferred()
        except defer.CancelledError:
            order.append("cancelled")
            await cleaning
        return "cleaned"

    d = ensureDeferred(run())
    d.cancel()
    assert order == ["cancelled"]
    assert not d.called
    cleaning.callback(None)
    assert outcome(d) == ["cleaned"]


def test_second_cancel_cancels_the_cleaning_up() -> None:
    async def run() -> None:
        try:
            await Deferred()
        finally:
            await Deferred()

    d = ensureDeferred(run())
    d.cancel()
    assert not d.called
    d.cancel()
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_cancelled_through_several_coroutines() -> None:
    innermost: Deferred[int] = Deferred()
    d = awaited(yielding(awaited(innermost)))
    d.cancel()
    assert innermost.called
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_cancel_from_within_cancels_the_next_wait() -> None:
    started: Deferred[None] = Deferred()
    waited: Deferred[None] = Deferred()

    async def run() -> None:
        await started
        d.cancel()
        await waited

    d = ensureDeferred(run())
    started.callback(None)
    assert waited.called
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_cancel_after_the_end_does_nothing() -> None:
    d = awaited(defer.succeed(3))
    d.cancel()
    assert outcome(d) == [3]


# -- contexts

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


@pytest.mark.parametrize("kind", ["coroutine", "generator"])
def test_coroutine_keeps_its_one_context(kind: str) -> None:
    first: Deferred[None] = Deferred()
    second: Deferred[None] = Deferred()
    seen: list[str] = []

    async def coroutine() -> None:
        seen.append(variable.get())
        await first
        seen.append(variable.get())
        variable.set("own")
        await second
        seen.append(variable.get())

    @inlineCallbacks
    def generator() -> Generator[Any, Any, None]:
        seen.append(variable.get())
        yield first
        seen.append(variable.get())
        variable.set("own")
        yield second
        seen.append(variable.get())

    starter = contextvars.Context()
    starter.run(variable.set, "starter")
    starter.run(lambda: ensureDeferred(coroutine()) if kind == "coroutine" else generator())
    firer = contextvars.Context()
    firer.run(variable.set, "firer")
    firer.run(first.callback, None)
    assert (variable.get(), starter.run(variable.get)) == ("none", "starter")
    second.callback(None)
    assert seen == ["starter", "starter", "own"]


def test_what_a_coroutine_sets_before_its_first_wait_stays_with_it() -> None:
    async def run() -> None:
        variable.set("leaked")

    ensureDeferred(run())
    assert variable.get() == "none"


def test_coroutine_may_fire_the_deferred_another_of_the_same_context_waits_for() -> None:
    a: Deferred[None] = Deferred()
    b: Deferred[None] = Deferred()

    async def first() -> str:
        await a
        b.callback(None)
        return variable.get()

    async def second() -> str:
        await b
        return variable.get()

    context = contextvars.Context()
    context.run(variable.set, "shared")
    one, two = context.run(lambda: (ensureDeferred(first()), ensureDeferred(second())))
    context.run(a.callback, None)
    assert outcome(one) == outcome(two) == ["shared"]


# -- fired by somebody else


def test_result_after_somebody_else_fired_the_deferred_is_dropped() -> None:
    waited: Deferred[int] = Deferred()
    d = awaited(waited)
    d.callback("other")
    waited.callback(1)
    assert outcome(d) == ["other"]


def test_failure_after_somebody_else_fired_the_deferred_is_told(caplog: pytest.LogCaptureFixture) -> None:
    waited: Deferred[int] = Deferred()
    d = awaited(waited)
    d.callback("other")
    waited.errback(ValueError("late"))
    assert "somebody else had fired: ValueError: late" in caplog.text


def test_cancelling_10000_nested_coroutines_does_not_recurse() -> None:
    async def waiting(d: Deferred[Any]) -> Any:
        return await d

    innermost: Deferred[Any] = Deferred()
    d = innermost
    for _ in range(10_000):
        d = ensureDeferred(waiting(d))
    kinds: list[type[BaseException]] = []
    d.addErrback(lambda failure: kinds.append(failure.type))
    d.cancel()
    assert kinds == [defer.CancelledError]
    assert innermost.called
