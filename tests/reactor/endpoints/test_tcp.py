"""The endpoints of one TCP port, on fakes and on loopback."""

from __future__ import annotations

import os
import socket

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address, IPv6Address
from wirelab.reactor.endpoints import (
    AdoptedStreamServerEndpoint,
    HostnameEndpoint,
    InvalidHostNameError,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from wirelab.reactor.error import (
    AlreadyListened,
    CannotListenError,
    ConnectError,
    ConnectingCancelledError,
    UnsupportedAddressFamily,
)
from wirelab.reactor.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.testing import RaisingMemoryReactor, SynchronousResolver


def has_ipv6_loopback() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no IPv6 loopback")


def outcome_of(deferred) -> list[object]:
    outcome: list[object] = []
    deferred.addBoth(outcome.append)
    return outcome


# -- on fakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kept", "shown"),
    [
        (lambda r: TCP4ServerEndpoint(r, 80), (80, 50, ""), "<TCP4ServerEndpoint :80>"),
        (
            lambda r: TCP4ServerEndpoint(r, 80, 5, "1.2.3.4"),
            (80, 5, "1.2.3.4"),
            "<TCP4ServerEndpoint 1.2.3.4:80>",
        ),
        (lambda r: TCP6ServerEndpoint(r, 80), (80, 50, "::"), "<TCP6ServerEndpoint [::]:80>"),
        (
            lambda r: TCP6ServerEndpoint(r, 80, interface="::1"),
            (80, 50, "::1"),
            "<TCP6ServerEndpoint [::1]:80>",
        ),
    ],
)
def test_listening_asks_the_reactor(memory_reactor, make, kept, shown) -> None:
    endpoint, factory = make(memory_reactor), Factory()
    verifyObject(IStreamServerEndpoint, endpoint)
    assert repr(endpoint) == shown
    assert outcome_of(endpoint.listen(factory)) == memory_reactor.ports
    assert memory_reactor.tcpServers == [(kept[0], factory, *kept[1:])]


def test_a_port_that_cannot_be_opened_is_an_errback() -> None:
    refusal = CannotListenError("", 80, OSError(13, "Permission denied"))
    outcome = outcome_of(TCP4ServerEndpoint(RaisingMemoryReactor(refusal), 80).listen(Factory()))
    assert outcome[0].value is refusal


@pytest.mark.parametrize(
    ("make", "kept", "shown"),
    [
        (lambda r: TCP4ClientEndpoint(r, "h", 80), ("h", 80, 30, None), "<TCP4ClientEndpoint h:80>"),
        (
            lambda r: TCP4ClientEndpoint(r, "1.2.3.4", 80, timeout=3, bindAddress=("5.6.7.8", 9)),
            ("1.2.3.4", 80, 3, ("5.6.7.8", 9)),
            "<TCP4ClientEndpoint 1.2.3.4:80>",
        ),
        (
            lambda r: TCP4ClientEndpoint(r, "h", 80, bindAddress="5.6.7.8"),
            ("h", 80, 30, ("5.6.7.8", 0)),
            "<TCP4ClientEndpoint h:80>",
        ),
        (
            lambda r: TCP6ClientEndpoint(r, "::1", 80, bindAddress=b"::1"),
            ("::1", 80, 30, ("::1", 0)),
            "<TCP6ClientEndpoint [::1]:80>",
        ),
    ],
)
def test_connecting_asks_the_reactor(memory_reactor, make, kept, shown) -> None:
    endpoint = make(memory_reactor)
    verifyObject(IStreamClientEndpoint, endpoint)
    assert repr(endpoint) == shown
    assert outcome_of(endpoint.connect(Factory())) == []
    (asked,) = memory_reactor.tcpClients
    assert (asked[0], asked[1], *asked[3:]) == kept


def test_tcp6_looks_names_up_for_ipv6_only(memory_reactor) -> None:
    memory_reactor.nameResolver = SynchronousResolver(["127.0.0.1", "::1", "::2"])
    outcome = outcome_of(TCP6ClientEndpoint(memory_reactor, "h", 80, 5).connect(Factory()))
    assert [asked[0] for asked in memory_reactor.tcpClients] == ["::1"]
    memory_reactor.advance(0.25)
    assert [asked[0] for asked in memory_reactor.tcpClients] == ["::1", "::2"]
    assert outcome == []


def test_tcp6_refuses_names_that_no_host_can_have(memory_reactor) -> None:
    outcome = outcome_of(TCP6ClientEndpoint(memory_reactor, "a..b", 80).connect(Factory()))
    assert outcome[0].check(InvalidHostNameError)


PORTS = [TCP4ServerEndpoint, TCP6ServerEndpoint]
HOSTS = [TCP4ClientEndpoint, TCP6ClientEndpoint, HostnameEndpoint]


@pytest.mark.parametrize(
    ("port", "error", "says"),
    [
        ("80", TypeError, r"\(\) takes the port as int, not str: '80'"),
        (None, TypeError, r"\(\) takes the port as int, not NoneType: None"),
        (True, TypeError, r"\(\) takes the port as int, not bool: True"),
        (-1, ValueError, r"\(\) takes a port from 0 to 65535, not -1"),
        (65536, ValueError, r"\(\) takes a port from 0 to 65535, not 65536"),
    ],
)
@pytest.mark.parametrize("kind", PORTS + HOSTS)
def test_a_port_is_a_number_in_range(kind: type, port: object, error: type, says: str) -> None:
    arguments = (object(), port) if kind in PORTS else (object(), "h", port)
    with pytest.raises(error, match=kind.__name__ + says):
        kind(*arguments)


@pytest.mark.parametrize("kind", HOSTS)
@pytest.mark.parametrize("host", [None, 80, ["h"]])
def test_a_host_is_text(kind: type, host: object) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__}\(\) takes the host as str"):
        kind(object(), host, 80)


@pytest.mark.parametrize("kind", HOSTS)
def test_a_bind_address_is_a_pair_or_a_host(kind: type) -> None:
    with pytest.raises(
        TypeError, match=rf"{kind.__name__}\(\) takes bindAddress as \(host, port\), host or None"
    ):
        kind(object(), "h", 80, bindAddress=7)


# -- adopted sockets ----------------------------------------------------------------------------------


def test_adopting_closes_the_original_when_it_has_succeeded(memory_reactor) -> None:
    factory = Factory()
    with socket.socket() as theirs:
        number = os.dup(theirs.fileno())
    endpoint = AdoptedStreamServerEndpoint(memory_reactor, number, socket.AF_INET)
    verifyObject(IStreamServerEndpoint, endpoint)
    assert repr(endpoint) == f"<AdoptedStreamServerEndpoint {number}>"
    assert outcome_of(endpoint.listen(factory)) == memory_reactor.ports
    assert memory_reactor.adoptedPorts == [(number, socket.AF_INET, factory)]
    with pytest.raises(OSError):
        os.fstat(number)


def test_adopting_is_done_once(memory_reactor) -> None:
    number = os.open(os.devnull, os.O_RDONLY)
    endpoint = AdoptedStreamServerEndpoint(memory_reactor, number, socket.AF_INET)
    endpoint.listen(Factory())
    assert outcome_of(endpoint.listen(Factory()))[0].check(AlreadyListened)
    assert len(memory_reactor.adoptedPorts) == 1


def test_a_socket_that_is_not_adopted_is_left_alone(memory_reactor) -> None:
    number = os.open(os.devnull, os.O_RDONLY)
    outcome = outcome_of(AdoptedStreamServerEndpoint(memory_reactor, number, 99).listen(Factory()))
    assert outcome[0].check(UnsupportedAddressFamily)
    os.close(number)  # raises when it was closed


# -- on loopback --------------------------------------------------------------------------------------


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Asking(Protocol):
    """Says hello and waits for the answer."""

    def __init__(self, reactor) -> None:
        from wirelab.reactor.defer import Deferred

        self.answer = Deferred()
        self.ended = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(b"hello")

    def dataReceived(self, data: bytes) -> None:
        self.answer.callback(data)

    def connectionLost(self, reason=None) -> None:
        self.ended.callback(None)


ROUND_TRIPS = [
    ("tcp:0:interface=127.0.0.1", "tcp:127.0.0.1:{port}", IPv4Address),
    ("tcp:0:interface=localhost", "tcp:localhost:{port}:timeout=5", IPv4Address),
    ("tcp:0", "tcp:127.0.0.1:{port}:bindAddress=127.0.0.1", IPv4Address),
    pytest.param("tcp6:0:interface=[::1]", "tcp:[::1]:{port}", IPv6Address, marks=needs_ipv6),
    pytest.param("tcp6:0:interface=[::1]", "tcp6:[::1]:{port}", IPv6Address, marks=needs_ipv6),
    pytest.param("tcp6:0", "tcp:127.0.0.1:{port}", IPv4Address, marks=needs_ipv6),
]


@pytest.mark.parametrize(("server", "client", "family"), ROUND_TRIPS)
async def test_round_trip(reactor, server: str, client: str, family: type) -> None:
    port = await serverFromString(reactor, server).listen(Factory.forProtocol(Echo))
    endpoint = clientFromString(reactor, client.format(port=port.getHost().port))
    asking = await connectProtocol(endpoint, Asking(reactor))
    assert isinstance(asking.transport.getPeer(), family)
    assert await asking.answer == b"hello"
    asking.transport.loseConnection()
    await asking.ended
    await port.stopListening()


async def test_round_trip_on_an_adopted_socket(reactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        number = os.dup(theirs.fileno())
    port = await serverFromString(reactor, f"adopt-socket:{number}:INET").listen(Factory.forProtocol(Echo))
    endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
    asking = await connectProtocol(endpoint, Asking(reactor))
    assert await asking.answer == b"hello"
    asking.transport.loseConnection()
    await asking.ended
    await port.stopListening()


async def test_a_port_in_use_is_an_errback(reactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        number = theirs.getsockname()[1]
        with pytest.raises(CannotListenError, match=rf"port {number}: address already in use"):
            await serverFromString(reactor, f"tcp:{number}:interface=127.0.0.1").listen(Factory())


async def test_a_refusal_is_an_errback(reactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        number = theirs.getsockname()[1]
    with pytest.raises(ConnectError, match="refused"):
        await connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{number}"), Protocol())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_cancelling_leaves_nothing_behind(reactor, host: str) -> None:
    port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory.forProtocol(Echo))
    connecting = connectProtocol(clientFromString(reactor, f"tcp:{host}:{port.getHost().port}"), Protocol())
    connecting.cancel()
    with pytest.raises(ConnectingCancelledError):
        await connecting
    await port.stopListening()
    assert reactor.opened == {}
