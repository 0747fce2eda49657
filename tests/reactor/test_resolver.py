"""Host names are looked up in threads, heard in the reactor's thread, and never raise."""

from __future__ import annotations

import contextvars
import socket
import sys
import threading
import types

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor import resolver as resolver_module
from wirelab.reactor.address import HostnameAddress, IPv4Address, IPv6Address
from wirelab.reactor.defer import CancelledError, Deferred
from wirelab.reactor.error import DNSLookupError
from wirelab.reactor.interfaces import IHostnameResolver, IHostResolution, IResolverSimple
from wirelab.reactor.resolver import (
    SimpleResolver,
    ThreadedResolver,
    encode_host_name,
    is_literal,
    literal_family,
)
from wirelab.reactor.testing import SynchronousResolver

STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM


class Heard:
    """A receiver that keeps what it hears, and fires `complete` at the end."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.threads: set[int] = set()
        self.complete: Deferred[list[object]] = Deferred()

    def resolutionBegan(self, resolution) -> None:
        self.told.append("began")
        self.resolution = resolution
        self.threads.add(threading.get_ident())

    def addressResolved(self, address) -> None:
        self.told.append(address)
        self.threads.add(threading.get_ident())

    def resolutionComplete(self) -> None:
        self.told.append("complete")
        self.threads.add(threading.get_ident())
        self.complete.callback(self.addresses)

    @property
    def addresses(self) -> list[object]:
        return [each for each in self.told if not isinstance(each, str)]


class System:
    """A `getaddrinfo` of our own: what it is asked, and the answer it gives once it may."""

    def __init__(self, *answer, error: Exception | None = None) -> None:
        self.answer = list(answer)
        self.error = error
        self.asked: list[tuple[object, ...]] = []
        self.threads: set[int] = set()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def getaddrinfo(self, *args):
        self.asked.append(args)
        self.threads.add(threading.get_ident())
        self.may_answer.wait(10)
        if self.error is not None:
            raise self.error
        return self.answer


def v4(host: str, port: int = 80, kind: int = STREAM):
    return (socket.AF_INET, kind, 6, "", (host, port))


def v6(host: str, port: int = 80, flow: int = 0, scope: int = 0):
    return (socket.AF_INET6, STREAM, 6, "", (host, port, flow, scope))


class Home:
    """As much of a reactor as the resolver needs: calls from threads wait for `deliver`."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.arrived = threading.Semaphore(0)

    def callFromThread(self, call, *args) -> None:
        self.calls.append((contextvars.copy_context(), call, args))
        self.arrived.release()

    def deliver(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=10)
            context, call, args = self.calls.pop(0)
            context.run(call, *args)


@pytest.fixture
def home() -> Home:
    return Home()


# -- over a stand-in for the system -------------------------------------------------------------------


def test_it_keeps_its_promises(home: Home) -> None:
    system, heard = System(), Heard()
    resolver = ThreadedResolver(home, system.getaddrinfo)
    verifyObject(IHostnameResolver, resolver)
    verifyObject(IHostResolution, resolver.resolveHostName(heard, "h"))
    home.deliver()


def test_addresses_come_between_began_and_complete_in_the_system_s_order(home: Home) -> None:
    system, heard = System(v6("2001:db8::1"), v4("192.0.2.1"), v4("192.0.2.2")), Heard()
    resolution = ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "example.org", 80)
    assert resolution is heard.resolution
    assert resolution.name == "example.org"
    assert repr(resolution) == "<HostResolution example.org waiting>"
    assert heard.told == ["began"]
    home.deliver()
    assert heard.told == [
        "began",
        IPv6Address("TCP", "2001:db8::1", 80),
        IPv4Address("TCP", "192.0.2.1", 80),
        IPv4Address("TCP", "192.0.2.2", 80),
        "complete",
    ]
    assert repr(resolution) == "<HostResolution example.org complete>"


def test_the_system_is_asked_in_another_thread_and_heard_in_this_one(home: Home) -> None:
    system, heard = System(v4("192.0.2.1")), Heard()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h")
    home.deliver()
    assert threading.get_ident() not in system.threads
    assert heard.threads == {threading.get_ident()}


BOTH = [IPv4Address, IPv6Address]


@pytest.mark.parametrize(
    ("types", "semantics", "asked"),
    [
        (None, "TCP", (socket.AF_UNSPEC, STREAM)),
        (BOTH, "TCP", (socket.AF_UNSPEC, STREAM)),
        (iter(BOTH), "UDP", (socket.AF_UNSPEC, DGRAM)),
        ([IPv4Address], "TCP", (socket.AF_INET, STREAM)),
        ([IPv6Address], "UDP", (socket.AF_INET6, DGRAM)),
        ([IPv6Address, HostnameAddress], "TCP", (socket.AF_INET6, STREAM)),
    ],
)
def test_the_system_is_asked_for_what_is_wanted(home: Home, types, semantics, asked) -> None:
    system = System()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(Heard(), "h", 53, types, semantics)
    home.deliver()
    assert system.asked == [("h", 53, *asked, 0, 0)]


@pytest.mark.parametrize("types", [[], [HostnameAddress]])
def test_wanting_no_known_type_gives_none(home: Home, types) -> None:
    system, heard = System(), Heard()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h", 0, types)
    assert heard.told == ["began", "complete"]
    assert system.asked == []


@pytest.mark.parametrize("semantics", ["tcp", "", None, "SCTP"])
def test_other_semantics_are_refused(home: Home, semantics) -> None:
    with pytest.raises(ValueError, match=r"resolveHostName\(\) is for 'TCP' or 'UDP'"):
        ThreadedResolver(home).resolveHostName(Heard(), "h", 0, None, semantics)


def test_an_address_that_comes_twice_is_told_once(home: Home) -> None:
    system, heard = System(v4("192.0.2.1"), v4("192.0.2.1", kind=DGRAM)), Heard()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h", 80)
    home.deliver()
    assert heard.addresses == [IPv4Address("TCP", "192.0.2.1", 80)]


def test_flow_and_scope_are_kept_and_strange_families_left_out(home: Home) -> None:
    strange = [(socket.AF_INET6, STREAM, 6, "", (10, b"raw")), (99, STREAM, 0, "", ("?", 0))]
    system, heard = System(*strange, v6("fe80::1%eth0", 80, 5, 2)), Heard()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h", 80)
    home.deliver()
    assert heard.addresses == [IPv6Address("TCP", "fe80::1", 80, 5, 2)]


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        OSError(24, "Too many open files"),
        UnicodeError("label too long"),
        ValueError("embedded null"),
    ],
)
def test_an_error_is_a_look_up_without_addresses(home: Home, error: Exception) -> None:
    heard = Heard()
    ThreadedResolver(home, System(error=error).getaddrinfo).resolveHostName(heard, "h")
    home.deliver()
    assert heard.told == ["began", "complete"]


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "a b", "a\0b"])
def test_a_name_that_no_host_can_have_has_no_addresses(home: Home, name: str) -> None:
    system, heard = System(v4("192.0.2.1")), Heard()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, name)
    home.deliver()
    assert heard.told == ["began", "complete"]
    assert system.asked == []


def test_international_names_are_encoded(home: Home) -> None:
    system = System()
    ThreadedResolver(home, system.getaddrinfo).resolveHostName(Heard(), "bücher.example")
    home.deliver()
    assert system.asked[0][0] == "xn--bcher-kva.example"


def test_the_receiver_is_called_in_the_context_in_which_it_asked(home: Home) -> None:
    owner: contextvars.ContextVar[str] = contextvars.ContextVar("owner", default="nobody")
    seen = []

    class Asking(Heard):
        def addressResolved(self, address) -> None:
            seen.append(owner.get())

    owner.set("somebody")
    ThreadedResolver(home, System(v4("192.0.2.1")).getaddrinfo).resolveHostName(Asking(), "h")
    owner.set("nobody")
    home.deliver()
    assert seen == ["somebody"]


def test_a_receiver_that_raises_still_hears_the_end(home: Home) -> None:
    class Raising(Heard):
        def addressResolved(self, address) -> None:
            raise ZeroDivisionError

    heard = Raising()
    resolver = ThreadedResolver(home, System(v4("192.0.2.1")).getaddrinfo)
    resolver.resolveHostName(heard, "h")
    with pytest.raises(ZeroDivisionError):
        home.deliver()
    assert heard.told == ["began", "complete"]
    assert resolver._running == 0


# -- cancelling and limits ----------------------------------------------------------------------------


def test_cancelling_completes_at_once_and_drops_the_answer(home: Home) -> None:
    system, heard = System(v4("192.0.2.1")), Heard()
    system.may_answer.clear()
    resolution = ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h")
    resolution.cancel()
    assert heard.told == ["began", "complete"]
    resolution.cancel()
    system.may_answer.set()
    home.deliver()
    assert heard.told == ["began", "complete"]


def test_only_so_many_are_asked_at_once_and_the_rest_wait(home: Home, monkeypatch) -> None:
    monkeypatch.setattr(resolver_module, "MAX_LOOKUPS", 2)
    system = System()
    system.may_answer.clear()
    resolver = ThreadedResolver(home, system.getaddrinfo)
    receivers = [Heard() for _ in range(5)]
    for number, heard in enumerate(receivers):
        resolver.resolveHostName(heard, f"h{number}")
    assert resolver._running == 2
    receivers[2].resolution.cancel()
    system.may_answer.set()
    home.deliver(4)
    assert sorted(asked[0] for asked in system.asked) == ["h0", "h1", "h3", "h4"]
    assert all(heard.told[-1] == "complete" for heard in receivers)
    assert resolver._running == 0


def test_a_look_up_cancelled_before_its_thread_runs_is_not_made(home: Home) -> None:
    system, heard = System(), Heard()
    resolution = ThreadedResolver(home, system.getaddrinfo).resolveHostName(heard, "h")
    resolution._complete = True
    assert resolution._run() == ()
    home.deliver()


@pytest.mark.parametrize(
    "error", [OSError(9, "Bad file descriptor"), RuntimeError("closed"), ValueError("closed")]
)
def test_a_reactor_that_is_gone_is_no_trouble(error: Exception) -> None:
    tried = threading.Event()

    class Gone:
        def callFromThread(self, call, *args) -> None:
            tried.set()
            raise error

    ThreadedResolver(Gone(), System().getaddrinfo).resolveHostName(Heard(), "h")
    assert tried.wait(10)


# -- literal addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "types", "found"),
    [
        ("192.0.2.1", None, [IPv4Address("TCP", "192.0.2.1", 80)]),
        ("192.0.2.1", [IPv6Address], []),
        ("2001:db8::1", None, [IPv6Address("TCP", "2001:db8::1", 80)]),
        ("2001:DB8:0::1", None, [IPv6Address("TCP", "2001:db8::1", 80)]),
        ("2001:db8::1", [IPv4Address], []),
        ("::", None, [IPv6Address("TCP", "::", 80)]),
        (b"192.0.2.1", None, [IPv4Address("TCP", "192.0.2.1", 80)]),
    ],
)
def test_a_literal_address_is_answered_at_once_without_a_thread(home: Home, name, types, found) -> None:
    heard = Heard()
    before = threading.active_count()
    ThreadedResolver(home).resolveHostName(heard, name, 80, types)
    assert heard.told == ["began", *found, "complete"]
    assert threading.active_count() == before


def test_a_literal_address_keeps_its_scope(home: Home) -> None:
    number, name = socket.if_nameindex()[0]
    heard = Heard()
    ThreadedResolver(home).resolveHostName(heard, f"fe80::1%{name}", 80)
    assert heard.addresses == [IPv6Address("TCP", "fe80::1", 80, 0, number)]


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("127.0.0.1", socket.AF_INET),
        ("::1", socket.AF_INET6),
        ("::ffff:1.2.3.4", socket.AF_INET6),
        ("fe80::1%eth0", socket.AF_INET6),
        ("localhost", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("01.2.3.4", None),
        ("0x7f.1", None),
        ("", None),
        ("1.2.3.4%eth0", None),
        ("::1\0", None),
        ("[::1]", None),
        ("bücher", None),
    ],
)
def test_literal_addresses_are_told_from_names(text: str, family: int | None) -> None:
    assert literal_family(text) == family
    assert is_literal(text) == (family is not None)


# -- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("example.org", "example.org"),
        (b"example.org", "example.org"),
        ("example.org.", "example.org."),
        ("EXAMPLE", "EXAMPLE"),
        ("my_service.a-b", "my_service.a-b"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("x" * 63 + "." + "y" * 63, "x" * 63 + "." + "y" * 63),
    ],
)
def test_host_names_are_encoded(name, encoded: str) -> None:
    assert encode_host_name(name) == encoded


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "1 to 253 octets, not 0"),
        (".", "1 to 253 octets, not 0"),
        ("..", "1 to 63 octets, not 0"),
        ("a..b", "1 to 63 octets, not 0"),
        (".a", "1 to 63 octets, not 0"),
        ("x" * 64, "1 to 63 octets, not 64"),
        (".".join(["x" * 50] * 6), "1 to 253 octets, not 305"),
        ("a b", "the part 'a b' has other characters"),
        ("a/b", "the part 'a/b' has other characters"),
        ("a\0b", "has other characters"),
        ("a\r\nb", "has other characters"),
        (b"b\xfccher", "a host name in bytes is ASCII"),
    ],
)
def test_names_that_no_host_can_have_are_refused(name, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        encode_host_name(name)


def test_an_international_name_that_cannot_be_encoded_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        encode_host_name("ü" * 64)


@pytest.mark.parametrize("installed", [True, False])
def test_the_idna_library_is_used_where_it_is_installed(monkeypatch, installed: bool) -> None:
    library = types.ModuleType("idna")
    library.encode = lambda name, uts46: b"xn--from-the-library"
    # None in sys.modules is how Python notes that a module cannot be imported.
    monkeypatch.setitem(sys.modules, "idna", library if installed else None)
    assert encode_host_name("straße") == ("xn--from-the-library" if installed else "strasse")


# -- one address --------------------------------------------------------------------------------------


def test_simple_resolver_gives_the_first_ipv4_address(clock) -> None:
    simple = SimpleResolver(clock, SynchronousResolver(["::1", "192.0.2.1", "192.0.2.2"]))
    verifyObject(IResolverSimple, simple)
    outcome = []
    simple.getHostByName("h").addBoth(outcome.append)
    assert outcome == ["192.0.2.1"]
    assert clock.getDelayedCalls() == []


def test_simple_resolver_tells_that_there_is_none(clock) -> None:
    outcome = []
    SimpleResolver(clock, SynchronousResolver(["::1"])).getHostByName("h").addErrback(outcome.append)
    assert outcome[0].check(DNSLookupError)
    assert "no address found for 'h'" in str(outcome[0].value)


class Never:
    """A look-up that never ends by itself."""

    def resolveHostName(self, receiver, name, *args):
        self.receiver = receiver
        receiver.resolutionBegan(self)
        return self

    def cancel(self) -> None:
        self.receiver.resolutionComplete()


@pytest.mark.parametrize(("timeout", "seconds"), [(2, 2), (0.5, 0.5), ((1, 3, 11, 45), 60), ([2, 3], 5)])
def test_simple_resolver_gives_up_in_time(clock, timeout, seconds: float) -> None:
    outcome = []
    SimpleResolver(clock, Never()).getHostByName("h", timeout).addErrback(outcome.append)
    clock.advance(seconds - 0.1)
    assert outcome == []
    clock.advance(0.1)
    assert outcome[0].check(DNSLookupError)
    assert f"no answer for 'h' within {seconds:g} s" in str(outcome[0].value)


def test_simple_resolver_can_be_cancelled(clock) -> None:
    outcome = []
    result = SimpleResolver(clock, Never()).getHostByName("h")
    result.addErrback(outcome.append)
    result.cancel()
    assert outcome[0].check(CancelledError)
    assert clock.getDelayedCalls() == []


# -- over the system itself ---------------------------------------------------------------------------


async def test_localhost_is_found(reactor) -> None:
    heard = Heard()
    reactor.nameResolver.resolveHostName(heard, "localhost", 80)
    assert IPv4Address("TCP", "127.0.0.1", 80) in await heard.complete


async def test_a_reserved_name_is_not_found(reactor) -> None:
    heard = Heard()
    reactor.nameResolver.resolveHostName(heard, "nothing.invalid.", 80)
    assert await heard.complete == []
