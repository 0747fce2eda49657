"""Servers behind a proxy: the addresses they see, and proxies that misbehave, over real connections."""

import socket

import pytest

from wirelab.reactor.address import IPv4Address
from wirelab.reactor.defer import Deferred
from wirelab.reactor.endpoints import (
    HAProxyServerEndpoint,
    MissingArgumentError,
    TCP4ServerEndpoint,
    UnknownKindError,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from wirelab.reactor.haproxy import ProxiedFactory, factory
from wirelab.reactor.protocol import Factory, ProcessProtocol, Protocol
from wirelab.reactor.testing import connected_pair
from wirelab.reactor.utils import getProcessOutputAndValue

HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.9 5000 80\r\n"
CLIENT, SERVER = IPv4Address("TCP", "192.0.2.7", 5000), IPv4Address("TCP", "198.51.100.9", 80)


class Telling(Protocol):
    """Answers a line with who is on both ends, as HTTP without a length."""

    def dataReceived(self, data):
        ends = f"{self.transport.getPeer()} {self.transport.getHost()}\n"
        self.transport.write(b"HTTP/1.0 200 OK\r\n\r\n" + ends.encode())
        self.transport.loseConnection()


class Hearing(Protocol):
    def __init__(self, says):
        self.says, self.heard, self.lost = says, b"", Deferred()

    def connectionMade(self):
        self.transport.write(self.says)

    def dataReceived(self, data):
        self.heard += data

    def connectionLost(self, reason):
        self.lost.callback(self.heard)


@pytest.fixture
def serve(reactor):
    """Serve behind a proxy on a free port: `number = await serve()`."""
    ports = []

    async def serve(served=Telling):
        made = served if isinstance(served, Factory) else Factory.forProtocol(served)
        ports.append(await serverFromString(reactor, "haproxy:tcp:0:interface=127.0.0.1").listen(made))
        return ports[0].getHost().port

    yield serve
    for port in ports:
        port.stopListening()


async def say(reactor, number, data):
    client = await connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{number}"), Hearing(data))
    return await client.lost


async def test_the_protocol_sees_the_addresses_of_the_header(reactor, serve):
    heard = await say(reactor, await serve(), HEADER + b"hello\n")
    assert heard.endswith(b"\r\n192.0.2.7:5000 198.51.100.9:80\n")


async def test_where_the_proxy_does_not_know_they_are_those_of_the_connection(reactor, serve):
    number = await serve()
    heard = await say(reactor, number, b"PROXY UNKNOWN\r\nhello\n")
    assert heard.endswith(f" 127.0.0.1:{number}\n".encode())


async def test_the_factory_is_asked_with_the_clients_address_when_it_is_known(reactor, serve):
    class Asked(Factory):
        noisy = False
        protocol = Telling
        asked = ()

        def buildProtocol(self, addr):
            self.asked += (addr,)
            return super().buildProtocol(addr)

    asked = Asked()
    await say(reactor, await serve(asked), HEADER + b"x")
    assert asked.asked == (CLIENT,)


async def test_a_factory_may_refuse(reactor, serve):
    class Refusing(Factory):
        noisy = False

        def buildProtocol(self, addr):
            return None

    assert await say(reactor, await serve(Refusing()), HEADER) == b""


async def test_what_is_no_header_ends_the_connection_and_is_told(reactor, serve, caplog):
    assert await say(reactor, await serve(), b"GET / HTTP/1.1\r\n\r\n") == b""
    assert "no PROXY header: the connection begins with b'GET / HTTP/1.1" in caplog.text


async def test_a_header_that_does_not_come_is_not_waited_for(reactor, serve, caplog, monkeypatch):
    monkeypatch.setattr(factory, "HEADER_TIMEOUT", 0.01)
    assert await say(reactor, await serve(), HEADER[:10]) == b""
    assert "no whole PROXY header within 0.01 s" in caplog.text


async def test_a_proxy_that_goes_away_early_leaves_nothing(reactor, serve):
    with socket.create_connection(("127.0.0.1", await serve())) as early:
        early.send(HEADER[:-1])
        while len(reactor.opened) < 2:
            await turn(reactor)
    while len(reactor.opened) > 1:
        await turn(reactor)  # and no timer: the reactor of the test says if one is left


async def turn(reactor):
    done = Deferred()
    reactor.callLater(0.001, done.callback, None)
    await done


def test_a_header_in_any_pieces_serves_the_same(memory_reactor):
    for size in (1, 2, 7, 100):
        telling = Factory.forProtocol(Telling)
        server = ProxiedFactory(telling, memory_reactor).buildProtocol(None)
        client = Hearing(HEADER + b"x")
        pair = connected_pair(client, server, chunk=size)
        pair.flush()
        assert client.heard.endswith(b"192.0.2.7:5000 198.51.100.9:80\n")
        assert not memory_reactor.getDelayedCalls()


def test_it_shows_what_it_serves(reactor):
    assert ProxiedFactory(Factory.forProtocol(Telling), reactor).served_name == "Telling"


def test_a_string_wraps_another_one():
    endpoint = serverFromString(object(), "haproxy:tcp:8080:interface=[::1]")
    assert type(endpoint) is HAProxyServerEndpoint
    assert type(endpoint.endpoint) is TCP4ServerEndpoint and endpoint.endpoint.interface == "::1"


BAD = [
    ("haproxy", MissingArgumentError, "haproxy needs the place to listen at"),
    ("haproxy:", MissingArgumentError, "haproxy needs the place to listen at"),
    ("haproxy:nosuch:1", UnknownKindError, "haproxy cannot listen at 'nosuch'; there are: adopt"),
    ("haproxy:tls:443", UnknownKindError, "cannot listen at 'tls': the header comes before TLS begins"),
    ("haproxy:haproxy:tcp:1", UnknownKindError, "cannot listen at 'haproxy'"),
    ("haproxy:tcp", MissingArgumentError, "tcp needs port"),
]


@pytest.mark.parametrize(("text", "kind", "said"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_string_says_what_is_wrong(text, kind, said):
    with pytest.raises(kind, match=said):
        serverFromString(object(), text)


# -- others' proxies ----------------------------------------------------------------------------------


@pytest.mark.peer
async def test_curl_speaks_version_1(reactor, serve, program):
    number = await serve()
    run = ["--silent", "--haproxy-protocol", "--local-port", "40000-60000", f"http://127.0.0.1:{number}/"]
    out, _, code = await getProcessOutputAndValue(program("curl"), run, None, None, reactor, timeout=20)
    assert code == 0
    assert out.startswith(b"127.0.0.1:") and out.endswith(f" 127.0.0.1:{number}\n".encode())


CONFIGURATION = """
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen front
  bind "fd@${{FRONT}}"
  server back 127.0.0.1:{back} {send}
"""


@pytest.mark.peer
@pytest.mark.parametrize("send", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id"])
async def test_haproxy_tells_who_its_client_is(reactor, serve, program, tmp_path, send):
    class Running(ProcessProtocol):
        def __init__(self):
            self.ended = Deferred()

        def processEnded(self, reason):
            self.ended.callback(reason.value)

    path = program("haproxy")
    (tmp_path / "cfg").write_text(CONFIGURATION.format(back=await serve(), send=send))
    running = Running()
    with socket.create_server(("127.0.0.1", 0)) as front:  # open before it starts: nobody has to wait for it
        number = front.getsockname()[1]
        fds = {1: "r", 2: "r", 7: front.fileno()}
        args = ["haproxy", "-db", "-f", str(tmp_path / "cfg")]
        reactor.spawnProcess(running, path, args, {"FRONT": "7"}, childFDs=fds)
        client = await connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{number}"), Hearing(b"x\n"))
        here = client.transport.getHost()
        heard = await client.lost
    running.transport.signalProcess("KILL")
    await running.ended
    assert heard.endswith(f"\n{here} 127.0.0.1:{number}\n".encode())
