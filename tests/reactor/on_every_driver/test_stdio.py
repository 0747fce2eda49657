"""Standard input and output as a connection, on pipes, plain files, terminals and sockets."""

import os
import socket
import sys

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from wirelab.reactor.defer import Deferred
from wirelab.reactor.error import ConnectionDone, ConnectionLost
from wirelab.reactor.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITransport
from wirelab.reactor.protocol import Protocol
from wirelab.reactor.stdio import PipeAddress, StandardIO
from wirelab.reactor.utils import getProcessOutputAndValue


class Peer(Protocol):
    """Notes what it hears; `lost` fires with why it ended."""

    def __init__(self):
        self.received = b""
        self.events = []
        self.lost = Deferred()
        self._waiting = []

    def connectionMade(self):
        self.events.append("made")

    def dataReceived(self, data):
        self.received += data
        for wanted, waiting in self._waiting[:]:
            if wanted in self.received:
                self._waiting.remove((wanted, waiting))
                waiting.callback(None)

    def connectionLost(self, reason):
        self.events.append("lost")
        self.lost.callback(reason.value)

    def hears(self, wanted):
        waiting = Deferred()
        self._waiting.append((wanted, waiting))
        self.dataReceived(b"")
        return waiting


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Peer):
    def __init__(self):
        super().__init__()
        self.read_lost, self.write_lost = Deferred(), Deferred()

    def readConnectionLost(self):
        self.read_lost.callback(None)

    def writeConnectionLost(self):
        self.write_lost.callback(None)


@pytest.fixture
def piped(reactor):
    """A peer on two pipes, and the far ends: `peer, to_it, from_it = piped()`."""
    ends = []

    def piped(peer=None):
        peer = Peer() if peer is None else peer
        stdin, to_it = os.pipe()
        from_it, stdout = os.pipe()
        ends.extend(os.fdopen(fd, mode, buffering=0) for fd, mode in ((to_it, "wb"), (from_it, "rb")))
        StandardIO(peer, stdin, stdout, reactor)
        return peer, *ends[-2:]

    yield piped
    for end in ends:
        end.close()


async def test_everything_promised_is_there(reactor, piped):
    peer, to_it, _ = piped()
    for interface in (ITransport, IConsumer, IPushProducer):
        assert verifyObject(interface, peer.transport)
    assert peer.transport.getPeer() == peer.transport.getHost() == PipeAddress()
    assert reactor.opened == {"s1": peer.transport} and peer.transport.state == "open"
    to_it.close()
    assert type(await peer.lost) is ConnectionDone
    assert peer.transport.state == "closed" and peer.events == ["made", "lost"]


async def test_data_goes_both_ways_and_is_counted(piped):
    peer, to_it, from_it = piped()
    to_it.write(b"question")
    await peer.hears(b"question")
    peer.transport.write(b"an")
    peer.transport.writeSequence([b"sw", b"er"])
    assert from_it.read(6) == b"answer"
    assert (peer.transport.bytesIn, peer.transport.bytesOut) == (8, 6)
    peer.transport.loseConnection()
    await peer.lost
    assert from_it.read() == b""


async def test_what_was_written_leaves_before_the_end(reactor, piped):
    peer, to_it, from_it = piped()
    peer.transport.write(b"x" * 200000)
    to_it.close()
    got = bytearray()
    os.set_blocking(from_it.fileno(), False)
    while not peer.lost.called:
        got += from_it.read(65536) or b""
        turn = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
    await peer.lost
    assert len(got) + len(from_it.read()) == 200000


async def test_either_direction_may_end_alone_for_those_who_know(piped):
    peer, to_it, from_it = piped(HalfCloseable())
    to_it.close()
    await peer.read_lost
    peer.transport.write(b"still")
    assert from_it.read(5) == b"still"
    peer.transport.loseWriteConnection()
    await peer.write_lost
    assert type(await peer.lost) is ConnectionDone


async def test_a_reader_that_goes_away_ends_it(piped):
    peer, _, from_it = piped()
    from_it.close()
    await peer.lost
    assert peer.events == ["made", "lost"]


async def test_paused_it_reads_nothing(reactor, piped):
    peer, to_it, _ = piped()
    peer.transport.pauseProducing()
    to_it.write(b"waits")
    turn = Deferred()
    reactor.callLater(0.005, turn.callback, None)
    await turn
    assert peer.received == b""
    peer.transport.resumeProducing()
    await peer.hears(b"waits")
    peer.transport.abortConnection()
    await peer.lost


async def test_plain_files_are_read_to_their_end_and_written(reactor, tmp_path):
    (tmp_path / "in").write_bytes(b"line\n" * 50000)
    stdin = os.open(tmp_path / "in", os.O_RDONLY)
    stdout = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)

    class Upper(Peer):
        def dataReceived(self, data):
            self.transport.write(data.upper())

    peer = Upper()
    StandardIO(peer, stdin, stdout, reactor)
    assert type(await peer.lost) is ConnectionDone
    assert (tmp_path / "out").read_bytes() == b"LINE\n" * 50000


async def test_a_plain_file_can_be_paused(reactor, tmp_path):
    (tmp_path / "in").write_bytes(b"all")
    peer = Peer()
    StandardIO(peer, os.open(tmp_path / "in", os.O_RDONLY), os.open(os.devnull, os.O_WRONLY), reactor)
    peer.transport.pauseProducing()
    turn = Deferred()
    reactor.callLater(0.005, turn.callback, None)
    await turn
    assert peer.received == b""
    peer.transport.resumeProducing()
    await peer.lost
    assert peer.received == b"all"


async def test_the_null_device_is_at_its_end(reactor):
    peer = Peer()
    StandardIO(peer, os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY), reactor)
    peer.transport.write(b"gone")
    assert type(await peer.lost) is ConnectionDone


async def test_a_terminal_keeps_its_mode_for_others(reactor):
    ours, theirs = os.openpty()
    try:
        peer = Peer()
        StandardIO(peer, theirs, os.dup(theirs), reactor)
        assert os.get_blocking(theirs)
        os.write(ours, b"typed\n")
        await peer.hears(b"typed\n")
        peer.transport.write(b"shown\n")
        peer.transport.loseConnection()
        await peer.lost
        shown = b""
        while b"shown" not in shown:
            shown += os.read(ours, 1000)
    finally:
        os.close(ours)


async def test_one_socket_serves_both_ways(reactor):
    ours, theirs = socket.socketpair()
    with theirs:
        fd = ours.detach()
        peer = Peer()
        StandardIO(peer, fd, fd, reactor)
        theirs.send(b"in")
        await peer.hears(b"in")
        peer.transport.write(b"out")
        assert theirs.recv(3) == b"out"
        theirs.close()
        await peer.lost


async def test_the_mode_is_put_back(reactor, monkeypatch):
    monkeypatch.setattr("wirelab.reactor.stdio.STANDARD", range(1000))  # as if they were 0 and 1
    ends = [*os.pipe(), *os.pipe()]
    stdin, stdout = ends[0], ends[3]
    try:
        os.set_blocking(stdout, False)
        peer = Peer()
        StandardIO(peer, stdin, stdout, reactor)
        assert not os.get_blocking(stdin)
        peer.transport.loseConnection()
        await peer.lost
        assert os.get_blocking(stdin) and not os.get_blocking(stdout)
    finally:
        for fd in ends:
            os.close(fd)


@pytest.mark.parametrize("where", ["connectionMade", "dataReceived"])
async def test_a_protocol_that_raises_loses_its_connection(piped, caplog, where):
    def broken(self, *args):
        raise ZeroDivisionError("on purpose")

    peer, to_it, _ = piped(type("Broken", (Peer,), {where: broken})())
    to_it.write(b"x")
    why = await peer.lost
    assert type(why) is ConnectionLost and "raised ZeroDivisionError" in str(why)
    assert "raised ZeroDivisionError" in caplog.text


def test_a_stop_of_the_reactor_ends_it(reactor, piped):
    peer, _, _ = piped()
    reactor.callWhenRunning(reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert peer.events == ["made", "lost"] and not reactor.opened
    reasons = []
    peer.lost.addCallback(reasons.append)
    assert str(reasons[0]).endswith("the reactor was stopped")


async def test_only_a_protocol_is_taken(reactor):
    with pytest.raises(TypeError, match=r"StandardIO\(\) takes a protocol, an instance, not <class"):
        StandardIO(Peer, reactor=reactor)


PROGRAM = """
import sys
from wirelab.reactor import reactor, stdio
from wirelab.reactor.protocol import Protocol

class Upper(Protocol):
    def dataReceived(self, data):
        self.transport.write(data.upper())
    def connectionLost(self, reason):
        reactor.stop()

stdio.StandardIO(Upper())
reactor.run()
print("after all")
"""


async def test_a_program_talks_over_its_own(reactor):
    run = getProcessOutputAndValue(
        sys.executable, ["-c", PROGRAM], None, None, reactor, b"hello\n", timeout=20
    )
    assert await run == (b"HELLO\nafter all\n", b"", 0)
