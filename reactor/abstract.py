"""What literal addresses look like."""

from __future__ import annotations

import socket


def isIPAddress(addr: str | bytes, family: int = socket.AF_INET) -> bool:
    """Whether `addr` is a literal address of the `family`: AF_INET, or AF_INET6 with or without a scope.

    IPv4 means four decimal numbers with dots between them; the shorter forms that some systems take are no
    addresses here. Bytes are read as ASCII.
    """
    if isinstance(addr, bytes):
        try:
            addr = addr.decode("ascii")
        except UnicodeDecodeError:
            return False
    if family == socket.AF_INET6:
        addr, _, scope = addr.partition("%")
        if "%" in scope:
            return False
    try:
        socket.inet_pton(family, addr)
    except (OSError, ValueError):
        return False
    return True


def isIPv6Address(addr: str | bytes) -> bool:
    """Whether `addr` is a literal IPv6 address, with or without a scope (``fe80::1%eth0``)."""
    return isIPAddress(addr, socket.AF_INET6)
