"""Protocols, the things that are said on one connection, and factories, which make one per connection.

A `Protocol` is told of its life by four calls, always in this order: `makeConnection` (which calls
`connectionMade`), any number of `dataReceived`, one `connectionLost`. It answers through
`self.transport`. What outlives a connection belongs to the `Factory`, which each protocol reaches as
`self.factory`.

    class Echo(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    reactor.listenTCP(8007, Factory.forProtocol(Echo))
"""

from .adapters import ConsumerToProtocolAdapter, ProtocolToConsumerAdapter
from .base import BaseProtocol, ProcessProtocol, Protocol, connectionDone, connectionLost
from .creator import ClientCreator
from .datagrams import AbstractDatagramProtocol, ConnectedDatagramProtocol, DatagramProtocol
from .factories import ClientFactory, Factory, ServerFactory
from .files import FileWrapper
from .reconnecting import ReconnectingClientFactory

__all__ = [
    "AbstractDatagramProtocol",
    "BaseProtocol",
    "ClientCreator",
    "ClientFactory",
    "ConnectedDatagramProtocol",
    "ConsumerToProtocolAdapter",
    "DatagramProtocol",
    "Factory",
    "FileWrapper",
    "ProcessProtocol",
    "Protocol",
    "ProtocolToConsumerAdapter",
    "ReconnectingClientFactory",
    "ServerFactory",
    "connectionDone",
    "connectionLost",
]
