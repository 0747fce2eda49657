"""Datagram sockets of every family: receiving, sending, and what the system may say to both.

The path of a datagram is short, as with streams: the driver calls `doRead`, which receives as many datagrams
as usually wait, and hands each to the protocol; `write` sends at once, or not at all.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from .defer import Deferred, succeed
from .error import MessageLengthError
from .failure import Failure
from .interfaces import IListeningPort, ILoggingContext, IReadDescriptor, ISystemHandle
from .stream import Socket, checked_bytes, short

if TYPE_CHECKING:
    from .core import Reactor
    from .timers import DelayedCall

log = logging.getLogger("wirelab.reactor")

#: Datagrams received per wake-up at most: a flood must not keep everything else waiting.
DATAGRAMS_PER_EVENT = 64

#: Wake-ups in a row that left more to receive, after which the next ones receive twice as many. Asking once
#: too often costs a system call, so that is done only for traffic that comes in bursts.
STEADY = 8

#: Nobody is there, or no way leads there: what routers and hosts answer (ICMP) comes as one of these.
NOBODY_THERE = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ENOPROTOOPT,
        errno.ENOTCONN,  # Unix sockets: the peer that we were connected to is gone
        errno.EPROTO,
    }
)

#: The system is out of room for the moment. A datagram that finds none is lost, as on any part of its way.
NO_ROOM = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.ENOMEM})

#: Other errors of receiving that pass.
PASSING = NO_ROOM | {errno.EINTR, errno.EMSGSIZE, errno.ENETDOWN, errno.EPERM, errno.ETIMEDOUT}


@implementer(IListeningPort, IReadDescriptor, ISystemHandle, ILoggingContext)
class DatagramPort:
    """A datagram socket, speaking for `protocol`.

    `shortId` names it for people ("u1"). `bytesIn`, `bytesOut`, `datagramsIn` and `datagramsOut` count what
    was received and what the system took; `datagramsDropped` those it had no room for. `state` is
    "listening", "paused", "closing" or "closed". A family has to say what is in the methods that raise
    NotImplementedError.
    """

    # Slots for what each datagram touches, because there are more attributes than a shared dictionary takes.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_burst",
        "_from",
        "_fulls",
        "_peer",
        "_recvfrom",
        "_send",
        "_sendto",
        "_sockaddr",
        "bytesIn",
        "bytesOut",
        "datagramsIn",
        "datagramsOut",
        "maxPacketSize",
        "protocol",
        "state",
    )

    kind = "datagram"
    shortId = ""
    socket: Socket

    #: Turns the sender's socket address into what the protocol is told; None when that is the same.
    _shown: Callable[[Any], Any] | None = None

    #: Whether the protocol is told who sent a datagram.
    tells_sender = True

    #: Errors of sending to no fixed peer that lose the datagram, and are nobody's concern.
    lost_in_silence = NO_ROOM | {errno.ECONNREFUSED}

    def __init__(
        self, reactor: Reactor, protocol: Any, maxPacketSize: int = 8192, adopted: Socket | None = None
    ) -> None:
        self.reactor = reactor
        self.protocol = protocol
        self.maxPacketSize = maxPacketSize
        self.context = copy_context()
        self.bytesIn = self.bytesOut = 0
        self.datagramsIn = self.datagramsOut = self.datagramsDropped = 0
        self.bufferedBytes = 0
        self.openedAt = time.time()
        self.state: Literal["listening", "paused", "closing", "closed"] = "closed"
        self._adopted = adopted
        self._address: Any = None
        self._peer: Any = None  # the one that we are connected to, as the protocol names it
        self._from: Any = None  # who the last datagram came from, as the protocol names it
        self._sockaddr: Any = None  # and as the system does
        self._burst = 1
        self._fulls = 0
        self._stopped: list[Deferred[None]] = []
        self._finishing: DelayedCall | None = None

    # -- what a family says -------------------------------------------------------------------------

    def bound_socket(self) -> Socket:
        """A new bound socket. Raises CannotListenError."""
        raise NotImplementedError

    def address_from(self, sock: Socket, sockaddr: Any) -> Any:
        """The address that a socket address stands for."""
        raise NotImplementedError

    def checked_destination(self, addr: Any) -> Any:
        """The socket address for what `write` was given. Raises TypeError, ValueError."""
        raise NotImplementedError

    def closed(self) -> None:
        """The socket was closed: take away what belonged to it."""

    # -- life ---------------------------------------------------------------------------------------

    def startListening(self) -> None:
        """Bind, if the socket was not adopted, and begin to receive. Raises CannotListenError."""
        if self.state != "closed":
            return
        sock = self._adopted if self._adopted is not None else self.bound_socket()
        self._adopted = None
        self.take_socket(sock)
        self.context = copy_context()
        self.openedAt = time.time()
        self.state = "listening"
        self.shortId = self.reactor.register(self, "u")
        try:
            self.context.run(self.protocol.makeConnection, self)
        except BaseException:
            self._close_socket()
            self.state = "closed"
            self.reactor.opened.pop(self.shortId, None)
            raise
        if self.state == "listening":
            self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def take_socket(self, sock: Socket) -> None:
        """Work on this socket from now on."""
        self.socket = sock
        self._fd = sock.fileno()
        self._recvfrom = sock.recvfrom
        self._send = sock.send
        self._sendto = sock.sendto
        self._address = self.address_from(sock, sock.getsockname())

    def stopListening(self) -> Deferred[None]:
        """Close the socket, at once. The Deferred fires when the protocol has been told, in the next turn."""
        if self.state == "closed":
            return succeed(None)
        if self.state != "closing":
            self._close_socket()
            self.state = "closing"
            self._finishing = self.reactor.call_in(self.context, self._finish)
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)
        return stopped

    def loseConnection(self) -> None:
        """Close."""
        self.stopListening()

    abortConnection = loseConnection

    def connectionLost(self, reason: Failure) -> None:
        """Close because of `reason`, and tell the protocol now."""
        if self.state in ("listening", "paused"):
            self._close_socket()
            self.state = "closing"
        self._finish()

    def _close_socket(self) -> None:
        if self.state == "listening":
            self.reactor.driver.remove_reader(self._fd)
        self.socket.close()
        self.closed()

    def _finish(self) -> None:
        if self.state != "closing":
            return
        self.state = "closed"
        if self._finishing is not None and self._finishing.active():
            self._finishing.cancel()
        self.reactor.opened.pop(self.shortId, None)
        try:
            self.protocol.doStop()
        except BaseException as error:
            self.reactor.callback_failed(error, self.protocol.doStop)
        stopped, self._stopped = self._stopped, []
        for each in stopped:
            each.callback(None)

    # -- receiving ----------------------------------------------------------------------------------

    def doRead(self) -> None:
        """Receive the datagrams that wait, up to a limit. What the driver calls."""
        recvfrom, size, shown = self._recvfrom, self.maxPacketSize, self._shown
        received = self.protocol.datagramReceived if self.tells_sender else self._received_from_peer
        for count in range(self._burst):
            try:
                data, sender = recvfrom(size)
            except BlockingIOError:
                self._fulls = 0
                self._burst = max(1, count)
                return
            except OSError as error:
                self._read_failed(error)
                return
            self.datagramsIn += 1
            self.bytesIn += len(data)
            self._sockaddr = sender
            self._from = sender = sender if shown is None else shown(sender)
            try:
                received(data, sender)
            except BaseException as error:  # one datagram that was too much is no end of the port
                self.reactor.callback_failed(error, received)
            if self.state != "listening":
                return
        self._fulls += 1
        if self._fulls == STEADY:
            self._fulls = 0
            self._burst = min(2 * self._burst, DATAGRAMS_PER_EVENT)

    def _received_from_peer(self, data: bytes, sender: Any) -> None:
        self.protocol.datagramReceived(data)

    def _read_failed(self, error: OSError) -> None:
        if error.errno in NOBODY_THERE:
            if self._peer is not None:
                self._refused()
        elif error.errno not in PASSING:
            log.error("%s cannot receive and is closed: %s", self, error)
            self.stopListening()

    def _refused(self) -> None:
        """Tell the protocol that nobody receives what it sends."""
        refused = getattr(self.protocol, "connectionRefused", None)
        if refused is None or self.state not in ("listening", "paused"):
            return
        try:
            refused()
        except BaseException as error:
            self.reactor.callback_failed(error, refused)

    def pauseProducing(self) -> None:
        """Receive no more until `resumeProducing`; what comes fills the system's buffer, and then is lost."""
        if self.state == "listening":
            self.state = "paused"
            self.reactor.driver.remove_reader(self._fd)

    def resumeProducing(self) -> None:
        """Receive again."""
        if self.state == "paused":
            self.state = "listening"
            self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def stopProducing(self) -> None:
        """Close: the consumer that this port fed wants no more."""
        self.stopListening()

    # -- sending ------------------------------------------------------------------------------------

    def write(self, packet: bytes, addr: Any = None) -> None:
        """Send a datagram to `addr`, or to the peer that the port is connected to.

        It leaves at once, or is dropped when the system has no room for it, or when the port is closed.
        Raises TypeError, ValueError (InvalidAddressError for a host name), MessageLengthError when it is
        longer than the system takes, and OSError for what else it says, such as PermissionError.
        """
        if type(packet) is not bytes:
            packet = checked_bytes("write", packet)
        try:
            if addr is self._from and addr is not None and self._peer is None:
                sent = self._sendto(packet, self._sockaddr)  # an answer needs no check
            elif self._peer is None:
                sent = self._sendto(packet, self.checked_destination(addr))
            else:
                self._check_is_peer(addr)
                sent = self._send(packet)
        except OSError as error:
            self._write_failed(error, packet, addr)
            return
        self.datagramsOut += 1
        self.bytesOut += sent

    def writeSequence(self, seq: Iterable[bytes], addr: Any = None) -> None:
        """Send the bytes objects in `seq` as one datagram. Raises as `write`."""
        self.write(b"".join(checked_bytes("writeSequence", piece) for piece in seq), addr)

    def _check_is_peer(self, addr: Any) -> None:
        if addr is not None and addr != self._peer:
            raise ValueError(f"write() to {short(addr)}: this port is connected to {self._peer!r} only")

    def _write_failed(self, error: OSError, packet: bytes, addr: Any) -> None:
        if self.state not in ("listening", "paused"):
            return  # closed
        if error.errno in NOBODY_THERE and self._peer is not None:
            # The answer to an earlier datagram, in whose place this one was not sent.
            self.reactor.call_in(self.context, self._refused)
            self._send_again(packet)
        elif error.errno in (self.lost_in_silence if self._peer is None else NO_ROOM):
            self.datagramsDropped += 1
        elif error.errno == errno.EMSGSIZE:
            told = f"{len(packet)} octets to {self._where(addr)}"
            raise MessageLengthError(told) from error
        else:
            raise OSError(error.errno, self._told(error, addr)) from error

    def _send_again(self, packet: bytes) -> None:
        try:
            self.bytesOut += self._send(packet)
            self.datagramsOut += 1
        except OSError as error:
            log.debug("%s cannot send: %s", self, error)
            self.datagramsDropped += 1

    def _told(self, error: OSError, addr: Any) -> str:
        text = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
        return f"cannot send to {self._where(addr)}: {text[:1].lower()}{text[1:]}{self.remedy(error)}"

    def remedy(self, error: OSError) -> str:
        """What to do about `error` of sending, beginning with a semicolon; empty when nothing helps."""
        return ""

    def _where(self, addr: Any) -> str:
        where = self._peer if addr is None else addr
        return f"{where[0]}:{where[1]}" if isinstance(where, tuple) else str(where)

    # -- what people want to know -------------------------------------------------------------------

    def getHost(self) -> Any:
        """The address it is bound to; after it was closed, was bound to."""
        if self._address is None:
            raise RuntimeError("this port has no address before startListening()")
        return self._address

    def getPeer(self) -> Any:
        """The address it is connected to; None when it is not."""
        return None

    def getHandle(self) -> Socket:
        """The socket."""
        return self.socket

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self.socket.fileno() if self.state in ("listening", "paused") else -1

    def idleSeconds(self) -> float | None:
        """None: the system does not keep the time of datagrams."""
        return None

    def logPrefix(self) -> str:
        """The name of the protocol and of this port."""
        return f"{type(self.protocol).__name__},{self.shortId}"

    def __repr__(self) -> str:
        ends = " -> ".join(str(end) for end in (self._address, self.getPeer()) if end is not None)
        return f"<{type(self).__name__} {self.shortId} {self.kind} {ends} {self.state}>"
