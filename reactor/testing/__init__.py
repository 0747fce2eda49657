"""Stand-ins for what the operating system gives, so that tests need no socket, no clock and no waiting.

Start with `StringTransport` to see what a protocol writes, `connected_pair` to let two protocols talk, and
`MemoryReactorClock` where code asks a reactor to listen, connect or call later. `run_until` runs a real
reactor for one result.
"""

from .log import EventLoggingObserver
from .pair import MemoryTransport, Pair, connected_pair
from .protocols import (
    AccumulatingProtocol,
    LineSendingProtocol,
    NonStreamingProducer,
    waitUntilAllDisconnected,
)
from .reactors import (
    MemoryConnector,
    MemoryPort,
    MemoryReactor,
    MemoryReactorClock,
    RaisingMemoryReactor,
    SynchronousResolver,
)
from .running import run_until
from .transports import (
    FakeDatagramTransport,
    StringIOWithoutClosing,
    StringTransport,
    StringTransportWithDisconnection,
)

__all__ = [
    "AccumulatingProtocol",
    "EventLoggingObserver",
    "FakeDatagramTransport",
    "LineSendingProtocol",
    "MemoryConnector",
    "MemoryPort",
    "MemoryReactor",
    "MemoryReactorClock",
    "MemoryTransport",
    "NonStreamingProducer",
    "Pair",
    "RaisingMemoryReactor",
    "StringIOWithoutClosing",
    "StringTransport",
    "StringTransportWithDisconnection",
    "SynchronousResolver",
    "connected_pair",
    "run_until",
    "waitUntilAllDisconnected",
]
