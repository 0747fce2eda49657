"""TLS between a transport and a protocol, through memory: it works over whatever carries bytes in order.

Both ways are bounded. What came in is decrypted a few records at a time, and not at all while the protocol
inside has paused; what goes out is encrypted at once and is then the transport's, whose signs of being full
reach the producer inside. Only what is written before the end of the handshake waits here.

What the protocol writes while it is being called leaves as one: in as few records, and in one write to the
transport, as there can be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from OpenSSL import SSL
from zope.interface import alsoProvides, implementer

from ..defer import Deferred, fail, succeed
from ..error import ConnectionAborted, ConnectionClosed, ConnectionDone, ConnectionLost
from ..failure import Failure
from ..interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    ISSLTransport,
)
from ..protocol import Protocol, connectionDone
from ..ssl.verification import VerificationProblem
from ..stream import StreamConnection, checked_bytes, short
from .below import Below, release, take_over
from .description import TLSDescription
from .facts import TransportFacts
from .failures import tls_failure
from .flow import Flow
from .records import Records

log = logging.getLogger("wirelab.reactor.tls")

HANDSHAKE_TIMEOUT = 60.0
"""Seconds that a peer may take for the handshake; as asyncio and nginx allow."""

CLOSE_TIMEOUT = 10.0
"""Seconds to wait for the peer to close as well, after we did: its answer, or what it still sends, may be
on its way."""

ALERT_TIMEOUT = 2.0
"""Seconds that a peer with which TLS failed may take to read why."""

COLLECT = 65536
"""Octets that writes of one event are collected up to. Before the handshake, a producer has to wait then."""


@implementer(ISSLTransport, IConsumer, IPushProducer, IHalfCloseableProtocol)
class TLSMemoryBIOProtocol(TransportFacts, Protocol):
    """The protocol of one transport, and the transport of `wrappedProtocol`.

    `transport` is what carries TLS. What is not found here is looked for there. On one of the reactor's own
    connections it takes the place of that one's methods as well, so that nobody writes past it.

    `disconnecting` is true once this side has asked for the end.
    """

    wrappedProtocol: Any
    """The protocol inside; None once the connection is lost."""

    def __init__(self, factory: Any, wrappedProtocol: Any, _connectWrapped: bool = True) -> None:
        self.factory = factory
        self.wrappedProtocol = wrappedProtocol
        self._flow: Flow | None = None  # while a producer is registered
        self.disconnecting = False
        self._connect_wrapped = _connectWrapped
        self._is_up = False
        self._is_over = False  # failed, aborted or lost: nothing passes any more
        self._takes_data = True
        self._read_ended = False
        self._write_ended = False
        self._half_closing = False
        self._is_paused = False
        self._is_delivering = False
        self._has_rest = False  # of what came in, because the protocol paused
        # What was written and is not encrypted: a list while writes are collected, else None.
        self._collected: list[bytes] | None = []
        self._collected_size = 0
        self._problem: VerificationProblem | None = None
        self._reason: Failure | None = None
        self._timer: Any = None
        self._soon: list[Any] = []  # delayed calls
        self._has_taken_over = False
        self._waiting: list[Deferred[TLSDescription]] = []

    # -- beginning ------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`, connect the protocol inside to this object, and begin the handshake."""
        self.prepare(transport)
        if isinstance(transport, StreamConnection):
            self.take_over()
        if self._connect_wrapped:
            self.wrappedProtocol.makeConnection(self)
        self.begin()

    def prepare(self, transport: Any) -> None:
        """Take up `transport`, and send nothing yet."""
        self.transport = transport
        self._below = Below(transport)
        self._clock = getattr(self.factory, "clock", None) or getattr(transport, "reactor", None)
        self._connection: SSL.Connection = self.factory.connection_for(self)
        self._records = Records(self._connection, self._below.write)
        self.tls = TLSDescription(self._connection, self.factory.isClient)
        self.factory.registerProtocol(self)
        self.connected = 1

    def take_over(self) -> None:
        """Have the transport's own methods go through TLS as well."""
        take_over(self.transport, self)
        self._has_taken_over = True

    def begin(self) -> None:
        """Begin the handshake."""
        if not self._is_over:
            self._set_timer(HANDSHAKE_TIMEOUT, self._handshake_timed_out)
            self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._records.flush()
            return
        except SSL.Error as error:
            self._fail(error)
            return
        # At once, also where these are only tickets: a client whose system waits for an acknowledgement
        # before it sends a small segment (Nagle's algorithm) gets that with them, and not 40 ms later.
        self._records.flush()
        self._is_up = self.tls.is_up = True
        self._stop_timer()
        self._handshake_completed()

    def _handshake_completed(self) -> None:
        if self._is_paused:
            self._below.pauseProducing()
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(self.tls)
        if self._is_over:
            return
        if IHandshakeListener.providedBy(self.wrappedProtocol):
            try:
                self.wrappedProtocol.handshakeCompleted()
            finally:
                self._end_event()
        else:
            self._end_event()
        if self._flow is not None and not self._is_over:
            self._flow.go()
        if not self._is_over:
            self._read()

    def _handshake_timed_out(self) -> None:
        self._timer = None
        self._give_up(ConnectionLost(f"no TLS handshake within {HANDSHAKE_TIMEOUT:g} s"))
        self._below.abortConnection()

    def whenHandshakeCompleted(self) -> Deferred[TLSDescription]:
        """Deferred of what there is to say of the session, once the peer is verified.

        Errback: why there is none, a ConnectionClosed.
        """
        if self._is_up:
            return succeed(self.tls)
        if self._is_over:
            return fail(
                self._reason or Failure(ConnectionLost("the connection ended before the handshake did"))
            )
        waiting: Deferred[TLSDescription] = Deferred(self._waiting_cancelled)
        self._waiting.append(waiting)
        return waiting

    def _waiting_cancelled(self, waiting: Deferred[TLSDescription]) -> None:
        self._waiting.remove(waiting)

    # -- reading --------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Records came in: shake hands, or hand the protocol what is in them."""
        if self._is_over:
            return
        self._records.feed(data)
        if self._is_up:
            self._read()
        else:
            self._shake_hands()

    def _read(self) -> None:
        """Decrypt what is there and deliver it, as one event."""
        if self._is_delivering or self._is_over:
            return  # inside of a delivery, that one goes on
        self._is_delivering = True
        if self._flow is None and self._collected is None:
            self._collected = []
        try:
            self._deliver()
        finally:
            self._is_delivering = False
            self._end_event()

    def _deliver(self) -> None:
        gather = self._records.gather
        self._has_rest = False
        while not (self._is_over or self._read_ended):
            if self._is_paused:
                self._has_rest = True
                return
            data, end = gather()
            if data and not self.disconnecting:
                self.wrappedProtocol.dataReceived(data)
            if isinstance(end, SSL.WantReadError):
                return
            if end is not None and not self._is_over:
                if isinstance(end, SSL.ZeroReturnError):
                    self._peer_closed()
                else:
                    self._fail(end)

    def _peer_closed(self) -> None:
        """The peer said that it sends no more (close_notify)."""
        self._read_ended = True
        if self.disconnecting:
            if self._write_ended:
                self._finish()
        elif IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.readConnectionLost()
            if self._write_ended and not self._is_over:
                self._finish()
        else:
            self._close()
            self._drop_producer()

    def readConnectionLost(self) -> None:
        """The transport brings no more: clean after the peer's close_notify, else the end came too early."""
        if self._has_rest and not self._is_paused:
            self._read()
        if self._is_over or (self._write_ended and self.disconnecting):
            self._finish()
        elif not self._is_up:
            self._give_up(ConnectionLost("the peer closed the connection in the TLS handshake"))
            self._below.loseConnection()
        elif not self._read_ended:
            self._give_up(_truncated())
            self._below.loseConnection()
        elif self._write_ended:
            self._finish()

    def writeConnectionLost(self) -> None:
        """The transport has closed our direction, as it was told to."""

    def pauseProducing(self) -> None:
        """Deliver nothing to the protocol until `resumeProducing`. The handshake goes on nevertheless."""
        self._is_paused = True
        if self._is_up and not self.disconnecting:
            self._below.pauseProducing()

    def resumeProducing(self) -> None:
        """Deliver again."""
        self._is_paused = False
        if self._is_over:
            return
        self._below.resumeProducing()
        if self._has_rest and not self._is_delivering:
            self._call_soon(self._read)

    def stopProducing(self) -> None:
        """Close: the consumer that this connection fed wants no more."""
        self.loseConnection()

    # -- writing --------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data`, encrypted; before the handshake is over it waits. What comes after the end is dropped.

        Raises TypeError for anything but bytes.
        """
        if type(data) is not bytes:
            data = checked_bytes("write", data)
        if not self._takes_data:
            return
        collected = self._collected
        if collected is None:
            self._send(data)
            return
        collected.append(data)
        self._collected_size += len(data)
        if self._collected_size > COLLECT:
            self._collected_much()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send each of the bytes objects in `data`, in order, as by one `write`. Raises TypeError."""
        if isinstance(data, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"writeSequence() takes several bytes objects: use write() for {short(data)}")
        pieces = [piece if type(piece) is bytes else checked_bytes("writeSequence", piece) for piece in data]
        self.write(b"".join(pieces))

    def _collected_much(self) -> None:
        if self._is_up:
            self._send_collected()
        elif self._flow is not None:
            self._flow.hold()

    def _send_collected(self) -> None:
        """Encrypt what was collected; go on collecting."""
        collected = self._collected
        if collected:
            self._collected = []
            self._collected_size = 0
            self._send(collected[0] if len(collected) == 1 else b"".join(collected))

    def _send(self, data: bytes) -> None:
        try:
            self._records.send(data)
        except SSL.Error as error:
            self._fail(error)

    def _end_event(self) -> None:
        """The protocol had its say: send what it wrote, and end what it asked to end."""
        if self._is_over or not self._is_up or self._is_delivering:
            return
        if self._collected:
            self._send_collected()
        else:
            self._records.flush()  # an answer of TLS itself, to a request for new keys for example
        self._collected = None
        if self._flow is None and (self.disconnecting or self._half_closing):
            self._end_writing()

    # -- producers ------------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take data from a producer: a push producer when `streaming`, else a pull producer.

        It is paused and resumed as the transport's own would be, and waits for the handshake. Until it is
        unregistered, `loseConnection` waits. Raises RuntimeError when another one is registered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"cannot register {producer!r}: {self.producer!r} was not unregistered; "
                "call unregisterProducer() first"
            )
        if self._is_over or self._write_ended:
            producer.stopProducing()
            return
        if self._is_up and self._collected is not None:
            # From here on as it comes: a producer must hear in time that it should pause.
            self._send_collected()
            self._collected = None
        self._flow = Flow(producer, bool(streaming))
        self._flow.is_up = self._is_up
        self._below.registerProducer(self._flow, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done; a close that waited for it goes on."""
        if self._flow is None:
            return
        self._forget_producer()
        self._below.unregisterProducer()
        if (self.disconnecting or self._half_closing) and self._is_up and not self._is_delivering:
            self._end_writing()

    def _forget_producer(self) -> Any:
        flow, self._flow = self._flow, None
        return None if flow is None else flow.drop()

    def _drop_producer(self) -> None:
        """What the producer has can no longer be sent."""
        producer = self._forget_producer()
        if producer is not None:
            self._below.unregisterProducer()
            producer.stopProducing()

    # -- ending ---------------------------------------------------------------------------------------

    def loseConnection(self) -> None:
        """Close, after everything written has left and the producer, if any, is done. Reading stops now.

        The peer is told that nothing was cut off (close_notify), and given some time to close as well.
        """
        if self.disconnecting or self._is_over:
            return
        self._close()
        if not self._is_up:
            if not self._collected and self._flow is None:
                self._give_up(ConnectionDone())  # nothing was said, and nothing is
                self._below.loseConnection()
        elif self._flow is None and self._collected is None:
            self._end_writing()

    def _close(self) -> None:
        self.disconnecting = True
        if isinstance(self.transport, StreamConnection):
            self.transport.disconnecting = True  # who holds it, and not this object, looks there

    def loseWriteConnection(self) -> None:
        """Close our direction after everything written has left; what the peer sends is still received."""
        if self.disconnecting or self._is_over or self._write_ended or self._half_closing:
            return
        self._half_closing = True
        if self._is_up and self._flow is None and self._collected is None:
            self._end_writing()

    def abortConnection(self) -> None:
        """Drop the connection at once: what was not sent is lost."""
        if self._is_over:
            return
        self._close()
        self._give_up(ConnectionAborted())
        self._below.abortConnection()

    def failVerification(self, reason: Failure) -> None:
        """Drop the connection: the peer is not who it should be. `connectionLost` is given `reason`."""
        self._give_up(reason)
        self._below.abortConnection()

    def verificationFailed(self, problem: VerificationProblem) -> None:
        """A check of the peer's certificate failed; OpenSSL is about to end the handshake."""
        self._problem = problem

    def _end_writing(self) -> None:
        """Everything is sent: tell the peer so, and close as far as that was asked for."""
        was_ended, self._write_ended = self._write_ended, True
        self._takes_data = False
        if not was_ended:
            try:
                self._connection.shutdown()
            except SSL.Error as error:
                self._fail(error)
                return
            self._records.flush()
        if self._read_ended and (self.disconnecting or was_ended):
            self._finish()
        elif self.disconnecting:
            self._reason = Failure(
                ConnectionDone()
            )  # whatever the peer does now, it was this side that closed
            self._is_paused = False
            self._below.resumeProducing()  # what comes is dropped, but the peer's own end must be seen
            self._set_timer(CLOSE_TIMEOUT, self._below.abortConnection)
            if self._below.loseWriteConnection is not None:
                self._below.loseWriteConnection()
            elif self._clock is None:
                self._below.loseConnection()
        elif self._half_closing:
            self._half_closing = False
            self._call_soon(self._tell_write_ended)

    def _tell_write_ended(self) -> None:
        if not self._is_over and IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.writeConnectionLost()
        if not self._is_over and self._read_ended:
            self._finish()

    def _finish(self) -> None:
        """Both directions are closed, or one is and nobody cares for the other."""
        if self._reason is None:
            self._reason = Failure(ConnectionDone())
        self._is_over = True
        self._takes_data = False
        self._stop_timer()
        self._below.loseConnection()

    def _give_up(self, reason: ConnectionClosed | Failure) -> None:
        """Nothing passes any more, because of `reason`."""
        if self._reason is None:
            self._reason = reason if isinstance(reason, Failure) else Failure(reason)
        self._is_over = True
        self._takes_data = False
        self._collected = []
        self._stop_timer()
        self._drop_producer()

    def _fail(self, error: SSL.Error) -> None:
        """TLS ends here: let the peer know why, and close."""
        reason = tls_failure(error, self._problem, self._is_up)
        log.debug("%r: %s", self, reason)
        self._records.flush()  # the alert
        self._give_up(reason)
        if self._clock is None or self.factory.isClient or self._below.loseWriteConnection is None:
            self._below.loseConnection()
            return
        # A client may have sent more already, and a close with something unread drops the alert on its way.
        self._below.resumeProducing()
        self._below.loseWriteConnection()
        self._set_timer(ALERT_TIMEOUT, self._below.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The transport is gone: tell the protocol inside, once, why."""
        if not self.connected:
            return  # it never began
        self._stop_timer()
        for call in self._soon:
            if call.active():
                call.cancel()
        told = self._reason or self._told(reason)
        self._reason = told
        was_up = self._is_up and not self._problem
        self._is_over = True
        self._takes_data = False
        self._collected = []
        self.connected = 0
        self._connection.set_app_data(None)  # it leads back here
        if was_up:
            self.factory.keep_session(self._connection)
        if self._has_taken_over:
            release(self.transport)
        self.factory.unregisterProtocol(self)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.errback(told)
        producer = self._forget_producer()
        wrapped, self.wrappedProtocol = self.wrappedProtocol, None
        if producer is not None:
            producer.stopProducing()
        wrapped.connectionLost(told)

    def _told(self, reason: Failure) -> Failure:
        """What the end of the transport, for `reason`, means to the protocol inside."""
        if reason.check(ConnectionDone) is None or self._read_ended:
            return reason
        if not self._is_up:
            return Failure(ConnectionLost("the connection was closed in the TLS handshake"))
        return Failure(_truncated())

    # -- time -----------------------------------------------------------------------------------------

    def _set_timer(self, seconds: float, call: Callable[[], object]) -> None:
        self._stop_timer()
        if self._clock is not None:
            self._timer = self._clock.callLater(seconds, self._timed_out, call)

    def _timed_out(self, call: Callable[[], object]) -> None:
        self._timer = None
        call()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _call_soon(self, call: Callable[[], object]) -> None:
        """Call in a turn of its own, where there is a clock for that."""
        if self._clock is None:
            call()
        else:
            self._soon = [planned for planned in self._soon if planned.active()]
            self._soon.append(self._clock.callLater(0, call))

    def startTLS(self, contextFactory: Any, normal: bool = True) -> None:
        """TLS inside of this TLS, from here on; see `start_tls`. `normal` false swaps the two sides."""
        is_client = self.factory.isClient == bool(normal)
        upgrade(self, type(self.factory)(contextFactory, is_client, getattr(self.protocol, "factory", None)))


def _truncated() -> ConnectionLost:
    return ConnectionLost(
        "the peer closed without ending TLS (no close_notify): what came may have been cut short"
    )


def upgrade(transport: Any, factory: Any) -> None:
    """Put a TLS protocol of `factory`, a TLSMemoryBIOFactory, between `transport` and its protocol."""
    holder = transport
    while isinstance(holder.protocol, TLSMemoryBIOProtocol):
        holder = holder.protocol  # TLS in TLS
    protocol = holder.protocol
    tls = factory.protocol(factory, protocol, _connectWrapped=False)
    producer, streaming = transport.producer, transport.streamingProducer
    if producer is not None:
        transport.unregisterProducer()
    tls.prepare(transport)
    tls.take_over()
    alsoProvides(transport, ISSLTransport)
    holder.protocol = tls
    # What came in the clear and was not handled yet was not sent by whom TLS verifies (CVE-2011-0411).
    forget = getattr(protocol, "clearLineBuffer", None)
    if forget is not None:
        forget()
    if producer is not None:
        tls.registerProducer(producer, streaming)
    tls.begin()
