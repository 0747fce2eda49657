"""callLater and its kin on every driver, in real time of a few milliseconds."""

import threading
from contextvars import ContextVar
from decimal import Decimal

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred
from wirelab.reactor.interfaces import IReactorTime


def test_the_interface_holds(reactor):
    assert verifyObject(IReactorTime, reactor)


def test_calls_come_in_order_of_time(reactor, run_until):
    made, done = [], Deferred()
    reactor.callLater(0.02, made.append, "third")
    reactor.callLater(0.01, made.append, "second")
    reactor.callLater(0, made.append, "first")
    reactor.callLater(0.03, done.callback, None)
    run_until(done)
    assert made == ["first", "second", "third"]


def test_a_call_never_comes_early(reactor, run_until):
    done = Deferred()
    planned = reactor.seconds()
    reactor.callLater(0.0151, lambda: done.callback(reactor.seconds() - planned))
    assert run_until(done) >= 0.0151


def test_an_earlier_call_made_later_still_comes_first(reactor, run_until):
    made, done = [], Deferred()
    late = reactor.callLater(30, made.append, "late")
    reactor.callLater(0.005, made.append, "early")
    reactor.callLater(0.01, done.callback, None)
    run_until(done)
    assert made == ["early"]
    late.cancel()


def test_a_call_reset_from_a_callback_comes_at_its_new_time(reactor, run_until):
    done = Deferred()
    call = reactor.callLater(30, done.callback, "now")
    reactor.callLater(0.001, call.reset, 0.001)
    assert run_until(done) == "now"


def test_zero_delays_leave_room_for_descriptors(reactor, run_until):
    # A chain of callLater(0) must not starve the rest: another thread still gets its word in.
    done = Deferred()
    chain = []

    def again():
        chain.append(reactor.callLater(0, again))

    again()
    threading.Timer(0.005, reactor.callFromThread, [done.callback, None]).start()
    run_until(done)
    chain[-1].cancel()
    assert len(chain) > 2


def test_pending_calls_are_listed(reactor):
    first, second = reactor.callLater(10, print), reactor.callLater(20, print)
    assert set(reactor.getDelayedCalls()) == {first, second}
    first.cancel()
    assert reactor.getDelayedCalls() == [second]
    second.cancel()


def test_an_exception_is_told_with_its_origin_and_the_loop_goes_on(reactor, run_until, caplog):
    def broken_callback():
        raise LookupError("this one is on purpose")

    done = Deferred()
    reactor.callLater(0, broken_callback)
    reactor.callLater(0.001, done.callback, "went on")
    assert run_until(done) == "went on"
    (record,) = caplog.records
    assert record.name == "wirelab.reactor"
    assert "broken_callback raised LookupError" in record.getMessage()
    assert "this one is on purpose" in str(record.exc_info[1])


def test_calls_run_in_the_context_that_planned_them(reactor, run_until):
    cell = ContextVar("cell", default=None)
    seen, done = [], Deferred()
    cell.set(1)
    reactor.callLater(0, lambda: seen.append(cell.get()))
    cell.set(2)
    reactor.callFromThread(lambda: seen.append(cell.get()))
    cell.set(3)
    reactor.callLater(0.001, done.callback, None)
    run_until(done)
    assert sorted(seen) == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((-0.1, print), ValueError, r"callLater\(\) takes seconds that are 0 or more, not -0.1"),
        ((float("nan"), print), ValueError, "0 or more, not nan"),
        (("1x", print), TypeError, "seconds as a number, not '1x'"),
        ((print, 1), TypeError, "seconds as a number"),
        ((1, None), TypeError, r"callLater\(\) takes something to call after 1 s, not None"),
    ],
)
def test_wrong_arguments_name_what_is_right(reactor, arguments, error, words):
    with pytest.raises(error, match=words):
        reactor.callLater(*arguments)


def test_other_kinds_of_numbers_are_seconds_too(reactor, run_until):
    done = Deferred()
    reactor.callLater(Decimal("0.001"), done.callback, "made")
    assert run_until(done) == "made"


class TestCallsFromThreads:
    def test_they_are_made_in_the_thread_of_the_reactor(self, reactor, run_until):
        done = Deferred()

        def from_elsewhere():
            reactor.callFromThread(lambda: done.callback(threading.get_ident()))

        thread = threading.Thread(target=from_elsewhere)
        thread.start()
        assert run_until(done) == threading.get_ident()
        thread.join()

    def test_all_of_many_arrive_in_order(self, reactor, run_until):
        received, done = [], Deferred()

        def flood():
            for number in range(5_000):
                reactor.callFromThread(received.append, number)
            reactor.callFromThread(done.callback, None)

        thread = threading.Thread(target=flood)
        thread.start()
        run_until(done)
        thread.join()
        assert received == list(range(5_000))

    def test_a_call_made_before_the_run_waits_for_it(self, reactor, run_until):
        done = Deferred()
        reactor.callFromThread(done.callback, "made")
        assert run_until(done) == "made"

    def test_what_cannot_be_called_is_refused(self, reactor):
        with pytest.raises(TypeError, match=r"callFromThread\(\) takes something to call"):
            reactor.callFromThread(None)
