"""TCP over IPv4 and IPv6: connections, the ports that accept them and the attempts that make them."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Literal

from zope.interface import implementer

from .abstract import isIPAddress, isIPv6Address
from .address import IPv4Address, IPv6Address
from .defer import Deferred, succeed
from .error import (
    CannotListenError,
    ConnectBindError,
    ConnectError,
    ConnectionClosed,
    NotConnectingError,
    ServiceNameUnknownError,
    TimeoutError,
    UnsupportedAddressFamily,
    UnsupportedSocketType,
    UserError,
    getConnectError,
)
from .failure import Failure
from .interfaces import IConnector, IListeningPort, IReadDescriptor, ISystemHandle, ITCPTransport
from .stream import Socket, State, StreamConnection

if TYPE_CHECKING:
    from .core import Reactor
    from .timers import DelayedCall

log = logging.getLogger("wirelab.reactor")

Address = IPv4Address | IPv6Address

#: Connections accepted per wake-up: a flood of new ones must not keep the old ones waiting.
ACCEPTS_PER_EVENT = 64

#: Seconds to wait before accepting again when the system had no descriptor or memory left for another one.
PAUSE_ACCEPTING = 1.0

#: accept(2) fails with these when the process or the system is out of something; it may have it later.
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

#: accept(2) fails with these when that one connection died in the queue, or was forbidden; others are well.
DIED_IN_QUEUE = frozenset(
    {
        errno.ECONNABORTED,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENOPROTOOPT,
        errno.EPERM,
        errno.EPROTO,
        errno.ETIMEDOUT,
    }
)

#: Where `struct tcp_info` of Linux has the milliseconds since data was last sent and last received.
_LAST_SENT, _LAST_RECEIVED = 44, 52


@implementer(ITCPTransport)
class Connection(StreamConnection):
    """A TCP connection."""

    __slots__ = ("_host", "_peer")
    kind = "tcp"
    _host: Address | None
    _peer: Address | None

    def __init__(self, reactor: Reactor, sock: Socket | None, context: Context) -> None:
        super().__init__(reactor, sock, context)
        self._host = self._peer = None

    def getHost(self) -> Any:
        """The IPv4Address or IPv6Address of this end."""
        if self._host is None:
            self._host = address_of(self.socket, self.socket.getsockname())
        return self._host

    def getPeer(self) -> Any:
        """The IPv4Address or IPv6Address of the other end."""
        if self._peer is None:
            self._peer = address_of(self.socket, self.socket.getpeername())
        return self._peer

    def idleSeconds(self) -> float | None:
        """Seconds since data last moved in either direction; None when the system does not tell."""
        if not self.connected or not sys.platform.startswith("linux"):
            return None
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
        sent: int = struct.unpack_from("I", info, _LAST_SENT)[0]
        received: int = struct.unpack_from("I", info, _LAST_RECEIVED)[0]
        return min(sent / 1000, received / 1000, time.time() - self.openedAt)

    def getTcpNoDelay(self) -> bool:
        """Whether small segments leave at once (TCP_NODELAY); they do unless told otherwise."""
        return bool(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Let small segments leave at once, or wait for the acknowledgement of those before them."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, bool(enabled))

    def getTcpKeepAlive(self) -> bool:
        """Whether the system probes a connection that was idle for long (SO_KEEPALIVE)."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the system probe a connection that was idle for long, or not."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, bool(enabled))

    def _lose(self, why: ConnectionClosed) -> None:
        if self.connected and self._host is None:
            self._remember_host()  # the socket cannot be asked any more afterwards
        super()._lose(why)

    def _remember_host(self) -> None:
        try:
            self.getHost()
        except OSError as error:
            log.debug("%s: the system no longer knows our address: %s", self.shortId, error)

    def __repr__(self) -> str:
        ends = " -> ".join(str(end) for end in (self._host, self._peer) if end is not None)
        return f"<{type(self).__name__} {self.shortId} {ends} {self.state}>"


class Server(Connection):
    """A connection that a port accepted, or that was adopted."""

    __slots__ = ("factory", "server")

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        peer: Address,
        factory: Any,
        context: Context,
        port: Port | None = None,
    ) -> None:
        super().__init__(reactor, sock, context)
        self._peer = peer
        self.factory = factory
        self.server = port
        self.shortId = reactor.register(self, "c")

    def ended(self, protocol: Any, reason: Failure) -> None:
        if self.server is not None:
            self.server.connection_ended()
        super().ended(protocol, reason)


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
            self.fail(getConnectError(error))
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
                _reuse_address(self.socket)
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
        told = told or getConnectError(error)
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


@implementer(IListeningPort, IReadDescriptor, ISystemHandle)
class Port:
    """A listening socket: accepts connections and joins each with a protocol of `factory`.

    `connections` counts the live ones. `state` is "listening", "paused" while the system has no room for
    another connection, or "closed".
    """

    kind = "tcp"
    shortId = ""
    socket: Socket

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        factory: Any,
        backlog: int = 50,
        interface: str = "",
        adopted: Socket | None = None,
    ) -> None:
        self.reactor = reactor
        self.port = port
        self.factory = factory
        self.backlog = backlog
        self.interface = interface
        self.context = copy_context()
        self.connections = 0
        self.connectionsEver = 0
        self.bytesIn = 0
        self.bytesOut = 0
        self.bufferedBytes = 0
        self.openedAt = time.time()
        self.state: Literal["listening", "paused", "closed"] = "closed"
        self._adopted = adopted
        self._resume: DelayedCall | None = None
        self._address: Address | None = None

    def startListening(self) -> None:
        """Bind, if the socket was not adopted, and begin to accept. Raises CannotListenError."""
        if self.state != "closed":
            return
        sock = self._adopted if self._adopted is not None else self._bound_socket()
        self._adopted = None
        self.socket = sock
        self._fd = sock.fileno()
        self._address = address_of(sock, sock.getsockname())
        self.port = self._address.port
        self.openedAt = time.time()
        self.factory.doStart()
        self.state = "listening"
        self.shortId = self.reactor.register(self, "p")
        self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def _bound_socket(self) -> Socket:
        is_ipv6 = isIPv6Address(self.interface)
        sock = None
        try:
            sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            _reuse_address(sock)
            if is_ipv6:
                # "::" serves both families whatever the system's default is; other addresses have one.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.interface != "::")
                sock.bind(ipv6_sockaddr(self.interface, self.port))
            else:
                sock.bind((self.interface, self.port))
            sock.listen(self.backlog)
        except OSError as error:
            if sock is not None:
                sock.close()
            raise CannotListenError(self.interface, self.port, error) from error
        return sock

    def doRead(self) -> None:
        """Accept the connections that wait, up to a limit. What the driver calls."""
        for _ in range(ACCEPTS_PER_EVENT):
            try:
                sock, sockaddr = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in DIED_IN_QUEUE:
                    continue
                self._pause(error)
                return
            self._accepted(sock, sockaddr)
            if self.state != "listening":
                return

    def _accepted(self, sock: Socket, sockaddr: tuple[Any, ...]) -> None:
        peer = address_of(sock, sockaddr)
        try:
            protocol = self.factory.buildProtocol(peer)
        except BaseException as error:
            sock.close()
            self.reactor.callback_failed(error, self.factory.buildProtocol)
            return
        if protocol is None:
            sock.close()  # refused by the factory, which is its right
            return
        sock.setblocking(False)
        no_delay(sock)
        self.connections += 1
        self.connectionsEver += 1
        connection = Server(self.reactor, sock, peer, self.factory, self.context.copy(), self)
        connection.context.run(connection.begin, protocol)

    def _pause(self, error: OSError) -> None:
        """The system has no room for another connection now: those that come wait in its queue."""
        if error.errno in OUT_OF_RESOURCES:
            log.warning(
                "%s cannot accept more connections for now: %s; "
                "closing some helps, or a higher limit (ulimit -n)",
                self,
                error,
            )
        else:
            log.error("%s cannot accept: %s; trying again in %s s", self, error, PAUSE_ACCEPTING)
        self.state = "paused"
        self.reactor.driver.remove_reader(self._fd)
        self._resume = self.reactor.callLater(PAUSE_ACCEPTING, self._accept_again)

    def _accept_again(self) -> None:
        self._resume = None
        if self.state == "paused":
            self.state = "listening"
            self.reactor.driver.add_reader(self._fd, self.doRead, self.context)

    def connection_ended(self) -> None:
        """One of the accepted connections is gone; there may be room again."""
        self.connections -= 1
        if self._resume is not None:
            self._resume.cancel()
            self._accept_again()

    def stopListening(self) -> Deferred[None]:
        """Accept no more. The socket is closed when this returns; connections that were accepted live on."""
        if self.state == "closed":
            return succeed(None)
        self.state = "closed"
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        self.reactor.driver.remove_reader(self._fd)
        self.socket.close()
        self.reactor.opened.pop(self.shortId, None)
        self.factory.doStop()
        return succeed(None)

    loseConnection = stopListening

    def connectionLost(self, reason: Failure) -> None:
        """Stop to listen because of `reason`."""
        self.stopListening()

    def getHost(self) -> Any:
        """The IPv4Address or IPv6Address it listens on; after it was closed, listened on."""
        if self._address is None:
            raise RuntimeError("this port has no address before startListening()")
        return self._address

    def getHandle(self) -> Socket:
        """The listening socket."""
        return self.socket

    def fileno(self) -> int:
        """The descriptor's number, -1 when closed."""
        return self.socket.fileno() if self.state != "closed" else -1

    def idleSeconds(self) -> float | None:
        """None: a port itself moves no data."""
        return None

    def logPrefix(self) -> str:
        """The name of the factory and of this port."""
        return f"{type(self.factory).__name__},{self.shortId}"

    def __repr__(self) -> str:
        where = self._address if self._address is not None else f"port {self.port}"
        return f"<Port {self.shortId} {where} {self.state}>"


def adopted_socket(fd: int, family: int) -> socket.socket:
    """A socket of our own on a duplicate of `fd`, after checking what it is.

    Raises UnsupportedAddressFamily, UnsupportedSocketType, OSError when `fd` is no socket.
    """
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise UnsupportedAddressFamily(f"{family!r}: AF_INET and AF_INET6 streams can be adopted")
    sock = socket.fromfd(fd, family, socket.SOCK_STREAM)
    try:
        kind = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        if kind != socket.SOCK_STREAM:
            raise UnsupportedSocketType(f"{kind!r}: only stream sockets can be adopted here")
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def address_of(sock: socket.socket, sockaddr: tuple[Any, ...]) -> Address:
    """The address that a socket address of `sock`'s family stands for."""
    if sock.family == socket.AF_INET6:
        host, port, flow, scope = sockaddr
        return IPv6Address("TCP", host, port, flow, scope)
    return IPv4Address("TCP", sockaddr[0], sockaddr[1])


def ipv6_sockaddr(host: str, port: int) -> tuple[str, int, int, int]:
    """The socket address of a literal IPv6 host, its scope by name or number. Raises OSError."""
    address, _, scope = host.partition("%")
    if not scope:
        return address, port, 0, 0
    return address, port, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


def checked_service(port: int | str) -> int:
    """A port number, looked up when it is the name of a service. Raises OSError."""
    return socket.getservbyname(port, "tcp") if isinstance(port, str) else port


def no_delay(sock: socket.socket) -> None:
    """Turn TCP_NODELAY on: an event's writes leave as one already, so waiting for more only adds delay."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        log.debug("TCP_NODELAY refused: %s", error)  # the peer has reset the connection already


def _reuse_address(sock: socket.socket) -> None:
    # On Windows the option means something else: two programs on one port.
    if os.name == "posix":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
