"""The small servers over real sockets, spoken to by programs from outside and by peers that do not read."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from wirelab.protocols.basic import LineOnlyReceiver
from wirelab.protocols.policies import TimeoutFactory
from wirelab.protocols.wire import PATTERN, Chargen, Daytime, Echo
from wirelab.reactor.defer import Deferred
from wirelab.reactor.protocol import ClientFactory, Factory, Protocol
from wirelab.reactor.task import deferLater
from wirelab.reactor.threads import deferToThreadPool


def listen(reactor: Any, factory: Any) -> Any:
    return reactor.listenTCP(0, factory, interface="127.0.0.1")


async def run(reactor: Any, *command: str, data: bytes = b"") -> bytes:
    """What `command` prints when it is given `data`, while `reactor` runs."""
    done = await deferToThreadPool(
        reactor,
        reactor.getThreadPool(),
        subprocess.run,
        command,
        input=data,
        stdout=subprocess.PIPE,
        timeout=20,
    )
    return done.stdout


@pytest.mark.peer
async def test_nc_hears_its_echo(reactor: Any, program: Callable[[str], str]) -> None:
    port = listen(reactor, Factory.forProtocol(Echo))
    data = bytes(range(256)) * 4000
    try:
        answer = await run(reactor, program("nc"), "-N", "127.0.0.1", str(port.getHost().port), data=data)
        assert answer == data
    finally:
        await port.stopListening()


@pytest.mark.peer
async def test_nc_learns_the_time(reactor: Any, program: Callable[[str], str]) -> None:
    port = listen(reactor, Factory.forProtocol(Daytime))
    try:
        answer = await run(reactor, program("nc"), "-d", "127.0.0.1", str(port.getHost().port))
        assert answer.endswith(b" UTC\r\n")
    finally:
        await port.stopListening()


@pytest.mark.peer
async def test_nc_speaks_with_a_line_receiver(reactor: Any, program: Callable[[str], str]) -> None:
    class Upper(LineOnlyReceiver):
        def lineReceived(self, line: bytes) -> None:
            self.sendLine(line.upper())

    port = listen(reactor, Factory.forProtocol(Upper))
    lines = b"".join(b"line %d\r\n" % number for number in range(5000))
    try:
        answer = await run(reactor, program("nc"), "-N", "127.0.0.1", str(port.getHost().port), data=lines)
        assert answer == lines.upper()
    finally:
        await port.stopListening()


class Watched:
    """Mixed into a server's protocol: the latest connection, and when it is lost."""

    latest: Any = None

    def connectionMade(self) -> None:
        type(self).latest = self
        self.lost: Deferred[None] = Deferred()
        super().connectionMade()  # type: ignore[misc]

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)


async def until(reactor: Any, is_true: Callable[[], bool]) -> None:
    """Wait for `is_true`, looking every millisecond; the test's own time limit ends it."""
    while not is_true():
        await deferLater(reactor, 0.001)


async def test_echo_stops_reading_from_a_peer_that_does_not_read(reactor: Any) -> None:
    class Server(Watched, Echo):
        pass

    port = listen(reactor, Factory.forProtocol(Server))
    sent = 0
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
        peer.setblocking(False)
        await until(reactor, lambda: Server.latest is not None)
        transport = Server.latest.transport
        most = 0
        for _ in range(1000):
            try:
                sent += peer.send(b"z" * 65536)
            except BlockingIOError:
                if transport.producer is not None:
                    break
            most = max(most, transport.bufferedBytes)
            await deferLater(reactor, 0.001)
        assert transport.producer is not None
        assert most <= Echo.ENOUGH + 65536
        received = 0

        def read() -> bool:
            nonlocal received
            try:
                received += len(peer.recv(2**20))
            except BlockingIOError:
                pass
            return received == sent

        await until(reactor, read)
        await until(reactor, lambda: transport.producer is None)
        transport.loseConnection()
        await Server.latest.lost
    await port.stopListening()


async def test_chargen_waits_for_its_peer_and_can_be_closed(reactor: Any) -> None:
    class Server(Watched, Chargen):
        pass

    port = listen(reactor, Factory.forProtocol(Server))
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
        peer.setblocking(False)
        await until(reactor, lambda: Server.latest is not None and Server.latest.transport.bufferedBytes > 0)
        transport = Server.latest.transport
        assert transport.bufferedBytes <= len(PATTERN)
        transport.loseConnection()
        data = bytearray()

        def is_over() -> bool:
            try:
                piece = peer.recv(2**20)
            except BlockingIOError:
                return False
            data.extend(piece)
            return not piece

        await until(reactor, is_over)
        await Server.latest.lost
    assert data == (PATTERN * (len(data) // len(PATTERN) + 1))[: len(data)]
    assert len(data) > len(PATTERN)
    await port.stopListening()


async def test_a_connection_that_is_idle_is_closed_by_the_reactors_clock(reactor: Any) -> None:
    class Client(Watched, Protocol):
        pass

    factory = TimeoutFactory(Factory.forProtocol(Echo), timeoutPeriod=0.05)
    factory.clock = reactor
    port = listen(reactor, factory)
    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Client))
    await until(reactor, lambda: Client.latest is not None)
    await Client.latest.lost
    await port.stopListening()
    assert factory.protocols == {}
