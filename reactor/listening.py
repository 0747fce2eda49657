"""Listening stream sockets of every family: how they accept, and the connections that come of it.

TCP and Unix sockets differ in how they bind and in what their addresses are; the rest is here.
"""

from __future__ import annotations

import errno
import logging
import time
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from .arguments import check_protocol
from .defer import Deferred, succeed
from .failure import Failure
from .interfaces import IListeningPort, IReadDescriptor, ISystemHandle
from .stream import Socket, StreamConnection

if TYPE_CHECKING:
    from .core import Reactor
    from .timers import DelayedCall

log = logging.getLogger("wirelab.reactor")

#: Connections accepted per wake-up: a flood of new ones must not keep the old ones waiting.
ACCEPTS_PER_EVENT = 64

#: Seconds to wait before accepting again when the system had no descriptor or memory left for another one.
PAUSE_ACCEPTING = 1.0

#: accept(2) fails with these when the process or the system is out of something; it may have it later.
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

#: accept(2) fails with these when that one connection died in the queue, or was forbidden; others are well.
DIED_IN_QUEUE = frozenset(
    {
        errno.ECONNABORTED,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENOPROTOOPT,
        errno.EPERM,
        errno.EPROTO,
        errno.ETIMEDOUT,
    }
)


@implementer(IListeningPort, IReadDescriptor, ISystemHandle)
class StreamPort:
    """A listening socket: accepts connections and joins each with a protocol of `factory`.

    `connections` counts the live ones. `state` is "listening", "paused" while the system has no room for
    another connection, or "closed". A family has to say what is in the methods that raise
    NotImplementedError.
    """

    kind = "stream"
    shortId = ""
    socket: Socket

    def __init__(
        self, reactor: Reactor, factory: Any, backlog: int = 50, adopted: Socket | None = None
    ) -> None:
        self.reactor = reactor
        self.factory = factory
        self.backlog = backlog
        self.context = copy_context()
        self.connections = 0
        self.connectionsEver = 0
        self.bytesIn = 0
        self.bytesOut = 0
        self.bufferedBytes = 0
        self.openedAt = time.time()
        self.state: Literal["listening", "paused", "closed"] = "closed"
        self._adopted = adopted
        self._resume: DelayedCall | None = None
        self._address: Any = None

    # -- what a family says -------------------------------------------------------------------------

    def bound_socket(self) -> Socket:
        """A new socket that listens. Raises CannotListenError."""
        raise NotImplementedError

    def address_from(self, sock: Socket, sockaddr: Any) -> Any:
        """The address that a socket address stands for."""
        raise NotImplementedError

    def connection_on(self, sock: Socket, peer: Any) -> StreamConnection:
        """The transport for an accepted socket."""
        raise NotImplementedError

    def closed(self) -> None:
        """The socket was closed: take away what belonged to it."""

    # -- life ---------------------------------------------------------------------------------------

    def startListening(self) -> None:
        """Bind, if the socket was not adopted, and begin to accept. Raises CannotListenError."""
        if self.state != "closed":
            return
        sock = self._adopted if self._adopted is not None else self.bound_socket()
        self._adopted = None
        self.socket = sock
        self._fd = sock.fileno()
        self._address = self.address_from(sock, sock.getsockname())
        self.openedAt = time.time()
        self.factory.doStart()
        self.state = "listening"
        self.shortId = self.reactor.register(self, "p")
        self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def doRead(self) -> None:
        """Accept the connections that wait, up to a limit. What the driver calls."""
        for _ in range(ACCEPTS_PER_EVENT):
            try:
                sock, sockaddr = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in DIED_IN_QUEUE:
                    continue
                self._pause(error)
                return
            self._accepted(sock, sockaddr)
            if self.state != "listening":
                return

    def _accepted(self, sock: Socket, sockaddr: Any) -> None:
        peer = self.address_from(sock, sockaddr)
        try:
            protocol = self.factory.buildProtocol(peer)
            if protocol is not None:
                check_protocol(self.factory, protocol)
        except BaseException as error:
            sock.close()
            self.reactor.callback_failed(error, self.factory.buildProtocol)
            return
        if protocol is None:
            sock.close()  # refused by the factory, which is its right
            return
        sock.setblocking(False)
        self.connections += 1
        self.connectionsEver += 1
        connection = self.connection_on(sock, peer)
        connection.context.run(connection.begin, protocol)

    def _pause(self, error: OSError) -> None:
        """The system has no room for another connection now: those that come wait in its queue."""
        if error.errno in OUT_OF_RESOURCES:
            log.warning(
                "%s cannot accept more connections for now: %s; "
                "closing some helps, or a higher limit (ulimit -n)",
                self,
                error,
            )
        else:
            log.error("%s cannot accept: %s; trying again in %s s", self, error, PAUSE_ACCEPTING)
        self.state = "paused"
        self.reactor.driver.remove_reader(self._fd)
        self._resume = self.reactor.callLater(PAUSE_ACCEPTING, self._accept_again)

    def _accept_again(self) -> None:
        self._resume = None
        if self.state == "paused":
            self.state = "listening"
            self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def connection_ended(self) -> None:
        """One of the accepted connections is gone; there may be room again."""
        self.connections -= 1
        if self._resume is not None:
            self._resume.cancel()
            self._accept_again()

    def stopListening(self) -> Deferred[None]:
        """Accept no more. The socket is closed when this returns; connections that were accepted live on."""
        if self.state == "closed":
            return succeed(None)
        self.state = "closed"
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        self.reactor.driver.remove_reader(self._fd)
        self.socket.close()
        self.closed()
        self.reactor.opened.pop(self.shortId, None)
        self.factory.doStop()
        return succeed(None)

    loseConnection = stopListening

    def connectionLost(self, reason: Failure) -> None:
        """Stop to listen because of `reason`."""
        self.stopListening()

    # -- what people want to know -------------------------------------------------------------------

    def getHost(self) -> Any:
        """The address it listens on; after it was closed, listened on."""
        if self._address is None:
            raise RuntimeError("this port has no address before startListening()")
        return self._address

    def getHandle(self) -> Socket:
        """The listening socket."""
        return self.socket

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self.socket.fileno() if self.state != "closed" else -1

    def idleSeconds(self) -> float | None:
        """None: a port itself moves no data."""
        return None

    def logPrefix(self) -> str:
        """The name of the factory and of this port."""
        return f"{type(self.factory).__name__},{self.shortId}"

    def __repr__(self) -> str:
        where = self._address if self._address is not None else self._wanted()
        return f"<Port {self.shortId} {where} {self.state}>"

    def _wanted(self) -> str:
        """Where it would listen."""
        raise NotImplementedError


class Accepted(StreamConnection):
    """What a connection is that a port accepted, or that was adopted; mixed before that of the family."""

    __slots__ = ()
    factory: Any
    server: StreamPort | None
    _peer: Any

    def __init__(
        self,
        reactor: Reactor,
        sock: Socket,
        peer: Any,
        factory: Any,
        context: Context,
        port: StreamPort | None = None,
    ) -> None:
        super().__init__(reactor, sock, context)
        self._peer = peer
        self.factory = factory
        self.server = port
        self.shortId = reactor.register(self, "c")

    def ended(self, protocol: Any, reason: Failure) -> None:
        if self.server is not None:
            self.server.connection_ended()
        super().ended(protocol, reason)
