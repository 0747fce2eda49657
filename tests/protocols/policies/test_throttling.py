"""Octets a second, by a clock that is told the time; the figures are those of the documented behaviour."""

from __future__ import annotations

from typing import Any

from wirelab.protocols.policies import ThrottlingFactory
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.task import Clock
from wirelab.reactor.testing import StringTransport

ADDRESS = IPv4Address("TCP", "192.0.2.1", 4711)


class Producer:
    def __init__(self) -> None:
        self.state = "producing"

    def pauseProducing(self) -> None:
        self.state = "paused"

    def resumeProducing(self) -> None:
        self.state = "producing"

    def stopProducing(self) -> None:
        self.state = "stopped"


def throttled(clock: Clock, **limits: Any) -> ThrottlingFactory:
    factory = ThrottlingFactory(Factory.forProtocol(Protocol), **limits)
    factory.clock = clock
    return factory


def connect(factory: ThrottlingFactory) -> Any:
    protocol = factory.buildProtocol(ADDRESS)
    if protocol is not None:
        protocol.makeConnection(StringTransport())
    return protocol


def test_too_much_received_pauses_all_until_the_average_is_right() -> None:
    clock = Clock()
    factory = throttled(clock, readLimit=10)
    busy, idle = connect(factory), connect(factory)
    busy.dataReceived(b"x" * 25)
    clock.advance(1)
    assert [p.transport.producerState for p in (busy, idle)] == ["paused", "paused"]
    clock.advance(1.4)
    assert busy.transport.producerState == "paused"
    late = connect(factory)
    assert late.transport.producerState == "paused"
    clock.advance(0.1)
    assert [p.transport.producerState for p in (busy, idle, late)] == ["producing"] * 3


def test_as_much_as_the_limit_passes() -> None:
    clock = Clock()
    factory = throttled(clock, readLimit=10, writeLimit=10)
    protocol, producer = connect(factory), Producer()
    protocol.registerProducer(producer, True)
    for _ in range(5):
        protocol.dataReceived(b"x" * 10)
        protocol.writeSequence([b"y" * 5, b"y" * 5])
        clock.advance(1)
        assert protocol.transport.producerState == producer.state == "producing"


def test_too_much_written_pauses_the_producer() -> None:
    clock = Clock()
    protocol, producer = connect(throttled(clock, writeLimit=10)), Producer()
    protocol.registerProducer(producer, True)
    protocol.write(b"y" * 35)
    clock.advance(1)
    assert producer.state == "paused"
    clock.advance(2.5)
    assert producer.state == "producing"
    protocol.unregisterProducer()
    protocol.write(b"y" * 35)
    clock.advance(1)
    assert producer.state == "producing"


def test_a_protocol_that_paused_itself_is_not_resumed() -> None:
    clock = Clock()
    protocol = connect(throttled(clock, readLimit=10))
    protocol.dataReceived(b"x" * 20)
    protocol.pauseProducing()
    clock.advance(1)
    clock.advance(1)
    assert protocol.transport.producerState == "paused"
    protocol.resumeProducing()
    assert protocol.transport.producerState == "producing"
    protocol.dataReceived(b"x" * 30)
    clock.advance(1)
    protocol.resumeProducing()
    assert protocol.transport.producerState == "paused"


def test_there_may_be_only_so_many_connections() -> None:
    factory = throttled(Clock(), maxConnectionCount=2)
    first = connect(factory)
    connect(factory)
    assert connect(factory) is None
    first.connectionLost(Failure(ConnectionDone()))
    assert connect(factory) is not None


def test_without_connections_no_time_is_counted() -> None:
    clock = Clock()
    factory = throttled(clock, readLimit=10, writeLimit=10)
    assert clock.getDelayedCalls() == []
    for _ in range(2):
        protocol = connect(factory)
        protocol.dataReceived(b"x" * 100)
        protocol.write(b"x" * 100)
        clock.advance(1)
        assert clock.getDelayedCalls() != []
        protocol.connectionLost(Failure(ConnectionDone()))
        assert clock.getDelayedCalls() == []


def test_without_limits_no_time_is_counted() -> None:
    clock = Clock()
    connect(throttled(clock))
    assert clock.getDelayedCalls() == []
