"""A connected stream socket: the state machine under TCP connections and, later, Unix ones.

The path of a message is short on purpose. The driver calls `doRead` itself; it receives, hands the data to
the protocol, and whatever the protocol writes meanwhile is collected and leaves in one `send` at the end of
the event. Any other write goes out at once when nothing waits before it, and only what the system did not
take is queued and waits for the descriptor to become writable.

A trace replaces `_recv` and `_send` of one connection, so a connection that nobody looks at pays nothing.
"""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Iterable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from .error import ConnectionAborted, ConnectionClosed, ConnectionDone, ConnectionLost
from .failure import Failure
from .interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    ILoggingContext,
    IPushProducer,
    IReadWriteDescriptor,
    ISystemHandle,
    ITransport,
)

if TYPE_CHECKING:
    from .core import Reactor

log = logging.getLogger("wirelab.reactor")

#: Octets asked of the system at a time: more than a socket buffer usually holds, less than malloc would map.
READ_SIZE = 65536

#: Queued octets above which a producer is told to pause; it is resumed when the queue is empty.
HIGH_WATER = 65536

#: Pieces are joined into one for `send` up to this many octets; longer ones are sent one by one, uncopied.
JOIN_UP_TO = 262144

Socket = socket.socket  # under a name that the attribute `socket` does not hide

State = Literal["connecting", "open", "closing", "closed"]


#: The queue of every connection that has nothing to send: most, most of the time. Never added to.
_EMPTY: deque[bytes | memoryview] = deque()


@implementer(ITransport, IConsumer, IPushProducer, IReadWriteDescriptor, ISystemHandle, ILoggingContext)
class StreamConnection:
    """One end of a connected stream socket, speaking for `protocol`.

    `shortId` names it for people ("c3"). `bytesIn` and `bytesOut` count octets received and handed to the
    system. `openedAt` is a `time.time`. `context` is the context in which the protocol is called.
    `connected` is true from the first moment until `connectionLost`; `disconnecting` once it is closing.
    """

    # Slots, because there are more attributes than a shared dictionary takes; a dictionary as well, for
    # what a program adds of its own.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_blank",
        "_closing",
        "_direct",
        "_end_when_drained",
        "_ending",
        "_fd",
        "_first",
        "_half_closing",
        "_more",
        "_paused",
        "_producer_paused",
        "_pulling",
        "_queue",
        "_queued",
        "_read_ended",
        "_reading",
        "_recv",
        "_send",
        "_wants_end",
        "_write_ended",
        "_write_error",
        "_writing",
        "bytesIn",
        "bytesOut",
        "connected",
        "context",
        "disconnecting",
        "openedAt",
        "producer",
        "protocol",
        "reactor",
        "shortId",
        "socket",
        "streamingProducer",
    )

    kind = "stream"
    protocol: Any
    producer: Any
    shortId: str
    socket: Socket

    def __init__(self, reactor: Reactor, sock: Socket | None, context: Context | None = None) -> None:
        self.reactor = reactor
        self.context = copy_context() if context is None else context
        self.protocol = None
        self.connected = False
        self.disconnecting = False
        self._closing = False  # as `disconnecting`, which TLS sets while there is more for it to say
        self.bytesIn = 0
        self.bytesOut = 0
        self.openedAt = time.time()
        self.producer = None
        self.streamingProducer = False
        self._pulling = False
        self._producer_paused = False
        # What the protocol writes during an event: None when it is sent as it comes, else the first piece
        # (empty: none yet) and those after it. `_blank` is what an event begins with.
        self._first: bytes | None = None
        self._more: list[bytes] | None = None
        self._blank: bytes | None = b""
        self._direct = False  # whether a write may go to the system at once
        self._queue: deque[bytes | memoryview] = _EMPTY
        self._queued = 0
        self._paused = False
        self._reading = False
        self._writing = False
        self._read_ended = False
        self._write_ended = False
        self._half_closing = False
        self._wants_end = False  # disconnecting, or half closing
        self._write_error: BaseException | None = None
        self._end_when_drained = False
        self._ending = False
        self._fd = -1
        if sock is not None:
            self._take_socket(sock)

    def _take_socket(self, sock: Socket) -> None:
        self.socket = sock
        self._fd = sock.fileno()
        self._recv = sock.recv
        self._send = sock.send

    # -- what people want to know -------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where in its life the connection is."""
        if self.connected:
            return "closing" if self.disconnecting or self._ending else "open"
        return "closed"

    @property
    def bufferedBytes(self) -> int:
        """Octets written and not yet taken by the system."""
        return self._queued + len(self._first or b"") + sum(map(len, self._more or ()))

    def idleSeconds(self) -> float | None:
        """Seconds since data last moved in either direction; None when the system does not tell."""
        return None

    def getHandle(self) -> Socket:
        """The socket underneath."""
        return self.socket

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self.socket.fileno()

    def logPrefix(self) -> str:
        """The name of the protocol and of this connection."""
        return f"{type(self.protocol).__name__},{self.shortId}"

    def getHost(self) -> Any:
        """The address of this end."""
        raise NotImplementedError

    def getPeer(self) -> Any:
        """The address of the other end."""
        raise NotImplementedError

    # -- beginning ----------------------------------------------------------------------------------

    def begin(self, protocol: Any) -> None:
        """Give `protocol` this transport and start to read. Called in the connection's context."""
        self.protocol = protocol
        self.connected = self._direct = True
        self._first = self._blank
        try:
            protocol.makeConnection(self)
        except BaseException as error:
            self._protocol_failed(error, protocol.makeConnection)
            return
        if self.connected and not (self._reading or self._paused or self._ending or self._closing):
            self._start_reading()
        self._after_event()

    def _start_reading(self) -> None:
        self._reading = True
        self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.reactor.driver.remove_reader(self._fd)

    # -- reading ------------------------------------------------------------------------------------

    def doRead(self) -> None:
        """Receive what is there and give it to the protocol. What the driver calls."""
        try:
            data = self._recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(self._loss_from(error))
            return
        if not data:
            self._read_end()
            return
        self.bytesIn += len(data)
        self._first = self._blank
        try:
            self.protocol.dataReceived(data)
        except BaseException as error:
            self._protocol_failed(error, self.protocol.dataReceived)
            return
        answer = self._first
        if answer and self._direct and self._more is None:  # one write, as most events have
            self._first = None
            try:
                sent = self._send(answer)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._write_failed(error)
                return
            self.bytesOut += sent
            if sent < len(answer):
                self._enqueue(memoryview(answer)[sent:])
            if self._wants_end:
                self._after_event()
        elif answer or self._wants_end:
            self._after_event()
        else:
            self._first = None

    def _read_end(self) -> None:
        """The peer sends no more."""
        self._stop_reading()
        self._read_ended = True
        if self._write_ended:
            self._lose(self._reason())
        elif IHalfCloseableProtocol.providedBy(self.protocol):
            self._call_protocol(self.protocol.readConnectionLost)
        elif self._queue:
            # What the protocol said already is still sent.
            self.disconnecting = self._closing = self._wants_end = self._end_when_drained = True
        else:
            self._lose(ConnectionDone())

    def pauseProducing(self) -> None:
        """Read no more until `resumeProducing`; the system's buffer, and then the peer, will wait."""
        self._paused = True
        self._stop_reading()
        if self._write_error is not None:
            self._lose_soon(self._reason())

    def resumeProducing(self) -> None:
        """Read again."""
        self._paused = False
        if self.connected and not (self._reading or self._read_ended or self._closing or self._ending):
            self._start_reading()

    def stopProducing(self) -> None:
        """Close: the consumer that this connection fed wants no more."""
        self.loseConnection()

    # -- writing ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data`, all of it and in order, without waiting. What comes after the end is dropped.

        Raises TypeError for anything but bytes.
        """
        if type(data) is not bytes:
            data = checked_bytes("write", data)
        first = self._first
        if first is not None:
            if not first:
                self._first = data
            elif self._more is None:
                self._more = [data]
            else:
                self._more.append(data)
        elif not self._direct:
            self._enqueue(data)
        elif data:
            try:
                sent = self._send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._write_failed(error)
                return
            self.bytesOut += sent
            if sent < len(data):
                self._enqueue(memoryview(data)[sent:] if sent else data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send each of the bytes objects in `data`, in order, as by one `write`. Raises TypeError."""
        if isinstance(data, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"writeSequence() takes several bytes objects: use write() for {short(data)}")
        pieces = [piece if type(piece) is bytes else checked_bytes("writeSequence", piece) for piece in data]
        self.write(b"".join(pieces))

    def _enqueue(self, data: bytes | memoryview) -> None:
        if not data or not self._takes_data():
            return
        if not self._writing:
            self._direct = False
            self._writing = True
            self._queue = deque()
            self.reactor.driver.add_writer(self._fd, self.doWrite, self.context)
        self._queue.append(data)
        self._queued += len(data)
        if self._queued > HIGH_WATER and self.streamingProducer and not self._producer_paused:
            self._producer_paused = True
            self.producer.pauseProducing()

    def _takes_data(self) -> bool:
        return self.connected and not (self._write_ended or self._half_closing or self._ending)

    def _review(self) -> None:
        """Something changed that decides whether a write may go to the system at once."""
        self._direct = self._takes_data() and not (self._writing or self._pulling)

    def _after_event(self) -> None:
        """The protocol had its say: send what it wrote, and end what it asked to end."""
        if self._first is not None:
            self._send_collected()
        if self._wants_end and not self._queue and self.producer is None:
            self._drained()

    def _send_collected(self) -> None:
        """Send what was collected, and collect no more during this event."""
        first, more = self._first, self._more
        self._first = self._more = None
        write = StreamConnection.write  # and not that of TLS, which may have taken over this one's
        if more is None:
            write(self, first or b"")
            return
        more.insert(0, first or b"")
        if sum(map(len, more)) <= JOIN_UP_TO:
            write(self, b"".join(more))
        else:
            for data in more:
                write(self, data)

    def doWrite(self) -> None:
        """Send from the queue. What the driver calls while a `send` fell short."""
        queue = self._queue
        try:
            while queue:
                data = self._next_piece()
                sent = self._send(data)
                self.bytesOut += sent
                self._queued -= sent
                if sent < len(data):
                    queue[0] = memoryview(data)[sent:]
                    return
                queue.popleft()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._write_failed(error)
            return
        self._queue = _EMPTY
        self._stop_writing()
        self._drained()

    def _next_piece(self) -> bytes | memoryview:
        queue = self._queue
        if len(queue) > 1 and len(queue[0]) + len(queue[1]) <= JOIN_UP_TO:
            size, pieces = 0, []
            while queue and size + len(queue[0]) <= JOIN_UP_TO:
                pieces.append(queue.popleft())
                size += len(pieces[-1])
            queue.appendleft(b"".join(pieces))
        return queue[0]

    def _drained(self) -> None:
        """Everything written is with the system: let the producer go on, or end."""
        if self._ending or not self.connected:
            return
        if self._end_when_drained:
            self._lose(ConnectionDone())
        elif self._producer_paused or self._pulling:
            self._producer_paused = False
            self._call_protocol(self.producer.resumeProducing)
        elif self.producer is not None:
            return
        elif self._closing:
            self._lose(self._reason())
        elif self._half_closing:
            self._shut_down_writing()

    def _write_failed(self, error: OSError) -> None:
        """The peer takes no more. What it still sent is read before the connection counts as lost."""
        self._write_error = error
        self._write_ended = True
        self._direct = False
        self._forget_queue()
        if not self._reading:
            self._lose_soon(self._reason())

    def _reason(self) -> ConnectionClosed:
        """Why the connection ends when it ends by itself now."""
        return ConnectionDone() if self._write_error is None else self._loss_from(self._write_error)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self.reactor.driver.remove_writer(self._fd)
            self._review()

    def _forget_queue(self) -> None:
        self._queue = _EMPTY
        self._queued = 0
        self._stop_writing()

    # -- producers ----------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take data from a producer: a push producer when `streaming`, else a pull producer.

        A push producer is paused while more than 64 KiB wait to be sent and resumed when all has left; a
        pull producer is asked for more whenever all has left. Until it is unregistered,
        `loseConnection` waits. Raises RuntimeError when another one is registered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"cannot register {producer!r}: {self.producer!r} was not unregistered; "
                "call unregisterProducer() first"
            )
        if not self.connected or self._ending or self._write_ended:
            producer.stopProducing()
            return
        if self._first is not None:
            # From here on as it comes: a producer must hear in time that it should pause.
            self._send_collected()
        self._blank = None
        self.producer = producer
        self.streamingProducer = bool(streaming)
        self._pulling = not streaming
        self._review()
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer is done; a close that waited for it goes on."""
        self._drop_producer()
        if self._queue or self._first is not None:
            return  # the end of the event, or of the queue, sees to the rest
        if self._closing:
            self._lose_soon(self._reason())
        elif self._half_closing:
            self.reactor.call_in(self.context, self._shut_down_writing)

    def _drop_producer(self) -> None:
        self.producer = None
        self._blank = b""
        self.streamingProducer = self._pulling = self._producer_paused = False
        self._review()

    # -- ending -------------------------------------------------------------------------------------

    def loseConnection(self) -> None:
        """Close, after everything written has left and the producer, if any, is done. Reading stops now."""
        if not self.connected or self._closing or self._ending:
            return
        self.disconnecting = self._closing = self._wants_end = True
        self._stop_reading()
        if self._first is not None or self._queue or self.producer is not None:
            return
        self._lose_soon(self._reason())

    def abortConnection(self) -> None:
        """Drop the connection at once: what was not sent is lost, and the peer sees a reset."""
        if not self.connected or self._ending:
            return
        self._linger_not()
        self._first = self._more = None
        self._write_ended = True
        self._direct = False
        self._stop_reading()
        self._forget_queue()
        self._lose_soon(ConnectionAborted())

    def loseWriteConnection(self) -> None:
        """Close our direction after everything written has left; what the peer sends is still received."""
        if not self.connected or self._write_ended or self._half_closing:
            return
        if self._first is not None:
            self._send_collected()
        self._half_closing = self._wants_end = True
        self._direct = False
        if self._queue or self.producer is not None:
            return
        self.reactor.call_in(self.context, self._shut_down_writing)

    def _shut_down_writing(self) -> None:
        if not self.connected or self._write_ended or self._ending:
            return
        self._write_ended = True
        self._half_closing = False
        self._wants_end = self._closing
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._lose(self._loss_from(error))
            return
        if IHalfCloseableProtocol.providedBy(self.protocol):
            self._call_protocol(self.protocol.writeConnectionLost)
        if self._read_ended and self.connected:
            self._lose(ConnectionDone())

    def _lose_soon(self, why: ConnectionClosed) -> None:
        """End in a turn of its own: never inside a call that the protocol, or anyone else, makes."""
        self._ending = True
        self._direct = False
        self.reactor.call_in(self.context, self._lose, why)

    def _lose(self, why: ConnectionClosed) -> None:
        """The end: everything is given back and the protocol is told, once."""
        if not self.connected:
            return
        self.connected = self._direct = False
        self._first = self._more = None
        self._stop_reading()
        self._forget_queue()
        self.socket.close()
        self.reactor.opened.pop(self.shortId, None)
        producer = self.producer
        self._drop_producer()
        if producer is not None:
            self._call_protocol(producer.stopProducing)
        protocol, self.protocol = self.protocol, None
        self.ended(protocol, Failure(why))

    def ended(self, protocol: Any, reason: Failure) -> None:
        """Tell `protocol`, which is no longer connected, and whoever else keeps count."""
        try:
            protocol.connectionLost(reason)
        except BaseException as error:
            self.reactor.callback_failed(error, protocol.connectionLost)

    def connectionLost(self, reason: Failure) -> None:
        """End the connection because of `reason`."""
        value = reason.value
        self._lose(value if isinstance(value, ConnectionClosed) else ConnectionLost(str(value)))

    def _protocol_failed(self, error: BaseException, what: object) -> None:
        """A protocol that raises loses its own connection and no other."""
        self.reactor.callback_failed(error, what)
        # What it wrote before it failed was meant to be sent.
        self._after_event()
        lost = ConnectionLost(f"{getattr(what, '__qualname__', what)} raised {type(error).__name__}")
        lost.__cause__ = error
        self._lose(lost)

    def _call_protocol(self, call: Any) -> None:
        """Call the protocol or a producer as an event of its own, errors ending the connection."""
        nested = self._first is not None
        if not nested:
            self._first = self._blank
        try:
            call()
        except BaseException as error:
            if self.connected:
                self._protocol_failed(error, call)
            else:
                self.reactor.callback_failed(error, call)
            return
        if not nested and self.connected:
            self._after_event()

    def _loss_from(self, error: BaseException) -> ConnectionLost:
        number = getattr(error, "errno", None)
        text = getattr(error, "strerror", None) or str(error)
        lost = ConnectionLost(f"{text} (errno {number})" if number is not None else text)
        lost.__cause__ = error
        return lost

    def _linger_not(self) -> None:
        # Lingering for 0 seconds makes close(2) send a reset and drop what was not sent.
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError as error:
            log.debug("%s: cannot ask for a reset: %s", self.shortId, error)


def checked_bytes(verb: str, data: object) -> bytes:
    """`data` as bytes when it is a kind of bytes; else a TypeError that names the way out."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)  # a copy, so that the caller may change its own
    if isinstance(data, str):
        raise TypeError(f"{verb}() takes bytes, not str: encode it first, for example {short(data)}.encode()")
    raise TypeError(f"{verb}() takes bytes, not {type(data).__name__}: {short(data)}")


def short(value: object, most: int = 60) -> str:
    """`repr` of the value, cut when long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
