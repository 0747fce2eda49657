"""TCP ports: listening sockets of IPv4 and IPv6."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ..abstract import isIPv6Address
from ..error import CannotListenError
from ..listening import StreamPort
from ..stream import Socket
from .connection import Server
from .sockets import Address, address_of, ipv6_sockaddr, no_delay, reuse_address

if TYPE_CHECKING:
    from ..core import Reactor


class Port(StreamPort):
    """A TCP port: accepts connections and joins each with a protocol of `factory`."""

    kind = "tcp"

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        factory: Any,
        backlog: int = 50,
        interface: str = "",
        adopted: Socket | None = None,
    ) -> None:
        super().__init__(reactor, factory, backlog, adopted)
        self.port = port
        self.interface = interface

    def startListening(self) -> None:
        super().startListening()
        self.port = self._address.port

    def bound_socket(self) -> Socket:
        is_ipv6 = isIPv6Address(self.interface)
        sock = None
        try:
            sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            reuse_address(sock)
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

    def address_from(self, sock: Socket, sockaddr: Any) -> Address:
        return address_of(sock, sockaddr)

    def connection_on(self, sock: Socket, peer: Any) -> Server:
        no_delay(sock)
        return Server(self.reactor, sock, peer, self.factory, self.context.copy(), self)

    def _wanted(self) -> str:
        return f"port {self.port}"
