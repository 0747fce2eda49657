"""Sockets of TCP and their addresses: what ports and connections both need of the system."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from ..address import IPv4Address, IPv6Address

log = logging.getLogger("wirelab.reactor")

Address = IPv4Address | IPv6Address


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


def reuse_address(sock: socket.socket) -> None:
    """Let the address be taken although connections of its last owner linger in the system."""
    # On Windows the option means something else: two programs on one port.
    if os.name == "posix":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
