"""Telling a producer inside of TLS to wait, and to go on."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from ..interfaces import IPushProducer


@implementer(IPushProducer)
class Flow:
    """What the transport sees of the producer inside: told to wait and to go on, after the handshake.

    `producer` is None once it is done. `waits` is true while it has to wait for the end of the handshake.
    """

    def __init__(self, producer: Any, streaming: bool) -> None:
        self.producer = producer
        self.streaming = streaming
        self.waits = False
        self.is_up = False

    def hold(self) -> None:
        """Too much waits for the end of the handshake: have a push producer wait as well."""
        if self.streaming and not self.waits:
            self.waits = True
            self.producer.pauseProducing()

    def go(self) -> None:
        """The handshake is over."""
        self.is_up = True
        if self.waits and self.producer is not None:
            self.waits = False
            self.producer.resumeProducing()

    def drop(self) -> Any:
        """The producer, which is not called any more."""
        producer, self.producer = self.producer, None
        return producer

    def pauseProducing(self) -> None:
        """The transport has more than it can send."""
        if self.producer is not None and not self.waits:
            self.producer.pauseProducing()

    def resumeProducing(self) -> None:
        """The transport has sent all it had."""
        if self.producer is None or self.waits:
            return
        if self.is_up or self.streaming:
            self.producer.resumeProducing()
        else:
            self.waits = True  # what it gave now could not leave

    def stopProducing(self) -> None:
        """The transport is gone."""
        producer = self.drop()
        if producer is not None:
            producer.stopProducing()
