"""TCP connections that we make, from the attempt on."""

from __future__ import annotations

import errno
import socket
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..abstract import isIPAddress, isIPv6Address
from ..address import IPv6Address
from ..connecting import Attempting
from ..defer import Deferred
from ..error import ConnectBindError, ServiceNameUnknownError
from ..failure import Failure
from .connection import Connection
from .sockets import Address, address_of, checked_service, ipv6_sockaddr, no_delay, reuse_address

if TYPE_CHECKING:
    from ..core import Reactor
    from .connector import Connector


class Client(Attempting, Connection):
    """A TCP connection that we make: first an attempt, then open, then closed."""

    __slots__ = ("_attempting", "_lookup", "connector", "factory")
    _is_client = True
    connector: Connector

    def __init__(self, reactor: Reactor, connector: Connector, context: Context) -> None:
        self._lookup: Deferred[Address] | None = None
        super().__init__(reactor, connector, context)

    def _attempt(self) -> None:
        if not self._attempting:
            return
        try:
            port = checked_service(self.connector.port)
        except OSError:
            self.fail(ServiceNameUnknownError(string=repr(self.connector.port)))
            return
        host = self.connector.host
        if isIPAddress(host):
            self._connect_to(socket.AF_INET, (host, port))
        elif isIPv6Address(host):
            self._connect_to(socket.AF_INET6, ipv6_sockaddr(host, port))
        else:
            self._lookup = self.reactor.first_address(host, port)
            self._lookup.addCallbacks(self._resolved, self._not_resolved)

    def _resolved(self, address: Address) -> None:
        self._lookup = None
        if isinstance(address, IPv6Address):
            self._connect_to(
                socket.AF_INET6, (address.host, address.port, address.flowInfo, int(address.scopeID))
            )
        else:
            self._connect_to(socket.AF_INET, (address.host, address.port))

    def _not_resolved(self, reason: Failure) -> None:
        self._lookup = None
        if self._attempting:
            self.fail(reason.value)

    def _connect_to(self, family: int, sockaddr: tuple[Any, ...]) -> None:
        if not self.new_socket(family):
            return
        if self.connector.bindAddress is not None and not self._bind(family, *self.connector.bindAddress):
            return
        try:
            self.socket.connect(sockaddr)
        except (BlockingIOError, InterruptedError):
            pass  # under way
        except OSError as error:
            self.refused(error)
            return
        self.wait_for_decision()

    def _bind(self, family: int, host: str, port: int) -> bool:
        try:
            if port:
                reuse_address(self.socket)
            self.socket.bind(ipv6_sockaddr(host, port) if family == socket.AF_INET6 else (host, port))
        except OSError as error:
            self.refused(error, ConnectBindError(error.errno, error.strerror or str(error)))
            return False
        return True

    def check_made(self) -> None:
        self._peer = address_of(self.socket, self.socket.getpeername())
        self._host = address_of(self.socket, self.socket.getsockname())
        if self._peer == self._host:
            # Both ends chose the same free port: TCP's simultaneous open, with nobody there but us.
            raise OSError(errno.ECONNREFUSED, "connected to itself: nobody listens there")
        no_delay(self.socket)

    def give_up(self) -> None:
        lookup, self._lookup = self._lookup, None
        if lookup is not None:
            lookup.addErrback(_ignore_cancelled)
            lookup.cancel()


def _ignore_cancelled(reason: Failure) -> None:
    """The look-up was given up together with the attempt that wanted it."""
