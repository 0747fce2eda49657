"""The bytes of a conversation that are not read yet, with the reads that wait for them.

No transport, no clock and no Deferred: put bytes in with `receive_data` and `receive_end`, reads with `ask`,
then take answers from `next_answer` until there are none. Reads are answered in the order in which they
asked; one that is withdrawn, or that fails, takes nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .errors import EndedError, LocalClosedError, LocalLimitError, RemoteClosedError, shortened

LINE_LIMIT = 1 << 20
"""Bytes that `Until` looks through when it is given no limit: as much as one conversation holds anyway."""

HIGH_WATER = 1 << 20
"""Bytes that may wait unread before the peer is made to wait: several windows of a fast local connection."""

LOW_WATER = HIGH_WATER // 2
"""Bytes down to which must be read before more is let in: far enough below to not switch at every read."""


@dataclass(frozen=True)
class Span:
    """How many bytes from the front answer a read: of `taken` that leave the buffer it is given `given`."""

    given: int
    taken: int


@dataclass(eq=False)
class Some:
    """As much as there is, `most` bytes at most; None means all of it."""

    most: int | None = None

    def find(self, data: bytearray) -> Span | None:
        """What answers it in `data`; None while nothing does."""
        if not data:
            return None
        length = len(data) if self.most is None else min(self.most, len(data))
        return Span(length, length)

    def __str__(self) -> str:
        return "anything"


@dataclass(eq=False)
class Exactly:
    """Exactly `count` bytes."""

    count: int

    def find(self, data: bytearray) -> Span | None:
        """What answers it in `data`; None while nothing does."""
        return Span(self.count, self.count) if len(data) >= self.count else None

    def __str__(self) -> str:
        return f"{self.count} bytes"


@dataclass(eq=False)
class Until:
    """All up to and with `delimiter`, `limit` bytes at most.

    With `is_line` the delimiter is left out, and so is a CR in front of it.
    """

    delimiter: bytes
    limit: int = LINE_LIMIT
    is_line: bool = False
    # How far the delimiter has been looked for: one-byte fragments must not make the search quadratic.
    _searched: int = field(default=0, repr=False)

    def find(self, data: bytearray) -> Span | None:
        """What answers it in `data`; None while nothing does. Raises LocalLimitError beyond `limit`."""
        at = data.find(self.delimiter, self._searched, self.limit + len(self.delimiter))
        if at < 0:
            if len(data) >= self.limit + len(self.delimiter):
                raise LocalLimitError(
                    f"no {self} within {self.limit} bytes, which is the limit: recv() gives what is there "
                    f"({shortened(bytes(data[:20]), 40)}...)",
                    self.limit,
                )
            self._searched = max(0, len(data) - len(self.delimiter) + 1)
            return None
        taken = at + len(self.delimiter)
        if not self.is_line:
            return Span(taken, taken)
        return Span(at - 1 if at and data[at - 1] == 13 else at, taken)

    def __str__(self) -> str:
        return "line" if self.is_line else shortened(self.delimiter, 40)


Want = Some | Exactly | Until
Answer = tuple[Want, bytes | Exception]


class ReadBuffer:
    """What has come in and is not read yet, and the reads that wait, the oldest first."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._wants: deque[Want] = deque()
        self._end: Exception | None = None
        self._is_ended = False
        self._is_local_end = False
        self._is_full = False

    def __len__(self) -> int:
        return len(self._data)

    @property
    def is_ended(self) -> bool:
        """Nothing more will come in."""
        return self._is_ended

    @property
    def is_full(self) -> bool:
        """The peer should wait: so much is unread, and no read waits for more of it.

        It becomes true at `HIGH_WATER` and stays so down to `LOW_WATER`. A read that waits for more than
        that (`Exactly` of a big number) lets it in.
        """
        mark = LOW_WATER if self._is_full else HIGH_WATER
        self._is_full = len(self._data) >= mark and not self._wants
        return self._is_full

    def peek(self, most: int = 20) -> bytes:
        """The first `most` unread bytes, which stay unread."""
        return bytes(self._data[:most])

    def receive_data(self, data: bytes) -> None:
        """Bytes came in."""
        self._data += data

    def receive_end(self, error: Exception | None = None, *, is_local: bool = False) -> None:
        """Nothing more comes in: `error` says why, None means a clean end, `is_local` that this side made it.

        A second end changes nothing, except that an error replaces a clean end.
        """
        if not self._is_ended:
            self._is_local_end = is_local
        self._is_ended = True
        self._end = self._end or error

    def ask(self, want: Want) -> None:
        """Queue a read."""
        self._wants.append(want)

    def withdraw(self, want: Want) -> None:
        """Forget a read that waits, and leave all bytes to the next; one that was answered is ignored."""
        if want in self._wants:
            self._wants.remove(want)

    def put_back(self, data: bytes) -> None:
        """Put bytes that an answer gave out, but nobody took, back to the front."""
        self._data[:0] = data
        for want in self._wants:
            if isinstance(want, Until):
                want._searched = 0

    def next_answer(self) -> Answer | None:
        """The oldest read with its bytes, or with the error that ends its wait; None while it has to wait."""
        if not self._wants:
            return None
        result = self._answer(self._wants[0])
        return None if result is None else (self._wants.popleft(), result)

    def _answer(self, want: Want) -> bytes | Exception | None:
        try:
            span = want.find(self._data)
        except LocalLimitError as error:
            return error
        if span is not None:
            given = bytes(self._data[: span.given])
            del self._data[: span.taken]
            return given
        if not self._is_ended:
            return None
        if self._end is not None:
            return self._end
        return b"" if isinstance(want, Some) else self._ended(want)

    def _ended(self, want: Want) -> EndedError:
        what = f"a {want}" if isinstance(want, Until) and want.is_line else str(want)
        rest = len(self._data)
        left = f"; {rest} bytes are left, and recv() gives them: {shortened(self.peek(30))}" if rest else ""
        if self._is_local_end:
            return LocalClosedError(f"closed here before {what} came{left}", bytes(self._data))
        return RemoteClosedError(f"the peer closed before {what} came{left}", bytes(self._data))
