"""The global reactor: importing it does nothing, using it finds the right one."""

import subprocess
import sys

import pytest

from wirelab.reactor import proxy, running
from wirelab.reactor.core import Reactor
from wirelab.reactor.error import ReactorAlreadyInstalledError
from wirelab.reactor.interfaces import IReactorCore, IReactorTCP
from wirelab.reactor.proxy import ReactorProxy


@pytest.fixture
def stand_in():
    stand_in = ReactorProxy()
    yield stand_in
    if stand_in._installed is not None:
        stand_in._installed.close()


def test_importing_it_makes_no_reactor():
    program = "from wirelab.reactor import reactor; print(reactor)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout == "<reactor, not used yet>\n"


def test_first_use_makes_one_and_keeps_it(stand_in):
    assert stand_in.callLater == stand_in._installed.callLater
    assert isinstance(stand_in._installed, Reactor)


def test_it_stands_for_the_reactor_that_runs_here(stand_in, reactor):
    seen = []
    reactor.callWhenRunning(lambda: seen.append(stand_in.callLater.__self__))
    reactor.callWhenRunning(reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert seen == [reactor]
    assert stand_in._installed is None


def test_it_provides_what_the_reactor_provides(stand_in, reactor):
    running.enter(reactor)
    try:
        assert IReactorCore.providedBy(stand_in)
        assert IReactorTCP.providedBy(stand_in)
    finally:
        running.leave(reactor)


def test_setting_an_attribute_sets_it_on_the_reactor(stand_in, reactor):
    running.enter(reactor)
    try:
        stand_in.note = "mine"
    finally:
        running.leave(reactor)
    assert reactor.note == "mine"


def test_another_one_cannot_be_installed_after_use(monkeypatch, reactor):
    stand_in = ReactorProxy()
    monkeypatch.setattr(proxy, "reactor", stand_in)
    proxy.install(reactor)
    proxy.install(reactor)
    assert stand_in.driver is reactor.driver
    other = Reactor()
    with pytest.raises(ReactorAlreadyInstalledError, match="in use already"):
        proxy.install(other)
    other.close()


def test_a_missing_attribute_is_named(stand_in, reactor):
    running.enter(reactor)
    try:
        with pytest.raises(AttributeError, match="callSooner"):
            stand_in.callSooner  # noqa: B018  # the question is what is under test
    finally:
        running.leave(reactor)
