"""Unix sockets: data, descriptors and credentials between two ends, and the files that belong to them."""

import errno
import os
import socket
import stat
import subprocess
import sys
from array import array

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.address import UNIXAddress
from wirelab.reactor.defer import Deferred, gatherResults
from wirelab.reactor.endpoints import clientFromString, connectProtocol, serverFromString
from wirelab.reactor.error import (
    BadFileError,
    CannotListenError,
    ConnectError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    FileDescriptorOverrun,
    TimeoutError,
    UnsupportedAddressFamily,
    UserError,
)
from wirelab.reactor.interfaces import (
    IConnector,
    IConsumer,
    IFileDescriptorReceiver,
    IListeningPort,
    IReactorSocket,
    IReactorUNIX,
    IUNIXTransport,
)
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.unix import Client, PeerCredentials, Port, Server

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux's")


class Peer(Protocol):
    """Remembers what it hears, and lets a test wait for it."""

    def __init__(self):
        self.events = []
        self.made, self.lost = Deferred(), Deferred()
        self._waiting = []

    def connectionMade(self):
        self.made.callback(self)

    def dataReceived(self, data):
        self._heard(data)

    def _heard(self, event):
        self.events.append(event)
        waiting, self._waiting = self._waiting, []
        for check, answer in waiting:
            if check():
                answer.callback(self)
            else:
                self._waiting.append((check, answer))

    @property
    def received(self):
        return b"".join(event for event in self.events if isinstance(event, bytes))

    @property
    def descriptors(self):
        return [event for event in self.events if isinstance(event, int)]

    def heard(self, data):
        """Deferred: all of `data` has arrived."""
        return self._until(lambda: self.received == data)

    def passed(self, count):
        """Deferred: so many descriptors have arrived."""
        return self._until(lambda: len(self.descriptors) == count)

    def _until(self, check):
        answer = Deferred()
        if check():
            answer.callback(self)
        else:
            self._waiting.append((check, answer))
        return answer

    def connectionLost(self, reason):
        self.lost.callback(reason.value)


@implementer(IFileDescriptorReceiver)
class Receiver(Peer):
    def fileDescriptorReceived(self, descriptor):
        self._heard(descriptor)


class Peers(ClientFactory):
    noisy = False

    def __init__(self, protocol=Peer):
        self.protocol = protocol
        self.built = []
        self._waiting = []
        self.failed, self.lost = Deferred(), Deferred()

    def buildProtocol(self, addr):
        peer = self.protocol()
        if self._waiting:
            self._waiting.pop(0).callback(peer)
        else:
            self.built.append(peer)
        return peer

    def next(self):
        if self.built:
            return self.built.pop(0).made
        self._waiting.append(Deferred())
        return self._waiting[-1].addCallback(lambda peer: peer.made)

    def clientConnectionFailed(self, connector, reason):
        self.failed.callback(reason.value)

    def clientConnectionLost(self, connector, reason):
        self.lost.callback(reason.value)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "socket")


@pytest.fixture
def join(reactor, path):
    """Connects two peers: `client, server = await join()`."""

    async def join(client=Peer, server=Peer, at=path):
        servers, clients = Peers(server), Peers(client)
        port = reactor.listenUNIX(at, servers)
        reactor.connectUNIX(at, clients)
        pair = await gatherResults([clients.next(), servers.next()])
        port.stopListening()
        return pair

    return join


async def close(*peers):
    peers[0].transport.loseConnection()
    for peer in peers:
        await peer.lost


@pytest.fixture
def pipe():
    """The two ends of a pipe; the writing one is what gets passed."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def is_same_pipe(one, other):
    return os.fstat(one).st_ino == os.fstat(other).st_ino


def lock_of(path):
    return os.readlink(f"{path}.lock")


def dead_process():
    """The id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def leave_socket(path):
    """A socket's file, left behind by a server that crashed."""
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(path)


class TestTalking:
    async def test_everything_promised_is_there(self, reactor, join, path):
        client, server = await join()
        for peer in (client, server):
            assert verifyObject(IUNIXTransport, peer.transport)
            assert verifyObject(IConsumer, peer.transport)
        assert verifyObject(IConnector, client.transport.connector)
        assert verifyObject(IReactorUNIX, reactor)
        assert verifyObject(IReactorSocket, reactor)
        assert (type(client.transport), type(server.transport)) == (Client, Server)
        await close(client, server)
        port = reactor.listenUNIX(path, Peers())
        assert verifyObject(IListeningPort, port)
        assert type(port) is Port
        await port.stopListening()

    async def test_data_goes_both_ways_and_is_counted(self, join):
        client, server = await join()
        client.transport.write(b"question")
        await server.heard(b"question")
        server.transport.writeSequence([b"an", b"swer"])
        await client.heard(b"answer")
        assert (client.transport.bytesOut, client.transport.bytesIn) == (8, 6)
        assert (server.transport.bytesOut, server.transport.bytesIn) == (6, 8)
        await close(client, server)

    async def test_megabytes_arrive_whole(self, join):
        client, server = await join()
        blob = bytes(range(256)) * 20000
        client.transport.write(blob)
        assert client.transport.bufferedBytes > 0
        await server.heard(blob)
        await close(client, server)

    @pytest.mark.parametrize("path_type", [str, os.fsencode, lambda path: __import__("pathlib").Path(path)])
    async def test_the_path_may_be_text_bytes_or_a_path(self, join, path, path_type):
        client, server = await join(at=path_type(path))
        assert client.transport.getPeer() == server.transport.getHost() == UNIXAddress(path)
        assert client.transport.getHost() == server.transport.getPeer() == UNIXAddress(None)
        await close(client, server)
        assert client.transport.getPeer() == server.transport.getHost() == UNIXAddress(path)

    async def test_each_end_is_listed_while_it_lives(self, reactor, path):
        servers, clients = Peers(), Peers()
        port = reactor.listenUNIX(path, servers)
        connector = reactor.connectUNIX(path, clients)
        assert connector.transport.state == "connecting"
        assert connector.transport.getPeer() == UNIXAddress(path)
        client, server = await gatherResults([clients.next(), servers.next()])
        listed = {name: (each.kind, each.state) for name, each in reactor.opened.items()}
        assert listed == {"p1": ("unix", "listening"), "c1": ("unix", "open"), "c2": ("unix", "open")}
        assert repr(port) == f"<Port p1 unix:{path} listening>"
        assert repr(client.transport) == f"<Client c1 unix:(unnamed) -> unix:{path} open>"
        assert port.connections == 1
        await close(client, server)
        assert port.connections == 0
        port.stopListening()
        assert reactor.opened == {}

    async def test_credentials_tell_who_is_there(self, join):
        client, server = await join()
        ourselves = PeerCredentials(os.getpid(), os.getuid(), os.getgid())
        assert client.transport.peerCredentials == server.transport.peerCredentials == ourselves
        assert str(ourselves) == f"process {os.getpid()}, user {os.getuid()}, group {os.getgid()}"
        await close(client, server)
        assert client.transport.peerCredentials == ourselves

    @linux
    async def test_an_abstract_name_needs_no_file(self, reactor, join):
        name = f"\0wirelab-{os.getpid()}-{id(reactor)}"
        client, server = await join(at=name)
        assert client.transport.getPeer() == UNIXAddress(name)
        assert str(server.transport.getHost()) == f"unix:@{name[1:]}"
        client.transport.write(b"hi")
        await server.heard(b"hi")
        await close(client, server)

    async def test_a_reset_and_a_close_are_told_apart(self, join):
        client, server = await join()
        server.transport.write(b"unread")
        client.transport.abortConnection()
        assert type(await client.lost) is ConnectionAborted
        assert type(await server.lost) in (ConnectionDone, ConnectionLost)

    async def test_half_closing_lets_the_other_half_live(self, join):
        client, server = await join()
        server.transport.write(b"bye")
        client.transport.loseWriteConnection()
        await client.heard(b"bye")
        assert type(await server.lost) is ConnectionDone
        assert type(await client.lost) is ConnectionDone


class TestFiles:
    @pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, 0o777])
    async def test_the_mode_is_as_asked_and_the_file_goes_with_the_port(self, reactor, path, mode):
        port = reactor.listenUNIX(path, Peers(), mode=mode)
        status = os.stat(path)
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == mode
        await port.stopListening()
        assert not os.path.exists(path)

    async def test_a_file_that_was_replaced_or_removed_is_left_alone(self, reactor, path):
        port = reactor.listenUNIX(path, Peers())
        os.unlink(path)
        with open(path, "w"):
            await port.stopListening()
        assert os.path.exists(path)
        os.unlink(path)
        port = reactor.listenUNIX(path, Peers())
        os.unlink(path)
        await port.stopListening()

    async def test_a_relative_path_is_removed_from_wherever_the_program_is_then(
        self, reactor, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        port = reactor.listenUNIX("here", Peers())
        monkeypatch.chdir("/")
        await port.stopListening()
        assert not (tmp_path / "here").exists()

    async def test_a_live_server_is_not_disturbed(self, reactor, path):
        peers = Peers()
        port = reactor.listenUNIX(path, peers)
        with pytest.raises(CannotListenError) as told:
            reactor.listenUNIX(path, Peers())
        assert str(told.value) == (
            f"could not listen on unix:{path}: address already in use: a running program serves it"
        )
        assert peers.built == []  # it did not notice
        await port.stopListening()

    async def test_a_socket_left_behind_is_told_from_a_live_one(self, reactor, path):
        leave_socket(path)
        with pytest.raises(CannotListenError, match="nobody serves that socket any more; remove the file"):
            reactor.listenUNIX(path, Peers())
        os.unlink(path)
        with open(path, "w"), pytest.raises(CannotListenError, match="a file that is no socket is there"):
            reactor.listenUNIX(path, Peers())

    @pytest.mark.parametrize(
        ("where", "error", "words"),
        [
            ("missing/socket", errno.ENOENT, "no such file or directory"),
            ("x" * 200, errno.ENAMETOOLONG, "path too long: .* octets"),
            ("file/socket", errno.ENOTDIR, "not a directory"),
        ],
    )
    async def test_what_the_system_refuses_is_told(self, reactor, tmp_path, where, error, words):
        (tmp_path / "file").touch()
        with pytest.raises(CannotListenError, match=f"(?i){words}") as told:
            reactor.listenUNIX(str(tmp_path / where), Peers(), wantPID=False)
        assert told.value.socketError.errno == error
        assert not reactor.opened


class TestLocks:
    async def test_a_lock_names_its_process_and_goes_with_the_port(self, reactor, path):
        port = reactor.listenUNIX(path, Peers(), wantPID=True)
        assert lock_of(path) == str(os.getpid())
        await port.stopListening()
        assert os.listdir(os.path.dirname(path)) == []

    async def test_what_a_crashed_server_left_is_taken_over(self, reactor, path):
        leave_socket(path)
        os.symlink(str(dead_process()), f"{path}.lock")
        port = reactor.listenUNIX(path, Peers(), wantPID=True)
        assert lock_of(path) == str(os.getpid())
        await port.stopListening()
        assert os.listdir(os.path.dirname(path)) == []

    async def test_a_crash_before_there_was_a_socket_does_not_matter(self, reactor, path):
        os.symlink(str(dead_process()), f"{path}.lock")
        await reactor.listenUNIX(path, Peers(), wantPID=True).stopListening()

    async def test_a_lock_of_our_own_number_that_nobody_serves_is_stale(self, reactor, path):
        leave_socket(path)
        os.symlink(str(os.getpid()), f"{path}.lock")
        await reactor.listenUNIX(path, Peers(), wantPID=True).stopListening()

    async def test_a_live_owner_is_named(self, reactor, path):
        port = reactor.listenUNIX(path, Peers(), wantPID=True)
        with pytest.raises(CannotListenError, match=f"process {os.getpid()} holds {path}.lock"):
            reactor.listenUNIX(path, Peers(), wantPID=True)
        assert lock_of(path) == str(os.getpid())
        await port.stopListening()
        os.symlink(str(os.getppid()), f"{path}.lock")
        with pytest.raises(CannotListenError, match=f"process {os.getppid()} holds"):
            reactor.listenUNIX(path, Peers(), wantPID=True)

    async def test_a_failed_bind_releases_the_lock(self, reactor, path):
        leave_socket(path)
        with pytest.raises(CannotListenError, match="nobody serves"):
            reactor.listenUNIX(path, Peers(), wantPID=True)
        assert not os.path.lexists(f"{path}.lock")

    async def test_checking_wants_a_live_owner(self, reactor, path):
        factory, servers = Peers(), Peers()
        port = reactor.listenUNIX(path, servers, wantPID=True)
        reactor.connectUNIX(path, factory, checkPID=True)
        client, server = await gatherResults([factory.next(), servers.next()])
        await close(client, server)
        await port.stopListening()
        unlocked = reactor.listenUNIX(path, Peers())
        for stale in (None, "none", str(dead_process())):
            if stale is not None:
                os.symlink(stale, f"{path}.lock")
            refused = Peers()
            reactor.connectUNIX(path, refused, checkPID=True)
            error = await refused.failed
            assert type(error) is BadFileError
            assert f"no live process holds {path}.lock" in str(error)
            if stale is not None:
                os.unlink(f"{path}.lock")
        await unlocked.stopListening()


class TestConnecting:
    async def test_nobody_there(self, reactor, path):
        missing, stale = Peers(), Peers()
        reactor.connectUNIX(path, missing)
        assert type(await missing.failed) is BadFileError
        leave_socket(path)
        reactor.connectUNIX(path, stale)
        error = await stale.failed
        assert type(error) is ConnectionRefusedError
        assert error.__cause__.errno == errno.ECONNREFUSED

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ECONNREFUSED", ConnectionRefusedError),
            ("ENOENT", BadFileError),
            ("EACCES", ConnectError),
            ("ENOTDIR", ConnectError),
            ("ELOOP", ConnectError),
            ("EPROTOTYPE", ConnectError),
            ("ENOBUFS", ConnectError),
            ("EPERM", ConnectError),
        ],
    )
    async def test_each_error_of_connect_has_its_class(self, reactor, path, monkeypatch, name, expected):
        number = getattr(errno, name)

        class Refusing(socket.socket):
            def connect(self, address):
                raise OSError(number, os.strerror(number))

        factory = Peers()
        monkeypatch.setattr("wirelab.reactor.connecting.socket.socket", Refusing)
        reactor.connectUNIX(path, factory)
        error = await factory.failed
        assert type(error) is expected
        assert error.__cause__.errno == number

    async def test_no_descriptor_left_for_the_attempt(self, reactor, path, monkeypatch):
        make = socket.socket

        def exhausted(*args):
            if len(args) > 2:
                return make(*args)  # a loop that is being set up
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        factory = Peers()
        with monkeypatch.context() as patched:
            patched.setattr("wirelab.reactor.connecting.socket.socket", exhausted)
            reactor.connectUNIX(path, factory)
            error = await factory.failed
        assert os.strerror(errno.EMFILE) in str(error)

    @linux
    async def test_a_full_queue_is_waited_for(self, reactor, path):
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
            busy.bind(path)
            busy.listen(0)
            first.connect(path)
            factory = Peers()
            connector = reactor.connectUNIX(path, factory)
            await deferred_turns(reactor, 3)
            assert connector.state == "connecting"
            busy.accept()[0].close()
            client = await factory.next()
            client.transport.abortConnection()
            await client.lost

    @linux
    async def test_a_full_queue_is_not_waited_for_longer_than_asked(self, reactor, path):
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
            busy.bind(path)
            busy.listen(0)
            first.connect(path)
            late, stopped = Peers(), Peers()
            reactor.connectUNIX(path, late, timeout=0.02)
            connector = reactor.connectUNIX(path, stopped)
            assert type(await late.failed) is TimeoutError
            connector.stopConnecting()
            assert type(await stopped.failed) is UserError

    async def test_connecting_again_through_the_connector(self, reactor, path):
        servers, clients = Peers(), Peers()
        port = reactor.listenUNIX(path, servers)
        connector = reactor.connectUNIX(path, clients)
        client, server = await gatherResults([clients.next(), servers.next()])
        await close(client, server)
        await clients.lost
        clients.lost = Deferred()
        connector.connect()
        client, server = await gatherResults([clients.next(), servers.next()])
        connector.disconnect()
        await gatherResults([client.lost, server.lost, clients.lost])
        await port.stopListening()

    @pytest.mark.parametrize(
        ("address", "error", "words"),
        [
            (80, TypeError, r"takes the path of a socket, not 80"),
            (None, TypeError, r"takes the path of a socket, not None"),
            ("", ValueError, "not an empty one"),
            ("a\0b", ValueError, "a path without NUL"),
        ],
    )
    def test_what_is_no_path_is_refused(self, reactor, address, error, words):
        with pytest.raises(error, match=rf"listenUNIX\(\) .*{words}"):
            reactor.listenUNIX(address, Peers())
        with pytest.raises(error, match=rf"connectUNIX\(\) .*{words}"):
            reactor.connectUNIX(address, Peers())

    def test_what_is_no_factory_is_refused(self, reactor, path):
        with pytest.raises(TypeError, match=r"listenUNIX\(\) takes a factory, not the protocol class Peer"):
            reactor.listenUNIX(path, Peer)
        with pytest.raises(TypeError, match=r"connectUNIX\(\) takes a ClientFactory"):
            reactor.connectUNIX(path, Factory())


def deferred_turns(reactor, turns):
    """Fires after so many turns of the loop."""
    done = Deferred()

    def turn(left):
        if left:
            reactor.callLater(0, turn, left - 1)
        else:
            done.callback(None)

    turn(turns)
    return done


class TestPassingDescriptors:
    async def test_both_ways_and_as_duplicates(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        for sender, receiver in ((client, server), (server, client)):
            sender.transport.sendFileDescriptor(pipe[1])
            sender.transport.write(b"!")
            await receiver.passed(1)
            (got,) = receiver.descriptors
            assert got != pipe[1]
            assert is_same_pipe(got, pipe[1])
            assert not os.get_inheritable(got)
            os.close(got)
        await close(client, server)

    async def test_it_may_be_closed_at_once_and_be_an_object(self, join, tmp_path):
        client, server = await join(Receiver, Receiver)
        with open(tmp_path / "file", "w") as file:
            client.transport.sendFileDescriptor(file)
            client.transport.write(b"!")
        await server.passed(1)
        with open(server.descriptors[0], "w") as file:
            file.write("through the wire")
        assert (tmp_path / "file").read_text() == "through the wire"
        await close(client, server)

    async def test_it_arrives_before_what_was_written_after_it(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        write, pass_on = client.transport.write, client.transport.sendFileDescriptor
        write(b"one ")
        pass_on(pipe[0])
        write(b"two ")
        pass_on(pipe[1])
        write(b"three")
        await server.heard(b"one two three")
        first, second = server.descriptors
        assert is_same_pipe(first, pipe[0])
        events = server.events
        assert b"two" in b"".join(e for e in events[events.index(first) + 1 :] if isinstance(e, bytes))
        before_second = b"".join(e for e in events[: events.index(second)] if isinstance(e, bytes))
        after_second = b"".join(e for e in events[events.index(second) + 1 :] if isinstance(e, bytes))
        assert before_second == b"one two "
        assert after_second == b"three"
        os.close(first)
        os.close(second)
        await close(client, server)

    async def test_many_at_once_take_an_octet_each(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        for _ in range(50):
            client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"x" * 60)
        await server.heard(b"x" * 60)
        assert len(server.descriptors) == 50
        for descriptor in server.descriptors:
            os.close(descriptor)
        await close(client, server)

    async def test_behind_much_data_that_waits(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        blob = bytes(2_000_000)
        client.transport.write(blob)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"end")
        await server.heard(blob + b"end")
        (got,) = server.descriptors
        os.close(got)
        assert client.transport.bytesOut == server.transport.bytesIn == len(blob) + 3
        client.transport.write(b"!")  # and from here on as before
        await server.heard(blob + b"end!")
        await close(client, server)

    async def test_from_within_an_event(self, join, pipe):
        class Answering(Receiver):
            def dataReceived(self, data):
                self.transport.write(b"here: ")
                self.transport.sendFileDescriptor(pipe[0])
                self.transport.write(b"it is")
                self.transport.loseConnection()

        client, server = await join(Receiver, Answering)
        client.transport.write(b"please")
        await client.heard(b"here: it is")
        (got,) = client.descriptors
        assert is_same_pipe(got, pipe[0])
        os.close(got)
        assert type(await server.lost) is ConnectionDone
        await client.lost

    @pytest.mark.parametrize("octets", [0, 1])
    async def test_more_of_them_than_octets_end_the_connection(self, join, pipe, octets):
        client, server = await join(Receiver, Receiver)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"x" * octets)
        error = await client.lost
        assert type(error) is FileDescriptorOverrun
        assert "an octet for each" in str(error)
        await server.lost
        for got in server.descriptors:
            os.close(got)

    async def test_closing_with_one_left_is_an_overrun_too(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.loseConnection()
        assert type(await client.lost) is FileDescriptorOverrun
        await server.lost

    async def test_none_is_left_open_when_the_connection_ends_before(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        server.transport.pauseProducing()
        client.transport.write(bytes(5_000_000))
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"x")
        client.transport.abortConnection()
        assert type(await client.lost) is ConnectionAborted
        server.transport.abortConnection()
        await server.lost
        client.transport.sendFileDescriptor(pipe[0])  # after the end: dropped, as data is

    async def test_a_protocol_that_takes_none_is_given_none_and_leaks_none(self, join, pipe):
        client, server = await join(Receiver, Peer)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"data")
        await server.heard(b"data")
        assert server.descriptors == []
        await close(client, server)

    async def test_those_that_came_along_with_a_loss_are_closed(self, reactor, pipe, path):
        class Refusing(Receiver):
            def fileDescriptorReceived(self, descriptor):
                os.close(descriptor)
                self.transport.loseConnection()

        servers = Peers(Refusing)
        port = reactor.listenUNIX(path, servers)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            server = await servers.next()
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [pipe[0]] * 3))
            client.sendmsg([b"three at once"], [rights])
            await server.lost
        assert server.received == b""
        await port.stopListening()

    async def test_a_protocol_that_raises_loses_its_connection_and_no_descriptor(self, join, pipe, caplog):
        class Broken(Receiver):
            def fileDescriptorReceived(self, descriptor):
                os.close(descriptor)
                raise RuntimeError("no, thanks")

        client, server = await join(Receiver, Broken)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"!")
        assert "fileDescriptorReceived raised RuntimeError" in str(await server.lost)
        await client.lost
        assert "no, thanks" in caplog.text

    async def test_data_that_follows_is_received_in_the_same_way(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        server.transport.pauseProducing()
        server.transport.resumeProducing()
        client.transport.write(b"plain")
        await server.heard(b"plain")
        assert server.transport.bytesIn == 5
        await close(client, server)

    @pytest.mark.parametrize(
        ("descriptor", "error", "words"),
        [
            ("1", TypeError, "takes the number of an open descriptor, not '1'"),
            (None, TypeError, "not None"),
            (True, TypeError, "not True"),
            (999_999, ValueError, "999999 is not open"),
            (-1, ValueError, "-1 is not open"),
        ],
    )
    async def test_what_is_no_descriptor_is_refused(self, join, descriptor, error, words):
        client, server = await join()
        with pytest.raises(error, match=words):
            client.transport.sendFileDescriptor(descriptor)
        client.transport.write(b"still fine")
        await server.heard(b"still fine")
        await close(client, server)

    async def test_a_failing_send_ends_the_connection(self, join, pipe):
        client, server = await join(Receiver, Receiver)
        client.transport.pauseProducing()

        class Failing:
            def __init__(self, sock):
                self.sock = sock

            def __getattr__(self, name):
                return getattr(self.sock, name)

            def sendmsg(self, *args):
                raise OSError(errno.ETOOMANYREFS, os.strerror(errno.ETOOMANYREFS))

        client.transport.socket = Failing(client.transport.socket)
        client.transport.sendFileDescriptor(pipe[0])
        client.transport.write(b"!")
        error = await client.lost
        assert type(error) is ConnectionLost
        assert os.strerror(errno.ETOOMANYREFS) in str(error)
        await server.lost


class TestAdoption:
    async def test_a_connection_and_a_port(self, reactor, path):
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        peers = Peers(Receiver)
        with ours, theirs:
            transport = reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, peers)
            peer = await peers.next()
            assert type(transport) is Server
            theirs.sendall(b"hello")
            await peer.heard(b"hello")
            transport.loseConnection()
            await peer.lost
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            port = reactor.adoptStreamPort(listening.fileno(), socket.AF_UNIX, peers)
        assert port.getHost() == UNIXAddress(path)
        clients = Peers()
        reactor.connectUNIX(path, clients)
        await close(await clients.next(), await peers.next())
        await port.stopListening()
        assert os.path.exists(path)  # whoever made it may still need it

    def test_a_wrong_family_is_refused(self, reactor):
        with socket.socket(socket.AF_INET) as sock, pytest.raises(UnsupportedAddressFamily):
            reactor.adoptStreamPort(sock.fileno(), socket.AF_UNIX, Peers())


class TestEndpoints:
    async def test_a_round_trip_by_string(self, reactor, path):
        servers = Peers()
        port = await serverFromString(reactor, f"unix:{path}:mode=600").listen(servers)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert lock_of(path) == str(os.getpid())  # lock files are kept unless told otherwise
        client = await connectProtocol(clientFromString(reactor, f"unix:{path}:lockfile=1"), Peer())
        server = await servers.next()
        await close(client, server)
        await port.stopListening()

    @linux
    async def test_an_abstract_name_by_string(self, reactor):
        name = f"@wirelab-{os.getpid()}-{id(reactor)}"
        servers = Peers()
        port = await serverFromString(reactor, f"unix:{name}").listen(servers)
        client = await connectProtocol(clientFromString(reactor, f"unix:{name}"), Peer())
        await close(client, await servers.next())
        await port.stopListening()

    async def test_cancelling_stops_the_attempt(self, reactor, path):
        attempt = connectProtocol(clientFromString(reactor, f"unix:{path}"), Peer())
        attempt.addErrback(lambda reason: str(reason.value))
        attempt.cancel()
        assert await attempt == f"connecting to unix:{path} was cancelled"
        assert not reactor.opened


@pytest.mark.peer
class TestRealPeers:
    @pytest.mark.parametrize("command", [["nc", "-U", "-N"], ["socat", "-", "UNIX-CONNECT:"]])
    async def test_a_program_talks_to_our_port(self, reactor, path, program, command):
        class Shout(Peer):
            def dataReceived(self, data):
                self.transport.write(data.upper())

        servers = Peers(Shout)
        port = reactor.listenUNIX(path, servers)
        arguments = [program(command[0]), *command[1:]]
        if command[0] == "socat":
            arguments[-1] += path
        else:
            arguments.append(path)
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            server = await servers.next()
            assert server.transport.peerCredentials.pid == child.pid
            child.stdin.write(b"hello\n")
            child.stdin.flush()
            while child.poll() is None and not server.transport.bytesOut:
                await deferred_turns(reactor, 1)
            assert child.stdout.readline() == b"HELLO\n"
            child.stdin.close()
            await server.lost
        assert child.returncode == 0
        await port.stopListening()

    async def test_our_client_talks_to_a_program(self, reactor, path, program):
        command = [program("socat"), f"UNIX-LISTEN:{path}", "SYSTEM:'cat'"]
        with subprocess.Popen(command) as child:
            client = await self._connected(reactor, path, child)
            client.transport.write(b"and back")
            await client.heard(b"and back")
            client.transport.loseConnection()
            await client.lost
            child.terminate()

    async def _connected(self, reactor, path, child):
        """Connect as soon as the program has its socket."""
        while True:
            factory = Peers()
            reactor.connectUNIX(path, factory)
            made, failed = factory.next(), factory.failed
            while not (made.called or failed.called):
                await deferred_turns(reactor, 1)
            if made.called:
                return await made
            assert child.poll() is None
            assert isinstance(await failed, (BadFileError, ConnectionRefusedError))
