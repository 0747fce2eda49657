"""How many connections there may be."""

from __future__ import annotations

from typing import Any

from wirelab.protocols.policies import LimitConnectionsByPeer, LimitTotalConnectionsFactory
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.testing import StringTransport


def address(host: str = "192.0.2.1", port: int = 1000) -> IPv4Address:
    return IPv4Address("TCP", host, port)


def connect(factory: Any, host: str = "192.0.2.1", port: int = 1000) -> Any:
    """A connected protocol of `factory`, or None when it refuses."""
    protocol = factory.buildProtocol(address(host, port))
    if protocol is not None:
        protocol.makeConnection(StringTransport(peerAddress=address(host, port)))
    return protocol


def lose(protocol: Any) -> None:
    protocol.connectionLost(Failure(ConnectionDone()))


class Overflow(Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"full\r\n")
        self.transport.loseConnection()


def test_without_a_limit_all_may_come() -> None:
    factory = LimitTotalConnectionsFactory.forProtocol(Protocol)
    assert all(connect(factory) for _ in range(10))
    assert factory.connectionCount == 10


def test_beyond_the_limit_connections_are_refused_until_one_is_lost() -> None:
    factory = LimitTotalConnectionsFactory.forProtocol(Protocol)
    factory.connectionLimit = 2
    first, second = connect(factory), connect(factory)
    assert isinstance(first.wrappedProtocol, Protocol)
    assert connect(factory) is None
    lose(first)
    assert factory.connectionCount == 1
    assert connect(factory) is not None
    lose(second)


def test_beyond_the_limit_the_overflow_protocol_says_so() -> None:
    factory = LimitTotalConnectionsFactory.forProtocol(Protocol)
    factory.connectionLimit = 1
    factory.overflowProtocol = Overflow
    connect(factory)
    refused = connect(factory)
    assert refused.transport.value() == b"full\r\n"
    assert refused.transport.disconnecting
    assert refused.wrappedProtocol.factory is factory
    assert factory.connectionCount == 2
    lose(refused)
    assert factory.connectionCount == 1


def test_each_host_has_its_share() -> None:
    factory = LimitConnectionsByPeer(Factory.forProtocol(Protocol))
    assert factory.maxConnectionsPerPeer == 5
    factory.maxConnectionsPerPeer = 2
    mine = [connect(factory, port=port) for port in (1, 2, 3)]
    assert mine[2] is None
    assert connect(factory, "192.0.2.2") is not None
    assert factory.peerConnections == {"192.0.2.1": 2, "192.0.2.2": 1}
    lose(mine[0])
    assert connect(factory) is not None
    assert connect(factory) is None


def test_a_host_that_is_gone_is_forgotten() -> None:
    factory = LimitConnectionsByPeer(Factory.forProtocol(Protocol))
    for _ in range(20):
        lose(connect(factory))
    assert factory.peerConnections == {}
