"""Traffic is written down as it passes, a file per connection."""

from __future__ import annotations

from pathlib import Path

from wirelab.protocols.policies import TrafficLoggingFactory
from wirelab.protocols.wire import Echo
from wirelab.reactor.address import IPv4Address
from wirelab.reactor.error import ConnectionDone
from wirelab.reactor.failure import Failure
from wirelab.reactor.protocol import Factory
from wirelab.reactor.testing import StringTransport

ADDRESS = IPv4Address("TCP", "192.0.2.1", 4711)


def talk(factory: TrafficLoggingFactory, *data: bytes) -> None:
    protocol = factory.buildProtocol(ADDRESS)
    protocol.makeConnection(StringTransport(peerAddress=ADDRESS))
    for piece in data:
        protocol.dataReceived(piece)
    protocol.wrappedProtocol.transport.writeSequence([b"by", b"e"])
    protocol.wrappedProtocol.transport.loseConnection()
    protocol.connectionLost(Failure(ConnectionDone()))


def test_what_passes_is_written_down(tmp_path: Path) -> None:
    talk(TrafficLoggingFactory(Factory.forProtocol(Echo), str(tmp_path / "log")), b"hi\r\n")
    lines = (tmp_path / "log-1").read_text().splitlines()
    assert lines[0].startswith("* 1: connection made, peer ")
    assert lines[1:4] == ["C 1: b'hi\\r\\n'", "S 1: b'hi\\r\\n'", "S 1: [b'by', b'e']"]
    assert lines[4] == "* 1: loseConnection()"
    assert lines[5].startswith("* 1: connection lost: ")


def test_long_data_is_cut_and_the_peer_still_gets_all(tmp_path: Path) -> None:
    talk(TrafficLoggingFactory(Factory.forProtocol(Echo), str(tmp_path / "log"), lengthLimit=16), b"x" * 50)
    lines = (tmp_path / "log-1").read_text().splitlines()
    assert lines[1:3] == ["C 1: b'xxxx<... elided>'", "S 1: b'xxxx<... elided>'"]


def test_connections_are_numbered_until_the_counter_is_reset(tmp_path: Path) -> None:
    factory = TrafficLoggingFactory(Factory.forProtocol(Echo), str(tmp_path / "log"))
    talk(factory)
    talk(factory)
    factory.resetCounter()
    talk(factory)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log-1", "log-2"]
    assert (tmp_path / "log-1").read_text().count("connection made") == 2
