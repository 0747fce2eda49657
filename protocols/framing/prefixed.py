"""Strings behind a binary length of fixed size."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from .errors import StringTooLongError, TooLongAnnounced

MAX_STRING = 99999
"""Octets of a string: Twisted's limit, the same as for netstrings."""

BATCH = 64
"""Strings cut at once: enough to make a single one cheap, few to cut again when the reader pauses."""


class PrefixedFraming:
    """Takes strings apart that follow their own length, an unsigned number in network byte order.

    ::

        message = length *OCTET     ; `length`: 1, 2, 4 or 8 octets, as the struct format says

    `receive_data` is for those who take all there is. Who may pause in the middle feeds data and asks for
    `next_strings`.
    """

    __slots__ = (
        "_pieces",
        "_size",
        "_start",
        "_wanted",
        "error",
        "is_empty",
        "max_length",
        "prefix",
        "unpack_from",
        "width",
    )

    def __init__(self, struct_format: str = "!I", max_length: int = MAX_STRING) -> None:
        """`struct_format` is of one integer, as in the module `struct`; `max_length` excludes the prefix."""
        self.prefix = struct.Struct(struct_format)
        self.width = self.prefix.size
        self.unpack_from = self.prefix.unpack_from
        self.max_length = max_length
        # True: nothing is held, the next octet received is the first of a prefix.
        self.is_empty = True
        # What is held: pieces of `_size` octets in all, the first `_start` of them delivered. Before
        # `_wanted` octets are there, no string is whole.
        self._pieces: list[bytes] = []
        self._size = 0
        self._start = 0
        self._wanted = self.width
        # The refusal, once there was one: where the next string would begin is of no interest any more.
        self.error: TooLongAnnounced | None = None

    def encode(self, string: bytes) -> bytes:
        """`string` behind its length. Raises StringTooLongError when the prefix cannot say it."""
        try:
            return self.prefix.pack(len(string)) + string
        except struct.error:
            width = self.width
            raise StringTooLongError(
                f"a string of {len(string)} octets does not fit behind a length of {width} octets: "
                f"at most {256**width - 1}"
            ) from None

    def receive_data(self, data: bytes) -> Iterator[bytes]:
        """Take in `data`; the strings it completes, after those not asked for before.

        The iterator raises TooLongAnnounced where a length is over the limit, and from then on always.
        """
        self.feed(data)
        while strings := self.next_strings():
            yield from strings

    def feed(self, data: bytes) -> bool:
        """Take in `data`; whether `next_strings` has something to say. After a refusal nothing is kept."""
        if isinstance(data, str):
            raise TypeError("bytes are received, not str: encode it first, for example text.encode()")
        if self.error is not None:
            return True
        if self.is_empty:
            if not data:
                return False
            self.is_empty = False
            self._pieces = [data]
            self._size = size = len(data)
            self._start = 0
            return size >= self._wanted
        if data:
            self._pieces.append(data)
            self._size += len(data)
        return self._size - self._start >= self._wanted

    def next_strings(self) -> list[bytes]:
        """The next strings that are whole, at most `BATCH`; none when more data is needed.

        Raises TooLongAnnounced when a length over the limit comes next, and from then on always. Who stops
        before the last of them gives the others back with `give_back`, before anything else is done here.
        """
        if self.error is not None:
            raise self._refuse(self.error.length)
        strings: list[bytes] = []
        if self._size - self._start < self._wanted:
            return strings
        width = self.width
        unpack = self.unpack_from
        limit = self.max_length
        buffer = self._joined()
        size = len(buffer)
        start = self._start
        length = 0
        self._wanted = width
        for _ in range(BATCH):
            body = start + width
            if body > size:
                break
            (length,) = unpack(buffer, start)
            end = body + length
            if end > size or length > limit:
                if length <= limit:
                    self._wanted = end - start
                elif not strings:
                    raise self._refuse(length)
                break
            strings.append(buffer[body:end])
            start = end
        self._start = start
        self.is_empty = start == size
        return strings

    def give_back(self, strings: Sequence[bytes]) -> None:
        """Take back the last of the strings that `next_strings` gave."""
        if strings:
            self._start -= sum(map(len, strings)) + len(strings) * self.width
            self._wanted = self.width
            self.is_empty = False

    def clear(self) -> bytes:
        """Take out everything not delivered, prefixes included; afterwards all is as in the beginning."""
        data = self.peek()
        self._pieces.clear()
        self._size = 0
        self._start = 0
        self.is_empty = True
        self._wanted = self.width
        self.error = None
        return data

    def peek(self) -> bytes:
        """Everything not delivered, prefixes included; it stays."""
        return b"".join(self._pieces)[self._start :]

    def _refuse(self, length: int) -> TooLongAnnounced:
        self.error = TooLongAnnounced(length, self.max_length)
        return self.error

    def _joined(self) -> bytes:
        """What is held as one piece, without what was delivered when there were several."""
        pieces = self._pieces
        if len(pieces) > 1:
            pieces[0] = pieces[0][self._start :]
            pieces[:] = [b"".join(pieces)]
            self._start = 0
            self._size = len(pieces[0])
        return pieces[0]
