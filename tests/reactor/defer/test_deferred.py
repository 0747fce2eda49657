"""Deferred by itself: firing, callbacks and errbacks, chains, pausing, cancelling, time limits."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from wirelab.reactor import defer
from wirelab.reactor.defer import Deferred
from wirelab.reactor.failure import Failure, NoCurrentExceptionError


class Clock:
    """Time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[Call] = []

    def seconds(self) -> float:
        return self.now

    def callLater(self, delay: float, function: Callable[..., object], *args: Any) -> Call:
        call = Call(self.now + delay, function, args)
        self.calls.append(call)
        return call

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for call in [call for call in self.calls if call.time <= self.now]:
            if call.active():
                call.is_active = False
                call.function(*call.args)
        self.calls = [call for call in self.calls if call.active()]


class Call:
    def __init__(self, time: float, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.time, self.function, self.args, self.is_active = time, function, args, True

    def active(self) -> bool:
        return self.is_active

    def cancel(self) -> None:
        assert self.is_active
        self.is_active = False


def boom(result: object) -> object:
    raise ValueError("boom")


def outcome(d: Deferred[Any]) -> list[Any]:
    """What `d` has fired with, exceptions as they are; empty while it has not."""
    found: list[Any] = []
    d.addBoth(lambda result: found.append(result.value if isinstance(result, Failure) else result))
    return found


# -- firing


def test_callback_is_called_with_the_result() -> None:
    d: Deferred[int] = Deferred()
    found: list[int] = []
    d.addCallback(found.append)
    d.callback(5)
    assert found == [5]


def test_callback_added_after_firing_is_called_at_once() -> None:
    found: list[int] = []
    defer.succeed(5).addCallback(found.append)
    assert found == [5]


def test_each_callback_gets_what_the_one_before_returned() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(lambda x: x + 1).addCallback(lambda x: x * 10)
    d.callback(1)
    assert outcome(d) == [20]


@pytest.mark.parametrize(
    ("method", "fired_with", "called_with"),
    [
        ("addCallback", "result", ["result"]),
        ("addCallback", "failure", []),
        ("addErrback", "result", []),
        ("addErrback", "failure", ["failure"]),
        ("addBoth", "result", ["result"]),
        ("addBoth", "failure", ["failure"]),
    ],
)
def test_which_function_is_called_for_what(method: str, fired_with: str, called_with: list[str]) -> None:
    d: Deferred[Any] = Deferred()
    called: list[str] = []
    getattr(d, method)(lambda result: called.append("failure" if isinstance(result, Failure) else "result"))
    if fired_with == "result":
        d.callback(1)
    else:
        d.errback(ValueError())
    outcome(d)
    assert called == called_with


def test_exception_in_a_callback_goes_to_the_next_errback() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(boom)
    d.addCallback(lambda _: pytest.fail("skipped after a failure"))
    d.addErrback(lambda failure: repr(failure.value))
    d.addErrback(lambda _: pytest.fail("skipped after a result"))
    d.callback(1)
    assert outcome(d) == ["ValueError('boom')"]


def test_errback_that_returns_the_failure_passes_it_on() -> None:
    d = defer.fail(ValueError("x"))
    seen: list[Failure] = []
    d.addErrback(lambda failure: seen.append(failure) or failure)
    d.addErrback(seen.append)
    assert seen[0] is seen[1]


def test_addCallbacks_calls_one_of_the_two() -> None:
    for fired, expected in [(lambda d: d.callback(1), "good"), (lambda d: d.errback(ValueError()), "bad")]:
        d: Deferred[Any] = Deferred()
        d.addCallbacks(lambda _: "good", lambda _: "bad")
        fired(d)
        assert outcome(d) == [expected]


def test_errback_of_addCallbacks_does_not_see_the_exception_of_its_callback() -> None:
    d: Deferred[int] = Deferred()
    d.addCallbacks(boom, lambda _: pytest.fail("not of the same pair"))
    d.callback(1)
    assert isinstance(outcome(d)[0], ValueError)


@pytest.mark.parametrize("fails", [False, True])
def test_arguments_are_passed_behind_the_result(fails: bool) -> None:
    d: Deferred[Any] = Deferred()
    seen: list[Any] = []

    def note(result: Any, *args: Any, **keywords: Any) -> Any:
        seen.append((args, keywords))
        return result

    d.addBoth(note, 1, two=2)
    d.addCallbacks(note, note, (3,), {"four": 4}, (5,), {"six": 6})
    if fails:
        d.addErrback(note, 7, eight=8)
        d.errback(ValueError())
        assert seen == [((1,), {"two": 2}), ((5,), {"six": 6}), ((7,), {"eight": 8})]
    else:
        d.addCallback(note, 7, eight=8)
        d.callback(0)
        assert seen == [((1,), {"two": 2}), ((3,), {"four": 4}), ((7,), {"eight": 8})]
    outcome(d)


def test_add_methods_return_the_deferred() -> None:
    d: Deferred[int] = Deferred()
    assert d.addCallback(boom) is d.addErrback(boom) is d.addBoth(boom) is d.addCallbacks(boom) is d


def test_callback_with_a_failure_is_an_errback() -> None:
    d: Deferred[int] = Deferred()
    d.addErrback(lambda failure: "handled")
    d.callback(Failure(ValueError()))
    assert outcome(d) == ["handled"]


def test_errback_without_argument_takes_the_exception_being_handled() -> None:
    d: Deferred[int] = Deferred()
    error = KeyError("k")
    try:
        raise error
    except KeyError:
        d.errback()
    assert outcome(d) == [error]


def test_errback_without_argument_and_exception_is_refused() -> None:
    with pytest.raises(NoCurrentExceptionError, match="no exception is being handled"):
        Deferred().errback()


def test_raised_failure_is_the_exception_it_carries() -> None:
    error = ValueError("inside")

    def raises(_: object) -> None:
        raise Failure(error)

    assert outcome(defer.succeed(1).addCallback(raises)) == [error]


def test_returned_failure_is_a_failure() -> None:
    error = ValueError("returned")
    assert outcome(defer.succeed(1).addCallback(lambda _: Failure(error))) == [error]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_every_exception_becomes_a_failure(error: BaseException) -> None:
    def raises(_: object) -> None:
        raise error

    assert outcome(defer.succeed(1).addCallback(raises)) == [error]


def test_called_and_result_tell_the_state() -> None:
    d: Deferred[int] = Deferred()
    assert not d.called
    assert not hasattr(d, "result")
    d.callback(5)
    assert d.called
    assert d.result == 5


def test_a_callback_sees_what_has_come_so_far_as_result() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(lambda x: x + 1).addCallback(lambda x: (x, d.result))
    d.callback(1)
    assert d.result == (2, 2)


def test_callback_added_by_a_callback_runs_after_those_that_wait() -> None:
    d: Deferred[int] = Deferred()
    order: list[str] = []
    d.addCallback(lambda _: (order.append("first"), d.addCallback(lambda _: order.append("added"))))
    d.addCallback(lambda _: order.append("second"))
    d.callback(1)
    assert order == ["first", "second", "added"]


def test_callback_added_by_the_only_callback_runs_after_it() -> None:
    d: Deferred[int] = Deferred()
    order: list[str] = []

    def first(_: object) -> None:
        d.addCallback(lambda _: order.append("added"))
        order.append("first")

    d.addCallback(first)
    d.callback(1)
    assert order == ["first", "added"]


# -- misuse


def test_firing_twice_is_refused() -> None:
    d = defer.succeed(1)
    with pytest.raises(defer.AlreadyCalledError, match=r"callback\(\) on a Deferred that was fired already"):
        d.callback(2)
    with pytest.raises(defer.AlreadyCalledError, match=r"errback\(\) on a Deferred that was fired already"):
        d.errback(ValueError())
    assert d.result == 1


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda d: d.addCallback(5), "addCallback.. takes a function, not 5"),
        (lambda d: d.addErrback(None), "addErrback.. takes a function, not None"),
        (lambda d: d.addBoth("x"), "addBoth.. takes a function, not 'x'"),
        (lambda d: d.addCallbacks(1), "addCallbacks.. takes a function, not 1"),
        (lambda d: d.addCallbacks(None, 1), "addCallbacks.. takes a function, not 1"),
        (lambda d: d.addCallback(Deferred()), "chainDeferred"),
        (lambda d: d.chainDeferred(print), "use addCallback"),
        (lambda d: d.callback(Deferred()), "chainDeferred"),
        (lambda d: d.errback("text"), "takes an exception or a Failure, not 'text'"),
        (lambda d: defer.fail("text"), "takes an exception or a Failure, not 'text'"),
        (lambda d: defer.succeed(Deferred()), "not a Deferred"),
    ],
)
def test_misuse_names_the_right_call(misuse: Callable[[Deferred[Any]], object], message: str) -> None:
    d: Deferred[Any] = Deferred()
    with pytest.raises(TypeError, match=message):
        misuse(d)
    assert not d.called


def test_callback_that_returns_its_own_deferred_fails_instead_of_waiting_for_ever() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(lambda _: d)
    d.callback(1)
    assert isinstance(outcome(d)[0], TypeError)


def test_unpause_without_pause_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"unpause\(\) without a pause\(\)"):
        Deferred().unpause()


# -- chains


def test_returned_fired_deferred_gives_its_result() -> None:
    inner = defer.succeed(7)
    assert outcome(defer.succeed(1).addCallback(lambda _: inner)) == [7]
    assert inner.result is None


def test_returned_failed_deferred_gives_its_failure_and_is_handled() -> None:
    error = ValueError()
    inner = defer.fail(error)
    assert outcome(defer.succeed(1).addCallback(lambda _: inner)) == [error]
    assert inner.result is None


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("callbacks_before", [0, 1])
@pytest.mark.parametrize("callbacks_after", [0, 1])
def test_returned_waiting_deferred_is_waited_for(
    fails: bool, callbacks_before: int, callbacks_after: int
) -> None:
    inner: Deferred[Any] = Deferred()
    order: list[str] = []
    if callbacks_before:
        inner.addBoth(lambda result: order.append("before") or result)
    d: Deferred[Any] = Deferred()
    d.addCallback(lambda _: inner)
    found = outcome(d)
    d.callback(1)
    if callbacks_after:
        inner.addBoth(lambda result: order.append(f"after, with {result}") or result)
    assert d.called
    assert d.paused == 1
    assert not found
    error = ValueError()
    if fails:
        inner.errback(error)
    else:
        inner.callback(7)
    assert found == [error if fails else 7]
    assert d.paused == 0
    assert inner.result is None
    assert order == ["before"] * callbacks_before + ["after, with None"] * callbacks_after


def test_those_who_wait_run_before_later_callbacks_of_the_inner() -> None:
    order: list[str] = []
    inner: Deferred[int] = Deferred()
    outer = defer.succeed(1).addCallback(lambda _: inner)
    outer.addCallback(lambda _: order.append("outer"))
    inner.addCallback(lambda _: order.append("inner"))
    inner.callback(1)
    assert order == ["outer", "inner"]


def test_waits_for_a_deferred_that_is_running_its_callbacks() -> None:
    inner: Deferred[int] = Deferred()
    found: list[Any] = []
    inner.addCallback(lambda x: found.append(outcome(defer.succeed(0).addCallback(lambda _: inner))) or x + 1)
    inner.callback(1)
    assert found == [[2]]


def test_waits_for_a_deferred_that_waits_itself() -> None:
    innermost: Deferred[int] = Deferred()
    middle = defer.succeed(0).addCallback(lambda _: innermost)
    outer = defer.succeed(0).addCallback(lambda _: middle)
    innermost.callback(3)
    assert outcome(outer) == [3]
    assert middle.result is None


@pytest.mark.parametrize("fails", [False, True])
def test_chainDeferred_fires_the_other_with_the_same(fails: bool) -> None:
    first: Deferred[Any] = Deferred()
    second: Deferred[Any] = Deferred()
    first.chainDeferred(second)
    error = ValueError()
    if fails:
        first.errback(error)
    else:
        first.callback(3)
    assert outcome(second) == [error if fails else 3]
    assert first.result is None


def test_chainDeferred_to_one_that_has_fired_fails() -> None:
    first: Deferred[int] = Deferred()
    first.chainDeferred(defer.succeed(1))
    first.callback(2)
    assert isinstance(outcome(first)[0], defer.AlreadyCalledError)


MANY = 10_000


def test_many_fired_deferreds_returned_one_after_the_other_do_not_recurse() -> None:
    d: Deferred[int] = Deferred()
    for _ in range(MANY):
        d.addCallback(lambda x: defer.succeed(x + 1))
    d.callback(0)
    assert d.result == MANY


@pytest.mark.parametrize("fire_first", [False, True])
def test_many_deferreds_each_waiting_for_the_next_do_not_recurse(fire_first: bool) -> None:
    chain: list[Deferred[Any]] = [Deferred() for _ in range(MANY)]
    for outer, inner in pairwise(chain):
        outer.addCallback(lambda _, inner=inner: inner)
    for d in chain[:-1] if fire_first else reversed(chain[:-1]):
        d.callback(None)
    chain[-1].callback("end")
    assert outcome(chain[0]) == ["end"]


def test_many_waiting_deferreds_with_callbacks_left_do_not_recurse() -> None:
    chain: list[Deferred[Any]] = [Deferred() for _ in range(MANY)]
    ran: list[int] = []
    for number, (outer, inner) in enumerate(pairwise(chain)):
        outer.addCallback(lambda _, inner=inner: inner)
        outer.addCallback(lambda x, number=number: ran.append(number))
    for d in chain[:-1]:
        d.callback(None)
    for d in chain:
        d.addCallback(ran.append)
    chain[-1].callback(MANY)
    assert [number for number in ran if number is not None] == list(range(MANY - 2, -1, -1))
    assert len(ran) == 2 * MANY - 1


def test_many_deferreds_chained_by_chainDeferred_do_not_recurse() -> None:
    chain: list[Deferred[Any]] = [Deferred() for _ in range(MANY)]
    for first, second in pairwise(chain):
        first.chainDeferred(second)
    chain[0].callback("end")
    assert outcome(chain[-1]) == ["end"]


def test_cancelling_the_outermost_of_many_does_not_recurse() -> None:
    chain: list[Deferred[Any]] = [Deferred() for _ in range(MANY)]
    for outer, inner in pairwise(chain):
        outer.addCallback(lambda _, inner=inner: inner)
    for outer in chain[:-1]:
        outer.callback(None)
    chain[0].cancel()
    assert chain[-1].called
    assert isinstance(outcome(chain[0])[0], defer.CancelledError)
    assert repr(chain[0])


def test_two_that_wait_for_each_other_can_be_cancelled_without_end() -> None:
    a, b = defer.succeed(0), defer.succeed(0)
    a.pause()
    a.addCallback(lambda _: b)
    b.addCallback(lambda _: a)
    a.unpause()
    a.cancel()
    assert a.paused == b.paused == 1


# -- pausing


def test_paused_deferred_calls_nothing_until_unpaused_as_often() -> None:
    d: Deferred[int] = Deferred()
    found: list[int] = []
    d.addCallback(found.append)
    d.pause()
    d.pause()
    assert d.paused == 2
    d.callback(1)
    assert d.called
    d.unpause()
    assert not found
    d.unpause()
    assert found == [1]
    assert d.paused == 0


def test_pause_after_firing_holds_later_callbacks() -> None:
    d = defer.succeed(1)
    d.pause()
    found = outcome(d)
    assert not found
    d.unpause()
    assert found == [1]


def test_unpaused_before_firing_is_as_if_never_paused() -> None:
    d: Deferred[int] = Deferred()
    d.pause()
    d.unpause()
    assert not d.called
    d.callback(1)
    assert outcome(d) == [1]


@pytest.mark.parametrize("callbacks_after", [0, 1, 2])
def test_callback_may_pause_its_own_deferred(callbacks_after: int) -> None:
    d: Deferred[int] = Deferred()
    found: list[str] = []
    d.addCallback(lambda _: d.pause())
    for _ in range(callbacks_after):
        d.addCallback(lambda _: found.append("ran"))
    d.callback(1)
    assert not found
    d.addCallback(lambda _: found.append("last"))
    assert not found
    d.unpause()
    assert found == ["ran"] * callbacks_after + ["last"]


@pytest.mark.parametrize("callbacks_after", [0, 1, 2])
def test_callback_may_pause_and_unpause_its_own_deferred(callbacks_after: int) -> None:
    d: Deferred[int] = Deferred()
    found: list[str] = []
    d.addCallback(lambda _: (d.pause(), d.unpause(), found.append("first")))
    for _ in range(callbacks_after):
        d.addCallback(lambda _: found.append("ran"))
    d.callback(1)
    assert found == ["first"] + ["ran"] * callbacks_after


def test_paused_while_it_waits_for_another() -> None:
    inner: Deferred[int] = Deferred()
    d = defer.succeed(0).addCallback(lambda _: inner)
    found = outcome(d)
    d.pause()
    assert d.paused == 2
    inner.callback(3)
    assert not found
    d.unpause()
    assert found == [3]


def test_unpaused_while_it_still_waits_for_another() -> None:
    inner: Deferred[int] = Deferred()
    d = defer.succeed(0).addCallback(lambda _: inner)
    found = outcome(d)
    d.pause()
    d.unpause()
    assert not found
    inner.callback(3)
    assert found == [3]


def test_paused_while_those_that_wait_for_it_run() -> None:
    inner: Deferred[int] = Deferred()
    order: list[str] = []
    outer = defer.succeed(0).addCallback(lambda _: inner)
    outer.addCallback(lambda _: (inner.pause(), order.append("outer")))
    inner.addCallback(lambda _: order.append("inner"))
    inner.callback(1)
    assert order == ["outer"]
    inner.unpause()
    assert order == ["outer", "inner"]


def test_paused_deferred_is_waited_for() -> None:
    inner = defer.succeed(3)
    inner.pause()
    found = outcome(defer.succeed(0).addCallback(lambda _: inner))
    assert not found
    inner.unpause()
    assert found == [3]


def test_failure_while_paused_reaches_the_errback_after() -> None:
    d: Deferred[int] = Deferred()
    d.pause()
    d.errback(ValueError("x"))
    found = outcome(d)
    d.unpause()
    assert isinstance(found[0], ValueError)


# -- cancelling


def test_cancel_without_canceller_fails_with_CancelledError() -> None:
    d: Deferred[int] = Deferred()
    d.cancel()
    assert isinstance(outcome(d)[0], defer.CancelledError)


@pytest.mark.parametrize("method", ["callback", "errback"])
def test_after_cancel_without_canceller_one_firing_is_ignored(method: str) -> None:
    d: Deferred[int] = Deferred()
    d.cancel()
    getattr(d, method)(ValueError())
    with pytest.raises(defer.AlreadyCalledError):
        getattr(d, method)(ValueError())
    outcome(d)


def test_canceller_is_called_with_the_deferred() -> None:
    seen: list[Any] = []
    d: Deferred[int] = Deferred(seen.append)
    d.cancel()
    assert seen == [d]
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_after_cancel_with_canceller_firing_is_refused() -> None:
    d: Deferred[int] = Deferred(lambda _: None)
    d.cancel()
    with pytest.raises(defer.AlreadyCalledError):
        d.callback(1)
    outcome(d)


@pytest.mark.parametrize(
    ("canceller", "expected"),
    [(lambda d: d.callback("result"), "result"), (lambda d: d.errback(KeyError("k")), KeyError)],
)
def test_canceller_may_fire_the_deferred_itself(canceller: Any, expected: Any) -> None:
    d: Deferred[Any] = Deferred(canceller)
    d.cancel()
    found = outcome(d)[0]
    assert found == expected or isinstance(found, expected)


def test_exception_in_the_canceller_goes_to_who_cancels() -> None:
    d: Deferred[int] = Deferred(boom)
    with pytest.raises(ValueError, match="boom"):
        d.cancel()
    assert not d.called


def test_cancel_after_firing_does_nothing() -> None:
    d: Deferred[int] = Deferred(lambda _: pytest.fail("has fired"))
    d.callback(1)
    d.cancel()
    assert d.result == 1


def test_cancel_of_one_that_waits_cancels_what_it_waits_for() -> None:
    inner: Deferred[int] = Deferred()
    d = defer.succeed(0).addCallback(lambda _: inner)
    d.cancel()
    assert inner.called
    assert isinstance(outcome(d)[0], defer.CancelledError)


def test_cancel_while_held_fails_once_unpaused() -> None:
    d: Deferred[int] = Deferred()
    d.pause()
    d.cancel()
    found = outcome(d)
    assert not found
    d.unpause()
    assert isinstance(found[0], defer.CancelledError)


# -- time limits


def test_addTimeout_cancels_and_fails_with_TimeoutError() -> None:
    clock = Clock()
    d: Deferred[int] = Deferred()
    d.addTimeout(1.5, clock)
    clock.advance(1)
    assert not d.called
    clock.advance(1)
    (error,) = outcome(d)
    assert isinstance(error, defer.TimeoutError)
    assert error.args == (1.5, "Deferred")
    assert str(error) == "Deferred did not fire within 1.5 s"


def test_TimeoutError_is_caught_as_the_builtin_one_too() -> None:
    assert issubclass(defer.TimeoutError, TimeoutError)


def test_addTimeout_leaves_no_call_behind_when_the_deferred_fires() -> None:
    clock = Clock()
    d: Deferred[int] = Deferred()
    d.addTimeout(1, clock)
    d.callback(5)
    assert outcome(d) == [5]
    assert not any(call.active() for call in clock.calls)


@pytest.mark.parametrize("kind", ["errback", "canceller result", "canceller failure"])
def test_addTimeout_leaves_other_outcomes_alone(kind: str) -> None:
    clock = Clock()
    error = KeyError()
    canceller: Any = {
        "errback": None,
        "canceller result": lambda d: d.callback("late"),
        "canceller failure": lambda d: d.errback(error),
    }[kind]
    d: Deferred[Any] = Deferred(canceller)
    d.addTimeout(1, clock)
    if kind == "errback":
        d.errback(error)
    clock.advance(2)
    assert outcome(d) == ["late" if kind == "canceller result" else error]


def test_addTimeout_calls_onTimeoutCancel_with_result_and_seconds() -> None:
    clock = Clock()
    d: Deferred[Any] = Deferred()
    d.addTimeout(3, clock, lambda failure, seconds: (failure.type, seconds))
    clock.advance(3)
    assert outcome(d) == [(defer.CancelledError, 3)]


def test_two_timeouts_the_shorter_counts() -> None:
    clock = Clock()
    d: Deferred[Any] = Deferred()
    d.addTimeout(3, clock).addTimeout(1, clock)
    clock.advance(1)
    assert outcome(d)[0].args == (1, "Deferred")
    assert not any(call.active() for call in clock.calls)


# -- contexts

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


def in_context(value: str, call: Callable[[], Any]) -> Any:
    """Call in a context in which `variable` is set to `value`."""
    context = contextvars.Context()
    context.run(variable.set, value)
    return context.run(call)


def test_callback_runs_in_the_context_it_was_added_in() -> None:
    d: Deferred[int] = Deferred()
    seen: list[str] = []
    for value in ("a", "b"):
        in_context(value, lambda: d.addBoth(lambda _: seen.append(variable.get())))
    in_context("firer", lambda: d.callback(1))
    assert seen == ["a", "b"]


def test_callback_added_in_an_empty_context_does_not_see_the_firers() -> None:
    d: Deferred[int] = Deferred()
    seen: list[str] = []
    contextvars.Context().run(d.addCallback, lambda _: seen.append(variable.get()))
    in_context("firer", lambda: d.callback(1))
    assert seen == ["none"]


def test_what_a_callback_sets_stays_with_it() -> None:
    d: Deferred[int] = Deferred()
    d.addCallback(lambda _: variable.set("leaked") and None)
    d.addCallback(lambda _: variable.get())
    d.callback(1)
    assert d.result == "none"
    assert variable.get() == "none"


def test_callbacks_of_one_context_may_fire_one_another() -> None:
    d: Deferred[int] = Deferred()
    e: Deferred[int] = Deferred()
    seen: list[str] = []

    def add() -> None:
        e.addCallback(lambda _: seen.append(variable.get()))
        d.addCallback(lambda _: e.callback(1))

    in_context("a", add)
    in_context("a", lambda: d.callback(1))
    assert seen == ["a"]


def test_errbacks_and_chained_deferreds_keep_their_contexts() -> None:
    inner: Deferred[int] = Deferred()
    seen: list[str] = []
    outer = defer.succeed(1).addCallback(lambda _: inner)
    in_context("outer", lambda: outer.addErrback(lambda _: seen.append(variable.get())))
    in_context("firer", lambda: inner.errback(ValueError()))
    assert seen == ["outer"]


# -- other ways to make one


def test_maybeDeferred_makes_a_deferred_of_every_outcome() -> None:
    async def coroutine() -> str:
        return "coroutine"

    def fails() -> None:
        raise ValueError

    ready = defer.succeed("ready")
    assert outcome(defer.maybeDeferred(lambda: "value")) == ["value"]
    assert outcome(defer.maybeDeferred(coroutine)) == ["coroutine"]
    assert isinstance(outcome(defer.maybeDeferred(fails))[0], ValueError)
    assert isinstance(outcome(defer.maybeDeferred(lambda: Failure(KeyError())))[0], KeyError)
    assert defer.maybeDeferred(lambda: ready) is ready
    assert outcome(defer.maybeDeferred(lambda a, b: (a, b), 1, b=2)) == [(1, 2)]


def test_execute_makes_a_deferred_of_result_or_exception() -> None:
    assert outcome(defer.execute(divmod, 7, 2)) == [(3, 1)]
    assert isinstance(outcome(defer.execute(lambda: 1 / 0))[0], ZeroDivisionError)


def test_succeed_and_fail_have_fired() -> None:
    error = ValueError()
    assert defer.succeed(1).called
    assert outcome(defer.succeed(1)) == [1]
    assert outcome(defer.fail(error)) == [error]
    assert outcome(defer.fail(Failure(error))) == [error]
    assert isinstance(outcome(defer.succeed(Failure(error)))[0], ValueError)
    assert type(defer.succeed(1)).__name__ == "Deferred"


def test_passthru_returns_its_argument() -> None:
    assert defer.passthru("x") == "x"


def test_subclass_may_override_callback() -> None:
    class Doubling(Deferred[int]):
        def callback(self, result: Any) -> None:
            super().callback(result * 2)

    d = Doubling()
    inner: Deferred[int] = Deferred()
    d.addCallback(lambda x: inner)
    found = outcome(d)
    d.callback(1)
    inner.callback(5)
    d.addCallback(lambda _: 7)
    assert found == [5]
    assert d.result == 7


def test_generic_alias_makes_deferreds() -> None:
    assert isinstance(Deferred[int](), Deferred)


@pytest.mark.parametrize("name", ["CancelledError", "TimeoutError", "AlreadyCalledError", "FirstError"])
def test_errors_are_known_by_the_name_they_are_imported_by(name: str) -> None:
    error = getattr(defer, name)
    assert f"{error.__module__}.{error.__qualname__}" == f"wirelab.reactor.defer.{name}"
