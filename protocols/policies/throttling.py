"""How many octets a second all connections of a factory may move together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from .clocks import clock_of
from .wrapping import ProtocolWrapper, WrappingFactory


class ThrottlingProtocol(ProtocolWrapper):
    """A connection whose octets are counted, and which waits when there were too many."""

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        super().__init__(factory, wrappedProtocol)
        self.producer: Any = None
        self._is_streaming = False
        # Reading goes on when neither the factory nor the protocol inside wants it to wait.
        self._is_paused = False
        self._is_throttled = False

    def write(self, data: bytes) -> None:
        """Send and count `data`."""
        self.factory.registerWritten(len(data))
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send and count `data`."""
        pieces = list(data)
        self.factory.registerWritten(sum(map(len, pieces)))
        super().writeSequence(pieces)

    def dataReceived(self, data: bytes) -> None:
        """Count `data` and pass it on."""
        self.factory.registerRead(len(data))
        super().dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let the transport take data from `producer`, which will be told to wait if it streams."""
        self.producer = producer
        self._is_streaming = bool(streaming)
        super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self.producer = None
        super().unregisterProducer()

    def pauseProducing(self) -> None:
        """The protocol inside wants to read no more for now."""
        self._is_paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The protocol inside wants to read again; it will, when it may."""
        self._is_paused = False
        if not self._is_throttled:
            self.transport.resumeProducing()

    def throttleReads(self) -> None:
        """Read no more for now."""
        self._is_throttled = True
        self.transport.pauseProducing()

    def unthrottleReads(self) -> None:
        """Read again, if the protocol inside wants to."""
        self._is_throttled = False
        if not self._is_paused:
            self.transport.resumeProducing()

    def throttleWrites(self) -> None:
        """Let a producer that streams wait. Who writes without being a producer is not stopped."""
        if self.producer is not None and self._is_streaming:
            self.producer.pauseProducing()

    def unthrottleWrites(self) -> None:
        """Let the producer go on."""
        if self.producer is not None and self._is_streaming:
            self.producer.resumeProducing()


class ThrottlingFactory(WrappingFactory):
    """Limits the connections, and the octets that they move a second all together.

    Once a second what was moved is looked at; after too much all connections wait until the average is
    back at the limit. Writing is limited only where a producer is registered.
    """

    protocol: Any = ThrottlingProtocol

    clock: Any = None
    """Gives `callLater`; None means the running reactor. A test sets a `task.Clock`."""

    def __init__(
        self,
        wrappedFactory: Any,
        maxConnectionCount: int = sys.maxsize,
        readLimit: float | None = None,
        writeLimit: float | None = None,
    ) -> None:
        """`readLimit` and `writeLimit` are octets a second; None: no limit."""
        super().__init__(wrappedFactory)
        self.connectionCount = 0
        self.maxConnectionCount = maxConnectionCount
        self.readLimit = readLimit
        self.writeLimit = writeLimit
        self.readThisSecond = 0
        self.writtenThisSecond = 0
        self._reads_wait = False
        # The pending call of each name, to be cancelled when the last connection is gone.
        self._calls: dict[str, Any] = {}

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Call `func` after `period` seconds of `clock`."""
        return (self.clock or clock_of(None)).callLater(period, func)

    def _plan(self, period: float, func: Callable[[], object]) -> None:
        self._cancel(func.__name__)
        self._calls[func.__name__] = self.callLater(period, func)

    def _cancel(self, name: str) -> None:
        call = self._calls.pop(name, None)
        if call is not None and call.active():
            call.cancel()

    def registerWritten(self, length: int) -> None:
        """A connection wrote `length` octets."""
        self.writtenThisSecond += length

    def registerRead(self, length: int) -> None:
        """A connection received `length` octets."""
        self.readThisSecond += length

    def checkReadBandwidth(self) -> None:
        """Look at what was received since the last look, and again in a second."""
        limit = self.readLimit
        if limit is not None and self.readThisSecond > limit:
            self.throttleReads()
            self._plan(self.readThisSecond / limit - 1.0, self.unthrottleReads)
        self.readThisSecond = 0
        self._plan(1, self.checkReadBandwidth)

    def checkWriteBandwidth(self) -> None:
        """Look at what was written since the last look, and again in a second."""
        limit = self.writeLimit
        if limit is not None and self.writtenThisSecond > limit:
            self.throttleWrites()
            self._plan(self.writtenThisSecond / limit - 1.0, self.unthrottleWrites)
        self.writtenThisSecond = 0
        self._plan(1, self.checkWriteBandwidth)

    def throttleReads(self) -> None:
        """No connection reads for now."""
        self._reads_wait = True
        for protocol in list(self.protocols):
            protocol.throttleReads()

    def unthrottleReads(self) -> None:
        """All connections read again."""
        self._calls.pop("unthrottleReads", None)
        self._reads_wait = False
        for protocol in list(self.protocols):
            protocol.unthrottleReads()

    def throttleWrites(self) -> None:
        """No producer produces for now."""
        for protocol in list(self.protocols):
            protocol.throttleWrites()

    def unthrottleWrites(self) -> None:
        """All producers produce again."""
        self._calls.pop("unthrottleWrites", None)
        for protocol in list(self.protocols):
            protocol.unthrottleWrites()

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapper as usual, or None when there are `maxConnectionCount` connections."""
        if self.connectionCount >= self.maxConnectionCount:
            return None
        protocol = super().buildProtocol(addr)
        if protocol is None:
            return None
        if not self.connectionCount:
            if self.readLimit is not None:
                self.checkReadBandwidth()
            if self.writeLimit is not None:
                self.checkWriteBandwidth()
        self.connectionCount += 1
        return protocol

    def registerProtocol(self, p: Any) -> None:
        """The connection of `p` is open; it waits as the others do."""
        super().registerProtocol(p)
        if self._reads_wait:
            p.throttleReads()

    def unregisterProtocol(self, p: Any) -> None:
        """The connection of `p` is lost; after the last one nothing is looked at any more."""
        super().unregisterProtocol(p)
        self.connectionCount -= 1
        if not self.connectionCount:
            self._reads_wait = False
            for name in list(self._calls):
                self._cancel(name)
