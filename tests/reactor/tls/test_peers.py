"""TLS with programs that others wrote, in both roles: openssl, curl, and Python's ssl module."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import crypto

from wirelab.reactor.core import Reactor
from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.ssl import Authority, CertificateOptions, optionsForClientTLS
from wirelab.reactor.threads import deferToThreadPool

from .conftest import VERSIONS, private

pytestmark = [pytest.mark.peer, pytest.mark.may_leave("threads")]


class Lines(Protocol):
    """Answers each line with itself in capitals, and an HTTP request with a page."""

    def dataReceived(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self.transport.write(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
            self.transport.loseConnection()
        else:
            self.transport.write(data.upper())


class Client(Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.heard: Deferred[bytes] = Deferred()
        self.made: Deferred[None] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()

    def connectionMade(self) -> None:
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(b"\n") and not self.heard.called:
            self.heard.callback(self.received)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.lost.callback(reason.value)


@pytest.fixture
def roots(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "roots.pem"
    path.write_bytes(authority.certificate.dumpPEM())
    return path


@pytest.fixture
def pem(authority: Authority, tmp_path: Path) -> Path:
    made = authority.issue("localhost", "127.0.0.1")
    path = tmp_path / "server.pem"
    path.write_bytes(made.privateKey.dump(crypto.FILETYPE_PEM) + made.dumpPEM())
    return path


def _server(authority: Authority, version: str) -> CertificateOptions:
    return CertificateOptions(
        **private(authority, "localhost", "127.0.0.1"),
        lowerMaximumSecurityTo=VERSIONS[version],
        enableSessionTickets=True,
    )


async def _output(reactor: Reactor, *command: object, said: bytes = b"") -> tuple[int, str]:
    """The exit code and all output of a program, run in a thread while the reactor serves it."""

    def run() -> tuple[int, str]:
        done = subprocess.run(
            [str(word) for word in command],
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=20,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    result: tuple[int, str] = await deferToThreadPool(reactor, reactor.getThreadPool(), run)
    return result


@pytest.mark.parametrize("version", VERSIONS)
async def test_openssl_verifies_us_and_talks(
    reactor: Reactor, authority: Authority, roots: Path, program: Callable[[str], str], version: str
) -> None:
    openssl = program("openssl")
    port = reactor.listenSSL(
        0, Factory.forProtocol(Lines), _server(authority, version), interface="127.0.0.1"
    )
    _, told = await _output(
        reactor,
        *(openssl, "s_client", "-connect", f"127.0.0.1:{port.getHost().port}", "-servername", "localhost"),
        *("-CAfile", roots, "-verify_return_error", "-verify_hostname", "localhost", "-no_ign_eof"),
        said=b"hello\nQ\n",
    )
    assert "Verify return code: 0 (ok)" in told and f"TLSv{version}" in told
    await port.stopListening()


async def test_openssl_is_refused_when_it_wants_to_renegotiate(
    reactor: Reactor, authority: Authority, program: Callable[[str], str]
) -> None:
    openssl = program("openssl")
    port = reactor.listenSSL(0, Factory.forProtocol(Lines), _server(authority, "1.2"), interface="127.0.0.1")
    _, told = await _output(
        reactor, openssl, "s_client", "-connect", f"127.0.0.1:{port.getHost().port}", said=b"R\n"
    )
    assert "RENEGOTIATING" in told and "no renegotiation" in told
    await port.stopListening()


async def test_curl_verifies_us_and_gets_a_page(
    reactor: Reactor, authority: Authority, roots: Path, program: Callable[[str], str]
) -> None:
    curl = program("curl")
    port = reactor.listenSSL(0, Factory.forProtocol(Lines), _server(authority, "1.3"), interface="127.0.0.1")
    place = f"https://127.0.0.1:{port.getHost().port}/"
    common = (curl, "--silent", "--show-error", "--noproxy", "*", "--cacert", roots)
    assert await _output(reactor, *common, place) == (0, "hello\n")
    code, told = await _output(reactor, *common, "--tls-max", "1.1", place)
    assert code == 35, told
    await port.stopListening()


@pytest.mark.parametrize("version", VERSIONS)
async def test_openssl_serves_us(
    reactor: Reactor,
    authority: Authority,
    pem: Path,
    program: Callable[[str], str],
    version: str,
) -> None:
    """It writes each line back in reverse."""
    command = [program("openssl"), "s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), "-rev"]
    with subprocess.Popen(
        [*command, "-tls" + version.replace(".", "_")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if line.startswith("ACCEPT"))
            number = int(line.rpartition(":")[2])
            client = Client()
            factory = ClientFactory.forProtocol(lambda: client)
            factory.noisy = False
            options = optionsForClientTLS("localhost", authority.certificate)
            reactor.connectSSL("127.0.0.1", number, factory, options)
            await client.made
            client.transport.write(b"hello\n")
            assert await client.heard == b"olleh\n"
            assert client.transport.tls.version == f"TLSv{version}" and client.transport.tls.verified
            client.transport.loseConnection()
            assert isinstance(await client.lost, ConnectionDone)
        finally:
            process.kill()


PYTHON_CLIENT = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
with context.wrap_socket(plain, server_hostname="localhost") as s:
    s.sendall(b"x" * 300000)
    got = 0
    while got < 300000:
        got += len(s.recv(65536))
    print(s.version(), got)
    s.unwrap()  # fails unless the other side ends TLS as well
"""


@pytest.mark.parametrize("version", VERSIONS)
async def test_ssl_module_of_python_is_served(
    reactor: Reactor, authority: Authority, roots: Path, version: str
) -> None:
    port = reactor.listenSSL(
        0, Factory.forProtocol(Lines), _server(authority, version), interface="127.0.0.1"
    )
    told = await _output(reactor, sys.executable, "-c", PYTHON_CLIENT, port.getHost().port, roots)
    assert told == (0, f"TLSv{version} 300000\n")
    await port.stopListening()


@pytest.mark.parametrize("version", VERSIONS)
def test_ssl_module_of_python_serves_us(authority: Authority, pem: Path, version: str) -> None:
    """Over asyncio, in one process: our reactor sits on the loop that asyncio's server runs on."""
    from wirelab.reactor.drivers.asyncio import AsyncioDriver

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line[::-1].strip() + b"\n")
            await writer.drain()
        writer.close()

    async def main() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        reactor: Any = Reactor(AsyncioDriver(asyncio.get_running_loop()))
        reactor.startRunning(installSignalHandlers=False)
        client = Client()
        factory = ClientFactory.forProtocol(lambda: client)
        factory.noisy = False
        options = optionsForClientTLS("localhost", authority.certificate)
        reactor.connectSSL("127.0.0.1", server.sockets[0].getsockname()[1], factory, options)
        await client.made
        client.transport.write(b"hello\n")
        assert await client.heard == b"olleh\n"
        assert client.transport.tls.version == f"TLSv{version}"
        client.transport.loseConnection()
        assert isinstance(await client.lost, ConnectionDone)
        server.close()
        await server.wait_closed()
        reactor.stop()
        reactor.close()

    asyncio.run(main())
