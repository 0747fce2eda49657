"""A descriptor that becomes readable when another thread, or a signal handler, writes to it."""

from __future__ import annotations

import socket


class Waker:
    """A pair of sockets: `wake` at one end makes the other readable, once until it is drained.

    Sockets rather than a pipe, because select on Windows takes nothing else.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._pending = False

    def fileno(self) -> int:
        """The descriptor to watch for reading."""
        return self._reader.fileno()

    def wake(self) -> None:
        """Make it readable. For any thread; calls in quick succession cost one system call together."""
        if self._pending:
            return
        self._pending = True
        try:
            self._writer.send(b"\0")
        except BlockingIOError:
            pass  # full of unread wake-ups, so it is readable
        except OSError:
            if self._writer.fileno() != -1:
                raise
            # closed: nobody waits any more

    def drain(self) -> None:
        """Make it unreadable again."""
        try:
            while len(self._reader.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass  # drained
        # Only now, after reading: a wake in between is seen by the turn that called us.
        self._pending = False

    def close(self) -> None:
        """Close both ends."""
        self._pending = False
        self._reader.close()
        self._writer.close()
