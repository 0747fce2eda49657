"""Lines, and stretches of raw data between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from .errors import LineTooLong

MAX_LINE = 16384
"""Octets of a line, delimiter excluded: what Twisted's LineReceiver has always allowed."""

WINDOW = 4096
"""Octets cut at once by `next_lines`: some sixty lines of a conversation, and little to cut again when the
reader stops in the middle of them."""


class LineFraming:
    """Cuts a stream into lines, and lets the reader leave line mode in the middle of it.

    ::

        stream = *(line delimiter)          in line mode
               / *OCTET                     while `raw` is true

    Iterate over what `receive_data` gives, or `feed` data and ask `next_event` yourself: nothing is cut
    before it is asked for, so setting `raw`, or a new delimiter, takes effect at the very next octet, and to
    pause is simply to stop asking.

    Work is linear in the octets received, however they are cut: an unfinished line is kept in pieces, each
    searched once, and put together once.

    For the fastest lane, while `room` is at least ``len(data)``, data without `last_octet` may go straight to
    `keep`, with `room` reduced by its length: it makes an unfinished line longer and does nothing else.
    """

    __slots__ = (
        "_buffer",
        "_kept",
        "_limit",
        "_offset",
        "_split",
        "_waiting",
        "delimiter",
        "is_empty",
        "keep",
        "last_octet",
        "max_length",
        "raw",
        "room",
    )

    def __init__(self, delimiter: bytes = b"\r\n", max_length: int = MAX_LINE) -> None:
        """`max_length` is in octets, delimiter excluded. Raises TypeError, ValueError for `delimiter`."""
        self.max_length = max_length
        self.raw = False
        # True: nothing is held, the next octet received is the next to be delivered.
        self.is_empty = True
        # The beginning of an unfinished line: pieces without a delimiter in or across them.
        self._kept: list[bytes] = []
        self.keep: Callable[[bytes], None] = self._kept.append
        # By how many octets that line may grow; negative when it is not all that is held.
        self.room = -1
        self._limit = max_length  # what `room` was counted from
        # What is being cut, from `_offset` on, and what came in before that was done.
        self._buffer = b""
        self._offset = 0
        self._waiting: list[bytes] = []
        self.delimiter = b""
        self.change_delimiter(delimiter)

    def change_delimiter(self, delimiter: bytes) -> None:
        """End lines at `delimiter`, from the first octet on that was not delivered yet."""
        if not isinstance(delimiter, bytes):
            raise TypeError(f"a delimiter is bytes, not {delimiter!r}: write it with a b, for example b'\\n'")
        if not delimiter:
            raise ValueError("a delimiter has at least one octet, not b''")
        if self._kept and delimiter != self.delimiter:
            # The pieces hold no delimiter of the old kind, of the new kind they may.
            self._buffer = self.clear()
            self.is_empty = False
        self.delimiter = delimiter
        # A chunk without this octet ends no line. ``int in bytes`` is by far the cheapest search there is.
        self.last_octet = delimiter[-1]
        # Splits as bytes.split does, a fifth faster.
        self._split = re.compile(re.escape(delimiter)).split

    def receive_data(self, data: bytes) -> Iterator[bytes]:
        """Take in `data`; the events it completes, each worked out when it is asked for: see `next_event`."""
        self.feed(data)
        return iter(self.next_event, None)

    def feed(self, data: bytes) -> None:
        """Take in `data` without asking for events."""
        if not data:
            return
        if self.is_empty:
            self.is_empty = False
            self._buffer = data
            self._offset = 0
        elif self._offset < len(self._buffer):
            self._waiting.append(data)
        elif self._kept and not self.raw and not self._completes_kept(data):
            self._kept.append(data)
            # Whether that was too much is for `next_event` to say.
            self.room -= len(data)
        else:
            self._buffer = data
            self._offset = 0
            self.room = -1

    def next_event(self) -> bytes | None:
        """The next line without its delimiter, or all data there is while `raw`; None: more is needed.

        Raises LineTooLong once per line that is. A whole one is passed over, one that has not ended yet is
        dropped as far as it came.
        """
        if self.raw:
            return self.clear() or None
        if self._kept and self._offset < len(self._buffer):
            self._buffer = self._without_waiting()
            self._offset = 0
            self._kept.clear()
        start = self._offset
        end = self._buffer.find(self.delimiter, start)
        while end < 0:
            if not self._waiting:
                self._keep_rest()
                return None
            self._buffer = b"".join((self._buffer[start:], *self._waiting))
            self._waiting.clear()
            start = 0
            end = self._buffer.find(self.delimiter)
        self._offset = after = end + len(self.delimiter)
        self.is_empty = after == len(self._buffer) and not self._waiting
        line = self._buffer[start:end]
        if len(line) > self.max_length:
            raise LineTooLong(line, self.max_length, is_whole=True)
        return line

    def next_lines(self) -> list[bytes]:
        """The next lines, some at once, at a fraction of the cost; none when `next_event` must be asked.

        Who stops before the last of them gives the others back with `give_back`, before anything else is
        done with this object.
        """
        if self.raw or self._kept:
            return []
        start = self._offset
        window = self._buffer
        size = len(window)
        # No line in a window can be too long.
        if start or size > WINDOW or size > self.max_length:
            window = window[start : start + (WINDOW if self.max_length > WINDOW else self.max_length)]
        split = self._split
        lines: list[bytes] = split(window)
        rest = lines.pop()
        if lines:
            self._offset = start = start + len(window) - len(rest)
            self.is_empty = start == size and not self._waiting
        return lines

    def give_back(self, lines: Sequence[bytes]) -> None:
        """Take back the last of the lines that `next_lines` gave."""
        if lines:
            self._offset -= sum(map(len, lines)) + len(lines) * len(self.delimiter)
            self.is_empty = False

    def clear(self) -> bytes:
        """Take out everything held, uncut."""
        data = b"".join((self._without_waiting(), *self._waiting))
        self._kept.clear()
        self._buffer = b""
        self._offset = 0
        self._waiting.clear()
        self.is_empty = True
        self.room = -1
        return data

    def _without_waiting(self) -> bytes:
        """Everything held but what waits."""
        return b"".join((*self._kept, self._buffer[self._offset :]))

    def _completes_kept(self, data: bytes) -> bool:
        """Whether the line in `_kept` ends in `data`."""
        if self.last_octet not in data:
            return False
        overlap = len(self.delimiter) - 1
        if not overlap or data.find(self.delimiter) >= 0:
            return True
        # The delimiter may have begun in the pieces, even in several of one octet each.
        return (self._tail(overlap) + data[:overlap]).find(self.delimiter) >= 0

    def _tail(self, size: int) -> bytes:
        """The last octets of the kept line: `size` of them, or all."""
        tail = b""
        for piece in reversed(self._kept):
            tail = piece[-size:] + tail
            if len(tail) >= size:
                break
        return tail[-size:]

    def _keep_rest(self) -> None:
        """Keep what no delimiter was found in, within the limit."""
        rest = self._buffer[self._offset :]
        self._buffer = b""
        self._offset = 0
        if rest:  # then nothing was kept
            self._kept.append(rest)
            self._limit = self.max_length
            self.room = self._limit - len(rest)
        self.is_empty = not self._kept
        # All but the last octet of the delimiter may be here already, and are not the line's.
        if self._kept and self._limit - self.room >= self.max_length + len(self.delimiter):
            raise LineTooLong(self.clear(), self.max_length, is_whole=False)
