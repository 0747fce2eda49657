"""TCP conversations over loopback: data both ways, ends of every kind, producers, options."""

import socket

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.address import IPv4Address, IPv6Address
from wirelab.reactor.defer import Deferred, gatherResults
from wirelab.reactor.error import (
    CannotListenError,
    ConnectBindError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    NotConnectingError,
    ServiceNameUnknownError,
    TimeoutError,
    UserError,
)
from wirelab.reactor.interfaces import (
    IConnector,
    IConsumer,
    IHalfCloseableProtocol,
    IListeningPort,
    IPushProducer,
    IReactorSocket,
    IReactorTCP,
    ITCPTransport,
)
from wirelab.reactor.protocol import BaseProtocol, ClientFactory, Factory, Protocol
from wirelab.reactor.task import deferLater


class Peer(Protocol):
    """Remembers what it hears, and lets a test wait for it."""

    def __init__(self):
        self.received = b""
        self.made = Deferred()
        self.lost = Deferred()
        self.losses = 0
        self._waiting = []

    def connectionMade(self):
        self.made.callback(self)

    def dataReceived(self, data):
        self.received += data
        for size, waiting in self._waiting[:]:
            if len(self.received) >= size:
                self._waiting.remove((size, waiting))
                waiting.callback(self.received)

    def connectionLost(self, reason):
        self.losses += 1
        self.lost.callback(reason.value)

    def heard(self, size):
        waiting = Deferred()
        self._waiting.append((size, waiting))
        self.dataReceived(b"")
        return waiting


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Peer):
    def __init__(self):
        super().__init__()
        self.read_lost, self.write_lost = Deferred(), Deferred()

    def readConnectionLost(self):
        self.read_lost.callback(self)

    def writeConnectionLost(self):
        self.write_lost.callback(self)


class Mute(BaseProtocol):
    """A protocol in which `dataReceived` was forgotten."""


class Peers(ClientFactory):
    """Gives each connection a new peer; `next()` is a Deferred of the next one."""

    noisy = False

    def __init__(self, protocol=Peer):
        self.protocol = protocol
        self._made, self._waiting = [], []
        self.failed = Deferred()
        self.lost = Deferred()
        self.starts = self.stops = 0

    def startFactory(self):
        self.starts += 1

    def stopFactory(self):
        self.stops += 1

    def buildProtocol(self, addr):
        peer = self.protocol()
        peer.factory = self
        if self._waiting:
            self._waiting.pop(0).callback(peer)
        else:
            self._made.append(peer)
        return peer

    def next(self):
        if self._made:
            return self._made.pop(0).made
        waiting = Deferred()
        self._waiting.append(waiting)
        return waiting.addCallback(lambda peer: peer.made)

    def clientConnectionFailed(self, connector, reason):
        self.failed.callback(reason.value)

    def clientConnectionLost(self, connector, reason):
        self.lost.callback(reason.value)


@pytest.fixture
def join(reactor):
    """Connects two peers over loopback: `client, server = await join()`."""

    async def join(client=Peer, server=Peer, interface="127.0.0.1"):
        servers, clients = Peers(server), Peers(client)
        port = reactor.listenTCP(0, servers, interface=interface)
        reactor.connectTCP(interface, port.getHost().port, clients)
        pair = await gatherResults([clients.next(), servers.next()])
        port.stopListening()
        return pair

    return join


async def over(*peers):
    """Wait until all of the peers have lost their connection; the reasons."""
    return await gatherResults([peer.lost for peer in peers])


async def close(*peers):
    peers[0].transport.loseConnection()
    for peer in peers:
        await peer.lost


class TestInterfaces:
    async def test_everything_promised_is_there(self, reactor, join):
        client, server = await join()
        for peer in (client, server):
            assert verifyObject(ITCPTransport, peer.transport)
            assert verifyObject(IConsumer, peer.transport)
            assert verifyObject(IPushProducer, peer.transport)
        assert verifyObject(IConnector, client.transport.connector)
        assert verifyObject(IReactorTCP, reactor)
        assert verifyObject(IReactorSocket, reactor)
        await close(client, server)

    async def test_a_port_is_one(self, reactor):
        port = reactor.listenTCP(0, Peers(), interface="127.0.0.1")
        assert verifyObject(IListeningPort, port)
        await port.stopListening()


class TestTalking:
    async def test_data_goes_both_ways_and_is_counted(self, join):
        client, server = await join()
        client.transport.write(b"question")
        assert await server.heard(8) == b"question"
        server.transport.writeSequence([b"an", b"sw", b"er"])
        assert await client.heard(6) == b"answer"
        assert (client.transport.bytesOut, client.transport.bytesIn) == (8, 6)
        assert (server.transport.bytesOut, server.transport.bytesIn) == (6, 8)
        await close(client, server)

    async def test_ipv6_works_alike(self, join):
        client, server = await join(interface="::1")
        assert isinstance(client.transport.getPeer(), IPv6Address)
        client.transport.write(b"six")
        assert await server.heard(3) == b"six"
        await close(client, server)

    async def test_addresses_agree_and_outlive_the_connection(self, join):
        client, server = await join()
        ours, theirs = client.transport, server.transport
        assert ours.getHost() == theirs.getPeer()
        assert ours.getPeer() == theirs.getHost()
        assert ours.getHost() == IPv4Address("TCP", "127.0.0.1", ours.getHost().port)
        await close(client, server)
        assert ours.getHost() == theirs.getPeer()
        assert ours.state == theirs.state == "closed"

    async def test_ten_megabytes_arrive_whole_through_small_buffers(self, join):
        client, server = await join()
        blob = bytes(range(256)) * 40960
        client.transport.write(blob)
        assert client.transport.bufferedBytes > 0
        assert await server.heard(len(blob)) == blob
        assert client.transport.bufferedBytes == 0
        await close(client, server)

    async def test_many_small_writes_stay_in_order(self, join):
        client, server = await join()
        client.transport.write(b"x" * 5_000_000)  # fills the system's buffer, so that the rest is queued
        words = [b"%07d," % number for number in range(50_000)]
        for word in words:
            client.transport.write(word)
        heard = await server.heard(5_000_000 + 8 * len(words))
        assert heard[5_000_000:] == b"".join(words)
        await close(client, server)

    async def test_writes_of_one_event_leave_in_one_send(self, join):
        sent = []

        class Chatty(Peer):
            def dataReceived(self, data):
                for word in (b"one ", b"two ", b"three"):
                    self.transport.write(word)

        client, server = await join(server=Chatty)
        send = server.transport._send
        server.transport._send = lambda data: (sent.append(bytes(data)), send(data))[1]
        client.transport.write(b"go")
        assert await client.heard(13) == b"one two three"
        assert sent == [b"one two three"]
        await close(client, server)

    async def test_a_write_outside_of_an_event_leaves_at_once(self, reactor, join):
        client, server = await join()
        await deferLater(reactor, 0)  # so far this runs inside of connectionMade, which is an event
        sent = []
        send = client.transport._send
        client.transport._send = lambda data: (sent.append(data), send(data))[1]
        client.transport.write(b"now")
        assert sent == [b"now"]
        await close(client, server)

    async def test_other_kinds_of_bytes_are_copied(self, join):
        client, server = await join()
        data = bytearray(b"abc")
        client.transport.write(data)
        client.transport.write(memoryview(b"def"))
        data[:] = b"xyz"
        assert await server.heard(6) == b"abcdef"
        await close(client, server)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ("text", r"takes bytes, not str: encode it first, for example 'text'.encode\(\)"),
            (7, "takes bytes, not int: 7"),
            (None, "takes bytes, not NoneType"),
        ],
    )
    async def test_anything_but_bytes_is_refused_in_words(self, join, wrong, words):
        client, server = await join()
        with pytest.raises(TypeError, match=words):
            client.transport.write(wrong)
        with pytest.raises(TypeError, match="takes bytes" if wrong != "text" else "several bytes objects"):
            client.transport.writeSequence(wrong if wrong == "text" else [wrong])
        await close(client, server)

    async def test_options_can_be_read_and_set(self, join):
        client, server = await join()
        assert client.transport.getTcpNoDelay()
        client.transport.setTcpNoDelay(False)
        assert not client.transport.getTcpNoDelay()
        assert not client.transport.getTcpKeepAlive()
        client.transport.setTcpKeepAlive(True)
        assert client.transport.getTcpKeepAlive()
        assert client.transport.idleSeconds() is None or client.transport.idleSeconds() < 5
        await close(client, server)


class TestEnds:
    async def test_a_close_is_clean_on_both_sides(self, reactor, join):
        client, server = await join()
        client.transport.write(b"last words")
        client.transport.loseConnection()
        reasons = await over(client, server)
        assert [type(reason) for reason in reasons] == [ConnectionDone, ConnectionDone]
        assert server.received == b"last words"
        assert reactor.opened == {}

    async def test_everything_written_leaves_before_the_close(self, join):
        client, server = await join()
        client.transport.write(b"x" * 10_000_000)
        client.transport.loseConnection()
        client.transport.loseConnection()
        await over(client, server)
        assert len(server.received) == 10_000_000

    async def test_connection_lost_is_never_called_from_within_lose_connection(self, join):
        client, server = await join()
        client.transport.loseConnection()
        assert client.losses == 0
        await over(client, server)
        assert (client.losses, server.losses) == (1, 1)

    async def test_a_close_inside_of_data_received_comes_after_what_was_written(self, join):
        class Short(Peer):
            def dataReceived(self, data):
                self.transport.write(b"good")
                self.transport.loseConnection()
                self.transport.write(b"bye")

        client, server = await join(server=Short)
        client.transport.write(b"hello")
        assert type(await client.lost) is ConnectionDone
        assert client.received.startswith(b"good")
        await server.lost

    async def test_nothing_is_received_after_lose_connection(self, join):
        client, server = await join()
        server.transport.loseConnection()
        client.transport.write(b"too late")
        await over(client, server)
        assert server.received == b""

    async def test_an_abort_is_told_on_both_sides(self, join):
        client, server = await join()
        client.transport.abortConnection()
        assert client.losses == 0
        mine, theirs = await over(client, server)
        assert type(mine) is ConnectionAborted
        assert type(theirs) is ConnectionLost

    async def test_an_abort_drops_what_was_not_sent(self, reactor, join):
        client, server = await join()
        server.transport.pauseProducing()
        client.transport.write(b"x" * 20_000_000)
        client.transport.abortConnection()
        assert type(await client.lost) is ConnectionAborted
        server.transport.resumeProducing()
        await server.lost
        assert len(server.received) < 20_000_000

    async def test_an_abort_after_a_close_that_waits_ends_the_wait(self, join):
        client, server = await join()
        server.transport.pauseProducing()
        client.transport.write(b"x" * 20_000_000)
        client.transport.loseConnection()
        client.transport.abortConnection()
        assert type(await client.lost) is ConnectionAborted
        server.transport.resumeProducing()
        await server.lost

    async def test_a_protocol_that_raises_loses_its_own_connection_only(self, reactor, join, caplog):
        class Fragile(Peer):
            def dataReceived(self, data):
                if data == b"break":
                    raise ZeroDivisionError("on purpose")
                super().dataReceived(data)

        client, server = await join(server=Fragile)
        other, other_server = await join(server=Fragile)
        client.transport.write(b"break")
        reason, _ = await over(server, client)
        assert type(reason) is ConnectionLost
        assert isinstance(reason.__cause__, ZeroDivisionError)
        assert server.losses == 1
        other.transport.write(b"still here")
        assert await other_server.heard(10) == b"still here"
        assert "Fragile.dataReceived raised ZeroDivisionError" in caplog.text
        await close(other, other_server)

    async def test_what_was_written_before_raising_still_leaves(self, join, caplog):
        class Fragile(Peer):
            def dataReceived(self, data):
                self.transport.write(b"about to fail")
                raise ZeroDivisionError

        client, server = await join(server=Fragile)
        client.transport.write(b"go")
        await over(client, server)
        assert client.received == b"about to fail"

    async def test_raising_in_connection_made_and_lost_ends_quietly(self, reactor, caplog):
        class Broken(Protocol):
            def connectionMade(self):
                raise ValueError("made")

            def connectionLost(self, reason):
                lost.callback(reason.value)
                raise ValueError("lost")

        lost = Deferred()
        port = reactor.listenTCP(0, Factory.forProtocol(Broken), interface="127.0.0.1")
        clients = Peers()
        reactor.connectTCP("127.0.0.1", port.getHost().port, clients)
        assert type(await lost) is ConnectionLost
        await (await clients.next()).lost
        assert [record.getMessage().split(" raised")[0].rsplit(".", 1)[1] for record in caplog.records] == [
            "makeConnection",
            "connectionLost",
        ]
        port.stopListening()

    async def test_the_reason_of_a_closed_transport_writes_nothing(self, join):
        client, server = await join()
        transport = client.transport
        await close(client, server)
        transport.write(b"into the void")
        transport.writeSequence([b"into", b"the void"])
        transport.loseConnection()
        transport.abortConnection()
        transport.loseWriteConnection()
        transport.pauseProducing()
        transport.resumeProducing()
        assert transport.bufferedBytes == 0


class TestHalfClose:
    async def test_closing_our_direction_lets_the_peer_answer(self, join):
        client, server = await join(client=HalfCloseable, server=HalfCloseable)
        client.transport.write(b"all I have")
        client.transport.loseWriteConnection()
        await server.read_lost
        assert server.received == b"all I have"
        server.transport.write(b"understood")
        assert await client.heard(10) == b"understood"
        server.transport.loseConnection()
        reasons = await over(client, server)
        assert [type(reason) for reason in reasons] == [ConnectionDone, ConnectionDone]
        assert client.write_lost.called

    async def test_both_directions_closed_is_the_end(self, join):
        client, server = await join(client=HalfCloseable, server=HalfCloseable)
        client.transport.loseWriteConnection()
        server.transport.loseWriteConnection()
        reasons = await over(client, server)
        assert [type(reason) for reason in reasons] == [ConnectionDone, ConnectionDone]

    async def test_writes_after_it_are_dropped(self, join):
        client, server = await join(server=HalfCloseable)
        client.transport.loseWriteConnection()
        client.transport.write(b"dropped")
        await server.read_lost
        assert server.received == b""
        await close(server, client)

    async def test_in_an_event_it_comes_after_what_was_written(self, join):
        class Last(Peer):
            def dataReceived(self, data):
                self.transport.write(b"this ")
                self.transport.write(b"is all")
                self.transport.loseWriteConnection()
                self.transport.write(b"dropped")

        client, server = await join(client=HalfCloseable, server=Last)
        client.transport.write(b"go")
        await client.read_lost
        assert client.received == b"this is all"
        await close(client, server)

    async def test_a_peer_that_closes_one_direction_gets_what_was_said_already(self, join):
        """As `nc -N` does: it sends, closes its direction, and reads to the end."""

        class Answer(Peer):
            def dataReceived(self, data):
                self.transport.write(b"y" * 10_000_000)

        client, server = await join(client=HalfCloseable, server=Answer)
        client.transport.write(b"x")
        client.transport.loseWriteConnection()
        await client.lost if not client.read_lost.called else None
        assert type(await server.lost) is ConnectionDone
        await client.heard(10_000_000)
        assert len(client.received) == 10_000_000
        if client.losses == 0:
            await client.lost


class PushProducer:
    def __init__(self, consumer):
        self.consumer = consumer
        self.paused = self.stopped = False
        self.pauses = 0

    def pauseProducing(self):
        self.paused = True
        self.pauses += 1

    def resumeProducing(self):
        self.paused = False

    def stopProducing(self):
        self.stopped = True


class PullProducer:
    def __init__(self, consumer, pieces):
        self.consumer = consumer
        self.pieces = pieces
        self.asked = 0
        self.stopped = False

    def resumeProducing(self):
        self.asked += 1
        if self.pieces:
            self.consumer.write(self.pieces.pop(0))
        else:
            self.consumer.unregisterProducer()

    def stopProducing(self):
        self.stopped = True


class TestProducers:
    async def test_a_push_producer_is_paused_while_much_waits_and_then_resumed(self, join):
        client, server = await join()
        producer = PushProducer(client.transport)
        client.transport.registerProducer(producer, True)
        server.transport.pauseProducing()
        written = 0
        while not producer.paused:
            client.transport.write(b"x" * 65536)
            written += 65536
            assert written < 100_000_000
        server.transport.resumeProducing()
        await server.heard(written)
        await self.until(lambda: not producer.paused, client)
        client.transport.unregisterProducer()
        await close(client, server)

    async def until(self, condition, peer):
        for _ in range(1000):
            if condition():
                return
            await deferLater(peer.transport.reactor, 0.001)
        raise AssertionError("it never came true")

    async def test_a_push_producer_that_writes_until_paused_cannot_hang_an_event(self, join):
        class Torrent(Peer):
            def dataReceived(self, data):
                producer = PushProducer(self.transport)
                self.transport.registerProducer(producer, True)
                while not producer.paused:
                    self.transport.write(b"x" * 65536)
                self.transport.unregisterProducer()
                self.transport.loseConnection()

        client, server = await join(server=Torrent)
        client.transport.write(b"go")
        await over(client, server)
        assert len(client.received) > 65536

    async def test_a_pull_producer_is_asked_until_it_is_done(self, join):
        client, server = await join()
        pieces = [bytes([number]) * 100_000 for number in range(20)]
        producer = PullProducer(client.transport, pieces[:])
        client.transport.registerProducer(producer, False)
        client.transport.loseConnection()  # waits for the producer
        await over(client, server)
        assert server.received == b"".join(pieces)
        assert producer.asked == 21
        assert not producer.stopped

    async def test_a_lost_connection_stops_its_producer(self, join):
        client, server = await join()
        producer = PushProducer(client.transport)
        client.transport.registerProducer(producer, True)
        server.transport.abortConnection()
        await over(client, server)
        assert producer.stopped

    async def test_a_producer_for_a_closed_connection_is_stopped_at_once(self, join):
        client, server = await join()
        transport = client.transport
        await close(client, server)
        producer = PushProducer(transport)
        transport.registerProducer(producer, True)
        assert producer.stopped

    async def test_two_producers_at_a_time_are_refused(self, join):
        client, server = await join()
        client.transport.registerProducer(PushProducer(client.transport), True)
        with pytest.raises(RuntimeError, match=r"call unregisterProducer\(\) first"):
            client.transport.registerProducer(PushProducer(client.transport), True)
        client.transport.unregisterProducer()
        await close(client, server)

    async def test_a_paused_connection_receives_nothing_until_resumed(self, join):
        client, server = await join()
        server.transport.pauseProducing()
        client.transport.write(b"wait")
        await deferLater(server.transport.reactor, 0.005)
        assert server.received == b""
        server.transport.resumeProducing()
        assert await server.heard(4) == b"wait"
        await close(client, server)

    async def test_a_slow_reader_holds_the_writer_back_through_the_wire(self, join):
        """Back-pressure end to end: one connection feeds another, and memory stays bounded."""
        source, middle_in = await join()
        middle_out, sink = await join()
        middle_out.transport.registerProducer(middle_in.transport, True)
        most = 0

        def relay(data):
            nonlocal most
            middle_out.transport.write(data)
            most = max(most, middle_out.transport.bufferedBytes)

        middle_in.dataReceived = relay
        source.transport.write(b"x" * 30_000_000)
        await sink.heard(30_000_000)
        assert most <= 65536 + 2 * 65536
        middle_out.transport.unregisterProducer()
        await close(source, middle_in)
        await close(middle_out, sink)


class TestListening:
    async def test_a_port_shows_itself_and_counts(self, reactor):
        servers, clients = Peers(), Peers()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")
        assert port.shortId == "p1"
        assert reactor.opened == {"p1": port}
        assert port.state == "listening"
        assert repr(port) == f"<Port p1 127.0.0.1:{port.port} listening>"
        reactor.connectTCP("127.0.0.1", port.port, clients)
        client, server = await gatherResults([clients.next(), servers.next()])
        assert port.connections == 1
        assert list(reactor.opened) == ["p1", "c1", "c2"]
        await close(client, server)
        assert port.connections == 0
        await port.stopListening()
        assert port.state == "closed"
        assert (servers.starts, servers.stops) == (1, 1)

    async def test_an_address_in_use_is_told(self, reactor):
        port = reactor.listenTCP(0, Peers(), interface="127.0.0.1")
        with pytest.raises(CannotListenError, match="address already in use") as told:
            reactor.listenTCP(port.port, Peers(), interface="127.0.0.1")
        assert told.value.port == port.port
        await port.stopListening()

    def test_an_interface_that_is_not_ours_is_told(self, reactor):
        with pytest.raises(CannotListenError, match=r"could not listen on 192\.0\.2\.1"):
            reactor.listenTCP(0, Peers(), interface="192.0.2.1")

    async def test_a_port_closed_is_free_at_once(self, reactor):
        port = reactor.listenTCP(0, Peers(), interface="127.0.0.1")
        port.stopListening()
        again = reactor.listenTCP(port.port, Peers(), interface="127.0.0.1")
        assert again.shortId == "p2"
        again.stopListening()
        assert again.stopListening().called

    async def test_connections_outlive_their_port(self, reactor, join):
        client, server = await join()  # which has closed the port
        client.transport.write(b"still here")
        assert await server.heard(10) == b"still here"
        await close(client, server)

    async def test_a_factory_may_refuse(self, reactor):
        class Refusing(Peers):
            def buildProtocol(self, addr):
                return None

        clients = Peers()
        port = reactor.listenTCP(0, Refusing(), interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.port, clients)
        await (await clients.next()).lost
        port.stopListening()

    async def test_a_factory_that_raises_closes_that_connection_only(self, reactor, caplog):
        class Broken(Peers):
            def buildProtocol(self, addr):
                if not self.starts:
                    raise ValueError("on purpose")
                self.starts -= 1
                return super().buildProtocol(addr)

        clients, servers = Peers(), Broken()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")
        servers.starts = 0
        reactor.connectTCP("127.0.0.1", port.port, clients)
        await (await clients.next()).lost
        assert "buildProtocol raised ValueError" in caplog.text
        servers.starts = 1
        clients = Peers()
        reactor.connectTCP("127.0.0.1", port.port, clients)
        client, server = await gatherResults([clients.next(), servers.next()])
        port.stopListening()
        await close(client, server)

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            (5, "gave 5, which is no protocol: it has no makeConnection()"),
            (Peer, "gave the class Peer: return Peer()"),
            (Mute(), "which is no protocol: it has no dataReceived()"),
        ],
        ids=["number", "class", "mute"],
    )
    async def test_a_factory_that_gives_no_protocol_closes_that_connection_only(
        self, reactor, caplog, given, told
    ):
        class Broken(Peers):
            def buildProtocol(self, addr):
                return given

        clients = Peers()
        port = reactor.listenTCP(0, Broken(), interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.port, clients)
        await (await clients.next()).lost
        assert "Broken.buildProtocol() gave" in caplog.text
        assert told in caplog.text
        assert port.connections == 0
        port.stopListening()

    async def test_more_connections_than_one_event_accepts_all_come_in(self, reactor):
        servers = Peers()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1", backlog=200)
        sockets = [socket.create_connection(("127.0.0.1", port.port)) for _ in range(150)]
        peers = [await servers.next() for _ in sockets]
        assert port.connections == 150
        for sock in sockets:
            sock.close()
        await over(*peers)
        port.stopListening()


class TestConnecting:
    async def test_a_refusal_is_told_to_the_factory(self, reactor):
        port = reactor.listenTCP(0, Peers(), interface="127.0.0.1")
        port.stopListening()
        clients = Peers()
        connector = reactor.connectTCP("127.0.0.1", port.port, clients)
        assert connector.state == "connecting"
        assert list(reactor.opened) == ["c1"]
        assert reactor.opened["c1"].state == "connecting"
        refused = await clients.failed
        assert isinstance(refused, ConnectionRefusedError)
        assert str(connector.getDestination()) in str(refused)
        assert connector.state == "disconnected"
        assert reactor.opened == {}
        await deferLater(reactor, 0)  # so far this runs inside of clientConnectionFailed
        assert (clients.starts, clients.stops) == (1, 1)

    async def test_an_attempt_can_be_stopped(self, reactor):
        clients = Peers()
        connector = reactor.connectTCP("192.0.2.1", 9, clients)
        connector.stopConnecting()
        assert isinstance(await clients.failed, UserError)
        with pytest.raises(NotConnectingError, match="no attempt to stop"):
            connector.stopConnecting()

    async def test_time_runs_out(self, reactor):
        # A listener whose queue is full answers nobody: the attempt stays open until its time is up.
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            filling = [socket.socket() for _ in range(3)]
            for sock in filling:
                sock.setblocking(False)
                sock.connect_ex(full.getsockname())
            clients = Peers()
            reactor.connectTCP(*full.getsockname(), clients, timeout=0.02)
            error = await clients.failed
            for sock in filling:
                sock.close()
        assert isinstance(error, TimeoutError)
        assert "gave no answer in 0.02 s" in str(error)

    async def test_a_connection_can_be_made_from_an_address(self, reactor):
        servers, clients = Peers(), Peers()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")
        reactor.connectTCP("127.0.0.1", port.port, clients, bindAddress=("127.0.0.2", 0))
        client, server = await gatherResults([clients.next(), servers.next()])
        assert client.transport.getHost().host == "127.0.0.2"
        assert server.transport.getPeer().host == "127.0.0.2"
        port.stopListening()
        await close(client, server)

    async def test_an_address_to_bind_that_is_not_ours_is_told(self, reactor):
        clients = Peers()
        reactor.connectTCP("127.0.0.1", 9, clients, bindAddress=("192.0.2.1", 0))
        assert isinstance(await clients.failed, ConnectBindError)

    async def test_an_unknown_service_is_told(self, reactor):
        clients = Peers()
        reactor.connectTCP("127.0.0.1", "no-such-service", clients)
        error = await clients.failed
        assert isinstance(error, ServiceNameUnknownError)
        assert "'no-such-service'" in str(error)

    async def test_a_connector_connects_again(self, reactor):
        servers = Peers()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")

        class Again(Peers):
            def clientConnectionLost(self, connector, reason):
                connector.connect()
                self.clientConnectionLost = lambda connector, reason: self.lost.callback(reason.value)

        clients = Again()
        connector = reactor.connectTCP("127.0.0.1", port.port, clients)
        for _ in range(2):
            client, server = await gatherResults([clients.next(), servers.next()])
            assert connector.state == "connected"
            with pytest.raises(RuntimeError, match="this one is connected"):
                connector.connect()
            connector.disconnect()
            await over(client, server)
        await clients.lost
        assert (clients.starts, clients.stops) == (1, 1)
        port.stopListening()

    async def test_a_factory_without_a_protocol_loses_the_connection(self, reactor):
        class Nothing(Peers):
            def buildProtocol(self, addr):
                return None

        port = reactor.listenTCP(0, Peers(), interface="127.0.0.1")
        clients = Nothing()
        reactor.connectTCP("127.0.0.1", port.port, clients)
        assert "gave no protocol" in str(await clients.lost)
        port.stopListening()
        await deferLater(reactor, 0.005)
        for transport in list(reactor.opened.values()):
            transport.abortConnection()
        await deferLater(reactor, 0.001)

    async def test_a_name_is_resolved_first(self, reactor):
        servers, clients = Peers(), Peers()
        port = reactor.listenTCP(0, servers, interface="127.0.0.1")
        reactor.connectTCP("localhost", port.port, clients)
        client, server = await gatherResults([clients.next(), servers.next()])
        assert client.transport.getPeer().host == "127.0.0.1"
        port.stopListening()
        await close(client, server)


class TestAdoption:
    async def test_a_listening_socket_is_taken_over(self, reactor):
        servers, clients = Peers(), Peers()
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            port = reactor.adoptStreamPort(listening.fileno(), socket.AF_INET, servers)
            assert port.getHost().port == listening.getsockname()[1]
        reactor.connectTCP("127.0.0.1", port.port, clients)
        client, server = await gatherResults([clients.next(), servers.next()])
        port.stopListening()
        await close(client, server)

    async def test_a_connected_socket_is_taken_over(self, reactor):
        servers = Peers()
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            ours = socket.create_connection(listening.getsockname())
            theirs, _ = listening.accept()
        with theirs:
            reactor.adoptStreamConnection(theirs.fileno(), socket.AF_INET, servers)
        server = await servers.next()
        ours.sendall(b"taken over")
        assert await server.heard(10) == b"taken over"
        ours.close()
        await server.lost

    def test_what_cannot_be_served_is_refused(self, reactor):
        from wirelab.reactor.error import UnsupportedAddressFamily, UnsupportedSocketType

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            with pytest.raises(UnsupportedSocketType, match="only stream sockets"):
                reactor.adoptStreamPort(datagrams.fileno(), socket.AF_INET, Peers())
            with pytest.raises(UnsupportedAddressFamily, match="AF_INET6 and AF_UNIX"):
                reactor.adoptStreamPort(datagrams.fileno(), socket.AF_UNSPEC, Peers())


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            (("tcp:80", Peers()), TypeError, "for endpoint strings there are clientFromString"),
            ((80.0, Peers()), TypeError, "takes a port number, not 80.0"),
            ((65536, Peers()), ValueError, "from 0 to 65535, not 65536"),
            ((-1, Peers()), ValueError, "from 0 to 65535, not -1"),
            ((0, Peer), TypeError, r"not the protocol class Peer: try Factory.forProtocol\(Peer\)"),
            ((0, Peers), TypeError, r"not its class: try Peers\(\)"),
            ((0, Peer()), TypeError, "each connection needs its own"),
            ((0, None), TypeError, r"takes a factory with buildProtocol\(addr\), not None"),
            ((0, Peers(), "50"), TypeError, "the backlog as a number of connections, not '50'"),
            ((0, Peers(), 50, b"127.0.0.1"), TypeError, "the interface as a literal address"),
        ],
    )
    def test_listening_names_what_is_right(self, reactor, arguments, error, words):
        with pytest.raises(error, match=words):
            reactor.listenTCP(*arguments)

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ((b"localhost", 80, Peers()), TypeError, "the host as text, not bytes"),
            (("", 80, Peers()), TypeError, "takes a host name or address, not ''"),
            (("localhost", 70000, Peers()), ValueError, "from 0 to 65535, not 70000"),
            (("localhost", None, Peers()), TypeError, "takes a port number, not None"),
            (("localhost", 80, Factory()), TypeError, "takes a ClientFactory"),
            (("localhost", 80, Peer), TypeError, "Factory.forProtocol"),
            (
                ("localhost", 80, Peers(), "30"),
                TypeError,
                r"connectTCP\(\) takes seconds as a number",
            ),
            (("localhost", 80, Peers(), -1), ValueError, r"connectTCP\(\) takes seconds that are 0 or more"),
        ],
    )
    def test_connecting_names_what_is_right(self, reactor, arguments, error, words):
        with pytest.raises(error, match=words):
            reactor.connectTCP(*arguments)
