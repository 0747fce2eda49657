"""Endpoints inside TLS: as objects, around other endpoints, and from strings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from OpenSSL import crypto
from zope.interface.verify import verifyObject

from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred
from wirelab.reactor.endpoints import (
    ArgumentValueError,
    EndpointStringError,
    HostnameEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    UnknownArgumentError,
    UnknownKindError,
    clientFromString,
    connectProtocol,
    quoteStringArgument,
    serverFromString,
    wrapClientTLS,
)
from wirelab.reactor.error import ConnectionDone, ConnectionRefusedError
from wirelab.reactor.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from wirelab.reactor.protocol import Factory, Protocol
from wirelab.reactor.ssl import Authority, PrivateCertificate, VerificationError, optionsForClientTLS
from wirelab.reactor.testing import MemoryReactor

AUTHORITY = Authority("test authority")
SHOWN = AUTHORITY.issue("localhost", "127.0.0.1")
PEM = crypto.FILETYPE_PEM


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Peer(Protocol):
    def __init__(self) -> None:
        self.heard: Deferred[bytes] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard.callback(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(reason.value)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The names of PEM files: of the server (both in one, and apart), and of the authority."""

    def written(name: str, data: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    key = SHOWN.privateKey.dump(PEM)
    return {
        "both": written("both.pem", SHOWN.dumpPEM() + key),
        "key": written("key.pem", key),
        "cert": written("cert.pem", SHOWN.dumpPEM()),
        "chain": written("chain.pem", AUTHORITY.certificate.dumpPEM()),
    }


async def _talk(server: Any, client_of: Any) -> tuple[bytes, Peer]:
    """What the echo at `server` answers to the client endpoint that `client_of` gives for its port."""
    port = await server.listen(Factory.forProtocol(Echo))
    try:
        peer = await connectProtocol(client_of(port.getHost().port), Peer())
        peer.transport.write(b"hello")
        answer = await peer.heard
        peer.transport.loseConnection()
        assert isinstance(await peer.lost, ConnectionDone)
    finally:
        await port.stopListening()
    return answer, peer


def _options(host: str = "localhost") -> Any:
    return optionsForClientTLS(host, AUTHORITY.certificate)


async def test_endpoints_of_both_sides_talk(reactor: Reactor) -> None:
    server = SSL4ServerEndpoint(reactor, 0, SHOWN.options(), interface="127.0.0.1")
    verifyObject(IStreamServerEndpoint, server)

    def client(port: int) -> Any:
        endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", port, _options())
        verifyObject(IStreamClientEndpoint, endpoint)
        return endpoint

    assert (await _talk(server, client))[0] == b"hello"


async def test_tls_wraps_another_endpoint(reactor: Reactor) -> None:
    server = SSL4ServerEndpoint(reactor, 0, SHOWN.options(), interface="127.0.0.1")

    def client(port: int) -> Any:
        endpoint = wrapClientTLS(_options(), HostnameEndpoint(reactor, "127.0.0.1", port))
        verifyObject(IStreamClientEndpoint, endpoint)
        return endpoint

    answer, peer = await _talk(server, client)
    assert answer == b"hello" and peer.transport.kind == "tls"


async def test_failure_to_connect_is_the_wrapped_endpoints(reactor: Reactor) -> None:
    endpoint = wrapClientTLS(_options(), TCP4ClientEndpoint(reactor, "127.0.0.1", 1))
    with pytest.raises(ConnectionRefusedError):
        await endpoint.connect(Factory.forProtocol(Peer))
    with pytest.raises(TypeError, match="context factory"):
        await wrapClientTLS(None, endpoint).connect(Factory.forProtocol(Peer))


@pytest.mark.parametrize("kind", ["tls", "ssl"])
@pytest.mark.parametrize(
    "arguments",
    [
        "privateKey={both}",
        "privateKey={key}:certKey={cert}:extraCertChain={chain}",
        "privateKey={both}:sslmethod=TLSv1_2_METHOD",
        "privateKey={both}:sslmethod=SSLv23_METHOD",
    ],
)
async def test_strings_of_both_sides_talk(
    reactor: Reactor, files: dict[str, str], kind: str, arguments: str
) -> None:
    server = serverFromString(reactor, f"{kind}:0:interface=127.0.0.1:{arguments.format(**files)}")

    def client(port: int) -> Any:
        return clientFromString(reactor, f"{kind}:127.0.0.1:{port}:trustRoots={files['chain']}")

    answer, peer = await _talk(server, client)
    assert answer == b"hello"
    assert peer.transport.tls.verified
    assert peer.transport.tls.version == ("TLSv1.2" if "TLSv1_2" in arguments else "TLSv1.3")


async def test_string_names_another_endpoint_to_connect_by(reactor: Reactor, files: dict[str, str]) -> None:
    server = serverFromString(reactor, f"tls:0:interface=127.0.0.1:privateKey={files['both']}")

    def client(port: int) -> Any:
        by = quoteStringArgument(f"tcp:127.0.0.1:{port}")
        return clientFromString(reactor, f"tls:localhost:443:endpoint={by}:trustRoots={files['chain']}")

    assert (await _talk(server, client))[1].transport.tls.name == "localhost"


async def test_string_gives_the_client_a_certificate(
    reactor: Reactor, files: dict[str, str], tmp_path: Path
) -> None:
    mine = AUTHORITY.issue("me")
    (tmp_path / "me.pem").write_bytes(mine.dumpPEM() + mine.privateKey.dump(PEM))
    server = SSL4ServerEndpoint(reactor, 0, SHOWN.options(AUTHORITY.certificate), interface="127.0.0.1")

    def client(port: int) -> Any:
        shown = f"certificate={tmp_path / 'me.pem'}"
        return clientFromString(reactor, f"tls:127.0.0.1:{port}:{shown}:trustRoots={files['chain']}")

    assert (await _talk(server, client))[0] == b"hello"


async def test_platform_is_trusted_by_default_and_nobody_else(
    reactor: Reactor, files: dict[str, str]
) -> None:
    server = serverFromString(reactor, f"tls:0:interface=127.0.0.1:privateKey={files['both']}")
    port = await server.listen(Factory.forProtocol(Echo))
    peer = await connectProtocol(clientFromString(reactor, f"tls:127.0.0.1:{port.getHost().port}"), Peer())
    reason = await peer.lost
    assert isinstance(reason, VerificationError) and reason.check == "unknown authority"
    await port.stopListening()


def test_strings_of_clients_go_to_names_by_all_addresses(files: dict[str, str]) -> None:
    endpoint = clientFromString(MemoryReactor(), f"tls:example.org:443:trustRoots={files['chain']}")
    assert "<HostnameEndpoint example.org:443>" in repr(endpoint)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("tls:0", "'server.pem': no such file or directory; name a PEM file with key", 5),
        ("tls:0:privateKey=/none.pem", "privateKey '/none.pem': no such file or directory", 6),
        ("ssl:0:privateKey={key}", "it holds no certificate in PEM", 6),
        ("ssl:0:privateKey={both}:certKey={chain}", "it is not for the key in", None),
        ("tls:0:privateKey={cert}", "it holds no private key in PEM", 6),
        ("tls:0:privateKey={both}:dhParameters=/none", "'/none': no such file", None),
        ("tls:0:privateKey=", "privateKey is empty: name a file in PEM", 6),
        ("tls:0:sslmethod=SSLv3_METHOD", "sslmethod 'SSLv3_METHOD' is not one of SSLv23_METHOD,", 6),
    ],
)
def test_bad_settings_of_a_server_name_the_argument_and_the_reason(
    files: dict[str, str], text: str, message: str, position: int | None, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentValueError) as caught:
        serverFromString(MemoryReactor(), text.format(**files))
    assert message in str(caught.value)
    assert position is None or caught.value.position == position


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("tls:localhost:443:trustRoots=/none", ArgumentValueError, "trustRoots '/none': no such file"),
        ("tls:localhost:443:certificate={cert}", ArgumentValueError, "it holds no private key in PEM"),
        (
            "tls:localhost:443:endpoint=carrier\\:1",
            UnknownKindError,
            "the unknown kind 'carrier'",
        ),
        ("tls:localhost:443:verify=no", UnknownArgumentError, "no argument 'verify'"),
        ("tls:local host:443", EndpointStringError, "neither a host name nor an address"),
        ("tls:a..b:443", EndpointStringError, "invalid host name 'a..b'"),
    ],
)
def test_bad_settings_of_a_client_name_the_argument_and_the_reason(
    files: dict[str, str], text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        clientFromString(MemoryReactor(), text.format(**files))
    assert message in str(caught.value)


def test_endpoints_are_read_without_openssl() -> None:
    import subprocess
    import sys

    code = "import sys, wirelab.reactor.endpoints, wirelab.reactor.core; print('OpenSSL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_private_certificates_serve_as_they_are() -> None:
    memory = MemoryReactor()
    options = PrivateCertificate.loadPEM(SHOWN.dumpPEM() + SHOWN.privateKey.dump(PEM)).options()
    SSL4ServerEndpoint(memory, 8443, options, backlog=7, interface="::1").listen(Factory())
    (port, _, context_factory, backlog, interface) = memory.sslServers[0]
    assert (port, context_factory, backlog, interface) == (8443, options, 7, "::1")
