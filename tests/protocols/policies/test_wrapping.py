"""A wrapped protocol cannot tell that it is wrapped, and its factory is told everything."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.protocols.policies import ProtocolWrapper, WrappingFactory
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    ITCPTransport,
    ITransport,
)
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.testing import StringTransport

ADDRESS = IPv4Address("TCP", "192.0.2.1", 4711)


class Inner(Protocol):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def connectionMade(self) -> None:
        self.seen.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.seen.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.seen.append(reason.type)


def wrapped(inner: type = Inner) -> tuple[WrappingFactory, ProtocolWrapper, Any, StringTransport]:
    factory = WrappingFactory(Factory.forProtocol(inner))
    wrapper = factory.buildProtocol(ADDRESS)
    transport = StringTransport()
    wrapper.makeConnection(transport)
    return factory, wrapper, wrapper.wrappedProtocol, transport


def test_the_wrapper_is_the_transport_of_the_one_and_the_protocol_of_the_other() -> None:
    factory, wrapper, inner, transport = wrapped()
    assert inner.transport is wrapper
    assert wrapper.transport is transport
    assert inner.factory is factory.wrappedFactory
    assert wrapper.factory is factory
    wrapper.dataReceived(b"in")
    inner.transport.write(b"1")
    inner.transport.writeSequence([b"2", b"3"])
    assert inner.seen == ["made", b"in"]
    assert transport.value() == b"123"
    assert inner.transport.getPeer() == transport.getPeer()
    assert inner.transport.getHost() == transport.getHost()


def test_it_provides_what_the_transport_provides() -> None:
    _, wrapper, _, _ = wrapped()
    for interface in (IProtocol, ITransport, IConsumer, IPushProducer):
        assert verifyObject(interface, wrapper)
    assert not ITCPTransport.providedBy(wrapper)


def test_the_rest_of_the_transport_is_there_too() -> None:
    _, wrapper, _, transport = wrapped()
    transport.anything = 5  # type: ignore[attr-defined]
    assert wrapper.anything == 5
    wrapper.pauseProducing()
    assert transport.producerState == "paused"
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = wrapper.no_such_thing
    with pytest.raises(AttributeError, match="no transport yet"):
        _ = ProtocolWrapper(None, None).anything


def test_closing_is_seen_from_both_sides() -> None:
    _, wrapper, inner, transport = wrapped()
    assert not wrapper.disconnecting
    inner.transport.loseConnection()
    assert wrapper.disconnecting and transport.disconnecting
    _, wrapper, inner, transport = wrapped()
    inner.transport.abortConnection()
    assert wrapper.disconnecting and transport.disconnected


def test_a_producer_is_registered_with_the_transport() -> None:
    _, _, inner, transport = wrapped()
    producer = object()
    inner.transport.registerProducer(producer, True)
    assert (transport.producer, transport.streaming) == (producer, True)
    inner.transport.unregisterProducer()
    assert transport.producer is None


def test_the_factory_knows_the_open_connections() -> None:
    factory, wrapper, inner, _ = wrapped()
    assert list(factory.protocols) == [wrapper]
    wrapper.connectionLost(Failure(ConnectionDone()))
    assert factory.protocols == {}
    assert inner.seen == ["made", ConnectionDone]
    assert wrapper.wrappedProtocol is None


def test_half_closing_reaches_the_protocol_inside_when_it_wants_to_know() -> None:
    @implementer(IHalfCloseableProtocol)
    class HalfCloseable(Inner):
        def readConnectionLost(self) -> None:
            self.seen.append("read lost")

        def writeConnectionLost(self) -> None:
            self.seen.append("write lost")

    _, wrapper, inner, _ = wrapped(HalfCloseable)
    assert IHalfCloseableProtocol.providedBy(wrapper)
    wrapper.readConnectionLost()
    wrapper.writeConnectionLost()
    assert inner.seen == ["made", "read lost", "write lost"]
    assert not IHalfCloseableProtocol.providedBy(wrapped()[1])


def test_both_are_named_in_the_log() -> None:
    factory, wrapper, _, _ = wrapped()
    assert wrapper.logPrefix() == "Inner (ProtocolWrapper)"
    assert factory.logPrefix() == "Factory (WrappingFactory)"


def test_a_refusal_stays_a_refusal() -> None:
    class Refusing(Factory):
        def buildProtocol(self, addr: Any) -> None:
            return None

    assert WrappingFactory(Refusing()).buildProtocol(ADDRESS) is None


def test_the_factory_inside_is_started_stopped_and_told_of_connecting() -> None:
    seen: list[Any] = []

    class Telling(ClientFactory):
        noisy = False

        def startFactory(self) -> None:
            seen.append("start")

        def stopFactory(self) -> None:
            seen.append("stop")

        def startedConnecting(self, connector: Any) -> None:
            seen.append(("started", connector))

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            seen.append(("failed", connector, reason))

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            seen.append(("lost", connector, reason))

    factory = WrappingFactory(Telling())
    assert verifyObject(IProtocolFactory, factory)
    factory.doStart()
    factory.startedConnecting(1)
    factory.clientConnectionFailed(1, 2)
    factory.clientConnectionLost(1, 3)
    factory.doStop()
    assert seen == ["start", ("started", 1), ("failed", 1, 2), ("lost", 1, 3), "stop"]


def test_wrappers_can_be_wrapped() -> None:
    factory = WrappingFactory(WrappingFactory(Factory.forProtocol(Inner)))
    outer = factory.buildProtocol(ADDRESS)
    transport = StringTransport()
    outer.makeConnection(transport)
    inner = outer.wrappedProtocol.wrappedProtocol
    outer.dataReceived(b"x")
    inner.transport.write(b"y")
    outer.connectionLost(Failure(ConnectionDone()))
    assert inner.seen == ["made", b"x", ConnectionDone]
    assert transport.value() == b"y"


def test_only_a_factory_is_wrapped() -> None:
    with pytest.raises(TypeError, match=r"WrappingFactory\(\) takes a factory with buildProtocol"):
        WrappingFactory(5)
