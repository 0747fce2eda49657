"""UDP over loopback: conversations with and without a fixed peer, and what the system may say to them."""

import errno
import logging
import os
import socket
import subprocess
from contextvars import ContextVar

import pytest
from zope.interface.verify import verifyObject

from wirelab.protocols.wire import DatagramEcho
from wirelab.reactor.address import IPv4Address, IPv6Address
from wirelab.reactor.datagrams import DATAGRAMS_PER_EVENT, STEADY
from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import (
    CannotListenError,
    InvalidAddressError,
    MessageLengthError,
    UnsupportedAddressFamily,
    UnsupportedSocketType,
)
from wirelab.reactor.interfaces import (
    IListeningPort,
    IReactorSocket,
    IReactorUDP,
    IReadDescriptor,
    IUDPTransport,
)
from wirelab.reactor.protocol import DatagramProtocol, Protocol
from wirelab.reactor.task import deferLater
from wirelab.reactor.udp import Port


class Peer(DatagramProtocol):
    """Remembers what it hears, and lets a test wait for it."""

    noisy = False

    def __init__(self):
        self.heard = []
        self.refused = 0
        self.starts = self.stops = 0
        self._waiting = []

    def startProtocol(self):
        self.starts += 1

    def stopProtocol(self):
        self.stops += 1

    def datagramReceived(self, datagram, addr):
        self.heard.append((datagram, addr))
        self._look()

    def connectionRefused(self):
        self.refused += 1
        self._look()

    def _look(self):
        for check, waiting in self._waiting[:]:
            if check():
                self._waiting.remove((check, waiting))
                waiting.callback(self)

    def until(self, check):
        waiting = Deferred()
        self._waiting.append((check, waiting))
        self._look()
        return waiting

    def datagrams(self, count):
        """Deferred: so many have come."""
        return self.until(lambda: len(self.heard) >= count)

    @property
    def payloads(self):
        return [datagram for datagram, _ in self.heard]


@pytest.fixture
def listen(reactor):
    """Opens ports on loopback with a new peer each: `peer = listen()`; closes them at the end."""

    def listen(protocol=Peer, interface="127.0.0.1", **options):
        peer = protocol()
        reactor.listenUDP(0, peer, interface=interface, **options)
        return peer

    yield listen
    for port in list(reactor.opened.values()):
        port.stopListening()


def at(peer):
    host = peer.transport.getHost()
    return host.host, host.port


class Sending:
    """A socket whose calls fail as the system would."""

    def __init__(self, sock):
        self.sock = sock
        self.failing = {}

    def __getattr__(self, name):
        if name in self.failing:
            number = self.failing[name]

            def fail(*args):
                raise OSError(number, os.strerror(number))

            return fail
        return getattr(self.sock, name)


def fail_with(port, call, name):
    """Let `call` of the port's socket fail with the error of that name."""
    double = Sending(port.socket)
    double.failing[call] = getattr(errno, name)
    attribute = {"recvfrom": "_recvfrom", "send": "_send", "sendto": "_sendto"}[call]
    setattr(port, attribute, getattr(double, call))


class TestTalking:
    async def test_everything_promised_is_there(self, reactor, listen):
        port = listen().transport
        assert verifyObject(IUDPTransport, port)
        assert verifyObject(IListeningPort, port)
        assert verifyObject(IReadDescriptor, port)
        assert verifyObject(IReactorUDP, reactor)
        assert verifyObject(IReactorSocket, reactor)
        assert type(port) is Port

    @pytest.mark.parametrize("interface", ["127.0.0.1", "::1"])
    async def test_a_datagram_and_its_answer(self, listen, interface):
        server, client = listen(DatagramEcho, interface), listen(interface=interface)
        client.transport.write(b"question", at(server))
        await client.datagrams(1)
        assert client.heard == [(b"question", at(server))]
        ours = client.transport
        assert (ours.bytesOut, ours.datagramsOut, ours.bytesIn, ours.datagramsIn) == (8, 1, 8, 1)

    async def test_boundaries_are_kept_and_empty_ones_count(self, listen):
        here, there = listen(), listen()
        for datagram in (b"one", b"", b"three"):
            here.transport.write(datagram, at(there))
        here.transport.writeSequence([b"fo", b"ur"], at(there))
        await there.datagrams(4)
        assert there.payloads == [b"one", b"", b"three", b"four"]

    async def test_bytearrays_and_views_are_bytes(self, listen):
        here, there = listen(), listen()
        here.transport.write(bytearray(b"array"), at(there))
        here.transport.write(memoryview(b"view"), at(there))
        await there.datagrams(2)
        assert there.payloads == [b"array", b"view"]

    async def test_a_longer_datagram_is_cut_to_the_size_asked_for(self, listen):
        here, there = listen(), listen(maxPacketSize=4)
        here.transport.write(b"longer", at(there))
        await there.datagrams(1)
        assert there.payloads == [b"long"]

    async def test_an_ipv6_port_on_all_interfaces_hears_ipv4(self, listen):
        here, there = listen(interface="127.0.0.1"), listen(interface="::")
        here.transport.write(b"hi", ("127.0.0.1", there.transport.port))
        await there.datagrams(1)
        assert there.heard == [(b"hi", ("::ffff:127.0.0.1", here.transport.port))]

    async def test_it_is_listed_while_it_lives(self, reactor, listen):
        port = listen().transport
        assert reactor.opened == {"u1": port}
        assert (port.kind, port.state, port.shortId) == ("udp", "listening", "u1")
        assert port.getHost() == IPv4Address("UDP", "127.0.0.1", port.port)
        assert port.getPeer() is None and port.idleSeconds() is None
        assert repr(port) == f"<Port u1 udp 127.0.0.1:{port.port} listening>"
        await port.stopListening()
        assert reactor.opened == {}
        assert repr(port) == f"<Port u1 udp 127.0.0.1:{port.port} closed>"
        assert port.fileno() == -1

    async def test_the_protocol_is_called_in_the_context_of_its_port(self, reactor, listen):
        cell = ContextVar("cell", default=None)
        seen = []

        class Looking(Peer):
            def startProtocol(self):
                seen.append(cell.get())

            def datagramReceived(self, datagram, addr):
                seen.append(cell.get())
                super().datagramReceived(datagram, addr)

            stopProtocol = startProtocol

        token = cell.set("[3]")
        there = listen(Looking)
        cell.reset(token)
        here = listen()
        here.transport.write(b"hi", at(there))
        await there.datagrams(1)
        assert there.transport.context.get(cell) == "[3]"
        await there.transport.stopListening()
        assert seen == ["[3]"] * 3


class TestBursts:
    async def test_a_flood_is_received_in_growing_portions(self, reactor, listen):
        there = listen()
        port = there.transport
        datagrams = [(b"x", ("127.0.0.1", 9))] * 1000
        turns = []

        def recvfrom(size):
            if not datagrams:
                raise BlockingIOError
            return datagrams.pop()

        port._recvfrom = recvfrom
        while datagrams:
            before = len(datagrams)
            port.doRead()
            turns.append(before - len(datagrams))
        assert turns[0] == 1
        assert turns[STEADY] == 2
        assert max(turns) == DATAGRAMS_PER_EVENT
        port.doRead()  # it was the end of the flood
        assert port._burst == 1

    async def test_a_protocol_that_closes_in_the_middle_gets_no_more(self, listen):
        class Enough(Peer):
            def datagramReceived(self, datagram, addr):
                super().datagramReceived(datagram, addr)
                self.transport.stopListening()

        here, there = listen(), listen(Enough)
        there.transport._burst = 5
        for _ in range(3):
            here.transport.write(b"x", at(there))
        await there.until(lambda: there.heard)
        assert there.payloads == [b"x"]

    async def test_a_protocol_that_raises_goes_on(self, reactor, listen, caplog):
        class Broken(Peer):
            def datagramReceived(self, datagram, addr):
                super().datagramReceived(datagram, addr)
                raise RuntimeError("too much")

        here, there = listen(), listen(Broken)
        here.transport.write(b"one", at(there))
        here.transport.write(b"two", at(there))
        await there.datagrams(2)
        await deferLater(reactor, 0, int)  # we were called by what raises
        assert there.transport.state == "listening"
        assert caplog.text.count("datagramReceived raised RuntimeError") == 2


class TestConnected:
    @pytest.mark.parametrize("interface", ["127.0.0.1", "::1"])
    async def test_it_talks_to_its_peer_only(self, listen, interface):
        peer, here, other = (
            listen(interface=interface),
            listen(interface=interface),
            listen(interface=interface),
        )
        here.transport.connect(*at(peer))
        kind = IPv6Address if interface == "::1" else IPv4Address
        assert here.transport.getPeer() == kind("UDP", *at(peer))
        here.transport.write(b"hello")
        here.transport.write(b"again", at(peer))
        await peer.datagrams(2)
        other.transport.write(b"me too", at(here))
        peer.transport.write(b"hi", at(here))
        await here.datagrams(1)
        assert here.payloads == [b"hi"]
        with pytest.raises(ValueError, match=r"is connected to .* only"):
            here.transport.write(b"elsewhere", at(other))
        with pytest.raises(RuntimeError, match=r"is connected to .* already"):
            here.transport.connect(*at(other))

    async def test_the_address_on_this_side_becomes_known(self, listen):
        here, peer = listen(interface=""), listen()
        assert here.transport.getHost().host == "0.0.0.0"
        here.transport.connect(*at(peer))
        assert here.transport.getHost().host == "127.0.0.1"
        assert str(here.transport.getPeer()) in repr(here.transport)

    async def test_nobody_there_is_told(self, listen):
        here, gone = listen(), listen()
        where = at(gone)
        await gone.transport.stopListening()
        here.transport.connect(*where)
        here.transport.write(b"anybody?")
        await here.until(lambda: here.refused)
        assert here.transport.state == "listening"

    async def test_it_is_told_to_a_writer_as_well_and_nothing_is_lost_by_it(self, listen):
        here, gone = listen(), listen()
        where = at(gone)
        await gone.transport.stopListening()
        here.transport.connect(*where)
        here.transport.write(b"anybody?")
        here.transport.write(b"now?")  # finds the answer to the first in its place
        await here.until(lambda: here.refused >= 1)
        assert here.transport.datagramsOut == 2

    async def test_a_refusal_that_raises_is_logged(self, reactor, listen, caplog):
        class Broken(Peer):
            def connectionRefused(self):
                super().connectionRefused()
                raise RuntimeError("what now")

        here, gone = listen(Broken), listen()
        where = at(gone)
        await gone.transport.stopListening()
        here.transport.connect(*where)
        here.transport.write(b"anybody?")
        await here.until(lambda: here.refused)
        await deferLater(reactor, 0, int)  # we were called by what raises
        assert "connectionRefused raised RuntimeError" in caplog.text


class TestAddresses:
    @pytest.mark.parametrize("call", ["write", "connect"])
    @pytest.mark.parametrize(
        ("host", "port", "error", "words"),
        [
            (
                "localhost",
                9,
                InvalidAddressError,
                r"takes literal addresses, not names: await reactor.resolve",
            ),
            ("", 9, InvalidAddressError, "literal addresses"),
            ("::1", 9, InvalidAddressError, "on an IPv4 port cannot reach an IPv6 address"),
            (b"127.0.0.1", 9, TypeError, r"takes the address as \(host, port\)"),
            ("127.0.0.1", "9", TypeError, "takes a port number, not '9'"),
            ("127.0.0.1", True, TypeError, "takes a port number, not True"),
            ("127.0.0.1", 65536, ValueError, "from 0 to 65535, not 65536"),
        ],
    )
    async def test_what_cannot_be_sent_to_is_refused(self, listen, call, host, port, error, words):
        transport = listen().transport
        with pytest.raises(error, match=rf"{call}\(\) .*{words}"):
            if call == "write":
                transport.write(b"x", (host, port))
            else:
                transport.connect(host, port)
        assert transport.datagramsOut == 0

    @pytest.mark.parametrize("addr", ["127.0.0.1:9", ("127.0.0.1",), ("127.0.0.1", 9, 0)])
    async def test_an_address_is_a_pair(self, listen, addr):
        with pytest.raises(TypeError, match=r"takes the address as \(host, port\)"):
            listen().transport.write(b"x", addr)

    async def test_without_a_peer_the_address_is_needed(self, listen):
        with pytest.raises(ValueError, match=r"write\(packet, \(host, port\)\), or connect\(\)"):
            listen().transport.write(b"x")

    @pytest.mark.parametrize("host", ["127.0.0.1", "<broadcast>"])
    async def test_an_ipv6_port_takes_no_ipv4_address(self, listen, host):
        with pytest.raises(InvalidAddressError, match="on an IPv6 port cannot reach an IPv4 address"):
            listen(interface="::1").transport.write(b"x", (host, 9))

    async def test_a_scope_is_shown_and_taken_back(self, listen):
        here = listen(interface="::1")
        port = here.transport
        sent = []
        port._recvfrom = lambda size: (b"x", ("fe80::2", 5353, 7, 2))
        port._sendto = lambda packet, sockaddr: sent.append(sockaddr) or len(packet)
        port.doRead()
        assert here.heard == [(b"x", ("fe80::2%2", 5353))]
        port.write(b"answer", here.heard[0][1])
        port.write(b"later", ("fe80::2%2", 5353))
        assert sent == [("fe80::2", 5353, 7, 2), ("fe80::2", 5353, 0, 2)]

    async def test_text_is_refused(self, listen):
        with pytest.raises(TypeError, match=r"write\(\) takes bytes, not str: encode it first"):
            listen().transport.write("x", ("127.0.0.1", 9))

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ((0, Peer), TypeError, r"takes a protocol, not its class: try Peer\(\)"),
            ((0, Protocol()), TypeError, r"one of streams is for listenTCP\(\)"),
            ((0, None), TypeError, "takes a DatagramProtocol, not None"),
            (("53", Peer()), TypeError, "takes a port number, not '53'"),
            ((-1, Peer()), ValueError, "from 0 to 65535"),
            ((0, Peer(), b"127.0.0.1"), TypeError, "the interface as a literal address"),
            ((0, Peer(), "", "big"), TypeError, "maxPacketSize as a number of octets"),
            ((0, Peer(), "", 0), ValueError, "1 octet or more"),
        ],
    )
    @pytest.mark.parametrize("call", ["listenUDP", "listenMulticast"])
    def test_wrong_arguments_are_told(self, reactor, call, arguments, error, words):
        with pytest.raises(error, match=words):
            getattr(reactor, call)(*arguments)


class TestBroadcast:
    async def test_it_is_allowed_when_asked_for(self, listen):
        here, there = listen(interface=""), listen(interface="")
        assert here.transport.getBroadcastAllowed() is False
        where = ("127.255.255.255", there.transport.port)
        with pytest.raises(PermissionError, match=r"setBroadcastAllowed\(True\) before"):
            here.transport.write(b"all", where)
        here.transport.setBroadcastAllowed(True)
        assert here.transport.getBroadcastAllowed() is True
        here.transport.write(b"all", where)
        await there.datagrams(1)
        assert there.payloads == [b"all"]


class TestLife:
    async def test_a_protocol_is_started_and_stopped_once(self, listen):
        peer = listen()
        assert (peer.starts, peer.stops) == (1, 0)
        port = peer.transport
        first, second = port.stopListening(), port.stopListening()
        assert (port.state, peer.stops) == ("closing", 0)  # told in a turn of its own
        await first
        await second
        await port.stopListening()
        assert (port.state, peer.starts, peer.stops) == ("closed", 1, 1)

    async def test_the_number_is_free_at_once(self, reactor, listen):
        port = listen().transport
        stopped = port.stopListening()
        again = reactor.listenUDP(port.port, Peer(), interface="127.0.0.1")
        assert again.port == port.port
        await stopped

    async def test_what_is_written_afterwards_is_dropped(self, listen):
        port = listen().transport
        port.loseConnection()
        port.write(b"late", ("127.0.0.1", 9))
        await port.stopListening()
        port.write(b"later", ("127.0.0.1", 9))
        assert port.datagramsOut == 0

    async def test_it_can_listen_again(self, listen):
        peer = listen()
        port = peer.transport
        await port.stopListening()
        port.startListening()
        port.startListening()
        assert (peer.starts, port.state, port.shortId) == (2, "listening", "u2")

    async def test_a_pause_leaves_them_to_the_system(self, listen):
        here, there = listen(), listen()
        port = there.transport
        port.pauseProducing()
        port.pauseProducing()
        assert port.state == "paused"
        here.transport.write(b"x", at(there))
        echo = listen(DatagramEcho)
        here.transport.write(b"turn", at(echo))
        await here.datagrams(1)
        assert there.heard == []
        port.resumeProducing()
        port.resumeProducing()
        await there.datagrams(1)
        port.pauseProducing()
        port.stopProducing()

    async def test_a_protocol_that_cannot_start_leaves_nothing_open(self, reactor):
        class Broken(Peer):
            def startProtocol(self):
                raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            reactor.listenUDP(0, Broken(), interface="127.0.0.1")
        assert reactor.opened == {}

    async def test_a_protocol_that_stops_in_its_start_does(self, reactor):
        class Shy(Peer):
            def startProtocol(self):
                self.transport.stopListening().addCallback(lambda _: gone.callback(None))

        gone = Deferred()
        port = reactor.listenUDP(0, Shy(), interface="127.0.0.1")
        await gone
        assert port.state == "closed"

    async def test_a_protocol_that_raises_at_its_stop_is_logged(self, listen, caplog):
        class Broken(Peer):
            def stopProtocol(self):
                raise RuntimeError("no")

        await listen(Broken).transport.stopListening()
        assert "doStop raised RuntimeError" in caplog.text

    def test_the_end_of_a_run_closes_it(self, reactor):
        peers = [Peer(), Peer()]
        ports = [reactor.listenUDP(0, peer, interface="127.0.0.1") for peer in peers]
        reactor.callWhenRunning(ports[0].stopListening)
        reactor.callWhenRunning(reactor.stop)
        reactor.run(installSignalHandlers=False)
        assert [port.state for port in ports] == ["closed", "closed"]
        assert [peer.stops for peer in peers] == [1, 1]
        assert reactor.opened == {}

    async def test_a_number_in_use_is_told(self, reactor, listen):
        number = listen().transport.port
        with pytest.raises(CannotListenError, match=f"127.0.0.1, port {number}: address already in use"):
            reactor.listenUDP(number, Peer(), interface="127.0.0.1")


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("EADDRINUSE", "address already in use"),
            ("EADDRNOTAVAIL", "cannot assign requested address"),
            ("EACCES", "permission denied"),
            ("EMFILE", "too many open files"),
            ("ENOBUFS", "no buffer space available"),
        ],
    )
    def test_each_error_of_bind_is_told(self, reactor, monkeypatch, name, error):
        number = getattr(errno, name)

        class Unbindable(socket.socket):
            def bind(self, address):
                raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched:
            patched.setattr("wirelab.reactor.udp.port.socket.socket", Unbindable)
            with pytest.raises(CannotListenError, match=error) as told:
                reactor.listenUDP(0, Peer(), interface="127.0.0.1")
        assert told.value.socketError.errno == number

    @pytest.mark.parametrize("name", ["EAGAIN", "EWOULDBLOCK", "ENOBUFS", "ENOMEM", "ECONNREFUSED"])
    async def test_no_room_to_send_loses_the_datagram_and_nothing_else(self, listen, name):
        here, there = listen(), listen()
        fail_with(here.transport, "sendto", name)
        here.transport.write(b"lost", at(there))
        here.transport._sendto = here.transport.socket.sendto
        here.transport.write(b"there", at(there))
        await there.datagrams(1)
        assert there.payloads == [b"there"]
        assert (here.transport.datagramsDropped, here.transport.datagramsOut) == (1, 1)

    async def test_a_datagram_that_is_too_long_says_how_long(self, listen):
        here, there = listen(), listen()
        with pytest.raises(MessageLengthError, match=f"70000 octets to 127.0.0.1:{there.transport.port}"):
            here.transport.write(bytes(70000), at(there))
        here.transport.write(bytes(60000), at(there))

    @pytest.mark.parametrize("name", ["ENETUNREACH", "EHOSTUNREACH", "EPERM", "EINVAL", "EACCES", "EIO"])
    async def test_other_errors_of_sending_are_raised_with_where(self, listen, name):
        here = listen()
        fail_with(here.transport, "sendto", name)
        with pytest.raises(OSError, match=r"cannot send to 127\.0\.0\.1:9: ") as told:
            here.transport.write(b"x", ("127.0.0.1", 9))
        assert told.value.errno == getattr(errno, name)
        assert here.transport.state == "listening"

    @pytest.mark.parametrize("name", ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "EPROTO"])
    @pytest.mark.parametrize("call", ["recvfrom", "send"])
    async def test_answers_of_the_net_reach_a_connected_protocol(self, listen, call, name):
        here, there = listen(), listen()
        here.transport.connect(*at(there))
        fail_with(here.transport, call, name)
        if call == "recvfrom":
            here.transport.doRead()
        else:
            here.transport.write(b"x")
        await here.until(lambda: here.refused == 1)
        assert here.transport.state == "listening"

    @pytest.mark.parametrize("name", ["ECONNREFUSED", "EINTR", "ENOBUFS", "ENOMEM", "ENETDOWN", "EMSGSIZE"])
    async def test_errors_of_receiving_that_pass_do_not_matter(self, listen, name):
        here, there = listen(), listen()
        fail_with(there.transport, "recvfrom", name)
        there.transport.doRead()
        there.transport._recvfrom = there.transport.socket.recvfrom
        here.transport.write(b"x", at(there))
        await there.datagrams(1)
        assert there.refused == 0

    @pytest.mark.parametrize("name", ["EBADF", "ENOTSOCK", "EIO"])
    async def test_errors_of_receiving_that_stay_close_the_port(self, listen, name, caplog):
        here = listen()
        port = here.transport
        fail_with(port, "recvfrom", name)
        port.doRead()
        assert port.state == "closing"
        assert "cannot receive and is closed" in caplog.text
        await port.stopListening()
        assert here.stops == 1

    async def test_a_second_refusal_in_a_row_drops_the_datagram(self, listen, caplog):
        here, there = listen(), listen()
        here.transport.connect(*at(there))
        fail_with(here.transport, "send", "ECONNREFUSED")
        with caplog.at_level(logging.DEBUG, "wirelab.reactor"):
            here.transport.write(b"x")
        assert here.transport.datagramsDropped == 1
        await here.until(lambda: here.refused == 1)

    async def test_connecting_that_fails_says_where_to(self, listen, monkeypatch):
        transport = listen().transport
        sock = Sending(transport.socket)
        sock.failing["connect"] = errno.ENETUNREACH
        transport.socket = sock
        with pytest.raises(OSError, match=r"cannot connect to 127.0.0.1:9: Network is unreachable"):
            transport.connect("127.0.0.1", 9)
        assert transport.getPeer() is None


class TestAdoption:
    @pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
    async def test_a_bound_socket_is_taken_over(self, reactor, listen, family, host):
        there = Peer()
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
            port = reactor.adoptDatagramPort(sock.fileno(), family, there, maxPacketSize=3)
            assert port.getHost().port == sock.getsockname()[1]
        here = listen(interface=host)
        here.transport.write(b"adopted", at(there))
        await there.datagrams(1)
        assert there.payloads == [b"ado"]

    def test_what_cannot_be_served_is_refused(self, reactor):
        with socket.socket(socket.AF_INET) as stream, socket.socket(socket.AF_UNIX) as local:
            with pytest.raises(UnsupportedSocketType, match="only datagram sockets"):
                reactor.adoptDatagramPort(stream.fileno(), socket.AF_INET, Peer())
            with pytest.raises(UnsupportedAddressFamily, match="UDP is of AF_INET or AF_INET6"):
                reactor.adoptDatagramPort(local.fileno(), socket.AF_UNIX, Peer())


@pytest.mark.peer
class TestRealPeers:
    @pytest.mark.parametrize(
        "command", [["nc", "-u", "-w", "5", "127.0.0.1", "PORT"], ["socat", "-", "UDP:127.0.0.1:PORT"]]
    )
    async def test_a_program_gets_its_answer(self, listen, program, command):
        class Shout(Peer):
            def datagramReceived(self, datagram, addr):
                self.transport.write(datagram.upper(), addr)
                super().datagramReceived(datagram, addr)

        there = listen(Shout)
        words = [word.replace("PORT", str(there.transport.port)) for word in command]
        words[0] = program(words[0])
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdin.write(b"hello\n")
            child.stdin.flush()
            await there.datagrams(1)
            assert child.stdout.readline() == b"HELLO\n"
            child.terminate()
