"""One connection, as a Deferred of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..defer import Deferred
from ..failure import Failure
from .base import Protocol
from .factories import ClientFactory, not_a_class
from .shown import shown

P = TypeVar("P", bound=Protocol)


class _OneConnection(ClientFactory, Generic[P]):
    """Hands out `instance` for one connection, and fires `deferred` in the turn after it was made or failed.

    The turn between lets the protocol have its `connectionMade` before its new owner gets hold of it.
    """

    noisy = False

    def __init__(self, reactor: Any, instance: P, deferred: Deferred[P]) -> None:
        self.reactor = reactor
        self.instance = instance
        self.deferred: Deferred[P] | None = deferred
        self.pending: Any = None

    def __repr__(self) -> str:
        return f"<ClientCreator's factory for {shown(self.instance)}>"

    def buildProtocol(self, addr: Any) -> P:
        if self.deferred is not None:
            self._fire_soon(self.deferred.callback, self.instance)
        return self.instance

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        if self.deferred is not None:
            self._fire_soon(self.deferred.errback, reason)

    def _fire_soon(self, fire: Callable[[Any], None], value: object) -> None:
        self.pending = self.reactor.callLater(0, self._fire, fire, value)
        self.deferred = None

    def _fire(self, fire: Callable[[Any], None], value: object) -> None:
        self.pending = None
        fire(value)

    def give_up(self, connector: Any) -> None:
        """The Deferred was cancelled: drop the attempt, or the connection that nobody will get."""
        self.deferred = None
        if self.pending is not None:
            self.pending.cancel()
            self.pending = None
        connector.disconnect()


class ClientCreator(Generic[P]):
    """Opens connections that share nothing and do not reconnect: each call gives a Deferred of its protocol.

    Cancelling the Deferred gives up the attempt; it fails with `defer.CancelledError`.
    """

    def __init__(self, reactor: Any, protocolClass: Callable[..., P], *args: Any, **kwargs: Any) -> None:
        """Protocols are made as ``protocolClass(*args, **kwargs)``, connections by `reactor`."""
        if not callable(protocolClass):
            raise TypeError(not_a_class(protocolClass, "ClientCreator()"))
        self.reactor = reactor
        self.protocolClass = protocolClass
        self.args = args
        self.kwargs = kwargs

    def connectTCP(
        self, host: str, port: int, timeout: float | None = 30, bindAddress: tuple[str, int] | None = None
    ) -> Deferred[P]:
        """Connect to TCP `port` of `host`, giving up after `timeout` seconds, from `bindAddress` if given."""
        return self._connect(self.reactor.connectTCP, host, port, timeout=timeout, bindAddress=bindAddress)

    def connectUNIX(self, address: str, timeout: float | None = 30, checkPID: bool = False) -> Deferred[P]:
        """Connect to the Unix socket at the path `address`; `checkPID` looks at its lock file first."""
        return self._connect(self.reactor.connectUNIX, address, timeout=timeout, checkPID=checkPID)

    def connectSSL(
        self,
        host: str,
        port: int,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Deferred[P]:
        """Connect with TLS to TCP `port` of `host`, as `contextFactory` (`ssl.optionsForClientTLS`) says."""
        return self._connect(
            self.reactor.connectSSL,
            host,
            port,
            contextFactory=contextFactory,
            timeout=timeout,
            bindAddress=bindAddress,
        )

    def _connect(self, method: Callable[..., Any], *args: object, **kwargs: object) -> Deferred[P]:
        """Open a connection by calling `method` with the factory put where all three of them take it."""
        deferred: Deferred[P] = Deferred(lambda _: factory.give_up(connector))
        factory = _OneConnection(self.reactor, self.protocolClass(*self.args, **self.kwargs), deferred)
        connector = method(*args, factory, **kwargs)
        return deferred
