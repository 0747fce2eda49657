"""Endpoints on one TCP port of one address family."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..address import HostnameAddress, IPv6Address
from ..defer import Deferred, execute, fail
from ..interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from ..resolver import encode_host_name, is_literal
from .attempt import attempt
from .errors import InvalidHostNameError
from .race import Race
from .values import MAX_PORT

Binding = tuple[str, int]


def checked_port(call: str, port: int) -> int:
    """`port`. Raises TypeError, ValueError when no port can have that number."""
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"{call}() takes the port as int, not {type(port).__name__}: {port!r}")
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"{call}() takes a port from 0 to {MAX_PORT}, not {port!r}")
    return port


def checked_binding(call: str, bindAddress: Binding | str | None) -> Binding | None:
    """`bindAddress` as the (host, port) pair that reactors take, port 0 for any; None stays None."""
    if bindAddress is None or isinstance(bindAddress, tuple):
        return bindAddress
    if isinstance(bindAddress, bytes):
        return bindAddress.decode("ascii"), 0
    if isinstance(bindAddress, str):
        return bindAddress, 0
    raise TypeError(f"{call}() takes bindAddress as (host, port), host or None, not {bindAddress!r}")


class _TCPServerEndpoint:
    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "") -> None:
        self.reactor = reactor
        self.port = checked_port(type(self).__name__, port)
        self.backlog = backlog
        self.interface = interface

    def __repr__(self) -> str:
        where = f"[{self.interface}]" if ":" in self.interface else self.interface
        return f"<{type(self).__name__} {where}:{self.port}>"

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the IListeningPort; it has fired already. Errback: CannotListenError."""
        return execute(
            self.reactor.listenTCP,
            self.port,
            protocolFactory,
            backlog=self.backlog,
            interface=self.interface,
        )


@implementer(IStreamServerEndpoint)
class TCP4ServerEndpoint(_TCPServerEndpoint):
    """Listens on a TCP `port` over IPv4, 0 meaning any that is free.

    `interface` is a literal address, empty for all; `backlog` is how many connections wait to be accepted.
    """


@implementer(IStreamServerEndpoint)
class TCP6ServerEndpoint(_TCPServerEndpoint):
    """Listens on a TCP `port` over IPv6, 0 meaning any that is free.

    `interface` is a literal address, ``"::"`` for all; `backlog` is how many connections wait to be accepted.
    """

    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "::") -> None:
        super().__init__(reactor, port, backlog, interface)


class _TCPClientEndpoint:
    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        timeout: float = 30,
        bindAddress: Binding | str | None = None,
    ) -> None:
        call = type(self).__name__
        if not isinstance(host, str):
            raise TypeError(f"{call}() takes the host as str, not {type(host).__name__}: {host!r}")
        self.reactor = reactor
        self.host = host
        self.port = checked_port(call, port)
        self.timeout = timeout
        self.bindAddress = checked_binding(call, bindAddress)

    def __repr__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"<{type(self).__name__} {host}:{self.port}>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the connected protocol; cancelling it stops the attempt.

        Errback: ConnectError and kin, NoProtocol, ConnectingCancelledError.
        """
        return attempt(
            protocolFactory,
            lambda new: self.reactor.connectTCP(
                self.host, self.port, new, timeout=self.timeout, bindAddress=self.bindAddress
            ),
        ).result


@implementer(IStreamClientEndpoint)
class TCP4ClientEndpoint(_TCPClientEndpoint):
    """Connects to a TCP `port` of `host` over IPv4, trying for `timeout` seconds.

    `bindAddress` is what to connect from: a (literal address, port) pair or the address alone.
    """


@implementer(IStreamClientEndpoint)
class TCP6ClientEndpoint(_TCPClientEndpoint):
    """Connects to a TCP `port` of `host` over IPv6, trying for `timeout` seconds.

    `host` is a literal address or a name, whose IPv6 addresses are tried as `HostnameEndpoint` does.
    `bindAddress` as in `TCP4ClientEndpoint`.
    """

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Deferred of the connected protocol; cancelling it stops the look-up and the attempts.

        Errback: as `HostnameEndpoint.connect`.
        """
        if is_literal(self.host):
            return super().connect(protocolFactory)
        try:
            name = encode_host_name(self.host)
        except ValueError as error:
            return fail(InvalidHostNameError(f"invalid host name {self.host!r}: {error}"))
        destination = HostnameAddress(name.encode("ascii"), self.port)
        race = Race(self.reactor, destination, protocolFactory, self.timeout, self.bindAddress)
        race.start(name, [IPv6Address])
        return race.result
