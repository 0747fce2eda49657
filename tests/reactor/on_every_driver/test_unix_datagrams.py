"""Datagrams over Unix sockets: by path, by abstract name, with and without a fixed peer."""

import errno
import os
import socket
import stat
import subprocess
import sys

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.address import UNIXAddress
from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import (
    BadFileError,
    CannotListenError,
    ConnectError,
    ConnectionRefusedError,
    MessageLengthError,
)
from wirelab.reactor.interfaces import IListeningPort, IReactorUNIXDatagram
from wirelab.reactor.protocol import ConnectedDatagramProtocol, DatagramProtocol
from wirelab.reactor.unix import ConnectedDatagramPort, DatagramPort

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux's")


class Peer(DatagramProtocol):
    noisy = False

    def __init__(self):
        self.heard = []
        self.refused = 0
        self._waiting = []

    def datagramReceived(self, datagram, addr):
        self.heard.append((datagram, addr))
        self.look()

    def connectionRefused(self):
        self.refused += 1
        self.look()

    def look(self):
        for check, waiting in self._waiting[:]:
            if check():
                self._waiting.remove((check, waiting))
                waiting.callback(self)

    def until(self, check):
        waiting = Deferred()
        self._waiting.append((check, waiting))
        self.look()
        return waiting


class Client(ConnectedDatagramProtocol):
    noisy = False

    def __init__(self):
        self.peer = Peer()
        self.failed = Deferred()

    def datagramReceived(self, datagram):
        self.peer.datagramReceived(datagram, None)

    def connectionRefused(self):
        self.peer.connectionRefused()

    def connectionFailed(self, failure):
        self.failed.callback(failure.value)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


@pytest.fixture
def open_ports(reactor):
    """Closes what the test opened."""
    yield
    for port in list(reactor.opened.values()):
        port.stopListening()


pytestmark = [pytestmark, pytest.mark.usefixtures("open_ports")]


async def test_datagrams_and_answers_by_path(reactor, folder):
    one, two = Peer(), Peer()
    here, there = f"{folder}/one", f"{folder}/two"
    port = reactor.listenUNIXDatagram(here, one)
    reactor.listenUNIXDatagram(there, two)
    assert verifyObject(IReactorUNIXDatagram, reactor)
    assert verifyObject(IListeningPort, port)
    assert type(port) is DatagramPort
    assert (port.kind, port.shortId, port.state) == ("unixgram", "u1", "listening")
    assert port.getHost() == UNIXAddress(here)
    for datagram in (b"one", b"", b"three"):
        one.transport.write(datagram, there)
    await two.until(lambda: len(two.heard) == 3)
    assert two.heard == [(b"one", here), (b"", here), (b"three", here)]
    two.transport.write(b"answer", two.heard[0][1])
    await one.until(lambda: one.heard)
    assert one.heard == [(b"answer", there)]
    assert (port.datagramsOut, port.bytesOut, port.datagramsIn, port.bytesIn) == (3, 8, 1, 6)
    assert repr(port) == f"<DatagramPort u1 unixgram unix:{here} listening>"


async def test_the_file_has_its_mode_and_goes_with_the_port(reactor, folder):
    path = f"{folder}/socket"
    port = reactor.listenUNIXDatagram(path, Peer(), mode=0o620)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o620
    with pytest.raises(CannotListenError, match="address already in use: a running program serves it"):
        reactor.listenUNIXDatagram(path, Peer())
    await port.stopListening()
    assert os.listdir(folder) == []


@linux
async def test_abstract_names(reactor):
    name = f"\0wirelab-{os.getpid()}-{id(reactor)}"
    there, client = Peer(), Client()
    reactor.listenUNIXDatagram(name, there)
    reactor.connectUNIXDatagram(name, client, bindAddress=f"{name}-client")
    client.transport.write(b"hi")
    await there.until(lambda: there.heard)
    assert there.heard == [(b"hi", os.fsencode(f"{name}-client"))]
    there.transport.write(b"hello", there.heard[0][1])
    await client.peer.until(lambda: client.peer.heard)


async def test_a_conversation_with_one_peer(reactor, folder):
    there, client = Peer(), Client()
    path, ours = f"{folder}/socket", f"{folder}/ours"
    reactor.listenUNIXDatagram(path, there)
    port = reactor.connectUNIXDatagram(path, client, bindAddress=ours)
    assert type(port) is ConnectedDatagramPort
    assert port.getPeer() == port.getDestination() == UNIXAddress(path)
    client.transport.write(b"question")
    await there.until(lambda: there.heard)
    there.transport.write(b"answer", ours)
    await client.peer.until(lambda: client.peer.heard)
    assert client.peer.heard == [(b"answer", None)]
    with pytest.raises(ValueError, match=r"write\(\) takes no address here"):
        client.transport.write(b"x", ours)
    await port.stopListening()
    assert not os.path.exists(ours)


async def test_a_sender_without_a_name_has_none(reactor, folder):
    there, client = Peer(), Client()
    reactor.listenUNIXDatagram(f"{folder}/socket", there)
    port = reactor.connectUNIXDatagram(f"{folder}/socket", client)
    assert port.getHost() == UNIXAddress(None)
    client.transport.write(b"anonymous")
    await there.until(lambda: there.heard)
    assert there.heard == [(b"anonymous", None)]


async def test_nobody_at_the_path_is_a_failure_to_connect(reactor, folder):
    missing, stale = Client(), Client()
    reactor.connectUNIXDatagram(f"{folder}/none", missing, bindAddress=f"{folder}/ours")
    assert type(await missing.failed) is BadFileError
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as crashed:
        crashed.bind(f"{folder}/stale")
    reactor.connectUNIXDatagram(f"{folder}/stale", stale)
    assert type(await stale.failed) is ConnectionRefusedError
    assert os.listdir(folder) == ["stale"]
    assert reactor.opened == {}


@pytest.mark.parametrize("name", ["EACCES", "EPROTOTYPE", "ELOOP", "ENOBUFS"])
async def test_each_error_of_connect_is_told(reactor, folder, monkeypatch, name):
    number = getattr(errno, name)

    class Refusing(socket.socket):
        def connect(self, address):
            raise OSError(number, os.strerror(number))

    client = Client()
    with monkeypatch.context() as patched:
        patched.setattr("wirelab.reactor.unix.datagrams.socket.socket", Refusing)
        reactor.connectUNIXDatagram(f"{folder}/x", client)
    error = await client.failed
    assert type(error) is ConnectError
    assert error.__cause__.errno == number


async def test_a_peer_that_goes_away_is_told(reactor, folder):
    there, client = Peer(), Client()
    path = f"{folder}/socket"
    port = reactor.listenUNIXDatagram(path, there)
    reactor.connectUNIXDatagram(path, client)
    await port.stopListening()
    client.transport.write(b"anybody?")
    await client.peer.until(lambda: client.peer.refused)
    client.transport.write(b"anybody?")
    await client.peer.until(lambda: client.peer.refused > 1)
    assert client.transport.state == "listening"


async def test_what_the_system_says_to_a_write(reactor, folder):
    here = Peer()
    port = reactor.listenUNIXDatagram(f"{folder}/here", here)
    with pytest.raises(FileNotFoundError, match=f"cannot send to {folder}/none: no such file"):
        port.write(b"x", f"{folder}/none")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as crashed:
        crashed.bind(f"{folder}/stale")
    with pytest.raises(OSError, match=r"cannot send to .*: connection refused"):
        port.write(b"x", f"{folder}/stale")
    with pytest.raises(MessageLengthError, match="4000000 octets to"):
        port.write(bytes(4_000_000), f"{folder}/here")
    with pytest.raises(ValueError, match=r"write\(packet, path\)"):
        port.write(b"x")
    with pytest.raises(TypeError, match=r"write\(\) takes the path of a socket, not 7"):
        port.write(b"x", 7)


async def test_a_peer_that_does_not_read_loses_what_has_no_room(reactor, folder):
    there, client = Peer(), Client()
    path = f"{folder}/socket"
    reactor.listenUNIXDatagram(path, there).pauseProducing()
    reactor.connectUNIXDatagram(path, client)
    for _ in range(5000):
        client.transport.write(b"x" * 1000)
        if client.transport.datagramsDropped:
            break
    assert client.transport.datagramsDropped == 1
    sent = client.transport.datagramsOut
    there.transport.resumeProducing()
    await there.until(lambda: len(there.heard) == sent)


@pytest.mark.parametrize(
    ("call", "arguments", "error", "words"),
    [
        ("listenUNIXDatagram", ("/x", Peer), TypeError, "takes a protocol, not its class"),
        ("listenUNIXDatagram", (7, Peer()), TypeError, "takes the path of a socket, not 7"),
        ("listenUNIXDatagram", ("/x", Peer(), 0), ValueError, "maxPacketSize of 1 octet or more"),
        ("connectUNIXDatagram", ("/x", Peer()), TypeError, "takes a ConnectedDatagramProtocol"),
        ("connectUNIXDatagram", ("", Client()), ValueError, "not an empty one"),
    ],
)
def test_wrong_arguments_are_told(reactor, call, arguments, error, words):
    with pytest.raises(error, match=words):
        getattr(reactor, call)(*arguments)


@pytest.mark.peer
async def test_a_program_sends_to_our_port(reactor, folder, program):
    there = Peer()
    reactor.listenUNIXDatagram(f"{folder}/socket", there)
    words = [program("socat"), "-u", "-", f"UNIX-SENDTO:{folder}/socket"]
    subprocess.run(words, input=b"from socat", check=True)
    await there.until(lambda: there.heard)
    assert there.heard[0][0] == b"from socat"
