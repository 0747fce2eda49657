"""TCP connections, and those of them that a port accepted."""

from __future__ import annotations

import logging
import socket
import struct
import sys
import time
from contextvars import Context
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from ..error import ConnectionClosed
from ..interfaces import ITLSTransport
from ..listening import Accepted
from ..stream import Socket, StreamConnection
from .sockets import Address, address_of

if TYPE_CHECKING:
    from ..core import Reactor

log = logging.getLogger("wirelab.reactor")

#: Where `struct tcp_info` of Linux has the milliseconds since data was last sent and last received.
_LAST_SENT, _LAST_RECEIVED = 44, 52


@implementer(ITLSTransport)
class Connection(StreamConnection):
    """A TCP connection."""

    __slots__ = ("_host", "_peer")
    kind = "tcp"
    tls: Any = None
    """What there is to say of the TLS session inside, a `TLSDescription`; None for a connection without."""

    _is_client = False  # whether this side made the connection
    _host: Address | None
    _peer: Address | None

    def __init__(self, reactor: Reactor, sock: Socket | None, context: Context) -> None:
        super().__init__(reactor, sock, context)
        self._host = self._peer = None

    def getHost(self) -> Any:
        """The IPv4Address or IPv6Address of this end."""
        if self._host is None:
            self._host = address_of(self.socket, self.socket.getsockname())
        return self._host

    def getPeer(self) -> Any:
        """The IPv4Address or IPv6Address of the other end."""
        if self._peer is None:
            self._peer = address_of(self.socket, self.socket.getpeername())
        return self._peer

    def idleSeconds(self) -> float | None:
        """Seconds since data last moved in either direction; None when the system does not tell."""
        if not self.connected or not sys.platform.startswith("linux"):
            return None
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
        sent: int = struct.unpack_from("I", info, _LAST_SENT)[0]
        received: int = struct.unpack_from("I", info, _LAST_RECEIVED)[0]
        return min(sent / 1000, received / 1000, time.time() - self.openedAt)

    def getTcpNoDelay(self) -> bool:
        """Whether small segments leave at once (TCP_NODELAY); they do unless told otherwise."""
        return bool(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Let small segments leave at once, or wait for the acknowledgement of those before them."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, bool(enabled))

    def getTcpKeepAlive(self) -> bool:
        """Whether the system probes a connection that was idle for long (SO_KEEPALIVE)."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the system probe a connection that was idle for long, or not."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, bool(enabled))

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """What both sides agreed to speak inside TLS (ALPN); None without TLS or where nothing was agreed."""
        protocol: bytes | None = None if self.tls is None else self.tls.protocol
        return protocol

    def startTLS(self, contextFactory: Any, normal: bool = True) -> None:
        """Speak TLS from here on, at any point of a conversation; this object stays the transport.

        What was written before leaves as it was, what is written from now on waits for the end of the
        handshake and is encrypted. What came in the clear and was not handled yet is thrown away. The side
        that made the connection is TLS's client, unless `normal` is false. On a connection that is closing
        nothing happens.

        Raises TypeError for what is no context factory: a client takes what `ssl.optionsForClientTLS` gives,
        a server `ssl.CertificateOptions` or the `options()` of a PrivateCertificate.
        """
        from ..tls import start_tls  # brings in OpenSSL, which costs 60 ms

        start_tls(self, contextFactory, self._is_client == bool(normal))

    def _lose(self, why: ConnectionClosed) -> None:
        if self.connected and self._host is None:
            self._remember_host()  # the socket cannot be asked any more afterwards
        super()._lose(why)

    def _remember_host(self) -> None:
        try:
            self.getHost()
        except OSError as error:
            log.debug("%s: the system no longer knows our address: %s", self.shortId, error)

    def __repr__(self) -> str:
        ends = " -> ".join(str(end) for end in (self._host, self._peer) if end is not None)
        return f"<{type(self).__name__} {self.shortId} {ends} {self.state}>"


class Server(Accepted, Connection):
    """A connection that a port accepted, or that was adopted."""

    __slots__ = ("factory", "server")
