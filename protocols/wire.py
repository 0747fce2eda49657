"""The small servers that every host once had, to learn from: echo, discard, chargen, daytime, time, qotd.

Each fits on half a page and is complete. Serve one and talk to it:

    serve("tcp:8007", Echo)            # then, in a shell: nc 127.0.0.1 8007

The classes whose names begin with ``Datagram`` are the same services over UDP, for ``listenUDP``. Read `Echo`
first, then `Chargen`: between them they show how a server keeps its memory small although its peer
does not read.
"""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable
from typing import Any, ClassVar

from zope.interface import implementer

from ..reactor.interfaces import IPullProducer
from ..reactor.protocol import DatagramProtocol, Protocol

Address = tuple[str, int]
"""Where a datagram came from: the host, as a number, and the port."""

# -- echo: RFC 862 ------------------------------------------------------------------------------------


@implementer(IPullProducer)
class Echo(Protocol):
    """Sends back what it receives."""

    ENOUGH = 65536
    """Octets that may wait to be sent before we stop to receive: as many as one read gives at most."""

    def dataReceived(self, data: bytes) -> None:
        """Send `data` back. A peer that sends and never reads must not fill our memory."""
        self.transport.write(data)
        if self.transport.bufferedBytes > self.ENOUGH:
            # Receive no more, and let the transport ask us when what it has was sent.
            self.transport.pauseProducing()
            self.transport.registerProducer(self, streaming=False)

    def resumeProducing(self) -> None:
        """The transport asks for more to send: we have nothing, but can receive again."""
        if self.transport.bufferedBytes:
            return  # it asks once at registration, before everything has left
        self.transport.unregisterProducer()
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection was lost while we waited: nothing is left to do."""


class DatagramEcho(DatagramProtocol):
    """Sends each datagram back to where it came from."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Answer, unless the datagram comes from such a service itself."""
        if is_answerable(addr):
            self.transport.write(datagram, addr)


# -- discard: RFC 863 ---------------------------------------------------------------------------------


class Discard(Protocol):
    """Receives and forgets, which is what a Protocol does by itself."""


class DatagramDiscard(DatagramProtocol):
    """Receives and forgets."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Forget it."""


# -- chargen: RFC 864 ---------------------------------------------------------------------------------

_PRINTABLE = bytes(range(0x20, 0x7F))


def _rotated(start: int) -> bytes:
    """The line that begins with the printable character number `start`: 72 of them, and CR LF."""
    return (_PRINTABLE + _PRINTABLE)[start : start + 72] + b"\r\n"


PATTERN = b"".join(_rotated(start) for start in range(len(_PRINTABLE)))
"""95 lines, each begun one character later than the one before; then it begins again (RFC 864)."""


@implementer(IPullProducer)
class Chargen(Protocol):
    """Sends characters without end, as fast as the peer takes them.

    A server that wrote in a loop would never come back. This one is a pull producer: the transport asks
    for the next portion whenever the one before has left.
    """

    def connectionMade(self) -> None:
        """Offer to produce; we are asked for the first portion at once."""
        self.transport.registerProducer(self, streaming=False)

    def resumeProducing(self) -> None:
        """Send the next portion, or stop when the connection is to be closed."""
        if self.transport.disconnecting:
            self.transport.unregisterProducer()
        else:
            self.transport.write(PATTERN)

    def stopProducing(self) -> None:
        """The connection was lost: nobody asks any more."""


class DatagramChargen(DatagramProtocol):
    """Answers each datagram with up to 512 characters, as many as chance wants."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Answer, unless the datagram comes from such a service itself."""
        if is_answerable(addr):
            self.transport.write(PATTERN[: random.randint(0, 512)], addr)


# -- daytime: RFC 867, and time: RFC 868 ---------------------------------------------------------------


def daytime(seconds: float) -> bytes:
    """The time, `seconds` after 1970, for people: ``b"Fri Nov 20 17:37:43 2026 UTC\\r\\n"``."""
    return f"{time.asctime(time.gmtime(seconds))} UTC\r\n".encode("ascii")


def time_since_1900(seconds: float) -> bytes:
    """The time, `seconds` after 1970, as the four octets of RFC 868; in 2036 they begin at zero again."""
    return struct.pack("!I", (int(seconds) + SECONDS_BEFORE_1970) % 2**32)


SECONDS_BEFORE_1970 = 2_208_988_800
"""Seconds from the beginning of 1900 to that of 1970 (RFC 868)."""


class _Answer(Protocol):
    """Says one thing and closes."""

    def connectionMade(self) -> None:
        """Answer before anything is asked: to connect is the question."""
        self.transport.write(self.answer())
        self.transport.loseConnection()

    def answer(self) -> bytes:
        """What to say."""
        raise NotImplementedError


class _DatagramAnswer(DatagramProtocol):
    """Says one thing to everyone who sends something."""

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Answer, unless the datagram comes from such a service itself."""
        if is_answerable(addr):
            self.transport.write(self.answer(), addr)

    def answer(self) -> bytes:
        """What to say."""
        raise NotImplementedError


class _TellsTime:
    """Knows what time it is."""

    now: Callable[[], float] = staticmethod(time.time)
    """The clock, in seconds after 1970; a test puts one of its own here."""


class Daytime(_TellsTime, _Answer):
    """Tells the time to people, and closes."""

    def answer(self) -> bytes:
        """The date and the time."""
        return daytime(self.now())


class DatagramDaytime(_TellsTime, _DatagramAnswer):
    """Tells the time to people."""

    def answer(self) -> bytes:
        """The date and the time."""
        return daytime(self.now())


class Time(_TellsTime, _Answer):
    """Tells the time to machines, and closes."""

    def answer(self) -> bytes:
        """Four octets."""
        return time_since_1900(self.now())


class DatagramTime(_TellsTime, _DatagramAnswer):
    """Tells the time to machines."""

    def answer(self) -> bytes:
        """Four octets."""
        return time_since_1900(self.now())


# -- quote of the day: RFC 865 ------------------------------------------------------------------------


class _Quotes:
    """Knows something worth saying."""

    quotes: ClassVar[tuple[bytes, ...]] = (
        b"Be conservative in what you send, be liberal in what you accept.",
        b"The network is reliable; that is the first fallacy of distributed computing.",
        b"It is always something. (RFC 1925)",
    )
    """Each has fewer than 512 characters, as RFC 865 asks."""

    def getQuote(self) -> bytes:
        """One of them."""
        return random.choice(self.quotes)


class QOTD(_Quotes, _Answer):
    """Says something wise, and closes."""

    def answer(self) -> bytes:
        """A quote in a line."""
        return self.getQuote() + b"\r\n"


class DatagramQOTD(_Quotes, _DatagramAnswer):
    """Says something wise."""

    def answer(self) -> bytes:
        """A quote in a line."""
        return self.getQuote() + b"\r\n"


# -- what all datagram services here have to mind --------------------------------------------------------

ANSWERING_PORTS = frozenset({7, 13, 17, 19, 37})
"""The ports of echo, daytime, qotd, chargen and time: each answers whatever comes in."""


def is_answerable(addr: Any) -> bool:
    """Whether a datagram from `addr` may be answered.

    Anybody can put a false address on a datagram. One that seems to come from another echo server would be
    answered by that, and its answer by us, without end (CERT advisory CA-1996-01).
    """
    return addr[1] not in ANSWERING_PORTS
