"""Receivers of lines."""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import implementer

from ...reactor.interfaces import IPushProducer
from ...reactor.protocol import Protocol
from ..framing import MAX_LINE, LineFraming, LineTooLong
from .receiving import STILL_OPEN, Pauseable, checked_bytes, close_because

SINGLE_LINES = 32
"""Lines that LineReceiver cuts one by one after it had to give lines back, before it cuts ahead again: a
protocol that pauses at every line then cuts few of them twice."""


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
            line = checked_bytes("sendLine", line)
        self.transport.write(line + self.delimiter)

    def _refuse(self, line: bytes) -> None:
        """Close because of `line`, which may have more behind it."""
        close_because(self, LineTooLong(line.partition(self.delimiter)[0], self.MAX_LENGTH, is_whole=True))


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
            try:
                line = data.removesuffix(lines.delimiter)
            except TypeError:
                checked_bytes("dataReceived", data)
                raise
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
            transport = STILL_OPEN
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


@implementer(IPushProducer)
class LineReceiver(_LineProtocol, Pauseable):
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
                try:
                    line = data.removesuffix(lines.delimiter)
                except TypeError:
                    checked_bytes("dataReceived", data)
                    raise
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
            transport = STILL_OPEN
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
