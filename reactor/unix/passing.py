"""How open descriptors travel over a Unix socket: with the octet of data that was written next.

The system carries a descriptor with some data, and hands both out together: what was written before the
descriptor may come with it, what was written after its own portion never does. So a descriptor arrives in
time for the data that speaks of it.
"""

from __future__ import annotations

import errno
import os
import socket
from array import array
from collections import deque
from collections.abc import Iterable
from typing import Any

#: Descriptors that Linux carries with one portion of data at most (SCM_MAX_FD, unix(7)).
MOST_AT_ONCE = 253

#: Octets to have ready for them when receiving.
SPACE = socket.CMSG_SPACE(MOST_AT_ONCE * array("i").itemsize)

Ancillary = list[tuple[int, int, bytes]]


class Waiting:
    """Duplicates of descriptors that wait for the octet that carries them, each for one of its own."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, descriptor: int, position: int) -> None:
        """Keep a duplicate until octet number `position` of the stream, or a later one, can carry it."""
        last = self._waiting[-1][0] if self._waiting else -1
        self._waiting.append((max(position, last + 1), duplicate(descriptor)))

    @property
    def next_at(self) -> int:
        """The number of the octet that carries the first one."""
        return self._waiting[0][0]

    @property
    def next_but_one_at(self) -> int | None:
        """The number of the octet that carries the second one, if there is one."""
        return self._waiting[1][0] if len(self._waiting) > 1 else None

    def are_carried_before(self, position: int) -> bool:
        """Whether each of them has its octet before octet number `position`."""
        return not self._waiting or self._waiting[-1][0] < position

    @property
    def message(self) -> list[tuple[int, int, array[int]]]:
        """The first one, as sendmsg(2) takes it."""
        return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [self._waiting[0][1]]))]

    def drop_first(self) -> None:
        """The first one is on its way: our duplicate is not needed any more."""
        os.close(self._waiting.popleft()[1])

    def drop_all(self) -> None:
        """Nothing will be sent any more."""
        while self._waiting:
            self.drop_first()


def duplicate(descriptor: Any) -> int:
    """A duplicate of an open descriptor: a number, or an object with `fileno`.

    Raises TypeError, ValueError when it is not open, OSError when the process cannot have another one.
    """
    number = descriptor if isinstance(descriptor, int) else getattr(descriptor, "fileno", lambda: None)()
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"sendFileDescriptor() takes the number of an open descriptor, not {descriptor!r}")
    try:
        return os.dup(number)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        raise ValueError(
            f"sendFileDescriptor() takes an open descriptor, and {number} is not open"
        ) from error


def descriptors_in(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a message, in order. They are open, and the caller's to close."""
    found: list[int] = []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array("i")
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
            found += numbers
    return found


def receive(sock: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Data, at most `size` octets, and the descriptors that came with it. Raises OSError."""
    # Not to be inherited by children, as with everything else that Python opens.
    data, ancillary, _, _ = sock.recvmsg(size, SPACE, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
    return data, descriptors_in(ancillary)
