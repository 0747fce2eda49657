"""Opening UDP ports: the part of a reactor that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from zope.interface import implementer

from ..arguments import check_datagram_protocol, check_packet_size, check_port
from ..interfaces import IReactorMulticast, IReactorUDP
from .multicast import MulticastPort
from .port import Port

if TYPE_CHECKING:
    from ..core import Reactor


@implementer(IReactorUDP, IReactorMulticast)
class OpensUDP:
    """The part of a reactor that exchanges datagrams over IP."""

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Port:
        """Give the datagrams that come to `port` (0: any free one) to `protocol`, an instance.

        `interface` is a literal IPv4 or IPv6 address to bind to; empty means all IPv4 ones, "::" all of both
        families. Of longer datagrams the first `maxPacketSize` octets are received. Raises CannotListenError,
        and TypeError or ValueError for arguments that make no sense.
        """
        self._check("listenUDP", port, protocol, interface, maxPacketSize)
        listening = Port(cast("Reactor", self), port, protocol, interface, maxPacketSize)
        listening.startListening()
        return listening

    def listenMulticast(
        self,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        listenMultiple: bool = False,
    ) -> MulticastPort:
        """As `listenUDP`, with a transport that can join groups.

        With `listenMultiple` several ports, also of other programs that allow it, share the number. Raises
        as `listenUDP` does.
        """
        self._check("listenMulticast", port, protocol, interface, maxPacketSize)
        listening = MulticastPort(
            cast("Reactor", self),
            port,
            protocol,
            interface,
            maxPacketSize,
            listenMultiple=listenMultiple,
        )
        listening.startListening()
        return listening

    def _check(self, verb: str, port: int, protocol: Any, interface: str, size: int) -> None:
        check_port(verb, port)
        check_datagram_protocol(verb, protocol)
        check_packet_size(verb, size)
        if not isinstance(interface, str):
            raise TypeError(f"{verb}() takes the interface as a literal address, not {interface!r}")
