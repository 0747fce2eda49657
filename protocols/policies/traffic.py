"""Everything that passes, written to a file per connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from ...reactor.failure import Failure
from ...reactor.protocol import connectionDone
from .wrapping import ProtocolWrapper, WrappingFactory

ELIDED = b"<... elided>"


class TrafficLoggingProtocol(ProtocolWrapper):
    """Notes what is received ("C"), sent ("S") and done ("*"), a line each.

    ::

        * 1: connection made, peer IPv4Address('TCP', '127.0.0.1', 40312)
        C 1: b'hello\\r\\n'
        S 1: b'hello\\r\\n'
    """

    def __init__(
        self,
        factory: Any,
        wrappedProtocol: Any,
        logfile: TextIO,
        lengthLimit: int | None = None,
        number: int = 0,
    ) -> None:
        """`logfile` is closed with the connection. Data is noted up to `lengthLimit` octets."""
        super().__init__(factory, wrappedProtocol)
        self.logfile = logfile
        self.lengthLimit = lengthLimit
        self._number = number

    def _log(self, kind: str, what: object) -> None:
        if not self.logfile.closed:
            self.logfile.write(f"{kind} {self._number}: {what}\n")
            self.logfile.flush()

    def _shown(self, data: bytes) -> bytes:
        """`data`, or as much of it as the limit allows."""
        limit = self.lengthLimit
        if limit is None or len(data) <= limit:
            return data
        return data[: max(0, limit - len(ELIDED))] + ELIDED

    def connectionMade(self) -> None:
        """Note the beginning."""
        self._log("*", f"connection made, peer {self.transport.getPeer()}")

    def dataReceived(self, data: bytes) -> None:
        """Note `data` and pass it on."""
        self._log("C", repr(self._shown(data)))
        super().dataReceived(data)

    def write(self, data: bytes) -> None:
        """Note and send `data`."""
        self._log("S", repr(self._shown(data)))
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Note and send `data`."""
        pieces = list(data)
        self._log("S", repr([self._shown(piece) for piece in pieces]))
        super().writeSequence(pieces)

    def loseConnection(self) -> None:
        """Note that this side closes."""
        self._log("*", "loseConnection()")
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end and close the file."""
        self._log("*", f"connection lost: {reason.value}")
        try:
            super().connectionLost(reason)
        finally:
            self.logfile.close()


class TrafficLoggingFactory(WrappingFactory):
    """Writes the traffic of each connection to a file of its own: ``prefix-1``, ``prefix-2`` and so on."""

    protocol: Any = TrafficLoggingProtocol

    _counter = 0

    def __init__(self, wrappedFactory: Any, logfilePrefix: str, lengthLimit: int | None = None) -> None:
        """`lengthLimit` in octets: see TrafficLoggingProtocol."""
        super().__init__(wrappedFactory)
        self.logfilePrefix = logfilePrefix
        self.lengthLimit = lengthLimit

    def open(self, name: str) -> TextIO:
        """The file `name`, to be appended to."""
        return open(name, "a", encoding="ascii")

    def buildProtocol(self, addr: Any) -> Any:
        """A wrapper with the next file; None where the wrapped factory refuses."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        if wrapped is None:
            return None
        self._counter += 1
        logfile = self.open(f"{self.logfilePrefix}-{self._counter}")
        return self.protocol(self, wrapped, logfile, self.lengthLimit, self._counter)

    def resetCounter(self) -> None:
        """Count connections, and files, from 1 again."""
        self._counter = 0
