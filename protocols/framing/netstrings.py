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
        if missing > len(data):
            # All of it is in the midst of a string.
            self._pieces.append(data)
            self._missing = missing - len(data)
            return []
        if self._problem is not None:
            raise NetstringParseError(self._problem)
        strings: list[bytes] = []
        try:
            self._parse(data, strings)
        except NetstringParseError as error:
            self._problem = str(error)
            self._head = b""
            self._missing = -1
            self._pieces.clear()
            error.before = strings
            raise
        return strings

    def _parse(self, data: bytes, strings: list[bytes]) -> None:
        """Take `data` apart, adding to `strings`."""
        start = 0
        size = len(data)
        missing = self._missing
        while start < size:
            if missing < 0:
                start = self._parse_length(data, start)
                missing = self._missing
                if missing < 0:
                    return
            end = start + missing
            if end >= size:
                # One octet past `end` is the comma's, so the string is not over.
                self._pieces.append(data[start:])
                self._missing = end - size
                return
            if data[end] != COMMA:
                raise NetstringParseError(f"a netstring ends in a comma, not in {data[end : end + 1]!r}")
            string = data[start:end]
            if self._pieces:
                self._pieces.append(string)
                string = b"".join(self._pieces)
                self._pieces.clear()
            strings.append(string)
            self._missing = missing = -1
            start = end + 1

    def _parse_length(self, data: bytes, start: int) -> int:
        """Take a length, or what there is of it, from `start` on; where the string begins, or `data` ends."""
        # Of a number with more digits than the limit has, no more than that need be seen.
        most = self._most_digits
        end = start + most + 1
        if self._head:
            end -= len(self._head)
        colon = data.find(b":", start, end)
        head = data[start : colon if colon >= 0 else end]
        if self._head:
            head = self._head + head
            self._head = b""
        if not head.isdigit() or (head[0] == ZERO and len(head) > 1):
            raise NetstringParseError(f"a netstring begins with its length, not with {shown(head or b':')}")
        length = int(head)
        if length > self.max_length or len(head) > most:
            raise NetstringParseError(
                f"a netstring begins with {shown(head)}, the limit is {self.max_length} octets"
            )
        if colon < 0:
            self._head = head
            return len(data)
        self._missing = length
        return colon + 1
