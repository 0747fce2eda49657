"""TLS in memory: two protocols that talk through it, whole and split at every byte."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from OpenSSL import SSL, crypto
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.error import ConnectionAborted, ConnectionDone, ConnectionLost
from wirelab.reactor.failure import Failure
from wirelab.reactor.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IProtocol,
    IProtocolNegotiationFactory,
    IPushProducer,
    ISSLTransport,
)
from wirelab.reactor.protocol import ClientFactory, Factory
from wirelab.reactor.ssl import (
    Authority,
    Certificate,
    CertificateOptions,
    ClientContextFactory,
    ServerNames,
    optionsForClientTLS,
)
from wirelab.reactor.task import Clock
from wirelab.reactor.testing import connected_pair
from wirelab.reactor.tls import TLSMemoryBIOFactory

from .conftest import VERSIONS, HalfTalk, Joined, Listening, Talk, private

Join = Callable[..., Joined]


def _version(joined: Joined) -> str | None:
    version: str | None = joined.client_tls.tls.version
    return version


def test_it_is_a_transport_and_a_protocol(join: Join) -> None:
    tls = join().client_tls
    for interface in (ISSLTransport, IProtocol, IConsumer, IPushProducer, IHalfCloseableProtocol):
        verifyObject(interface, tls)


@pytest.mark.parametrize("chunk", [1, 7, None])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_said_arrives_both_ways_however_it_is_cut(
    join: Join, authority: Authority, version: str, chunk: int | None
) -> None:
    options = CertificateOptions(
        **private(authority, "localhost"),
        lowerMaximumSecurityTo=VERSIONS[version],
    )
    joined = join(server_side=options, chunk=chunk, flush=False)
    joined.client.transport.write(b"before the handshake")
    joined.server.answer = lambda data: joined.server.transport.write(data.upper())
    joined.pair.flush()
    assert joined.client.data == b"BEFORE THE HANDSHAKE"
    assert _version(joined) == f"TLSv{version}"
    joined.client.transport.loseConnection()
    joined.pair.flush()
    assert [type(each.reason) for each in (joined.client, joined.server)] == [ConnectionDone] * 2
    assert joined.pair.is_closed


def test_protocol_is_connected_before_the_handshake_and_told_of_its_end(join: Join) -> None:
    joined = join(Listening, Listening, flush=False)
    assert joined.client.events == joined.server.events == ["made"]
    assert joined.client_tls.tls.version is joined.client_tls.negotiatedProtocol is None
    joined.pair.flush()
    assert joined.client.events == joined.server.events == ["made", "handshake"]


def test_handshake_can_be_waited_for(join: Join) -> None:
    joined = join(flush=False)
    told: list[object] = []
    joined.client_tls.whenHandshakeCompleted().addCallback(told.append)
    given_up = joined.client_tls.whenHandshakeCompleted().addErrback(lambda failure: failure.type.__name__)
    given_up.cancel()
    assert told == [] and given_up.result == "CancelledError"
    joined.pair.flush()
    joined.client_tls.whenHandshakeCompleted().addCallback(told.append)
    assert [str(each) for each in told] == ["TLSv1.3 localhost"] * 2


def test_many_small_writes_of_an_event_leave_as_one_record(join: Join) -> None:
    joined = join()
    joined.server.transport.write(b"with the tickets")
    joined.pair.flush()
    sent: list[bytes] = []
    write = joined.server_tls._below.write
    joined.server_tls._records._write = lambda data: (sent.append(data), write(data))
    joined.server.answer = lambda data: [joined.server.transport.write(b"x") for _ in range(100)]
    joined.client.transport.write(b"go")
    joined.pair.flush()
    assert joined.client.received[-1] == b"x" * 100
    assert [len(data) for data in sent] == [100 + 22]


def test_big_write_is_encrypted_piece_by_piece(join: Join) -> None:
    joined = join()
    data = bytes(range(256)) * 8192
    joined.client.transport.write(data)
    joined.client.transport.writeSequence([b"and ", bytearray(b"more")])
    joined.pair.flush()
    assert joined.server.data == data + b"and more"
    assert max(map(len, joined.server.received)) <= 65536


@pytest.mark.parametrize("method", ["write", "writeSequence"])
def test_text_is_refused_with_the_way_out(join: Join, method: str) -> None:
    with pytest.raises(TypeError, match=r"encode it first|takes several bytes objects"):
        getattr(join().client.transport, method)("text")


# -- ends ---------------------------------------------------------------------------------------------


def test_truncation_is_told_apart_from_a_clean_end(join: Join) -> None:
    joined = join()
    joined.client.transport.write(b"half of it")
    joined.pair.client.loseConnection()  # without TLS's own end
    joined.pair.flush()
    assert joined.server.data == b"half of it"
    assert type(joined.server.reason) is ConnectionLost
    assert "no close_notify" in str(joined.server.reason)


def test_close_in_the_handshake_says_so(join: Join) -> None:
    joined = join(flush=False)
    joined.pair.client.loseConnection()
    joined.pair.flush()
    assert "in the TLS handshake" in str(joined.server.reason)
    assert "in the TLS handshake" in str(joined.client.reason)


def test_reset_is_passed_on_as_the_transport_tells_it(join: Join) -> None:
    joined = join()
    joined.client.transport.abortConnection()
    joined.pair.flush()
    assert type(joined.client.reason) is ConnectionAborted
    assert isinstance(joined.server.reason, ConnectionLost)


def test_close_sends_what_was_written_before_even_in_the_handshake(join: Join) -> None:
    joined = join(flush=False)
    joined.client.transport.write(b"x" * 100_000)
    joined.client.transport.loseConnection()
    assert joined.client.transport.disconnecting
    joined.pair.flush()
    assert len(joined.server.data) == 100_000
    assert isinstance(joined.client.reason, ConnectionDone) and isinstance(
        joined.server.reason, ConnectionDone
    )


def test_close_without_a_word_does_not_wait_for_the_handshake(join: Join) -> None:
    joined = join(flush=False)
    joined.client.transport.loseConnection()
    joined.pair.flush()
    assert isinstance(joined.client.reason, ConnectionDone)
    assert isinstance(joined.server.reason, ConnectionLost)


def test_nothing_is_delivered_after_the_protocol_closed(join: Join) -> None:
    joined = join()
    joined.server.answer = lambda data: joined.server.transport.loseConnection()
    joined.client.transport.write(b"1")
    joined.pair.pump()
    joined.client.transport.write(b"2")
    joined.pair.flush()
    assert joined.server.data == b"1" and joined.pair.is_closed
    joined.server.transport.write(b"into the void") if joined.server.transport else None


def test_half_close_lets_the_other_direction_go_on(join: Join) -> None:
    joined = join(HalfTalk, HalfTalk)
    joined.client.transport.write(b"question")
    joined.client.transport.loseWriteConnection()
    joined.pair.flush()
    assert joined.server.data == b"question"
    assert joined.server.events == ["made", "read ended"]
    assert joined.client.events == ["made", "write ended"]
    joined.client.transport.write(b"too late")
    joined.server.transport.write(b"answer")
    joined.pair.flush()
    assert (joined.client.data, joined.server.data) == (b"answer", b"question")
    joined.server.transport.loseConnection()
    joined.pair.flush()
    assert joined.pair.is_closed
    assert isinstance(joined.client.reason, ConnectionDone) and isinstance(
        joined.server.reason, ConnectionDone
    )


def test_exception_of_the_protocol_ends_the_connection_without_a_clean_end(join: Join) -> None:
    joined = join()

    def fail(data: bytes) -> None:
        joined.server.transport.write(b"said before")
        raise ZeroDivisionError

    joined.server.answer = fail
    joined.client.transport.write(b"go")
    with pytest.raises(ZeroDivisionError):
        joined.pair.flush()
    joined.pair.flush()
    assert joined.client.data == b"said before"
    assert "no close_notify" in str(joined.client.reason)


def test_fail_verification_gives_the_reason_to_the_protocol(join: Join) -> None:
    joined = join()
    joined.client.transport.failVerification(Failure(KeyError("no")))
    joined.pair.flush()
    assert isinstance(joined.client.reason, KeyError)


# -- time ---------------------------------------------------------------------------------------------


def test_peer_that_never_shakes_hands_is_dropped(join: Join, clock: Clock) -> None:
    joined = join(clock=clock, flush=False)
    joined.client.transport.write(b"x")
    clock.advance(59)
    assert not joined.client.reasons
    clock.advance(1)
    joined.pair.flush()
    assert "no TLS handshake within 60 s" in str(joined.client.reason)
    assert clock.getDelayedCalls() == []


def test_peer_that_never_closes_is_dropped(join: Join, clock: Clock) -> None:
    joined = join(clock=clock)
    joined.pair.server.pauseProducing()
    joined.client.transport.loseConnection()
    joined.pair.flush()
    assert not joined.client.reasons
    clock.advance(10)
    joined.pair.flush()
    assert isinstance(joined.client.reason, ConnectionDone)
    joined.pair.server.resumeProducing()
    joined.pair.flush()
    assert clock.getDelayedCalls() == []


# -- flow ---------------------------------------------------------------------------------------------


class Source:
    """A producer that counts what it is told."""

    def __init__(self, transport: Any, portion: bytes, total: int, is_pull: bool = False) -> None:
        self.transport, self.portion, self.left, self.is_pull = transport, portion, total, is_pull
        self.is_paused = self.is_stopped = False
        self.pauses = 0

    def resumeProducing(self) -> None:
        self.is_paused = False
        while self.left and not self.is_paused:
            self.left -= 1
            self.transport.write(self.portion)
            if self.is_pull:
                return
        if not self.left:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        self.is_paused = True
        self.pauses += 1

    def stopProducing(self) -> None:
        self.is_stopped = True
        self.left = 0


@pytest.mark.parametrize("in_the_handshake", [True, False])
def test_push_producer_waits_for_a_slow_reader(join: Join, in_the_handshake: bool) -> None:
    joined = join(flush=not in_the_handshake)
    joined.server.transport.pauseProducing()
    source = Source(joined.client.transport, b"x" * 10_000, 200)
    joined.client.transport.registerProducer(source, True)
    source.resumeProducing()
    joined.client.transport.loseConnection()
    most = 0
    for _ in range(40):
        joined.pair.pump()
        most = max(most, joined.client_tls.bufferedBytes)
    assert source.pauses and source.left > 150 and not joined.server.received
    assert most < 200_000
    while source.left:
        joined.server.transport.resumeProducing()
        joined.pair.pump()
        joined.server.transport.pauseProducing()
        most = max(most, joined.client_tls.bufferedBytes)
    joined.server.transport.resumeProducing()
    joined.pair.flush()
    assert len(joined.server.data) == 2_000_000 and most < 200_000
    assert isinstance(joined.server.reason, ConnectionDone)


@pytest.mark.parametrize("in_the_handshake", [True, False])
def test_pull_producer_is_asked_until_it_is_done(join: Join, in_the_handshake: bool) -> None:
    joined = join(flush=not in_the_handshake)
    source = Source(joined.client.transport, b"x" * 10_000, 50, is_pull=True)
    joined.client.transport.registerProducer(source, False)
    if in_the_handshake:
        assert source.left == 50
    joined.client.transport.loseConnection()
    joined.pair.flush()
    assert len(joined.server.data) == 500_000
    assert isinstance(joined.server.reason, ConnectionDone)


def test_second_producer_is_refused_and_one_after_the_end_stopped(join: Join) -> None:
    joined = join()
    first, second = (Source(joined.client.transport, b"x", 1) for _ in range(2))
    joined.client.transport.registerProducer(first, True)
    with pytest.raises(RuntimeError, match="was not unregistered"):
        joined.client.transport.registerProducer(second, True)
    joined.server.transport.abortConnection()
    joined.pair.flush()
    assert first.is_stopped
    joined.client_tls.registerProducer(second, True)
    assert second.is_stopped


def test_reader_that_pauses_gets_the_rest_when_it_resumes(join: Join) -> None:
    joined = join()
    joined.server.answer = lambda data: joined.server.transport.pauseProducing()
    for _ in range(20):
        joined.client.transport.write(b"x" * 16384)
    joined.pair.flush()
    before = len(joined.server.data)
    assert before <= 65536
    joined.server.answer = lambda data: None
    joined.server.transport.resumeProducing()
    joined.pair.flush()
    assert len(joined.server.data) == 20 * 16384


def test_pausing_does_not_stop_the_handshake(join: Join) -> None:
    joined = join(flush=False)
    joined.server.transport.pauseProducing()
    joined.client.transport.write(b"x")
    joined.pair.flush()
    assert joined.server_tls.tls.is_up and not joined.server.received
    joined.server.transport.resumeProducing()
    joined.pair.flush()
    assert joined.server.data == b"x"


# -- what is agreed -----------------------------------------------------------------------------------


@implementer(IProtocolNegotiationFactory)
class Negotiating(Factory):
    def __init__(self, *protocols: bytes) -> None:
        self.protocol = Talk
        self.protocols = list(protocols)

    def acceptableProtocols(self) -> list[bytes]:
        return self.protocols


@pytest.mark.parametrize(
    ("client", "server", "agreed"),
    [
        ([b"h2", b"http/1.1"], [b"http/1.1", b"h2"], b"http/1.1"),
        ([b"h2"], [b"http/1.1"], None),
        ([], [b"h2"], None),
        ([b"h2"], [], None),
    ],
)
def test_application_protocol_is_the_servers_choice(
    join: Join, authority: Authority, client: list[bytes], server: list[bytes], agreed: bytes | None
) -> None:
    by_factory = join(Negotiating(*client), Negotiating(*server))
    by_options = join(
        client_options=optionsForClientTLS("localhost", authority.certificate, acceptableProtocols=client),
        server_side=CertificateOptions(**private(authority, "localhost"), acceptableProtocols=server),
    )
    for joined in (by_factory, by_options):
        assert (
            joined.client.transport.negotiatedProtocol == joined.server.transport.negotiatedProtocol == agreed
        )


def test_server_shows_the_certificate_of_the_name_that_is_asked_for(join: Join, authority: Authority) -> None:
    names = ServerNames({"other.example": authority.issue("other.example").options()})
    server = CertificateOptions(**private(authority, "localhost"), contextForServerName=names)
    for name in ("localhost", "other.example"):
        joined = join(client_options=optionsForClientTLS(name, authority.certificate), server_side=server)
        assert joined.client_tls.tls.names == (name,) and joined.server_tls.tls.server_name == name


def test_client_certificate_is_asked_for_and_seen(join: Join, authority: Authority) -> None:
    mine = authority.issue("me", common_name="me")
    server = authority.issue("localhost").options(authority.certificate)
    joined = join(
        client_options=optionsForClientTLS("localhost", authority.certificate, mine), server_side=server
    )
    seen = Certificate.peerFromTransport(joined.server.transport)
    assert seen == mine and Certificate.hostFromTransport(joined.client.transport) == mine
    assert joined.server_tls.tls.verified
    shown = joined.server.transport.getPeerCertificate()
    assert isinstance(shown, crypto.X509) and Certificate(shown) == mine


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("means", ["enableSessions", "enableSessionTickets"])
def test_session_is_resumed(join: Join, authority: Authority, version: str, means: str) -> None:
    server = CertificateOptions(
        **private(authority, "localhost"), lowerMaximumSecurityTo=VERSIONS[version], **{means: True}
    )
    client = optionsForClientTLS("localhost", authority.certificate)
    resumed = []
    for _ in range(3):
        joined = join(client_options=client, server_side=server)
        joined.server.transport.write(b"so that a ticket is read")
        joined.pair.flush()
        resumed.append((joined.client_tls.tls.resumed, joined.server_tls.tls.resumed))
        assert joined.client_tls.tls.verified
        joined.client.transport.loseConnection()
        joined.pair.flush()
    assert resumed == [(False, False), (True, True), (True, True)]


def test_keys_are_logged_where_the_environment_says(
    join: Join, authority: Authority, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    join(client_options=optionsForClientTLS("localhost", authority.certificate))
    lines = path.read_text().splitlines()
    assert {line.split()[0] for line in lines} >= {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_renegotiation_is_refused(join: Join, authority: Authority) -> None:
    """The client's own OpenSSL is told to allow it; the server's answer is what counts."""
    server = CertificateOptions(**private(authority, "localhost"), lowerMaximumSecurityTo=VERSIONS["1.2"])
    joined = join(client_options=ClientContextFactory(), server_side=server)
    before = SSL.Connection.total_renegotiations(joined.server_tls.getHandle())
    connection = joined.client_tls.getHandle()
    with pytest.raises(SSL.Error):
        connection.renegotiate()
    assert connection.total_renegotiations() == before == 0


def test_description_has_what_a_person_wants_to_see(join: Join) -> None:
    joined = join()
    client, server = joined.client_tls.tls, joined.server_tls.tls
    assert str(client) == str(server) == "TLSv1.3 localhost"
    assert client.facts() | {"expires": "", "cipher": ""} == {
        "version": "TLSv1.3",
        "cipher": "",
        "name": "localhost",
        "peer": "localhost, 127.0.0.1, ::1",
        "verified": "yes",
        "expires": "",
        "chain": "CN=localhost",
        "resumed": "no",
    }
    assert server.facts()["peer"] == "no certificate" and not server.verified
    assert client.expires is not None and server.expires is None
    assert joined.client_tls.state == "open" and joined.client_tls.kind == "tls"


# -- TLS in TLS, and who may be what ------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, None])
def test_tls_runs_inside_of_tls(
    authority: Authority, server_options: CertificateOptions, chunk: int | None
) -> None:
    client = optionsForClientTLS("localhost", authority.certificate)
    inner_client = TLSMemoryBIOFactory(client, True, Factory.forProtocol(HalfTalk))
    inner_server = TLSMemoryBIOFactory(server_options, False, Factory.forProtocol(HalfTalk))
    outer_client = TLSMemoryBIOFactory(client, True, inner_client).buildProtocol(None)
    outer_server = TLSMemoryBIOFactory(server_options, False, inner_server).buildProtocol(None)
    pair = connected_pair(outer_client, outer_server, chunk=chunk)
    near, far = outer_client.wrappedProtocol.wrappedProtocol, outer_server.wrappedProtocol.wrappedProtocol
    near.transport.write(b"deep")
    near.transport.loseConnection()
    pair.flush()
    assert far.data == b"deep"
    far.transport.loseConnection()
    pair.flush()
    assert isinstance(near.reason, ConnectionDone) and isinstance(far.reason, ConnectionDone)


@pytest.mark.parametrize(
    ("given", "is_client", "message"),
    [
        (object(), True, "a TLS client takes a context factory, not <object"),
        (CertificateOptions, False, "not the class CertificateOptions: call it"),
        (lambda: None, False, r"try CertificateOptions\(privateKey="),
    ],
)
def test_what_is_no_context_factory_is_told(given: Any, is_client: bool, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        TLSMemoryBIOFactory(given, is_client, Factory.forProtocol(Talk))


def test_options_of_a_client_and_contexts_of_ssl_are_no_servers(authority: Authority) -> None:
    with pytest.raises(TypeError, match="makes clients, and this side is the server"):
        TLSMemoryBIOFactory(optionsForClientTLS("a", authority.certificate), False, Factory())
    with pytest.raises(TypeError, match="not an SSLContext of the ssl module"):
        TLSMemoryBIOFactory(ssl.create_default_context(), True, Factory())


def test_factory_passes_on_what_it_is_told() -> None:
    told: list[str] = []

    class Inner(ClientFactory):
        noisy = False

        def startFactory(self) -> None:
            told.append("start")

        def stopFactory(self) -> None:
            told.append("stop")

        def startedConnecting(self, connector: Any) -> None:
            told.append("connecting")

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            told.append("failed")

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            told.append("lost")

        def buildProtocol(self, addr: Any) -> None:
            told.append("build")

    outer = TLSMemoryBIOFactory(ClientContextFactory(), True, Inner())
    outer.doStart()
    outer.startedConnecting(None)
    assert outer.buildProtocol(None) is None
    outer.clientConnectionFailed(None, None)  # type: ignore[arg-type]
    outer.clientConnectionLost(None, None)  # type: ignore[arg-type]
    outer.doStop()
    assert told == ["start", "connecting", "build", "failed", "lost", "stop"]
    assert outer.logPrefix() == "Inner (TLS)"
