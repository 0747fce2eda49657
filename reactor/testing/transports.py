"""Transports that keep what is written to them, for looking at one protocol alone."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from zope.interface import implementer

from ..address import IPv4Address
from ..error import ConnectionAborted, ConnectionClosed, ConnectionDone
from ..failure import Failure
from ..interfaces import IConsumer, IPushProducer, ITransport, IUDPTransport
from ..stream import checked_bytes, short


def joined_bytes(call: str, parts: Iterable[bytes]) -> bytes:
    """The bytes of `parts` in one piece. Raises TypeError for a part that is not bytes."""
    if isinstance(parts, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"{call}() takes several bytes objects: use write() for {short(parts)}")
    return b"".join(checked_bytes(call, part) for part in parts)


class StringIOWithoutClosing(io.BytesIO):
    """A `BytesIO` that `close` leaves open, so that its value can be read afterwards."""

    def close(self) -> None:
        """Leave it open."""


@implementer(ITransport, IConsumer, IPushProducer)
class StringTransport:
    """A transport that keeps what is written and notes what it is asked for, but does nothing by itself.

    `value` gives the bytes written since the last `clear`. For the test to read: `connected` (it was not
    torn down), `disconnecting` (`loseConnection` or `abortConnection` was called), `disconnected` (the latter
    was), `producer` with `streaming`, and `producerState`: ``"producing"``, ``"paused"`` or ``"stopped"``,
    which is what the protocol asked of this side as a producer.

    `lenient` lets `resumeProducing` pass after the connection has ended, which otherwise is an error.
    """

    disconnecting = False
    disconnected = False
    producer: object | None = None
    streaming: bool | None = None
    producerState = "producing"
    bufferedBytes = 0  # what is written has left, as far as a protocol can tell

    def __init__(
        self,
        hostAddress: Any = None,
        peerAddress: Any = None,
        lenient: bool = False,
    ) -> None:
        self.io = io.BytesIO()
        self.hostAddr = hostAddress
        self.peerAddr = peerAddress
        self.connected = True
        self._lenient = lenient

    # -- for the test ---------------------------------------------------------------------------------

    def value(self) -> bytes:
        """All that was written since the last `clear`."""
        return self.io.getvalue()

    def clear(self) -> None:
        """Forget what was written so far."""
        self.io.seek(0)
        self.io.truncate()

    # -- ITransport -----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Keep `data`. Raises TypeError for anything but bytes."""
        self.io.write(checked_bytes("write", data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Keep the pieces of `data` in one. Raises TypeError for a piece that is not bytes."""
        self.io.write(joined_bytes("writeSequence", data))

    def loseConnection(self) -> None:
        """Note it in `disconnecting`; later writes are still kept, so that a test can find them."""
        self.disconnecting = True

    def abortConnection(self) -> None:
        """Note it in `disconnected`, and do what `loseConnection` does."""
        self.disconnected = True
        self.loseConnection()

    def getPeer(self) -> Any:
        """The address given as `peerAddress`, else a fixed one."""
        return IPv4Address("TCP", "192.168.1.1", 54321) if self.peerAddr is None else self.peerAddr

    def getHost(self) -> Any:
        """The address given as `hostAddress`, else a fixed one."""
        return IPv4Address("TCP", "10.0.0.1", 12345) if self.hostAddr is None else self.hostAddr

    # -- IConsumer ------------------------------------------------------------------------------------

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Note the producer. Raises RuntimeError when there is one already."""
        if self.producer is not None:
            raise RuntimeError(
                f"registerProducer({producer!r}) while {self.producer!r} is registered: "
                "call unregisterProducer() first"
            )
        self.producer = producer
        self.streaming = streaming

    def unregisterProducer(self) -> None:
        """Forget the producer. Raises RuntimeError when there is none."""
        if self.producer is None:
            raise RuntimeError("unregisterProducer() without a registered producer")
        self.producer = None
        self.streaming = None

    # -- IPushProducer --------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Note it in `producerState`. Raises RuntimeError when stopped."""
        self._check_producing("pauseProducing")
        self.producerState = "paused"

    def resumeProducing(self) -> None:
        """Note it in `producerState`. Raises RuntimeError when stopped or, unless lenient, disconnected."""
        self._check_producing("resumeProducing")
        if not self.connected and not self._lenient:
            raise RuntimeError("resumeProducing() after the connection was lost: nothing more will come")
        self.producerState = "producing"

    def stopProducing(self) -> None:
        """Note it in `producerState`. Raises RuntimeError when stopped already."""
        self._check_producing("stopProducing")
        self.producerState = "stopped"

    def _check_producing(self, call: str) -> None:
        if self.producerState == "stopped":
            raise RuntimeError(f"{call}() after stopProducing(): a stopped producer stays stopped")


class StringTransportWithDisconnection(StringTransport):
    """A `StringTransport` that tells its `protocol` when the connection is lost.

    Set `protocol` before the code under test disconnects.
    """

    protocol: Any

    def loseConnection(self) -> None:
        """End the connection now: `protocol.connectionLost` is called with `ConnectionDone`, once."""
        self._end(ConnectionDone())

    def abortConnection(self) -> None:
        """End the connection now: `protocol.connectionLost` is called with `ConnectionAborted`, once."""
        self.disconnected = True
        self._end(ConnectionAborted())

    def _end(self, reason: ConnectionClosed) -> None:
        if self.connected:
            self.connected = False
            self.disconnecting = True
            self.protocol.connectionLost(Failure(reason))


@implementer(IUDPTransport)
class FakeDatagramTransport:
    """A datagram transport that keeps ``(packet, address)`` pairs in `written`.

    A packet sent without an address has `noAddr` in its place.
    """

    noAddr = object()

    def __init__(
        self, hostAddress: IPv4Address | None = None, connectedAddress: IPv4Address | None = None
    ) -> None:
        self.written: list[tuple[bytes, object]] = []
        self.connectedAddr: tuple[str, int] | None = None
        self.broadcast = False
        self.listening = True
        self._host = hostAddress or IPv4Address("UDP", "10.0.0.1", 12345)
        if connectedAddress is not None:
            self.connect(connectedAddress.host, connectedAddress.port)

    def write(self, packet: bytes, addr: object = noAddr) -> None:
        """Keep `packet`, sent to `addr`. Raises TypeError for anything but bytes."""
        self.written.append((checked_bytes("write", packet), addr))

    def connect(self, host: str, port: int) -> None:
        """Note the peer in `connectedAddr`. Raises RuntimeError when there is one already."""
        if self.connectedAddr is not None:
            raise RuntimeError(f"connect({host!r}, {port!r}): already connected to {self.connectedAddr!r}")
        self.connectedAddr = (host, port)

    def getHost(self) -> IPv4Address:
        """The address given as `hostAddress`, else a fixed one."""
        return self._host

    def stopListening(self) -> None:
        """Note it in `listening`."""
        self.listening = False

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Note it in `broadcast`."""
        self.broadcast = bool(enabled)

    def getBroadcastAllowed(self) -> bool:
        """What was set last; at first False."""
        return self.broadcast
