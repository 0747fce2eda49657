"""Rules laid around a protocol, without the protocol knowing: time limits, rates, numbers of connections.

A factory is wrapped in a factory, each protocol in a protocol that is its transport at the same time; what
is not concerned passes through.

    factory = TimeoutFactory(LimitConnectionsByPeer(Factory.forProtocol(Echo)), timeoutPeriod=60)
    serve("tcp:8007", factory)

Start reading with `wrapping`. A protocol that wants a time limit of its own mixes in `TimeoutMixin`.
"""

from .limits import LimitConnectionsByPeer, LimitTotalConnectionsFactory
from .throttling import ThrottlingFactory, ThrottlingProtocol
from .timeouts import TimeoutFactory, TimeoutMixin, TimeoutProtocol
from .traffic import TrafficLoggingFactory, TrafficLoggingProtocol
from .wrapping import ProtocolWrapper, WrappingFactory

__all__ = [
    "LimitConnectionsByPeer",
    "LimitTotalConnectionsFactory",
    "ProtocolWrapper",
    "ThrottlingFactory",
    "ThrottlingProtocol",
    "TimeoutFactory",
    "TimeoutMixin",
    "TimeoutProtocol",
    "TrafficLoggingFactory",
    "TrafficLoggingProtocol",
    "WrappingFactory",
]
