"""Noticing that the process which started the kernel is gone, without asking every second."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable


class ParentWatch(threading.Thread):
    """Calls `on_end`, in this thread, when process `pid` has ended.

    The thread sleeps in one system call for all that time. Raises OSError when there is no such process.
    """

    def __init__(self, pid: int, on_end: Callable[[], None]) -> None:
        super().__init__(name="Parent watch", daemon=True)
        self._descriptor = os.pidfd_open(pid)  # counts as readable once the process has ended
        self._on_end = on_end

    @staticmethod
    def is_supported() -> bool:
        """Whether this system can wait for the end of any process: Linux 5.3 and later."""
        return hasattr(os, "pidfd_open")

    def run(self) -> None:
        select.select([self._descriptor], [], [])
        os.close(self._descriptor)
        self._on_end()
