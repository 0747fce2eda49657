"""What makes one protocol for each connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Self

from zope.interface import implementer

from ..failure import Failure
from ..interfaces import ILoggingContext, IProtocolFactory
from .base import BaseProtocol
from .shown import shown

log = logging.getLogger(__name__)


@implementer(IProtocolFactory, ILoggingContext)
class Factory:
    """Makes one protocol per connection, and holds what they share.

    Set `protocol`, or override `buildProtocol`.
    """

    protocol: Any = None
    """Called without arguments for every new connection; most often a `Protocol` class."""

    numPorts: int = 0
    """How many ports and connectors use this factory now."""

    noisy: bool = True
    """Whether the start and the end of use are logged (at INFO)."""

    @classmethod
    def forProtocol(cls, protocol: Callable[..., Any], *args: Any, **kwargs: Any) -> Self:
        """A factory, made as ``cls(*args, **kwargs)``, whose connections are served by `protocol`.

        Raises: TypeError when `protocol` cannot be called.
        """
        if not callable(protocol):
            raise TypeError(not_a_class(protocol, f"{cls.__name__}.forProtocol()"))
        factory = cls(*args, **kwargs)
        factory.protocol = protocol
        return factory

    def logPrefix(self) -> str:
        """The name under which this factory is logged: its class's."""
        return type(self).__name__

    def doStart(self) -> None:
        """Count one more port or connector, and `startFactory` for the first. Called by the reactor."""
        if not self.numPorts:
            if self.noisy:
                log.info("starting factory %r", self)
            self.startFactory()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one port or connector less, and `stopFactory` after the last. Called by the reactor."""
        if not self.numPorts:
            return  # stopped more often than started: a port that failed to open may report twice
        self.numPorts -= 1
        if not self.numPorts:
            if self.noisy:
                log.info("stopping factory %r", self)
            self.stopFactory()

    def startFactory(self) -> None:
        """Open what the factory needs: it is about to be used. Nothing is done by default."""

    def stopFactory(self) -> None:
        """Close what `startFactory` opened: the last port or connector is gone; connections may not be."""

    def buildProtocol(self, addr: Any) -> Any:
        """A new protocol for the connection from `addr`, with its `factory` set; None refuses the connection.

        Raises: TypeError when `self.protocol` is not something that makes protocols.
        """
        make = self.protocol
        if make is None or not callable(make):
            raise TypeError(not_a_class(make, f"{type(self).__name__}.protocol"))
        protocol = make()
        if not isinstance(protocol, BaseProtocol) and not hasattr(protocol, "makeConnection"):
            raise TypeError(
                f"{type(self).__name__}.protocol made {shown(protocol)}, which is no protocol: "
                f"subclass wirelab.reactor.protocol.Protocol"
            )
        protocol.factory = self
        return protocol


def not_a_class(value: object, place: str) -> str:
    """What to say when `value` stands at `place`, where something that makes protocols belongs."""
    if value is None:
        return f"{place} is None: set it to a Protocol class, or call Factory.forProtocol(MyProtocol)"
    if isinstance(value, BaseProtocol):
        name = type(value).__name__
        return f"{place} takes a Protocol class, not one instance for all: write {name}, not {name}()"
    return f"{place} takes a Protocol class, not {shown(value)}"


class ServerFactory(Factory):
    """A factory for connections that others open."""


class ClientFactory(Factory):
    """A factory for a connection that we open, told how each attempt goes.

    In the last two calls, ``connector.connect()`` tries again.
    """

    def startedConnecting(self, connector: Any) -> None:
        """An attempt began; ``connector.stopConnecting()`` gives it up."""

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """The attempt failed: no protocol was built; `reason` wraps an `error.ConnectError` most often."""

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """The connection was open and is gone; its protocol's `connectionLost` was called before."""
