"""Protocols and producers that note what happens to them, and a wait for their end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol as Shape

from zope.interface import implementer

from ..defer import Deferred
from ..failure import Failure
from ..interfaces import IPullProducer
from ..protocol import Protocol
from ..stream import checked_bytes

CHECK_INTERVAL = 0.01
"""Seconds between two looks of `waitUntilAllDisconnected` at the protocols it waits for."""

MAX_LINE = 16384
"""Octets of a line, delimiter excluded, that `LineSendingProtocol` accepts: the limit of ``LineReceiver``."""


class AccumulatingProtocol(Protocol):
    """A protocol that keeps what it is told.

    `made` and `closed` are 1 once `connectionMade` and `connectionLost` were called, `data` is all that
    arrived, `closedReason` the reason given. A Deferred in `closedDeferred` fires with None at the end of
    the connection; one in the factory's `protocolConnectionMade` fires with the protocol at its beginning.
    """

    made = 0
    closed = 0
    closedReason: Failure | None = None
    closedDeferred: Deferred[None] | None = None
    data = b""

    def connectionMade(self) -> None:
        self.made = 1
        waiting: Deferred[Protocol] | None = getattr(self.factory, "protocolConnectionMade", None)
        if waiting is not None:
            setattr(self.factory, "protocolConnectionMade", None)  # noqa: B010 - not an attribute of every factory
            waiting.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.closed = 1
        self.closedReason = reason
        waiting, self.closedDeferred = self.closedDeferred, None
        if waiting is not None:
            waiting.callback(None)


class LineSendingProtocol(Protocol):
    """Sends `lines` and keeps the lines that come back in `response`.

    With `start` they leave when the connection is made, without it after the first line has come.
    `lostConn` is True once the connection is lost. Lines are bytes without their delimiter.
    """

    delimiter = b"\r\n"
    lostConn = False

    def __init__(self, lines: Iterable[bytes], start: bool = True) -> None:
        self.lines = list(lines)
        self.response: list[bytes] = []
        self.start = start
        self._unfinished = b""

    def connectionMade(self) -> None:
        if self.start:
            self._send_all()

    def sendLine(self, line: bytes) -> None:
        """Send `line` and its delimiter."""
        self.transport.write(checked_bytes("sendLine", line) + self.delimiter)

    def dataReceived(self, data: bytes) -> None:
        *lines, self._unfinished = (self._unfinished + data).split(self.delimiter)
        for line in lines:
            self.lineReceived(line)
        if len(self._unfinished) > MAX_LINE:
            self._unfinished = b""
            self.transport.loseConnection()

    def lineReceived(self, line: bytes) -> None:
        """Keep `line`; the first one starts the sending when that has not begun."""
        if not self.start:
            self.start = True
            self._send_all()
        self.response.append(line)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.lostConn = True

    def _send_all(self) -> None:
        for line in self.lines:
            self.sendLine(line)


class _Consumer(Shape):
    def write(self, data: bytes) -> None: ...

    def unregisterProducer(self) -> None: ...


@implementer(IPullProducer)
class NonStreamingProducer:
    """A pull producer that writes the numbers 0 to 9, one each time it is asked, then unregisters."""

    def __init__(self, consumer: _Consumer) -> None:
        self.consumer: _Consumer | None = consumer
        self.counter = 0
        self.stopped = False

    def resumeProducing(self) -> None:
        """Write the next number. Raises RuntimeError when there are no more."""
        if self.consumer is None or self.counter >= 10:
            raise RuntimeError("resumeProducing() after the tenth number or after stopProducing()")
        self.consumer.write(b"%d" % self.counter)
        self.counter += 1
        if self.counter == 10:
            self.consumer.unregisterProducer()
            self._finish()

    def pauseProducing(self) -> None:
        """Raises RuntimeError: nobody may pause a pull producer."""
        raise RuntimeError(
            "pauseProducing() of a pull producer: register it with streaming=True if it pushes"
        )

    def stopProducing(self) -> None:
        """Write no more."""
        self._finish()

    def _finish(self) -> None:
        self.stopped = True
        self.consumer = None


class _Time(Shape):
    def callLater(self, delay: float, callable: object, *args: object) -> object: ...


class _MayBeConnected(Shape):
    @property
    def transport(self) -> object: ...


def waitUntilAllDisconnected(reactor: _Time, protocols: Iterable[_MayBeConnected]) -> Deferred[None]:
    """Deferred of None that fires once no transport of `protocols` is connected any more.

    Looks again every `CHECK_INTERVAL` seconds of the reactor's clock; cancelling stops the wait.
    """
    waited_for = list(protocols)
    finished: Deferred[None] = Deferred()

    def look() -> None:
        if finished.called:
            return
        if any(getattr(each.transport, "connected", False) for each in waited_for):
            reactor.callLater(CHECK_INTERVAL, look)
        else:
            finished.callback(None)

    reactor.callLater(0, look)
    return finished
