"""Protocols that receive messages instead of octets: lines, netstrings, strings behind their length.

Subclass one, override `lineReceived` or `stringReceived`, and answer with `sendLine` or `sendString`. How
the stream was cut on its way never shows. A message over the limit closes the connection, and the log says
why.

    class Upper(LineOnlyReceiver):
        def lineReceived(self, line: bytes) -> None:
            self.sendLine(line.upper())

All of them: a message is delivered when the one before has been dealt with, also when that put data back or
received more; what had come in before `loseConnection` was called is not delivered after it. The framing
itself is in `wirelab.protocols.framing`, free of input and output.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from zope.interface import implementer

from ..reactor.defer import Deferred
from ..reactor.failure import Failure
from ..reactor.interfaces import IPullProducer, IPushProducer
from ..reactor.protocol import Protocol
from .framing import (
    MAX_LINE,
    MAX_NETSTRING,
    MAX_STRING,
    FramingError,
    LineFraming,
    LineTooLong,
    NetstringFraming,
    NetstringParseError,
    PrefixedFraming,
    StringTooLongError,
    TooLongAnnounced,
    encode_netstring,
)

__all__ = [
    "FileSender",
    "FileTransferStopped",
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "LineOnlyReceiver",
    "LineReceiver",
    "NetstringParseError",
    "NetstringReceiver",
    "StatefulStringProtocol",
    "StringTooLongError",
]

log = logging.getLogger(__name__)


SINGLE_LINES = 32
"""Lines that LineReceiver cuts one by one after it had to give lines back, before it cuts ahead again: a
protocol that pauses at every line then cuts few of them twice."""


class _Open:
    """Stands for a transport that does not tell when it is closing; ITransport does not promise it."""

    disconnecting = False


_open = _Open()


def _checked(verb: str, data: object) -> bytes:
    """`data` as bytes. Raises TypeError, naming the right call."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    kind = type(data).__name__
    remedy = "encode it first, for example text.encode()" if isinstance(data, str) else f"not {data!r:.60}"
    raise TypeError(f"{verb}() takes bytes, not {kind}: {remedy}")


def _give_up(protocol: Protocol, error: FramingError) -> None:
    """Close the connection and say why."""
    log.warning("%s closes the connection from %s: %s", protocol.logPrefix(), _peer(protocol), error)
    protocol.transport.loseConnection()


def _undefined(protocol: Protocol) -> NotImplementedError:
    return NotImplementedError(f"{type(protocol).__name__} received a string: define stringReceived()")


def _peer(protocol: Protocol) -> object:
    try:
        return protocol.transport.getPeer()
    except Exception as error:  # a broken test double must not hide why the connection closes
        return f"an unknown peer ({error!r})"


# -- lines --------------------------------------------------------------------------------------------


class _LineProtocol(Protocol):
    """What both line receivers share: the limits, the core that cuts, sending."""

    delimiter: bytes = b"\r\n"
    """What ends a line, received and sent; any octets."""

    MAX_LENGTH: int = MAX_LINE
    """Octets of a line, delimiter excluded; a longer one closes the connection."""

    _lines: LineFraming | None = None
    _busy = False
    _ahead: Iterator[bytes]
    _gave_back = False

    def _settle(self) -> LineFraming:
        """The core, cutting at the current delimiter."""
        if self._lines is None:
            self._lines = LineFraming(self.delimiter, self.MAX_LENGTH)
            self._ahead = iter(())
            self._settle_flags()
        else:
            self._give_back()
            self._lines.change_delimiter(self.delimiter)
        return self._lines

    def _give_back(self) -> None:
        """Put lines that were cut ahead back into the core. The loop that delivers them ends by that."""
        if self._lines is not None and (ahead := list(self._ahead)):
            self._lines.give_back(ahead)
            self._gave_back = True

    def _settle_flags(self) -> None:
        """Put what is looked at for every line into the instance, where it is found fastest."""
        self._busy = False

    def lineReceived(self, line: bytes) -> None:
        """Override this: `line` came in, without its delimiter."""
        raise NotImplementedError(f"{type(self).__name__} received a line: define lineReceived()")

    def sendLine(self, line: bytes) -> None:
        """Send `line` and the delimiter. Raises TypeError for anything but bytes."""
        if type(line) is not bytes:
            line = _checked("sendLine", line)
        self.transport.write(line + self.delimiter)

    def _refuse(self, line: bytes) -> None:
        """Close because of `line`, which may have more behind it."""
        _give_up(self, LineTooLong(line.partition(self.delimiter)[0], self.MAX_LENGTH, is_whole=True))


class LineOnlyReceiver(_LineProtocol):
    """Receives lines and nothing else, at the least cost.

    Some lines are cut ahead, so a `delimiter` changed by `lineReceived` may hold from the next data on only.
    Use `LineReceiver` where a stream changes its form.
    """

    def dataReceived(self, data: bytes) -> None:
        """Deliver the lines that `data` completes."""
        lines = self._lines
        if lines is None or lines.delimiter is not self.delimiter:
            lines = self._settle()
        # The two commonest chunks, one whole line and a piece of one, are dealt with here: conversations
        # consist of them, and each call spared is a sixth of their cost. (What hangs in a slot is called
        # by a local name because the interpreter finds it faster so.)
        if lines.is_empty:
            line = data.removesuffix(lines.delimiter)
            if lines.last_octet not in line and len(line) < len(data) <= self.MAX_LENGTH and not self._busy:
                self._busy = True
                try:
                    self.lineReceived(line)
                finally:
                    self._busy = False
                if lines.is_empty:
                    return
                data = b""
        elif lines.last_octet not in data:
            room = lines.room - len(data)
            if room >= 0:
                lines.room = room
                keep = lines.keep
                keep(data)
                return
        if self._busy:
            self._give_back()
            lines.feed(data)
        else:
            lines.feed(data)
            self._deliver(lines)

    def _deliver(self, lines: LineFraming) -> None:
        """Deliver the lines that are whole."""
        self._busy = True
        transport = self.transport
        if not hasattr(transport, "disconnecting"):
            transport = _open
        try:
            while not (lines.is_empty or transport.disconnecting):
                lines.max_length = self.MAX_LENGTH
                self._ahead = batch = iter(lines.next_lines())
                line = None
                for line in batch:
                    self.lineReceived(line)
                    if transport.disconnecting:
                        self._give_back()
                if line is None and not self._deliver_one(lines):
                    break
        except BaseException:
            self._give_back()
            raise
        finally:
            self._busy = False

    def _deliver_one(self, lines: LineFraming) -> bool:
        """Deliver one line, or say that it is too long; whether there was one."""
        excess = None
        try:
            line = lines.next_event()
        except LineTooLong as error:
            excess = error.line
        if excess is not None:
            self.lineLengthExceeded(excess)
        elif line is None:
            return False
        else:
            self.lineReceived(line)
        return True

    def lineLengthExceeded(self, line: bytes) -> None:
        """`line` is longer than `MAX_LENGTH`, as far as it came. By default the connection is closed."""
        self._refuse(line)


class _Pauseable(Protocol):
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


@implementer(IPushProducer)
class LineReceiver(_LineProtocol, _Pauseable):
    """Receives lines, and raw data where the protocol says so.

    `setRawMode`, `setLineMode`, `pauseProducing` and a new `delimiter` take effect at the very next octet,
    also in the middle of what was received at once.
    """

    line_mode = 1
    """1 while lines are received, 0 in raw mode; use `setRawMode` and `setLineMode`."""

    _single = 0
    """So many lines are to be cut one by one."""

    def _settle_flags(self) -> None:
        super()._settle_flags()
        self.paused = self.paused
        self.line_mode = self.line_mode

    def dataReceived(self, data: bytes) -> None:
        """Deliver the lines that `data` completes, or the raw data in it."""
        lines = self._lines
        if lines is None or lines.delimiter is not self.delimiter:
            lines = self._settle()
        if self.line_mode:
            # The commonest chunks, as in LineOnlyReceiver.
            if lines.is_empty:
                line = data.removesuffix(lines.delimiter)
                if (
                    lines.last_octet not in line
                    and len(line) < len(data) <= self.MAX_LENGTH
                    and not (self._busy or self.paused)
                ):
                    self._busy = True
                    try:
                        self.lineReceived(line)
                    finally:
                        self._busy = False
                    if lines.is_empty:
                        return
                    data = b""
            elif lines.last_octet not in data:
                room = lines.room - len(data)
                if room >= 0:
                    lines.room = room
                    keep = lines.keep
                    keep(data)
                    return
        if self._busy:
            self._give_back()
            lines.feed(data)
        else:
            lines.feed(data)
            self._deliver(lines)

    def _deliver(self, lines: LineFraming) -> None:
        """Deliver what is held, until there is a reason not to."""
        self._busy = True
        transport = self.transport
        if not hasattr(transport, "disconnecting"):
            transport = _open
        try:
            while not (lines.is_empty or self.paused or transport.disconnecting):
                delimiter = self.delimiter
                if lines.delimiter is not delimiter:
                    self._settle()
                lines.max_length = self.MAX_LENGTH
                lines.raw = not self.line_mode
                line = None
                if not self._single:
                    self._ahead = batch = iter(lines.next_lines())
                    for line in batch:
                        self.lineReceived(line)
                        if transport.disconnecting or self.delimiter is not delimiter:
                            self._give_back()
                    if self._gave_back:
                        # Where the stream changes its form at every line, cutting ahead would be in vain.
                        self._gave_back = False
                        self._single = SINGLE_LINES
                else:
                    self._single -= 1
                if line is None and not self._deliver_one(lines):
                    break
        except BaseException:
            self._give_back()
            raise
        finally:
            self._busy = False

    def _deliver_one(self, lines: LineFraming) -> bool:
        """Deliver one line, or what there is of raw data; whether there was something."""
        excess = None
        try:
            event = lines.next_event()
        except LineTooLong as error:
            excess = error.line + (self.delimiter + lines.clear() if error.is_whole else b"")
        if excess is not None:
            self.lineLengthExceeded(excess)
        elif event is None:
            return False
        elif lines.raw:
            self.rawDataReceived(event)
        else:
            self.lineReceived(event)
        return True

    def pauseProducing(self) -> None:
        """Deliver nothing from here on, not even what is here already, and read no more."""
        self._give_back()
        super().pauseProducing()

    def stopProducing(self) -> None:
        """Deliver nothing any more and close."""
        self._give_back()
        super().stopProducing()

    def rawDataReceived(self, data: bytes) -> None:
        """Override this where there is a raw mode: `data` came in, cut anywhere."""
        raise NotImplementedError(f"{type(self).__name__} went into raw mode: define rawDataReceived()")

    def setRawMode(self) -> None:
        """Deliver everything from here on to `rawDataReceived`, as it comes."""
        self._give_back()
        self.line_mode = 0

    def setLineMode(self, extra: bytes = b"") -> None:
        """Deliver lines from here on, first those in `extra`: raw data that was not raw any more.

        Give no `extra` inside `lineReceived`: what follows the line has not left the buffer.
        """
        self._give_back()
        self.line_mode = 1
        if extra:
            self.dataReceived(extra)

    def clearLineBuffer(self) -> bytes:
        """Take out what was received and not delivered."""
        self._give_back()
        return b"" if self._lines is None else self._lines.clear()

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line is longer than `MAX_LENGTH`. By default the connection is closed.

        `line` is all that was received from its beginning on, perhaps more than that line, perhaps not all
        of it. It was taken out of the buffer: what comes next begins a new line.
        """
        self._refuse(line)


# -- strings ------------------------------------------------------------------------------------------


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
            _give_up(self, problem)
        elif strings and self._waiting:
            self.dataReceived(self._waiting.pop(0))

    def _deliver(self, strings: Sequence[bytes]) -> None:
        """Deliver `strings`; what a string that raised leaves behind comes with the next data."""
        self._busy = True
        transport = self.transport
        if not hasattr(transport, "disconnecting"):
            transport = _open
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
        raise _undefined(self)

    def sendString(self, string: bytes) -> None:
        """Send `string` as a netstring. Raises TypeError for anything but bytes."""
        self.transport.write(encode_netstring(_checked("sendString", string)))


@implementer(IPushProducer)
class IntNStringReceiver(_Pauseable):
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
            transport = _open
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
        raise _undefined(self)

    def lengthLimitExceeded(self, length: int) -> None:
        """The peer announced a string of `length` octets, more than `MAX_LENGTH`.

        By default the connection is closed. Nothing is delivered any more in any case: where the next
        string begins is not known.
        """
        _give_up(self, TooLongAnnounced(length, self.MAX_LENGTH))

    def sendString(self, string: bytes) -> None:
        """Send `string` behind its length. Raises StringTooLongError, TypeError for anything but bytes."""
        if type(string) is not bytes:
            string = _checked("sendString", string)
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


class StatefulStringProtocol:
    """Mixin for the string receivers: the state names the method that takes the next string.

    In the state ``"init"``, the first, that is `proto_init`; each such method gives the next state. The
    state ``"done"`` closes the connection.

        class Login(StatefulStringProtocol, NetstringReceiver):
            def proto_init(self, name: bytes) -> str: ...
    """

    state: str = "init"

    transport: Any

    def stringReceived(self, string: bytes) -> None:
        """Call the state's method.

        Raises AttributeError when there is none, TypeError when it does not give a state.
        """
        method: Callable[[bytes], str] | None = getattr(self, f"proto_{self.state}", None)
        if method is None:
            raise AttributeError(
                f"{type(self).__name__} has no method proto_{self.state}() for its state {self.state!r}"
            )
        state = method(string)
        if not isinstance(state, str):
            raise TypeError(
                f"proto_{self.state}() gave {state!r}: it gives the name of the next state, or 'done'"
            )
        self.state = state
        if state == "done":
            self.transport.loseConnection()


# -- files --------------------------------------------------------------------------------------------


class FileTransferStopped(Exception):
    """The consumer wanted no more before the file had ended; usually the connection was lost."""


@implementer(IPullProducer)
class FileSender:
    """Sends a file to a consumer, a piece at a time, as fast as the consumer takes it."""

    CHUNK_SIZE = 2**14
    """Octets read at a time."""

    lastSent = b""
    """The last octet sent so far."""

    file: Any = None
    consumer: Any = None
    transform: Callable[[bytes], bytes] | None = None
    deferred: Deferred[bytes] | None = None

    def beginFileTransfer(
        self, file: Any, consumer: Any, transform: Callable[[bytes], bytes] | None = None
    ) -> Deferred[bytes]:
        """Send all that is left of `file` to `consumer`, each piece as `transform` makes it.

        `file` has ``read(size)`` giving bytes; it is not closed. Gives a Deferred of the last octet sent
        (``b""`` when there was nothing to send); errback: what `read`, `transform` or `write` raised, or
        FileTransferStopped. Cancelling it ends the transfer.

        Raises RuntimeError while another transfer of this sender lasts.
        """
        if self.deferred is not None:
            raise RuntimeError("this FileSender is sending already: make one per transfer")
        self.file = file
        self.consumer = consumer
        self.transform = transform
        self.lastSent = b""
        self.deferred = deferred = Deferred[bytes](lambda _: self._finish(None))
        consumer.registerProducer(self, False)
        return deferred

    def resumeProducing(self) -> None:
        """Send the next piece: the consumer has room."""
        if self.deferred is None:
            return
        try:
            chunk = self._next_chunk()
            if chunk:
                self.consumer.write(chunk)
                self.lastSent = chunk[-1:]
                return
        except Exception:
            self._finish(Failure())
            return
        self._finish(self.lastSent)

    def _next_chunk(self) -> bytes:
        """The next piece to send, empty at the end of the file."""
        while chunk := self.file.read(self.CHUNK_SIZE):
            if isinstance(chunk, str):
                raise TypeError("the file gives str, not bytes: open it in binary mode, open(path, 'rb')")
            if self.transform is None:
                return bytes(chunk)
            if chunk := self.transform(chunk):
                return chunk
        return b""

    def _finish(self, result: bytes | Failure | None) -> None:
        """Leave the consumer and fire the Deferred, unless it was cancelled (None)."""
        deferred, self.deferred = self.deferred, None
        consumer, self.consumer = self.consumer, None
        self.file = self.transform = None
        if consumer is not None:
            consumer.unregisterProducer()
        if deferred is None or result is None:
            return
        if isinstance(result, Failure):
            deferred.errback(result)
        else:
            deferred.callback(result)

    def pauseProducing(self) -> None:
        """Nothing to do: a pull producer waits to be asked anyway."""

    def stopProducing(self) -> None:
        """The consumer will take no more: the Deferred fails with FileTransferStopped."""
        deferred, self.deferred = self.deferred, None
        self.file = self.consumer = self.transform = None
        if deferred is not None:
            deferred.errback(
                Failure(FileTransferStopped("the consumer took no more before the file had ended"))
            )
