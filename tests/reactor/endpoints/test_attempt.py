"""One attempt to connect: how the user's protocol, and the one who waits for it, hear of it."""

from __future__ import annotations

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address
from wirelab.reactor.endpoints import TCP4ClientEndpoint, connectProtocol
from wirelab.reactor.error import (
    ConnectingCancelledError,
    ConnectionRefusedError,
    NoProtocol,
    NotConnectingError,
    UserError,
)
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IHalfCloseableProtocol, IProtocol, IProtocolFactory
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.testing import RaisingMemoryReactor, StringTransport

PEER = IPv4Address("TCP", "127.0.0.1", 80)


class Attempted:
    """A connect of a `TCP4ClientEndpoint` on a memory reactor, with what the reactor was handed."""

    def __init__(self, reactor, factory) -> None:
        self.result = TCP4ClientEndpoint(reactor, "127.0.0.1", 80).connect(factory)
        self.outcome: list[object] = []
        self.result.addBoth(self.outcome.append)
        self.factory = reactor.tcpClients[-1][2]
        self.connector = reactor.connectors[-1]

    def connect(self, transport=None):
        """Do what a reactor does when the connection is there."""
        protocol = self.factory.buildProtocol(PEER)
        if protocol is not None:
            protocol.makeConnection(transport or StringTransport())
        return protocol


class Greeting(Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"hello")


@pytest.fixture
def attempted(memory_reactor) -> Attempted:
    return Attempted(memory_reactor, Factory.forProtocol(Greeting))


def test_the_result_is_the_protocol_after_its_connection_was_made(attempted: Attempted) -> None:
    transport = StringTransport()
    protocol = attempted.factory.buildProtocol(PEER)
    assert attempted.outcome == []
    protocol.makeConnection(transport)
    assert attempted.outcome == [protocol]
    assert transport.value() == b"hello"


def test_nothing_stands_between_protocol_and_transport(attempted: Attempted) -> None:
    protocol = attempted.connect()
    assert type(protocol) is Greeting
    assert "makeConnection" not in vars(protocol)
    protocol.makeConnection(StringTransport())  # and nothing is fired twice
    assert attempted.outcome == [protocol]


def test_what_is_no_protocol_is_the_failure(memory_reactor) -> None:
    class Broken(Factory):
        def buildProtocol(self, addr):
            return 5

    attempted = Attempted(memory_reactor, Broken())
    assert attempted.factory.buildProtocol(PEER) is None
    (failure,) = attempted.outcome
    assert failure.type is TypeError
    assert failure.getErrorMessage() == (
        "Broken.buildProtocol() gave 5, which is no protocol: it has no makeConnection()"
    )


def test_a_method_that_was_covered_before_is_put_back(memory_reactor) -> None:
    made = []

    class Covered(Factory):
        def buildProtocol(self, addr):
            protocol = Protocol()
            protocol.makeConnection = made.append
            return protocol

    attempted = Attempted(memory_reactor, Covered())
    transport = StringTransport()
    protocol = attempted.connect(transport)
    assert protocol.makeConnection == made.append
    assert made == [transport]
    assert attempted.outcome == [protocol]


@implementer(IProtocol, IHalfCloseableProtocol)
class Slotted:
    """A protocol that takes no attributes."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        self.told = []

    def makeConnection(self, transport) -> None:
        self.told.append("made")

    def connectionMade(self) -> None: ...

    def dataReceived(self, data: bytes) -> None:
        self.told.append(data)

    def connectionLost(self, reason) -> None: ...

    def readConnectionLost(self) -> None: ...

    def writeConnectionLost(self) -> None: ...


def test_a_protocol_with_slots_is_relayed_to(memory_reactor) -> None:
    slotted = Slotted()

    class Giving(Factory):
        def buildProtocol(self, addr):
            return slotted

    attempted = Attempted(memory_reactor, Giving())
    relay = attempted.connect()
    verifyObject(IProtocol, relay)
    assert IHalfCloseableProtocol.providedBy(relay)
    relay.dataReceived(b"x")
    assert slotted.told == ["made", b"x"]
    assert len(attempted.outcome) == 1


def test_a_failure_of_the_network_is_the_result(attempted: Attempted) -> None:
    reason = Failure(ConnectionRefusedError())
    attempted.factory.clientConnectionFailed(attempted.connector, reason)
    assert attempted.outcome == [reason]


def test_a_factory_without_a_protocol_is_told(memory_reactor) -> None:
    class Refusing(Factory):
        def buildProtocol(self, addr):
            return None

    attempted = Attempted(memory_reactor, Refusing())
    assert attempted.connect() is None
    assert attempted.outcome[0].check(NoProtocol)
    assert "has no protocol for 127.0.0.1:80" in str(attempted.outcome[0].value)


def test_a_factory_that_raises_is_told(memory_reactor) -> None:
    class Raising(Factory):
        def buildProtocol(self, addr):
            raise ZeroDivisionError

    attempted = Attempted(memory_reactor, Raising())
    assert attempted.connect() is None
    assert attempted.outcome[0].check(ZeroDivisionError)


def test_a_protocol_that_cannot_begin_is_told_and_its_connection_dropped(memory_reactor) -> None:
    class Failing(Protocol):
        def connectionMade(self) -> None:
            raise ZeroDivisionError

    attempted = Attempted(memory_reactor, Factory.forProtocol(Failing))
    transport = StringTransport()
    attempted.connect(transport)
    assert attempted.outcome[0].check(ZeroDivisionError)
    assert transport.disconnected


def test_the_end_of_the_connection_is_not_the_attempts_business(attempted: Attempted) -> None:
    protocol = attempted.connect()
    attempted.factory.clientConnectionLost(attempted.connector, Failure(UserError()))
    assert attempted.outcome == [protocol]


# -- cancelling ---------------------------------------------------------------------------------------


def test_cancelling_stops_the_attempt(attempted: Attempted) -> None:
    attempted.result.cancel()
    assert attempted.connector.stoppedConnecting
    assert attempted.outcome[0].check(ConnectingCancelledError)
    assert attempted.outcome[0].value.address == PEER


def test_what_the_connector_says_after_cancelling_is_ignored(attempted: Attempted) -> None:
    attempted.result.cancel()
    attempted.factory.clientConnectionFailed(attempted.connector, Failure(UserError()))
    assert len(attempted.outcome) == 1


def test_cancelling_in_the_moment_in_which_it_ends_is_no_error(attempted: Attempted) -> None:
    def stopConnecting() -> None:
        raise NotConnectingError

    attempted.connector.stopConnecting = stopConnecting
    attempted.result.cancel()
    assert attempted.outcome[0].check(ConnectingCancelledError)


def test_a_reactor_that_tells_the_factory_of_no_connector_is_stopped_too(memory_reactor) -> None:
    class Quiet:
        def connectTCP(self, host, port, factory, **options):
            return memory_reactor.connectTCP(host, port, ClientFactory())

    outcome = []
    result = TCP4ClientEndpoint(Quiet(), "127.0.0.1", 80).connect(Factory())
    result.addErrback(outcome.append)
    result.cancel()
    assert memory_reactor.connectors[0].stoppedConnecting
    assert outcome[0].check(ConnectingCancelledError)


def test_an_attempt_without_any_connector_can_be_cancelled() -> None:
    class Silent:
        def connectTCP(self, host, port, factory, **options):
            return None

    outcome = []
    result = TCP4ClientEndpoint(Silent(), "127.0.0.1", 80).connect(Factory())
    result.addErrback(outcome.append)
    result.cancel()
    assert outcome[0].check(ConnectingCancelledError)


def test_a_connection_that_comes_after_cancelling_is_dropped(attempted: Attempted) -> None:
    protocol = attempted.factory.buildProtocol(PEER)
    attempted.result.cancel()
    protocol.makeConnection(transport := StringTransport())
    assert transport.disconnected
    assert len(attempted.outcome) == 1


def test_a_reactor_that_raises_is_the_result() -> None:
    refusing = RaisingMemoryReactor(connectException=OSError("no"))
    outcome = []
    TCP4ClientEndpoint(refusing, "127.0.0.1", 80).connect(Factory()).addErrback(outcome.append)
    assert outcome[0].check(OSError)


# -- the user's factory -------------------------------------------------------------------------------


def test_the_factory_hears_that_it_is_used(memory_reactor) -> None:
    told = []

    class Telling(ClientFactory):
        def doStart(self) -> None:
            told.append("start")

        def doStop(self) -> None:
            told.append("stop")

        def logPrefix(self) -> str:
            return "telling"

    attempted = Attempted(memory_reactor, Telling())
    verifyObject(IProtocolFactory, attempted.factory)
    attempted.factory.doStart()
    attempted.factory.doStop()
    assert told == ["start", "stop"]
    assert attempted.factory.logPrefix() == "telling"


def test_a_factory_without_a_prefix_is_called_by_its_class(memory_reactor) -> None:
    class Bare:
        def buildProtocol(self, addr): ...

    assert Attempted(memory_reactor, Bare()).factory.logPrefix() == "Bare"


# -- connectProtocol ----------------------------------------------------------------------------------


def test_connect_protocol_connects_the_one_it_is_given(memory_reactor) -> None:
    protocol = Greeting()
    outcome = []
    result = connectProtocol(TCP4ClientEndpoint(memory_reactor, "127.0.0.1", 80), protocol)
    result.addBoth(outcome.append)
    factory = memory_reactor.tcpClients[0][2]
    factory.doStart()
    assert factory.buildProtocol(PEER) is protocol
    protocol.makeConnection(StringTransport())
    factory.doStop()
    assert outcome == [protocol]


def test_connect_protocol_can_be_cancelled(memory_reactor) -> None:
    outcome = []
    result = connectProtocol(TCP4ClientEndpoint(memory_reactor, "127.0.0.1", 80), Protocol())
    result.addBoth(outcome.append)
    result.cancel()
    assert memory_reactor.connectors[0].stoppedConnecting
    assert outcome[0].check(ConnectingCancelledError)


def test_connect_protocol_wants_an_instance(memory_reactor) -> None:
    outcome = []
    connectProtocol(TCP4ClientEndpoint(memory_reactor, "127.0.0.1", 80), Greeting).addErrback(outcome.append)
    assert outcome[0].check(TypeError)
    assert "call it, Greeting()" in str(outcome[0].value)
    assert memory_reactor.tcpClients == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda endpoint: endpoint.connect(Greeting),
            "connect() takes a factory, not the protocol class Greeting: try Factory.forProtocol(Greeting)",
        ),
        (
            lambda endpoint: connectProtocol(5, Greeting()),
            "connectProtocol() takes a client endpoint first, not 5",
        ),
    ],
)
def test_a_wrong_argument_is_the_failure(memory_reactor, call, message) -> None:
    outcome = []
    call(TCP4ClientEndpoint(memory_reactor, "127.0.0.1", 80)).addBoth(outcome.append)
    assert outcome[0].type is TypeError
    assert outcome[0].getErrorMessage().startswith(message)
