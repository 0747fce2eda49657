"""UDP ports."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from ..abstract import isIPAddress, isIPv6Address
from ..address import IPv4Address, IPv6Address
from ..datagrams import DatagramPort
from ..error import CannotListenError, InvalidAddressError
from ..interfaces import IUDPTransport
from ..stream import Socket, short
from ..tcp.sockets import ipv6_sockaddr

if TYPE_CHECKING:
    from ..core import Reactor

Address = IPv4Address | IPv6Address

BROADCAST = "<broadcast>"
"""What Python's sockets call 255.255.255.255."""


@implementer(IUDPTransport)
class Port(DatagramPort):
    """A UDP port: gives each datagram that comes to `protocol`, and sends what that writes.

    Addresses are (literal host, port) pairs; an IPv6 host that needs a scope has it: ``fe80::1%2``.
    """

    kind = "udp"

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        adopted: Socket | None = None,
    ) -> None:
        super().__init__(reactor, protocol, maxPacketSize, adopted)
        self.port = port
        self.interface = interface
        self.addressFamily = socket.AF_INET6 if isIPv6Address(interface) else socket.AF_INET
        self._peer_address: Address | None = None

    # -- the socket ---------------------------------------------------------------------------------

    def take_socket(self, sock: Socket) -> None:
        self.addressFamily = sock.family
        self._shown = _shown_ipv6 if sock.family == socket.AF_INET6 else None
        super().take_socket(sock)
        self.port = self._address.port

    def bound_socket(self) -> Socket:
        sock = None
        try:
            sock = socket.socket(self.addressFamily, socket.SOCK_DGRAM)
            sock.setblocking(False)
            self.prepare(sock)
            if self.addressFamily == socket.AF_INET6:
                # "::" hears both families whatever the system's default is; other addresses have one.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.interface != "::")
                sock.bind(ipv6_sockaddr(self.interface, self.port))
            else:
                sock.bind((self.interface, self.port))
        except OSError as error:
            if sock is not None:
                sock.close()
            raise CannotListenError(self.interface, self.port, error) from error
        return sock

    def prepare(self, sock: Socket) -> None:
        """Set what has to be set before the socket is bound. Raises OSError."""

    def address_from(self, sock: Socket, sockaddr: Any) -> Address:
        return udp_address(sock.family, sockaddr)

    # -- where to -----------------------------------------------------------------------------------

    def connect(self, host: str, port: int) -> None:
        """Exchange datagrams with this literal address and port only, from now on.

        That nobody listens there can be noticed then: the protocol's `connectionRefused` is called. Raises
        RuntimeError when it is connected already, TypeError, ValueError (InvalidAddressError for a host
        name), OSError.
        """
        if self._peer is not None:
            raise RuntimeError(
                f"connect() to {host}:{port}: this port is connected to {self._peer!r} already"
            )
        sockaddr = self._checked("connect", (host, port))
        try:
            self.socket.connect(sockaddr)
        except OSError as error:
            raise OSError(
                error.errno, f"cannot connect to {host}:{port}: {error.strerror or error}"
            ) from error
        self._peer = (host, port)
        self._peer_address = udp_address(self.addressFamily, self.socket.getpeername())
        self._address = udp_address(self.addressFamily, self.socket.getsockname())

    def getPeer(self) -> Any:
        """The IPv4Address or IPv6Address it is connected to; None when it is not."""
        return self._peer_address

    def checked_destination(self, addr: Any) -> Any:
        if addr is None:
            raise ValueError(
                "write() needs to know where to: write(packet, (host, port)), or connect() before"
            )
        return self._checked("write", addr)

    def _checked(self, verb: str, addr: Any) -> tuple[Any, ...]:
        """`addr` as the system takes it. Names are refused: looking them up would block everything."""
        if not isinstance(addr, tuple) or len(addr) != 2 or not isinstance(addr[0], str):
            raise TypeError(f"{verb}() takes the address as (host, port), not {short(addr)}")
        host, port = addr
        if not isinstance(port, int) or isinstance(port, bool):
            raise TypeError(f"{verb}() takes a port number, not {port!r}")
        if not 0 <= port <= 65535:
            raise ValueError(f"{verb}() takes a port number from 0 to 65535, not {port}")
        is_ipv4 = isIPAddress(host) or host == BROADCAST
        if not (is_ipv4 or isIPv6Address(host)):
            raise InvalidAddressError(
                host, f"{verb}() takes literal addresses, not names: await reactor.resolve({host!r}) before"
            )
        if is_ipv4 == (self.addressFamily == socket.AF_INET6):
            ours, given = ("IPv4", "IPv6") if not is_ipv4 else ("IPv6", "IPv4")
            raise InvalidAddressError(host, f"{verb}() on an {ours} port cannot reach an {given} address")
        return addr if is_ipv4 else ipv6_sockaddr(host, port)

    # -- options ------------------------------------------------------------------------------------

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Allow datagrams to broadcast addresses (SO_BROADCAST), or forbid them, as it is at first."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, bool(enabled))

    def getBroadcastAllowed(self) -> bool:
        """Whether datagrams to broadcast addresses are allowed."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST))

    def remedy(self, error: OSError) -> str:
        if error.errno == errno.EACCES and not self.getBroadcastAllowed():
            return "; for a broadcast address, setBroadcastAllowed(True) before"
        return ""


def udp_address(family: int, sockaddr: Any) -> Address:
    """The address that a socket address of `family` stands for."""
    if family == socket.AF_INET6:
        host, port, flow, scope = sockaddr
        return IPv6Address("UDP", host, port, flow, scope)
    return IPv4Address("UDP", sockaddr[0], sockaddr[1])


def _shown_ipv6(sockaddr: Any) -> tuple[str, int]:
    """A sender as the protocol is told of it: flow left out, and a scope where there is one."""
    host, port, _, scope = sockaddr
    return (f"{host}%{scope}" if scope else host), port
