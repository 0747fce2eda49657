"""`MemoryReactor` and its kin note what they are asked for."""

from __future__ import annotations

import socket

import pytest
from zope.interface import providedBy
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address, IPv6Address, UNIXAddress
from wirelab.reactor.error import NotConnectingError, UnsupportedAddressFamily
from wirelab.reactor.interfaces import IConnector, IHostnameResolver, IHostResolution, IListeningPort
from wirelab.reactor.protocol import ClientFactory, Factory
from wirelab.reactor.testing import (
    MemoryReactor,
    MemoryReactorClock,
    RaisingMemoryReactor,
    SynchronousResolver,
)


class Starting(ClientFactory):
    """Keeps the connectors it is told of."""

    def __init__(self) -> None:
        self.connectors = []

    def startedConnecting(self, connector) -> None:
        self.connectors.append(connector)


@pytest.fixture
def factory() -> Starting:
    return Starting()


@pytest.fixture
def reactor_(memory_reactor: MemoryReactorClock) -> MemoryReactorClock:
    return memory_reactor


@pytest.mark.parametrize("fake", [MemoryReactor(), MemoryReactorClock(), RaisingMemoryReactor()], ids=repr)
def test_they_keep_the_promises_of_reactors(fake) -> None:
    promised = list(providedBy(fake))
    assert len(promised) >= 5
    for interface in promised:
        verifyObject(interface, fake)


# -- listening ----------------------------------------------------------------------------------------

LISTENING = [
    ("listenTCP", "tcpServers", (80,), (), (50, ""), IPv4Address("TCP", "0.0.0.0", 80)),
    ("listenTCP", "tcpServers", (80,), (5, "::1"), (5, "::1"), IPv6Address("TCP", "::1", 80)),
    ("listenSSL", "sslServers", (443,), ("ctx",), ("ctx", 50, ""), IPv4Address("TCP", "0.0.0.0", 443)),
    ("listenUNIX", "unixServers", ("/s",), (), (50, 0o666, False), UNIXAddress("/s")),
]


@pytest.mark.parametrize(("call", "name", "before", "after", "kept", "address"), LISTENING)
def test_listening_is_noted(reactor_, call, name, before, after, kept, address) -> None:
    factory = Factory()
    port = getattr(reactor_, call)(*before, factory, *after)
    assert getattr(reactor_, name) == [(*before, factory, *kept)]
    assert reactor_.ports == [port]
    verifyObject(IListeningPort, port)
    assert port.getHost() == address
    port.stopListening()
    assert port.listening is False
    port.startListening()
    assert port.listening is True


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, IPv4Address("TCP", "0.0.0.0", 1234)),
        (socket.AF_INET6, IPv6Address("TCP", "::", 1234)),
    ],
)
def test_adopting_a_port_is_noted(reactor_, family, address) -> None:
    factory = Factory()
    assert reactor_.adoptStreamPort(3, family, factory).getHost() == address
    assert reactor_.adoptedPorts == [(3, family, factory)]
    reactor_.adoptDatagramPort(4, family, factory)
    assert reactor_.adoptedPorts[1:] == [(4, family, factory, 8192)]


@pytest.mark.parametrize("call", ["adoptStreamPort", "adoptDatagramPort"])
def test_other_families_are_not_adopted(reactor_, call) -> None:
    with pytest.raises(UnsupportedAddressFamily):
        getattr(reactor_, call)(3, 99, None)
    assert reactor_.adoptedPorts == []


def test_adopting_a_connection_is_noted(reactor_) -> None:
    factory = Factory()
    reactor_.adoptStreamConnection(3, socket.AF_INET, factory)
    assert reactor_.adoptedStreamConnections == [(3, socket.AF_INET, factory)]


# -- connecting ---------------------------------------------------------------------------------------

CONNECTING = [
    ("connectTCP", "tcpClients", ("h", 80), (), (30, None), IPv4Address("TCP", "h", 80)),
    ("connectTCP", "tcpClients", ("::1", 80), (5, ("::", 0)), (5, ("::", 0)), IPv6Address("TCP", "::1", 80)),
    ("connectSSL", "sslClients", ("h", 443), ("ctx",), ("ctx", 30, None), IPv4Address("TCP", "h", 443)),
    ("connectUNIX", "unixClients", ("/s",), (), (30, 0), UNIXAddress("/s")),
]


@pytest.mark.parametrize(("call", "name", "before", "after", "kept", "address"), CONNECTING)
def test_connecting_is_noted(reactor_, factory, call, name, before, after, kept, address) -> None:
    connector = getattr(reactor_, call)(*before, factory, *after)
    assert getattr(reactor_, name) == [(*before, factory, *kept)]
    assert reactor_.connectors == factory.connectors == [connector]
    verifyObject(IConnector, connector)
    assert connector.getDestination() == address


def test_a_connector_notes_what_it_is_told(reactor_, factory) -> None:
    connector = reactor_.connectTCP("h", 80, factory)
    connector.stopConnecting()
    assert connector.stoppedConnecting
    with pytest.raises(NotConnectingError):
        connector.stopConnecting()
    connector.connect()
    assert not connector.stoppedConnecting
    connector.disconnect()
    assert connector.disconnected


# -- running ------------------------------------------------------------------------------------------


def test_run_calls_the_hooks_and_stops(reactor_) -> None:
    seen = []
    reactor_.callWhenRunning(lambda: seen.append(reactor_.running))
    assert len(reactor_.whenRunningHooks) == 1
    assert not reactor_.hasRun
    reactor_.run()
    assert seen == [True]
    assert (reactor_.running, reactor_.hasRun, reactor_.hasStopped) == (False, True, True)


def test_call_when_running_calls_at_once_when_running(reactor_) -> None:
    seen = []
    reactor_.running = True
    reactor_.callWhenRunning(seen.append, 1)
    assert seen == [1]
    assert reactor_.whenRunningHooks == []


def test_crash_is_noted(reactor_) -> None:
    reactor_.crash()
    assert (reactor_.running, reactor_.hasCrashed) == (None, True)
    with pytest.raises(RuntimeError, match=r"run\(\) after crash\(\)"):
        reactor_.run()


def test_triggers_are_kept_by_phase_and_event(reactor_) -> None:
    identity = reactor_.addSystemEventTrigger("before", "shutdown", print, 1, end="")
    assert reactor_.triggers == {"before": {"shutdown": [(print, (1,), {"end": ""})]}}
    reactor_.removeSystemEventTrigger(identity)
    assert reactor_.triggers == {"before": {"shutdown": []}}
    with pytest.raises(ValueError):
        reactor_.removeSystemEventTrigger(identity)


@pytest.mark.parametrize(
    ("call", "args"), [("iterate", ()), ("fireSystemEvent", ("x",)), ("resolve", ("h",))]
)
def test_what_it_cannot_do_says_what_to_do_instead(reactor_, call, args) -> None:
    with pytest.raises(NotImplementedError, match=rf"{call}\(.*\): "):
        getattr(reactor_, call)(*args)


def test_install_is_noted(reactor_) -> None:
    reactor_.install()
    assert reactor_.hasInstalled


def test_readers_and_writers_are_kept(reactor_) -> None:
    one, two = object(), object()
    reactor_.addReader(one)
    reactor_.addWriter(two)
    assert (reactor_.getReaders(), reactor_.getWriters()) == ([one], [two])
    reactor_.removeReader(one)
    reactor_.removeReader(one)
    reactor_.addReader(one)
    assert set(reactor_.removeAll()) == {one, two}
    assert (reactor_.getReaders(), reactor_.getWriters()) == ([], [])
    reactor_.removeWriter(two)


def test_time_passes_in_a_memory_reactor_clock(reactor_) -> None:
    seen = []
    reactor_.callLater(2, seen.append, "due")
    reactor_.advance(1)
    assert seen == []
    reactor_.advance(1)
    assert seen == ["due"]
    assert reactor_.seconds() == 2


# -- names --------------------------------------------------------------------------------------------


class Heard:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.heard = []

    def resolutionBegan(self, resolution) -> None:
        self.heard.append(("began", resolution.name))
        self.resolution = resolution

    def addressResolved(self, address) -> None:
        self.heard.append(address)

    def resolutionComplete(self) -> None:
        self.heard.append("complete")


def test_every_name_is_loopback_unless_told_otherwise(reactor_) -> None:
    heard = Heard()
    resolution = reactor_.nameResolver.resolveHostName(heard, "example.org", 80)
    assert heard.heard == [("began", "example.org"), IPv4Address("TCP", "127.0.0.1", 80), "complete"]
    assert reactor_.nameResolver.names == ["example.org"]
    verifyObject(IHostResolution, resolution)
    with pytest.raises(RuntimeError, match="is over"):
        resolution.cancel()


@pytest.mark.parametrize(
    ("types", "found"),
    [
        (None, [IPv6Address("UDP", "::1", 53), IPv4Address("UDP", "10.0.0.1", 53)]),
        ([IPv4Address], [IPv4Address("UDP", "10.0.0.1", 53)]),
        ([IPv6Address], [IPv6Address("UDP", "::1", 53)]),
        ([], []),
    ],
)
def test_a_synchronous_resolver_gives_the_types_wanted(types, found) -> None:
    resolver, heard = SynchronousResolver(["::1", "10.0.0.1"]), Heard()
    verifyObject(IHostnameResolver, resolver)
    resolver.resolveHostName(heard, "h", 53, types, "UDP")
    assert heard.heard[1:-1] == found


@pytest.mark.parametrize("fake", [MemoryReactor(), RaisingMemoryReactor()], ids=repr)
def test_the_resolver_can_be_exchanged(fake) -> None:
    first, second = fake.nameResolver, SynchronousResolver()
    assert fake.installNameResolver(second) is first
    assert fake.nameResolver is second


# -- refusing -----------------------------------------------------------------------------------------

CALLS = {
    "listenTCP": (1, None),
    "listenSSL": (1, None, None),
    "listenUNIX": ("/s", None),
    "adoptStreamPort": (3, 2, None),
    "adoptDatagramPort": (3, 2, None),
    "connectTCP": ("h", 1, None),
    "connectSSL": ("h", 1, None, None),
    "connectUNIX": ("/s", None),
    "adoptStreamConnection": (3, 2, None),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_raising_reactor_raises_what_it_was_given(call) -> None:
    listening, connecting = KeyError("listen"), KeyError("connect")
    with pytest.raises(KeyError) as raised:
        getattr(RaisingMemoryReactor(listening, connecting), call)(*CALLS[call])
    is_listening = call.startswith("listen") or call.endswith("Port")
    assert raised.value is (listening if is_listening else connecting)


@pytest.mark.parametrize("call", CALLS)
def test_a_raising_reactor_says_which_exception_it_lacks(call) -> None:
    with pytest.raises(RuntimeError, match=r"RaisingMemoryReactor\((listen|connect)Exception=\.\.\.\)"):
        getattr(RaisingMemoryReactor(), call)(*CALLS[call])
