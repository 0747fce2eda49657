"""`HostnameEndpoint`: all addresses of a name in turns, the first connection wins (RFC 8305)."""

from __future__ import annotations

import socket

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from wirelab.reactor.defer import Deferred
from wirelab.reactor.endpoints import HostnameEndpoint, InvalidHostNameError, connectProtocol
from wirelab.reactor.endpoints.race import ATTEMPT_DELAY, RESOLUTION_DELAY
from wirelab.reactor.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    DNSLookupError,
    NoProtocol,
    NoRouteError,
    TimeoutError,
)
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IResolutionReceiver, IStreamClientEndpoint
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.testing import MemoryReactorClock, StringTransport, SynchronousResolver

V4, V4_B, V4_C = (IPv4Address("TCP", f"192.0.2.{n}", 80) for n in (1, 2, 3))
V6, V6_B, V6_C = (IPv6Address("TCP", f"2001:db8::{n}", 80) for n in (1, 2, 3))


class SlowResolver:
    """A resolver whose answers the test gives, one at a time."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, object, str]] = []
        self.cancelled = False
        self.receiver = None

    def resolveHostName(self, receiver, name, port=0, types=None, semantics="TCP"):
        verifyObject(IResolutionReceiver, receiver)
        self.asked.append((name, port, types, semantics))
        self.name = name
        self.receiver = receiver
        receiver.resolutionBegan(self)
        return self

    def cancel(self) -> None:
        self.cancelled = True
        self.receiver.resolutionComplete()


class Connecting:
    """A connect of a `HostnameEndpoint` on a memory reactor."""

    def __init__(self, *addresses, host: str = "example.org", factory=None, **options) -> None:
        self.reactor = MemoryReactorClock()
        self.resolver = SlowResolver()
        self.reactor.installNameResolver(self.resolver)
        self.endpoint = HostnameEndpoint(self.reactor, host, 80, **options)
        self.outcome: list[object] = []
        self.result: Deferred = self.endpoint.connect(factory or Factory.forProtocol(Protocol))
        self.result.addBoth(self.outcome.append)
        if addresses:
            self.find(*addresses)
            self.resolver.receiver.resolutionComplete()

    def find(self, *addresses) -> None:
        for address in addresses:
            self.resolver.receiver.addressResolved(address)

    @property
    def tried(self) -> list[str]:
        return [asked[0] for asked in self.reactor.tcpClients]

    @property
    def stopped(self) -> list[str]:
        return [each.address.host for each in self.reactor.connectors if each.stoppedConnecting]

    def fail(self, host: str, reason: Exception | None = None) -> None:
        index = self.tried.index(host)
        factory = self.reactor.tcpClients[index][2]
        why = ConnectionRefusedError(111, "Connection refused") if reason is None else reason
        factory.clientConnectionFailed(self.reactor.connectors[index], Failure(why))

    def succeed(self, host: str):
        protocol = self.reactor.tcpClients[self.tried.index(host)][2].buildProtocol(None)
        if protocol is not None:
            protocol.makeConnection(StringTransport())
        return protocol

    def is_over(self) -> bool:
        """Whether nothing is planned any more and every attempt but the successful one was stopped."""
        return self.reactor.getDelayedCalls() == []


# -- resolution ---------------------------------------------------------------------------------------


def test_it_is_a_client_endpoint() -> None:
    verifyObject(IStreamClientEndpoint, HostnameEndpoint(MemoryReactorClock(), "h", 80))


def test_the_name_is_looked_up_for_both_families() -> None:
    connecting = Connecting()
    assert connecting.resolver.asked == [("example.org", 80, [IPv4Address, IPv6Address], "TCP")]
    assert connecting.tried == []


def test_a_name_without_address_is_a_lookup_error() -> None:
    connecting = Connecting()
    connecting.resolver.receiver.resolutionComplete()
    assert connecting.outcome[0].check(DNSLookupError)
    assert "no address found for 'example.org'" in str(connecting.outcome[0].value)


def test_a_resolver_that_raises_is_an_errback() -> None:
    class Raising:
        def resolveHostName(self, *args):
            raise ZeroDivisionError

    reactor = MemoryReactorClock()
    reactor.installNameResolver(Raising())
    outcome = []
    HostnameEndpoint(reactor, "h", 80).connect(Factory()).addErrback(outcome.append)
    assert outcome[0].check(ZeroDivisionError)


@pytest.mark.parametrize(
    ("host", "tried"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        (b"::1", "::1"),
    ],
)
def test_a_literal_address_is_not_looked_up(host, tried: str) -> None:
    connecting = Connecting(host=host)
    assert connecting.resolver.asked == []
    assert connecting.tried == [tried]


def test_addresses_of_other_kinds_are_ignored() -> None:
    assert Connecting(UNIXAddress("/s"), V4).tried == ["192.0.2.1"]


def test_the_scope_of_an_address_is_kept() -> None:
    assert Connecting(IPv6Address("TCP", "fe80::1", 80, 0, 2)).tried == ["fe80::1%2"]


# -- order and pace -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([V6, V4], [V6, V4]),
        ([V4, V6], [V4, V6]),
        ([V6, V6_B, V6_C, V4, V4_B], [V6, V4, V6_B, V4_B, V6_C]),
        ([V4, V4_B, V6], [V4, V6, V4_B]),
        ([V4, V4_B, V4_C], [V4, V4_B, V4_C]),
    ],
)
def test_families_take_turns(found, order) -> None:
    connecting = Connecting(*found)
    connecting.reactor.pump([ATTEMPT_DELAY] * 10)
    assert connecting.tried == [address.host for address in order]
    assert connecting.is_over()


def test_the_next_attempt_comes_after_the_delay() -> None:
    connecting = Connecting(V6, V4)
    connecting.reactor.advance(ATTEMPT_DELAY - 0.01)
    assert connecting.tried == [V6.host]
    connecting.reactor.advance(0.01)
    assert connecting.tried == [V6.host, V4.host]
    assert ATTEMPT_DELAY == 0.25


def test_the_next_attempt_comes_at_once_after_a_failure() -> None:
    connecting = Connecting(V6, V4, V6_B)
    connecting.fail(V6.host)
    assert connecting.tried == [V6.host, V4.host]
    # and the one after it is a whole delay away again
    connecting.reactor.advance(ATTEMPT_DELAY - 0.01)
    assert connecting.tried == [V6.host, V4.host]
    connecting.reactor.advance(0.01)
    assert connecting.tried == [V6.host, V4.host, V6_B.host]


def test_the_delay_can_be_chosen() -> None:
    connecting = Connecting(V6, V4, attemptDelay=2)
    connecting.reactor.advance(1.9)
    assert connecting.tried == [V6.host]
    connecting.reactor.advance(0.1)
    assert connecting.tried == [V6.host, V4.host]


def test_each_attempt_gets_the_timeout_and_the_binding() -> None:
    connecting = Connecting(V4, timeout=7, bindAddress="192.0.2.9")
    assert connecting.reactor.tcpClients[0][3:] == (7, ("192.0.2.9", 0))


def test_only_addresses_of_the_binding_s_family_are_tried() -> None:
    connecting = Connecting(V6, V4, bindAddress=("192.0.2.9", 0))
    assert connecting.tried == [V4.host]
    assert connecting.is_over()


def test_a_binding_of_no_family_fits_all() -> None:
    connecting = Connecting(V6, V4, bindAddress=("", 4000))
    connecting.reactor.advance(1)
    assert connecting.tried == [V6.host, V4.host]


def test_no_address_of_the_binding_s_family_is_an_error() -> None:
    connecting = Connecting(V6, bindAddress=("192.0.2.9", 0))
    assert connecting.outcome[0].check(ConnectError)
    assert "example.org:80 has no address that fits ('192.0.2.9', 0), only [2001:db8::1]:80" in str(
        connecting.outcome[0].value
    )


# -- addresses that come while others are tried -------------------------------------------------------


def test_an_address_waits_a_little_for_better_ones() -> None:
    connecting = Connecting()
    connecting.find(V4)
    connecting.reactor.advance(RESOLUTION_DELAY - 0.01)
    assert connecting.tried == []
    connecting.reactor.advance(0.01)
    assert connecting.tried == [V4.host]
    assert RESOLUTION_DELAY == 0.05


def test_it_waits_no_longer_than_the_look_up() -> None:
    connecting = Connecting()
    connecting.find(V4)
    connecting.resolver.receiver.resolutionComplete()
    assert connecting.tried == [V4.host]


def test_later_addresses_are_tried_later() -> None:
    connecting = Connecting()
    connecting.find(V4)
    connecting.reactor.advance(RESOLUTION_DELAY)
    connecting.find(V6)
    connecting.reactor.advance(ATTEMPT_DELAY)
    assert connecting.tried == [V4.host, V6.host]


def test_failing_waits_for_the_look_up() -> None:
    connecting = Connecting()
    connecting.find(V4)
    connecting.reactor.advance(RESOLUTION_DELAY)
    connecting.fail(V4.host)
    assert connecting.outcome == []
    connecting.find(V6)
    connecting.reactor.advance(RESOLUTION_DELAY)
    assert connecting.tried == [V4.host, V6.host]
    connecting.fail(V6.host)
    assert connecting.outcome == []
    connecting.resolver.receiver.resolutionComplete()
    assert connecting.outcome[0].check(ConnectionRefusedError)


# -- success ------------------------------------------------------------------------------------------


def test_the_first_success_wins_and_the_others_are_stopped() -> None:
    connecting = Connecting(V6, V4, V6_B)
    connecting.reactor.advance(ATTEMPT_DELAY)
    assert connecting.tried == [V6.host, V4.host]
    protocol = connecting.succeed(V4.host)
    assert connecting.outcome == [protocol]
    assert connecting.stopped == [V6.host]
    assert connecting.is_over()
    connecting.reactor.advance(10)
    assert connecting.tried == [V6.host, V4.host]


def test_a_success_ends_the_look_up() -> None:
    connecting = Connecting()
    connecting.find(V4)
    connecting.reactor.advance(RESOLUTION_DELAY)
    protocol = connecting.succeed(V4.host)
    assert connecting.outcome == [protocol]
    assert connecting.resolver.cancelled
    connecting.find(V6)
    assert connecting.is_over()


def test_a_success_after_failures() -> None:
    connecting = Connecting(V6, V4)
    connecting.fail(V6.host)
    protocol = connecting.succeed(V4.host)
    assert connecting.outcome == [protocol]
    assert connecting.is_over()


def test_a_slow_first_attempt_may_still_win() -> None:
    connecting = Connecting(V6, V4)
    connecting.reactor.advance(ATTEMPT_DELAY)
    connecting.fail(V4.host)
    protocol = connecting.succeed(V6.host)
    assert connecting.outcome == [protocol]


# -- failure ------------------------------------------------------------------------------------------


def test_when_all_fail_alike_the_error_is_theirs_and_tells_all() -> None:
    connecting = Connecting(V6, V4)
    connecting.fail(V6.host)
    connecting.fail(V4.host)
    error = connecting.outcome[0].value
    assert type(error) is ConnectionRefusedError
    assert error.osError == 111
    assert str(error) == (
        "connection refused by the peer: example.org:80, tried [2001:db8::1]:80, 192.0.2.1:80"
    )
    assert isinstance(error.__cause__, ExceptionGroup)
    assert len(error.__cause__.exceptions) == 2
    assert connecting.is_over()


def test_when_they_fail_differently_the_error_is_a_plain_one_that_tells_all() -> None:
    connecting = Connecting(V6, V4)
    connecting.fail(V6.host, NoRouteError(113, "No route to host"))
    connecting.fail(V4.host, TimeoutError(string="192.0.2.1:80 gave no answer in 30 s"))
    error = connecting.outcome[0].value
    assert type(error) is ConnectError
    assert error.osError is None
    assert str(error).startswith(
        "could not connect: example.org:80, tried [2001:db8::1]:80 (no route to host: "
    )
    assert str(error).endswith(
        ", (connecting took longer than the time given: 192.0.2.1:80 gave no answer in 30 s)"
    )


def test_a_single_address_is_told_too() -> None:
    connecting = Connecting(host="192.0.2.1")
    reason = ConnectionRefusedError(111, "Connection refused")
    reason.__cause__ = OSError(111, "Connection refused")
    connecting.fail("192.0.2.1", reason)
    error = connecting.outcome[0].value
    assert str(error) == "connection refused by the peer: 192.0.2.1:80"
    assert error.__cause__ is reason.__cause__


def test_an_error_without_a_class_of_its_own_keeps_its_text() -> None:
    connecting = Connecting(V6, V4)
    connecting.fail(V6.host, ConnectError(5, "Input/output error"))
    connecting.fail(V4.host, ConnectError(5, "Input/output error"))
    assert str(connecting.outcome[0].value) == (
        "could not connect: example.org:80, "
        "tried [2001:db8::1]:80 (could not connect: Input/output error), "
        "192.0.2.1:80 (could not connect: Input/output error)"
    )


def test_what_is_no_connect_error_is_kept_as_the_cause() -> None:
    connecting = Connecting(V4)
    odd = ZeroDivisionError("odd")
    connecting.fail(V4.host, odd)
    error = connecting.outcome[0].value
    assert type(error) is ConnectError
    assert error.__cause__ is odd
    assert "192.0.2.1:80 (odd)" in str(error)


def test_failures_of_the_user_s_own_factory_end_it() -> None:
    class Refusing(Factory):
        def buildProtocol(self, addr):
            return None

    connecting = Connecting(V6, V4, factory=Refusing())
    connecting.reactor.advance(ATTEMPT_DELAY)
    connecting.succeed(V6.host)
    assert connecting.outcome[0].check(NoProtocol)
    assert connecting.stopped == [V4.host]
    assert connecting.is_over()


def test_a_reactor_that_refuses_to_connect_counts_as_failed_attempt() -> None:
    connecting = Connecting(V4)
    connecting.reactor.connectTCP = lambda *args, **kw: 1 // 0
    again = []
    connecting.endpoint.connect(Factory()).addErrback(again.append)
    connecting.find(V4)
    connecting.resolver.receiver.resolutionComplete()
    assert again[0].check(ConnectError)


# -- cancelling ---------------------------------------------------------------------------------------


def cancelled(connecting: Connecting) -> bool:
    connecting.result.cancel()
    (failure,) = connecting.outcome
    assert failure.check(ConnectingCancelledError)
    assert failure.value.address == HostnameAddress(b"example.org", 80)
    return connecting.is_over()


def test_cancelling_stops_the_look_up() -> None:
    connecting = Connecting()
    assert cancelled(connecting)
    assert connecting.resolver.cancelled
    connecting.find(V4)
    assert connecting.tried == []


def test_cancelling_before_the_first_attempt() -> None:
    connecting = Connecting()
    connecting.find(V4)
    assert cancelled(connecting)
    assert connecting.tried == []


def test_cancelling_stops_the_first_attempt() -> None:
    connecting = Connecting(V6, V4)
    assert cancelled(connecting)
    assert connecting.stopped == [V6.host]


def test_cancelling_stops_all_attempts() -> None:
    connecting = Connecting(V6, V4, V4_B)
    connecting.reactor.advance(ATTEMPT_DELAY)
    assert cancelled(connecting)
    assert connecting.stopped == [V6.host, V4.host]


def test_cancelling_between_a_failure_and_the_next_attempt_s_end() -> None:
    connecting = Connecting(V6, V4)
    connecting.fail(V6.host)
    assert cancelled(connecting)
    assert connecting.stopped == [V4.host]


# -- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("example.org", "<HostnameEndpoint example.org:80>"),
        (b"example.org", "<HostnameEndpoint example.org:80>"),
        ("bücher.example", "<HostnameEndpoint xn--bcher-kva.example:80>"),
        ("::1", "<HostnameEndpoint [::1]:80>"),
    ],
)
def test_it_shows_the_name_it_looks_up(host, shown: str) -> None:
    assert repr(HostnameEndpoint(MemoryReactorClock(), host, 80)) == shown


@pytest.mark.parametrize(
    "host", ["", ".", "a..b", "x" * 64, "a b", "a/b", ".".join(["x" * 60] * 5), b"b\xfccher"]
)
def test_a_name_that_no_host_can_have_fails_when_it_is_used(host) -> None:
    connecting = Connecting(host=host)
    assert connecting.outcome[0].check(InvalidHostNameError, ValueError)
    assert str(connecting.outcome[0].value).startswith("invalid host name ")
    assert connecting.resolver.asked == []
    repr(connecting.endpoint)


# -- on loopback --------------------------------------------------------------------------------------


async def test_a_host_with_a_dead_address_is_reached_at_the_other(reactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1]
        reactor.installNameResolver(SynchronousResolver(["127.0.0.2", "127.0.0.1"]))
        protocol = await connectProtocol(HostnameEndpoint(reactor, "two.example", number), Protocol())
        assert protocol.transport.getPeer().host == "127.0.0.1"
        protocol.transport.abortConnection()


async def test_all_refused_on_real_sockets(reactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1]
    reactor.installNameResolver(SynchronousResolver(["127.0.0.1", "127.0.0.2"]))
    with pytest.raises(
        ConnectionRefusedError, match=r"two\.example:\d+, tried 127\.0\.0\.1:\d+, 127\.0\.0\.2"
    ):
        await connectProtocol(HostnameEndpoint(reactor, "two.example", number), Protocol())
    assert reactor.opened == {}
