"""The clock of tests, and `deferLater`."""

import contextvars

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import CancelledError, Deferred, succeed
from wirelab.reactor.error import AlreadyCalled, AlreadyCancelled
from wirelab.reactor.interfaces import IDelayedCall, IReactorTime
from wirelab.reactor.task import Clock, deferLater
from wirelab.reactor.task.clock import CALLS_PER_ADVANCE
from wirelab.reactor.timers import DelayedCall


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def calls():
    return []


def test_clock_and_its_calls_provide_what_a_reactor_provides(clock, calls):
    assert verifyObject(IReactorTime, clock)
    assert verifyObject(IDelayedCall, clock.callLater(1, calls.append, 1))


def test_its_calls_are_of_the_class_that_reactors_use(clock, calls):
    assert type(clock.callLater(1, calls.append, 1)) is DelayedCall


def test_time_passes_only_when_told(clock):
    assert clock.seconds() == 0.0
    clock.advance(1.5)
    clock.pump([1, 0.5])
    assert clock.seconds() == clock.rightNow == 3.0


def test_calls_are_made_when_due_with_their_arguments(clock):
    seen = []
    clock.callLater(2, lambda *a, **k: seen.append((a, k)), 1, key=2)
    clock.advance(1.9)
    assert seen == []
    clock.advance(0.1)
    assert seen == [((1,), {"key": 2})]


def test_calls_are_made_in_order_of_time_and_then_of_scheduling(clock, calls):
    for delay, name in [(2, "c"), (1, "a"), (2, "d"), (1, "b")]:
        clock.callLater(delay, calls.append, name)
    assert [call.args for call in clock.getDelayedCalls()] == [("a",), ("b",), ("c",), ("d",)]
    assert clock.calls == clock.getDelayedCalls()
    clock.advance(2)
    assert calls == ["a", "b", "c", "d"]


def test_a_call_planned_while_advancing_is_made_if_due(clock, calls):
    clock.callLater(
        1, lambda: (clock.callLater(0, calls.append, "now"), clock.callLater(1, calls.append, "later"))
    )
    clock.advance(1)
    assert calls == ["now"]
    clock.advance(1)
    assert calls == ["now", "later"]


def test_all_calls_of_one_advance_see_the_new_time(clock, calls):
    clock.callLater(1, lambda: calls.append(clock.seconds()))
    clock.callLater(2, lambda: calls.append(clock.seconds()))
    clock.advance(5)
    assert calls == [5.0, 5.0]


def test_what_a_call_raises_comes_out_and_leaves_the_rest_waiting(clock, calls):
    clock.callLater(1, lambda: 1 / 0)
    clock.callLater(1, calls.append, "next")
    with pytest.raises(ZeroDivisionError):
        clock.advance(1)
    assert calls == []
    clock.advance(0)
    assert calls == ["next"]


def test_reset_delay_and_cancel_move_a_call(clock, calls):
    first, second = clock.callLater(5, calls.append, "first"), clock.callLater(5, calls.append, "second")
    gone = clock.callLater(1, calls.append, "gone")
    gone.cancel()
    second.reset(1)
    first.delay(2)
    assert [call.getTime() for call in clock.getDelayedCalls()] == [1.0, 7.0]
    clock.advance(1)
    assert calls == ["second"]
    clock.advance(6)
    assert calls == ["second", "first"]


def test_calls_made_and_calls_cancelled_are_told_apart(clock, calls):
    made, cancelled = clock.callLater(0, calls.append, 1), clock.callLater(0, calls.append, 2)
    cancelled.cancel()
    clock.advance(0)
    for action in (made.cancel, lambda: made.delay(1), lambda: made.reset(1)):
        with pytest.raises(AlreadyCalled):
            action()
    for action in (cancelled.cancel, lambda: cancelled.delay(1), lambda: cancelled.reset(1)):
        with pytest.raises(AlreadyCancelled):
            action()
    assert not made.active()
    assert not cancelled.active()


def test_a_call_runs_in_the_context_in_which_it_was_planned(clock, calls):
    cell = contextvars.ContextVar("cell", default=0)
    context = contextvars.copy_context()
    context.run(cell.set, 3)
    context.run(clock.callLater, 1, lambda: calls.append(cell.get()))
    clock.advance(1)
    assert calls == [3]
    assert cell.get() == 0


@pytest.mark.parametrize("delay", [-1, float("nan")])
def test_a_delay_below_zero_is_refused(clock, delay):
    with pytest.raises(ValueError, match="0 or more"):
        clock.callLater(delay, print)


def test_a_delay_that_is_no_number_is_refused(clock):
    with pytest.raises(TypeError, match="callLater"):
        clock.callLater(None, print)


def test_what_cannot_be_called_is_refused(clock):
    with pytest.raises(TypeError, match="something to call after 1 s, not 'f'"):
        clock.callLater(1, "f")


def test_a_clock_does_not_go_back(clock):
    with pytest.raises(ValueError, match="a clock only goes forward"):
        clock.advance(-1)
    assert clock.seconds() == 0.0


def test_a_call_that_plans_itself_without_delay_does_not_hang_the_test(clock):
    def again():
        clock.callLater(0, again)

    again()
    with pytest.raises(RuntimeError, match="must not plan itself again with a delay of 0"):
        clock.advance(1)


def test_many_calls_that_were_waiting_are_no_endless_chain(clock, calls):
    for number in range(CALLS_PER_ADVANCE + 10):
        clock.callLater(1, calls.append, number)
    clock.advance(1)
    assert len(calls) == CALLS_PER_ADVANCE + 10


# -- deferLater ---------------------------------------------------------------------------------------


def test_defer_later_fires_with_what_the_callable_gives(clock, calls):
    deferLater(clock, 2, lambda a, b: a + b, 1, b=2).addCallback(calls.append)
    clock.advance(1)
    assert calls == []
    clock.advance(1)
    assert calls == [3]


def test_defer_later_without_a_callable_fires_with_none(clock, calls):
    deferLater(clock, 1).addCallback(calls.append)
    clock.advance(1)
    assert calls == [None]


def test_what_the_callable_raises_is_the_failure(clock, calls):
    deferLater(clock, 1, lambda: 1 / 0).addErrback(calls.append)
    clock.advance(1)
    assert calls[0].check(ZeroDivisionError)


@pytest.mark.parametrize("kind", ["deferred", "coroutine"])
def test_a_deferred_or_coroutine_that_the_callable_gives_is_waited_for(clock, calls, kind):
    inner = Deferred()

    async def coroutine():
        return await inner

    deferLater(clock, 1, coroutine if kind == "coroutine" else lambda: inner).addCallback(calls.append)
    clock.advance(1)
    assert calls == []
    inner.callback("done")
    assert calls == ["done"]


def test_cancelling_before_its_time_cancels_the_call(clock, calls):
    d = deferLater(clock, 1, calls.append, "called")
    d.addErrback(lambda failure: calls.append(failure.type))
    d.cancel()
    assert calls == [CancelledError]
    assert clock.getDelayedCalls() == []


def test_cancelling_while_the_callable_is_waited_for_cancels_that(clock, calls):
    inner = Deferred(lambda _: calls.append("inner cancelled"))
    d = deferLater(clock, 1, lambda: inner)
    d.addErrback(lambda failure: calls.append(failure.type))
    clock.advance(1)
    d.cancel()
    assert calls == ["inner cancelled", CancelledError]


def test_defer_later_refuses_what_cannot_be_called(clock):
    with pytest.raises(TypeError, match="not <Deferred"):
        deferLater(clock, 1, succeed(1))
    assert clock.getDelayedCalls() == []
