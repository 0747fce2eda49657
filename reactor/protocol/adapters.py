"""Protocols as consumers, and consumers as protocols."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..failure import Failure
from ..interfaces import IConsumer, IProtocol
from .base import connectionDone


@implementer(IConsumer)
class ProtocolToConsumerAdapter:
    """Makes a protocol take what a producer writes: each `write` becomes a `dataReceived`."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, data: bytes) -> None:
        self.original.dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """A protocol cannot be full, so the producer is never paused."""

    def unregisterProducer(self) -> None:
        """Nothing was kept of the producer."""


@implementer(IProtocol)
class ConsumerToProtocolAdapter:
    """Makes a consumer take what a connection receives: each `dataReceived` becomes a `write`."""

    factory: Any = None

    def __init__(self, original: Any) -> None:
        self.original = original

    def dataReceived(self, data: bytes) -> None:
        self.original.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A consumer has no call for the end of its data."""

    def makeConnection(self, transport: Any) -> None:
        """A consumer has no use for a transport: it does not answer."""

    def connectionMade(self) -> None:
        """A consumer has no call for the beginning of its data."""
