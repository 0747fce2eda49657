"""How many connections there may be, in all and from one host."""

from __future__ import annotations

from typing import Any

from ...reactor.protocol import ServerFactory
from .wrapping import ProtocolWrapper, WrappingFactory


class LimitTotalConnectionsFactory(ServerFactory):
    """A server factory with at most `connectionLimit` connections at a time."""

    connectionCount: int = 0
    """Connections now, those served by `overflowProtocol` included."""

    connectionLimit: int | None = None
    """The most there may be; None: any number."""

    overflowProtocol: Any = None
    """Serves those beyond the limit, to say so politely; None closes them at once."""

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapped `protocol` below the limit, else a wrapped `overflowProtocol`, or None."""
        if self.connectionLimit is None or self.connectionCount < self.connectionLimit:
            wrapped = super().buildProtocol(addr)
        elif self.overflowProtocol is None:
            return None
        else:
            wrapped = self.overflowProtocol()
            wrapped.factory = self
        if wrapped is None:
            return None
        self.connectionCount += 1
        return ProtocolWrapper(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """The connection of `p` is open. It was counted when it was built."""

    def unregisterProtocol(self, p: Any) -> None:
        """The connection of `p` is lost."""
        self.connectionCount -= 1


class LimitConnectionsByPeer(WrappingFactory):
    """Accepts at most `maxConnectionsPerPeer` connections from one host at a time."""

    maxConnectionsPerPeer = 5

    def __init__(self, wrappedFactory: Any) -> None:
        super().__init__(wrappedFactory)
        self.peerConnections: dict[Any, int] = {}
        """How many connections each host has now."""
        self._hosts: dict[Any, Any] = {}

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapper as usual, or None when the host of `addr` has its share."""
        # A Unix address has no host: all such peers are this machine, and one peer.
        host = getattr(addr, "host", None)
        if self.peerConnections.get(host, 0) >= self.maxConnectionsPerPeer:
            return None
        protocol = super().buildProtocol(addr)
        if protocol is not None:
            self.peerConnections[host] = self.peerConnections.get(host, 0) + 1
            self._hosts[protocol] = host
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """The connection of `p` is lost; its host may have another."""
        super().unregisterProtocol(p)
        host = self._hosts.pop(p)
        self.peerConnections[host] -= 1
        if not self.peerConnections[host]:
            del self.peerConnections[host]
