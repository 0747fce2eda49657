"""The way to one peer: what `connectTCP` gives, and what a factory is told about."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from ..abstract import isIPv6Address
from ..address import IPv4Address, IPv6Address
from ..error import ConnectError, NotConnectingError, TimeoutError, UserError
from ..failure import Failure
from ..interfaces import IConnector
from .client import Client
from .sockets import Address

if TYPE_CHECKING:
    from ..core import Reactor
    from ..timers import DelayedCall


@implementer(IConnector)
class Connector:
    """The way to one peer: an attempt, then the connection, and again when asked to.

    `state` is "disconnected", "connecting" or "connected".
    """

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> None:
        self.reactor = reactor
        self.host = host
        self.port = port
        self.factory = factory
        self.timeout = timeout
        self.bindAddress = bindAddress
        self.state: Literal["disconnected", "connecting", "connected"] = "disconnected"
        self.transport: Client | None = None
        self.context = copy_context()
        self._timer: DelayedCall | None = None
        self._factory_started = False

    def connect(self) -> None:
        """Begin an attempt. Raises RuntimeError when there is one, or a connection, already."""
        if self.state != "disconnected":
            raise RuntimeError(f"connect() needs a connector that is disconnected, this one is {self.state}")
        self.state = "connecting"
        if not self._factory_started:
            self.factory.doStart()
            self._factory_started = True
        self.transport = Client(self.reactor, self, self.context.copy())
        if self.timeout is not None:
            self._timer = self.reactor.callLater(self.timeout, self._timed_out)
        self.factory.startedConnecting(self)

    def _timed_out(self) -> None:
        self._timer = None
        if self.transport is not None:
            self.transport.fail(
                TimeoutError(string=f"{self.getDestination()} gave no answer in {self.timeout} s")
            )

    def stopConnecting(self) -> None:
        """Give up the attempt. Raises NotConnectingError when there is none."""
        if self.state != "connecting" or self.transport is None:
            raise NotConnectingError(f"there is no attempt to stop: this connector is {self.state}")
        self.transport.fail(UserError(string="stopConnecting() was called"))

    def disconnect(self) -> None:
        """Give up the attempt, or close the connection."""
        if self.state == "connecting":
            self.stopConnecting()
        elif self.transport is not None:
            self.transport.loseConnection()

    def getDestination(self) -> Address:
        """Where it goes: an IPv6Address for a literal IPv6 host, else an IPv4Address, maybe of a name."""
        port = self.port if isinstance(self.port, int) else 0
        if isIPv6Address(self.host):
            return IPv6Address("TCP", self.host, port)
        return IPv4Address("TCP", self.host, port)

    def succeeded(self, client: Client) -> None:
        """The attempt became a connection: join it with a protocol."""
        self.state = "connected"
        self._stop_timer()
        try:
            protocol = self.factory.buildProtocol(client.getPeer())
        except BaseException as error:
            self.reactor.callback_failed(error, self.factory.buildProtocol)
            self._refuse(client, f"buildProtocol raised {type(error).__name__}: {error}")
            return
        if protocol is None:
            self._refuse(client, "the factory gave no protocol")
            return
        client.begin(protocol)

    def _refuse(self, client: Client, why: str) -> None:
        client.socket.close()
        self.reactor.opened.pop(client.shortId, None)
        self.lost(Failure(ConnectError(string=why)))

    def failed(self, reason: Failure) -> None:
        """The attempt ended without a connection."""
        self._stop_timer()
        self.transport = None
        self.state = "disconnected"
        self._tell(self.factory.clientConnectionFailed, reason)

    def lost(self, reason: Failure) -> None:
        """The connection ended."""
        self.transport = None
        self.state = "disconnected"
        self._tell(self.factory.clientConnectionLost, reason)

    def _tell(self, call: Callable[[Connector, Failure], object], reason: Failure) -> None:
        try:
            call(self, reason)
        except BaseException as error:
            self.reactor.callback_failed(error, call)
        # The factory may have connected again; only then is it still in use.
        if self.state == "disconnected" and self._factory_started:
            self._factory_started = False
            self.factory.doStop()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def __repr__(self) -> str:
        return f"<Connector to {self.getDestination()} {self.state}>"
