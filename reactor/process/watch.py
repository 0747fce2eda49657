"""Noticing that a child process has ended, and collecting its status: each by its own id, never all at once.

Children of asyncio, of `subprocess` and of other libraries live in the same process, so nobody may wait for
"any child". Linux gives a descriptor for a process (pidfd_open(2)), which is watched like any other. Without
it a thread waits for that one child: a handler of SIGCHLD could be installed in the main thread only, would
take the place of another library's, and would have to look at every child for every signal.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core import Reactor

log = logging.getLogger("wirelab.reactor")


class ExitWatch:
    """Calls `ended` in `context`, once, when the process `pid` has ended.

    `status` is the system's raw status (see `os.waitstatus_to_exitcode`); None before that, and for good when
    somebody else has collected it. `is_over` says that the process is gone and `pid` may be another one's.
    """

    def __init__(self, reactor: Reactor, pid: int, ended: Callable[[], object], context: Context) -> None:
        self._reactor = reactor
        self._pid = pid
        self._ended = ended
        self._context = context
        self._fd = -1
        self._is_told = False
        self.status: int | None = None
        self.is_over = False
        _watches.add(self)

    def start(self) -> None:
        """Begin to watch."""
        try:
            self._fd = os.pidfd_open(self._pid)
            self._reactor.driver.add_reader(self._fd, self.check, self._context)
        except (AttributeError, OSError, ValueError) as reason:
            # None on this system, no descriptor left, or a number too high for select.
            self._close()
            log.debug("no descriptor for process %d, a thread waits for it: %s", self._pid, reason)
            self._start_thread()

    def _start_thread(self) -> None:
        wait = self._wait if hasattr(os, "waitid") else self._wait_and_collect
        threading.Thread(target=wait, name=f"waits for process {self._pid}", daemon=True).start()

    def _wait(self) -> None:
        try:
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass  # collected in the meantime
        self._reactor.callFromThread(self._reactor.call_in, self._context, self.check)

    def _wait_and_collect(self) -> None:
        # Without waitid(2) the status cannot be left for later. Between the two lines the number of the
        # process is free, which matters only if the system gives it to another one at once.
        status: int | None = None
        try:
            status = os.waitpid(self._pid, 0)[1]
        except ChildProcessError:
            pass
        self.status, self.is_over = status, True
        self._reactor.callFromThread(self._reactor.call_in, self._context, self.check)

    def check(self) -> None:
        """See whether it has ended, and tell so if that was not told."""
        if self.collect() and not self._is_told:
            self._is_told = True
            self._close()
            self._ended()

    def collect(self) -> bool:
        """Whether the process has ended. If it has, its status is collected and it is no zombie any more."""
        if not self.is_over:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                self.is_over = True
                log.warning("somebody else has collected the exit status of process %d", self._pid)
            else:
                if pid:
                    self.status, self.is_over = status, True
        if self.is_over:
            _watches.discard(self)
        return self.is_over

    def collect_soon(self) -> None:
        """Have the reactor look, in its own thread."""
        self._reactor.callFromThread(self._reactor.call_in, self._context, self.check)

    def abandon(self) -> None:
        """The reactor is going: nobody will be told. The status is collected when anybody asks next."""
        self._is_told = True
        self._close()
        if not self.collect():
            _watches.discard(self)
            _abandoned.append(self)

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd != -1:
            self._reactor.driver.remove_reader(fd)
            os.close(fd)


# The children of this process are one set, whatever reactors there are.
_watches: weakref.WeakSet[ExitWatch] = weakref.WeakSet()
_abandoned: list[ExitWatch] = []


def reapAllProcesses() -> None:
    """Look at all children that were started here, in case the end of one was not noticed by itself.

    For programs that know the name; nothing here depends on it. May be called from any thread.
    """
    reap_abandoned()
    for watch in list(_watches):
        watch.collect_soon()


def reap_abandoned() -> None:
    """Collect the children whose reactor was closed before they ended."""
    _abandoned[:] = [watch for watch in _abandoned if not watch.collect()]
