"""run, stop, run again; crash, iterate, events, and what a host's loop changes."""

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor import running
from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred, succeed
from wirelab.reactor.error import ReactorAlreadyRunning, ReactorNotRunning
from wirelab.reactor.interfaces import IReactorCore
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol


def test_the_interface_holds(reactor):
    assert verifyObject(IReactorCore, reactor)


def test_run_stop_and_run_again(reactor):
    turns = []
    for number in range(3):
        reactor.callLater(0.001, turns.append, number)
        reactor.callLater(0.002, reactor.stop)
        reactor.run(installSignalHandlers=False)
    assert turns == [0, 1, 2]


def test_running_is_true_between_start_up_and_shut_down(reactor):
    seen = {}

    def note(when):
        seen[when] = (reactor.running, running.current() is reactor)

    reactor.addSystemEventTrigger("before", "startup", note, "before startup")
    reactor.addSystemEventTrigger("after", "startup", note, "after startup")
    reactor.addSystemEventTrigger("before", "shutdown", note, "before shutdown")
    reactor.callWhenRunning(reactor.stop)
    reactor.run(installSignalHandlers=False)
    note("afterwards")
    assert seen == {
        "before startup": (False, True),
        "after startup": (True, True),
        "before shutdown": (False, True),
        "afterwards": (False, False),
    }


def test_stop_waits_for_deferreds_of_the_before_phase(reactor):
    order, goodbye = [], Deferred()
    reactor.addSystemEventTrigger("before", "shutdown", lambda: goodbye)
    reactor.addSystemEventTrigger("during", "shutdown", order.append, "during")
    reactor.callWhenRunning(reactor.stop)
    reactor.callLater(0.005, lambda: (order.append("said goodbye"), goodbye.callback(None)))
    reactor.run(installSignalHandlers=False)
    assert order == ["said goodbye", "during"]


def test_phases_come_in_order_and_once(reactor):
    order = []
    for phase in ("after", "during", "before"):
        reactor.addSystemEventTrigger(phase, "feast", order.append, phase)
    reactor.fireSystemEvent("feast")
    reactor.fireSystemEvent("feast")
    assert order == ["before", "during", "after"]


def test_a_trigger_that_fails_or_gives_a_result_stops_no_other(reactor, caplog):
    order = []

    def broken():
        raise RuntimeError("on purpose")

    reactor.addSystemEventTrigger("before", "feast", broken)
    reactor.addSystemEventTrigger("before", "feast", lambda: succeed(1))
    reactor.addSystemEventTrigger("after", "feast", order.append, "after")
    reactor.fireSystemEvent("feast")
    assert order == ["after"]
    assert "broken" in caplog.text


def test_a_trigger_can_be_taken_back_once(reactor):
    order = []
    trigger = reactor.addSystemEventTrigger("before", "feast", order.append, 1)
    reactor.removeSystemEventTrigger(trigger)
    reactor.fireSystemEvent("feast")
    assert order == []
    with pytest.raises(ValueError, match="removed or fired already"):
        reactor.removeSystemEventTrigger(trigger)
    with pytest.raises(TypeError, match="takes what addSystemEventTrigger"):
        reactor.removeSystemEventTrigger("trigger")


def test_a_phase_that_does_not_exist_is_named(reactor):
    with pytest.raises(KeyError, match="'before', 'during' and 'after', not 'beside'"):
        reactor.addSystemEventTrigger("beside", "startup", print)
    with pytest.raises(TypeError, match="something to call, not None"):
        reactor.addSystemEventTrigger("before", "startup", None)


def test_call_when_running_calls_at_once_when_it_runs(reactor):
    order = []

    def inside():
        assert reactor.callWhenRunning(order.append, "at once") is None
        order.append("then")
        reactor.stop()

    reactor.callWhenRunning(inside)
    reactor.run(installSignalHandlers=False)
    assert order == ["at once", "then"]


def test_stopping_what_does_not_run_is_refused(reactor):
    with pytest.raises(ReactorNotRunning, match="does not run"):
        reactor.stop()


def test_stopping_twice_is_refused(reactor):
    refused = []

    def twice():
        reactor.stop()
        with pytest.raises(ReactorNotRunning, match="is stopping already") as told:
            reactor.stop()
        refused.append(told)

    reactor.callWhenRunning(twice)
    reactor.run(installSignalHandlers=False)
    assert refused


def test_crash_ends_the_run_without_triggers(reactor):
    order = []
    trigger = reactor.addSystemEventTrigger("before", "shutdown", order.append, "shutdown")
    reactor.callWhenRunning(reactor.crash)
    reactor.run(installSignalHandlers=False)
    assert order == []
    assert not reactor.running
    reactor.removeSystemEventTrigger(trigger)


def test_iterate_runs_what_is_due(reactor):
    made = []
    reactor.callLater(0, made.append, 1)
    reactor.callFromThread(made.append, 2)
    for _ in range(3):
        reactor.iterate()
    assert sorted(made) == [1, 2]


def test_iterate_waits_no_longer_than_told(reactor):
    began = reactor.seconds()
    reactor.iterate(0.01)
    assert reactor.seconds() - began < 5


@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_raised_in_a_callback_is_an_orderly_end(reactor, ending):
    order = []

    def leave():
        raise ending

    reactor.addSystemEventTrigger("before", "shutdown", order.append, "shutdown")
    reactor.callLater(0, leave)
    with pytest.raises(type(ending)) as left:
        reactor.run(installSignalHandlers=False)
    assert left.value is ending
    assert order == ["shutdown"]


def test_stopping_closes_what_is_open(reactor):
    lost = []

    class Open(Protocol):
        def connectionLost(self, reason):
            lost.append(reason.value)

    class Stopping(Open):
        def connectionMade(self):
            reactor.stop()

    port = reactor.listenTCP(0, Factory.forProtocol(Stopping), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Open))
    reactor.run(installSignalHandlers=False)
    assert reactor.opened == {}
    assert port.state == "closed"
    assert "the reactor was stopped" in str(lost[0])


def test_calls_still_pending_at_a_stop_are_made_in_the_next_run(reactor):
    made = []
    reactor.callLater(0.01, made.append, "kept")
    reactor.callLater(0.02, reactor.stop)
    reactor.callWhenRunning(reactor.crash)
    reactor.run(installSignalHandlers=False)
    assert made == []
    reactor.run(installSignalHandlers=False)
    assert made == ["kept"]


def test_a_run_inside_a_run_is_refused_or_over_at_once(reactor, capsys):
    told = []

    def again():
        try:
            reactor.run()
        except ReactorAlreadyRunning as error:
            told.append(str(error))
        reactor.stop()

    reactor.callWhenRunning(reactor.callLater, 0, again)
    reactor.run(installSignalHandlers=False)
    # On a loop of asyncio somebody else may be running it, and then there is nothing wrong.
    told.append(capsys.readouterr().out)
    assert "runs already" in told[0] or "already running" in told[0]


def test_a_driver_is_what_a_reactor_takes():
    with pytest.raises(TypeError, match=r"Reactor\(EpollDriver\(\)\), not 'epoll'"):
        Reactor("epoll")
