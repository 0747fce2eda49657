"""Ways between threads and the reactor's thread."""

import asyncio
import contextvars
import gc
import logging
import threading
from queue import SimpleQueue

import pytest

from wirelab.reactor import pools, running, threads
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from wirelab.reactor.drivers.asyncio import AsyncioDriver
from wirelab.reactor.threadpool import ThreadPool
from wirelab.reactor.threads import (
    blockingCallFromThread,
    callMultipleInThread,
    deferToThread,
    deferToThreadPool,
    isInIOThread,
)

PLENTY = 20  # seconds: only broken code makes a test wait for so long


class Hand:
    """A reactor whose turns the test makes itself: only `callFromThread`, and a count of wake-ups."""

    def __init__(self):
        self._calls = SimpleQueue()
        self.wakes = 0

    def callFromThread(self, f, *args, **kw):
        self.wakes += 1
        self._calls.put((contextvars.copy_context(), f, args, kw))

    def turn(self):
        """Wait for a call and make it."""
        context, f, args, kw = self._calls.get(timeout=PLENTY)
        context.run(f, *args, **kw)

    def turns_until(self, condition):
        while not condition():
            self.turn()


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def pool():
    made = ThreadPool(0, 2, "test")
    made.start()
    yield made
    assert made.stop(PLENTY) == []


@pytest.fixture(params=["native", "asyncio"])
def reactor(request):
    if request.param == "native":
        made = Reactor()
        yield made
        made.close()
    else:
        loop = asyncio.new_event_loop()
        made = Reactor(AsyncioDriver(loop))
        yield made
        made.close()
        loop.close()


def run(reactor, main):
    """Run `reactor` until what `main` gives is done; its result, or its failure raised."""
    results = []

    def start():
        maybeDeferred(main).addBoth(results.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    [result] = results
    if isinstance(result, BaseException):
        result.raiseException()
    return result


@pytest.fixture
def busy(pool):
    """Keeps both threads of the pool busy until it is called."""
    begun, end = threading.Semaphore(0), threading.Event()

    def wait():
        begun.release()
        assert end.wait(PLENTY)

    for _ in range(2):
        pool.callInThread(wait)
        assert begun.acquire(timeout=PLENTY)
    yield end.set
    end.set()


# -- deferToThread ------------------------------------------------------------------------------------


def test_the_result_comes_in_the_reactors_thread(reactor):
    async def main():
        d = deferToThread(lambda *a, **k: (a, k, threading.get_ident()), 1, f=2)
        fired_in = []
        d.addCallback(lambda result: (fired_in.append(threading.get_ident()), result)[1])
        args, kw, ran_in = await d
        return args, kw, ran_in, fired_in

    args, kw, ran_in, fired_in = run(reactor, main)
    assert (args, kw) == ((1,), {"f": 2})
    assert fired_in == [threading.get_ident()] != [ran_in]


class Odd(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), Odd("y"), StopIteration(4)], ids=repr)
def test_what_the_job_raises_is_the_failure_with_the_jobs_traceback(hand, pool, error):
    def job():
        raise error

    failures = []
    deferToThreadPool(hand, pool, job).addErrback(failures.append)
    hand.turns_until(lambda: failures)
    assert failures[0].value is error
    assert "in job" in failures[0].getTraceback()


def test_a_failure_can_be_awaited_and_caught(reactor):
    async def main():
        try:
            await deferToThread({}.__getitem__, "missing")
        except KeyError as error:
            return error.args

    assert run(reactor, main) == ("missing",)


def test_the_job_runs_in_a_copy_of_the_callers_context(hand, pool):
    cell = contextvars.ContextVar("cell", default=0)
    results = []

    def job():
        before = cell.get()
        cell.set(99)
        return before

    def in_cell(number):
        cell.set(number)
        deferToThreadPool(hand, pool, job).addCallback(results.append)
        return cell.get()

    assert [contextvars.copy_context().run(in_cell, number) for number in (1, 2)] == [1, 2]
    hand.turns_until(lambda: len(results) == 2)
    assert sorted(results) == [1, 2]


def test_callbacks_run_in_the_context_in_which_they_were_added(hand, pool):
    cell = contextvars.ContextVar("cell", default=0)
    seen = []

    def in_cell(number, f):
        cell.set(number)
        return f()

    d = contextvars.copy_context().run(in_cell, 1, lambda: deferToThreadPool(hand, pool, int))
    for number in (2, 3):
        contextvars.copy_context().run(
            in_cell, number, lambda: d.addCallback(lambda _: seen.append(cell.get()))
        )
    hand.turns_until(lambda: len(seen) == 2)
    assert seen == [2, 3]


def test_a_callback_of_no_context_does_not_run_in_that_of_a_job(hand, pool):
    cell = contextvars.ContextVar("cell", default=0)
    seen = []

    def in_cell():
        cell.set(7)
        deferToThreadPool(hand, pool, int)

    contextvars.copy_context().run(in_cell)
    contextvars.Context().run(
        lambda: deferToThreadPool(hand, pool, int).addCallback(lambda _: seen.append(cell.get()))
    )
    hand.turns_until(lambda: seen)
    assert seen == [0]


def test_many_results_wake_the_reactor_once(hand, pool):
    results = []
    for number in range(500):
        deferToThreadPool(hand, pool, int, number).addCallback(results.append)
    assert pool.stop(PLENTY) == []
    hand.turn()
    assert (hand.wakes, sorted(results)) == (1, list(range(500)))
    pool.start()
    deferToThreadPool(hand, pool, int, 500).addCallback(results.append)
    hand.turn()
    assert (hand.wakes, results[-1]) == (2, 500)


def test_one_pool_may_serve_several_reactors(pool):
    hands = [Hand(), Hand()]
    results = [[], []]
    for number in range(10):
        which = number % 2
        deferToThreadPool(hands[which], pool, int, number).addCallback(results[which].append)
    for which in (0, 1):
        hands[which].turns_until(lambda which=which: len(results[which]) == 5)
    assert [sorted(numbers) for numbers in results] == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_ten_thousand_jobs_are_fine(reactor):
    async def main():
        return await gatherResults([deferToThread(int, number) for number in range(10_000)])

    assert run(reactor, main) == list(range(10_000))


def test_a_job_given_from_a_callback_of_a_job_is_done(reactor):
    async def main():
        return [await deferToThread(int, number) for number in range(50)]

    assert run(reactor, main) == list(range(50))


def test_a_stopped_pool_fails_the_deferred(hand):
    pool = ThreadPool()
    pool.start()
    pool.stop()
    failures = []
    deferToThreadPool(hand, pool, int).addErrback(failures.append)
    assert failures[0].check(RuntimeError)
    assert "takes no more jobs: int was not called" in str(failures[0].value)


def test_a_job_that_still_queues_when_the_pool_gives_up_fails_the_deferred(hand, pool, busy):
    failures = []
    deferToThreadPool(hand, pool, int).addErrback(failures.append)
    assert len(pool.stop(timeout=0)) == 2
    hand.turn()
    assert failures[0].check(CancelledError)
    busy()


@pytest.mark.parametrize("given", [None, 3, "f"])
def test_what_cannot_be_called_is_refused_at_once(hand, pool, given):
    with pytest.raises(TypeError, match="takes something to call"):
        deferToThreadPool(hand, pool, given)


@pytest.mark.parametrize("kind", ["async function", "Deferred"])
def test_a_job_that_gives_what_only_the_reactor_can_wait_for_is_told_so(hand, pool, kind):
    async def coroutine():
        raise AssertionError("it was run all the same")

    failures = []
    deferToThreadPool(hand, pool, coroutine if kind == "async function" else Deferred).addErrback(
        failures.append
    )
    hand.turn()
    assert failures[0].check(TypeError)
    assert kind in str(failures[0].value)
    assert "for the reactor's thread" in str(failures[0].value)


def test_an_interrupted_callback_does_not_lose_the_results_of_others(hand, pool):
    results = []

    class Interrupting:
        def fire(self):
            raise KeyboardInterrupt

    deferToThreadPool(hand, pool, int).addCallback(results.append)
    pool.stop(PLENTY)
    pool.arrivals._arrived.appendleft(Interrupting())
    with pytest.raises(KeyboardInterrupt):
        hand.turn()
    assert results == []
    hand.turn()
    assert results == [0]


# -- cancelling ---------------------------------------------------------------------------------------


def test_cancelling_takes_a_queued_job_out_of_the_queue(hand, pool, busy):
    called, failures = [], []
    d = deferToThreadPool(hand, pool, called.append, 1)
    d.addErrback(failures.append)
    assert len(pool.queued) == 1
    d.cancel()
    assert failures[0].check(CancelledError)
    assert pool.queued == []
    busy()
    pool.stop(PLENTY)
    assert called == []


@pytest.mark.parametrize("ending", ["result", "failure"])
def test_cancelling_fails_a_running_job_at_once_and_drops_what_comes_of_it(hand, pool, ending, caplog):
    begun, end = threading.Event(), threading.Event()
    failures = []

    def job():
        begun.set()
        assert end.wait(PLENTY)
        if ending == "failure":
            raise KeyError("too late")

    d = deferToThreadPool(hand, pool, job)
    d.addErrback(failures.append)
    assert begun.wait(PLENTY)
    d.cancel()
    assert failures[0].check(CancelledError)
    end.set()
    with caplog.at_level(logging.INFO):
        hand.turn()
        gc.collect()
    assert len(failures) == 1
    assert ("too late" in caplog.text) == (ending == "failure")
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_cancelling_after_the_end_of_the_job_but_before_its_turn_drops_the_result(hand, pool):
    failures = []
    d = deferToThreadPool(hand, pool, int)
    d.addErrback(failures.append)
    pool.stop(PLENTY)
    d.cancel()
    assert failures[0].check(CancelledError)
    hand.turn()
    assert len(failures) == 1


def test_finished_and_cancelled_jobs_leave_no_cycles(hand, pool, busy):
    def living():
        return {id(thing) for thing in gc.get_objects() if isinstance(thing, (Deferred, threads._Ticket))}

    gc.collect()
    gc.disable()
    try:
        before = living()  # what other tests hold
        for _ in range(3):
            d = deferToThreadPool(hand, pool, int)
            d.addErrback(lambda failure: None)
            d.cancel()
        done = []
        deferToThreadPool(hand, pool, int).addCallback(done.append)
        busy()
        hand.turns_until(lambda: done)
        pool.stop(PLENTY)
        del d
        assert living() <= before
    finally:
        gc.enable()


# -- the end of the run -------------------------------------------------------------------------------


def test_the_end_of_the_run_does_what_queues_and_ends_the_threads(reactor):
    done = []

    async def main():
        for number in range(20):
            reactor.callInThread(done.append, number)

    before = threading.active_count()
    run(reactor, main)
    assert sorted(done) == list(range(20))
    assert (reactor.threadpool, threading.active_count()) == (None, before)


def test_the_end_of_the_run_does_not_wait_for_ever_and_names_the_stuck_job(reactor, monkeypatch, caplog):
    monkeypatch.setattr(pools, "PATIENCE", 0.0)
    begun, end = threading.Event(), threading.Event()
    stuck = []

    def the_stuck_job():
        stuck.append(threading.current_thread())
        begun.set()
        assert end.wait(PLENTY)

    async def main():
        reactor.callInThread(the_stuck_job)
        assert begun.wait(PLENTY)

    run(reactor, main)
    assert "without waiting for" in caplog.text
    assert "the_stuck_job (" in caplog.text
    end.set()
    stuck[0].join(PLENTY)


def test_after_the_run_the_next_one_has_threads_again(reactor):
    for number in range(3):
        assert run(reactor, lambda number=number: deferToThread(int, number)) == number


# -- callMultipleInThread, isInIOThread ---------------------------------------------------------------


def test_several_calls_are_made_in_order_in_one_thread(reactor):
    seen = []

    def note(*args, **kw):
        seen.append((args, kw, threading.get_ident()))

    async def main():
        callMultipleInThread([(note, (1,), {}), (note, [2], {"key": 3}), (note, (), {})])
        await deferToThread(reactor.getThreadPool().stop)

    run(reactor, main)
    assert [call[:2] for call in seen] == [((1,), {}), ((2,), {"key": 3}), ((), {})]
    assert len({call[2] for call in seen}) == 1
    assert seen[0][2] != threading.get_ident()


def test_only_the_reactors_thread_is_the_io_thread(reactor):
    async def main():
        return isInIOThread(), await deferToThread(isInIOThread)

    assert run(reactor, main) == (True, False)
    assert not isInIOThread()


# -- blockingCallFromThread ---------------------------------------------------------------------------


def later(reactor, value):
    d = Deferred()
    reactor.callLater(0, d.callback, value)
    return d


@pytest.mark.parametrize("kind", ["value", "deferred", "coroutine"])
def test_a_thread_waits_for_what_the_reactor_gives(reactor, kind):
    ran_in = []

    async def coroutine(a, *, b):
        ran_in.append(threading.get_ident())
        return await later(reactor, a + b)

    def deferred(a, *, b):
        ran_in.append(threading.get_ident())
        return later(reactor, a + b)

    def value(a, *, b):
        ran_in.append(threading.get_ident())
        return a + b

    f = {"value": value, "deferred": deferred, "coroutine": coroutine}[kind]
    assert run(reactor, lambda: deferToThread(blockingCallFromThread, reactor, f, 1, b=2)) == 3
    assert ran_in == [threading.get_ident()]


@pytest.mark.parametrize("kind", ["raised", "failed"])
def test_a_failure_is_raised_in_the_thread_that_waits(reactor, kind):
    def f():
        if kind == "raised":
            raise KeyError("boom")
        return later(reactor, None).addCallback(lambda _: {}["boom"])

    def job():
        with pytest.raises(KeyError, match="boom"):
            blockingCallFromThread(reactor, f)
        return "caught"

    assert run(reactor, lambda: deferToThread(job)) == "caught"


def test_the_call_is_made_in_the_context_of_the_thread_that_waits(reactor):
    cell = contextvars.ContextVar("cell", default=0)

    def job():
        cell.set(5)
        return blockingCallFromThread(reactor, cell.get)

    assert run(reactor, lambda: deferToThread(job)) == 5


def test_a_thread_that_waits_when_the_reactor_shuts_down_is_let_go(reactor, caplog):
    outcome = SimpleQueue()
    waits = []

    def wait():
        waits.append(Deferred())
        reactor.callLater(0, reactor.stop)
        return waits[-1]

    def job():
        try:
            outcome.put(blockingCallFromThread(reactor, wait))
        except CancelledError as error:
            outcome.put(error)

    reactor.callWhenRunning(reactor.callInThread, job)
    reactor.run()
    assert isinstance(outcome.get(timeout=PLENTY), CancelledError)
    assert caplog.text == ""


def test_a_wait_that_ended_leaves_no_trigger_behind(hand, pool):
    triggers, results, waits = [], SimpleQueue(), []

    def add(phase, event, callable):
        triggers.append((phase, event, callable))
        return triggers[-1]

    def wait():
        waits.append(Deferred())
        return waits[-1]

    hand.addSystemEventTrigger, hand.removeSystemEventTrigger = add, triggers.remove
    pool.callInThreadWithCallback(lambda *result: results.put(result), blockingCallFromThread, hand, wait)
    hand.turn()
    assert [trigger[:2] for trigger in triggers] == [("during", "shutdown")]
    waits[0].callback("value")
    assert triggers == []
    assert results.get(timeout=PLENTY) == (True, "value")


def test_in_the_reactors_own_thread_it_says_what_to_do_instead(hand):
    running.enter(hand)
    try:
        with pytest.raises(RuntimeError, match=r"would wait for itself.*await f\(\.\.\.\)"):
            blockingCallFromThread(hand, int)
    finally:
        running.leave(hand)
    assert hand.wakes == 0


def test_whatever_interrupts_the_waiting_cancels_what_is_waited_for(hand, monkeypatch):
    class Interrupted:
        def put(self, result):
            pass

        def empty(self):
            return True

        def get(self):
            hand.turn()
            raise KeyboardInterrupt

    cancelled = []
    monkeypatch.setattr(threads, "SimpleQueue", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        blockingCallFromThread(hand, lambda: Deferred(cancelled.append))
    hand.turn()
    assert len(cancelled) == 1
