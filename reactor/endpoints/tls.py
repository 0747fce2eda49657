"""Endpoints inside TLS. OpenSSL is imported when they are used, and not with this module."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..defer import Deferred, execute, fail
from ..interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from .attempt import attempt
from .tcp import Binding, checked_binding, checked_port


@implementer(IStreamServerEndpoint)
class SSL4ServerEndpoint:
    """Listens on a TCP `port` and speaks TLS there.

    `sslContextFactory` is a `ssl.CertificateOptions`, or the `options()` of a `ssl.PrivateCertificate`.
    `interface` is a literal address, empty for all of IPv4; `backlog` is how many connections wait to be
    accepted.
    """

    def __init__(
        self, reactor: Any, port: int, sslContextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> None:
        self.reactor = reactor
        self.port = checked_port("SSL4ServerEndpoint", port)
        self.sslContextFactory = sslContextFactory
        self.backlog = backlog
        self.interface = interface

    def __repr__(self) -> str:
        where = f"[{self.interface}]" if ":" in self.interface else self.interface
        return f"<SSL4ServerEndpoint {where}:{self.port}>"

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the IListeningPort; it has fired already. Errback: CannotListenError."""
        return execute(
            self.reactor.listenSSL,
            self.port,
            protocolFactory,
            contextFactory=self.sslContextFactory,
            backlog=self.backlog,
            interface=self.interface,
        )


@implementer(IStreamClientEndpoint)
class SSL4ClientEndpoint:
    """Connects to a TCP `port` of `host` and speaks TLS there, trying for `timeout` seconds.

    `sslContextFactory` is what ``ssl.optionsForClientTLS(host)`` gives: that verifies whom it talks to.
    `bindAddress` is what to connect from: a (literal address, port) pair or the address alone.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        sslContextFactory: Any,
        timeout: float = 30,
        bindAddress: Binding | str | None = None,
    ) -> None:
        self.reactor = reactor
        self.host = host
        self.port = checked_port("SSL4ClientEndpoint", port)
        self.sslContextFactory = sslContextFactory
        self.timeout = timeout
        self.bindAddress = checked_binding("SSL4ClientEndpoint", bindAddress)

    def __repr__(self) -> str:
        return f"<SSL4ClientEndpoint {self.host}:{self.port}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the protocol, once connected: the handshake goes on; cancelling stops the attempt.

        Errback: ConnectError and kin, NoProtocol, ConnectingCancelledError.
        """
        return attempt(
            protocolFactory,
            lambda new: self.reactor.connectSSL(
                self.host,
                self.port,
                new,
                self.sslContextFactory,
                timeout=self.timeout,
                bindAddress=self.bindAddress,
            ),
        ).result


@implementer(IStreamClientEndpoint)
class _TLSClientEndpoint:
    """What `wrapClientTLS` gives."""

    def __init__(self, connection_creator: Any, wrapped: Any, clock: Any) -> None:
        self._creator = connection_creator
        self._wrapped = wrapped
        self._clock = clock

    def __repr__(self) -> str:
        return f"<TLS with {self._creator!r} over {self._wrapped!r}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the protocol, once connected: the handshake goes on; cancelling stops the attempt.

        Errback: as the wrapped endpoint's.
        """
        from ..tls import TLSMemoryBIOFactory

        try:
            factory = TLSMemoryBIOFactory(self._creator, True, protocolFactory, self._clock)
        except Exception:
            return fail()
        connected: Deferred[Any] = self._wrapped.connect(factory)
        return connected.addCallback(lambda tls: tls.wrappedProtocol)


def wrapClientTLS(connectionCreator: Any, wrappedEndpoint: Any, clock: Any = None) -> _TLSClientEndpoint:
    """TLS over any client endpoint: ``wrapClientTLS(optionsForClientTLS(host), endpoint)``.

    `clock` gives the time for time-outs; by default the reactor of the connection does.
    """
    return _TLSClientEndpoint(connectionCreator, wrappedEndpoint, clock)
