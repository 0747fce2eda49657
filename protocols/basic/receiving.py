"""What receivers of all kinds share: pausing, closing with a reason, refusing what is not bytes."""

from __future__ import annotations

import logging

from ...reactor.protocol import Protocol
from ..framing import FramingError

log = logging.getLogger(__name__)


class _Open:
    """Stands for a transport that does not tell when it is closing; ITransport does not promise it."""

    disconnecting = False


STILL_OPEN = _Open()


def checked_bytes(verb: str, data: object) -> bytes:
    """`data` as bytes. Raises TypeError, naming the right call."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    kind = type(data).__name__
    said = "encode it first, for example text.encode()" if isinstance(data, str) else repr(data)[:60]
    raise TypeError(f"{verb}() takes bytes, not {kind}: {said}")


def close_because(protocol: Protocol, error: FramingError) -> None:
    """Close the connection and say why."""
    log.warning("%s closes the connection from %s: %s", protocol.logPrefix(), _peer(protocol), error)
    protocol.transport.loseConnection()


def undefined(protocol: Protocol) -> NotImplementedError:
    return NotImplementedError(f"{type(protocol).__name__} received a string: define stringReceived()")


def _peer(protocol: Protocol) -> object:
    try:
        return protocol.transport.getPeer()
    except Exception as error:  # a broken test double must not hide why the connection closes
        return f"an unknown peer ({error!r})"


class Pauseable(Protocol):
    """A protocol that is a push producer itself: pausing holds back what was received already, at once."""

    paused = False
    """True between `pauseProducing` and `resumeProducing`; read it, do not set it."""

    def pauseProducing(self) -> None:
        """Deliver nothing from here on, not even what is here already, and read no more."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again, and deliver what was held back."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self) -> None:
        """Deliver nothing any more and close."""
        self.paused = True
        self.transport.stopProducing()
