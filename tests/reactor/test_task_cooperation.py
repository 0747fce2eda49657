"""Iterators that take turns."""

import contextvars
import gc
import logging
import time

import pytest

from wirelab.reactor import running
from wirelab.reactor.defer import CancelledError, Deferred, fail, succeed
from wirelab.reactor.task import (
    Clock,
    Cooperator,
    NotPaused,
    SchedulerError,
    SchedulerStopped,
    TaskDone,
    TaskFailed,
    TaskFinished,
    TaskStopped,
    coiterate,
    cooperate,
    cooperation,
)


class Schedule:
    """A scheduler whose one planned call the test makes itself."""

    def __init__(self):
        self.planned = None

    def __call__(self, call):
        assert self.planned is None, "a second slice was planned"
        self.planned = call
        return self

    def cancel(self):
        assert self.planned is not None
        self.planned = None

    def tick(self, times=1):
        for _ in range(times):
            call, self.planned = self.planned, None
            call()


@pytest.fixture
def schedule():
    return Schedule()


@pytest.fixture
def cooperator(schedule):
    """A cooperator that makes one step in each slice."""
    return Cooperator(lambda: lambda: True, schedule)


def counting(notes, name, upto):
    for number in range(upto):
        notes.append((name, number))
        yield None


def outcome(deferred):
    results = []
    deferred.addBoth(results.append)
    return results


def errors_of(results):
    return [type(failure.value) for failure in results]


# -- working through iterators ------------------------------------------------------------------------


def test_one_step_at_a_time_until_the_iterator_runs_out(cooperator, schedule):
    notes = []
    work = counting(notes, "a", 2)
    done = outcome(cooperator.cooperate(work).whenDone())
    assert notes == []
    schedule.tick(2)
    assert (notes, done) == ([("a", 0), ("a", 1)], [])
    schedule.tick()
    assert done == [work]
    assert schedule.planned is None


def test_several_take_turns(cooperator, schedule):
    notes = []
    for name in "abc":
        cooperator.cooperate(counting(notes, name, 2))
    schedule.tick(6)
    assert notes == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


def test_one_that_ends_does_not_make_another_miss_its_turn(cooperator, schedule):
    notes = []
    for name, upto in [("a", 0), ("b", 2), ("c", 2)]:
        cooperator.cooperate(counting(notes, name, upto))
    schedule.tick(5)
    assert notes == [("b", 0), ("c", 0), ("b", 1), ("c", 1)]


def test_a_slice_goes_on_until_the_predicate_says_so(schedule):
    notes = []
    left = iter([False, False, True, True])
    cooperator = Cooperator(lambda: lambda: next(left), schedule)
    cooperator.cooperate(counting(notes, "a", 9))
    schedule.tick()
    assert len(notes) == 3
    schedule.tick()
    assert len(notes) == 4


def test_a_slice_lasts_its_time_by_default(monkeypatch, schedule):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    notes = []

    def slow():
        while True:
            now[0] += 0.004
            notes.append(now[0])
            yield

    cooperator = Cooperator(scheduler=schedule)
    cooperator.cooperate(slow())
    schedule.tick()
    assert len(notes) == 3


def test_coiterate_fires_with_the_iterator(cooperator, schedule):
    work = iter([])
    done = outcome(cooperator.coiterate(work))
    schedule.tick()
    assert done == [work]


def test_coiterate_takes_a_deferred_of_the_callers(cooperator, schedule):
    given = Deferred()
    work = iter([])
    assert cooperator.coiterate(work, given) is given
    schedule.tick()
    assert outcome(given) == [work]


def test_when_done_gives_each_caller_a_deferred_of_its_own(cooperator, schedule):
    work = iter([])
    task = cooperator.cooperate(work)
    first, second = task.whenDone(), task.whenDone()
    assert first is not second
    schedule.tick()
    assert outcome(first) == outcome(second) == outcome(task.whenDone()) == [work]


def test_cancelling_one_wait_leaves_the_task_and_the_others_alone(cooperator, schedule):
    work = iter([])
    task = cooperator.cooperate(work)
    given_up, kept = task.whenDone(), outcome(task.whenDone())
    results = outcome(given_up)
    given_up.cancel()
    assert errors_of(results) == [CancelledError]
    schedule.tick()
    assert kept == [work]


@pytest.mark.parametrize("given", [[1], 3, None])
def test_what_is_no_iterator_is_refused(cooperator, schedule, given):
    with pytest.raises(TypeError, match=r"takes an iterator, not .*iter\("):
        cooperator.cooperate(given)
    assert schedule.planned is None


def test_ten_thousand_tasks_take_turns_without_harm(schedule):
    done = []
    cooperator = Cooperator(lambda: lambda: False, schedule)
    tasks = [cooperator.cooperate(iter(range(3))) for _ in range(10_000)]
    for task in tasks:
        task.whenDone().addCallback(done.append)
    for task in reversed(tasks):
        task.pause()
    for task in tasks:
        task.resume()
    schedule.tick()
    assert len(done) == 10_000


# -- Deferreds and coroutines -------------------------------------------------------------------------


def test_a_yielded_deferred_is_waited_for_while_others_go_on(cooperator, schedule):
    notes = []
    wait = Deferred()

    def waiting():
        yield wait
        notes.append("after")

    cooperator.cooperate(waiting())
    cooperator.cooperate(counting(notes, "b", 5))
    schedule.tick(3)
    assert notes == [("b", 0), ("b", 1)]
    wait.callback("result")
    schedule.tick(2)
    assert "after" in notes


def test_with_nothing_but_waiting_tasks_nothing_is_planned(cooperator, schedule):
    wait = Deferred()
    cooperator.cooperate(iter([wait]))
    schedule.tick()
    assert schedule.planned is None
    wait.callback(None)
    assert schedule.planned is not None


def test_a_deferred_that_fired_holds_nothing_up_and_keeps_its_result(cooperator, schedule):
    given = succeed("kept")
    done = outcome(cooperator.cooperate(iter([given])).whenDone())
    schedule.tick(2)
    assert len(done) == 1
    assert outcome(given) == ["kept"]


def test_a_yielded_coroutine_is_run_and_waited_for(cooperator, schedule):
    wait = Deferred()
    notes = []

    async def step():
        notes.append(await wait)

    def work():
        yield step()
        notes.append("after")

    cooperator.cooperate(work())
    schedule.tick()
    assert schedule.planned is None
    wait.callback("result")
    schedule.tick()
    assert notes == ["result", "after"]


def test_a_failing_deferred_fails_the_task(cooperator, schedule):
    task = cooperator.cooperate(iter([fail(KeyError("x"))]))
    done = outcome(task.whenDone())
    schedule.tick()
    assert errors_of(done) == [KeyError]
    with pytest.raises(TaskFailed):
        task.stop()


def test_stopped_while_waiting_the_result_is_left_alone(cooperator, schedule):
    wait = Deferred()
    task = cooperator.cooperate(iter([wait, 1]))
    done = outcome(task.whenDone())
    schedule.tick()
    task.stop()
    assert errors_of(done) == [TaskStopped]
    wait.callback("result")
    assert outcome(wait) == ["result"]
    assert schedule.planned is None


def test_a_deferred_that_fails_after_the_stop_keeps_its_failure(cooperator, schedule):
    wait = Deferred()
    task = cooperator.cooperate(iter([wait, 1]))
    outcome(task.whenDone())
    schedule.tick()
    task.stop()
    wait.errback(KeyError("late"))
    assert errors_of(outcome(wait)) == [KeyError]


# -- failing ------------------------------------------------------------------------------------------


def exploding():
    yield 1
    raise KeyError("boom")


def test_what_the_iterator_raises_fails_the_task_and_no_other(cooperator, schedule):
    notes = []
    task = cooperator.cooperate(exploding())
    cooperator.cooperate(counting(notes, "b", 2))
    done = outcome(task.whenDone())
    schedule.tick(4)
    assert errors_of(done) == [KeyError]
    assert len(notes) == 2
    with pytest.raises(TaskFailed, match="boom"):
        task.pause()


def test_a_failure_that_nobody_waits_for_is_told(cooperator, schedule, caplog):
    cooperator.cooperate(exploding())
    with caplog.at_level(logging.ERROR):
        schedule.tick(2)
        gc.collect()
    assert "boom" in caplog.text


def test_a_failure_that_is_asked_for_later_is_not_told(cooperator, schedule, caplog):
    task = cooperator.cooperate(exploding())
    schedule.tick(2)
    done = outcome(task.whenDone())
    del task
    gc.collect()
    assert errors_of(done) == [KeyError]
    assert caplog.text == ""


def test_an_interrupt_fails_the_task_and_goes_on_to_the_program(cooperator, schedule):
    def interrupted():
        raise KeyboardInterrupt
        yield

    notes = []
    done = outcome(cooperator.cooperate(interrupted()).whenDone())
    cooperator.cooperate(counting(notes, "b", 1))
    with pytest.raises(KeyboardInterrupt):
        schedule.tick()
    assert errors_of(done) == [KeyboardInterrupt]
    schedule.tick()
    assert notes == [("b", 0)]


# -- pausing, resuming, stopping ----------------------------------------------------------------------


def test_a_paused_task_makes_no_steps_until_it_is_resumed_as_often(cooperator, schedule):
    notes = []
    task = cooperator.cooperate(counting(notes, "a", 3))
    task.pause()
    task.pause()
    assert schedule.planned is None
    task.resume()
    assert schedule.planned is None
    task.resume()
    schedule.tick()
    assert notes == [("a", 0)]


def test_a_task_may_pause_and_stop_itself(cooperator, schedule):
    def work():
        task.pause()
        yield
        task.stop()
        yield

    task = cooperator.cooperate(work())
    done = outcome(task.whenDone())
    schedule.tick()
    assert schedule.planned is None
    task.resume()
    schedule.tick()
    assert errors_of(done) == [TaskStopped]
    assert schedule.planned is None


@pytest.mark.parametrize("last", ["deferred", "end"])
def test_what_comes_after_a_task_stopped_itself_changes_nothing(cooperator, schedule, last):
    wait = Deferred()

    def work():
        task.stop()
        if last == "deferred":
            yield wait

    task = cooperator.cooperate(work())
    done = outcome(task.whenDone())
    schedule.tick()
    assert errors_of(done) == [TaskStopped]
    with pytest.raises(TaskStopped):
        task.stop()
    assert schedule.planned is None


def test_what_a_task_raises_after_it_stopped_itself_is_told(cooperator, schedule, caplog):
    tasks = []

    def work():
        tasks[0].stop()
        raise KeyError("boom")
        yield

    tasks.append(cooperator.cooperate(work()))
    done = outcome(tasks[0].whenDone())
    schedule.tick()
    assert errors_of(done) == [TaskStopped]
    tasks.clear()
    gc.collect()
    assert "boom" in caplog.text


def test_resuming_what_is_not_paused_is_refused(cooperator):
    task = cooperator.cooperate(iter([1]))
    with pytest.raises(NotPaused):
        task.resume()


def test_a_stopped_task_makes_no_more_steps(cooperator, schedule):
    notes = []
    task = cooperator.cooperate(counting(notes, "a", 3))
    done = outcome(task.whenDone())
    schedule.tick()
    task.stop()
    assert errors_of(done) == [TaskStopped]
    assert (notes, schedule.planned) == ([("a", 0)], None)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda task, schedule: schedule.tick(2), TaskDone),
        (lambda task, schedule: task.stop(), TaskStopped),
        (lambda task, schedule: (task.pause(), task.stop()), TaskStopped),
    ],
    ids=["done", "stopped", "stopped while paused"],
)
def test_what_is_over_says_how_it_ended(cooperator, schedule, end, error):
    task = cooperator.cooperate(iter([1]))
    outcome(task.whenDone())
    end(task, schedule)
    for action in (task.pause, task.stop):
        with pytest.raises(error):
            action()


def test_the_errors_have_their_family():
    for error in (TaskDone, TaskStopped, TaskFailed):
        assert issubclass(error, TaskFinished)
    for error in (TaskFinished, NotPaused, SchedulerStopped):
        assert issubclass(error, SchedulerError)


# -- the cooperator itself ----------------------------------------------------------------------------


def test_work_waits_for_a_cooperator_that_was_not_started(schedule):
    notes = []
    cooperator = Cooperator(lambda: lambda: True, schedule, started=False)
    cooperator.cooperate(counting(notes, "a", 1))
    assert (cooperator.running, schedule.planned) == (False, None)
    cooperator.start()
    schedule.tick()
    assert (cooperator.running, notes) == (True, [("a", 0)])


def test_starting_twice_plans_one_slice(cooperator, schedule):
    cooperator.cooperate(iter([1]))
    cooperator.start()
    assert schedule.planned is not None


def test_stopping_ends_all_tasks_the_paused_ones_too(cooperator, schedule):
    tasks = [cooperator.cooperate(iter([1])) for _ in range(3)]
    tasks[1].pause()
    done = [outcome(task.whenDone()) for task in tasks]
    cooperator.stop()
    assert [errors_of(results) for results in done] == [[SchedulerStopped]] * 3
    assert (cooperator.running, schedule.planned) == (False, None)
    tasks[1].resume()
    with pytest.raises(SchedulerStopped):
        tasks[0].pause()


def test_after_a_stop_work_ends_at_once_until_it_is_started_again(cooperator, schedule):
    cooperator.stop()
    assert errors_of(outcome(cooperator.coiterate(iter([1])))) == [SchedulerStopped]
    cooperator.start()
    done = outcome(cooperator.coiterate(iter([])))
    schedule.tick()
    assert len(done) == 1


def test_stopped_by_one_of_its_tasks_it_makes_no_more_steps(cooperator, schedule):
    def work():
        cooperator.stop()
        yield

    done = outcome(cooperator.coiterate(work()))
    schedule.tick()
    assert errors_of(done) == [SchedulerStopped]
    assert schedule.planned is None


def test_each_task_steps_in_the_context_that_started_it(cooperator, schedule):
    cell = contextvars.ContextVar("cell", default=0)
    notes = []

    def work():
        notes.append(cell.get())
        yield
        cell.set(cell.get() * 10)
        yield
        notes.append(cell.get())

    def in_cell(number):
        cell.set(number)
        cooperator.cooperate(work())

    for number in (1, 2):
        contextvars.copy_context().run(in_cell, number)
    schedule.tick(6)
    assert notes == [1, 2, 10, 20]
    assert cell.get() == 0


# -- the shared ones ----------------------------------------------------------------------------------


def test_the_shared_cooperator_works_on_the_reactor_that_runs():
    clocks = [Clock(), Clock()]
    notes = []
    for name, clock in zip("ab", clocks, strict=True):
        running.enter(clock)
        cooperate(counting(notes, name, 1))
        done = outcome(coiterate(iter([])))
        clock.advance(0.001)
        running.leave(clock)
        assert len(done) == 1
        assert clock.getDelayedCalls() == []
    assert notes == [("a", 0), ("b", 0)]


def test_a_slice_that_a_stopped_reactor_cancelled_is_planned_again():
    clock = Clock()
    notes = []
    running.enter(clock)
    try:
        cooperate(counting(notes, "a", 1))
        clock.getDelayedCalls()[0].cancel()
        cooperate(counting(notes, "b", 1))
        clock.advance(0.001)
    finally:
        running.leave(clock)
    assert notes == [("a", 0), ("b", 0)]


def test_without_a_running_reactor_the_work_waits_for_the_default_one(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(cooperation, "reactor", clock)
    monkeypatch.setattr(cooperation, "_early", Cooperator())
    notes = []
    cooperate(counting(notes, "a", 1))
    assert notes == []
    clock.advance(0.001)
    assert notes == [("a", 0)]


def test_a_reactor_is_not_kept_alive_by_its_cooperator():
    clock = Clock()
    running.enter(clock)
    coiterate(iter([]))
    clock.advance(1)
    running.leave(clock)
    before = len(cooperation._cooperators)
    del clock
    gc.collect()
    assert len(cooperation._cooperators) == before - 1
