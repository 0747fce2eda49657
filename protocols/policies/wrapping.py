"""A protocol around a protocol, and the factory that puts it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zope.interface import directlyProvides, providedBy

from ...reactor.arguments import check_factory
from ...reactor.failure import Failure
from ...reactor.interfaces import IHalfCloseableProtocol, IHandshakeListener, ILoggingContext
from ...reactor.protocol import ClientFactory, Protocol, connectionDone


def _prefix(thing: object) -> str:
    """How `thing` is named in the log."""
    if ILoggingContext.providedBy(thing):
        return str(thing.logPrefix())  # type: ignore[attr-defined]  # the interface promises it
    return type(thing).__name__


class ProtocolWrapper(Protocol):
    """Stands between a transport and `wrappedProtocol`: the protocol of the one, the transport of the other.

    It provides what the transport provides, and what the transport has it has too. Override a method of
    either side to watch or to change what passes.
    """

    wrappedProtocol: Any
    """The protocol inside; None once the connection is lost."""

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        """`factory` is told of the beginning and the end: `registerProtocol`, `unregisterProtocol`."""
        self.factory = factory
        self.wrappedProtocol = wrappedProtocol
        self._disconnecting = False

    def logPrefix(self) -> str:
        """Both names: the inner protocol's, and this one's in parentheses."""
        return f"{_prefix(self.wrappedProtocol)} ({type(self).__name__})"

    # -- as the protocol of the real transport --------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Take up `transport`, tell the factory, and connect the protocol inside to this object."""
        said = [
            interface
            for interface in (IHalfCloseableProtocol, IHandshakeListener)
            if interface.providedBy(self.wrappedProtocol)
        ]
        directlyProvides(self, providedBy(transport), *said)
        super().makeConnection(transport)
        self.factory.registerProtocol(self)
        self.wrappedProtocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """Pass on what came in."""
        self.wrappedProtocol.dataReceived(data)

    def readConnectionLost(self) -> None:
        """Pass it on: the peer sends no more."""
        self.wrappedProtocol.readConnectionLost()

    def writeConnectionLost(self) -> None:
        """Pass it on: nothing more can be sent."""
        self.wrappedProtocol.writeConnectionLost()

    def handshakeCompleted(self) -> None:
        """Pass it on: TLS is up."""
        self.wrappedProtocol.handshakeCompleted()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the factory and the protocol inside, and let go of it."""
        self.factory.unregisterProtocol(self)
        wrapped, self.wrappedProtocol = self.wrappedProtocol, None
        wrapped.connectionLost(reason)

    # -- as the transport of the wrapped protocol -----------------------------------------------------

    @property
    def disconnecting(self) -> bool:
        """Whether the connection is closing, no matter who asked for it."""
        return self._disconnecting or bool(getattr(self.transport, "disconnecting", False))

    @disconnecting.setter
    def disconnecting(self, value: bool) -> None:
        self._disconnecting = bool(value)

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self.transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send each of the bytes objects in `data`."""
        self.transport.writeSequence(data)

    def loseConnection(self) -> None:
        """Close after everything written has left."""
        self._disconnecting = True
        self.transport.loseConnection()

    def getPeer(self) -> Any:
        """The address of the other end."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """The address of this end."""
        return self.transport.getHost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let the transport take data from `producer`."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self.transport.unregisterProducer()

    def __getattr__(self, name: str) -> Any:
        # Only what is not found here comes this way: the rest of the transport.
        transport = self.__dict__.get("transport")
        if transport is None:
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}, and no transport yet that might have it"
            )
        return getattr(transport, name)


class WrappingFactory(ClientFactory):
    """Wraps each protocol that `wrappedFactory` builds in a `protocol`, and keeps track of them."""

    protocol: Any = ProtocolWrapper
    """Called with this factory and the protocol to wrap."""

    noisy = False  # the factory inside tells of its start already

    def __init__(self, wrappedFactory: Any) -> None:
        """`wrappedFactory` serves as it would alone, a server's or a client's factory."""
        check_factory(type(self).__name__, wrappedFactory)
        self.wrappedFactory = wrappedFactory
        self.protocols: dict[Any, int] = {}
        """The wrappers of the open connections, as keys."""

    def logPrefix(self) -> str:
        """Both names: the inner factory's, and this one's in parentheses."""
        return f"{_prefix(self.wrappedFactory)} ({type(self).__name__})"

    def doStart(self) -> None:
        """Start both factories."""
        self.wrappedFactory.doStart()
        super().doStart()

    def doStop(self) -> None:
        """Stop both factories."""
        self.wrappedFactory.doStop()
        super().doStop()

    def startedConnecting(self, connector: Any) -> None:
        """Pass it on."""
        self.wrappedFactory.startedConnecting(connector)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Pass it on."""
        self.wrappedFactory.clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Pass it on."""
        self.wrappedFactory.clientConnectionLost(connector, reason)

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapper around the protocol for `addr`; None where the wrapped factory refuses."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else self.protocol(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """The connection of `p`, one of our wrappers, is open."""
        self.protocols[p] = 1

    def unregisterProtocol(self, p: Any) -> None:
        """The connection of `p` is lost."""
        del self.protocols[p]
