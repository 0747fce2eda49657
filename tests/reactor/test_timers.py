"""Calls to come: their order, their handles, and what becomes of the cancelled."""

import gc
import weakref
from contextvars import ContextVar, copy_context

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.error import AlreadyCalled, AlreadyCancelled
from wirelab.reactor.interfaces import IDelayedCall
from wirelab.reactor.timers import TimerQueue


class Time:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def queue(time):
    return TimerQueue(time)


def nothing():
    """What is planned when it matters only that something is."""


def drain(queue, until):
    made = []
    while (call := queue.pop_due(until)) is not None:
        func, args, kw, context = call.finish()
        made.append(context.run(func, *args, **kw))
    return made


def test_calls_are_made_in_order_of_time(queue):
    for delay in (3, 1, 2):
        queue.add(delay, lambda delay=delay: delay, (), {})
    assert drain(queue, 200) == [1, 2, 3]


def test_calls_of_the_same_time_are_made_in_order_of_planning(queue):
    for number in range(50):
        queue.add(1, lambda number=number: number, (), {})
    assert drain(queue, 200) == list(range(50))


def test_what_is_not_due_stays(queue):
    queue.add(5, nothing, (), {})
    assert queue.pop_due(104.9) is None
    assert queue.next_time() == 105.0
    assert queue.pop_due(105.0) is not None
    assert queue.next_time() is None


def test_a_handle_provides_the_interface(queue):
    assert verifyObject(IDelayedCall, queue.add(1, nothing, (), {}))


def test_arguments_reach_the_call(queue):
    queue.add(0, lambda *args, **kw: (args, kw), (1, 2), {"three": 3})
    assert drain(queue, 200) == [((1, 2), {"three": 3})]


def test_a_cancelled_call_is_not_made_and_says_so(queue):
    call = queue.add(1, nothing, (), {})
    call.cancel()
    assert not call.active()
    assert drain(queue, 200) == []
    for change in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCancelled, match="already been cancelled"):
            change()


def test_a_call_that_was_made_cannot_be_changed(queue):
    call = queue.add(1, nothing, (), {})
    drain(queue, 200)
    assert not call.active()
    for change in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCalled, match="already been made"):
            change()


@pytest.mark.parametrize(
    ("change", "due"),
    [
        (lambda call: call.reset(7), 107.0),
        (lambda call: call.reset(0.5), 100.5),
        (lambda call: call.delay(3), 105.0),
        (lambda call: call.delay(-1), 101.0),
    ],
    ids=["reset later", "reset earlier", "delay", "delay by less than nothing"],
)
def test_a_moved_call_is_made_once_at_its_new_time(queue, change, due):
    call = queue.add(2, lambda: "made", (), {})
    change(call)
    assert call.getTime() == due
    assert drain(queue, due - 0.01) == []
    assert queue.next_time() == due
    assert drain(queue, due) == ["made"]
    assert drain(queue, 1000) == []


def test_a_call_may_be_moved_back_and_forth(queue):
    call = queue.add(5, lambda: "made", (), {})
    for delay in (1, 9, 2, 8, 3):
        call.reset(delay)
    assert len(queue) == 1
    assert queue.pending() == [call]
    assert drain(queue, 102.9) == []
    assert drain(queue, 103) == ["made"]
    assert len(queue) == 0


def test_a_moved_call_keeps_its_place_among_others(queue):
    first = queue.add(1, lambda: "first", (), {})
    queue.add(2, lambda: "second", (), {})
    first.reset(3)
    assert drain(queue, 200) == ["second", "first"]


def test_cancelling_lets_go_of_what_was_to_be_called(queue):
    class Thing:
        def call(self):
            """Never called."""

    thing = Thing()
    gone = weakref.ref(thing)
    call = queue.add(1000, thing.call, (thing,), {"thing": thing})
    call.cancel()
    del thing
    assert gone() is None
    assert call.args == ()


def test_cancelled_calls_are_not_kept_until_they_are_due(queue):
    calls = [queue.add(1000 + number, nothing, (), {}) for number in range(100_000)]
    for call in calls[:-10]:
        call.cancel()
    assert len(queue) == 10
    assert len(queue._heap) + len(queue._new) < 200


def test_a_time_out_that_is_set_and_cancelled_forever_takes_constant_room(queue):
    for _ in range(10_000):
        queue.add(60, nothing, (), {}).cancel()
    assert len(queue._heap) + len(queue._new) <= 130


def test_moving_a_call_forever_takes_constant_room(queue, time):
    call = queue.add(60, nothing, (), {})
    for step in range(10_000):
        time.now += 0.01
        call.reset(60 if step % 2 else 59)
    assert len(queue._heap) + len(queue._new) <= 130
    assert queue.pending() == [call]


def test_work_of_adding_and_cancelling_grows_like_the_logarithm(time):
    class Counted(float):
        compared = 0

        def __lt__(self, other):
            Counted.compared += 1
            return float(self) < float(other)

        def __add__(self, other):
            return Counted(float(self) + other)

    def work(size):
        Counted.compared = 0
        queue = TimerQueue(lambda: Counted(0))
        calls = [queue.add((number * 7919) % size, nothing, (), {}) for number in range(size)]
        queue.next_time()
        for call in calls:
            call.cancel()
            queue.next_time()
        return Counted.compared / size

    small, large = work(1_000), work(100_000)
    assert large < small * 3  # log(100,000) / log(1,000) is 1.7; a linear step would make it 100


def test_what_is_cancelled_in_the_turn_that_planned_it_never_reaches_the_heap(queue):
    kept = [queue.add(number, nothing, (), {}) for number in range(3)]
    for _ in range(20):
        queue.add(60, nothing, (), {}).cancel()
    assert queue.next_time() == 100.0
    assert len(queue._heap) == len(queue) == len(kept)


def test_a_mark_separates_what_was_planned_after_it(queue):
    queue.add(0, lambda: "before", (), {})
    mark = queue.mark()
    queue.add(0, lambda: "after", (), {})
    assert queue.pop_due(200, mark).finish()[0]() == "before"
    assert queue.pop_due(200, mark) is None
    assert queue.pop_due(200).finish()[0]() == "after"


def test_the_driver_is_told_when_the_earliest_time_moves_forward(time):
    told = []
    queue = TimerQueue(time, told.append)
    late = queue.add(9, nothing, (), {})
    queue.add(10, nothing, (), {})
    queue.add(3, nothing, (), {})
    late.reset(1)
    assert told == [109.0, 103.0, 101.0]


def test_a_call_is_made_in_the_context_that_planned_it(queue):
    variable = ContextVar("variable", default="outside")

    def plan():
        variable.set("inside")
        queue.add(1, variable.get, (), {})

    copy_context().run(plan)
    assert drain(queue, 200) == ["inside"]
    assert variable.get() == "outside"


@pytest.mark.parametrize(
    ("seconds", "error", "words"),
    [
        (-1, ValueError, "0 or more, not -1"),
        (float("nan"), ValueError, "0 or more, not nan"),
        ("soon", TypeError, "seconds as a number, not 'soon'"),
        (None, TypeError, "seconds as a number, not None"),
    ],
)
def test_reset_refuses_what_is_no_time_to_come(queue, seconds, error, words):
    call = queue.add(1, nothing, (), {})
    with pytest.raises(error, match=words):
        call.reset(seconds)
    assert call.getTime() == 101.0


def test_clear_cancels_everything(queue):
    calls = [queue.add(number, nothing, (), {}) for number in range(5)]
    queue.clear()
    assert not any(call.active() for call in calls)
    assert queue.next_time() is None


def test_a_handle_shows_its_state(queue):
    call = queue.add(1.5, nothing, (), {})
    assert repr(call) == "<DelayedCall in 1.500 s: nothing>"
    call.cancel()
    assert repr(call) == "<DelayedCall cancelled>"


def test_a_call_made_leaves_no_cycle(queue):
    gc.collect()
    gc.disable()
    try:
        call = queue.add(0, nothing, (), {})
        gone = weakref.ref(queue)
        drain(queue, 200)
        assert call.called
        assert gone() is queue
        assert gc.collect() == 0
    finally:
        gc.enable()
