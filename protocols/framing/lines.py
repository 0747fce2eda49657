"""Lines, and stretches of raw data between them."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import LineTooLong

MAX_LINE = 16384
"""Octets of a line, delimiter excluded: what Twisted's LineReceiver has always allowed."""


class LineFraming:
    r"""Cuts a stream into lines at `delimiter`, and lets the reader leave line mode in the middle of it.

    ::

        stream = *(line delimiter)          in line mode
               / *OCTET                     while `raw` is true

    Ask for one event at a time with `next_event`, or iterate over what `receive_data` gives: nothing is
    cut before it is asked for, so setting `raw`, or a new `delimiter`, takes effect at the very next
    octet, and to pause is simply to stop asking. Who never leaves line mode can have all lines at once
    with `receive_lines`.

    Work is linear in the octets received, however they are cut: an unfinished line is kept in pieces, each
    searched once, and put together once.
    """

    __slots__ = (
        "_buffer",
        "_kept",
        "_kept_size",
        "_offset",
        "_waiting",
        "delimiter",
        "is_empty",
        "last_octet",
        "max_length",
        "raw",
    )

    def __init__(self, delimiter: bytes = b"\r\n", max_length: int = MAX_LINE) -> None:
        """`max_length` is in octets, delimiter excluded. Raises TypeError, ValueError for `delimiter`."""
        self.max_length = max_length
        self.raw = False
        # True: nothing is held back, the next octet received is the next to be delivered.
        self.is_empty = True
        # The beginning of an unfinished line: pieces without a delimiter in or across them.
        self._kept: list[bytes] = []
        self._kept_size = 0
        # What is being cut, from `_offset` on, and what came in before that was done.
        self._buffer = b""
        self._offset = 0
        self._waiting: list[bytes] = []
        self.delimiter = b""
        self.change_delimiter(delimiter)

    def change_delimiter(self, delimiter: bytes) -> None:
        """End lines at `delimiter`, from the first octet on that was not delivered yet."""
        if not isinstance(delimiter, bytes):
            raise TypeError(
                f"a delimiter is bytes, not {delimiter!r}: write it as a bytes literal, for example b'\\n'"
            )
        if not delimiter:
            raise ValueError("a delimiter has at least one octet, not b''")
        if self._kept and delimiter != self.delimiter:
            # The pieces hold no delimiter of the old kind, of the new kind they may.
            self._buffer = self.clear()
            self.is_empty = False
        self.delimiter = delimiter
        # A chunk without this octet ends no line. ``int in bytes`` is by far the cheapest search there is.
        self.last_octet = delimiter[-1]

    def receive_data(self, data: bytes) -> Iterator[bytes]:
        """Take in `data`; the events it completes, each worked out when it is asked for, as by `next_event`."""
        self.feed(data)
        return iter(self.next_event, None)

    def feed(self, data: bytes) -> None:
        """Take in `data` without asking for events."""
        if not data:
            return
        self.is_empty = False
        if self._offset < len(self._buffer):
            self._waiting.append(data)
        elif self._kept and not self.raw and not self._completes_kept(data):
            self._kept.append(data)
            self._kept_size += len(data)
        else:
            self._buffer = data
            self._offset = 0

    def keep(self, data: bytes) -> bool:
        """Take in `data` if all it does is make an unfinished line longer, within the limit; whether it was taken."""
        if self.last_octet in data or not self._kept or self._offset < len(self._buffer):
            return False
        size = self._kept_size + len(data)
        if size > self.max_length:
            return False
        self._kept.append(data)
        self._kept_size = size
        return True

    def next_event(self) -> bytes | None:
        """The next line without its delimiter, or all raw data there is while `raw`; None: more is needed.

        Raises LineTooLong once per line that is. A whole one is passed over, one that has not ended yet is
        dropped as far as it came.
        """
        if self.raw:
            return self.clear() or None
        if self._kept:
            self._join_kept()
        buffer = self._buffer
        start = self._offset
        end = buffer.find(self.delimiter, start)
        while end < 0:
            if not self._waiting:
                self._keep_rest()
                return None
            self._buffer = buffer = b"".join((buffer[start:], *self._waiting))
            self._waiting.clear()
            start = 0
            end = buffer.find(self.delimiter)
        self._offset = after = end + len(self.delimiter)
        self.is_empty = after == len(buffer) and not self._waiting
        if end - start > self.max_length:
            raise LineTooLong(buffer[start:end], self.max_length, is_whole=True)
        return buffer[start:end]

    def receive_lines(self, data: bytes) -> list[bytes] | None:
        """Take in `data`; all lines it completes, at once. For those who are never in raw mode.

        None when one of them is too long: then ask `next_event`, which says which.
        """
        if not self.is_empty:
            self.feed(data)
            if self._offset == len(self._buffer):
                return [] if self._kept_size < self.max_length + len(self.delimiter) else None
            data = self.clear()
        lines = data.split(self.delimiter)
        if len(data) > self.max_length and not self._fit(lines):
            self.feed(data)
            return None
        rest = lines.pop()
        if rest:
            self._kept.append(rest)
            self._kept_size = len(rest)
            self.is_empty = False
        return lines

    def _fit(self, lines: list[bytes]) -> bool:
        """Whether all `lines` are within the limit; the last one, unfinished, may have some of its delimiter."""
        if max(map(len, lines)) <= self.max_length:
            return True
        return (
            len(lines[-1]) < self.max_length + len(self.delimiter)
            and max(map(len, lines[:-1]), default=0) <= self.max_length
        )

    def clear(self) -> bytes:
        """Take out everything held back, uncut."""
        data = b"".join((*self._kept, self._buffer[self._offset :], *self._waiting))
        self._kept.clear()
        self._kept_size = 0
        self._buffer = b""
        self._offset = 0
        self._waiting.clear()
        self.is_empty = True
        return data

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

    def _join_kept(self) -> None:
        """Put the pieces before what is being cut, when their line ends there; else only watch the limit."""
        if self._offset < len(self._buffer):
            self._buffer = b"".join((*self._kept, self._buffer[self._offset :]))
            self._offset = 0
            self._kept.clear()
            self._kept_size = 0

    def _keep_rest(self) -> None:
        """Keep what no delimiter was found in, within the limit."""
        rest = self._buffer[self._offset :]
        self._buffer = b""
        self._offset = 0
        if rest:
            self._kept.append(rest)
            self._kept_size += len(rest)
        self.is_empty = not self._kept
        # All but the last octet of the delimiter may be here already, and are not the line's.
        if self._kept_size >= self.max_length + len(self.delimiter):
            raise LineTooLong(self.clear(), self.max_length, is_whole=False)
