"""What is said on one connection: the protocols that programs subclass."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..error import ConnectionDone, ConnectionLost
from ..failure import Failure
from ..interfaces import ILoggingContext, IProcessProtocol, IProtocol

connectionDone = Failure(ConnectionDone())
"""The reason of a connection that ended cleanly; the default of `Protocol.connectionLost`."""

connectionLost = Failure(ConnectionLost())
"""The reason of a connection that ended any other way."""


class BaseProtocol:
    """What all connected protocols have in common: a transport and the moment they got it."""

    connected: int = 0
    """1 once `makeConnection` was called; it stays 1 after the connection is lost."""

    transport: Any = None
    """The connection: `write`, `loseConnection`, `getPeer` and so on; None before there is one."""

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`; called once by whoever opened it. Override `connectionMade`, not this."""
        self.connected = 1
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """The connection is open: greet, or start to listen. Nothing is done here by default."""


@implementer(IProtocol, ILoggingContext)
class Protocol(BaseProtocol):
    """One conversation over one stream of octets; subclass it and override `dataReceived`."""

    factory: Any = None
    """The factory that built this protocol, where one did."""

    def logPrefix(self) -> str:
        """The name under which this connection is logged: its class's."""
        return type(self).__name__

    def dataReceived(self, data: bytes) -> None:
        """`data` came in: at least one octet, cut wherever the network cut it. Frame it yourself."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone; called once, last.

        `reason` wraps `error.ConnectionDone` when the peer closed cleanly, `error.ConnectionLost` (or a
        kin of it) when not; tell them apart with ``reason.check(...)``.
        """


@implementer(IProcessProtocol)
class ProcessProtocol(BaseProtocol):
    """The near side of a child process: what it writes comes in, how it ended is told last."""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """The child wrote `data` to its descriptor `childFD`; 1 means `outReceived`, 2 `errReceived`."""
        if childFD == 1:
            self.outReceived(data)
        elif childFD == 2:
            self.errReceived(data)

    def outReceived(self, data: bytes) -> None:
        """The child wrote `data` to its standard output."""

    def errReceived(self, data: bytes) -> None:
        """The child wrote `data` to its standard error."""

    def childConnectionLost(self, childFD: int) -> None:
        """The child's descriptor `childFD` was closed; 0, 1 and 2 go on to the call of their own."""
        if childFD == 0:
            self.inConnectionLost()
        elif childFD == 1:
            self.outConnectionLost()
        elif childFD == 2:
            self.errConnectionLost()

    def inConnectionLost(self) -> None:
        """The child's standard input was closed: nothing more can be written to it."""

    def outConnectionLost(self) -> None:
        """The child's standard output was closed: no more `outReceived`."""

    def errConnectionLost(self) -> None:
        """The child's standard error was closed: no more `errReceived`."""

    def processExited(self, reason: Failure) -> None:
        """The child ended, but its descriptors may still hold data (a grandchild may keep them open).

        `reason` wraps `error.ProcessDone` for exit code 0, else `error.ProcessTerminated`.
        """

    def processEnded(self, reason: Failure) -> None:
        """The child ended and all its descriptors are closed; called once, last, with the same `reason`."""
