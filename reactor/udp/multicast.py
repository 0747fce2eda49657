"""UDP ports that take part in multicast groups, of IPv4 and of IPv6 (RFC 3678, RFC 3493 section 5.2)."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from ..abstract import isIPAddress, isIPv6Address
from ..defer import Deferred, fail, maybeDeferred
from ..error import MulticastJoinError
from ..interfaces import IMulticastTransport
from ..stream import Socket
from .port import Port

if TYPE_CHECKING:
    from ..core import Reactor


@implementer(IMulticastTransport)
class MulticastPort(Port):
    """A UDP port that can join groups.

    An interface is given by name ("lo"), by number, or, with IPv4, by one of its addresses; empty leaves the
    choice to the system. With `listenMultiple`, several ports may have the same number at the same time, and
    each hears what comes to the group.
    """

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        adopted: Socket | None = None,
        listenMultiple: bool = False,
    ) -> None:
        super().__init__(reactor, port, protocol, interface, maxPacketSize, adopted)
        self.listenMultiple = listenMultiple

    def prepare(self, sock: Socket) -> None:
        if self.listenMultiple:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

    # -- groups -------------------------------------------------------------------------------------

    def joinGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive what is sent to the group at `addr`, on `interface`.

        A name is looked up. Errback: MulticastJoinError, which says why; DNSLookupError.
        """
        return self._change("join", addr, interface)

    def leaveGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive it no more. Errback: MulticastJoinError, also when it was not joined."""
        return self._change("leave", addr, interface)

    def _change(self, verb: str, addr: str, interface: str) -> Deferred[None]:
        if not isinstance(addr, str):
            return fail(TypeError(f"{verb}Group() takes the group's address as text, not {addr!r}"))
        if isIPAddress(addr) or isIPv6Address(addr):
            return maybeDeferred(self._change_now, verb, addr, interface)
        return self.reactor.resolve(addr).addCallback(lambda found: self._change_now(verb, found, interface))

    def _change_now(self, verb: str, group: str, interface: str) -> None:
        address = ipaddress.ip_address(group)
        if not address.is_multicast:
            block = "224.0.0.0/4" if address.version == 4 else "ff00::/8"
            raise self._join_error(verb, group, interface, f"not an address of a group, which are in {block}")
        if (address.version == 6) != (self.addressFamily == socket.AF_INET6):
            raise self._join_error(verb, group, interface, f"this port is not of IPv{address.version}")
        try:
            if address.version == 6:
                self._change_ipv6(verb, group, interface)
            else:
                self._change_ipv4(verb, group, interface)
        except OSError as error:
            raise self._join_error(verb, group, interface, _reason(error)) from error

    def _change_ipv4(self, verb: str, group: str, interface: str) -> None:
        option = socket.IP_ADD_MEMBERSHIP if verb == "join" else socket.IP_DROP_MEMBERSHIP
        request = socket.inet_aton(group) + _ipv4_interface(interface)
        self.socket.setsockopt(socket.IPPROTO_IP, option, request)

    def _change_ipv6(self, verb: str, group: str, interface: str) -> None:
        option = socket.IPV6_JOIN_GROUP if verb == "join" else socket.IPV6_LEAVE_GROUP
        host, _, scope = group.partition("%")
        request = socket.inet_pton(socket.AF_INET6, host) + struct.pack("@I", _index(interface or scope))
        self.socket.setsockopt(socket.IPPROTO_IPV6, option, request)

    def _join_error(self, verb: str, group: str, interface: str, why: str) -> MulticastJoinError:
        where = f" on {interface}" if interface else ""
        return MulticastJoinError(f"cannot {verb} {group}{where}: {why}")

    # -- how what we send travels -------------------------------------------------------------------

    def setOutgoingInterface(self, addr: str) -> Deferred[None]:
        """Let what we send to groups leave by this interface. Errback: OSError."""
        return maybeDeferred(self._set_outgoing, addr)

    def _set_outgoing(self, interface: str) -> None:
        try:
            if self.addressFamily == socket.AF_INET6:
                value: bytes | int = _index(interface)
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, value)
            else:
                value = b"\0\0\0\0" + _ipv4_interface(interface)
                self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, value)
        except OSError as error:
            raise OSError(error.errno, f"cannot send by {interface!r}: {_reason(error)}") from error

    def getOutgoingInterface(self) -> str | int:
        """The address of the interface it leaves by, with IPv6 its number; zeros: the system chooses."""
        if self.addressFamily == socket.AF_INET6:
            return self.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF)
        return socket.inet_ntoa(self.socket.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4))

    def setLoopbackMode(self, mode: bool) -> None:
        """Let this host hear what we send to groups that it joined, or not."""
        self._set(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP, bool(mode))

    def getLoopbackMode(self) -> bool:
        """Whether this host hears what we send to groups that it joined; it does at first."""
        return bool(self._get(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP))

    def setTTL(self, ttl: int) -> None:
        """Let what we send to groups travel so many hops, 0 to 255. Raises TypeError, ValueError."""
        if not isinstance(ttl, int) or isinstance(ttl, bool):
            raise TypeError(f"setTTL() takes a number of hops, not {ttl!r}")
        if not 0 <= ttl <= 255:
            raise ValueError(f"setTTL() takes a number of hops from 0 to 255, not {ttl}")
        self._set(socket.IP_MULTICAST_TTL, socket.IPV6_MULTICAST_HOPS, ttl)

    def getTTL(self) -> int:
        """How many hops it travels; 1 at first, which is the local network."""
        return self._get(socket.IP_MULTICAST_TTL, socket.IPV6_MULTICAST_HOPS)

    def _set(self, ipv4_option: int, ipv6_option: int, value: int) -> None:
        if self.addressFamily == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, ipv6_option, value)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, ipv4_option, value)

    def _get(self, ipv4_option: int, ipv6_option: int) -> int:
        if self.addressFamily == socket.AF_INET6:
            return self.socket.getsockopt(socket.IPPROTO_IPV6, ipv6_option)
        return self.socket.getsockopt(socket.IPPROTO_IP, ipv4_option)


def _ipv4_interface(interface: str) -> bytes:
    """An interface as the end of ``struct ip_mreqn`` (ip(7)): an address of it, then its number, or zeros."""
    if not interface or isIPAddress(interface):
        return socket.inet_aton(interface or "0.0.0.0") + struct.pack("@i", 0)
    return b"\0\0\0\0" + struct.pack("@i", _index(interface))


def _index(interface: str) -> int:
    """The number of an interface; 0 for any. Raises OSError when there is none."""
    if not interface or interface.isdigit():
        return int(interface or 0)
    try:
        return socket.if_nametoindex(interface)
    except OSError as error:
        raise OSError(errno.ENODEV, f"no interface is called {interface!r}") from error


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "it was joined already"
    if error.errno == errno.EADDRNOTAVAIL:
        return "it was not joined there"
    if error.errno == errno.ENODEV and error.strerror == os.strerror(errno.ENODEV):
        return "no interface leads to groups; name one"
    text = error.strerror or str(error)
    return f"{text[:1].lower()}{text[1:]}"
