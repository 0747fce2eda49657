"""Calls that are made again and again."""

import contextvars
import gc
import math
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.reactor.defer import CancelledError, Deferred, fail
from wirelab.reactor.proxy import reactor
from wirelab.reactor.task import Clock, LoopingCall


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def times():
    return []


@pytest.fixture
def loop(clock, times):
    """A loop that notes the time of each of its calls."""
    loop = LoopingCall(lambda: times.append(round(clock.seconds(), 6)))
    loop.clock = clock
    return loop


def on(clock, f, *args):
    made = LoopingCall(f, *args)
    made.clock = clock
    return made


def outcome(deferred):
    """A list that the result of `deferred` will be put into."""
    results = []
    deferred.addBoth(results.append)
    return results


# -- the ordinary life of a loop ----------------------------------------------------------------------


def test_it_calls_at_once_and_then_every_interval(clock, loop, times):
    loop.start(2)
    clock.pump([1] * 5)
    assert times == [0.0, 2.0, 4.0]


def test_with_now_false_the_first_call_is_an_interval_away(clock, loop, times):
    loop.start(2, now=False)
    assert times == []
    clock.pump([1] * 4)
    assert times == [2.0, 4.0]


def test_it_passes_its_arguments(clock):
    seen = []
    loop = LoopingCall(lambda *a, **k: seen.append((a, k)), 1, two=2)
    loop.clock = clock
    loop.start(1)
    assert seen == [((1,), {"two": 2})]


def test_stop_cancels_the_next_call_and_fires_with_the_loop(clock, loop, times):
    results = outcome(loop.start(1))
    assert loop.running
    assert loop.deferred is not None
    loop.stop()
    assert (results, loop.running, loop.deferred, clock.getDelayedCalls()) == ([loop], False, None, [])


def test_it_can_be_stopped_by_its_own_call(clock):
    loop = on(clock, lambda: loop.stop())
    assert outcome(loop.start(1)) == [loop]
    assert clock.getDelayedCalls() == []


def test_it_can_be_started_again(clock, loop, times):
    loop.start(1)
    loop.stop()
    clock.advance(5)
    loop.start(2)
    clock.pump([1, 1])
    assert times == [0.0, 5.0, 7.0]


def test_an_exception_stops_it_and_fails_the_deferred(clock):
    loop = on(clock, lambda: 1 / 0)
    [failure] = outcome(loop.start(1))
    assert failure.check(ZeroDivisionError)
    assert (loop.running, loop.deferred, clock.getDelayedCalls()) == (False, None, [])


def test_the_clock_is_the_default_reactor_until_another_is_set(loop):
    assert LoopingCall(print).clock is reactor


def test_zero_means_once_in_every_turn(clock):
    calls = []
    loop = on(clock, lambda: (calls.append(1), len(calls) == 3 and loop.stop()))
    loop.start(0)
    clock.advance(0)
    assert len(calls) == 3


# -- what a call gives --------------------------------------------------------------------------------


def test_a_deferred_is_waited_for_and_the_grid_is_kept(clock, times):
    waits = []

    def call():
        times.append(clock.seconds())
        waits.append(Deferred())
        return waits[-1]

    loop = on(clock, call)
    loop.start(1)
    clock.advance(2.5)
    assert times == [0.0]
    waits[0].callback(None)
    assert clock.getDelayedCalls()[0].getTime() == 3.0
    clock.advance(0.5)
    assert times == [0.0, 3.0]


def test_a_coroutine_is_run_and_waited_for(clock, times):
    waits = []

    async def call():
        times.append(clock.seconds())
        waits.append(Deferred())
        await waits[-1]

    loop = on(clock, call)
    loop.start(1)
    clock.advance(1)
    assert times == [0.0]
    waits[0].callback(None)
    clock.advance(1)
    assert times == [0.0, 2.0]
    loop.stop()
    waits[1].callback(None)


def test_stopped_while_a_call_is_waited_for_it_fires_when_that_is_done(clock):
    wait = Deferred()
    loop = on(clock, lambda: wait)
    results = outcome(loop.start(1))
    loop.stop()
    assert (results, loop.running) == ([], False)
    wait.callback(None)
    assert (results, clock.getDelayedCalls()) == ([loop], [])


def test_a_failing_deferred_stops_it(clock):
    loop = on(clock, lambda: fail(KeyError("x")))
    [failure] = outcome(loop.start(1))
    assert failure.check(KeyError)
    assert not loop.running


def test_started_again_while_a_call_is_waited_for_each_start_gets_its_own_answer(clock):
    waits = []

    def call():
        waits.append(Deferred())
        return waits[-1]

    loop = on(clock, call)
    first = outcome(loop.start(1))
    loop.stop()
    second = outcome(loop.start(1))
    waits[0].callback(None)
    assert (first, second, loop.running) == ([loop], [], True)
    waits[1].callback(None)
    loop.stop()
    assert second == [loop]


# -- cancelling ---------------------------------------------------------------------------------------


def test_cancelling_the_deferred_ends_the_loop(clock, loop):
    d = loop.start(1)
    results = outcome(d)
    d.cancel()
    assert results[0].check(CancelledError)
    assert (loop.running, loop.deferred, clock.getDelayedCalls()) == (False, None, [])


def test_cancelling_the_deferred_cancels_the_call_that_is_waited_for(clock):
    cancelled = []
    wait = Deferred(cancelled.append)
    loop = on(clock, lambda: wait)
    d = loop.start(1)
    results = outcome(d)
    d.cancel()
    assert cancelled == [wait]
    assert results[0].check(CancelledError)
    assert (loop.running, loop.deferred) == (False, None)


def test_cancelling_the_deferred_of_an_earlier_start_leaves_the_loop_alone(clock):
    waits = []

    def call():
        waits.append(Deferred())
        return waits[-1]

    loop = on(clock, call)
    first = loop.start(1)
    results = outcome(first)
    loop.stop()
    loop.start(1)
    first.cancel()
    assert results[0].check(CancelledError)
    assert loop.running
    waits[0].callback(None)
    assert loop.running


# -- reset --------------------------------------------------------------------------------------------


def test_reset_puts_the_next_call_a_whole_interval_away(clock, loop, times):
    loop.start(2)
    clock.advance(1)
    loop.reset()
    clock.pump([1, 1, 1, 1])
    assert times == [0.0, 3.0, 5.0]


def test_reset_while_a_call_is_waited_for_begins_the_grid_anew(clock):
    wait = Deferred()
    loop = on(clock, lambda: wait)
    loop.start(2)
    clock.advance(1)
    loop.reset()
    wait.callback(None)
    assert clock.getDelayedCalls()[0].getTime() == 3.0


def test_the_calls_stay_in_the_context_of_the_start_also_after_a_reset(clock):
    cell = contextvars.ContextVar("cell", default=0)
    seen = []
    loop = on(clock, lambda: seen.append(cell.get()))

    def in_cell(number, f, *args):
        cell.set(number)
        return f(*args)

    contextvars.copy_context().run(in_cell, 1, loop.start, 1)
    contextvars.copy_context().run(in_cell, 2, loop.reset)
    clock.pump([1, 1])
    assert seen == [1, 1, 1]


@pytest.mark.parametrize("action", ["stop", "reset", "cancel"])
def test_a_call_that_the_reactor_cancelled_when_it_stopped_is_no_obstacle(clock, loop, action):
    d = loop.start(1)
    results = outcome(d)
    clock.getDelayedCalls()[0].cancel()
    if action == "reset":
        loop.reset()
        assert clock.getDelayedCalls()[0].getTime() == 1.0
    else:
        (loop.stop if action == "stop" else d.cancel)()
        assert len(results) == 1
        assert not loop.running


def test_a_call_that_stops_and_starts_its_own_loop_is_not_taken_for_the_new_one(clock):
    waits = [Deferred(), Deferred()]
    calls = []

    def call():
        calls.append(None)
        if len(calls) == 1:
            loop.stop()
            starts.append(loop.start(1))
            return waits[0]
        return waits[1]

    starts = []
    loop = on(clock, call)
    first = outcome(loop.start(1))
    second = outcome(starts[0])
    starts[0].cancel()
    assert second[0].check(CancelledError)
    assert first == []
    waits[0].callback(None)
    assert first == [loop]


# -- the grid -----------------------------------------------------------------------------------------


def counting(clock):
    counts = []
    loop = LoopingCall.withCount(counts.append)
    loop.clock = clock
    return loop, counts


def test_a_counting_call_is_told_how_many_became_due(clock):
    loop, counts = counting(clock)
    loop.start(1)
    clock.pump([1, 3.5, 0.4, 0.2])
    assert counts == [1, 1, 3, 1]


def test_counting_starts_with_the_first_point_when_not_called_at_once(clock):
    loop, counts = counting(clock)
    loop.start(1, now=False)
    clock.advance(2.5)
    assert counts == [2]


def test_counting_goes_on_after_a_reset(clock):
    loop, counts = counting(clock)
    loop.start(1)
    clock.advance(0.5)
    loop.reset()
    clock.pump([0.9, 0.2, 2.2])
    assert counts == [1, 1, 2]


def test_counting_with_interval_zero_counts_one_each_time(clock):
    counts = []

    def call(count):
        counts.append(count)
        if len(counts) == 3:
            loop.stop()

    loop = LoopingCall.withCount(call)
    loop.clock = clock
    loop.start(0)
    clock.advance(0)
    assert counts == [1, 1, 1]


class Coarse(Clock):
    """A clock that makes its calls up to a hair before or after their time, as real ones do."""

    def __init__(self, start, errors):
        super().__init__()
        self.rightNow = start
        self.errors = errors

    def step(self):
        call = self.getDelayedCalls()[0]
        error = next(self.errors)
        self.rightNow = max(self.rightNow, call.getTime() + error)
        call.reset(0)
        self.advance(0)


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(0, 1e9),
    interval=st.floats(1e-3, 1e4),
    errors=st.lists(st.floats(-1e-7, 1e-7), min_size=30, max_size=30),
)
def test_no_rounding_makes_two_calls_for_one_interval_or_misses_one(start, interval, errors):
    clock = Coarse(start, iter(errors))
    loop, counts = counting(clock)
    loop.start(interval)
    for _ in range(30):
        clock.step()
    assert counts == [1] * 31
    assert clock.seconds() == pytest.approx(start + 30 * interval, rel=1e-9, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(0, 1e9),
    interval=st.floats(1e-3, 1e3),
    steps=st.lists(st.floats(0, 1e4), min_size=1, max_size=20),
)
def test_counts_add_up_to_the_intervals_that_passed(start, interval, steps):
    clock = Clock()
    clock.rightNow = start
    loop, counts = counting(clock)
    loop.start(interval, now=False)
    clock.pump(steps)
    passed = (clock.seconds() - start) / interval
    assert all(count >= 1 for count in counts)
    assert math.floor(passed - 1e-3) <= sum(counts) <= passed + 1e-3


def test_the_grid_does_not_drift_over_a_million_calls():
    # One tenth has no exact float: adding it a million times would be off by a millionth of a second.
    clock = Clock()
    loop = on(clock, lambda: None)
    loop.start(0.1)
    loop._point = 999_999
    clock.rightNow = 99_999.95
    loop._plan(loop.deferred)
    assert clock.getDelayedCalls()[-1].getTime() == 100_000.0


@pytest.mark.parametrize("interval", [1e-12, 5e-324, 1e-9])
def test_an_interval_below_the_clocks_resolution_does_not_spin(interval):
    clock = Clock()
    clock.rightNow = 1e9
    calls = []
    loop = on(clock, calls.append, 1)
    loop.start(interval)
    clock.advance(1)
    assert len(calls) == 2
    clock.advance(0)
    assert len(calls) == 2


# -- what is wrong is said ----------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [-1, float("inf"), float("nan")])
def test_an_interval_that_is_no_time_is_refused(loop, interval):
    with pytest.raises(ValueError, match="0 or more, and finite"):
        loop.start(interval)
    assert not loop.running


@pytest.mark.parametrize("interval", ["1", None, b"1"])
def test_an_interval_that_is_no_number_is_refused(loop, interval):
    with pytest.raises(TypeError, match="as a number"):
        loop.start(interval)


def test_misuse_names_the_right_call(loop):
    with pytest.raises(RuntimeError, match=r"call start\(seconds\) before stop\(\)"):
        loop.stop()
    with pytest.raises(RuntimeError, match=r"call start\(seconds\) before reset\(\)"):
        loop.reset()
    loop.start(1)
    with pytest.raises(RuntimeError, match=r"runs already: stop\(\) it first"):
        loop.start(1)
    with pytest.raises(TypeError, match="takes something to call"):
        LoopingCall(3)


def test_a_stray_call_of_a_stopped_loop_does_nothing(loop, times):
    loop()
    assert times == []


def test_repr_says_what_is_called_and_how_often(clock):
    loop = LoopingCall(print, "x", end="")
    loop.clock = clock
    assert repr(loop) == "<LoopingCall print('x', end='') stopped>"
    loop.start(60, now=False)
    assert repr(loop) == "<LoopingCall print('x', end='') every 60.0 s>"


def test_a_stopped_loop_leaves_no_cycle_behind(clock):
    gc.collect()
    gc.disable()
    try:
        loop = on(clock, len, "")
        loop.start(1)
        clock.pump([1, 1])
        loop.stop()
        seen = weakref.ref(loop)
        del loop
        assert seen() is None
    finally:
        gc.enable()
