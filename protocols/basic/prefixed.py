"""Receivers of strings behind a binary length."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from zope.interface import implementer

from ...reactor.interfaces import IPushProducer
from ..framing import MAX_STRING, PrefixedFraming, TooLongAnnounced
from .receiving import STILL_OPEN, Pauseable, checked_bytes, close_because, undefined


@implementer(IPushProducer)
class IntNStringReceiver(Pauseable):
    """Receives strings behind their length; the base of those below, and of one of your own.

    `structFormat` is the length's format as in the module `struct`, `prefixLength` its octets.
    """

    MAX_LENGTH: int = MAX_STRING
    """Octets of a received string; a longer one is not waited for, see `lengthLimitExceeded`."""

    structFormat: str
    prefixLength: int

    _framing: PrefixedFraming | None = None
    _busy = False
    _ahead: Iterator[bytes]

    def _begin(self) -> PrefixedFraming:
        """The core that cuts."""
        if self._framing is None:
            self._framing = PrefixedFraming(self.structFormat, self.MAX_LENGTH)
            self._ahead = iter(())
            self._busy = self.paused = False  # found faster in the instance than in the class
        return self._framing

    @property
    def recvd(self) -> bytes:
        """What was received and not delivered, prefixes included; set it to put something else in place."""
        self._give_back()
        return self._begin().peek()

    @recvd.setter
    def recvd(self, data: bytes) -> None:
        self._give_back()
        framing = self._begin()
        framing.clear()
        framing.feed(data)

    def dataReceived(self, data: bytes) -> None:
        """Deliver the strings that `data` completes."""
        framing = self._framing
        if framing is None:
            framing = self._begin()
        if framing.is_empty and not (self._busy or self.paused):
            # The commonest chunk, one whole message, spares the way through the core.
            width = framing.width
            if len(data) >= width:
                unpack_from = framing.unpack_from
                (length,) = unpack_from(data)
                if length == len(data) - width and length <= self.MAX_LENGTH:
                    self._busy = True
                    try:
                        self.stringReceived(data[width:])
                    finally:
                        self._busy = False
                    if framing.is_empty:
                        return
                    data = b""
        if self._busy:
            self._give_back()
            framing.feed(data)
        elif framing.feed(data) and not self.paused:
            self._deliver(framing)

    def _deliver(self, framing: PrefixedFraming) -> None:
        """Deliver what is whole, until told to pause or to close."""
        self._busy = True
        transport = self.transport
        if not hasattr(transport, "disconnecting"):
            transport = STILL_OPEN
        refused = None
        try:
            while not (framing.is_empty or self.paused or transport.disconnecting):
                framing.max_length = self.MAX_LENGTH
                try:
                    strings = framing.next_strings()
                except TooLongAnnounced as error:
                    refused = error.length
                    break
                if not strings:
                    break
                self._ahead = batch = iter(strings)
                for string in batch:
                    self.stringReceived(string)
                    if transport.disconnecting:
                        self._give_back()
        except BaseException:
            self._give_back()
            raise
        finally:
            self._busy = False
        if refused is not None:
            self.lengthLimitExceeded(refused)

    def _give_back(self) -> None:
        """Put strings that were cut ahead back into the core. The loop that delivers them ends by that."""
        if self._framing is not None and (ahead := list(self._ahead)):
            self._framing.give_back(ahead)

    def pauseProducing(self) -> None:
        """Deliver nothing from here on, not even what is here already, and read no more."""
        self._give_back()
        super().pauseProducing()

    def stopProducing(self) -> None:
        """Deliver nothing any more and close."""
        self._give_back()
        super().stopProducing()

    def stringReceived(self, string: bytes) -> None:
        """Override this: `string` came in, without its length."""
        raise undefined(self)

    def lengthLimitExceeded(self, length: int) -> None:
        """The peer announced a string of `length` octets, more than `MAX_LENGTH`.

        By default the connection is closed. Nothing is delivered any more in any case: where the next
        string begins is not known.
        """
        close_because(self, TooLongAnnounced(length, self.MAX_LENGTH))

    def sendString(self, string: bytes) -> None:
        """Send `string` behind its length. Raises StringTooLongError, TypeError for anything but bytes."""
        if type(string) is not bytes:
            string = checked_bytes("sendString", string)
        self.transport.write(self._begin().encode(string))


class Int8StringReceiver(IntNStringReceiver):
    """Receives strings of up to 255 octets, behind a length of one."""

    structFormat = "!B"
    prefixLength = struct.calcsize(structFormat)


class Int16StringReceiver(IntNStringReceiver):
    """Receives strings of up to 65535 octets, behind a length of two."""

    structFormat = "!H"
    prefixLength = struct.calcsize(structFormat)


class Int32StringReceiver(IntNStringReceiver):
    """Receives strings behind a length of four octets; `MAX_LENGTH` is what limits them."""

    structFormat = "!I"
    prefixLength = struct.calcsize(structFormat)
