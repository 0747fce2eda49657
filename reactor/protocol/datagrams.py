"""What is said in datagrams."""

from __future__ import annotations

import logging
from typing import Any

from zope.interface import implementer

from ..failure import Failure
from ..interfaces import ILoggingContext
from .shown import shown

log = logging.getLogger(__name__)


class AbstractDatagramProtocol:
    """What is said in datagrams: each comes whole, or not at all, from whoever sent it."""

    transport: Any = None
    numPorts: int = 0
    noisy: bool = True

    def doStart(self) -> None:
        """Count one more port, and `startProtocol` for the first. Called by the reactor."""
        if not self.numPorts:
            if self.noisy:
                log.info("starting protocol %r", self)
            self.startProtocol()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one port less, and `stopProtocol` after the last. Called by the reactor."""
        if not self.numPorts:
            return  # stopped more often than started: a port that failed to open may report twice
        self.numPorts -= 1
        self.transport = None
        if not self.numPorts:
            if self.noisy:
                log.info("stopping protocol %r", self)
            self.stopProtocol()

    def startProtocol(self) -> None:
        """The port is open and `transport` is set: join groups, send the first datagram."""

    def stopProtocol(self) -> None:
        """The last port is closed; nothing comes any more and nothing can be sent."""

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`; called by the reactor when the port opens."""
        if self.transport is not None:
            raise RuntimeError(f"{self!r} has a transport already: {shown(self.transport)}")
        self.transport = transport
        self.doStart()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """`datagram` came from `addr`: (host, port) for IP, a path or None for Unix sockets."""


@implementer(ILoggingContext)
class DatagramProtocol(AbstractDatagramProtocol):
    """A protocol in datagrams over UDP or multicast; override `datagramReceived`."""

    def logPrefix(self) -> str:
        """The name under which this port is logged: the class's."""
        return type(self).__name__

    def connectionRefused(self) -> None:
        """Nobody listens where the last `write` went; only told on a connected port, and not reliably."""


class ConnectedDatagramProtocol(DatagramProtocol):
    """A protocol in datagrams with one peer (a connected Unix datagram socket)."""

    def datagramReceived(self, datagram: bytes, addr: Any = None) -> None:
        """`datagram` came from the one peer there is."""

    def connectionFailed(self, failure: Failure) -> None:
        """The port could not be connected to its peer."""
