"""Every error that connect, accept, recv and send can give, and what becomes of it."""

import errno
import os
import socket
from contextvars import Context

import pytest

from wirelab.reactor.address import IPv4Address
from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import (
    BadFileError,
    ConnectBindError,
    ConnectError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NoRouteError,
    TCPTimedOutError,
    UnknownHostError,
    getConnectError,
)
from wirelab.reactor.listening import PAUSE_ACCEPTING
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.task import deferLater
from wirelab.reactor.tcp import Server


def failing(number):
    """A call that fails as the system would."""

    def fail(*args):
        raise OSError(number, os.strerror(number))

    return fail


class Recorder(Protocol):
    def __init__(self):
        self.received = b""
        self.reasons = []

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason):
        self.reasons.append(reason.value)


@pytest.fixture
def connection(reactor):
    """A server's connection over a real pair of sockets; its peer is a plain socket."""
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    connection = Server(reactor, ours, IPv4Address("TCP", "192.0.2.1", 9), None, Context())
    connection._host = IPv4Address(
        "TCP", "192.0.2.2", 9
    )  # the pair is no TCP, so it has no address to ask for
    connection.begin(Recorder())
    connection.recorder = connection.protocol
    yield connection
    peer.close()
    if connection.connected:
        connection.abortConnection()
        reactor.iterate()


LOSSES = [
    "ECONNRESET",
    "ECONNABORTED",
    "ETIMEDOUT",
    "EPIPE",
    "ENOTCONN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENETDOWN",
    "ENETRESET",
    "ECONNREFUSED",
    "EBADF",
    "EIO",
    "ENOMEM",
    "EPROTO",
]


class TestReceiving:
    @pytest.mark.parametrize("name", LOSSES)
    def test_an_error_ends_the_connection_once_and_is_told(self, connection, name):
        connection._recv = failing(getattr(errno, name))
        connection.doRead()
        (reason,) = connection.recorder.reasons
        assert type(reason) is ConnectionLost
        assert os.strerror(getattr(errno, name)) in str(reason)
        assert reason.__cause__.errno == getattr(errno, name)
        assert connection.state == "closed"

    @pytest.mark.parametrize("name", ["EAGAIN", "EWOULDBLOCK", "EINTR"])
    def test_nothing_there_is_no_error(self, connection, name):
        connection._recv = failing(getattr(errno, name))
        connection.doRead()
        assert connection.connected
        assert connection.recorder.reasons == []

    def test_the_end_of_the_stream_is_a_clean_close(self, connection):
        connection._recv = lambda size: b""
        connection.doRead()
        assert [type(reason) for reason in connection.recorder.reasons] == [ConnectionDone]


class TestSending:
    @pytest.mark.parametrize("name", LOSSES)
    def test_an_error_ends_the_connection_once_and_is_told(self, reactor, connection, name):
        connection.pauseProducing()  # nobody reads, so the loss has to be told without
        connection._send = failing(getattr(errno, name))
        connection.write(b"data")
        assert connection.recorder.reasons == []  # never from within a write
        reactor.iterate()
        (reason,) = connection.recorder.reasons
        assert type(reason) is ConnectionLost
        assert os.strerror(getattr(errno, name)) in str(reason)

    @pytest.mark.parametrize("name", ["EAGAIN", "EWOULDBLOCK", "EINTR"])
    def test_no_room_means_later(self, reactor, connection, name):
        send, connection._send = connection._send, failing(getattr(errno, name))
        connection.write(b"later")
        assert connection.bufferedBytes == 5
        reactor.iterate()
        assert connection.bufferedBytes == 5
        connection._send = send
        reactor.iterate()
        assert connection.bufferedBytes == 0
        assert connection.connected

    @pytest.mark.parametrize("name", LOSSES)
    def test_an_error_while_the_queue_is_sent_is_told_as_well(self, reactor, connection, name):
        connection.pauseProducing()
        connection._send = failing(errno.EAGAIN)
        connection.write(b"queued")
        connection._send = failing(getattr(errno, name))
        connection.doWrite()
        assert connection.bufferedBytes == 0
        reactor.iterate()
        assert [type(reason) for reason in connection.recorder.reasons] == [ConnectionLost]

    def test_what_the_peer_said_before_it_left_is_still_received(self, reactor, connection):
        """As when a server answers and closes while we are still sending: its answer explains why."""
        receive = iter([b"you are sending too much", b""])
        connection._recv = lambda size: next(receive)
        connection._send = failing(errno.EPIPE)
        connection.write(b"more")
        connection.doRead()
        connection.doRead()
        assert connection.recorder.received == b"you are sending too much"
        (reason,) = connection.recorder.reasons
        assert type(reason) is ConnectionLost
        assert reason.__cause__.errno == errno.EPIPE

    @pytest.mark.parametrize("ending", ["loseConnection", "pauseProducing"])
    def test_a_failed_write_and_then_the_end_tells_the_failure(self, reactor, connection, ending):
        connection._send = failing(errno.EPIPE)
        connection.write(b"data")
        getattr(connection, ending)()
        reactor.iterate()
        (reason,) = connection.recorder.reasons
        assert reason.__cause__.errno == errno.EPIPE

    def test_a_send_that_takes_a_part_is_continued(self, reactor, connection):
        taken = []
        connection._send = lambda data: (taken.append(bytes(data[:3])), min(3, len(data)))[1]
        connection.write(b"abcdefgh")
        while connection.bufferedBytes:
            connection.doWrite()
        assert b"".join(taken) == b"abcdefgh"
        assert connection.bytesOut == 8


class Listening:
    """Stands for a listening socket: accept gives what was prepared, then nothing."""

    def __init__(self, sock, *outcomes):
        self._socket = sock
        self.outcomes = list(outcomes)
        self.family = sock.family

    def accept(self):
        if not self.outcomes:
            raise BlockingIOError(errno.EAGAIN, "nothing there")
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, int):
            raise OSError(outcome, os.strerror(outcome))
        return outcome

    def __getattr__(self, name):
        return getattr(self._socket, name)


def a_connection():
    ours, peer = socket.socketpair()
    return peer, (ours, ("192.0.2.1", 4711))


@pytest.fixture
def port(reactor):
    port = reactor.listenTCP(0, Factory.forProtocol(Recorder), interface="127.0.0.1")
    yield port
    port.stopListening()


class TestAccepting:
    @pytest.mark.parametrize(
        "name",
        [
            "ECONNABORTED",
            "EPERM",
            "EPROTO",
            "ENETDOWN",
            "ENOPROTOOPT",
            "EHOSTUNREACH",
            "ENETUNREACH",
            "ETIMEDOUT",
        ],
    )
    def test_a_connection_that_died_in_the_queue_does_not_stop_the_next(self, reactor, port, name):
        peer, ready = a_connection()
        port.socket = Listening(port.socket, getattr(errno, name), ready)
        port.doRead()
        assert port.state == "listening"
        assert port.connectionsEver == 1
        peer.close()
        (connection,) = [found for found in reactor.opened.values() if isinstance(found, Server)]
        connection._host = connection._peer
        connection.abortConnection()
        reactor.iterate()

    @pytest.mark.parametrize("name", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"])
    def test_without_resources_it_pauses_and_resumes(self, reactor, port, name, caplog):
        port.socket = Listening(port.socket, *[getattr(errno, name)] * 1000)
        port.doRead()
        assert len(port.socket.outcomes) == 999  # it did not spin on the error
        assert port.state == "paused"
        assert "cannot accept more connections for now" in caplog.text
        (timer,) = reactor.getDelayedCalls()
        assert 0 < timer.getTime() - reactor.seconds() <= PAUSE_ACCEPTING
        timer.reset(0)
        reactor.iterate()
        assert port.state == "listening"

    def test_a_connection_that_ends_makes_room_at_once(self, reactor, port):
        peer, ready = a_connection()
        port.socket = Listening(port.socket, ready, errno.EMFILE)
        port.doRead()
        assert port.state == "paused"
        (connection,) = [found for found in reactor.opened.values() if isinstance(found, Server)]
        connection._host = connection._peer
        peer.close()
        connection.doRead()
        assert port.state == "listening"
        assert reactor.getDelayedCalls() == []

    @pytest.mark.parametrize("name", ["EBADF", "EINVAL", "EOPNOTSUPP"])
    def test_an_error_nobody_expects_is_told_and_does_not_spin(self, reactor, port, name, caplog):
        port.socket = Listening(port.socket, *[getattr(errno, name)] * 10)
        port.doRead()
        assert len(port.socket.outcomes) == 9
        assert port.state == "paused"
        assert os.strerror(getattr(errno, name)) in caplog.text

    def test_a_paused_port_can_be_closed(self, reactor, port):
        port.socket = Listening(port.socket, errno.EMFILE)
        port.doRead()
        port.stopListening()
        assert reactor.getDelayedCalls() == []

    def test_one_event_accepts_a_bounded_number(self, reactor, port):
        class Refusing(Factory):
            noisy = False

            def buildProtocol(self, addr):
                return None

        port.factory = Refusing()
        pairs = [a_connection() for _ in range(100)]
        port.socket = Listening(port.socket, *[ready for _, ready in pairs])
        port.doRead()
        assert len(port.socket.outcomes) == 36
        port.doRead()
        for peer, _ in pairs:
            peer.close()

    def test_running_out_of_descriptors_for_real_is_survived(self, tmp_path):
        """In a process of its own, with a limit of 40 descriptors."""
        import subprocess
        import sys

        script = tmp_path / "crowded.py"
        script.write_text(CROWDED)
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=30
        )
        assert done.stderr.count("cannot accept more connections") >= 1
        assert done.stdout.split() == ["60", "served"]
        assert done.returncode == 0


CROWDED = """
import logging, resource, socket
import wirelab.reactor.core as core, wirelab.reactor.listening as port_module
from wirelab.reactor.protocol import Factory, Protocol

logging.basicConfig()
port_module.PAUSE_ACCEPTING = 0.01
reactor = core.Reactor()
served = 0

class Greeting(Protocol):
    def connectionMade(self):
        global served
        served += 1
        self.transport.write(b"hello")
        if served == 60:
            reactor.callLater(0, reactor.stop)

port = reactor.listenTCP(0, Factory.forProtocol(Greeting), interface="127.0.0.1", backlog=100)
import os
child = os.fork()
if child == 0:
    clients = [socket.create_connection(("127.0.0.1", port.port)) for _ in range(60)]
    for client in clients:
        assert client.recv(5) == b"hello"
        client.close()
    os._exit(0)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
reactor.run()
os.waitpid(child, 0)
print(served, "served")
"""


class TestConnecting:
    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            (errno.ECONNREFUSED, ConnectionRefusedError),
            (errno.ENETUNREACH, NoRouteError),
            (errno.EHOSTUNREACH, NoRouteError),
            (errno.ENETDOWN, NoRouteError),
            (errno.ETIMEDOUT, TCPTimedOutError),
            (errno.EADDRNOTAVAIL, ConnectBindError),
            (errno.EADDRINUSE, ConnectBindError),
            (errno.ENOENT, BadFileError),
            (errno.ECONNRESET, ConnectError),
            (errno.EACCES, ConnectError),
            (errno.EPERM, ConnectError),
            (errno.EINVAL, ConnectError),
            (errno.EAFNOSUPPORT, ConnectError),
            (errno.EMFILE, ConnectError),
            (errno.EPROTOTYPE, ConnectError),
        ],
        ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
    )
    async def test_each_error_arrives_as_its_own_kind(self, reactor, monkeypatch, number, kind):
        error = await self.attempt(reactor, monkeypatch, connect=failing(number))
        assert type(error) is kind
        assert error.osError == number
        assert os.strerror(number) in str(error)
        assert error.__cause__.errno == number
        assert getConnectError((number, "text")).osError == number

    async def attempt(self, reactor, monkeypatch, **methods):
        class Scripted(socket.socket):
            def connect(self, address):
                return methods.get("connect", super().connect)(address)

            def getsockopt(self, level, option, *size):
                if option == socket.SO_ERROR and "outcome" in methods:
                    return methods["outcome"]
                return super().getsockopt(level, option, *size)

        failed = Deferred()

        class Clients(ClientFactory):
            noisy = False
            protocol = Recorder

            def clientConnectionFailed(self, connector, reason):
                failed.callback(reason.value)

        with monkeypatch.context() as patched:
            patched.setattr("wirelab.reactor.tcp.client.socket.socket", Scripted)
            reactor.connectTCP("127.0.0.1", 9, Clients())
            error = await failed
        await deferLater(reactor, 0)
        return error

    @pytest.mark.parametrize(
        ("number", "kind"),
        [
            (errno.ECONNREFUSED, ConnectionRefusedError),
            (errno.ETIMEDOUT, TCPTimedOutError),
            (errno.EHOSTUNREACH, NoRouteError),
            (errno.ECONNRESET, ConnectError),
        ],
    )
    async def test_errors_told_later_are_told_the_same(self, reactor, monkeypatch, number, kind):
        error = await self.attempt(reactor, monkeypatch, outcome=number)
        assert type(error) is kind
        assert error.osError == number

    async def test_no_descriptor_left_is_told(self, reactor, monkeypatch):
        failed = Deferred()

        class Clients(ClientFactory):
            noisy = False

            def clientConnectionFailed(self, connector, reason):
                failed.callback(reason.value)

        with monkeypatch.context() as patched:
            patched.setattr("wirelab.reactor.tcp.client.socket.socket", failing(errno.EMFILE))
            reactor.connectTCP("127.0.0.1", 9, Clients())
            error = await failed
        assert error.osError == errno.EMFILE
        await deferLater(reactor, 0)

    def test_a_failed_look_up_is_an_unknown_host(self):
        assert type(getConnectError(socket.gaierror(socket.EAI_NONAME, "unknown"))) is UnknownHostError

    async def test_a_connection_to_itself_counts_as_refused(self, reactor):
        """TCP lets a socket connect to its own port; then there is nobody to talk to."""
        with socket.socket() as reserve:
            reserve.bind(("127.0.0.1", 0))
            port = reserve.getsockname()[1]
        failed = Deferred()

        class Clients(ClientFactory):
            noisy = False

            def clientConnectionFailed(self, connector, reason):
                failed.callback(reason.value)

        reactor.connectTCP("127.0.0.1", port, Clients(), bindAddress=("127.0.0.1", port))
        error = await failed
        assert type(error) is ConnectionRefusedError
        assert "connected to itself" in str(error)
        await deferLater(reactor, 0)
