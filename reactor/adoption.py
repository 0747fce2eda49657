"""Sockets that somebody else opened: taken over by number, as from systemd or from a parent process."""

from __future__ import annotations

import socket
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from . import tcp, udp, unix
from .arguments import check_datagram_protocol, check_factory, check_packet_size, check_protocol
from .error import UnsupportedAddressFamily, UnsupportedSocketType
from .interfaces import IReactorSocket
from .unix.paths import address_from

if TYPE_CHECKING:
    from .core import Reactor

INTERNET = (socket.AF_INET, socket.AF_INET6)


@implementer(IReactorSocket)
class Adopts:
    """The part of a reactor that takes over sockets."""

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> tcp.Port | unix.Port:
        """Accept on a listening stream socket that somebody else opened.

        The descriptor is duplicated: yours is still yours to close; so is the file of a Unix socket. Raises
        UnsupportedAddressFamily, UnsupportedSocketType, OSError.
        """
        check_factory("adoptStreamPort", factory)
        sock = adopted_socket(fileDescriptor, addressFamily)
        reactor = cast("Reactor", self)
        listening: tcp.Port | unix.Port
        if addressFamily == socket.AF_UNIX:
            listening = unix.Port(reactor, b"", factory, adopted=sock)
        else:
            interface, number = sock.getsockname()[:2]
            listening = tcp.Port(reactor, number, factory, interface=interface, adopted=sock)
        listening.startListening()
        return listening

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: int, factory: Any
    ) -> tcp.Server | unix.Server | None:
        """Serve a connected stream socket that somebody else accepted or made.

        The transport; None when the factory gave no protocol. The descriptor is duplicated: yours is still
        yours to close. Raises UnsupportedAddressFamily, UnsupportedSocketType, OSError.
        """
        check_factory("adoptStreamConnection", factory)
        sock = adopted_socket(fileDescriptor, addressFamily)
        is_unix = addressFamily == socket.AF_UNIX
        try:
            name = sock.getpeername()
            peer: Any = address_from(name) if is_unix else tcp.address_of(sock, name)
            protocol = factory.buildProtocol(peer)
            if protocol is not None:
                check_protocol(factory, protocol)
        except BaseException:
            sock.close()
            raise
        if protocol is None:
            sock.close()
            return None
        kind = unix.Server if is_unix else tcp.Server
        connection = kind(cast("Reactor", self), sock, peer, factory, copy_context())
        connection.context.run(connection.begin, protocol)
        return connection

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> udp.MulticastPort:
        """Exchange datagrams on a bound UDP socket that somebody else opened.

        The descriptor is duplicated: yours is still yours to close. Raises UnsupportedAddressFamily,
        UnsupportedSocketType, OSError, TypeError, ValueError.
        """
        check_datagram_protocol("adoptDatagramPort", protocol)
        check_packet_size("adoptDatagramPort", maxPacketSize)
        if addressFamily not in INTERNET:
            raise UnsupportedAddressFamily(f"{addressFamily!r}: UDP is of AF_INET or AF_INET6")
        sock = adopted_socket(fileDescriptor, addressFamily, socket.SOCK_DGRAM)
        port = udp.MulticastPort(cast("Reactor", self), 0, protocol, "", maxPacketSize, sock)
        port.startListening()
        return port


def adopted_socket(fd: int, family: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket of our own on a duplicate of `fd`, after checking what it is.

    Raises UnsupportedAddressFamily, UnsupportedSocketType, OSError when `fd` is no socket.
    """
    if family not in (*INTERNET, socket.AF_UNIX):
        raise UnsupportedAddressFamily(f"{family!r}: AF_INET, AF_INET6 and AF_UNIX sockets can be adopted")
    sock = socket.fromfd(fd, family, kind)
    try:
        _check(sock, family, kind)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _check(sock: socket.socket, family: int, kind: int) -> None:
    found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    if found != kind:
        wanted = "stream" if kind == socket.SOCK_STREAM else "datagram"
        raise UnsupportedSocketType(f"{found!r}: only {wanted} sockets can be adopted here")
    domain = getattr(socket, "SO_DOMAIN", None)  # not on every system
    if domain is not None and (really := sock.getsockopt(socket.SOL_SOCKET, domain)) != family:
        raise UnsupportedAddressFamily(f"the socket is of family {really!r}, not {family!r}")
