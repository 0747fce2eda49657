"""A descriptor that becomes readable when another thread, or a signal handler, asks for it."""

from __future__ import annotations

import os


class Waker:
    """A pipe: `wake` at one end makes the other readable, once until it is drained."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._pending = False

    def fileno(self) -> int:
        """The descriptor to watch for reading."""
        return self._reader

    def wake(self) -> None:
        """Make it readable. For any thread; calls in quick succession cost one system call together."""
        if self._pending or self._writer == -1:
            return
        self._pending = True
        try:
            os.write(self._writer, b"\0")
        except BlockingIOError:
            pass  # full of unread wake-ups, so it is readable

    def drain(self) -> None:
        """Make it unreadable again."""
        try:
            while len(os.read(self._reader, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass  # drained
        # Only now, after reading: a wake in between is seen by the turn that called us.
        self._pending = False

    def close(self) -> None:
        """Close both ends; waking does nothing any more."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for fd in (reader, writer):
            if fd != -1:
                os.close(fd)

    def __del__(self) -> None:
        # A program that ends does not close its reactor first, and need not.
        self.close()
