"""The way to one TCP peer: what `connectTCP` gives, and what a factory is told about."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..abstract import isIPv6Address
from ..address import IPv4Address, IPv6Address
from ..connecting import StreamConnector
from .client import Client
from .sockets import Address

if TYPE_CHECKING:
    from ..core import Reactor


class Connector(StreamConnector):
    """The way to one TCP peer: an attempt, then the connection, and again when asked to."""

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> None:
        super().__init__(reactor, factory, timeout)
        self.host = host
        self.port = port
        self.bindAddress = bindAddress

    def new_client(self, context: Context) -> Client:
        return Client(self.reactor, self, context)

    def getDestination(self) -> Address:
        """Where it goes: an IPv6Address for a literal IPv6 host, else an IPv4Address, maybe of a name."""
        port = self.port if isinstance(self.port, int) else 0
        if isIPv6Address(self.host):
            return IPv6Address("TCP", self.host, port)
        return IPv4Address("TCP", self.host, port)
