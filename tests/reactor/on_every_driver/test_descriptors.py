"""addReader and its kin: descriptors of a program's own."""

import socket

import pytest
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import ConnectionLost
from wirelab.reactor.interfaces import IReactorFDSet
from wirelab.reactor.task import deferLater


class Watched:
    """One end of a pair of sockets; notes what happens to it."""

    def __init__(self, sock, read=None, write=None):
        self.sock = sock
        self.read, self.write = read, write
        self.reads = self.writes = 0
        self.lost = []

    def fileno(self):
        return self.sock.fileno()

    def doRead(self):
        self.reads += 1
        return self.read() if self.read else None

    def doWrite(self):
        self.writes += 1
        return self.write() if self.write else None

    def connectionLost(self, reason):
        self.lost.append(reason.value)

    def logPrefix(self):
        return "Watched"


@pytest.fixture
def pair():
    ours, peer = socket.socketpair()
    yield ours, peer
    ours.close()
    peer.close()


def test_the_interface_holds(reactor):
    assert verifyObject(IReactorFDSet, reactor)


async def test_a_reader_is_called_while_there_is_something_to_read(reactor, pair):
    ours, peer = pair
    heard = Deferred()
    reader = Watched(ours, read=lambda: heard.callback(ours.recv(10)))
    reactor.addReader(reader)
    assert reactor.getReaders() == [reader]
    peer.send(b"hello")
    assert await heard == b"hello"
    reactor.removeReader(reader)
    reactor.removeReader(reader)
    assert reactor.getReaders() == []
    peer.send(b"more")
    await deferLater(reactor, 0.005)
    assert reader.reads == 1


async def test_a_writer_is_called_while_there_is_room(reactor, pair):
    room = Deferred()
    writer = Watched(pair[0], write=lambda: (reactor.removeWriter(writer), room.callback(None))[1])
    reactor.addWriter(writer)
    assert reactor.getWriters() == [writer]
    await room
    assert reactor.getWriters() == []
    assert writer.writes == 1


async def test_both_directions_can_be_watched_and_left_apart(reactor, pair):
    ours, peer = pair
    heard, room = Deferred(), Deferred()
    both = Watched(
        ours,
        read=lambda: heard.callback(ours.recv(10)),
        write=lambda: (reactor.removeWriter(both), room.callback(None))[1],
    )
    reactor.addReader(both)
    reactor.addWriter(both)
    await room
    peer.send(b"still read")
    assert await heard == b"still read"
    assert reactor.removeAll() == [both]


async def test_one_that_raises_is_told_and_taken_out(reactor, pair, caplog):
    ours, peer = pair

    def broken():
        raise ValueError("on purpose")

    reader = Watched(ours, read=broken)
    reactor.addReader(reader)
    peer.send(b"x")
    await deferLater(reactor, 0.005)
    assert reader.reads == 1
    assert [str(error) for error in reader.lost] == ["on purpose"]
    assert reactor.getReaders() == []
    assert "doRead raised ValueError" in caplog.text


async def test_one_that_says_it_is_done_is_taken_out(reactor, pair):
    ours, peer = pair
    reader = Watched(ours, read=lambda: ConnectionLost("enough"))
    reactor.addReader(reader)
    peer.send(b"x")
    await deferLater(reactor, 0.005)
    assert [type(error) for error in reader.lost] == [ConnectionLost]


def test_a_stop_tells_those_still_watched(reactor, pair):
    reader = Watched(pair[0])
    reactor.addReader(reader)
    reactor.callWhenRunning(reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert [type(error) for error in reader.lost] == [ConnectionLost]


@pytest.mark.parametrize("verb", ["addReader", "addWriter"])
def test_what_cannot_be_watched_is_refused(reactor, verb, pair):
    with pytest.raises(TypeError, match=rf"{verb}\(\) takes an object with fileno\(\)"):
        getattr(reactor, verb)("socket")
    closed = Watched(socket.socket())
    closed.sock.close()
    with pytest.raises(ValueError, match="takes something open"):
        getattr(reactor, verb)(closed)


async def test_a_peer_that_hangs_up_does_not_spin_a_paused_loop(reactor, pair):
    """epoll reports hang-ups unasked; a descriptor that nobody reads must not keep the loop awake."""
    ours, peer = pair
    reader = Watched(ours)
    reactor.addReader(reader)
    reactor.removeReader(reader)
    peer.close()
    turns = 0
    tick = reactor._tick

    def counted():
        nonlocal turns
        turns += 1
        return tick()

    reactor.driver.attach(counted)
    await deferLater(reactor, 0.02)
    assert turns < 20
