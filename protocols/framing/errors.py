"""What can be wrong with a frame, and whose fault it is."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 40
"""Octets of an offending value that a message shows: enough to recognise it in a trace."""


def shown(data: bytes) -> str:
    """`data` for a message: its beginning, and how much there is of it."""
    if len(data) <= SHOWN:
        return repr(data)
    return f"{data[:SHOWN]!r}... ({len(data)} octets)"


class FramingError(ValueError):
    """A message cannot be framed, or what came cannot be taken apart."""


class LocalFramingError(FramingError):
    """The caller's fault: this cannot be sent."""


class StringTooLongError(LocalFramingError, AssertionError):
    """A string does not fit into the length prefix it would be sent with."""


class RemoteFramingError(FramingError):
    """The peer's fault: what it sent is not what was agreed. Close the connection.

    `before` are the messages that came whole before it in the same data; they count, deliver them first.
    """

    def __init__(self, message: str, before: Sequence[bytes] = ()) -> None:
        super().__init__(message)
        self.before = before


class NetstringParseError(RemoteFramingError):
    """What came is not a netstring, or one longer than the limit."""


class TooLongAnnounced(RemoteFramingError):
    """A length prefix of `length` octets, more than `limit`."""

    def __init__(self, length: int, limit: int, before: Sequence[bytes] = ()) -> None:
        super().__init__(f"a string of {length} octets was announced, the limit is {limit}", before)
        self.length = length
        self.limit = limit


class LineTooLong(RemoteFramingError):
    """A line of more than `limit` octets.

    `line` is the line, delimiter excluded; when `is_whole` is false its end has not come yet, and what
    comes next will be taken for a new line.
    """

    def __init__(self, line: bytes, limit: int, *, is_whole: bool) -> None:
        super().__init__(f"the line {shown(line)} is longer than {limit} octets")
        self.line = line
        self.limit = limit
        self.is_whole = is_whole
