"""The factory that puts TLS around the protocols of another."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

from ..failure import Failure
from ..interfaces import ILoggingContext
from ..protocol import ClientFactory
from .creators import connection_creator
from .protocol import TLSMemoryBIOProtocol


class TLSMemoryBIOFactory(ClientFactory):
    """Wraps each protocol that `wrappedFactory` builds in a `TLSMemoryBIOProtocol`."""

    protocol = TLSMemoryBIOProtocol
    noisy = False  # the factory inside tells of its start already

    def __init__(self, contextFactory: Any, isClient: bool, wrappedFactory: Any, clock: Any = None) -> None:
        """`contextFactory` is what `optionsForClientTLS` gives, `CertificateOptions` or its like.

        `isClient` says which side of TLS this is, whoever connected. `clock` gives the time for time-outs; by
        default the transport's reactor does, where it has one.

        Raises TypeError for what is no context factory, and what that raises for bad settings.
        """
        self.wrappedFactory = wrappedFactory
        self.isClient = isClient
        self.clock = clock
        self.protocols: dict[Any, int] = {}
        """The TLS protocols of the open connections, as keys."""
        self._create = connection_creator(contextFactory, isClient)
        self._keep_session = getattr(contextFactory, "keep_session", None)

    def logPrefix(self) -> str:
        """The inner factory's name, and that it is TLS."""
        wrapped = self.wrappedFactory
        name = wrapped.logPrefix() if ILoggingContext.providedBy(wrapped) else type(wrapped).__name__
        return f"{name} (TLS)"

    def connection_for(self, tls_protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """The TLS side of a new connection."""
        return self._create(tls_protocol)

    def keep_session(self, connection: SSL.Connection) -> None:
        """A connection whose handshake succeeded is over: its session may be resumed."""
        if self._keep_session is not None:
            self._keep_session(connection)

    # -- passed on to the factory inside --------------------------------------------------------------

    def doStart(self) -> None:
        """Start both factories."""
        self.wrappedFactory.doStart()
        super().doStart()

    def doStop(self) -> None:
        """Stop both factories."""
        self.wrappedFactory.doStop()
        super().doStop()

    def startedConnecting(self, connector: Any) -> None:
        """Pass it on."""
        self.wrappedFactory.startedConnecting(connector)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Pass it on."""
        self.wrappedFactory.clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Pass it on."""
        self.wrappedFactory.clientConnectionLost(connector, reason)

    def buildProtocol(self, addr: Any) -> Any:
        """TLS around the protocol for `addr`; None where the wrapped factory refuses."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else self.protocol(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """The connection of `p`, one of our protocols, is open."""
        self.protocols[p] = 1

    def unregisterProtocol(self, p: Any) -> None:
        """The connection of `p` is lost."""
        self.protocols.pop(p, None)
