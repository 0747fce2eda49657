"""Connections that end when nothing happens, by a clock that is told the time."""

from __future__ import annotations

from typing import Any

import pytest

from wirelab.protocols.policies import TimeoutFactory, TimeoutMixin
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.task import Clock
from wirelab.reactor.testing import StringTransport, StringTransportWithDisconnection

ADDRESS = IPv4Address("TCP", "192.0.2.1", 4711)


class Timed(TimeoutMixin, Protocol):
    def __init__(self, clock: Clock) -> None:
        self.callLater = clock.callLater  # type: ignore[method-assign, assignment]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(clock: Clock) -> Timed:
    protocol = Timed(clock)
    protocol.makeConnection(StringTransport())
    return protocol


def test_no_limit_is_set_at_first(timed: Timed, clock: Clock) -> None:
    assert timed.timeOut is None
    timed.resetTimeout()
    assert clock.getDelayedCalls() == []


def test_the_connection_is_closed_when_the_time_is_over(timed: Timed, clock: Clock) -> None:
    assert timed.setTimeout(5) is None
    assert timed.timeOut == 5
    clock.advance(4.9)
    assert not timed.transport.disconnecting
    clock.advance(0.1)
    assert timed.transport.disconnecting
    timed.resetTimeout()
    assert clock.getDelayedCalls() == []


def test_a_reset_counts_from_the_beginning(timed: Timed, clock: Clock) -> None:
    timed.setTimeout(5)
    for _ in range(4):
        clock.advance(4)
        timed.resetTimeout()
    assert not timed.transport.disconnecting
    clock.advance(5)
    assert timed.transport.disconnecting


def test_a_new_limit_replaces_the_one_before_and_none_takes_it_away(timed: Timed, clock: Clock) -> None:
    timed.setTimeout(5)
    assert timed.setTimeout(9) == 5
    clock.advance(8)
    assert not timed.transport.disconnecting
    assert timed.setTimeout(None) == 9
    assert clock.getDelayedCalls() == []
    timed.resetTimeout()
    clock.advance(100)
    assert not timed.transport.disconnecting
    assert timed.setTimeout(0) is None
    clock.advance(0)
    assert timed.transport.disconnecting


def test_what_happens_then_can_be_overridden(clock: Clock) -> None:
    class Patient(Timed):
        told = 0

        def timeoutConnection(self) -> None:
            self.told += 1
            self.setTimeout(1)

    patient = Patient(clock)
    patient.makeConnection(StringTransport())
    patient.setTimeout(1)
    clock.pump([1, 1, 1])
    assert patient.told == 3
    patient.setTimeout(None)


def test_the_clock_is_the_one_of_the_transport(clock: Clock) -> None:
    class Plain(TimeoutMixin, Protocol):
        pass

    plain = Plain()
    transport = StringTransport()
    transport.reactor = clock  # type: ignore[attr-defined]
    plain.makeConnection(transport)
    plain.setTimeout(3)
    clock.advance(3)
    assert transport.disconnecting


# -- the factory --------------------------------------------------------------------------------------


def timeout_factory(clock: Clock, period: float = 5) -> TimeoutFactory:
    factory = TimeoutFactory(Factory.forProtocol(Protocol), period)
    factory.clock = clock
    return factory


def connect(factory: TimeoutFactory) -> Any:
    protocol = factory.buildProtocol(ADDRESS)
    transport = StringTransportWithDisconnection()
    transport.protocol = protocol
    protocol.makeConnection(transport)
    return protocol


def test_an_idle_connection_is_closed(clock: Clock) -> None:
    protocol = connect(timeout_factory(clock))
    clock.advance(5)
    assert not protocol.transport.connected
    assert clock.getDelayedCalls() == []


def test_every_sign_of_life_counts(clock: Clock) -> None:
    protocol = connect(timeout_factory(clock))
    for sign in (
        lambda: protocol.dataReceived(b"x"),
        lambda: protocol.write(b"y"),
        lambda: protocol.writeSequence([b"z"]),
        protocol.resetTimeout,
    ):
        clock.advance(4)
        sign()
    assert protocol.transport.connected
    clock.advance(5)
    assert not protocol.transport.connected


def test_half_an_hour_is_the_default() -> None:
    assert TimeoutFactory(Factory.forProtocol(Protocol)).timeoutPeriod == 1800


def test_a_protocol_that_is_never_connected_waits_for_nothing(clock: Clock) -> None:
    timeout_factory(clock).buildProtocol(ADDRESS)
    assert clock.getDelayedCalls() == []


def test_a_lost_connection_waits_for_nothing(clock: Clock) -> None:
    protocol = connect(timeout_factory(clock))
    protocol.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []


def test_the_period_can_be_changed_and_taken_away(clock: Clock) -> None:
    protocol = connect(timeout_factory(clock))
    protocol.setTimeout(9)
    clock.advance(8)
    protocol.setTimeout()
    clock.advance(8)
    protocol.cancelTimeout()
    protocol.cancelTimeout()
    protocol.resetTimeout()
    clock.advance(100)
    assert protocol.transport.connected


def test_what_happens_on_time_can_be_overridden(clock: Clock) -> None:
    factory = timeout_factory(clock)

    class Telling(factory.protocol):  # type: ignore[misc, name-defined]
        def timeoutFunc(self) -> None:
            self.wrappedProtocol.transport.write(b"still there?")

    factory.protocol = Telling
    protocol = connect(factory)
    clock.advance(5)
    assert protocol.transport.value() == b"still there?"
    protocol.connectionLost(Failure(ConnectionDone()))
