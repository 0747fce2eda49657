"""Threads that do jobs."""

import contextvars
import functools
import gc
import logging
import threading
import time
import weakref
from queue import SimpleQueue

import pytest

from wirelab.reactor import threadpool
from wirelab.reactor.defer import CancelledError
from wirelab.reactor.threadpool import ThreadPool

PLENTY = 20  # seconds: only a broken pool makes a test wait for so long


class Gate:
    """A job that runs until it is let go, and says when it has begun."""

    def __init__(self):
        self.begun = threading.Event()
        self._open = threading.Event()

    def __call__(self):
        self.begun.set()
        assert self._open.wait(PLENTY)
        return "let go"

    def open(self):
        self._open.set()


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def gates():
    made = [Gate() for _ in range(5)]
    yield made
    for gate in made:
        gate.open()


@pytest.fixture
def make():
    """Makes pools, started, and ends them after the test."""
    pools = []

    def make(minthreads=0, maxthreads=4, name="test"):
        pool = ThreadPool(minthreads, maxthreads, name)
        pools.append(pool)
        pool.start()
        return pool

    yield make
    for pool in pools:
        for thread in [] if pool.stop(PLENTY) else pool.threads:
            thread.join(PLENTY)


class Results:
    """An `onResult` that the test can wait on."""

    def __init__(self):
        self._queue = SimpleQueue()

    def __call__(self, is_success, result):
        self._queue.put((is_success, result))

    def get(self):
        return self._queue.get(timeout=PLENTY)

    def empty(self):
        return self._queue.empty()


@pytest.fixture
def results():
    return Results()


def settle(pool):
    """Wait until every thread of `pool` is idle."""
    end = threading.Event()
    while pool.working:
        end.wait(0.001)


# -- doing jobs ---------------------------------------------------------------------------------------


def test_a_job_is_done_with_its_arguments_in_a_thread_of_the_pool(make, results):
    pool = make(name="alpha")
    pool.callInThreadWithCallback(
        results, lambda *a, **k: (a, k, threading.current_thread()), 1, func=2, onResult=3
    )
    is_success, (args, kw, thread) = results.get()
    assert (is_success, args, kw) == (True, (1,), {"func": 2, "onResult": 3})
    assert thread in pool.threads
    assert thread.name == "alpha-1"
    assert thread.daemon


@pytest.mark.parametrize(
    "error", [KeyError("x"), SystemExit(3), KeyboardInterrupt(), StopIteration(1), GeneratorExit()], ids=repr
)
def test_whatever_a_job_raises_is_its_result_with_the_jobs_own_traceback(make, results, error):
    def job():
        raise error

    pool = make()
    pool.callInThreadWithCallback(results, job)
    is_success, failure = results.get()
    assert (is_success, failure.value) == (False, error)
    assert failure.tb.tb_frame.f_code is job.__code__
    pool.callInThreadWithCallback(results, lambda: "the thread lives on")
    assert results.get() == (True, "the thread lives on")
    assert pool.workers == 1


def test_without_a_callback_a_failure_is_logged(make, results, caplog):
    pool = make(maxthreads=1)
    pool.callInThread(lambda: {}["lost"])
    pool.callInThreadWithCallback(results, int)
    results.get()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info[0] is KeyError
    assert "raised in a thread" in record.getMessage()


def test_a_callback_that_raises_is_logged_and_the_thread_lives_on(make, results, caplog):
    pool = make(maxthreads=1)
    pool.callInThreadWithCallback(lambda *_: 1 / 0, int)
    pool.callInThreadWithCallback(results, int)
    assert results.get() == (True, 0)
    assert "the callback for the result of int raised" in caplog.text


def test_jobs_are_done_first_come_first_served(make, gate):
    pool = make(maxthreads=1)
    done = []
    pool.callInThread(gate)
    for number in range(50):
        pool.callInThread(done.append, number)
    gate.open()
    pool.stop()
    assert done == list(range(50))


def test_ten_thousand_jobs_queue_without_harm(make, gate):
    pool = make(maxthreads=2)
    done = []
    pool.callInThread(gate)
    jobs = [pool.callInThread(done.append, number) for number in range(10_000)]
    gate.open()
    pool.stop()
    assert sorted(done) == list(range(10_000))
    assert {job.state for job in jobs} == {"done"}


def test_what_cannot_be_called_is_refused(make):
    with pytest.raises(
        TypeError, match="takes something to call, not 0: pass the function and its arguments"
    ):
        make().callInThread(0)


def test_an_idle_thread_keeps_nothing_of_its_last_job(make, results):
    class Thing:
        pass

    thing = Thing()
    seen = weakref.ref(thing)
    pool = make()
    job = pool.callInThreadWithCallback(results, lambda x: None, thing)
    results.get()
    settle(pool)
    del thing
    gc.collect()
    assert seen() is None
    assert job.state == "done"


# -- contexts -----------------------------------------------------------------------------------------


def test_a_job_and_its_callback_run_in_a_copy_of_the_callers_context(make):
    cell = contextvars.ContextVar("cell", default=0)
    seen = SimpleQueue()

    def job():
        seen.put(cell.get())
        cell.set(99)

    def in_cell(number):
        cell.set(number)
        pool.callInThreadWithCallback(lambda *_: seen.put(cell.get()), job)
        return cell.get()

    pool = make(maxthreads=1)
    assert [contextvars.copy_context().run(in_cell, number) for number in (1, 2)] == [1, 2]
    assert [seen.get(timeout=PLENTY) for _ in range(4)] == [1, 99, 2, 99]
    assert cell.get() == 0


def test_the_log_of_a_failure_is_written_in_the_jobs_context(make, results):
    cell = contextvars.ContextVar("cell", default=0)
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(cell.get())

    handler = Handler()
    logging.getLogger("wirelab.reactor").addHandler(handler)
    pool = make(maxthreads=1)

    def in_cell():
        cell.set(5)
        pool.callInThread(lambda: 1 / 0)

    try:
        contextvars.copy_context().run(in_cell)
        pool.callInThreadWithCallback(results, int)
        results.get()
    finally:
        logging.getLogger("wirelab.reactor").removeHandler(handler)
    assert seen == [5]


# -- threads on demand --------------------------------------------------------------------------------


def test_a_started_pool_has_no_threads_until_there_is_a_job(make, results):
    pool = make(minthreads=3)
    assert (pool.workers, pool.threads) == (0, [])
    for _ in range(20):
        pool.callInThreadWithCallback(results, int)
        results.get()
        settle(pool)
    assert pool.workers == 1


def test_as_many_threads_as_jobs_at_a_time_but_never_more_than_the_limit(make, gates):
    pool = make(maxthreads=3)
    jobs = [pool.callInThread(gate) for gate in gates]
    for gate in gates[:3]:
        assert gate.begun.wait(PLENTY)
    assert (len(pool.working), len(pool.waiters), pool.workers) == (3, 0, 3)
    assert (set(pool.running), pool.queued) == (set(jobs[:3]), jobs[3:])
    for gate in gates:
        gate.open()
    for gate in gates[3:]:
        assert gate.begun.wait(PLENTY)
    settle(pool)
    assert (pool.workers, len(pool.waiters)) == (3, 3)


def test_a_job_that_waits_for_a_later_one_gets_it(make, results):
    pool = make(maxthreads=2)
    later = threading.Event()
    pool.callInThreadWithCallback(results, later.wait, PLENTY)
    pool.callInThread(later.set)
    assert results.get() == (True, True)


def test_a_higher_limit_takes_effect_on_the_queue_at_once(make, gates):
    pool = make(maxthreads=1)
    gates = gates[:3]
    for gate in gates:
        pool.callInThread(gate)
    pool.adjustPoolsize(maxthreads=3)
    for gate in gates:
        assert gate.begun.wait(PLENTY)
        gate.open()


def test_with_a_lower_limit_idle_threads_end_at_once_and_busy_ones_after_their_job(make, results, gates):
    pool = make(maxthreads=3)
    gates = gates[:3]
    for gate in gates:
        pool.callInThread(gate)
        assert gate.begun.wait(PLENTY)
    threads = pool.threads
    gates[0].open()
    end = threading.Event()
    while len(pool.waiters) < 1:
        end.wait(0.001)
    pool.adjustPoolsize(0, 1)
    threads[0].join(PLENTY)
    gates[1].open()
    threads[1].join(PLENTY)
    assert [thread.is_alive() for thread in threads] == [False, False, True]
    gates[2].open()
    pool.callInThreadWithCallback(results, threading.current_thread)
    assert results.get() == (True, threads[2])


@pytest.mark.parametrize(("minimum", "left"), [(0, 0), (1, 1)])
def test_idle_threads_beyond_the_minimum_end_after_a_while(make, monkeypatch, gates, minimum, left):
    monkeypatch.setattr(threadpool, "IDLE", 0.001)
    pool = make(minthreads=minimum, maxthreads=3)
    gates = gates[:3]
    for gate in gates:
        pool.callInThread(gate)
        assert gate.begun.wait(PLENTY)
    threads = pool.threads
    for gate in gates:
        gate.open()
    end = threading.Event()
    while pool.workers > left:
        end.wait(0.001)
    while sum(thread.is_alive() for thread in threads) > left:
        end.wait(0.001)
    assert pool.workers == left


def test_a_job_handed_over_in_the_moment_of_ending_is_not_lost(make, monkeypatch, results):
    monkeypatch.setattr(threadpool, "IDLE", 0.0)
    pool = make(maxthreads=1)
    for number in range(300):
        pool.callInThreadWithCallback(results, int, number)
        assert results.get() == (True, number)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((-1, 5), "0 or more threads, not minthreads=-1"),
        ((0, 0), "at least 1 thread to do a job, not maxthreads=0"),
        ((5, 2), "minthreads=5 is more than maxthreads=2"),
    ],
)
def test_sizes_that_make_no_pool_are_refused(make, sizes, message):
    with pytest.raises(ValueError, match=message):
        ThreadPool(*sizes)
    pool = make()
    with pytest.raises(ValueError, match=message):
        pool.adjustPoolsize(*sizes)
    assert (pool.min, pool.max) == (0, 4)


def test_when_the_system_has_no_thread_the_job_is_refused(make):
    pool = make()

    class NoThread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    pool.threadFactory = NoThread
    with pytest.raises(RuntimeError, match="can't start"):
        pool.callInThread(int)
    assert (pool.queued, pool.workers) == ([], 0)


def test_when_the_system_has_no_more_threads_those_that_exist_must_do(make, gate, results, caplog):
    pool = make()
    pool.callInThread(gate)

    class NoThread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    pool.threadFactory = NoThread
    pool.callInThreadWithCallback(results, int)
    assert "gets no more threads than it has" in caplog.text
    gate.open()
    assert results.get() == (True, 0)


# -- jobs as objects ----------------------------------------------------------------------------------


def test_a_job_knows_its_name_its_state_and_its_times(make, gate, results):
    pool = make(maxthreads=1)
    before = time.time()
    job, waiting = pool.callInThread(gate), pool.callInThreadWithCallback(results, threading.Event().wait, 0)
    assert gate.begun.wait(PLENTY)
    assert (job.state, waiting.state) == ("running", "queued")
    assert before <= job.startedAt <= time.time()
    assert (waiting.startedAt, job.finishedAt) == (None, None)
    assert waiting.name == "Event.wait"
    assert str(waiting) == "Event.wait (queued)"
    gate.open()
    results.get()
    settle(pool)
    assert (job.state, waiting.state) == ("done", "done")
    assert job.finishedAt >= job.startedAt


def test_a_failed_job_says_so(make, results):
    pool = make()
    job = pool.callInThreadWithCallback(results, lambda: 1 / 0)
    results.get()
    assert job.state == "failed"


def test_a_running_job_says_where_in_the_code_it_is(make, gate):
    pool = make()
    job = pool.callInThread(gate)
    assert gate.begun.wait(PLENTY)
    assert job.where().endswith("in Gate.__call__")
    assert "test_threadpool.py:" in job.where()
    gate.open()
    settle(pool)
    assert job.where() is None


def test_a_queued_job_can_be_cancelled_and_lets_go_of_everything(make, gate, results):
    class Thing:
        def __call__(self):
            raise AssertionError("it was called all the same")

    pool = make(maxthreads=1)
    pool.callInThread(gate)
    assert gate.begun.wait(PLENTY)
    thing = Thing()
    seen = weakref.ref(thing)
    job = pool.callInThreadWithCallback(results, thing)
    job.name = "thing"
    assert pool.queued == [job]
    assert job.cancel() is True
    assert (pool.queued, job.state) == ([], "cancelled")
    assert job.cancel() is False
    del thing
    gc.collect()
    assert seen() is None
    gate.open()
    pool.stop()
    assert results.empty()


def test_a_running_or_finished_job_cannot_be_cancelled(make, gate):
    pool = make()
    job = pool.callInThread(gate)
    assert gate.begun.wait(PLENTY)
    assert job.cancel() is False
    gate.open()
    settle(pool)
    assert job.cancel() is False
    assert job.state == "done"


def test_ten_thousand_jobs_are_cancelled_from_either_end(make, gate):
    pool = make(maxthreads=1)
    pool.callInThread(gate)
    assert gate.begun.wait(PLENTY)
    jobs = [pool.callInThread(int) for _ in range(10_000)]
    assert all(job.cancel() for job in reversed(jobs))
    assert pool.queued == []


@pytest.mark.parametrize(
    ("func", "name"),
    [(len, "len"), (Gate(), "Gate()"), (functools.partial(functools.partial(int), 1), "int")],
    ids=["function", "object", "partial"],
)
def test_a_job_is_named_after_what_is_called(func, name):
    assert ThreadPool().callInThread(func).name == name


# -- starting and stopping ----------------------------------------------------------------------------


def test_before_the_start_jobs_queue(results):
    pool = ThreadPool(0, 2)
    pool.callInThreadWithCallback(results, int, 5)
    assert (pool.workers, pool.started, pool.joined, len(pool.queued)) == (0, False, False, 1)
    pool.start()
    assert results.get() == (True, 5)
    pool.stop()
    assert (pool.started, pool.joined) == (False, True)


def test_stop_does_what_queues_and_ends_all_threads(make):
    pool = make(maxthreads=2)
    done = []
    for number in range(20):
        pool.callInThread(done.append, number)
    threads = pool.threads
    assert pool.stop() == []
    assert sorted(done) == list(range(20))
    assert (pool.workers, pool.threads) == (0, [])
    assert not any(thread.is_alive() for thread in threads)


def test_a_stopped_pool_takes_no_job_and_can_be_started_again(make, results):
    pool = make(name="beta")
    pool.stop()
    assert pool.stop() == []
    with pytest.raises(RuntimeError, match=r"'beta' stopped.*takes no more jobs: int was not called"):
        pool.callInThread(int)
    pool.start()
    pool.callInThreadWithCallback(results, int)
    assert results.get() == (True, 0)


def test_stopping_a_pool_that_was_never_started_cancels_its_jobs(results):
    pool = ThreadPool()
    job = pool.callInThreadWithCallback(results, int)
    assert pool.stop() == []
    is_success, failure = results.get()
    assert not is_success
    assert failure.check(CancelledError)
    assert job.state == "cancelled"


def test_a_stuck_job_is_named_with_its_place_and_given_up(make, gate, results, caplog):
    pool = make(maxthreads=1)
    stuck = pool.callInThread(gate)
    stuck.name = "the stuck one"
    queued = pool.callInThreadWithCallback(results, int)
    thread = pool.threads[0]
    assert gate.begun.wait(PLENTY)
    assert pool.stop(timeout=0) == [stuck]
    assert "the stuck one (" in caplog.text
    assert "test_threadpool.py" in caplog.text
    is_success, failure = results.get()
    assert not is_success
    assert "was stopped before int was called" in str(failure.value)
    assert queued.state == "cancelled"
    gate.open()
    thread.join(PLENTY)
    assert pool.workers == 0


def test_waiting_for_a_job_is_told_in_the_log(make, gate, monkeypatch, caplog):
    monkeypatch.setattr(threadpool, "PATIENCE", 0.001)

    class LetGo(logging.Handler):
        def emit(self, record):
            gate.open()

    handler = LetGo()
    threadpool.log.addHandler(handler)
    pool = make()
    pool.callInThread(gate).name = "slow one"
    try:
        assert gate.begun.wait(PLENTY)
        assert pool.stop() == []
    finally:
        threadpool.log.removeHandler(handler)
    assert "still waits for slow one (" in caplog.text


def test_a_job_may_stop_its_own_pool(make, results):
    pool = make()
    pool.callInThreadWithCallback(results, pool.stop)
    assert results.get() == (True, [])


# -- looking inside -----------------------------------------------------------------------------------


def test_repr_and_statistics_tell_what_the_pool_does(make, gate, caplog):
    pool = make(maxthreads=1, name="gamma")
    pool.callInThread(gate).name = "the gate"
    for _ in range(12):
        pool.callInThread(int)
    assert gate.begun.wait(PLENTY)
    assert repr(pool) == "<ThreadPool 'gamma' started, 1 of 1 threads busy (at most 1), 12 jobs queued>"
    with caplog.at_level(logging.INFO):
        pool.dumpStats()
    assert "queued: int, int" in caplog.text
    assert "and 2 more" in caplog.text
    assert "running: the gate (" in caplog.text
    assert repr(pool.running[0]).startswith("<Job the gate (")
    assert repr(ThreadPool()) == "<ThreadPool not started, 0 of 0 threads busy (at most 20), 0 jobs queued>"
