"""What a conversation has sent and the network has not taken yet: those who wait for it."""

from __future__ import annotations

from typing import Any, Protocol

from zope.interface import implementer

from ..reactor.defer import Deferred
from ..reactor.failure import Failure
from ..reactor.interfaces import IPullProducer
from .waiting import Clock, Wait


class Sender(Protocol):
    """What a conversation is to this: a transport, and something that gives time."""

    transport: Any

    def clock(self) -> Clock | None:
        """What gives the time; None where nothing does."""


@implementer(IPullProducer)
class Outgoing:
    """Waits until the transport has sent all it was given: a producer that gives nothing when it is asked."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._waits: list[Wait[None]] = []
        self._is_registered = False

    def add(self, wait: Wait[None]) -> None:
        """Fire `wait` when the transport has nothing queued."""
        self._waits.append(wait)
        if not self._is_registered:
            self._is_registered = True
            self._sender.transport.registerProducer(self, False)
        clock = self._sender.clock()
        if self._waits and clock is not None:
            # What is written during an event and taken at its end leaves without a word to a producer.
            clock.callLater(0, self.resumeProducing)

    def forget(self, wait: Deferred[None]) -> None:
        """`wait` was cancelled."""
        self._waits = [each for each in self._waits if each is not wait]
        if not self._waits:
            self.let_go()

    def resumeProducing(self) -> None:
        """The transport asks for more, which it does at first and then whenever it has sent all."""
        if self._waits and not self._sender.transport.bufferedBytes:
            self.let_go()
            self.succeed()

    def stopProducing(self) -> None:
        """The transport takes no more; why will be told by `fail`."""
        self._is_registered = False

    def succeed(self) -> None:
        """All was sent."""
        waits, self._waits = self._waits, []
        for wait in waits:
            wait.callback(None)

    def fail(self, reason: Failure) -> None:
        """The connection is gone before all was sent."""
        waits, self._waits = self._waits, []
        for wait in waits:
            wait.errback(reason)

    def drop(self) -> None:
        """Forget those who wait."""
        self._waits.clear()
        self.let_go()

    def let_go(self) -> None:
        """Leave the transport, which would not close as long as a producer may give it more."""
        if self._is_registered:
            self._is_registered = False
            self._sender.transport.unregisterProducer()
