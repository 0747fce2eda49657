"""Opening ports and connections inside TLS: the part of a reactor that does so.

OpenSSL is imported by the first of these calls, which costs it some 60 ms, and not with the reactor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from .arguments import check_client_factory, check_factory
from .interfaces import IReactorSSL

if TYPE_CHECKING:
    from .core import Reactor
    from .tcp import Connector, Port


@implementer(IReactorSSL)
class OpensTLS:
    """The part of a reactor that speaks TLS over TCP."""

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> Port:
        """As `listenTCP`, each connection inside TLS.

        `contextFactory` is a `ssl.CertificateOptions` or its like. Raises as `listenTCP` does, TypeError for
        what is no context factory, and what that raises for bad settings.
        """
        from .tls import TLSMemoryBIOFactory

        check_factory("listenSSL", factory)
        reactor = cast("Reactor", self)
        wrapping = TLSMemoryBIOFactory(contextFactory, False, factory, reactor)
        listening = reactor.listenTCP(port, wrapping, backlog, interface)
        listening.kind = "tls"
        return listening

    def connectSSL(
        self,
        host: str,
        port: int | str,
        factory: Any,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Connector:
        """As `connectTCP`, inside TLS. `contextFactory` is what ``ssl.optionsForClientTLS(host)`` gives.

        The protocol is connected before the handshake, and what it writes waits for that; why a handshake
        failed, its `connectionLost` is told. Raises as `connectTCP` and `listenSSL` do.
        """
        from .tls import TLSMemoryBIOFactory

        check_client_factory("connectSSL", factory)
        reactor = cast("Reactor", self)
        wrapping = TLSMemoryBIOFactory(contextFactory, True, factory, reactor)
        return reactor.connectTCP(host, port, wrapping, timeout, bindAddress)
