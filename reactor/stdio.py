"""Standard input and output as a connection: what another program, a file or a person at a terminal says.

Output of the rest of the program, `print` and the log, goes the same way as before; what is written here goes
between it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Literal, cast

from zope.interface import implementer

from .error import ConnectionClosed, ConnectionDone, ConnectionLost
from .failure import Failure
from .interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IPushProducer,
    ITransport,
)
from .pipes import PipeReader, PipeWriter
from .proxy import reactor as _the_reactor
from .stream import checked_bytes, short

STANDARD = (0, 1, 2)
"""The descriptors that every program has."""


@implementer(IAddress)
@dataclass(frozen=True)
class PipeAddress:
    """Either end of standard input and output: whatever is there, it has no address."""

    def __str__(self) -> str:
        return "stdio"


class _Descriptor:
    """A copy of a descriptor that does not block, while the original stays as it is as far as possible."""

    def __init__(self, number: int, flags: int) -> None:
        self._number = number
        self._was_blocking: bool | None = None
        # What blocks and what not is known of an open file, and shared by all who have it: a terminal by
        # the shell that started us too. It can be opened once more; other things cannot.
        try:
            self.fd = os.open(os.ttyname(number), flags | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            self.fd = os.dup(number)
            self._was_blocking = os.get_blocking(number)
            os.set_blocking(number, False)

    def release(self) -> None:
        """Put the original back into its mode. One that we do not share with the whole program is closed."""
        if self._was_blocking is not None:
            os.set_blocking(self._number, self._was_blocking)
        if self._number not in STANDARD:
            os.close(self._number)


@implementer(ITransport, IConsumer, IPushProducer, IHalfCloseableDescriptor)
class StandardIO:
    """Connects the protocol `proto` to standard input and output, or to other descriptors.

    `stdin` and `stdout` may be pipes, plain files, terminals or sockets. At the end they are put back into
    their mode; others than 0, 1 and 2 are closed then. The end of the input is the end of the connection,
    after what was written has left; an IHalfCloseableProtocol is told of either end instead. `reactor` is
    the one that runs unless one is given.
    """

    kind = "stdio"
    _reason: ConnectionClosed

    def __init__(self, proto: Any, stdin: int = 0, stdout: int = 1, reactor: Any = None) -> None:
        if isinstance(proto, type) or not callable(getattr(proto, "dataReceived", None)):
            raise TypeError(f"StandardIO() takes a protocol, an instance, not {short(proto)}")
        self.reactor = cast(Any, _the_reactor) if reactor is None else reactor
        self.protocol = proto
        self.context = copy_context()
        self.openedAt = time.time()
        self.disconnecting = False
        self._reason = ConnectionDone()
        self._is_half = IHalfCloseableProtocol.providedBy(proto)
        given = [_Descriptor(stdin, os.O_RDONLY)]
        try:
            given += [_Descriptor(stdout, os.O_WRONLY)] if stdout != stdin else []
            writing = given[-1].fd if stdout != stdin else os.dup(given[0].fd)
        except BaseException:
            os.close(given[0].fd)
            given[0].release()
            raise
        # The last to change a mode is the first to put it back: both may be one open file.
        self._given = given[::-1]
        self._reader = PipeReader(self.reactor, given[0].fd, self.context, self._received, self._read_ended)
        self._writer = PipeWriter(self.reactor, writing, self.context, self._write_ended)
        self._is_reading = self._is_writing = True
        self.shortId = self.reactor.register(self, "s")
        self._call(proto.makeConnection, self)
        self._reader.start()
        if self._is_writing:
            self._writer.start()

    # -- what people want to know -------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether either direction is open."""
        return self._is_reading or self._is_writing

    @property
    def state(self) -> Literal["open", "closing", "closed"]:
        """Where in its life it is."""
        if not self.connected:
            return "closed"
        return "closing" if self.disconnecting else "open"

    @property
    def bytesIn(self) -> int:
        """Octets received."""
        return self._reader.bytesIn

    @property
    def bytesOut(self) -> int:
        """Octets that the system took."""
        return self._writer.bytesOut

    @property
    def bufferedBytes(self) -> int:
        """Octets written and not yet taken by the system."""
        return self._writer.bufferedBytes

    def idleSeconds(self) -> float | None:
        """None: the system does not tell."""
        return None

    def getPeer(self) -> PipeAddress:
        """The other side, which has no address."""
        return PipeAddress()

    def getHost(self) -> PipeAddress:
        """This side, which has none either."""
        return PipeAddress()

    def logPrefix(self) -> str:
        """The name of the protocol and of this connection."""
        return f"{type(self.protocol).__name__},{self.shortId}"

    def __repr__(self) -> str:
        return f"<StandardIO {self.shortId} {self.state}>"

    # -- talking ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write `data` without waiting; dropped when the output is closed. Raises TypeError."""
        self._writer.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write each of the bytes objects in `data`. Raises TypeError."""
        if isinstance(data, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"writeSequence() takes several bytes objects: use write() for {short(data)}")
        self._writer.write(b"".join(checked_bytes("writeSequence", piece) for piece in data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take data from a producer, as connections do. Raises RuntimeError."""
        self._writer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self._writer.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read no more until `resumeProducing`."""
        self._reader.pause()

    def resumeProducing(self) -> None:
        """Read again."""
        self._reader.start()

    def stopProducing(self) -> None:
        """Nothing more is wanted."""
        self.loseConnection()

    # -- closing ------------------------------------------------------------------------------------

    def loseConnection(self) -> None:
        """Close both directions, after what was written has left."""
        self.disconnecting = True
        self._reader.close()
        self._writer.close()

    def loseWriteConnection(self) -> None:
        """Close the output after what was written has left; the input is still read."""
        self._writer.close()

    def abortConnection(self) -> None:
        """Close both directions; what was not sent is lost."""
        self.disconnecting = True
        self._reader.close()
        self._writer.abort()

    def readConnectionLost(self, reason: Failure) -> None:
        """Read no more, because of `reason`."""
        self._reader.close()

    def writeConnectionLost(self, reason: Failure) -> None:
        """Write no more, because of `reason`."""
        self._writer.abort()

    def connectionLost(self, reason: Failure) -> None:
        """End at once because of `reason`, as when the reactor stops."""
        value = reason.value
        self._reason = value if isinstance(value, ConnectionClosed) else ConnectionLost(str(value))
        self.disconnecting = True
        self._reader.drop()
        self._writer.drop()

    def _received(self, data: bytes) -> None:
        self._call(self.protocol.dataReceived, data)

    def _read_ended(self, why: OSError | None) -> None:
        self._is_reading = False
        self._note(why)
        self._one_ended("readConnectionLost")

    def _write_ended(self, why: OSError | None) -> None:
        self._is_writing = False
        self._note(why)
        self._one_ended("writeConnectionLost")

    def _note(self, why: OSError | None) -> None:
        if why is not None and isinstance(self._reason, ConnectionDone):
            self._reason = ConnectionLost(f"{why.strerror} (errno {why.errno})")
            self._reason.__cause__ = why

    def _one_ended(self, told: str) -> None:
        if self._is_half and not self.disconnecting:
            self._call(getattr(self.protocol, told))
        elif self.connected:
            self.loseConnection()
        if not self.connected:
            self._end()

    def _end(self) -> None:
        for descriptor in self._given:
            descriptor.release()
        self._given = []
        if self.reactor.opened.pop(self.shortId, None) is not None:
            self._call(self.protocol.connectionLost, Failure(self._reason), is_last=True)

    def _call(self, call: Any, *args: Any, is_last: bool = False) -> None:
        """Call the protocol; one that raises is told, and its connection ends."""
        try:
            call(*args)
        except BaseException as error:
            self.reactor.callback_failed(error, call)
            if not is_last:
                name = getattr(call, "__qualname__", call)
                self._reason = ConnectionLost(f"{name} raised {type(error).__name__}")
                self._reason.__cause__ = error
                self.loseConnection()
