"""What a TLS connection tells of itself, and of the transport that carries it."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, crypto

from ..interfaces import ILoggingContext
from .description import TLSDescription
from .flow import Flow


class TransportFacts:
    """The part of a TLSMemoryBIOProtocol that answers questions; most of them the transport answers."""

    kind = "tls"
    connected: int
    disconnecting: bool
    transport: Any
    wrappedProtocol: Any
    tls: TLSDescription
    """What a person wants to know of the session."""

    _connection: SSL.Connection
    _collected_size: int
    _flow: Flow | None
    _is_over: bool

    @property
    def protocol(self) -> Any:
        """The protocol inside, as a transport tells it; it can be replaced by another."""
        return self.wrappedProtocol

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self.wrappedProtocol = protocol

    @property
    def producer(self) -> Any:
        """The producer that is registered, or None."""
        return None if self._flow is None else self._flow.producer

    @property
    def streamingProducer(self) -> bool:
        """Whether that is a push producer."""
        return self._flow is not None and self._flow.streaming

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """What both sides agreed to speak inside (ALPN); None when nothing was agreed, or not yet."""
        return self.tls.protocol

    def getHandle(self) -> SSL.Connection:
        """The OpenSSL.SSL.Connection that does the work."""
        return self._connection

    def getPeerCertificate(self) -> crypto.X509 | None:
        """The peer's certificate as pyOpenSSL object; None when it showed none, or not yet."""
        return self._connection.get_peer_certificate()

    def getPeer(self) -> Any:
        """The address of the other end."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """The address of this end."""
        return self.transport.getHost()

    def getTcpNoDelay(self) -> bool:
        """As the transport answers."""
        return bool(self.transport.getTcpNoDelay())

    def setTcpNoDelay(self, enabled: bool) -> None:
        """As on the transport."""
        self.transport.setTcpNoDelay(enabled)

    def getTcpKeepAlive(self) -> bool:
        """As the transport answers."""
        return bool(self.transport.getTcpKeepAlive())

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """As on the transport."""
        self.transport.setTcpKeepAlive(enabled)

    @property
    def shortId(self) -> str:
        """The transport's name for people."""
        return str(self.transport.shortId)

    @property
    def context(self) -> Any:
        """The context in which the protocol is called."""
        return self.transport.context

    @property
    def openedAt(self) -> float:
        """When the transport was opened, a `time.time`."""
        return float(self.transport.openedAt)

    @property
    def state(self) -> str:
        """Where in its life the connection is."""
        if not self.connected:
            return "closed"
        return "closing" if self.disconnecting or self._is_over else str(self.transport.state)

    @property
    def bytesIn(self) -> int:
        """Octets received, as they came."""
        return int(self.transport.bytesIn)

    @property
    def bytesOut(self) -> int:
        """Octets sent, as they left."""
        return int(self.transport.bytesOut)

    @property
    def bufferedBytes(self) -> int:
        """Octets written and not yet taken by the system."""
        return self._collected_size + int(self.transport.bufferedBytes)

    def idleSeconds(self) -> float | None:
        """Seconds since data last moved in either direction; None when the system does not tell."""
        found: float | None = self.transport.idleSeconds()
        return found

    def logPrefix(self) -> str:
        """The name of the protocol inside, and that it is TLS."""
        wrapped = self.wrappedProtocol
        name = wrapped.logPrefix() if ILoggingContext.providedBy(wrapped) else type(wrapped).__name__
        return f"{name} (TLS)"

    def __repr__(self) -> str:
        inside = type(self.wrappedProtocol).__name__
        return f"<TLSMemoryBIOProtocol of {inside} over {self.transport!r}>"

    def __getattr__(self, name: str) -> Any:
        # Only what is not found here comes this way: the rest of the transport.
        transport = self.__dict__.get("transport")
        if transport is None or name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}, and no transport yet that might have it"
            )
        return getattr(transport, name)
