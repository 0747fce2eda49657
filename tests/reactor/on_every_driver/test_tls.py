"""TLS over loopback: `listenSSL` and `connectSSL`, and `startTLS` in the middle of a conversation."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred, gatherResults
from wirelab.reactor.error import ConnectionAborted, ConnectionDone, ConnectionLost
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import IReactorSSL, ISSLTransport, ITLSTransport
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.ssl import Authority, VerificationError, optionsForClientTLS

AUTHORITY = Authority("test authority")
SERVER = AUTHORITY.issue("localhost", "127.0.0.1").options()


class Peer(Protocol):
    """Remembers what it hears, and lets a test wait for it."""

    def __init__(self) -> None:
        self.received = b""
        self.made: Deferred[Any] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()
        self.waiting: list[tuple[int, Deferred[Any]]] = []

    def connectionMade(self) -> None:
        self.made.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        for size, waiting in self.waiting[:]:
            if len(self.received) >= size:
                self.waiting.remove((size, waiting))
                waiting.callback(self.received)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.lost.callback(reason.value)

    def heard(self, size: int) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self.waiting.append((size, waiting))
        self.dataReceived(b"")
        return waiting


class One(ClientFactory):
    """A factory of one protocol."""

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self.made = protocol

    def buildProtocol(self, addr: object) -> Any:
        return self.made


def _options(host: str = "localhost") -> Any:
    return optionsForClientTLS(host, AUTHORITY.certificate)


async def _joined(reactor: Reactor, near: Any, far: Any, host: str = "localhost") -> Any:
    """Both connected by TLS; the port."""
    port = reactor.listenSSL(0, One(far), SERVER, interface="127.0.0.1")
    reactor.connectSSL("127.0.0.1", port.getHost().port, One(near), _options(host))
    await gatherResults([near.made, far.made])
    return port


async def _closed(port: Any, *peers: Any) -> list[BaseException]:
    for peer in peers:
        peer.transport.loseConnection()
    await port.stopListening()
    return [await peer.lost for peer in peers]


async def test_reactor_speaks_tls_and_shows_it(reactor: Reactor) -> None:
    verifyObject(IReactorSSL, reactor)
    near, far = Peer(), Peer()
    port = await _joined(reactor, near, far)
    near.transport.write(b"question")
    await far.heard(8)
    far.transport.write(b"answer")
    await near.heard(6)
    assert ISSLTransport.providedBy(near.transport) and port.kind == "tls"
    assert [str(each.tls) for each in (near.transport, far.transport)] == ["TLSv1.3 localhost"] * 2
    opened = [each for each in reactor.opened.values() if each is not port]
    assert [(each.kind, str(each.tls)) for each in opened] == [("tls", "TLSv1.3 localhost")] * 2
    assert near.transport.shortId in reactor.opened and near.transport.state == "open"
    assert near.transport.bytesOut > 8 and near.transport.bufferedBytes == 0
    assert near.transport.getPeer() == far.transport.getHost()
    assert all(isinstance(reason, ConnectionDone) for reason in await _closed(port, near, far))
    assert near.transport.state == "closed" and reactor.opened == {}


async def test_what_is_written_past_the_protocol_is_encrypted_as_well(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _joined(reactor, near, far)
    await near.transport.whenHandshakeCompleted()
    reactor.opened[near.transport.shortId].write(b"hello")
    assert await far.heard(5) == b"hello"
    await _closed(port, near, far)


async def test_wrong_name_is_refused_on_both_sides(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _joined(reactor, near, far, host="example.org")
    reason = await near.lost
    assert isinstance(reason, VerificationError) and reason.check == "wrong name"
    assert isinstance(await far.lost, ConnectionLost)
    await port.stopListening()


async def test_slow_reader_bounds_the_memory_of_the_writer(reactor: Reactor) -> None:
    """20 MB each way at once, each side reading in small portions; nothing piles up on the way."""
    total, portion = 20_000_000, b"x" * 65536

    class Slow(Peer):
        left = total
        count = 0
        most = 0
        is_waiting = False
        done: Deferred[Any]

        def connectionMade(self) -> None:
            self.done = Deferred()
            super().connectionMade()
            self.transport.registerProducer(self, True)
            self.resumeProducing()

        def resumeProducing(self) -> None:
            self.is_waiting = False
            while self.left and not self.is_waiting:
                data = portion[: self.left]
                self.left -= len(data)
                self.transport.write(data)
                self.most = max(self.most, self.transport.bufferedBytes)
            if not self.left:
                self.transport.unregisterProducer()

        def pauseProducing(self) -> None:
            self.is_waiting = True

        def stopProducing(self) -> None:
            self.left = 0

        def dataReceived(self, data: bytes) -> None:
            self.count += len(data)
            self.transport.pauseProducing()
            reactor.callLater(0, self.transport.resumeProducing)
            if self.count == total:
                self.done.callback(None)

    near, far = Slow(), Slow()
    port = reactor.listenSSL(0, One(far), SERVER, interface="127.0.0.1")
    reactor.connectSSL("127.0.0.1", port.getHost().port, One(near), _options())
    await gatherResults([near.made, far.made])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await gatherResults([near.done, far.done])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert max(near.most, far.most) < 512 * 1024 and grown < 8_000_000
    await _closed(port, near, far)


async def test_abort_drops_the_connection(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _joined(reactor, near, far)
    await near.transport.whenHandshakeCompleted()
    near.transport.abortConnection()
    assert isinstance(await near.lost, ConnectionAborted)
    assert isinstance(await far.lost, ConnectionLost)
    await port.stopListening()


async def test_stopping_the_reactor_ends_tls_connections(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    await _joined(reactor, near, far)
    reactor.close_everything()
    reasons = [await near.lost, await far.lost]
    assert all("the reactor was stopped" in str(reason) for reason in reasons)


# -- startTLS -----------------------------------------------------------------------------------------


class Upgrading(Peer):
    """A server that takes up TLS when it is told to; what it is given with that is handled by nobody."""

    dropped = b""

    def dataReceived(self, data: bytes) -> None:
        command, separator, rest = data.partition(b"STARTTLS\r\n")
        if separator:
            super().dataReceived(command)
            self.rest = rest
            self.transport.write(b"220 go ahead\r\n")
            self.transport.startTLS(SERVER)
            super().dataReceived(self.rest)
        else:
            super().dataReceived(data)

    def clearLineBuffer(self) -> bytes:
        self.dropped, self.rest = self.rest, b""
        return self.dropped


async def _plain(reactor: Reactor, near: Any, far: Any) -> Any:
    port = reactor.listenTCP(0, One(far), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, One(near))
    await gatherResults([near.made, far.made])
    return port


@pytest.mark.parametrize("injected", [b"", b"EVIL\r\n"])
async def test_conversation_takes_up_tls(reactor: Reactor, injected: bytes) -> None:
    near, far = Peer(), Upgrading()
    port = await _plain(reactor, near, far)
    assert ITLSTransport.providedBy(near.transport) and near.transport.tls is None
    held = near.transport, far.transport
    near.transport.write(b"hello STARTTLS\r\n" + injected)
    assert await near.heard(14) == b"220 go ahead\r\n"
    near.transport.startTLS(_options())
    near.transport.write(b"secret")
    assert await far.heard(12) == b"hello secret"
    far.transport.write(b"yes")
    assert await near.heard(17) == b"220 go ahead\r\nyes"
    assert far.dropped == injected
    assert (near.transport, far.transport) == held
    assert ISSLTransport.providedBy(near.transport) and near.transport.kind == "tls"
    assert near.transport.negotiatedProtocol is None and near.transport.getPeerCertificate()
    assert str(near.transport.tls) == "TLSv1.3 localhost"
    near.transport.loseConnection()
    assert near.transport.disconnecting
    assert all(isinstance(each, ConnectionDone) for each in [await near.lost, await far.lost])
    await port.stopListening()


async def test_sides_of_tls_can_be_the_other_way_round(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _plain(reactor, near, far)
    far.transport.startTLS(_options(), normal=False)
    near.transport.startTLS(SERVER, normal=False)
    near.transport.write(b"hello")
    assert await far.heard(5) == b"hello"
    assert far.transport.tls.is_client and not near.transport.tls.is_client
    await _closed(port, near, far)


async def test_plain_octets_after_the_upgrade_are_not_delivered(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _plain(reactor, near, far)
    far.transport.startTLS(SERVER)
    near.transport.write(b"EVIL COMMAND\r\n")
    assert "is not TLS" in str(await far.lost) and far.received == b""
    await near.lost
    await port.stopListening()


async def test_producer_stays_registered_through_the_upgrade(reactor: Reactor) -> None:
    class Source:
        calls = 0

        def __init__(self, transport: Any) -> None:
            self.transport = transport

        def resumeProducing(self) -> None:
            self.calls += 1
            if self.calls == 5:
                self.transport.write(b"end")
                self.transport.unregisterProducer()
            elif self.calls > 1:
                self.transport.write(b"x")

        def stopProducing(self) -> None:
            raise AssertionError

    near, far = Peer(), Peer()
    port = await _plain(reactor, near, far)
    near.transport.registerProducer(Source(near.transport), False)
    far.transport.startTLS(SERVER)
    near.transport.startTLS(_options())
    await far.heard(6)
    assert far.received == b"xxxend"
    await _closed(port, near, far)


async def test_tls_can_be_taken_up_inside_of_tls(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _joined(reactor, near, far)
    await gatherResults([near.transport.whenHandshakeCompleted(), far.transport.whenHandshakeCompleted()])
    far.transport.startTLS(SERVER)
    near.transport.startTLS(_options())
    near.transport.write(b"deep")
    assert await far.heard(4) == b"deep"
    await _closed(port, near, far)


async def test_upgrade_of_a_closing_connection_does_nothing(reactor: Reactor) -> None:
    near, far = Peer(), Peer()
    port = await _plain(reactor, near, far)
    near.transport.loseConnection()
    near.transport.startTLS(_options())
    assert near.transport.tls is None
    assert isinstance(await near.lost, ConnectionDone)
    await _closed(port, far)


@pytest.mark.parametrize("call", ["listenSSL", "connectSSL"])
async def test_what_is_no_factory_is_told(reactor: Reactor, call: str) -> None:
    place: tuple[Any, ...] = (0,) if call == "listenSSL" else ("localhost", 1)
    open_: Callable[..., Any] = getattr(reactor, call)
    with pytest.raises(TypeError, match=call):
        open_(*place, Peer, SERVER)
    with pytest.raises(TypeError, match="context factory"):
        open_(*place, ClientFactory(), None)


async def test_settings_that_turn_out_bad_refuse_the_connection(
    reactor: Reactor, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        calls = 0

        def getContext(self) -> Any:
            self.calls += 1
            if self.calls > 1:
                raise KeyError("certificate")
            return SERVER.getContext()

    port = reactor.listenSSL(0, Factory.forProtocol(Peer), Failing(), interface="127.0.0.1")
    near = Peer()
    with caplog.at_level(logging.ERROR):
        reactor.connectSSL("127.0.0.1", port.getHost().port, One(near), _options())
        await near.lost
    assert "KeyError: 'certificate'" in caplog.text
    await port.stopListening()
