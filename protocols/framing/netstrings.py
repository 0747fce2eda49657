"""Netstrings: strings that say their length in decimal before they begin."""

from __future__ import annotations

from .errors import NetstringParseError, shown

MAX_NETSTRING = 99999
"""Octets of a string: the most that five digits can say, Twisted's limit."""

COMMA, ZERO = b",0"


def encode_netstring(string: bytes) -> bytes:
    """`string` as a netstring: ``b"abc"`` is ``b"3:abc,"``."""
    return b"%d:%b," % (len(string), string)


class NetstringFraming:
    """Takes netstrings apart (http://cr.yp.to/proto/netstrings.txt).

    ::

        netstring = length ":" *OCTET ","   ; as many octets as `length` says
        length    = "0" / (%x31-39 *DIGIT)  ; no leading zeros, no sign, no blanks

    After an error nothing is taken any more: where the next string would begin cannot be known.
    """

    __slots__ = ("_head", "_missing", "_most_digits", "_pieces", "_problem", "max_length")

    def __init__(self, max_length: int = MAX_NETSTRING) -> None:
        """`max_length` is in octets of the string itself."""
        self.change_limit(max_length)
        # The digits of a length whose colon has not come.
        self._head = b""
        # Octets of the string that have not come, its comma excluded; -1: its length is not known yet.
        self._missing = -1
        self._pieces: list[bytes] = []
        self._problem: str | None = None

    def change_limit(self, max_length: int) -> None:
        """Let strings have `max_length` octets, from the next length on that is received."""
        self.max_length = max_length
        self._most_digits = len(str(max_length))

    def receive_data(self, data: bytes) -> list[bytes]:
        """Take in `data`; the strings it completes. Raises NetstringParseError, from then on always."""
        missing = self._missing
        size = len(data)
        if missing > size:
            # All of it is in the midst of a string.
            self._pieces.append(data)
            self._missing = missing - size
            return []
        strings: list[bytes] = []
        if self._problem is not None:
            raise self._refuse(self._problem, strings)
        start = 0
        while start < size:
            if missing < 0:
                start = self._receive_length(data, start, strings)
                missing = self._missing
                if missing < 0:
                    break
            end = start + missing
            if end >= size:
                # One octet past `end` is the comma's, so the string is not over.
                self._pieces.append(data[start:])
                self._missing = end - size
                break
            if data[end] != COMMA:
                raise self._refuse(f"a netstring ends in a comma, not in {data[end : end + 1]!r}", strings)
            strings.append(self._completed(data[start:end]) if self._pieces else data[start:end])
            self._missing = missing = -1
            start = end + 1
        return strings

    def _completed(self, last: bytes) -> bytes:
        """The string of which `last` is the last piece."""
        self._pieces.append(last)
        string = b"".join(self._pieces)
        self._pieces.clear()
        return string

    def _receive_length(self, data: bytes, start: int, strings: list[bytes]) -> int:
        """Take a length, or what there is of it, from `start` on; where the string begins, or `data` ends."""
        # Of a number with more digits than the limit has, no more than that need be seen.
        end = start + self._most_digits + 1 - len(self._head)
        colon = data.find(b":", start, end)
        head = self._head + data[start : colon if colon >= 0 else end]
        if not head.isdigit() or (head[0] == ZERO and len(head) > 1):
            raise self._refuse(f"a netstring begins with its length, not with {shown(head or b':')}", strings)
        length = int(head)
        if length > self.max_length:
            raise self._refuse(
                f"a netstring begins with {shown(head)}, the limit is {self.max_length} octets", strings
            )
        if colon < 0:
            self._head = head
            return len(data)
        self._head = b""
        self._missing = length
        return colon + 1

    def _refuse(self, problem: str, before: list[bytes]) -> NetstringParseError:
        """Keep nothing any more, and say why; `before` are the strings that came whole."""
        self._problem = problem
        self._head = b""
        self._missing = -1
        self._pieces.clear()
        return NetstringParseError(problem, before)
