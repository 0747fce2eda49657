"""Reads the header of the PROXY protocol on each connection, before its protocol begins."""

from __future__ import annotations

import logging
from typing import Any

from ..failure import Failure
from ..protocol import Factory, Protocol, connectionDone
from .header import HeaderParser, ProxyHeader, RemoteHeaderError

log = logging.getLogger("wirelab.reactor")

HEADER_TIMEOUT = 10.0
"""Seconds a proxy may take for its header, which comes first and in one piece; 3 at least are advised."""


class ProxiedFactory(Factory):
    """Serves connections from a proxy with protocols of `wrappedFactory`.

    That is asked for a protocol when the header has come, with the address of the client that the proxy
    serves; `getPeer` and `getHost` of the transport then give the addresses in the header, and nothing stands
    between the transport and the protocol any more. `clock` is the reactor.
    """

    noisy = False

    def __init__(self, wrappedFactory: Any, clock: Any) -> None:
        self.wrappedFactory = wrappedFactory
        self.clock = clock

    @property
    def served_name(self) -> str:
        """What is behind the header, for displays."""
        told = getattr(self.wrappedFactory, "served_name", None)
        made = getattr(self.wrappedFactory, "protocol", None)
        return str(told or getattr(made, "__name__", type(self.wrappedFactory).__name__))

    def doStart(self) -> None:
        """Start the wrapped factory."""
        self.wrappedFactory.doStart()

    def doStop(self) -> None:
        """Stop the wrapped factory."""
        self.wrappedFactory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        """What reads the header of a connection from the proxy at `addr`."""
        return _HeaderReader(self.wrappedFactory, self.clock)


class _HeaderReader(Protocol):
    def __init__(self, factory: Any, clock: Any) -> None:
        self._factory = factory
        self._clock = clock
        self._parser = HeaderParser()
        self._timer: Any = None

    def connectionMade(self) -> None:
        self._timer = self._clock.callLater(HEADER_TIMEOUT, self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        self._refuse(f"no whole PROXY header within {HEADER_TIMEOUT:g} s")

    def _refuse(self, why: str) -> None:
        log.warning("%s from %s: %s", self.transport.shortId, self.transport.getPeer(), why)
        self.transport.abortConnection()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def dataReceived(self, data: bytes) -> None:
        try:
            header = self._parser.receive_data(data)
        except RemoteHeaderError as error:
            self._stop_timer()
            self._refuse(str(error))
            return
        if header is not None:
            self._stop_timer()
            self._hand_over(header)

    def _hand_over(self, header: ProxyHeader) -> None:
        transport = self.transport
        source, destination = header.source, header.destination
        protocol = self._factory.buildProtocol(transport.getPeer() if source is None else source)
        if protocol is None:
            transport.loseConnection()  # refused by the factory, which is its right
            return
        if source is not None:
            transport.getPeer = lambda: source
            transport.getHost = lambda: destination
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if self._parser.rest and not transport.disconnecting:
            protocol.dataReceived(self._parser.rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_timer()  # before the header nobody was connected
