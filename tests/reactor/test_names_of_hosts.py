"""How a reactor turns host names into addresses, and who may replace it."""

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address, IPv6Address
from wirelab.reactor.defer import CancelledError, succeed
from wirelab.reactor.error import DNSLookupError
from wirelab.reactor.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolverSimple,
)
from wirelab.reactor.task import deferLater


@implementer(IHostnameResolver)
class Scripted:
    """Answers what it was told to, at once, or never."""

    def __init__(self, *addresses, is_silent=False):
        self.addresses, self.is_silent = addresses, is_silent
        self.asked, self.cancelled = [], 0

    def resolveHostName(self, receiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"):
        self.asked.append(hostName)
        self.receiver = receiver
        receiver.resolutionBegan(self)
        if not self.is_silent:
            for address in self.addresses:
                if addressTypes is None or type(address) in addressTypes:
                    receiver.addressResolved(address)
            receiver.resolutionComplete()
        return self

    def cancel(self):
        self.cancelled += 1
        self.receiver.resolutionComplete()


SIX = IPv6Address("TCP", "::1", 80)
FOUR = IPv4Address("TCP", "192.0.2.1", 80)


def test_the_interfaces_hold(reactor):
    assert verifyObject(IReactorPluggableNameResolver, reactor)
    assert verifyObject(IReactorPluggableResolver, reactor)


@pytest.mark.parametrize(("name", "address"), [("127.0.0.1", "127.0.0.1"), ("", "0.0.0.0")])
async def test_addresses_and_nothing_are_not_looked_up(reactor, name, address):
    reactor.installNameResolver(Scripted(is_silent=True))
    assert await reactor.resolve(name) == address


async def test_resolve_gives_the_first_ipv4_address(reactor):
    resolver = Scripted(SIX, FOUR)
    reactor.installNameResolver(resolver)
    assert await reactor.resolve("host.example") == "192.0.2.1"
    assert resolver.asked == ["host.example"]


async def test_first_address_prefers_ipv4_and_takes_what_there_is(reactor):
    reactor.installNameResolver(Scripted(SIX, FOUR))
    assert await reactor.first_address("host.example", 80) == FOUR
    reactor.installNameResolver(Scripted(SIX))
    assert await reactor.first_address("host.example", 80) == SIX


async def test_no_address_is_an_error_that_names_the_host(reactor):
    reactor.installNameResolver(Scripted())
    for lookup in (reactor.resolve("host.example"), reactor.first_address("host.example", 80)):
        with pytest.raises(DNSLookupError, match=r"host\.example"):
            await lookup


async def test_a_look_up_can_be_cancelled(reactor):
    for look_up in (
        lambda: reactor.resolve("host.example"),
        lambda: reactor.first_address("host.example", 80),
    ):
        resolver = Scripted(is_silent=True)
        reactor.installNameResolver(resolver)
        looking = look_up()
        looking.cancel()
        with pytest.raises(CancelledError):
            await looking
        assert resolver.cancelled == 1


async def test_a_look_up_takes_no_longer_than_allowed(reactor):
    resolver = Scripted(is_silent=True)
    reactor.installNameResolver(resolver)
    with pytest.raises(DNSLookupError):
        await reactor.resolve("host.example", timeout=(0.001, 0.001))
    await deferLater(reactor, 0)
    assert resolver.cancelled == 1


async def test_a_simple_resolver_takes_over_resolve(reactor):
    @implementer(IResolverSimple)
    class Simple:
        def getHostByName(self, name, timeout=()):
            return succeed(f"192.0.2.{len(name)}")

    assert reactor.installResolver(Simple()) is None
    assert await reactor.resolve("abc") == "192.0.2.3"


def test_installing_gives_back_the_one_before(reactor):
    first = reactor.nameResolver
    second = Scripted()
    assert reactor.installNameResolver(second) is first
    assert reactor.installNameResolver(first) is second


def test_what_resolves_nothing_is_refused(reactor):
    with pytest.raises(TypeError, match="takes an IHostnameResolver"):
        reactor.installNameResolver("8.8.8.8")
    with pytest.raises(TypeError, match="takes an IResolverSimple"):
        reactor.installResolver(Scripted())


async def test_a_name_that_is_no_text_is_refused(reactor):
    with pytest.raises(TypeError, match="takes a host name as text"):
        await reactor.resolve(b"localhost")
