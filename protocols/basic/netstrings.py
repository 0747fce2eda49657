"""The receiver of netstrings."""

from __future__ import annotations

from collections.abc import Sequence

from ...reactor.protocol import Protocol
from ..framing import MAX_NETSTRING, NetstringFraming, NetstringParseError, encode_netstring
from .receiving import STILL_OPEN, checked_bytes, close_because, undefined


class NetstringReceiver(Protocol):
    """Receives netstrings (http://cr.yp.to/proto/netstrings.txt): ``b"5:hello,"``.

    What is not one, or is longer than `MAX_LENGTH`, closes the connection and sets `brokenPeer`.
    """

    MAX_LENGTH: int = MAX_NETSTRING
    """Octets of a received string."""

    brokenPeer = 0
    """1 after the peer sent something else."""

    _framing: NetstringFraming | None = None
    _busy = False

    def dataReceived(self, data: bytes) -> None:
        """Deliver the strings that `data` completes."""
        if self._busy:
            self._waiting.append(data)
            return
        framing = self._framing
        if framing is None:
            framing = self._framing = NetstringFraming(self.MAX_LENGTH)
            self._busy = False  # found faster in the instance than in the class
            self._waiting: list[bytes] = []
            self._undelivered: list[bytes] = []
        if framing.max_length is not self.MAX_LENGTH:  # comparing the objects is enough, and fast
            framing.change_limit(self.MAX_LENGTH)
        problem = None
        strings: Sequence[bytes]
        try:
            strings = framing.receive_data(data)
        except NetstringParseError as error:
            problem, strings = error, error.before
        if self._undelivered:
            strings = [*self._undelivered, *strings]
            self._undelivered = []
        if strings:
            self._deliver(strings)
        if problem is not None and not getattr(self.transport, "disconnecting", False):
            self.brokenPeer = 1
            close_because(self, problem)
        elif strings and self._waiting:
            self.dataReceived(self._waiting.pop(0))

    def _deliver(self, strings: Sequence[bytes]) -> None:
        """Deliver `strings`; what a string that raised leaves behind comes with the next data."""
        self._busy = True
        transport = self.transport
        if not hasattr(transport, "disconnecting"):
            transport = STILL_OPEN
        ahead = iter(strings)
        try:
            for string in ahead:
                if transport.disconnecting:
                    break
                self.stringReceived(string)
        except BaseException:
            self._undelivered = list(ahead)
            raise
        finally:
            self._busy = False

    def stringReceived(self, string: bytes) -> None:
        """Override this: `string` came in, without its frame."""
        raise undefined(self)

    def sendString(self, string: bytes) -> None:
        """Send `string` as a netstring. Raises TypeError for anything but bytes."""
        self.transport.write(encode_netstring(checked_bytes("sendString", string)))
