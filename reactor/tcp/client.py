"""Connections that we make, from the attempt on."""

from __future__ import annotations

import errno
import os
import socket
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..abstract import isIPAddress, isIPv6Address
from ..address import IPv6Address
from ..defer import Deferred
from ..error import ConnectBindError, ConnectError, ServiceNameUnknownError, getConnectError
from ..failure import Failure
from ..stream import State
from .connection import Connection
from .sockets import Address, address_of, checked_service, ipv6_sockaddr, no_delay, reuse_address

if TYPE_CHECKING:
    from ..core import Reactor
    from .connector import Connector


class Client(Connection):
    """A connection that we make: first an attempt, then open, then closed.

    The attempt begins in the next turn of the loop, so that nothing is reported before its caller can listen.
    """

    __slots__ = ("_attempting", "_lookup", "connector", "factory")

    def __init__(self, reactor: Reactor, connector: Connector, context: Context) -> None:
        super().__init__(reactor, None, context)
        self.connector = connector
        self.factory = connector.factory
        self._attempting = True
        self._lookup: Deferred[Address] | None = None
        self.shortId = reactor.register(self, "c")
        reactor.call_in(context, self._attempt)

    @property
    def state(self) -> State:
        return "connecting" if self._attempting else super().state

    def fileno(self) -> int:
        return -1 if self._fd == -1 else super().fileno()

    def getPeer(self) -> Any:
        """The IPv4Address or IPv6Address of the other end, or where the attempt goes to."""
        return self._peer if self._peer is not None else self.connector.getDestination()

    def getHost(self) -> Any:
        """The address of this end; None until there is one."""
        return None if self._attempting else super().getHost()

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
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._refused(error)
            return
        sock.setblocking(False)
        self._take_socket(sock)
        if self.connector.bindAddress is not None and not self._bind(family, *self.connector.bindAddress):
            return
        try:
            sock.connect(sockaddr)
        except (BlockingIOError, InterruptedError):
            pass  # under way; the descriptor becomes writable when it is decided
        except OSError as error:
            self._refused(error)
            return
        self._writing = True
        self.reactor.driver.add_writer(self._fd, self._decided, self.context)

    def _bind(self, family: int, host: str, port: int) -> bool:
        try:
            if port:
                reuse_address(self.socket)
            self.socket.bind(ipv6_sockaddr(host, port) if family == socket.AF_INET6 else (host, port))
        except OSError as error:
            self._refused(error, ConnectBindError(error.errno, error.strerror or str(error)))
            return False
        return True

    def _decided(self) -> None:
        self._stop_writing()
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._refused(OSError(number, os.strerror(number)))
            return
        try:
            self._peer = address_of(self.socket, self.socket.getpeername())
            self._host = address_of(self.socket, self.socket.getsockname())
        except OSError as error:
            self._refused(error)  # it was made, and reset before we looked
            return
        if self._peer == self._host:
            # Both ends chose the same free port: TCP's simultaneous open, with nobody there but us.
            self._refused(OSError(errno.ECONNREFUSED, "connected to itself: nobody listens there"))
            return
        self._attempting = False
        no_delay(self.socket)
        self.connector.succeeded(self)

    def _refused(self, error: OSError, told: ConnectError | None = None) -> None:
        where, why = self.connector.getDestination(), error.strerror or str(error)
        told = told or getConnectError((error.errno or 0, f"{where}, {why}"))
        told.__cause__ = error
        self.fail(told)

    def fail(self, why: BaseException) -> None:
        """End the attempt because of `why`; nothing happens when it has ended already."""
        if not self._attempting:
            return
        self._attempting = False
        self._stop_writing()
        if self._fd != -1:
            self.socket.close()
        self.reactor.opened.pop(self.shortId, None)
        lookup, self._lookup = self._lookup, None
        if lookup is not None:
            lookup.addErrback(_ignore_cancelled)
            lookup.cancel()
        self.connector.failed(Failure(why))

    def ended(self, protocol: Any, reason: Failure) -> None:
        super().ended(protocol, reason)
        self.connector.lost(reason)


def _ignore_cancelled(reason: Failure) -> None:
    """The look-up was given up together with the attempt that wanted it."""
