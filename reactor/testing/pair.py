"""Two protocols joined in memory: `connected_pair`, and the transports it joins them by.

Bytes take two steps, as they do in TCP: from the sender's queue into the wire, which holds at most `window`
bytes, and from the wire to the receiver. The first step happens at once; everything a protocol is told, data
and ends alike, happens inside `Pair.pump`. There is no clock and no socket.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from typing import Protocol as Shape

from zope.interface import implementer

from ..address import IPv4Address
from ..error import ConnectionAborted, ConnectionClosed, ConnectionDone, ConnectionLost
from ..failure import Failure
from ..interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from ..stream import checked_bytes
from .transports import joined_bytes

WINDOW = 65536
"""Bytes the wire holds by default in each direction, unread."""

HIGH_WATER = 65536
"""Bytes in the sender's queue above which a push producer is told to wait."""

QUEUE_LIMIT = 64 * 1024 * 1024
"""Bytes in the sender's queue that no test means to write: a loop that never ends shows as an error here."""

CLIENT_ADDRESS = IPv4Address("TCP", "127.0.0.1", 50001)
SERVER_ADDRESS = IPv4Address("TCP", "127.0.0.1", 8007)
"""What the two ends answer with when a pair is given no addresses."""

ROUNDS = 10_000
"""Rounds after which `Pair.flush` concludes that two protocols will go on talking for ever."""


class PairedProtocol(Shape):
    """What a protocol must have to be joined with another."""

    def makeConnection(self, transport: MemoryTransport) -> None: ...

    def dataReceived(self, data: bytes) -> None: ...

    def connectionLost(self, reason: Failure) -> None: ...


C = TypeVar("C", bound=PairedProtocol)
S = TypeVar("S", bound=PairedProtocol)


@implementer(ITCPTransport, IConsumer, IPushProducer)
class MemoryTransport:
    """One end of a `Pair`, with the state machine of a TCP connection.

    For the test to read, besides what every transport has: `connected`, `disconnecting`, `paused` (its
    protocol asked to be left alone), `producer`, `streamingProducer`.
    """

    kind = "memory"
    openedAt = 0.0
    factory: object | None = None

    def __init__(
        self, shortId: str, host: IPv4Address, peer: IPv4Address, window: int, chunk: int | None
    ) -> None:
        self.shortId = shortId
        self.context = contextvars.copy_context()
        self.protocol: Any = None  # the user's, and with every method that its interfaces promise
        self.bytesIn = 0
        self.bytesOut = 0
        self.connected = True
        self.disconnecting = False
        self.paused = False
        self.producer: Any = None  # the user's, push or pull
        self.streamingProducer = False
        self._host = host
        self._peer_address = peer
        self._window = window
        self._chunk = chunk
        self._other: MemoryTransport = self
        self._queue = bytearray()
        self._wire = bytearray()  # sent by the other side, not read yet
        self._producer_waits = False
        self._aborting = False
        self._write_closing = False
        self._write_closed = False
        self._read_closed = False
        self._end_of_wire: type[ConnectionDone] | type[ConnectionLost] | None = None
        self._end_when_drained = False
        self._is_reset = False
        self._no_delay = True
        self._keep_alive = False
        self._failures: list[Failure] = []

    def __repr__(self) -> str:
        return f"<MemoryTransport {self.shortId} {self._host} -> {self._peer_address} {self.state}>"

    # -- to look at -----------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``"open"``, ``"closing"`` (it was asked to close and has not finished) or ``"closed"``."""
        if not self.connected:
            return "closed"
        return "closing" if self.disconnecting else "open"

    @property
    def disconnected(self) -> bool:
        """Whether the connection is over for this side."""
        return not self.connected

    @property
    def bufferedBytes(self) -> int:
        """Bytes written here that the wire has no room for yet."""
        return len(self._queue)

    def idleSeconds(self) -> float | None:
        """None: there is no clock here."""
        return None

    def getHost(self) -> IPv4Address:
        """The address of this end."""
        return self._host

    def getPeer(self) -> IPv4Address:
        """The address of the other end."""
        return self._peer_address

    def getTcpNoDelay(self) -> bool:
        """What was set last; at first True."""
        return self._no_delay

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Note it; there are no segments to delay."""
        self._no_delay = bool(enabled)

    def getTcpKeepAlive(self) -> bool:
        """What was set last; at first False."""
        return self._keep_alive

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Note it; nobody probes."""
        self._keep_alive = bool(enabled)

    # -- writing --------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data`; dropped when this direction is closed.

        Raises:
            TypeError: `data` is not bytes.
            BufferError: more than `QUEUE_LIMIT` bytes would wait: somebody writes in a loop.
        """
        data = checked_bytes("write", data)
        if not self.connected or self._write_closed or self._write_closing or self._aborting:
            return
        if len(self._queue) + len(data) > QUEUE_LIMIT:
            raise BufferError(
                f"write(): {len(self._queue) + len(data)} bytes wait, the limit is {QUEUE_LIMIT}: "
                "pump() the pair, or write from a producer"
            )
        self._queue += data
        self._send()
        if self.streamingProducer and not self._producer_waits and len(self._queue) > HIGH_WATER:
            self._producer_waits = True
            self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send the pieces of `data` as one. Raises as `write` does."""
        self.write(joined_bytes("writeSequence", data))

    def loseConnection(self) -> None:
        """Close after everything written has left and the producer, if any, is done. Reading stops now."""
        self.disconnecting = self.disconnecting or self.connected

    def loseWriteConnection(self) -> None:
        """Close this direction after everything written has left; reading goes on."""
        self._write_closing = self._write_closing or (self.connected and not self._write_closed)

    def abortConnection(self) -> None:
        """Drop the connection: what the wire has not taken is lost, the other side hears `ConnectionLost`."""
        if self.connected:
            self.disconnecting = self._aborting = True
            self._queue.clear()

    # -- consumer and producer ------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take data from `producer`; a pull producer is asked for its first portion at once.

        On a connection that is over the producer is told to stop. Raises RuntimeError when there is one.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"registerProducer({producer!r}) while {self.producer!r} is registered: "
                "call unregisterProducer() first"
            )
        if not self.connected or self._aborting or self._write_closed:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = bool(streaming)
        self._producer_waits = False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer is done; a close that waited for it goes on."""
        self.producer = None
        self.streamingProducer = False

    def pauseProducing(self) -> None:
        """Deliver nothing to the protocol until `resumeProducing`."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Deliver again."""
        self.paused = False

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # -- the insides, driven by the pair --------------------------------------------------------------

    def _send(self) -> bool:
        """Move what fits from the queue into the wire; whether anything moved."""
        other = self._other
        if not self._queue:
            return False
        if not other.connected:  # as after a FIN: it leaves, and a reset comes back
            self.bytesOut += len(self._queue)
            self._queue.clear()
            self._is_reset = True
            return True
        room = self._window - len(other._wire)
        portion = self._queue[:room] if room > 0 else b""
        del self._queue[: len(portion)]
        other._wire += portion
        self.bytesOut += len(portion)
        return bool(portion)

    def _turn(self, readable: int) -> bool:
        """One round of this side, reading at most `readable` bytes; whether anything happened."""
        if not self.connected:
            return False
        if self._aborting:
            self._lose(ConnectionAborted(), ConnectionLost)
            return True
        happened = self._send()
        if not self._queue:
            happened = self._drained() or happened
        happened = self._receive(readable) or happened
        if self._is_reset and self.connected and (self.paused or not self._has_unread):
            self._lose(ConnectionLost(), None)
            return True
        return happened

    def _drained(self) -> bool:
        """Nothing waits to be sent: ask for more, or close if that was asked for."""
        if self._end_when_drained:
            self._lose(ConnectionDone(), ConnectionDone)
            return True
        if self.producer is not None:
            if self.streamingProducer and not self._producer_waits:
                return False
            self._producer_waits = False
            self._run(self.producer.resumeProducing)
            return True
        if self.disconnecting:
            self._lose(ConnectionDone(), ConnectionDone)
            return True
        if self._write_closing and not self._write_closed:
            self._write_closed = True
            self._other._end(ConnectionDone)
            if IHalfCloseableProtocol.providedBy(self.protocol):
                self._run(self.protocol.writeConnectionLost)
            if self._read_closed and self.connected:
                self._lose(ConnectionDone(), ConnectionDone)
            return True
        return False

    @property
    def _has_unread(self) -> bool:
        return bool(self._wire) or self._end_of_wire is not None

    @property
    def _is_reading(self) -> bool:
        return self.connected and not (self.paused or self.disconnecting or self._aborting)

    def _receive(self, readable: int) -> bool:
        happened = False
        while readable > 0 and self._wire and self._is_reading:
            portion = bytes(self._wire[: min(readable, self._chunk or readable)])
            del self._wire[: len(portion)]
            readable -= len(portion)
            self.bytesIn += len(portion)
            happened = True
            self._run(self.protocol.dataReceived, portion)
        if self._wire or self._end_of_wire is None or not self._is_reading:
            return happened
        self._read_end(self._end_of_wire)
        return True

    def _read_end(self, reason: type[ConnectionDone] | type[ConnectionLost]) -> None:
        self._end_of_wire = None
        self._read_closed = True
        if reason is ConnectionLost or self._write_closed:
            self._lose(reason(), ConnectionDone)
        elif IHalfCloseableProtocol.providedBy(self.protocol):
            self._run(self.protocol.readConnectionLost)
        elif self._queue:
            self.disconnecting = self._end_when_drained = True  # what the protocol said already is still sent
        else:
            self._lose(ConnectionDone(), ConnectionDone)

    def _end(self, reason: type[ConnectionDone] | type[ConnectionLost]) -> None:
        """The other side sends no more; this one hears it after what is in the wire."""
        if not self._read_closed:
            self._end_of_wire = reason

    def _lose(
        self, reason: ConnectionClosed, told: type[ConnectionDone] | type[ConnectionLost] | None
    ) -> None:
        """End the connection for this side, for `reason`; the other side is told `told`."""
        self.connected = False
        self.disconnecting = False
        self._queue.clear()
        self._wire.clear()
        if told is not None:
            self._other._end(told)
        self._drop_producer()
        self._run(self.protocol.connectionLost, Failure(reason))

    def _drop_producer(self) -> None:
        if self.producer is not None:
            producer, self.producer, self.streamingProducer = self.producer, None, False
            self._run(producer.stopProducing)

    def _run(self, call: Callable[..., object], *args: object) -> None:
        """Call the protocol or its producer in the pair's context; a failure ends the connection."""
        try:
            self.context.run(call, *args)
        except Exception:
            failure = Failure()
            self._failures.append(failure)
            if self.connected:
                self._send()  # what it wrote before it failed was meant to be sent
                lost = ConnectionLost(f"{getattr(call, '__qualname__', call)} raised {failure.type.__name__}")
                lost.__cause__ = failure.value
                self._lose(lost, ConnectionDone)


class Pair(Generic[C, S]):
    """Two protocols and the transports between them: `client` and `server`, each with its `protocol`.

    Nothing is delivered until `pump` or `flush` is called. An exception out of a protocol ends that side's
    connection, as it does over TCP, and is then raised out of `pump`, so that no test misses it.
    """

    def __init__(
        self,
        client_protocol: C,
        server_protocol: S,
        *,
        chunk: int | None = None,
        window: int = WINDOW,
        client_address: IPv4Address = CLIENT_ADDRESS,
        server_address: IPv4Address = SERVER_ADDRESS,
    ) -> None:
        _check_size("chunk", chunk)
        _check_size("window", window)
        self.client_protocol = client_protocol
        self.server_protocol = server_protocol
        self.client = MemoryTransport("c1", client_address, server_address, window, chunk)
        self.server = MemoryTransport("c2", server_address, client_address, window, chunk)
        self.client._other = self.server
        self.server._other = self.client
        self._pumping = False
        self.client.protocol = client_protocol
        self.server.protocol = server_protocol

    def __repr__(self) -> str:
        client = f"{self.client_protocol!r} {self.client.state}"
        return f"<Pair {client} - {self.server_protocol!r} {self.server.state}>"

    @property
    def chunk(self) -> int | None:
        """The most bytes that one `dataReceived` is given; None: all there are. May be set at any time."""
        return self.client._chunk

    @chunk.setter
    def chunk(self, size: int | None) -> None:
        _check_size("chunk", size)
        self.client._chunk = self.server._chunk = size

    @property
    def is_closed(self) -> bool:
        """Whether both sides were told that the connection is over."""
        return not self.client.connected and not self.server.connected

    def connect(self) -> None:
        """Tell both protocols that the connection is made, the client first. `connected_pair` has done it."""
        for side in (self.client, self.server):
            side._run(side.protocol.makeConnection, side)
        self._raise_failure()

    def pump(self) -> bool:
        """Deliver what is under way in both directions now, and not yet what is written meanwhile.

        True when anything happened. Raises what a protocol raised, after both sides have had their turn.
        """
        if self._pumping:
            raise RuntimeError("pump() inside pump(): a protocol must not drive the wire it is on")
        self._pumping = True
        try:
            readable = [(side, len(side._wire)) for side in (self.client, self.server)]
            happened = [side._turn(count) for side, count in readable]
        finally:
            self._pumping = False
        self._raise_failure()
        return any(happened)

    def flush(self, rounds: int = ROUNDS) -> None:
        """`pump` until nothing happens any more.

        Raises:
            RuntimeError: something still happened in the last of so many `rounds`.
        """
        for _ in range(rounds):
            if not self.pump():
                return
        raise RuntimeError(f"flush(): the two sides still talk after {rounds} rounds: {self!r}")

    def _raise_failure(self) -> None:
        failures = self.client._failures + self.server._failures
        self.client._failures.clear()
        self.server._failures.clear()
        if failures:
            failures[0].raiseException()


def connected_pair(
    client_protocol: C,
    server_protocol: S,
    *,
    chunk: int | None = None,
    window: int = WINDOW,
    client_address: IPv4Address = CLIENT_ADDRESS,
    server_address: IPv4Address = SERVER_ADDRESS,
) -> Pair[C, S]:
    """A `Pair` that joins the two protocols; both have been told that the connection is made.

    `chunk` is the most bytes that one `dataReceived` is given (1 splits at every byte; None: all there are),
    `window` how many unread bytes the wire holds in each direction before a writer has to wait.

    Raises:
        ValueError: a size is not a positive number.
    """
    pair = Pair(
        client_protocol,
        server_protocol,
        chunk=chunk,
        window=window,
        client_address=client_address,
        server_address=server_address,
    )
    pair.connect()
    return pair


def _check_size(name: str, size: int | None) -> None:
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"{name} is a positive number of bytes, not {size!r}")
